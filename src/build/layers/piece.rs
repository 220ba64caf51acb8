//! Units that are ready to be put into layers, whether their bytes are at hand or not: all know their keys.

use std::sync::Arc;

use crate::deb::PackageName;
use crate::image::ImagePath;
use crate::image::adjust::Adjustments;
use crate::nix::StorePath;
use crate::store::{Fragment, FragmentKey};

use super::super::Error;
use super::super::debian::DebPart;
use super::super::stock::{Missing, Stock};
use super::Assembly;

/// A unit of a layer.
pub(super) struct Piece {
    pub(super) roots: Vec<ImagePath>,
    key: FragmentKey,
    content: Content,
    pub(super) name: String,
}

/// What a unit's bytes are.
enum Content {
    /// A fragment that is there.
    Made(Arc<Fragment>),
    /// A package that may have to be fetched yet.
    Package(StorePath),
    /// A Debian package, which may, too, and is changed as far as others want it.
    Deb { name: PackageName, base: FragmentKey, adjustments: Adjustments },
}

impl Piece {
    pub(super) fn made(roots: Vec<ImagePath>, fragment: Fragment, name: impl Into<String>) -> Self {
        Self { roots, key: fragment.key, content: Content::Made(Arc::new(fragment)), name: name.into() }
    }

    pub(super) fn package(path: &StorePath, key: FragmentKey) -> Self {
        let content = Content::Package(path.clone());
        Self { roots: vec![path.into()], key, content, name: path.name().to_owned() }
    }

    pub(super) fn deb(name: &PackageName, part: &DebPart) -> Self {
        let DebPart { key: base, adjustments, placed } = part;
        let key = if adjustments.is_empty() { *base } else { FragmentKey::adjusted(*base, &adjustments.digest()) };
        let content = Content::Deb { name: name.clone(), base: *base, adjustments: adjustments.clone() };
        let roots = placed.iter().map(|(path, _)| path.clone()).collect();
        Self { roots, key, content, name: name.to_string() }
    }

    /// Names its fragment.
    pub(super) fn key(&self) -> &FragmentKey {
        &self.key
    }

    /// Whether it is made of a package that is not in `stock`.
    pub(super) fn is_missing(&self, stock: &Stock) -> bool {
        match &self.content {
            Content::Made(_) => false,
            Content::Package(path) => !stock.packages.contains_key(path),
            Content::Deb { name, .. } => !stock.debs.contains_key(name),
        }
    }

    /// Adds to `missing` the package that is not in `stock`.
    pub(super) fn add_missing(&self, stock: &Stock, missing: &mut Missing) {
        match &self.content {
            Content::Package(path) if self.is_missing(stock) => drop(missing.packages.insert(path.clone())),
            Content::Deb { name, base, .. } if self.is_missing(stock) => drop(missing.debs.insert(name.clone(), *base)),
            _ => {}
        }
    }

    /// Its fragment, of what is in `stock`.
    pub(super) fn fragment(&self, assembly: &Assembly<'_>, stock: &Stock) -> Result<Arc<Fragment>, Error> {
        let unplanned = || Error::Unplanned { unit: self.name.clone() };
        match &self.content {
            Content::Made(fragment) => Ok(fragment.clone()),
            Content::Package(path) => stock.packages.get(path).cloned().ok_or_else(unplanned),
            Content::Deb { name, adjustments, .. } => {
                let base = stock.debs.get(name).ok_or_else(unplanned)?;
                if adjustments.is_empty() {
                    return Ok(base.clone());
                }
                let Assembly { store, pool, codec, .. } = assembly;
                Ok(Arc::new(store.adjusted_fragment(pool, *codec, base, adjustments)?))
            }
        }
    }
}
