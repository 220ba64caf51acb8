//! A root as the layers of an image make it: one upon the other, deletions and hard links applied.
//!
//! Names, kinds, modes and owners; of contents only a few small files. What the layers say is hostile: entries, bytes and work are
//! bounded, and nothing leads out of the root.
//!
//! A name below a link to a folder lies where the link leads, as it does where layers are unpacked one upon the other.

mod record;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use super::ImagePath;
use super::tar::TAIL;
use super::tree::Metadata;
use super::untar::{TarEntry, TarError, TarKind, TarReader};

/// Marks a deletion of what lower layers have.
const WHITEOUT: &[u8] = b".wh.";

/// Marks a folder of whose content lower layers keep nothing.
const OPAQUE: &[u8] = b".wh..wh..opq";

/// Names that begin so are of a file system that layers were once made of.
const RESERVED: &[u8] = b".wh..wh.";

/// Files whose contents are kept, wherever they lie.
const KEPT: [&[u8]; 5] = [b"group", b"gshadow", b"passwd", b"shadow", b"shells"];

/// Most links that one path may lead through, as in Linux.
const MOST_LINKS: usize = 40;

/// Most folders that a path may lie in.
const DEEPEST: usize = 255;

/// How much a root may be.
#[derive(Debug, Clone, Copy)]
struct Limits {
    entries: usize,
    /// Of names and links' targets.
    bytes: usize,
    /// Of one file that is kept, and of all.
    file: u64,
    contents: u64,
    /// Entries looked at on the way.
    steps: usize,
}

const LIMITS: Limits =
    Limits { entries: 1 << 20, bytes: 96 << 20, file: 1 << 20, contents: 16 << 20, steps: 200_000_000 };

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayeredKind {
    /// A folder.
    Directory,
    /// A file of so many bytes.
    File(u64),
    /// A symbolic link.
    Symlink(Vec<u8>),
    /// A device, FIFO or the like.
    Special,
}

/// An entry of a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayeredEntry {
    /// What it is.
    pub kind: LayeredKind,
    /// Mode and ownership.
    pub metadata: Metadata,
    /// Its contents, where they are kept.
    pub content: Option<Arc<[u8]>>,
    /// The layer that brought it last.
    layer: u32,
}

/// A root that layers make.
#[derive(Debug, Clone)]
pub struct Layered {
    entries: BTreeMap<ImagePath, LayeredEntry>,
    limits: Limits,
    layer: u32,
    bytes: usize,
    contents: u64,
    steps: usize,
}

/// Layers that make no root.
#[derive(Debug, thiserror::Error)]
pub enum LayeredError {
    /// A layer is no archive.
    #[error(transparent)]
    Tar(#[from] TarError),
    /// An entry that can't be.
    #[error("layer {layer}: `{}` {reason}", String::from_utf8_lossy(.path).escape_debug())]
    Entry {
        /// Which layer, counted from 1.
        layer: u32,
        /// The entry, as it stands there.
        path: Vec<u8>,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// More than any image has.
    #[error("layer {layer}: the image has too many {what}")]
    TooMuch {
        /// Which layer, counted from 1.
        layer: u32,
        /// Of what.
        what: &'static str,
    },
}

impl Default for Layered {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), limits: LIMITS, layer: 0, bytes: 0, contents: 0, steps: 0 }
    }
}

impl PartialEq for Layered {
    /// Equal roots, however they came to be.
    fn eq(&self, other: &Self) -> bool {
        let face = |entry: &LayeredEntry| (entry.kind.clone(), entry.metadata, entry.content.clone());
        self.entries.len() == other.entries.len()
            && self.entries.iter().zip(&other.entries).all(|(one, two)| one.0 == two.0 && face(one.1) == face(two.1))
    }
}

impl Layered {
    /// All entries, every folder before what it holds; the root itself is none.
    pub fn entries(&self) -> impl Iterator<Item = (&ImagePath, &LayeredEntry)> {
        self.entries.iter()
    }

    /// What stands at `path` itself, no link followed.
    #[must_use]
    pub fn get(&self, path: &ImagePath) -> Option<&LayeredEntry> {
        self.entries.get(path)
    }

    /// Where `path` lies, the links that lead there followed, and with `last` a link at its end, too. What is not there leads
    /// where its name says. `None`: it lies below a file, or in a circle.
    #[must_use]
    pub fn lead(&self, path: &ImagePath, last: bool) -> Option<ImagePath> {
        self.walk(path.as_bytes(), last).map(|(path, _)| path)
    }

    /// The same, with the number of steps taken.
    fn walk(&self, path: &[u8], last: bool) -> Option<(ImagePath, usize)> {
        let mut ahead: Vec<&[u8]> = components(path).rev().collect();
        let (mut reached, mut links, mut steps) = (ImagePath::default(), 0, 0);
        while let Some(name) = ahead.pop() {
            steps += 1;
            if name == b".." {
                reached = reached.parent().unwrap_or_default();
                continue;
            }
            let next = reached.join(name).ok()?;
            match self.entries.get(&next).map(|entry| &entry.kind) {
                Some(LayeredKind::Symlink(target)) if last || !ahead.is_empty() => {
                    links += 1;
                    if links > MOST_LINKS || ahead.len() > DEEPEST {
                        return None;
                    }
                    if target.starts_with(b"/") {
                        reached = ImagePath::default();
                    }
                    ahead.extend(components(target).rev());
                }
                Some(LayeredKind::File(_) | LayeredKind::Special) if !ahead.is_empty() => return None,
                _ => reached = next,
            }
        }
        Some((reached, steps))
    }

    /// Puts a layer upon the others: its tar, uncompressed.
    pub fn apply(&mut self, tar: impl Read) -> Result<(), LayeredError> {
        self.layer += 1;
        // Some archives end without their end marker, and everybody reads them.
        let mut reader = TarReader::new(tar.chain(&TAIL[..]));
        while let Some(entry) = reader.next_entry()? {
            self.entry(&entry, &mut reader)?;
        }
        Ok(())
    }

    fn entry(&mut self, entry: &TarEntry, contents: &mut dyn Read) -> Result<(), LayeredError> {
        let names: Vec<&[u8]> = components(&entry.path).collect();
        let Some((&name, folders)) = names.split_last() else { return Ok(()) };
        if names.len() > DEEPEST || names.contains(&&b".."[..]) {
            return Err(self.refuse(&entry.path, "lies too deep, or outside of the image"));
        }
        if name == OPAQUE {
            let folder = self.locate(&folders.join(&b'/'), true, &entry.path)?;
            return self.hide(&folder, false);
        }
        if names.iter().any(|name| name.starts_with(RESERVED)) {
            return Ok(());
        }
        if let Some(hidden) = name.strip_prefix(WHITEOUT) {
            let path = [folders, &[hidden]].concat().join(&b'/');
            let path = self.locate(&path, false, &entry.path)?;
            return self.hide(&path, true);
        }
        let path = self.locate(&names.join(&b'/'), false, &entry.path)?;
        let made = self.made(entry, contents)?;
        self.put(path, made)
    }

    fn locate(&mut self, path: &[u8], last: bool, written: &[u8]) -> Result<ImagePath, LayeredError> {
        let found = self.walk(path, last);
        let (path, steps) = found.ok_or_else(|| self.refuse(written, "lies below a file, or in a circle of links"))?;
        ImagePath::new(path.as_bytes()).map_err(|error| self.refuse(written, error.reason))?;
        self.step(steps)?;
        Ok(path)
    }

    /// What an entry of a tar is here.
    fn made(&mut self, entry: &TarEntry, contents: &mut dyn Read) -> Result<LayeredEntry, LayeredError> {
        let layer = self.layer;
        let kind = match &entry.kind {
            TarKind::Directory => LayeredKind::Directory,
            TarKind::Symlink(target) if target.is_empty() || target.contains(&0) => {
                return Err(self.refuse(&entry.path, "is a link to nowhere"));
            }
            TarKind::Symlink(target) => LayeredKind::Symlink(target.clone()),
            TarKind::Special(_) => LayeredKind::Special,
            TarKind::HardLink(target) => {
                let path = self.locate(target, false, &entry.path)?;
                let found = self.entries.get(&path).filter(|found| found.kind != LayeredKind::Directory);
                let found = found.ok_or_else(|| self.refuse(&entry.path, "is another name of what is no file"))?;
                return Ok(LayeredEntry { layer, ..found.clone() });
            }
            TarKind::File(size) => {
                let content = self.content(&entry.path, *size, contents)?;
                let kind = LayeredKind::File(*size);
                return Ok(LayeredEntry { kind, metadata: entry.metadata, content, layer });
            }
        };
        Ok(LayeredEntry { kind, metadata: entry.metadata, content: None, layer })
    }

    fn content(&mut self, path: &[u8], size: u64, from: &mut dyn Read) -> Result<Option<Arc<[u8]>>, LayeredError> {
        let is_kept = components(path).next_back().is_some_and(|name| KEPT.contains(&name));
        if !is_kept || size > self.limits.file || self.contents + size > self.limits.contents {
            return Ok(None);
        }
        self.contents += size;
        let mut content = Vec::new();
        from.take(size).read_to_end(&mut content).map_err(TarError::from)?;
        Ok(Some(content.into()))
    }

    fn put(&mut self, path: ImagePath, entry: LayeredEntry) -> Result<(), LayeredError> {
        for parent in std::iter::successors(path.parent(), ImagePath::parent).filter(|parent| !parent.is_root()) {
            self.step(1)?;
            match self.entries.get(&parent) {
                Some(LayeredEntry { kind: LayeredKind::Directory, .. }) => break,
                _ => self.insert(parent, folder(self.layer))?,
            }
        }
        let both_folders = entry.kind == LayeredKind::Directory
            && self.entries.get(&path).is_some_and(|there| there.kind == LayeredKind::Directory);
        if !both_folders {
            self.remove(&path, true, u32::MAX)?;
        }
        self.insert(path, entry)
    }

    fn insert(&mut self, path: ImagePath, entry: LayeredEntry) -> Result<(), LayeredError> {
        let target = if let LayeredKind::Symlink(target) = &entry.kind { target.len() } else { 0 };
        self.bytes += path.as_bytes().len() + target;
        self.entries.insert(path, entry);
        if self.entries.len() > self.limits.entries {
            return Err(LayeredError::TooMuch { layer: self.layer, what: "files" });
        }
        if self.bytes > self.limits.bytes {
            return Err(LayeredError::TooMuch { layer: self.layer, what: "bytes of names" });
        }
        Ok(())
    }

    /// Takes out what lower layers have below `path`, and with `whole` at it.
    fn hide(&mut self, path: &ImagePath, whole: bool) -> Result<(), LayeredError> {
        let kept = self.remove(path, whole, self.layer)?;
        // What this very layer has there needs its folder.
        if kept && whole && !path.is_root() && !self.entries.contains_key(path) {
            self.insert(path.clone(), folder(self.layer))?;
        }
        Ok(())
    }

    /// Takes out what layers below `before` have below `path`, and with `whole` at it. Whether something is left there.
    fn remove(&mut self, path: &ImagePath, whole: bool, before: u32) -> Result<bool, LayeredError> {
        let there = self.entries.range(path.clone()..).take_while(|(found, _)| found.starts_with(path));
        let (mut gone, mut seen) = (Vec::new(), 0);
        for (found, entry) in there {
            seen += 1;
            if entry.layer < before && (whole || found != path) {
                gone.push(found.clone());
            }
        }
        self.step(seen)?;
        let kept = gone.len() < seen;
        self.forget(&gone);
        if kept {
            self.mend(&gone, path)?;
        }
        Ok(kept)
    }

    fn forget(&mut self, paths: &[ImagePath]) {
        for path in paths {
            let Some(entry) = self.entries.remove(path) else { continue };
            let target = if let LayeredKind::Symlink(target) = &entry.kind { target.len() } else { 0 };
            self.bytes = self.bytes.saturating_sub(path.as_bytes().len() + target);
        }
    }

    /// Folders that went and in which something is left come back.
    fn mend(&mut self, gone: &[ImagePath], path: &ImagePath) -> Result<(), LayeredError> {
        let is_needed = |gone: &&ImagePath| {
            let mut behind = self.entries.range((*gone).clone()..);
            *gone != path && behind.next().is_some_and(|(next, _)| next.starts_with(gone))
        };
        let needed: Vec<ImagePath> = gone.iter().filter(is_needed).cloned().collect();
        needed.into_iter().try_for_each(|path| self.insert(path, folder(self.layer)))
    }

    fn step(&mut self, steps: usize) -> Result<(), LayeredError> {
        self.steps += steps;
        if self.steps > self.limits.steps {
            return Err(LayeredError::TooMuch { layer: self.layer, what: "deletions" });
        }
        Ok(())
    }

    fn refuse(&self, path: &[u8], reason: &'static str) -> LayeredError {
        LayeredError::Entry { layer: self.layer, path: path.to_vec(), reason }
    }
}

/// A folder that no layer describes.
fn folder(layer: u32) -> LayeredEntry {
    LayeredEntry { kind: LayeredKind::Directory, metadata: Metadata::root(0o755), content: None, layer }
}

/// The names in a path, without those that lead nowhere.
fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|&byte| byte == b'/').filter(|name| !matches!(*name, b"" | b"."))
}
