//! An archive as files that can be read in any order.
//!
//! A compressed one is unpacked once, its outer layer only, into a file without a name. Names in it are keys and nothing else.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::image::check::Peeked;
use crate::image::tar::BLOCK;
use crate::image::untar::{TarKind, TarReader};

/// Members of an archive, and how long their names are: more than any image has, and few enough to keep.
const MOST_FILES: usize = 50_000;
const LONGEST_NAME: usize = 1024;

/// How far links are followed.
const MOST_LINKS: usize = 8;

/// What a compressed stream may become: a little in any case, beyond it so many times its size; gzip reaches a thousand.
const ALLOWANCE: u64 = 1 << 30;
const LARGEST_RATIO: u64 = 1_100;

/// An archive, indexed.
#[derive(Debug)]
pub(super) struct Archive {
    file: File,
    members: BTreeMap<String, Member>,
}

#[derive(Debug)]
enum Member {
    File(Span),
    /// Another member by its name.
    Link(String),
}

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    start: u64,
    /// Bytes.
    pub(super) size: u64,
}

impl Archive {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = plain_file(path)?;
        let members = index(&file)?;
        Ok(Self { file, members })
    }

    /// The member of a name.
    pub(super) fn find(&self, name: &str) -> Option<Span> {
        let mut name = tidy(name);
        for _ in 0..MOST_LINKS {
            match self.members.get(&name)? {
                Member::File(span) => return Some(*span),
                Member::Link(target) => name.clone_from(target),
            }
        }
        None
    }

    /// What stands there.
    pub(super) fn read(&self, span: Span) -> impl Read + Send + '_ {
        BufReader::with_capacity(1 << 18, SpanReader { file: &self.file, span })
    }
}

/// The file itself, or what it is when it is uncompressed.
fn plain_file(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let peeked = Peeked::new(BufReader::with_capacity(1 << 18, &file))?;
    if metadata.is_file() && !peeked.is_gzip() && !peeked.is_zstd() {
        drop(peeked);
        return Ok(file);
    }
    let mut plain = tempfile::tempfile()?;
    let limit = if metadata.is_file() { most_unpacked(metadata.len()) } else { u64::MAX };
    let copied = io::copy(&mut peeked.decoded()?.take(limit), &mut plain)?;
    if copied == limit {
        return Err(invalid("it becomes a thousand times as large when it is unpacked"));
    }
    Ok(plain)
}

/// How large `compressed` bytes may become.
pub(super) const fn most_unpacked(compressed: u64) -> u64 {
    compressed.saturating_mul(LARGEST_RATIO).saturating_add(ALLOWANCE)
}

/// Reads headers only: contents are passed over, not read.
fn index(file: &File) -> io::Result<BTreeMap<String, Member>> {
    let end = file.metadata()?.len();
    let mut members = BTreeMap::new();
    let mut start = 0;
    loop {
        let rest = Span { start, size: end.saturating_sub(start) };
        let mut reader = TarReader::new(BufReader::with_capacity(4 * BLOCK, SpanReader { file, span: rest }));
        let Some(entry) = reader.next_entry()? else { return Ok(members) };
        start += reader.offset();
        let name = tidy(&String::from_utf8_lossy(&entry.path));
        let member = match entry.kind {
            TarKind::File(size) => {
                let span = Span { start, size };
                start = start.saturating_add(size.next_multiple_of(BLOCK as u64));
                if start > end {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Member::File(span)
            }
            TarKind::HardLink(target) => Member::Link(tidy(&String::from_utf8_lossy(&target))),
            TarKind::Symlink(target) => Member::Link(relative(&name, &String::from_utf8_lossy(&target))),
            TarKind::Directory | TarKind::Special(_) => continue,
        };
        let links = if let Member::Link(target) = &member { target.len() } else { 0 };
        if name.len() > LONGEST_NAME || links > LONGEST_NAME || members.len() >= MOST_FILES {
            return Err(invalid("more files than any image has, or longer names"));
        }
        members.insert(name, member);
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// A name without `.`, `..` and doubled slashes, from the archive's root.
fn tidy(name: &str) -> String {
    let mut parts = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// What a symbolic link at `name` means: `docker save` wrote one for a layer that was there already.
fn relative(name: &str, target: &str) -> String {
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    tidy(&format!("{folder}/{target}"))
}

/// Reads a part of a file that others read, too.
struct SpanReader<'a> {
    file: &'a File,
    span: Span,
}

impl Read for SpanReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.span.size).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let read = self.file.read_at(&mut buffer[..most], self.span.start)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.span.start += read as u64;
        self.span.size -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::image::tar::{Kind, TAIL, padding, write_header};
    use crate::image::tree::Metadata;

    fn tar(entries: &[(&str, Kind<'_>, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, kind, content) in entries {
            write_header(&mut bytes, name.as_bytes(), *kind, Metadata::root(0o644));
            bytes.extend_from_slice(content);
            bytes.extend_from_slice(padding(content.len() as u64));
        }
        bytes.extend_from_slice(&TAIL);
        bytes
    }

    fn archive(bytes: &[u8]) -> io::Result<Archive> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        Archive::open(file.path())
    }

    fn content(archive: &Archive, name: &str) -> Option<String> {
        let mut text = String::new();
        archive.read(archive.find(name)?).read_to_string(&mut text).unwrap();
        Some(text)
    }

    #[test]
    fn members_are_found_in_any_order_however_it_is_compressed() {
        let long = "x".repeat(300);
        let plain = tar(&[
            ("./a", Kind::File(5), b"hello"),
            (&long, Kind::File(600), &[b'y'; 600]),
            ("b/layer.tar", Kind::Symlink(b"../a"), b""),
            ("loop", Kind::Symlink(b"loop"), b""),
            ("../../etc/passwd", Kind::File(1), b"z"),
        ]);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&plain[..700]).unwrap();
        let mut members = gzip.finish().unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&plain[700..]).unwrap();
        members.extend(gzip.finish().unwrap());
        for bytes in [plain.clone(), members, zstd::encode_all(&plain[..], 1).unwrap()] {
            let archive = archive(&bytes).unwrap();
            assert_eq!(content(&archive, &long).unwrap().len(), 600);
            assert_eq!(content(&archive, "b/layer.tar").unwrap(), "hello");
            assert_eq!(content(&archive, "a").unwrap(), "hello");
            assert_eq!(content(&archive, "etc/passwd").unwrap(), "z");
            assert!(archive.find("loop").is_none() && archive.find("c").is_none());
        }
    }

    #[test]
    fn what_is_cut_short_or_no_archive_is_refused() {
        let whole = tar(&[("a", Kind::File(2000), &[1; 2000])]);
        for length in [0, 100, 512, 1500, whole.len() - 1024] {
            assert!(archive(&whole[..length]).is_err(), "{length}");
        }
        assert!(archive(b"no archive at all").is_err());
    }
}
