//! Debian packages on the shelf: what they say of themselves, and bytes of their files.

use std::cell::OnceCell;
use std::io;
use std::sync::Arc;

use crate::deb::PackageName;
use crate::image::ImagePath;
use crate::image::listing::ListingKind;
use crate::sbom::licence::{LARGEST, licences};
use crate::store::{Fragment, FragmentKey};

use super::super::Error;
use super::super::facts::DebFacts;
use super::super::stock::Absent;
use super::Shelf;

/// A package, and what of it was looked at.
pub(super) struct DebOnShelf {
    key: FragmentKey,
    fragment: OnceCell<Arc<Fragment>>,
    facts: OnceCell<Arc<DebFacts>>,
}

impl DebOnShelf {
    pub(super) fn new(key: FragmentKey, fragment: Option<Arc<Fragment>>) -> Self {
        Self { key, fragment: fragment.map(OnceCell::from).unwrap_or_default(), facts: OnceCell::new() }
    }

    pub(super) fn into_fragment(self) -> Option<Arc<Fragment>> {
        self.fragment.into_inner()
    }
}

impl Shelf<'_> {
    /// Whether the image has Debian packages.
    pub(in crate::build) fn has_debs(&self) -> bool {
        !self.debs.is_empty()
    }

    /// What generation looks at of a Debian package of the image.
    pub(in crate::build) fn deb(&self, name: &PackageName) -> Result<&DebFacts, Error> {
        let on_shelf = self.debs.get(name).ok_or_else(|| Error::Unplanned { unit: name.to_string() })?;
        if let Some(facts) = on_shelf.facts.get() {
            return Ok(facts);
        }
        let facts = if let Some(known) = self.known.deb(on_shelf.key) {
            known.clone()
        } else {
            let fragment = self.made(Absent::Deb(name), &on_shelf.fragment)?;
            Arc::new(DebFacts::new(self.store.listing(fragment)?, self.store.facts(fragment)?))
        };
        self.asked.borrow_mut().put_deb(on_shelf.key, &facts);
        Ok(on_shelf.facts.get_or_init(|| facts))
    }

    /// Up to `length` bytes at `offset` of a Debian package's file, by its path in the unchanged package; fewer where it ends.
    pub(in crate::build) fn read_deb(
        &self,
        name: &PackageName,
        path: &ImagePath,
        offset: u64,
        length: usize,
    ) -> io::Result<Vec<u8>> {
        let on_shelf = self.debs.get(name).ok_or(io::ErrorKind::NotFound)?;
        let piece = (path.clone(), offset, length as u64);
        let bytes = match self.known.bytes(on_shelf.key, &piece) {
            Some(known) => known.clone(),
            None => self.bytes_of(name, path, offset, length)?,
        };
        self.asked.borrow_mut().put_bytes(on_shelf.key, piece, &bytes);
        Ok(bytes)
    }

    /// Licences that a Debian package's copyright file names; none where it has no such file of its own.
    pub(in crate::build) fn licences(&self, name: &PackageName) -> io::Result<Vec<String>> {
        let on_shelf = self.debs.get(name).ok_or(io::ErrorKind::NotFound)?;
        let licences = match self.known.licences(on_shelf.key) {
            Some(known) => known.clone(),
            None => self.copyright(name)?.as_deref().map(licences).unwrap_or_default(),
        };
        self.asked.borrow_mut().put_licences(on_shelf.key, &licences);
        Ok(licences)
    }

    fn copyright(&self, name: &PackageName) -> io::Result<Option<String>> {
        let path = format!("usr/share/doc/{name}/copyright");
        let path = ImagePath::new(path.as_bytes()).map_err(io::Error::other)?;
        match self.bytes_of(name, &path, 0, LARGEST) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            bytes => Ok(Some(String::from_utf8_lossy(&bytes?).into_owned())),
        }
    }

    /// Bytes out of the package itself.
    fn bytes_of(&self, name: &PackageName, path: &ImagePath, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        // What is not there needs no package to say so.
        let is_file = |facts: &DebFacts| matches!(facts.listing.get(path), Some(ListingKind::File { .. }));
        let on_shelf = self.debs.get(name).filter(|_| self.deb(name).is_ok_and(is_file));
        let fragment = &on_shelf.ok_or(io::ErrorKind::NotFound)?.fragment;
        self.read_in(self.made(Absent::Deb(name), fragment)?, path, offset, length)
    }
}
