//! The outermost layer of a package: an ar archive in the common format, streamed and strict.
//!
//! Of a member's header only what dpkg reads counts: name and size. GNU's and BSD's long names are refused: no package has them.

use std::io::{self, Read};

/// What an archive begins with.
const MAGIC: &[u8; 8] = b"!<arch>\n";

/// Bytes of a member's header.
const HEADER: usize = 60;

/// A member; its contents are read from the [`ArReader`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArMember {
    /// Printable ASCII without blanks or slashes, at most 16 characters.
    pub name: String,
    /// Bytes.
    pub size: u64,
}

/// What was read is no ar archive.
#[derive(Debug, thiserror::Error)]
pub enum ArError {
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Bytes that can't be.
    #[error("ar archive, at byte {offset}: {reason}")]
    Malformed {
        /// From the archive's beginning.
        offset: u64,
        /// What is wrong.
        reason: &'static str,
    },
}

impl From<ArError> for io::Error {
    fn from(error: ArError) -> Self {
        match error {
            ArError::Io(error) => error,
            malformed @ ArError::Malformed { .. } => Self::new(io::ErrorKind::InvalidData, malformed),
        }
    }
}

/// Yields members one by one; in between it is a [`Read`] of the current member's contents.
pub struct ArReader<R> {
    input: R,
    offset: u64,
    /// Bytes of the current member that were not read yet.
    rest: u64,
    /// Whether a byte of padding follows it.
    is_padded: bool,
}

impl<R: Read> ArReader<R> {
    /// Reads the archive's first bytes.
    pub fn new(input: R) -> Result<Self, ArError> {
        let mut reader = Self { input, offset: 0, rest: 0, is_padded: false };
        let mut magic = [0; MAGIC.len()];
        if reader.fill(&mut magic)? < magic.len() || magic != *MAGIC {
            return Err(ArError::Malformed { offset: 0, reason: "it does not begin as an ar archive" });
        }
        Ok(reader)
    }

    /// The next member; `None` behind the last. Contents not read are skipped.
    pub fn next_member(&mut self) -> Result<Option<ArMember>, ArError> {
        io::copy(self, &mut io::sink())?;
        if self.is_padded {
            let mut padding = [b'\n'];
            self.fill(&mut padding)?;
            if padding != [b'\n'] {
                return self.malformed("padding that is no line end");
            }
        }
        let mut header = [0; HEADER];
        match self.fill(&mut header)? {
            0 => return Ok(None),
            HEADER => {}
            _ => return self.malformed("the archive ends within a header"),
        }
        let (name, size) = (name(&header), size(&header));
        match (name, size, header.ends_with(b"`\n")) {
            (Some(name), Some(size), true) => {
                (self.rest, self.is_padded) = (size, size % 2 == 1);
                Ok(Some(ArMember { name, size }))
            }
            (_, _, false) => self.malformed("a header without its end mark"),
            (None, _, _) => self.malformed("a member whose name can't be"),
            (_, None, _) => self.malformed("a member whose size is no number"),
        }
    }

    /// Reads as much as there is, up to the buffer's length.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, ArError> {
        let mut filled = 0;
        while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
            match self.input.read(room) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.offset += filled as u64;
        Ok(filled)
    }

    fn malformed<T>(&self, reason: &'static str) -> Result<T, ArError> {
        Err(ArError::Malformed { offset: self.offset, reason })
    }
}

impl<R: Read> Read for ArReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.rest).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let read = self.input.read(&mut buffer[..most])?;
        if read == 0 {
            return Err(ArError::Malformed { offset: self.offset, reason: "the archive ends within a member" }.into());
        }
        self.rest -= read as u64;
        self.offset += read as u64;
        Ok(read)
    }
}

/// Sixteen characters, filled up with blanks; a slash at the end is GNU's.
fn name(header: &[u8; HEADER]) -> Option<String> {
    let name = header[..16].trim_ascii_end();
    let name = name.strip_suffix(b"/").unwrap_or(name);
    let plain = |&byte: &u8| byte.is_ascii_graphic() && byte != b'/';
    let is_name = !name.is_empty() && name.iter().all(plain);
    is_name.then(|| String::from_utf8_lossy(name).into_owned())
}

/// Ten decimal digits, filled up with blanks.
fn size(header: &[u8; HEADER]) -> Option<u64> {
    let digits = header[48..58].trim_ascii_end();
    let is_number = digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| std::str::from_utf8(digits).ok()?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn archive(members: &[(String, Vec<u8>)]) -> Vec<u8> {
        let mut archive = MAGIC.to_vec();
        for (name, content) in members {
            archive.extend_from_slice(format!("{name:<16}{:<32}{:<10}`\n", "0", content.len()).as_bytes());
            archive.extend_from_slice(content);
            archive.extend_from_slice(if content.len() % 2 == 1 { b"\n" } else { b"" });
        }
        archive
    }

    fn read(archive: &[u8], with_contents: bool) -> Result<Vec<(String, Vec<u8>)>, ArError> {
        let mut reader = ArReader::new(archive)?;
        let mut members = Vec::new();
        while let Some(member) = reader.next_member()? {
            let mut content = Vec::new();
            if with_contents {
                reader.read_to_end(&mut content)?;
                assert_eq!(content.len() as u64, member.size);
            }
            members.push((member.name, content));
        }
        Ok(members)
    }

    fn refused(archive: &[u8]) -> String {
        read(archive, true).unwrap_err().to_string()
    }

    proptest! {
        #[test]
        fn members_come_back(
            members in proptest::collection::vec(("[!-.0-~]{0,15}[!-.0-~]", proptest::collection::vec(any::<u8>(), 0..50)), 0..5),
        ) {
            let archive = archive(&members);
            prop_assert_eq!(read(&archive, true).unwrap(), members.clone());
            let names = members.iter().map(|(name, _)| (name.clone(), Vec::new())).collect::<Vec<_>>();
            prop_assert_eq!(read(&archive, false).unwrap(), names);
            // Cut anywhere but behind a member, it is an error; padding behind the last may be missing.
            let whole = archive.len() - members.last().map_or(0, |(_, content)| content.len() % 2);
            if let Some((_, last)) = members.last() {
                for length in archive.len() - last.len() - 60 + 1..whole {
                    prop_assert!(read(&archive[..length], true).is_err());
                }
            }
        }

        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&[&MAGIC[..], &bytes].concat(), true);
            let _ = read(&bytes, false);
        }
    }

    #[test]
    fn what_is_no_archive_is_refused_with_its_place() {
        let good = archive(&[("a".into(), b"x".to_vec()), ("b".into(), b"y".to_vec())]);
        assert_eq!(refused(b"!<arch>"), "ar archive, at byte 0: it does not begin as an ar archive");
        let with = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            refused(&bytes)
        };
        assert_eq!(with(8 + 58, b'x'), "ar archive, at byte 68: a header without its end mark");
        assert_eq!(with(8 + 48, b'-'), "ar archive, at byte 68: a member whose size is no number");
        assert_eq!(with(8, b' '), "ar archive, at byte 68: a member whose name can't be");
        assert_eq!(with(8 + 61, 0), "ar archive, at byte 70: padding that is no line end");
        assert_eq!(refused(&good[..good.len() - 2]), "ar archive, at byte 130: the archive ends within a member");
        assert_eq!(refused(&good[..80]), "ar archive, at byte 80: the archive ends within a header");
        assert!(refused(&archive(&[("#1/20".into(), vec![])])).contains("name"));
    }
}
