//! Packages of Debian's as fragments: read once, while they stream by.
//!
//! A fragment holds a package's files at their canonical paths, and the package's part of dpkg's database. No folders: these stand
//! in layers' heads, for what they look like is decided over all packages. The listing has them.
//!
//! Nothing derives such a fragment anew from its own bytes, as it is done with NARs: in a store that others can write to, who
//! needs a package fetches it again.

mod control;
mod data;
mod facts;
mod fault;
mod limit;
mod places;
#[cfg(test)]
pub(in crate::store) mod tests;

use std::io::{self, BufReader, Read};

use crate::deb::{DebSink, PackageName, Version};
use crate::image::ImagePath;
use crate::image::codec::Codec;
use crate::image::tar::Kind;
use crate::image::tree::Metadata;
use crate::image::untar::{TarKind, TarReader};

use super::{Error, Fragment, FragmentKey, FragmentWriter, Pool, Store};
use control::Control;
use data::{Data, Hashed};
use limit::Limited;

pub use fault::DebFault;
pub(super) use places::{Inode, Named, Place, Places};

/// Where dpkg keeps what it knows of packages.
const INFO: &str = "var/lib/dpkg/info";

/// What the archive of files is called in errors.
const FILES: &str = "its archive of files";

/// A package may take this much more than twice of what it says.
const SLACK: u64 = 256 << 20;

/// What an index says of a package. It must say the same itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebIdentity {
    /// Its name.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// `amd64`, `arm64`, `all`, …
    pub architecture: String,
    /// Bytes that it takes, as it says itself.
    pub installed_size: u64,
}

/// Writes a package's fragment: hand it to who reads the package, then [`DebWriter::finish`] it.
pub struct DebWriter<'a> {
    writer: FragmentWriter<'a>,
    expected: DebIdentity,
    data: Data,
    control: Option<Control>,
    is_complete: bool,
}

impl Store {
    /// Begins the fragment of a package.
    ///
    /// The layer that it makes alone ([`Fragment::alone`]) has an empty head, and is no layer of an image: which folders it needs is
    /// known only when all packages are.
    pub fn write_deb<'a>(&self, pool: &'a Pool, codec: Codec, expected: &DebIdentity) -> Result<DebWriter<'a>, Error> {
        let writer = self.write_fragment(pool, codec, b"")?;
        Ok(DebWriter { writer, expected: expected.clone(), data: Data::default(), control: None, is_complete: false })
    }
}

impl DebWriter<'_> {
    /// Completes the fragment and puts it where it belongs, with what is known of the package beside it.
    pub fn finish(mut self, store: &Store, key: FragmentKey) -> Result<Fragment, Error> {
        let control = self.control.take().ok_or(DebFault::Missing("control archive"))?;
        if !self.is_complete {
            return Err(DebFault::Missing("archive of files").into());
        }
        for (path, metadata) in self.data.places.folders() {
            self.writer.list(path.as_bytes(), Kind::Directory, metadata, 0)?;
        }
        let md5 = self.data.md5;
        let facts = control.into_facts(|path| md5.get(path).cloned());
        let facts = serde_json::to_vec(&facts).map_err(io::Error::from)?;
        self.writer.finish_with(store, key, Some(&facts))
    }

    /// A file of dpkg's database.
    fn info(&mut self, stem: &str, member: &str, mode: u32, content: &[u8]) -> io::Result<()> {
        let text = format!("{INFO}/{stem}.{member}");
        let path = ImagePath::new(text.as_bytes()).map_err(|error| DebFault::entry(text.as_bytes(), error.reason))?;
        self.data.places.is_free(&path)?;
        let (size, metadata) = (content.len() as u64, Metadata::root(mode));
        self.writer.header(&path, Kind::File(size), metadata, path.as_bytes())?;
        self.data.places.put(&path, Place::File(Inode { metadata, size, offset: self.writer.tar_size() }))?;
        self.writer.contents(size, &mut &*content)
    }

    fn files(&mut self, tar: &mut dyn Read, hashed: &Hashed) -> io::Result<()> {
        let limit = self.expected.installed_size.saturating_mul(2).saturating_add(SLACK);
        let tar = Limited::new(tar, limit, FILES);
        let mut reader = TarReader::new(BufReader::with_capacity(1 << 16, tar));
        let mut total = 0u64;
        while let Some(entry) = reader.next_entry()? {
            if let TarKind::File(size) = entry.kind {
                total = total.saturating_add(size);
            }
            // Before the first byte of what is too much, where it says so itself.
            if total > limit {
                return Err(DebFault::TooLarge { what: FILES, limit }.into());
            }
            self.data.entry(&mut self.writer, &entry, &mut reader, hashed)?;
        }
        Ok(())
    }
}

impl DebSink for DebWriter<'_> {
    fn control(&mut self, tar: &mut dyn Read) -> io::Result<()> {
        let control = Control::read(tar, &self.expected)?;
        for (name, (mode, content)) in &control.members {
            self.info(&control.stem, name, *mode, content)?;
        }
        self.control = Some(control);
        Ok(())
    }

    fn data(&mut self, tar: &mut dyn Read) -> io::Result<()> {
        let control = self.control.as_ref().ok_or(DebFault::Missing("control archive before its files"))?;
        let (stem, brings_sums) = (control.stem.clone(), control.members.contains_key("md5sums"));
        let hashed = if brings_sums { Hashed::Conffiles(control.conffiles()) } else { Hashed::All };
        self.files(tar, &hashed)?;
        // As dpkg does where the package doesn't.
        if !brings_sums && !self.data.sums.is_empty() {
            let sums = std::mem::take(&mut self.data.sums);
            self.info(&stem, "md5sums", 0o644, &sums)?;
        }
        let list = self.data.list();
        self.info(&stem, "list", 0o644, &list)?;
        self.is_complete = true;
        Ok(())
    }
}
