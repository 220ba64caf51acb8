//! The little of a shared library that the dynamic linker's cache is made of: kind, name, and needed processor.
//!
//! Bounded: whatever a file says of itself, no more than some 100 kB of it are read.

use std::io;

use crate::config::System;

use super::bytes::{needed_isa, number};

const MAGIC: &[u8] = b"\x7fELF";
const LITTLE_ENDIAN: u64 = 1;
/// `ldconfig` looks at nothing smaller than a 64-bit header.
const HEADER: usize = 64;
const MAX_PROGRAM_HEADERS: usize = 1024;
/// Real ones have some 50 entries of 16 bytes.
const MAX_DYNAMIC: usize = 64 << 10;
const MAX_PROPERTY: usize = 4096;
/// Longest name of a file.
const MAX_NAME: usize = 255;

const ET_DYN: u64 = 3;
const PT_LOAD: u64 = 1;
const PT_DYNAMIC: u64 = 2;
const PT_INTERP: u64 = 3;
const PT_GNU_PROPERTY: u64 = 0x6474_e553;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;
const DT_SONAME: u64 = 14;

/// A library of no known C library; 32-bit ones that don't name theirs.
const FLAG_ELF: u32 = 1;
/// A library of glibc.
const FLAG_LIBC6: u32 = 3;
const FLAG_X86_64: u32 = 0x0303;
const FLAG_X32: u32 = 0x0803;
const FLAG_AARCH64: u32 = 0x0a03;
const FLAG_ARM_HARD: u32 = 0x0903;
const FLAG_ARM_SOFT: u32 = 0x0b03;

/// What says that a 32-bit library is one of glibc.
const INTERPRETERS: [&[u8]; 3] = [b"/lib/ld-linux.so.2", b"/libx32/ld-linux-x32.so.2", b"/lib64/ld-linux-x86-64.so.2"];
const C_LIBRARIES: [&[u8]; 2] = [b"libc.so.6", b"libm.so.6"];

/// A shared library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Library {
    /// The cache's flags: C library, and machine.
    pub(super) flags: u32,
    /// What it calls itself; `None`: it doesn't.
    pub(super) soname: Option<Vec<u8>>,
    /// The x86-64 level that it says it needs, from 0.
    pub(super) isa_level: u32,
}

/// Reads a file's headers through `read`, which yields up to as many bytes from an offset as are asked for. `None` for
/// whatever `ldconfig` passes over: no library, one of another machine, a damaged one.
pub(super) fn parse(
    system: System,
    mut read: impl FnMut(u64, usize) -> io::Result<Vec<u8>>,
) -> io::Result<Option<Library>> {
    let header = read(0, HEADER)?;
    let Some(mut image) = Image::new(&header, system) else { return Ok(None) };
    let table = read(image.program_headers.0, image.program_headers.1 * image.class.program_header())?;
    image.segments = image.class.segments(&table);
    let Some(names) = Names::find(&image, &mut read)? else { return Ok(None) };
    let soname = match names.soname {
        Some(offset) => match names.text(offset, &mut read)? {
            Some(name) => Some(name),
            None => return Ok(None),
        },
        None => None,
    };
    let flags =
        if image.flags == FLAG_ELF && is_of_glibc(&image, &names, &mut read)? { FLAG_LIBC6 } else { image.flags };
    let isa_level = image.isa_level(&mut read)?;
    Ok(Some(Library { flags, soname, isa_level }))
}

/// Width of addresses, and with it the layout of all tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Bits32,
    Bits64,
}

/// A program header.
#[derive(Debug, Clone, Copy)]
struct Segment {
    kind: u64,
    offset: u64,
    address: u64,
    size: u64,
}

impl Class {
    fn of(header: &[u8]) -> Option<Self> {
        match number(header, 4, 1)? {
            1 => Some(Self::Bits32),
            2 => Some(Self::Bits64),
            _ => None,
        }
    }

    const fn word(self) -> usize {
        match self {
            Self::Bits32 => 4,
            Self::Bits64 => 8,
        }
    }

    const fn program_header(self) -> usize {
        match self {
            Self::Bits32 => 32,
            Self::Bits64 => 56,
        }
    }

    fn segments(self, table: &[u8]) -> Vec<Segment> {
        let [offset, address, size] = match self {
            Self::Bits32 => [4, 8, 16],
            Self::Bits64 => [8, 16, 32],
        };
        let segment = |entry: &[u8]| {
            let word = |at| number(entry, at, self.word());
            Some(Segment {
                kind: number(entry, 0, 4)?,
                offset: word(offset)?,
                address: word(address)?,
                size: word(size)?,
            })
        };
        table.chunks_exact(self.program_header()).filter_map(segment).collect()
    }
}

/// A library's headers.
struct Image {
    class: Class,
    flags: u32,
    /// Offset and number.
    program_headers: (u64, usize),
    segments: Vec<Segment>,
}

impl Image {
    fn new(header: &[u8], system: System) -> Option<Self> {
        let class = Class::of(header).filter(|_| header.len() == HEADER && header.starts_with(MAGIC))?;
        if number(header, 5, 1)? != LITTLE_ENDIAN || number(header, 16, 2)? != ET_DYN {
            return None;
        }
        let (offset, count) = match class {
            Class::Bits32 => (28, 44),
            Class::Bits64 => (32, 56),
        };
        let count = usize::try_from(number(header, count, 2)?).ok().filter(|count| *count <= MAX_PROGRAM_HEADERS)?;
        let program_headers = (number(header, offset, class.word())?, count);
        Some(Self { class, flags: flags(header, class, system)?, program_headers, segments: Vec::new() })
    }

    fn segment(&self, kind: u64) -> Option<Segment> {
        self.segments.iter().copied().find(|segment| segment.kind == kind)
    }

    /// Where the byte at `address` of the running program lies in the file.
    fn offset_of(&self, address: u64) -> u64 {
        let holds = |segment: &&Segment| {
            segment.kind == PT_LOAD && address.checked_sub(segment.address).is_some_and(|inner| inner < segment.size)
        };
        let shift = self.segments.iter().find(holds).map_or(0, |segment| segment.address.wrapping_sub(segment.offset));
        address.wrapping_sub(shift)
    }

    /// The highest level in the library's properties: bit 1 is x86-64-v2, and so on.
    fn isa_level(&self, read: &mut impl FnMut(u64, usize) -> io::Result<Vec<u8>>) -> io::Result<u32> {
        let Some(segment) = self.segment(PT_GNU_PROPERTY).filter(|_| self.class == Class::Bits64) else { return Ok(0) };
        let notes = read(segment.offset, usize::try_from(segment.size).unwrap_or(usize::MAX).min(MAX_PROPERTY))?;
        let needed = needed_isa(&notes).unwrap_or(0);
        Ok(needed.checked_ilog2().unwrap_or(0))
    }
}

/// What is known by the machine alone; 32-bit libraries of x86 say more elsewhere.
fn flags(header: &[u8], class: Class, system: System) -> Option<u32> {
    let machine = number(header, 18, 2)?;
    match (system, machine, class) {
        (System::X86_64Linux, 62, Class::Bits64) => Some(FLAG_X86_64),
        (System::X86_64Linux, 62, Class::Bits32) => Some(FLAG_X32),
        (System::X86_64Linux, 3, Class::Bits32) => Some(FLAG_ELF),
        (System::Aarch64Linux, 183, Class::Bits64) => Some(FLAG_AARCH64),
        (System::Aarch64Linux, 40, Class::Bits32) => match number(header, 36, 4)? {
            abi if abi >> 24 != 5 => Some(FLAG_ELF),
            abi if abi & 0x400 != 0 => Some(FLAG_ARM_HARD),
            abi if abi & 0x200 != 0 => Some(FLAG_ARM_SOFT),
            _ => Some(FLAG_ELF),
        },
        _ => None,
    }
}

/// The dynamic section's names, as offsets into its table of strings.
struct Names {
    strings: u64,
    soname: Option<u64>,
    needed: Vec<u64>,
}

impl Names {
    fn find(image: &Image, read: &mut impl FnMut(u64, usize) -> io::Result<Vec<u8>>) -> io::Result<Option<Self>> {
        let Some(segment) = image.segment(PT_DYNAMIC) else { return Ok(None) };
        let size = usize::try_from(segment.size).unwrap_or(usize::MAX).min(MAX_DYNAMIC);
        let bytes = read(segment.offset, size)?;
        let word = image.class.word();
        let entries = bytes
            .chunks_exact(2 * word)
            .filter_map(|entry| Some((number(entry, 0, word)?, number(entry, word, word)?)));
        let entries: Vec<(u64, u64)> = entries.take_while(|(tag, _)| *tag != 0).collect();
        let of = |wanted: u64| entries.iter().filter(move |(tag, _)| *tag == wanted).map(|(_, value)| *value);
        let strings = of(DT_STRTAB).next().map(|address| image.offset_of(address));
        Ok(strings.map(|strings| Self { strings, soname: of(DT_SONAME).next(), needed: of(DT_NEEDED).collect() }))
    }

    /// The name at an offset; `None` where it can't be the name of a file.
    fn text(
        &self,
        offset: u64,
        read: &mut impl FnMut(u64, usize) -> io::Result<Vec<u8>>,
    ) -> io::Result<Option<Vec<u8>>> {
        let Some(start) = self.strings.checked_add(offset) else { return Ok(None) };
        let mut bytes = read(start, MAX_NAME + 1)?;
        let end = bytes.iter().position(|&byte| byte == 0).filter(|end| *end > 0);
        bytes.truncate(end.unwrap_or(0));
        Ok(end.filter(|_| !bytes.contains(&b'/')).map(|_| bytes))
    }
}

/// Whether a 32-bit library of x86 is one of glibc: by its interpreter, or by what it needs.
fn is_of_glibc(
    image: &Image,
    names: &Names,
    read: &mut impl FnMut(u64, usize) -> io::Result<Vec<u8>>,
) -> io::Result<bool> {
    if let Some(segment) = image.segment(PT_INTERP) {
        let path = read(segment.offset, MAX_NAME + 1)?;
        let path = path.split(|&byte| byte == 0).next().unwrap_or_default();
        if INTERPRETERS.contains(&path) {
            return Ok(true);
        }
    }
    for offset in &names.needed {
        if names.text(*offset, read)?.is_some_and(|name| C_LIBRARIES.contains(&name.as_slice())) {
            return Ok(true);
        }
    }
    Ok(false)
}
