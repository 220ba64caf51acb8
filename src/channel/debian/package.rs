//! A package's file: an ar archive of a version, a compressed tar that describes it, and one of its files.

use std::io::{self, Read};

use crate::cache::DecoderBudget;
use crate::cache::decode::{DecodeError, decoder, lzma_decoder};
use crate::deb::{ArError, ArMember, ArReader, DebSink, REFUSED_HELP};
use crate::failure::{Class, Classified};
use crate::nix::Compression;

/// What decodes to more is decoded in windows for that much: nobody says before how large a package's archives are.
const SIZE_UNKNOWN: u64 = u64::MAX;

/// The member `debian-binary` is a few bytes.
const LONGEST_VERSION: u64 = 64;

/// A package that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum DebError {
    /// It is no ar archive, or could not be read as one.
    #[error("its outer archive can't be read")]
    Ar(#[from] ArError),
    /// A member that does not belong where it stands.
    #[error("no Debian package: `{found}` stands where {expected} should")]
    Order {
        /// Its name; `the end` where there is none.
        found: String,
        /// What dpkg would take there.
        expected: &'static str,
    },
    /// A format that is not 2.
    #[error("its format is {0}, and only 2.0 is known")]
    Format(String),
    /// A compression that dpkg doesn't know either, or one that can't be begun.
    #[error("`{member}` can't be decompressed")]
    Decode {
        /// The member's name.
        member: String,
        /// Why.
        source: DecodeError,
    },
    /// The member's compression has no name that is known.
    #[error(
        "`{member}` is compressed in a way that packages are not (xz, zst, gz and none are; files also bz2 and lzma)"
    )]
    Compression {
        /// The member's name.
        member: String,
    },
    /// What took the member failed: of kind [`io::ErrorKind::InvalidData`] and `UnexpectedEof` where the package is at fault.
    #[error("`{member}`")]
    Content {
        /// The member's name.
        member: String,
        /// Why.
        source: io::Error,
    },
}

impl DebError {
    /// Whether the package's bytes are at fault, and not who sent or took them.
    #[must_use]
    pub fn is_content(&self) -> bool {
        let of = |error: &io::Error| {
            matches!(
                error.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof
            )
        };
        match self {
            Self::Ar(ArError::Io(error)) | Self::Decode { source: DecodeError::Io(error), .. } => of(error),
            Self::Content { source, .. } => of(source),
            _ => true,
        }
    }
}

impl Classified for DebError {
    fn class(&self) -> Class {
        if self.is_content() { Class::Trust } else { Class::Other }
    }

    fn help(&self) -> Option<String> {
        self.is_content().then(|| REFUSED_HELP.to_owned())
    }
}

/// Reads a package from `input`, in dpkg's order, and hands both archives, decompressed, to `sink`. Reads `input` to its end, so
/// that who hashes it on the way has seen all of it.
pub fn read_deb(input: &mut dyn Read, budget: &DecoderBudget, sink: &mut dyn DebSink) -> Result<(), DebError> {
    let mut archive = ArReader::new(input)?;
    version(&mut archive)?;
    let member = expect(&mut archive, "control.tar")?;
    let suffix = member.name.strip_prefix("control.tar").unwrap_or_default();
    let Some(compression @ (Compression::None | Compression::Gzip | Compression::Xz | Compression::Zstd)) =
        named(suffix)
    else {
        return Err(DebError::Compression { member: member.name });
    };
    hand(decoder(compression, Box::new(&mut archive), SIZE_UNKNOWN, budget), &member, |tar| sink.control(tar))?;
    let member = expect(&mut archive, "data.tar")?;
    let packed = Box::new(&mut archive);
    let plain = match member.name.strip_prefix("data.tar").unwrap_or_default() {
        ".lzma" => lzma_decoder(packed, budget),
        suffix => match named(suffix) {
            Some(compression) => decoder(compression, packed, SIZE_UNKNOWN, budget),
            None => return Err(DebError::Compression { member: member.name }),
        },
    };
    hand(plain, &member, |tar| sink.data(tar))?;
    match next(&mut archive)? {
        Some(ArMember { name, .. }) => Err(DebError::Order { found: name, expected: "the end" }),
        None => Ok(()),
    }
}

/// Reads the first member, which says how the others are to be read.
fn version(archive: &mut ArReader<&mut dyn Read>) -> Result<(), DebError> {
    let first = archive.next_member()?;
    if first.as_ref().is_none_or(|member| member.name != "debian-binary") {
        return Err(misplaced(first, "debian-binary"));
    }
    let mut text = Vec::new();
    archive.take(LONGEST_VERSION).read_to_end(&mut text).map_err(ArError::Io)?;
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let minor = line.strip_prefix(b"2.").filter(|minor| !minor.is_empty() && minor.iter().all(u8::is_ascii_digit));
    match minor {
        Some(_) => Ok(()),
        None => Err(DebError::Format(format!("`{}`", String::from_utf8_lossy(line).escape_debug()))),
    }
}

/// The next member whose name doesn't begin with `_`: those are for others, signatures for example.
fn next(archive: &mut ArReader<&mut dyn Read>) -> Result<Option<ArMember>, DebError> {
    loop {
        match archive.next_member()? {
            Some(member) if member.name.starts_with('_') => {}
            member => return Ok(member),
        }
    }
}

/// The next member, which must be `stem`, perhaps compressed.
fn expect(archive: &mut ArReader<&mut dyn Read>, stem: &'static str) -> Result<ArMember, DebError> {
    match next(archive)? {
        Some(member) if member.name.starts_with(stem) => Ok(member),
        other => Err(misplaced(other, stem)),
    }
}

fn misplaced(found: Option<ArMember>, expected: &'static str) -> DebError {
    DebError::Order { found: found.map_or_else(|| "the end".to_owned(), |member| member.name), expected }
}

/// The compression that an archive's name ends in.
fn named(suffix: &str) -> Option<Compression> {
    Some(match suffix {
        "" => Compression::None,
        ".gz" => Compression::Gzip,
        ".xz" => Compression::Xz,
        ".zst" => Compression::Zstd,
        ".bz2" => Compression::Bzip2,
        _ => return None,
    })
}

/// Hands a decompressed archive over, if it can be decompressed.
fn hand(
    plain: Result<Box<dyn Read + '_>, DecodeError>,
    member: &ArMember,
    take: impl FnOnce(&mut dyn Read) -> io::Result<()>,
) -> Result<(), DebError> {
    let mut plain = plain.map_err(|source| DebError::Decode { member: member.name.clone(), source })?;
    take(&mut plain).map_err(|source| DebError::Content { member: member.name.clone(), source })
}

#[cfg(test)]
mod tests;
