//! What the image will hold, as far as it is known: listings of packages and their bytes, each looked at when it is asked for.
//!
//! Every answer is remembered ([`Facts`]). An earlier image's facts answer before a package is made, which may mean to fetch it.

mod debs;
mod listings;

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::sync::Arc;

use crate::channel::LockedDeb;
use crate::deb::PackageName;
use crate::image::ImagePath;
use crate::image::listing::{Listing, ListingKind};
use crate::nix::{Hasher, Sha256, StorePath};
use crate::root::environment::FileRef;
use crate::root::view::{Packages, split_store_path};
use crate::store::{Extent, Fragment, FragmentKey, LastMember, Store};

use super::Error;
use super::facts::Facts;
use super::packages::Keys;
use super::stock::{Absent, Stock};
use super::units;
use debs::DebOnShelf;

pub(super) use listings::Listings;

/// Bytes read at a time.
const PIECE: usize = 1 << 20;

/// Makes the fragment of a package that is not in the store.
pub(super) type MakeFragment<'a> = dyn Fn(Absent<'_>) -> Result<Arc<Fragment>, Error> + 'a;

/// A package, and what of it was looked at.
struct OnShelf {
    key: FragmentKey,
    fragment: OnceCell<Arc<Fragment>>,
    listing: OnceCell<Listing>,
}

/// The packages of an image.
pub(super) struct Shelf<'a> {
    store: &'a Store,
    packages: BTreeMap<StorePath, OnShelf>,
    debs: BTreeMap<PackageName, DebOnShelf>,
    /// What an earlier image knows.
    known: &'a Facts,
    /// What was asked of this one.
    asked: RefCell<Facts>,
    make: &'a MakeFragment<'a>,
    /// Why the first question without an answer had none: answers to later ones are worth nothing.
    fault: RefCell<Option<Error>>,
    last: RefCell<LastMember>,
    /// Where files lie, for packages that were read from.
    extents: RefCell<BTreeMap<FragmentKey, BTreeMap<ImagePath, Extent>>>,
}

impl<'a> Shelf<'a> {
    /// The packages `keys` and `debs`; those of `stock` are in `store`, and others are made where `known` does not answer.
    pub(super) fn new(
        store: &'a Store,
        (keys, debs): (&Keys, &units::Debs<'_>),
        mut stock: Stock,
        known: &'a Facts,
        make: &'a MakeFragment<'a>,
    ) -> Self {
        let on_shelf = |(path, key): (&StorePath, &FragmentKey)| {
            let fragment = stock.packages.remove(path).map(OnceCell::from).unwrap_or_default();
            (path.clone(), OnShelf { key: *key, fragment, listing: OnceCell::new() })
        };
        let deb_on_shelf = |(name, deb): (&&PackageName, &&LockedDeb)| {
            ((*name).clone(), DebOnShelf::new(FragmentKey::deb(&deb.sha256), stock.debs.remove(*name)))
        };
        Self {
            store,
            packages: keys.iter().map(on_shelf).collect(),
            debs: debs.iter().map(deb_on_shelf).collect(),
            known,
            asked: RefCell::default(),
            make,
            fault: RefCell::default(),
            last: RefCell::default(),
            extents: RefCell::default(),
        }
    }

    /// The fragments that are there now, and all answers. The fault of a question that had none goes before whatever `outcome`
    /// was made of it.
    pub(super) fn close<T>(self, outcome: Result<T, Error>) -> Result<(T, Stock, Facts), Error> {
        if let Some(fault) = self.fault.into_inner() {
            return Err(fault);
        }
        let made = outcome?;
        let fragment = |(path, on_shelf): (_, OnShelf)| Some((path, on_shelf.fragment.into_inner()?));
        let packages = self.packages.into_iter().filter_map(fragment).collect();
        let debs = self.debs.into_iter().filter_map(|(name, deb)| Some((name, deb.into_fragment()?))).collect();
        Ok((made, Stock { packages, debs }, self.asked.into_inner()))
    }

    /// Up to `length` bytes at `offset` of a fragment's file; fewer where it ends.
    fn read_in(&self, fragment: &Fragment, inner: &ImagePath, offset: u64, length: usize) -> io::Result<Vec<u8>> {
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

    /// Up to `length` bytes at `offset` of the file at a path of the image; `None` where no package's file stands there.
    pub(super) fn read_path(&self, path: &ImagePath, offset: u64, length: usize) -> io::Result<Option<Vec<u8>>> {
        let Some((store_path, inner)) = split_store_path(path) else { return Ok(None) };
        let Some(on_shelf) = self.packages.get(&store_path) else { return Ok(None) };
        let piece = (inner, offset, length as u64);
        let bytes = match self.known.bytes(on_shelf.key, &piece) {
            Some(known) => known.clone(),
            None => self.read_in(self.fragment(&store_path, on_shelf)?, &piece.0, offset, length)?,
        };
        self.asked.borrow_mut().put_bytes(on_shelf.key, piece, &bytes);
        Ok(Some(bytes))
    }

    /// Whether two files of packages hold the same.
    pub(super) fn same(&self, one: &FileRef, two: &FileRef) -> io::Result<bool> {
        Ok(self.digest(one)? == self.digest(two)?)
    }

    fn digest(&self, file: &FileRef) -> io::Result<Sha256> {
        let on_shelf = self.packages.get(&file.store_path).ok_or(io::ErrorKind::NotFound)?;
        let of = (on_shelf.key, file.path.clone());
        if let Some(asked) = self.asked.borrow().digest(&of) {
            return Ok(asked);
        }
        let digest = match self.known.digest(&of) {
            Some(known) => known,
            None => self.derive(self.fragment(&file.store_path, on_shelf)?, &file.path)?,
        };
        self.asked.borrow_mut().put_digest(of, digest);
        Ok(digest)
    }

    fn derive(&self, fragment: &Fragment, path: &ImagePath) -> io::Result<Sha256> {
        let (mut hasher, mut offset) = (Hasher::new(), 0);
        loop {
            let piece = self.read_in(fragment, path, offset, PIECE)?;
            if piece.is_empty() {
                return Ok(hasher.finish());
            }
            hasher.update(&piece);
            offset += piece.len() as u64;
        }
    }

    fn fragment<'s>(&self, path: &StorePath, on_shelf: &'s OnShelf) -> io::Result<&'s Fragment> {
        self.made(Absent::Package(path), &on_shelf.fragment)
    }

    /// A package's fragment, made where it is not there.
    fn made<'s>(&self, package: Absent<'_>, fragment: &'s OnceCell<Arc<Fragment>>) -> io::Result<&'s Fragment> {
        if fragment.get().is_none() {
            match (self.make)(package) {
                Ok(made) => drop(fragment.set(made)),
                Err(fault) => self.fail(fault),
            }
        }
        fragment.get().map(|fragment| &**fragment).ok_or_else(|| io::Error::other("a package is not there"))
    }

    /// A package's listing; `None` where that failed, which [`Shelf::close`] tells.
    fn listing<'s>(&self, path: &StorePath, on_shelf: &'s OnShelf) -> Option<&'s Listing> {
        if on_shelf.listing.get().is_none() {
            let fragment = self.fragment(path, on_shelf).ok()?;
            match self.store.listing(fragment) {
                Ok(listing) => drop(on_shelf.listing.set(listing)),
                Err(fault) => self.fail(fault.into()),
            }
        }
        on_shelf.listing.get()
    }

    fn fail(&self, fault: Error) {
        self.fault.borrow_mut().get_or_insert(fault);
    }
}

impl Packages for Shelf<'_> {
    fn paths(&self) -> Box<dyn Iterator<Item = &StorePath> + '_> {
        Box::new(self.packages.keys())
    }

    fn contains(&self, package: &StorePath) -> bool {
        self.packages.contains_key(package)
    }

    fn get(&self, package: &StorePath, path: &ImagePath) -> Option<&ListingKind> {
        let on_shelf = self.packages.get(package)?;
        let kind = match self.known.kind(on_shelf.key, path) {
            Some(known) => known,
            None => self.listing(package, on_shelf)?.get(path),
        };
        self.asked.borrow_mut().put_kind(on_shelf.key, path, kind);
        kind
    }

    fn names(&self, package: &StorePath, folder: &ImagePath) -> Vec<Vec<u8>> {
        let Some(on_shelf) = self.packages.get(package) else { return Vec::new() };
        let names = match self.known.names(on_shelf.key, folder) {
            Some(known) => known.clone(),
            None => self.listing(package, on_shelf).map(|listing| listing.names(folder)).unwrap_or_default(),
        };
        self.asked.borrow_mut().put_names(on_shelf.key, folder, &names);
        names
    }

    fn below(&self, package: &StorePath, path: &ImagePath) -> Vec<(ImagePath, ListingKind)> {
        let Some(on_shelf) = self.packages.get(package) else { return Vec::new() };
        let below = match self.known.below(on_shelf.key, path) {
            Some(known) => known.clone(),
            None => self.listing(package, on_shelf).map(|listing| listing.below(path)).unwrap_or_default(),
        };
        self.asked.borrow_mut().put_below(on_shelf.key, path, &below);
        below
    }
}
