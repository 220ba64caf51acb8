//! What the image will hold, as far as it is known: listings of packages, and their bytes on demand.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;

use crate::image::ImagePath;
use crate::image::listing::Listing;
use crate::nix::StorePath;
use crate::root::environment::FileRef;
use crate::root::view::split_store_path;
use crate::store::{self, Extent, Fragment, FragmentKey, LastMember, Store};

use super::packages::Fragments;

/// Bytes compared at a time.
const PIECE: usize = 1 << 20;

/// Packages that lie in the store as fragments.
pub(super) struct Shelf<'a> {
    pub(super) store: &'a Store,
    pub(super) fragments: &'a Fragments,
    last: RefCell<LastMember>,
    /// Where files lie, for packages that were read from.
    extents: RefCell<BTreeMap<FragmentKey, BTreeMap<ImagePath, Extent>>>,
}

impl<'a> Shelf<'a> {
    /// The packages `fragments` of `store`.
    pub(super) fn new(store: &'a Store, fragments: &'a Fragments) -> Self {
        Self { store, fragments, last: RefCell::default(), extents: RefCell::default() }
    }

    /// The listings of all packages.
    pub(super) fn listings(&self) -> Result<BTreeMap<StorePath, Listing>, store::Error> {
        let listing = |(path, fragment): (&StorePath, _)| Ok((path.clone(), self.store.listing(fragment)?));
        self.fragments.iter().map(|(path, fragment)| listing((path, &**fragment))).collect()
    }

    /// Up to `length` bytes at `offset` of a package's file; fewer where it ends.
    pub(super) fn read(&self, path: &StorePath, inner: &ImagePath, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let fragment = self.fragments.get(path).ok_or(io::ErrorKind::NotFound)?;
        self.read_in(fragment, inner, offset, length)
    }

    /// Up to `length` bytes at `offset` of a fragment's file; fewer where it ends.
    pub(super) fn read_in(
        &self,
        fragment: &Fragment,
        inner: &ImagePath,
        offset: u64,
        length: usize,
    ) -> io::Result<Vec<u8>> {
        let mut extents = self.extents.borrow_mut();
        let extents = match extents.entry(fragment.key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(self.store.extents(fragment).map_err(io::Error::other)?),
        };
        let extent = *extents.get(inner).ok_or(io::ErrorKind::NotFound)?;
        let rest = usize::try_from(extent.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut last = self.last.borrow_mut();
        self.store.read_at(fragment, extent.offset + offset, length.min(rest), &mut last).map_err(io::Error::other)
    }

    /// The same by a path of the image; `None` where no package's file stands there.
    pub(super) fn read_path(&self, path: &ImagePath, offset: u64, length: usize) -> io::Result<Option<Vec<u8>>> {
        match split_store_path(path) {
            Some((store_path, inner)) if self.fragments.contains_key(&store_path) => {
                self.read(&store_path, &inner, offset, length).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Whether two files of packages hold the same.
    pub(super) fn same(&self, one: &FileRef, two: &FileRef) -> io::Result<bool> {
        let mut offset = 0;
        loop {
            let piece = |file: &FileRef| self.read(&file.store_path, &file.path, offset, PIECE);
            let (left, right) = (piece(one)?, piece(two)?);
            if left != right || left.is_empty() {
                return Ok(left == right);
            }
            offset += left.len() as u64;
        }
    }
}
