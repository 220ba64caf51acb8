//! Fragments of trees: generated units and local ones. Their key is what their tar holds.

use std::fs::File;
use std::io::{self, Read};

use crate::image::ImagePath;
use crate::image::codec::Codec;
use crate::image::tar::{Kind, padding, write_header};
use crate::image::tree::{Metadata, Node, Tree};
use crate::nix::{Hasher, Sha256, StorePath};

use super::{Error, Fragment, FragmentKey, FragmentWriter, Pool, Store};

/// A tree as a unit of a layer.
#[derive(Clone, Copy)]
pub struct TreeUnit<'a> {
    /// What it holds, from the image's root.
    pub tree: &'a Tree,
    /// Folders that stand in layers' heads, and so not in the fragment.
    pub is_shared: &'a dyn Fn(&ImagePath) -> bool,
    /// What the listing's paths are relative to: a store path, or the image's root.
    pub base: &'a ImagePath,
}

/// Takes a tree's entries.
trait Sink {
    fn header(&mut self, path: &ImagePath, kind: Kind<'_>, metadata: Metadata, listed: &[u8]) -> io::Result<()>;
    fn contents(&mut self, size: u64, reader: &mut dyn Read) -> io::Result<()>;
}

impl Sink for FragmentWriter<'_> {
    fn header(&mut self, path: &ImagePath, kind: Kind<'_>, metadata: Metadata, listed: &[u8]) -> io::Result<()> {
        FragmentWriter::header(self, path, kind, metadata, listed)
    }

    fn contents(&mut self, size: u64, reader: &mut dyn Read) -> io::Result<()> {
        FragmentWriter::contents(self, size, reader)
    }
}

impl Sink for Hasher {
    fn header(&mut self, path: &ImagePath, kind: Kind<'_>, metadata: Metadata, _listed: &[u8]) -> io::Result<()> {
        let mut header = Vec::new();
        write_header(&mut header, path.as_bytes(), kind, metadata);
        self.update(&header);
        Ok(())
    }

    fn contents(&mut self, size: u64, reader: &mut dyn Read) -> io::Result<()> {
        if io::copy(&mut reader.take(size), self)? < size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.update(padding(size));
        Ok(())
    }
}

/// Hashes what goes by.
struct Hashed<'a> {
    input: &'a mut dyn Read,
    hasher: &'a mut Hasher,
}

impl Read for Hashed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}

/// A fragment being written, and the digest of what really went in.
struct Checked<'a> {
    writer: FragmentWriter<'a>,
    hasher: Hasher,
}

impl Sink for Checked<'_> {
    fn header(&mut self, path: &ImagePath, kind: Kind<'_>, metadata: Metadata, listed: &[u8]) -> io::Result<()> {
        Sink::header(&mut self.hasher, path, kind, metadata, listed)?;
        Sink::header(&mut self.writer, path, kind, metadata, listed)
    }

    fn contents(&mut self, size: u64, reader: &mut dyn Read) -> io::Result<()> {
        Sink::contents(&mut self.writer, size, &mut Hashed { input: reader, hasher: &mut self.hasher })?;
        self.hasher.update(padding(size));
        Ok(())
    }
}

impl Store {
    /// The fragment of a tree: the one that is there, else a new one. `head` is that of the layer which it would make alone.
    pub fn tree_fragment(
        &self,
        pool: &Pool,
        codec: Codec,
        head: &[u8],
        unit: TreeUnit<'_>,
    ) -> Result<(Fragment, bool), Error> {
        let digest = digest(unit)?;
        let key = FragmentKey::tree(&digest);
        if let Some(fragment) = self.fragment(key, codec)?.filter(|_| !self.untrusted) {
            return Ok((fragment, true));
        }
        let mut checked = Checked { writer: self.write_fragment(pool, codec, head)?, hasher: Hasher::new() };
        write(unit, &mut checked)?;
        if checked.hasher.finish() != digest {
            let changed = unit.tree.values().find_map(|(_, node)| match node {
                Node::LocalFile { path, .. } => Some(path.clone()),
                _ => None,
            });
            return Err(Error::Changed(changed.unwrap_or_default()));
        }
        Ok((checked.writer.finish(self, key)?, false))
    }
}

impl Store {
    /// The fragment of a tree that is the store path `path`, under the key that any package of this NAR has: whoever knows the
    /// path and the hash finds it again, without the tree.
    pub fn store_path_fragment(
        &self,
        pool: &Pool,
        codec: Codec,
        head: &[u8],
        tree: &Tree,
        (path, nar_hash): (&StorePath, &Sha256),
    ) -> Result<Fragment, Error> {
        let unit = TreeUnit { tree, is_shared: &|_| false, base: &ImagePath::from(path) };
        let mut writer = self.write_fragment(pool, codec, head)?;
        write(unit, &mut writer)?;
        let fragment = writer.finish(self, FragmentKey::store_path(path, nar_hash))?;
        // Files of the disk may have changed since they were hashed.
        self.prove(&fragment, path, nar_hash, head)?;
        Ok(fragment)
    }
}

/// Digest of the entries' tar.
fn digest(unit: TreeUnit<'_>) -> Result<Sha256, Error> {
    let mut hasher = Hasher::new();
    write(unit, &mut hasher)?;
    Ok(hasher.finish())
}

fn write(unit: TreeUnit<'_>, sink: &mut impl Sink) -> Result<(), Error> {
    for (path, (metadata, node)) in unit.tree {
        let below = path.as_bytes().strip_prefix(unit.base.as_bytes()).unwrap_or(path.as_bytes());
        let listed = below.strip_prefix(b"/").unwrap_or(below);
        match node {
            Node::Directory if (unit.is_shared)(path) => {}
            Node::Directory => sink.header(path, Kind::Directory, *metadata, listed)?,
            Node::Symlink(target) => sink.header(path, Kind::Symlink(target), *metadata, listed)?,
            Node::File(content) => {
                sink.header(path, Kind::File(content.len() as u64), *metadata, listed)?;
                sink.contents(content.len() as u64, &mut &content[..])?;
            }
            Node::LocalFile { path: local, size } => {
                sink.header(path, Kind::File(*size), *metadata, listed)?;
                let mut file = File::open(local)?;
                let copied = sink.contents(*size, &mut file);
                let cut = copied.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::UnexpectedEof);
                if cut || (copied.is_ok() && file.read(&mut [0])? != 0) {
                    return Err(Error::Changed(local.clone()));
                }
                copied?;
            }
        }
    }
    Ok(())
}
