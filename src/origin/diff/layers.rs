//! What two images' layers tell, opening those alone that can tell something new.

use std::collections::{BTreeMap, BTreeSet};

use super::config::config;
use super::files::{files, merged};
use super::packages::{changes, comment_name, packages};
use super::{Difference, LayerChanges, LayerLine};
use crate::nix::Sha256;
use crate::origin::contents::LayerContents;
use crate::origin::documents::Configuration;
use crate::origin::packages::{Comment, installed, listed, telling_layers};
use crate::origin::{Error, ImagePackage, Origin, OriginImage, OriginLayer};

/// An image that is being compared.
struct Half<'h> {
    origin: &'h Origin<'h>,
    image: &'h OriginImage,
    config: Configuration,
}

/// Layers of one half that were read, by position.
type Read = BTreeMap<usize, LayerContents>;

impl<'h> Half<'h> {
    fn new(origin: &'h Origin<'h>, image: &'h OriginImage) -> Result<Self, Error> {
        Ok(Self { origin, image, config: origin.configuration(image)? })
    }

    fn diff_ids(&self) -> BTreeSet<Sha256> {
        self.image.layers.iter().map(|layer| layer.diff_id).collect()
    }

    /// Layers, by position, that `other` lacks.
    fn own<'a>(&'a self, other: &BTreeSet<Sha256>) -> BTreeMap<usize, &'a OriginLayer> {
        self.image.layers.iter().enumerate().filter(|(_, layer)| !other.contains(&layer.diff_id)).collect()
    }

    fn read_telling(&self, own: &BTreeMap<usize, &OriginLayer>) -> Result<Read, Error> {
        let telling = telling_layers(&self.config, self.image);
        let layers = own.iter().filter(|(at, _)| telling.contains(at));
        layers.map(|(at, layer)| Ok((*at, self.origin.contents(layer)?))).collect()
    }

    /// Reads what may hold more than the packages that are `known`.
    fn read_rest(
        &self,
        own: &BTreeMap<usize, &OriginLayer>,
        known: Option<&Names>,
        read: &mut Read,
    ) -> Result<usize, Error> {
        let steps = self.config.layer_steps();
        let mut unread = 0;
        for (at, layer) in own.iter().rev() {
            let comment = steps.get(*at).map(|step| Comment::parse(&step.comment));
            let is_known = known.zip(comment).is_some_and(|(known, comment)| {
                let fits = comment.names_only(|name| known.contains(name));
                // A file beside many packages is worth a look where a look costs nothing.
                fits && (!comment.has_more || !self.origin.is_local())
            });
            if is_known {
                unread += 1;
            } else if let std::collections::btree_map::Entry::Vacant(entry) = read.entry(*at) {
                entry.insert(self.origin.contents(layer)?);
            }
        }
        Ok(unread)
    }

    /// What dpkg knows, from a layer that both halves have.
    fn shared_status(&self, other: &BTreeSet<Sha256>) -> Result<Vec<ImagePackage>, Error> {
        let shared = self.image.layers.iter().filter(|layer| other.contains(&layer.diff_id));
        for layer in shared.rev() {
            if let Some(packages) = installed(&[&self.origin.contents(layer)?]) {
                return Ok(packages);
            }
        }
        Ok(Vec::new())
    }

    fn line(&self, at: usize, layer: &OriginLayer) -> LayerLine {
        let steps = self.config.layer_steps();
        let comment = steps.get(at).map(|step| if step.comment.is_empty() { &step.created_by } else { &step.comment });
        LayerLine {
            diff_id: layer.diff_id.oci(),
            digest: layer.digest.oci(),
            size: layer.size,
            comment: comment.cloned().unwrap_or_default(),
        }
    }
}

/// Names by which comments call packages.
type Names = BTreeSet<String>;

/// Compares two images.
pub(super) fn images(
    (old, old_image): (&Origin<'_>, &OriginImage),
    (new, new_image): (&Origin<'_>, &OriginImage),
    platform: &str,
) -> Result<Difference, Error> {
    let (old, new) = (&Half::new(old, old_image)?, &Half::new(new, new_image)?);
    let (old_ids, new_ids) = (old.diff_ids(), new.diff_ids());
    let (old_own, new_own) = (old.own(&new_ids), new.own(&old_ids));
    let (mut old_read, mut new_read) = (old.read_telling(&old_own)?, new.read_telling(&new_own)?);
    let known = listed(old_read.values().rev()).zip(listed(new_read.values().rev()));
    let known = known.map(|(old_listed, new_listed)| {
        let debs = [&old_read, &new_read].into_iter().flat_map(|read| installed(&downward(read)).unwrap_or_default());
        old_listed.into_iter().chain(new_listed).chain(debs).map(|package| comment_name(&package)).collect::<Names>()
    });
    let mut unread = old.read_rest(&old_own, known.as_ref(), &mut old_read)?;
    unread += new.read_rest(&new_own, known.as_ref(), &mut new_read)?;
    let (old_layers, new_layers) = (downward(&old_read), downward(&new_read));
    let (mut before, mut after) = (packages(&old_layers, known.is_some()), packages(&new_layers, known.is_some()));
    match (installed(&old_layers), installed(&new_layers)) {
        (None, Some(_)) => before.extend(old.shared_status(&new_ids)?),
        (Some(_), None) => after.extend(new.shared_status(&old_ids)?),
        _ => {}
    }
    let has_debian = [&old_layers, &new_layers].iter().any(|layers| installed(layers).is_some());
    let added = new_own.iter().map(|(at, layer)| new.line(*at, layer)).collect::<Vec<_>>();
    let mut pushed = BTreeMap::new();
    pushed.extend(added.iter().map(|line| (line.digest.clone(), line.size)));
    let layers = LayerChanges {
        shared: new.image.layers.len() - new_own.len(),
        removed: old_own.iter().map(|(at, layer)| old.line(*at, layer)).collect(),
        push_size: pushed.values().fold(0, |sum: u64, size| sum.saturating_add(*size)),
        added,
        unread,
    };
    Ok(Difference {
        packages: changes(&before, &after, platform),
        files: files(&merged(&old_layers, has_debian), &merged(&new_layers, has_debian)),
        config: config(&old.config, &new.config),
        layers: Some(layers),
        files_are_cut: old_layers.iter().chain(&new_layers).any(|layer| layer.is_cut),
    })
}

/// The topmost first.
fn downward(read: &Read) -> Vec<&LayerContents> {
    read.values().rev().collect()
}
