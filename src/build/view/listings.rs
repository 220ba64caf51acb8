//! Store paths of all kinds as one: packages, and what is made for this image.

use std::collections::BTreeMap;

use crate::image::ImagePath;
use crate::image::listing::{Listing, ListingKind};
use crate::nix::StorePath;
use crate::root::view::Packages;

use super::Shelf;

/// Everything in store paths: packages, and what is made for this image.
pub(in crate::build) struct Listings<'a> {
    /// Listings of what is at hand.
    made: BTreeMap<StorePath, Listing>,
    shelf: &'a Shelf<'a>,
}

impl<'a> Listings<'a> {
    pub(in crate::build) fn new(shelf: &'a Shelf<'a>) -> Self {
        Self { made: BTreeMap::new(), shelf }
    }

    pub(in crate::build) fn insert(&mut self, path: StorePath, listing: Listing) {
        self.made.insert(path, listing);
    }

    /// Who knows `package`.
    fn of(&self, package: &StorePath) -> &dyn Packages {
        if self.made.contains_key(package) { &self.made } else { self.shelf }
    }
}

impl Packages for Listings<'_> {
    fn paths(&self) -> Box<dyn Iterator<Item = &StorePath> + '_> {
        let mut all: Vec<&StorePath> = self.made.keys().chain(self.shelf.packages.keys()).collect();
        all.sort();
        all.dedup();
        Box::new(all.into_iter())
    }

    fn contains(&self, package: &StorePath) -> bool {
        self.of(package).contains(package)
    }

    fn get(&self, package: &StorePath, path: &ImagePath) -> Option<&ListingKind> {
        self.of(package).get(package, path)
    }

    fn names(&self, package: &StorePath, folder: &ImagePath) -> Vec<Vec<u8>> {
        self.of(package).names(package, folder)
    }

    fn below(&self, package: &StorePath, path: &ImagePath) -> Vec<(ImagePath, ListingKind)> {
        self.of(package).below(package, path)
    }
}
