//! A package's files, on their way from its tar into a fragment.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use data_encoding::HEXLOWER;
use md5::{Digest as _, Md5};

use crate::deb::{accounts, canonical, is_usr_alias};
use crate::image::ImagePath;
use crate::image::tar::Kind;
use crate::image::tree::Metadata;
use crate::image::untar::{TarEntry, TarKind, TarReader};
use crate::store::FragmentWriter;

use super::DebFault;
use super::places::{Inode, Named, Place, Places};

/// Longest path and longest target of a link: what Linux takes.
const LONGEST_PATH: usize = 4096;

/// What is learnt of the files while they go by.
#[derive(Default)]
pub(super) struct Data {
    pub(super) places: Places,
    /// MD5 digests of files that they are wanted of, in hexadecimal.
    pub(super) md5: BTreeMap<ImagePath, String>,
    /// Paths as the archive has them, but for links: dpkg unpacks those last.
    list: Vec<u8>,
    links: Vec<u8>,
    /// The package's files with their digests, as `md5sums` has them.
    pub(super) sums: Vec<u8>,
}

/// Whose MD5 digests are wanted.
pub(super) enum Hashed {
    /// Everything's: the package brings no `md5sums`.
    All,
    /// Those of configuration files; other names of theirs are looked for in `/etc`, too.
    Conffiles(BTreeSet<ImagePath>),
}

impl Hashed {
    fn wants(&self, path: &ImagePath) -> bool {
        match self {
            Self::All => true,
            Self::Conffiles(paths) => paths.contains(path) || !paths.is_empty() && path.as_bytes().starts_with(b"etc/"),
        }
    }
}

impl Data {
    /// dpkg's list of what the package has.
    pub(super) fn list(&self) -> Vec<u8> {
        [&self.list[..], &self.links].concat()
    }

    /// Puts one entry into the fragment; its contents come from `reader`.
    pub(super) fn entry<R: Read>(
        &mut self,
        writer: &mut FragmentWriter<'_>,
        entry: &TarEntry,
        reader: &mut TarReader<R>,
        hashed: &Hashed,
    ) -> io::Result<()> {
        let raw = relative(&entry.path)?;
        let path = place(raw, &entry.path)?;
        let metadata = owned(entry.metadata, reader.owner_names());
        self.note(raw, matches!(entry.kind, TarKind::Symlink(_)));
        match &entry.kind {
            TarKind::Directory => {
                let named = if path.as_bytes() == raw { Named::ByPath } else { Named::ByAlias };
                Ok(self.places.folder(&path, metadata, named)?)
            }
            TarKind::Symlink(target) if is_usr_alias(raw) => Ok(check_alias(raw, target)?),
            TarKind::Symlink(target) => {
                check_target(&path, target).map_err(|reason| DebFault::entry(raw, reason))?;
                self.symlink(writer, &path, target, Metadata { mode: 0o777, ..metadata })
            }
            TarKind::HardLink(target) => self.hard_link(writer, &path, raw, target),
            TarKind::File(size) => self.file(writer, (&path, raw), (*size, metadata), reader, hashed),
            TarKind::Special(_) => Err(DebFault::entry(raw, "it is a device, FIFO or socket").into()),
        }
    }

    fn note(&mut self, raw: &[u8], is_link: bool) {
        let list = if is_link { &mut self.links } else { &mut self.list };
        list.push(b'/');
        list.extend_from_slice(if raw.is_empty() { b"." } else { raw });
        list.push(b'\n');
    }

    fn symlink(
        &mut self,
        writer: &mut FragmentWriter<'_>,
        path: &ImagePath,
        target: &[u8],
        metadata: Metadata,
    ) -> io::Result<()> {
        self.places.put(path, Place::Symlink(target.to_vec(), metadata))?;
        writer.header(path, Kind::Symlink(target), metadata, path.as_bytes())
    }

    fn hard_link(
        &mut self,
        writer: &mut FragmentWriter<'_>,
        path: &ImagePath,
        raw: &[u8],
        target: &[u8],
    ) -> io::Result<()> {
        let missing = || DebFault::HardLink { path: raw.to_vec(), target: target.to_vec() };
        let first = relative(target).and_then(|raw| place(raw, target)).map_err(|_| missing())?;
        match self.places.get(&first).cloned() {
            Some(Place::File(inode)) => {
                self.places.put(path, Place::File(inode))?;
                writer.hard_link(path, &first, inode, None)?;
                if let Some(md5) = self.md5.get(&first).cloned() {
                    self.sum(path, raw, md5);
                }
                Ok(())
            }
            // A second name of a link is as good as a second link.
            Some(Place::Symlink(target, metadata)) => {
                check_target(path, &target).map_err(|reason| DebFault::entry(raw, reason))?;
                self.symlink(writer, path, &target, metadata)
            }
            _ => Err(missing().into()),
        }
    }

    fn file(
        &mut self,
        writer: &mut FragmentWriter<'_>,
        (path, raw): (&ImagePath, &[u8]),
        (size, metadata): (u64, Metadata),
        contents: &mut dyn Read,
        hashed: &Hashed,
    ) -> io::Result<()> {
        self.places.is_free(path)?;
        writer.header(path, Kind::File(size), metadata, path.as_bytes())?;
        let inode = Inode { metadata, size, offset: writer.tar_size() };
        self.places.put(path, Place::File(inode))?;
        if !hashed.wants(path) {
            return writer.contents(size, contents);
        }
        let mut contents = Md5Reader { input: contents, md5: Md5::new() };
        writer.contents(size, &mut contents)?;
        self.sum(path, raw, HEXLOWER.encode(&contents.md5.finalize()));
        Ok(())
    }

    fn sum(&mut self, path: &ImagePath, raw: &[u8], md5: String) {
        for piece in [md5.as_bytes(), b"  ", raw, b"\n"] {
            self.sums.extend_from_slice(piece);
        }
        self.md5.insert(path.clone(), md5);
    }
}

/// Hashes what goes by.
struct Md5Reader<'a> {
    input: &'a mut dyn Read,
    md5: Md5,
}

impl Read for Md5Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.md5.update(&buffer[..read]);
        Ok(read)
    }
}

/// A path of the archive without what dpkg takes off: `./` at its beginning.
fn relative(path: &[u8]) -> Result<&[u8], DebFault> {
    let reason = match path {
        [b'/', ..] => "it is absolute",
        _ if path.len() > LONGEST_PATH => "it is longer than 4096 bytes",
        // dpkg's list has a line for each.
        _ if path.contains(&b'\n') => "it has a line end in its name",
        b"" => "it has no name",
        b"." => return Ok(b""),
        _ => return Ok(path.strip_prefix(b"./").unwrap_or(path)),
    };
    Err(DebFault::entry(path, reason))
}

/// Where a path of the archive stands in an image.
fn place(raw: &[u8], path: &[u8]) -> Result<ImagePath, DebFault> {
    // A slash more at the beginning would be taken off.
    if raw.starts_with(b"/") {
        return Err(DebFault::entry(path, "it has an empty component"));
    }
    ImagePath::new(&canonical(raw)).map_err(|error| DebFault::entry(path, error.reason))
}

/// The archive's owner, but by name where the name means the same number on every Debian system.
fn owned(metadata: Metadata, [user, group]: [&[u8]; 2]) -> Metadata {
    Metadata {
        uid: accounts::uid(user).unwrap_or(metadata.uid),
        gid: accounts::gid(group).unwrap_or(metadata.gid),
        ..metadata
    }
}

/// A link in the root that merged /usr brings must be that one, and is left out: it stands in the root already.
fn check_alias(raw: &[u8], target: &[u8]) -> Result<(), DebFault> {
    let target = target.strip_prefix(b"/").unwrap_or(target);
    let target = target.strip_suffix(b"/").unwrap_or(target);
    match target.strip_prefix(b"usr/") {
        Some(name) if name == raw => Ok(()),
        _ => Err(DebFault::entry(raw, "it is a link that leads elsewhere than into /usr")),
    }
}

/// Whether a link at `path` may lead to `target`.
fn check_target(path: &ImagePath, target: &[u8]) -> Result<(), &'static str> {
    match target {
        b"" => return Err("it is a link to nothing"),
        _ if target.len() >= LONGEST_PATH => return Err("it is a link to a path of more than 4095 bytes"),
        _ if target.contains(&0) => return Err("it is a link to a path with a NUL byte"),
        [b'/', ..] => return Ok(()),
        _ => {}
    }
    let mut depth = path.as_bytes().split(|&byte| byte == b'/').count() - 1;
    for component in target.split(|&byte| byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." => depth = depth.checked_sub(1).ok_or("it is a link that climbs out of the root")?,
            _ => depth += 1,
        }
    }
    Ok(())
}
