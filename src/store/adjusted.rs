//! Fragments of packages with changes: what others replace is left out, what is diverted stands elsewhere, owners and modes are
//! the administrator's.
//!
//! The package's own fragment is read and written anew, without the package. A file with several names stays one: what is said of one
//! of its names holds for all of them.

mod plan;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, Read};

use crate::image::ImagePath;
use crate::image::adjust::Adjustments;
use crate::image::codec::Codec;
use crate::image::tar::Kind;
use crate::image::tree::Metadata;
use crate::image::untar::{TarEntry, TarError, TarKind, TarReader};

use super::deb::{Inode, Named, Place, Places};
use super::{Error, Fragment, FragmentKey, FragmentWriter, Pool, Store};
use plan::{File, Plan};

impl Store {
    /// The fragment `base`, which is a package's, with changes: the one that is there, else a new one. Its facts are the same.
    ///
    /// # Errors
    /// A change to what the package doesn't have, or that puts something where something else stands: [`Error::Deb`].
    pub fn adjusted_fragment(
        &self,
        pool: &Pool,
        codec: Codec,
        base: &Fragment,
        adjustments: &Adjustments,
    ) -> Result<Fragment, Error> {
        if adjustments.is_empty() && base.codec == codec {
            return Ok(base.clone());
        }
        let key = FragmentKey::adjusted(base.key, &adjustments.digest());
        if let Some(fragment) = self.fragment(key, codec)?.filter(|_| !self.untrusted) {
            return Ok(fragment);
        }
        let attachment = self.attachment(base)?;
        let mut rewrite = Rewrite {
            writer: self.write_fragment(pool, codec, b"")?,
            plan: Plan::new(self.records(base)?, adjustments)?,
            places: Places::default(),
            adjustments,
        };
        rewrite.folders()?;
        if let Err(error) = self.rewrite(base, &mut rewrite) {
            // What is read before all of it is found whole may be anything: then it is that, and no fault of what it says.
            if !matches!(error, Error::Damaged(_)) {
                self.read_fragment(base)?.copy_members(&mut io::sink())?;
            }
            return Err(error);
        }
        for (path, metadata) in rewrite.places.folders() {
            rewrite.writer.list(path.as_bytes(), Kind::Directory, metadata, 0)?;
        }
        rewrite.writer.finish_with(self, key, Some(&attachment))
    }

    fn rewrite(&self, base: &Fragment, rewrite: &mut Rewrite<'_>) -> Result<(), Error> {
        let mut reader = TarReader::new(self.read_fragment(base)?.into_tar()?);
        while let Some(entry) = reader.next_entry().map_err(unwrapped)? {
            rewrite.entry(&entry, &mut reader)?;
        }
        Ok(())
    }
}

/// A fragment that is being written anew.
struct Rewrite<'a> {
    writer: FragmentWriter<'a>,
    plan: Plan,
    places: Places,
    adjustments: &'a Adjustments,
}

impl Rewrite<'_> {
    /// The folders stay, whether something is left in them or not.
    fn folders(&mut self) -> Result<(), Error> {
        for folder in self.plan.folders() {
            let metadata = self.metadata_of(&folder.path, folder.metadata);
            self.places.folder(&folder.path, metadata, Named::ByPath)?;
        }
        Ok(())
    }

    fn entry(&mut self, entry: &TarEntry, contents: &mut dyn Read) -> Result<(), Error> {
        let path = ImagePath::new(&entry.path).map_err(|_| odd())?;
        match &entry.kind {
            TarKind::File(size) => self.file(&path, *size, contents),
            TarKind::HardLink(_) => self.link(&path),
            TarKind::Symlink(target) => self.symlink(&path, target, entry.metadata),
            TarKind::Directory | TarKind::Special(_) => Err(odd().into()),
        }
    }

    /// A file stands where the base has its contents, by the first of its names that stays.
    fn file(&mut self, path: &ImagePath, size: u64, contents: &mut dyn Read) -> Result<(), Error> {
        let file = self.plan.file(path).ok_or_else(odd)?;
        let Some(first) = file.names.iter().find_map(|name| self.plan.place(name)) else { return Ok(()) };
        let first = first.clone();
        let content = Self::said(file, &self.adjustments.content).cloned();
        let capability = Self::said(file, &self.adjustments.capabilities).cloned();
        let metadata = Self::said(file, &self.adjustments.metadata).copied().unwrap_or(file.metadata);
        let size = content.as_ref().map_or(size, |content| content.len() as u64);
        self.places.is_free(&first)?;
        self.writer.capable_header(&first, Kind::File(size), metadata, capability.as_deref())?;
        let inode = Inode { metadata, size, offset: self.writer.tar_size() };
        self.writer.list(first.as_bytes(), Kind::File(size), metadata, inode.offset)?;
        self.places.put(&first, Place::File(inode))?;
        match content {
            Some(content) => self.writer.contents(size, &mut &content[..])?,
            None => self.writer.contents(size, contents).map_err(|error| unwrapped(TarError::Io(error)))?,
        }
        self.plan.written(path, first, inode, capability);
        Ok(())
    }

    /// Another name of a file that was written already, perhaps by this very name.
    fn link(&mut self, path: &ImagePath) -> Result<(), Error> {
        let Some(place) = self.plan.place(path) else { return Ok(()) };
        let file = self.plan.file(path).ok_or_else(odd)?;
        let (first, inode, capability) = file.written.as_ref().ok_or_else(odd)?;
        if first == place {
            return Ok(());
        }
        self.places.put(place, Place::File(*inode))?;
        Ok(self.writer.hard_link(place, first, *inode, capability.as_deref())?)
    }

    fn symlink(&mut self, path: &ImagePath, target: &[u8], metadata: Metadata) -> Result<(), Error> {
        let Some(place) = self.plan.place(path) else { return Ok(()) };
        let metadata = self.metadata_of(path, metadata);
        self.places.put(place, Place::Symlink(target.to_vec(), metadata))?;
        Ok(self.writer.header(place, Kind::Symlink(target), metadata, place.as_bytes())?)
    }

    fn metadata_of(&self, path: &ImagePath, metadata: Metadata) -> Metadata {
        self.adjustments.metadata.get(path).copied().unwrap_or(metadata)
    }

    /// What is said of the first name of a file that anything is said of.
    fn said<'v, T>(file: &File, table: &'v BTreeMap<ImagePath, T>) -> Option<&'v T> {
        file.names.iter().find_map(|name| table.get(name))
    }
}

/// The base's tar is not what a package's fragment is.
fn odd() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "only a package's fragment can be changed")
}

/// What the store itself found on the way, out of what a reader made of it.
fn unwrapped(error: TarError) -> Error {
    match io::Error::from(error).downcast::<Error>() {
        Ok(error) => error,
        Err(error) => error.into(),
    }
}
