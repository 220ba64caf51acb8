//! From a plan to layers: fragments of every unit, heads, digests.

mod piece;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::image::ImagePath;
use crate::image::codec::Codec;
use crate::image::documents::LayerDescription;
use crate::image::head::{Parents, head};
use crate::image::listing::ListingKind;
use crate::image::tree::Tree;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::root::addressed::Addressed;
use crate::root::base::place::settle_parents;
use crate::root::debian::Placed;
use crate::root::parents::{Claim, claims_of_store_path, claims_of_tree, parents};
use crate::store::{FragmentKey, Layer, Pool, Store, TreeUnit, layer_key};

use super::Error;
use super::base::BaseImage;
use super::content::Content;
use super::facts::FACTS_PATH;
use super::generated::Generated;
use super::packages::{Keys, known, lone_head};
use super::previous::Previous;
use super::stock::{Missing, Stock};
use super::units::{Debs, deb_id};
use piece::Piece;

/// Names that a layer's comment lists at most.
const NAMES: usize = 8;

/// What `docker history` calls the unit of facts; no package has such a name.
const FACTS: &str = "facts of packages";

/// Makes fragments of packages, and of the runtime, that are not in the store.
pub(super) type MakeFragments<'a> = dyn Fn(&Missing) -> Result<Stock, Error> + Sync + 'a;

/// Turns units into layers.
pub(super) struct Assembly<'a> {
    pub(super) store: &'a Store,
    pub(super) pool: &'a Pool,
    pub(super) codec: Codec,
    /// Whose layers are taken over, where packages of theirs are not at hand.
    pub(super) previous: &'a Previous,
    pub(super) make: &'a MakeFragments<'a>,
    pub(super) progress: &'a dyn Progress,
}

impl Assembly<'_> {
    /// All layers, the lowest first: as planned, then the generated ones. Packages that are not in `stock`, and lie in no
    /// layer of the earlier image, are made.
    pub(super) fn layers(
        &self,
        plan: &Plan,
        (packages, mut stock): (&Keys, Stock),
        lock: &Debs<'_>,
        content: &Content,
        generated: &Generated,
        base: Option<&BaseImage>,
    ) -> Result<Vec<(Layer, LayerDescription)>, Error> {
        let parents = shared_folders(packages, content, generated, base)?;
        let mut pieces = BTreeMap::new();
        for (name, part) in &generated.debs {
            if let Some(locked) = lock.get(name) {
                pieces.insert(deb_id(name, locked), Piece::deb(name, part));
            }
        }
        for (path, key) in packages {
            pieces.insert(path.base_name().to_owned(), Piece::package(path, *key));
        }
        for local in content.local.values() {
            pieces.insert(local.path.base_name().to_owned(), self.addressed(local)?);
        }
        for declared in &content.declared {
            let name = declared.target.to_string();
            pieces.insert(name.clone(), self.tree(&declared.tree, &parents, name)?);
        }
        let mut groups = Vec::new();
        for layer in &plan.layers {
            groups.push(layer.units.iter().filter_map(|id| pieces.remove(id)).collect::<Vec<_>>());
        }
        if let Some((unit, _)) = pieces.pop_first() {
            return Err(Error::Unplanned { unit });
        }
        if let Some(boot) = &generated.boot {
            groups.push(vec![self.runtime(&boot.runtime, &mut stock)?]);
        }
        groups.push(self.system(generated, &parents)?);
        groups.push(vec![self.tree(&generated.root, &parents, "root files".to_owned())?]);
        groups.retain(|pieces| !pieces.is_empty());
        stock.extend((self.make)(&self.missing(&groups, &parents, &stock))?);
        self.pool.map(&groups, |pieces| self.layer(pieces, &parents, &stock))
    }

    /// Packages without which there are layers that nobody has.
    fn missing(&self, groups: &[Vec<Piece>], parents: &Parents, stock: &Stock) -> Missing {
        let mut missing = Missing::default();
        let ours = groups.iter().filter(|pieces| self.taken_over(pieces, parents, stock).is_none());
        for piece in ours.flatten() {
            piece.add_missing(stock, &mut missing);
        }
        missing
    }

    /// The earlier image's layer of these units, where they are not all at hand.
    fn taken_over(&self, pieces: &[Piece], parents: &Parents, stock: &Stock) -> Option<Layer> {
        pieces.iter().find(|piece| piece.is_missing(stock))?;
        let head = head(pieces.iter().flat_map(|piece| &piece.roots), parents);
        let key = layer_key(&head, pieces.iter().map(Piece::key), self.codec);
        Some(Layer::elsewhere(key, self.codec, self.previous.layer(&key)?))
    }

    /// What changes whenever a package does.
    fn system(&self, generated: &Generated, parents: &Parents) -> Result<Vec<Piece>, Error> {
        let mut pieces = Vec::new();
        // The first in its layer, where it is found soonest.
        if let Some(facts) = &generated.facts {
            pieces.push(self.tree(facts, parents, FACTS.to_owned())?);
        }
        if let Some(environment) = &generated.environment {
            pieces.push(self.addressed(environment)?);
        }
        if let Some(database) = &generated.database {
            pieces.push(self.tree(database, parents, "Nix database".to_owned())?);
        }
        for home in generated.boot.iter().flat_map(|boot| &boot.homes) {
            pieces.push(self.addressed(home)?);
        }
        if let Some(database) = &generated.dpkg {
            pieces.push(self.tree(database, parents, "dpkg database".to_owned())?);
        }
        Ok(pieces)
    }

    fn tree(&self, tree: &Tree, parents: &Parents, name: String) -> Result<Piece, Error> {
        let is_shared = |path: &ImagePath| parents.contains_key(path);
        let unit = TreeUnit { tree, is_shared: &is_shared, base: &ImagePath::default() };
        let (fragment, _) = self.store.tree_fragment(self.pool, self.codec, &head(tree.keys(), parents), unit)?;
        Ok(Piece::made(tree.keys().cloned().collect(), fragment, name))
    }

    /// The runtime, as a package would be.
    fn runtime(&self, unit: &Addressed, stock: &mut Stock) -> Result<Piece, Error> {
        let (path, hash) = (&unit.path, &unit.nar_hash);
        if let Some(fragment) = known(self.store, self.codec, (path, hash), self.progress)? {
            stock.packages.insert(unit.path.clone(), Arc::new(fragment));
        }
        Ok(Piece::package(path, FragmentKey::store_path(path, hash)))
    }

    /// A store path of our own, whose modes are those of a NAR already.
    fn addressed(&self, addressed: &Addressed) -> Result<Piece, Error> {
        let root = ImagePath::from(&addressed.path);
        let unit = TreeUnit { tree: &addressed.tree, is_shared: &|_| false, base: &root };
        let (fragment, _) = self.store.tree_fragment(self.pool, self.codec, &lone_head(&addressed.path), unit)?;
        Ok(Piece::made(vec![root], fragment, addressed.path.name()))
    }

    /// A layer with its digests.
    fn layer(&self, pieces: &[Piece], parents: &Parents, stock: &Stock) -> Result<(Layer, LayerDescription), Error> {
        let layer = if let Some(layer) = self.taken_over(pieces, parents, stock) {
            layer
        } else {
            let head = head(pieces.iter().flat_map(|piece| &piece.roots), parents);
            let fragments = pieces.iter().map(|piece| piece.fragment(self, stock)).collect::<Result<_, _>>()?;
            self.store.layer(head, fragments, self.codec)?
        };
        let description = LayerDescription {
            diff_id: layer.diff_id,
            tar_size: layer.tar_size,
            blob: layer.blob,
            blob_size: layer.blob_size,
            packing: self.codec.into(),
            comment: comment(pieces),
            key: Some(*layer.key()),
            facts: pieces.iter().any(|piece| piece.name == FACTS).then_some(FACTS_PATH),
        };
        Ok((layer, description))
    }
}

fn comment(pieces: &[Piece]) -> String {
    let names = pieces.iter().take(NAMES).map(|piece| piece.name.as_str()).collect::<Vec<_>>().join(", ");
    match pieces.len().saturating_sub(NAMES) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

/// Folders that more than one unit may stand in, with the metadata that all layers give them.
fn shared_folders(
    packages: &Keys,
    content: &Content,
    generated: &Generated,
    base: Option<&BaseImage>,
) -> Result<Parents, Error> {
    let mut units = vec![("the generated root files".to_owned(), claims_of_tree(&generated.root).collect::<Vec<_>>())];
    if let Some(database) = &generated.database {
        units.push(("the Nix database".to_owned(), claims_of_tree(database).collect()));
    }
    if let Some(database) = &generated.dpkg {
        units.push(("dpkg's database".to_owned(), claims_of_tree(database).collect()));
    }
    if let Some(facts) = &generated.facts {
        units.push(("the facts of packages".to_owned(), claims_of_tree(facts).collect()));
    }
    for (name, part) in &generated.debs {
        let claim = |placed: &Placed| match placed.kind {
            ListingKind::Directory => Claim::Directory(placed.metadata),
            ListingKind::File { .. } | ListingKind::Symlink { .. } => Claim::Own,
        };
        let claims = part.placed.iter().map(|(path, placed)| (path.clone(), claim(placed)));
        units.push((format!("the Debian package {name}"), claims.collect()));
    }
    for declared in &content.declared {
        units.push((format!("[files.\"{}\"]", declared.target), claims_of_tree(&declared.tree).collect()));
    }
    let local = content.local.values().map(|local| &local.path);
    let boot = generated.boot.iter().flat_map(super::boot::BootPart::paths);
    let paths = packages.keys().chain(local).chain(boot);
    let paths = paths.chain(generated.environment.as_ref().map(|environment| &environment.path));
    let paths = paths.collect::<BTreeSet<_>>();
    units.extend(paths.into_iter().map(|path| (path.to_string(), claims_of_store_path(path).collect())));
    let mut shared = parents(units.iter().map(|(name, claims)| (name.as_str(), claims.iter().cloned())))?;
    // No fragment of a Debian package has folders: those that nothing lies in stand in heads, too.
    for (path, placed) in generated.debs.values().flat_map(|part| &part.placed) {
        if placed.kind == ListingKind::Directory {
            shared.insert(path.clone(), placed.metadata);
        }
    }
    if let Some(base) = base {
        settle_parents(&mut shared, &base.root, &units)?;
    }
    Ok(shared)
}
