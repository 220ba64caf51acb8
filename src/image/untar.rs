//! Reads tar archives: ours, and those of other tools. Streaming and strict.
//!
//! Understands ustar, pax records and GNU long names. What it does not understand is an error, not a guess. The `tar` crate is not
//! used here because it ends a pax value at its first newline, and names with newlines are real.

use std::io::{self, Read};

use super::tar::{BLOCK, CAPABILITY};
use super::tree::Metadata;

/// Long names and pax records beyond this are refused.
const LARGEST_RECORD: u64 = 1 << 20;

/// Sizes beyond this, which no file system has, are refused: padded, they would not fit into 64 bits.
const LARGEST_FILE: u64 = u64::MAX >> 1;

/// One entry. Contents of a file are read from the [`TarReader`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TarEntry {
    /// As it stands in the archive, without trailing slashes.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: TarKind,
    /// Mode and ownership.
    pub metadata: Metadata,
    /// Seconds since the epoch.
    pub mtime: u64,
    /// The value of `security.capability`, where the file has capabilities.
    pub capability: Option<Vec<u8>>,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TarKind {
    /// A folder.
    Directory,
    /// A file of so many bytes.
    File(u64),
    /// A symbolic link.
    Symlink(Vec<u8>),
    /// Another name of an entry before.
    HardLink(Vec<u8>),
    /// A device, FIFO or the like, by its type flag.
    Special(u8),
}

/// The archive is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A header or record that can't be.
    #[error("tar archive, at byte {offset}: {reason}")]
    Malformed {
        /// Of the block that is wrong.
        offset: u64,
        /// What is wrong.
        reason: &'static str,
    },
}

impl From<TarError> for io::Error {
    fn from(error: TarError) -> Self {
        match error {
            TarError::Io(error) => error,
            malformed @ TarError::Malformed { .. } => Self::new(io::ErrorKind::InvalidData, malformed),
        }
    }
}

/// Yields entries one by one; in between it is a [`Read`] of the current file's contents.
pub struct TarReader<R> {
    input: R,
    offset: u64,
    content: u64,
    padding: u64,
    /// Names of the last entry's user and group, by ustar.
    owner: [Vec<u8>; 2],
}

/// What pax records and GNU long names say of the entry that follows.
#[derive(Default)]
struct Extension {
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u32>,
    gid: Option<u32>,
    capability: Option<Vec<u8>>,
}

impl<R: Read> TarReader<R> {
    /// Reads from `input`, which should be buffered.
    pub fn new(input: R) -> Self {
        Self { input, offset: 0, content: 0, padding: 0, owner: <[_; 2]>::default() }
    }

    /// The next entry; `None` after the end-of-archive blocks. Contents not read are skipped.
    pub fn next_entry(&mut self) -> Result<Option<TarEntry>, TarError> {
        self.skip_rest()?;
        let mut extension = Extension::default();
        loop {
            let Some(header) = self.header()? else { return Ok(None) };
            match header[156] {
                b'x' => self.pax(&header, &mut extension)?,
                b'g' => self.pax(&header, &mut Extension::default())?,
                b'L' => extension.path = Some(self.long_name(&header)?),
                b'K' => extension.target = Some(self.long_name(&header)?),
                flag => return self.entry(&header, flag, extension).map(Some),
            }
        }
    }

    /// Bytes read so far: behind an entry's header, where its contents begin.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Names of the last entry's user and group; empty where its header has none.
    #[must_use]
    pub fn owner_names(&self) -> [&[u8]; 2] {
        self.owner.each_ref().map(Vec::as_slice)
    }

    /// Gives the input back.
    pub fn into_inner(self) -> R {
        self.input
    }

    fn entry(&mut self, header: &[u8; BLOCK], flag: u8, extension: Extension) -> Result<TarEntry, TarError> {
        let mut path = extension.path.unwrap_or_else(|| ustar_path(header));
        while path.len() > 1 && path.ends_with(b"/") {
            path.pop();
        }
        let target = extension.target.unwrap_or_else(|| text(&header[157..257]).to_vec());
        let size = match extension.size {
            Some(size) => size,
            None => self.number(&header[124..136])?,
        };
        if size > LARGEST_FILE {
            return Err(self.malformed("a file of more than 63 bits of bytes"));
        }
        let kind = match flag {
            b'0' | 0 | b'7' => TarKind::File(size),
            b'1' => TarKind::HardLink(target),
            b'2' => TarKind::Symlink(target),
            b'5' => TarKind::Directory,
            special @ (b'3' | b'4' | b'6') => TarKind::Special(special),
            _ => return Err(self.malformed("an entry of an unknown type")),
        };
        if let TarKind::File(size) = kind {
            self.content = size;
            self.padding = size.next_multiple_of(BLOCK as u64) - size;
        }
        let id = |number: u64| u32::try_from(number).map_err(|_| self.malformed("a user or group ID beyond 32 bits"));
        let metadata = Metadata {
            mode: u32::try_from(self.number(&header[100..108])? & 0o7777).expect("twelve bits"),
            uid: extension.uid.map_or_else(|| id(self.number(&header[108..116])?), Ok)?,
            gid: extension.gid.map_or_else(|| id(self.number(&header[116..124])?), Ok)?,
        };
        let is_ustar = &header[257..262] == b"ustar";
        for (name, field) in self.owner.iter_mut().zip([265..297, 297..329]) {
            name.clear();
            name.extend_from_slice(if is_ustar { text(&header[field]) } else { b"" });
        }
        let capability = extension.capability;
        Ok(TarEntry { path, kind, metadata, mtime: self.number(&header[136..148])?, capability })
    }

    /// The next header; `None` at the end.
    fn header(&mut self) -> Result<Option<[u8; BLOCK]>, TarError> {
        let mut block = [0u8; BLOCK];
        self.fill(&mut block)?;
        if block.iter().all(|&byte| byte == 0) {
            self.fill(&mut block)?;
            if block.iter().any(|&byte| byte != 0) {
                return Err(self.malformed("an entry after the end of the archive"));
            }
            return Ok(None);
        }
        let sum: u64 = block.iter().map(|&byte| u64::from(byte)).sum::<u64>()
            - block[148..156].iter().map(|&byte| u64::from(byte)).sum::<u64>()
            + 8 * u64::from(b' ');
        if self.number(&block[148..156])? != sum {
            return Err(self.malformed("a header whose checksum is wrong"));
        }
        Ok(Some(block))
    }

    fn record(&mut self, header: &[u8; BLOCK]) -> Result<Vec<u8>, TarError> {
        let size = self.number(&header[124..136])?;
        if size > LARGEST_RECORD {
            return Err(self.malformed("an extended header of more than 1 MiB"));
        }
        let padded = usize::try_from(size.next_multiple_of(BLOCK as u64)).expect("at most 1 MiB");
        let mut data = vec![0; padded];
        self.fill(&mut data)?;
        data.truncate(usize::try_from(size).expect("at most 1 MiB"));
        Ok(data)
    }

    fn long_name(&mut self, header: &[u8; BLOCK]) -> Result<Vec<u8>, TarError> {
        let mut name = self.record(header)?;
        while name.last() == Some(&0) {
            name.pop();
        }
        Ok(name)
    }

    fn pax(&mut self, header: &[u8; BLOCK], extension: &mut Extension) -> Result<(), TarError> {
        let data = self.record(header)?;
        let mut rest = &data[..];
        while !rest.is_empty() {
            let (key, value, after) = pax_record(rest).ok_or_else(|| self.malformed("a pax record that can't be"))?;
            rest = after;
            let number = || std::str::from_utf8(value).ok().and_then(|digits| digits.parse::<u64>().ok());
            let missing = || self.malformed("a pax record with a number that is none");
            let id = || number().and_then(|id| u32::try_from(id).ok()).ok_or_else(missing);
            match key {
                b"path" => extension.path = Some(value.to_vec()),
                b"linkpath" => extension.target = Some(value.to_vec()),
                b"size" => extension.size = Some(number().ok_or_else(missing)?),
                b"uid" => extension.uid = Some(id()?),
                b"gid" => extension.gid = Some(id()?),
                _ if key == CAPABILITY.as_bytes() => extension.capability = Some(value.to_vec()),
                _ => {}
            }
        }
        Ok(())
    }

    /// An octal field, or GNU's base 256 where its first bit is set.
    fn number(&self, field: &[u8]) -> Result<u64, TarError> {
        if field[0] & 0x80 != 0 {
            let (high, low) = field.split_at(field.len() - 8);
            if high.iter().enumerate().any(|(index, &byte)| byte != if index == 0 { 0x80 } else { 0 })
                && !high.is_empty()
            {
                return Err(self.malformed("a number that is negative or beyond 64 bits"));
            }
            return Ok(low.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)) & (u64::MAX >> 1));
        }
        let digits = field.iter().copied().skip_while(|&byte| byte == b' ');
        digits.take_while(|&byte| !matches!(byte, 0 | b' ')).try_fold(0u64, |value, digit| match digit {
            b'0'..=b'7' => Ok(value << 3 | u64::from(digit - b'0')),
            _ => Err(self.malformed("a number that is not octal")),
        })
    }

    fn skip_rest(&mut self) -> Result<(), TarError> {
        let rest = self.content + self.padding;
        let skipped = io::copy(&mut (&mut self.input).take(rest), &mut io::sink())?;
        self.offset += skipped;
        (self.content, self.padding) = (0, 0);
        if skipped < rest { Err(self.malformed("the archive ends within a file")) } else { Ok(()) }
    }

    fn fill(&mut self, block: &mut [u8]) -> Result<(), TarError> {
        self.input.read_exact(block).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.malformed("the archive ends without its end marker"),
            _ => TarError::Io(error),
        })?;
        self.offset += block.len() as u64;
        Ok(())
    }

    fn malformed(&self, reason: &'static str) -> TarError {
        TarError::Malformed { offset: self.offset, reason }
    }
}

impl<R: Read> Read for TarReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.content).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let read = self.input.read(&mut buffer[..most])?;
        if read == 0 {
            return Err(self.malformed("the archive ends within a file").into());
        }
        self.content -= read as u64;
        self.offset += read as u64;
        Ok(read)
    }
}

fn text(field: &[u8]) -> &[u8] {
    &field[..field.iter().position(|&byte| byte == 0).unwrap_or(field.len())]
}

fn ustar_path(header: &[u8; BLOCK]) -> Vec<u8> {
    let prefix = if &header[257..263] == b"ustar\0" { text(&header[345..500]) } else { b"" };
    let name = text(&header[..100]);
    if prefix.is_empty() { name.to_vec() } else { [prefix, name].join(&b'/') }
}

/// Splits `<length> <key>=<value>\n` off the front: key, value, rest.
fn pax_record(data: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = data.iter().take(20).position(|&byte| byte == b' ')?;
    let length: usize = std::str::from_utf8(&data[..space]).ok()?.parse().ok()?;
    let record = data.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|&byte| byte == b'=')?;
    Some((&record[..equals], &record[equals + 1..], &data[length..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tar::{Kind, TAIL, padding, write_capable_header, write_header};
    use super::*;

    proptest! {
        #[test]
        fn reads_back_what_is_written(
            path in proptest::collection::vec(1u8..=255, 1..300),
            target in proptest::collection::vec(1u8..=255, 1..300),
            content in proptest::collection::vec(any::<u8>(), 0..1500),
            uid in any::<u32>(), gid in any::<u32>(), mode in 0u32..0o10000,
            capability in proptest::option::of(proptest::collection::vec(any::<u8>(), 1..30)),
        ) {
            prop_assume!(!path.ends_with(b"/"));
            let metadata = Metadata { mode, uid, gid };
            let mut archive = Vec::new();
            write_header(&mut archive, &path, Kind::Directory, metadata);
            let file = Kind::File(content.len() as u64);
            write_capable_header(&mut archive, &path, file, metadata, capability.as_deref());
            archive.extend_from_slice(&content);
            archive.extend_from_slice(padding(content.len() as u64));
            write_header(&mut archive, &path, Kind::Symlink(&target), metadata);
            write_capable_header(&mut archive, &path, Kind::HardLink(&target), metadata, capability.as_deref());
            archive.extend_from_slice(&TAIL);

            let mut reader = TarReader::new(&archive[..]);
            let entry = |kind| TarEntry { path: path.clone(), kind, metadata, mtime: 1, capability: None };
            let capable = |kind| TarEntry { capability: capability.clone(), ..entry(kind) };
            prop_assert_eq!(reader.next_entry().unwrap(), Some(entry(TarKind::Directory)));
            prop_assert_eq!(reader.next_entry().unwrap(), Some(capable(TarKind::File(content.len() as u64))));
            let mut read = Vec::new();
            reader.read_to_end(&mut read).unwrap();
            prop_assert_eq!(read, content);
            prop_assert_eq!(reader.next_entry().unwrap(), Some(entry(TarKind::Symlink(target.clone()))));
            prop_assert_eq!(reader.next_entry().unwrap(), Some(capable(TarKind::HardLink(target))));
            prop_assert_eq!(reader.next_entry().unwrap(), None);
        }

        #[test]
        fn never_panics(data in proptest::collection::vec(any::<u8>(), 0..2048), flag in any::<u8>()) {
            let mut block = data.clone();
            block.resize(data.len().next_multiple_of(BLOCK).max(BLOCK), 0);
            block[156] = flag;
            block[148..156].fill(b' ');
            let sum: u64 = block[..BLOCK].iter().map(|&byte| u64::from(byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:07o}\0").as_bytes());
            let mut reader = TarReader::new(&block[..]);
            while let Ok(Some(_)) = reader.next_entry() {}
        }
    }

    #[test]
    fn other_writers_archives_are_understood() {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        header.set_mode(0o755);
        header.set_mtime(77);
        header.set_username("man").unwrap();
        header.set_groupname("games").unwrap();
        let long = "d/".repeat(120) + "file";
        builder.append_data(&mut header, &long, &b"abc"[..]).unwrap();
        let archive = builder.into_inner().unwrap();
        let mut reader = TarReader::new(&archive[..]);
        let entry = reader.next_entry().unwrap().unwrap();
        assert_eq!((entry.path, entry.kind, entry.mtime), (long.into_bytes(), TarKind::File(3), 77));
        assert_eq!(reader.owner_names(), [&b"man"[..], b"games"]);
        assert_eq!(reader.next_entry().unwrap(), None);
    }

    #[test]
    fn a_size_that_no_file_has_is_an_error() {
        for (size, good) in [(LARGEST_FILE, true), (LARGEST_FILE + 1, false), (u64::MAX, false)] {
            let mut archive = Vec::new();
            write_header(&mut archive, b"a", Kind::File(size), Metadata::root(0o644));
            let mut reader = TarReader::new(&archive[..]);
            assert_eq!(reader.next_entry().is_ok(), good, "{size}");
            assert!(reader.next_entry().is_err());
        }
    }

    #[test]
    fn a_cut_archive_is_an_error() {
        let mut archive = Vec::new();
        write_header(&mut archive, b"a", Kind::File(600), Metadata::root(0o644));
        archive.extend_from_slice(&[1; 600]);
        for length in [0, 100, 512, 700, archive.len()] {
            let mut reader = TarReader::new(&archive[..length]);
            let outcome = (|| {
                while reader.next_entry()?.is_some() {}
                Ok::<(), TarError>(())
            })();
            assert!(outcome.is_err(), "{length}");
        }
    }
}
