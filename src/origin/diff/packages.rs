//! What changed among packages.

use std::collections::{BTreeMap, BTreeSet};

use crate::channel::{Change, Kind, Sizes};
use crate::origin::ImagePackage;
use crate::origin::contents::LayerContents;
use crate::origin::packages::{found, installed};

/// How the comment of a layer calls a package.
pub(super) fn comment_name(package: &ImagePackage) -> String {
    match package.id.strip_prefix("/nix/store/").and_then(|base| base.split_once('-')) {
        Some((_, name)) => name.to_owned(),
        None => package.name.clone(),
    }
}

/// Packages of layers; by their lists only where both halves have some.
pub(super) fn packages(layers: &[&LayerContents], by_list: bool) -> BTreeSet<ImagePackage> {
    if by_list {
        return found(layers);
    }
    let paths = layers.iter().flat_map(|layer| &layer.store_paths);
    let paths = paths.map(|(path, size)| ImagePackage::store_path(path, Some(*size)));
    paths.chain(installed(layers).unwrap_or_default()).collect()
}

/// Packages of one name.
#[derive(Default)]
struct Builds {
    ids: BTreeSet<String>,
    versions: BTreeSet<String>,
    size: u64,
}

fn by_name(packages: &BTreeSet<ImagePackage>) -> BTreeMap<&str, Builds> {
    let mut names = BTreeMap::<&str, Builds>::new();
    for package in packages {
        let builds = names.entry(&package.name).or_default();
        builds.ids.insert(package.id.clone());
        builds.versions.extend(package.version.clone());
        builds.size = builds.size.saturating_add(package.size.unwrap_or_default());
    }
    names
}

/// What changed between two sets of packages, by name.
pub(super) fn changes(before: &BTreeSet<ImagePackage>, after: &BTreeSet<ImagePackage>, platform: &str) -> Vec<Change> {
    let (before, after) = (by_name(before), by_name(after));
    let names: BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
    let nothing = Builds::default();
    let change = |name: &str| {
        let (old, new) = (before.get(name), after.get(name));
        let kind = match (old, new) {
            (None, _) => Kind::Added,
            (_, None) => Kind::Removed,
            (Some(old), Some(new)) if old.ids == new.ids => return None,
            (Some(old), Some(new)) if old.versions == new.versions => Kind::Rebuilt,
            _ => Kind::Updated,
        };
        let (old, new) = (old.unwrap_or(&nothing), new.unwrap_or(&nothing));
        Some(Change {
            system: platform.to_owned(),
            name: name.to_owned(),
            kind,
            from: old.versions.iter().cloned().collect(),
            to: new.versions.iter().cloned().collect(),
            size: Sizes { before: old.size, after: new.size },
            because: Vec::new(),
        })
    };
    names.into_iter().filter_map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::PackageKind;

    #[test]
    fn packages_are_added_removed_updated_or_rebuilt() {
        let package = |id: &str, name: &str, version: &str, size| ImagePackage {
            name: name.to_owned(),
            version: Some(version.to_owned()),
            kind: PackageKind::StorePath,
            id: id.to_owned(),
            size: Some(size),
        };
        let before = [
            package("1", "a", "1", 1),
            package("2", "b", "1", 1),
            package("3", "c", "1", 1),
            package("4", "d", "1", 1),
        ];
        let after = [
            package("5", "b", "2", 9),
            package("6", "c", "1", 1),
            package("4", "d", "1", 1),
            package("7", "e", "1", 1),
        ];
        let changes = changes(&before.into(), &after.into(), "linux/amd64");
        let told: Vec<_> = changes.iter().map(|change| (change.name.as_str(), change.kind)).collect();
        assert_eq!(told, [("a", Kind::Removed), ("b", Kind::Updated), ("c", Kind::Rebuilt), ("e", Kind::Added)]);
        assert_eq!(changes[1].size, Sizes { before: 1, after: 9 });
    }
}
