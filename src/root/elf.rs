//! The little of ELF that says whether a program can start: machine, and interpreter.
//!
//! Strict, and bounded: 64 bits, little-endian, headers of the one size that there is.

use std::io;

use crate::config::System;

/// What begins an ELF file.
pub(super) const MAGIC: &[u8] = b"\x7fELF";

const HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;
/// Real programs have about a dozen.
const MAX_PROGRAM_HEADERS: usize = 1024;
const MAX_INTERPRETER: u64 = 4096;
const PT_INTERP: u32 = 3;
/// `e_type` of programs; those that may lie anywhere count as shared objects.
const EXECUTABLE: u16 = 2;
const SHARED: u16 = 3;

/// A program's needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Elf {
    pub(super) machine: Machine,
    /// Whether it begins somewhere; objects and most libraries do not.
    pub(super) starts: bool,
    /// The dynamic linker; `None`: it is static.
    pub(super) interpreter: Option<Vec<u8>>,
}

/// What a program runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Machine {
    System(System),
    /// `e_machine`, or 0 for what is not 64-bit little-endian.
    Other(u16),
}

impl std::fmt::Display for Machine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::System(system) => system.fmt(formatter),
            Self::Other(0) => formatter.write_str("a 32-bit or big-endian machine"),
            Self::Other(number) => write!(formatter, "ELF machine {number}"),
        }
    }
}

/// Why the headers can't be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ElfError {
    #[error("its ELF header is damaged: {0}")]
    Damaged(&'static str),
    #[error(transparent)]
    Read(#[from] io::Error),
}

/// Reads the headers through `read`, which yields up to as many bytes from an offset as are asked for.
pub(super) fn parse(mut read: impl FnMut(u64, usize) -> io::Result<Vec<u8>>) -> Result<Elf, ElfError> {
    let header = exact(&mut read, 0, HEADER)?;
    if !header.starts_with(MAGIC) {
        return Err(ElfError::Damaged("it does not begin as one"));
    }
    if header[4..6] != [2, 1] {
        return Ok(Elf { machine: Machine::Other(0), starts: false, interpreter: None });
    }
    let machine = match u16_at(&header, 18) {
        62 => Machine::System(System::X86_64Linux),
        183 => Machine::System(System::Aarch64Linux),
        other => Machine::Other(other),
    };
    let starts = matches!(u16_at(&header, 16), EXECUTABLE | SHARED) && u64_at(&header, 24) != 0;
    let (offset, entry_size, count) = (u64_at(&header, 32), u16_at(&header, 54), usize::from(u16_at(&header, 56)));
    if count == 0 {
        return Ok(Elf { machine, starts, interpreter: None });
    }
    if usize::from(entry_size) != PROGRAM_HEADER || count > MAX_PROGRAM_HEADERS {
        return Err(ElfError::Damaged("the program headers have an impossible size"));
    }
    let table = exact(&mut read, offset, count * PROGRAM_HEADER)?;
    let interpreter = table.chunks_exact(PROGRAM_HEADER).find(|entry| u32_at(entry, 0) == PT_INTERP);
    let Some(entry) = interpreter else {
        return Ok(Elf { machine, starts, interpreter: None });
    };
    let (offset, size) = (u64_at(entry, 8), u64_at(entry, 32));
    let size = usize::try_from(size.min(MAX_INTERPRETER + 1)).unwrap_or(usize::MAX);
    if size as u64 > MAX_INTERPRETER {
        return Err(ElfError::Damaged("the interpreter's path is too long"));
    }
    let mut path = exact(&mut read, offset, size)?;
    if path.pop() != Some(0) || path.is_empty() || path.contains(&0) {
        return Err(ElfError::Damaged("the interpreter is no path"));
    }
    Ok(Elf { machine, starts, interpreter: Some(path) })
}

fn exact(
    read: &mut impl FnMut(u64, usize) -> io::Result<Vec<u8>>,
    offset: u64,
    length: usize,
) -> Result<Vec<u8>, ElfError> {
    let bytes = read(offset, length)?;
    if bytes.len() == length { Ok(bytes) } else { Err(ElfError::Damaged("it is cut off")) }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A program of nothing but headers.
    pub(in crate::root) fn program(machine: u16, interpreter: Option<&str>) -> Vec<u8> {
        let mut bytes = vec![0; HEADER + PROGRAM_HEADER];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[16] = 2;
        bytes[24] = 1;
        bytes[18..20].copy_from_slice(&machine.to_le_bytes());
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = 1;
        if let Some(interpreter) = interpreter {
            bytes[HEADER] = 3;
            bytes[HEADER + 8] = 120;
            bytes[HEADER + 32..HEADER + 34]
                .copy_from_slice(&(u16::try_from(interpreter.len()).unwrap() + 1).to_le_bytes());
            bytes.extend(interpreter.as_bytes());
            bytes.push(0);
        }
        bytes
    }

    fn parse_bytes(bytes: &[u8]) -> Result<Elf, ElfError> {
        parse(|offset, length| {
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
            Ok(bytes[start..start.saturating_add(length).min(bytes.len())].to_vec())
        })
    }

    #[test]
    fn programs_say_what_they_need() {
        let elf = parse_bytes(&program(62, Some("/lib64/ld.so"))).unwrap();
        assert_eq!(elf.machine, Machine::System(System::X86_64Linux));
        assert_eq!(elf.interpreter.as_deref(), Some(&b"/lib64/ld.so"[..]));
        let elf = parse_bytes(&program(183, None)).unwrap();
        assert_eq!((elf.machine, elf.interpreter), (Machine::System(System::Aarch64Linux), None));
        assert!(elf.starts);
        let mut object = program(183, None);
        object[16] = 1;
        assert!(!parse_bytes(&object).unwrap().starts);
        assert_eq!(parse_bytes(&program(243, None)).unwrap().machine, Machine::Other(243));
        let mut old = program(3, None);
        old[4] = 1;
        assert_eq!(parse_bytes(&old).unwrap().machine, Machine::Other(0));
    }

    #[test]
    fn this_very_test_is_a_program_of_this_machine() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let here = System::from_name(&format!("{}-linux", std::env::consts::ARCH)).unwrap();
        assert_eq!(parse_bytes(&bytes).unwrap().machine, Machine::System(here));
    }

    #[test]
    fn damaged_headers_are_refused() {
        let whole = program(62, Some("/lib64/ld.so"));
        for length in 0..whole.len() {
            assert!(matches!(parse_bytes(&whole[..length]), Err(ElfError::Damaged(_))), "{length}");
        }
        let broken = |at: usize, value: u8| {
            let mut bytes = whole.clone();
            bytes[at] = value;
            parse_bytes(&bytes).unwrap_err().to_string()
        };
        assert!(broken(54, 57).contains("impossible size"));
        assert!(broken(57, 0xff).contains("impossible size"));
        assert!(broken(39, 0xff).contains("cut off"));
        assert!(broken(HEADER + 39, 0xff).contains("too long"));
        assert!(broken(HEADER + 32, 12).contains("no path"));
    }

    proptest! {
        #[test]
        fn nothing_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..300), magic in any::<bool>()) {
            if magic && bytes.len() > 6 {
                bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
            }
            let _ = parse_bytes(&bytes);
        }
    }
}
