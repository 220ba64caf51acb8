//! Packages of an image, by the cheapest way that tells.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::contents::{BOOT_PLAN, DPKG_STATUS, DPKG_STATUS_FOLDER, LayerContents, REGISTRATION};
use super::documents::Configuration;
use super::{Error, Origin, OriginImage, OriginLayer};
use crate::deb::Paragraphs;
use crate::nix::{StorePath, key, split_version};

/// Who makes images whose layers tell what they hold.
const MAKER: &str = "dumbc";

/// Layers in which such an image lists its packages, by a part of what is said of them.
const TELLING: [&str; 2] = ["root files", "dpkg database"];

/// A telling layer of a registry is fetched up to this size.
const LARGEST_TELLING: u64 = 64 << 20;

/// Packages of one image that are told.
const MOST_PACKAGES: usize = 100_000;

/// What a package is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackageKind {
    /// A Nix store path.
    StorePath,
    /// A package that dpkg knows.
    Debian,
    /// A name that the image's maker wrote beside a layer.
    Named,
}

/// A package in an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ImagePackage {
    /// Without version; of a store path with the output.
    pub name: String,
    /// Where it has one.
    pub version: Option<String>,
    /// What it is.
    pub kind: PackageKind,
    /// What tells one build from another: the store path, or name, version and architecture.
    pub id: String,
    /// Bytes, unpacked, where they are known.
    pub size: Option<u64>,
}

impl ImagePackage {
    /// That of a store path.
    #[must_use]
    pub fn store_path(path: &StorePath, size: Option<u64>) -> Self {
        let version = split_version(path.name()).1.map(str::to_owned);
        Self { name: key(path.name()), version, kind: PackageKind::StorePath, id: path.to_string(), size }
    }

    /// That of a Debian package.
    #[must_use]
    pub fn debian(name: &str, version: &str, architecture: &str, size: Option<u64>) -> Self {
        let id = format!("{name}_{version}_{architecture}");
        Self { name: name.to_owned(), version: Some(version.to_owned()), kind: PackageKind::Debian, id, size }
    }

    /// What a comment names: a store path's name, or a Debian package.
    fn named(name: &str) -> Self {
        let version = split_version(name).1.map(str::to_owned);
        Self { name: key(name), version, kind: PackageKind::Named, id: name.to_owned(), size: None }
    }
}

/// What is known of an image's packages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packages {
    /// Sorted by name.
    pub packages: BTreeSet<ImagePackage>,
    /// Whether they are all that there are.
    pub are_complete: bool,
    /// The boot plan's bytes, where it has one and was read.
    pub boot_plan: Option<Vec<u8>>,
}

/// What is read of an image's layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Those in which the image lists its packages; of a registry nothing else.
    Cheap,
    /// Every layer, where the cheap way does not tell all.
    Whole,
}

impl Origin<'_> {
    /// Packages of one of its images. Layers are read from the top.
    pub fn packages(&self, image: &OriginImage, depth: Depth) -> Result<Packages, Error> {
        let config = self.configuration(image)?;
        let telling = telling_layers(&config, image);
        let mut read = BTreeMap::new();
        for (at, layer) in image.layers.iter().enumerate().rev() {
            let is_small = self.is_local() || layer.size <= LARGEST_TELLING;
            if telling.contains(&at) && (is_small || depth == Depth::Whole) {
                read.insert(at, self.contents(layer)?);
            }
        }
        let is_told = listed(read.values().rev()).is_some();
        if !is_told && (self.is_local() || depth == Depth::Whole) {
            for (at, layer) in image.layers.iter().enumerate().rev() {
                if let std::collections::btree_map::Entry::Vacant(entry) = read.entry(at) {
                    entry.insert(self.contents(layer)?);
                }
            }
        }
        let are_complete = is_told || read.len() == image.layers.len();
        let mut packages = found(&read.values().rev().collect::<Vec<_>>());
        if !are_complete {
            packages.extend(comments(&config).into_iter().flat_map(Comment::into_packages));
        }
        let boot_plan = read.values().rev().find_map(|layer| layer.documents.get(BOOT_PLAN).cloned());
        Ok(Packages { packages, are_complete, boot_plan })
    }

    /// Reads a layer.
    pub fn contents(&self, layer: &OriginLayer) -> Result<LayerContents, Error> {
        let tar = self.open_tar(layer)?;
        let place = || format!("{} in {}", layer.digest.oci(), self.place.name());
        LayerContents::read(tar).map_err(|source| Error::Read { place: place(), source })
    }

    /// The configuration of one of its images.
    pub fn configuration(&self, image: &OriginImage) -> Result<Configuration, Error> {
        let place = self.place.name();
        Configuration::parse(&image.config).map_err(|reason| Error::Document { place, name: image.id().oci(), reason })
    }
}

/// Layers, by position, in which an image of ours lists its packages.
pub(super) fn telling_layers(config: &Configuration, image: &OriginImage) -> BTreeSet<usize> {
    let steps = config.layer_steps();
    let tells = |at: &usize| {
        steps.get(*at).is_some_and(|step| {
            step.created_by == MAKER && TELLING.iter().any(|telling| step.comment.contains(telling))
        })
    };
    (0..image.layers.len()).filter(tells).collect()
}

/// What our comment of a layer says.
pub(super) struct Comment<'c> {
    names: Vec<&'c str>,
    /// Whether there are others that it does not name.
    pub(super) has_more: bool,
}

impl<'c> Comment<'c> {
    pub(super) fn parse(comment: &'c str) -> Self {
        let (names, has_more) = match comment.rsplit_once(" and ") {
            Some((names, more)) if more.ends_with(" more") => (names, true),
            _ => (comment, false),
        };
        Self { names: names.split(", ").filter(|name| !name.is_empty()).collect(), has_more }
    }

    /// Whether packages are all that it names, given the names of packages.
    pub(super) fn names_only(&self, is_package: impl Fn(&str) -> bool) -> bool {
        !self.names.is_empty() && self.names.iter().all(|name| is_package(name))
    }

    fn into_packages(self) -> impl Iterator<Item = ImagePackage> {
        // Files of the user's have a slash, and databases a blank.
        self.names.into_iter().filter(|name| !name.contains(['/', ' '])).map(ImagePackage::named)
    }
}

/// What our comments say, the lowest layer first; nothing of images that others made.
pub(super) fn comments(config: &Configuration) -> Vec<Comment<'_>> {
    let steps = config.layer_steps().into_iter().filter(|step| step.created_by == MAKER);
    steps.map(|step| Comment::parse(&step.comment)).collect()
}

/// The store paths that the topmost list names, where there is a list.
pub(super) fn listed<'l>(layers: impl IntoIterator<Item = &'l LayerContents>) -> Option<Vec<ImagePackage>> {
    let text = layers.into_iter().find_map(|layer| layer.documents.get(REGISTRATION))?;
    registered(&String::from_utf8_lossy(text))
}

/// What dpkg's topmost lists say, where there is one.
pub(super) fn installed(layers: &[&LayerContents]) -> Option<Vec<ImagePackage>> {
    if let Some(status) = layers.iter().find_map(|layer| layer.documents.get(DPKG_STATUS)) {
        return Some(paragraphs(status));
    }
    // Each file of a folder is a package of its own, and the topmost of a name counts.
    let mut files = BTreeMap::new();
    for (path, content) in layers.iter().flat_map(|layer| &layer.documents) {
        if path.starts_with(DPKG_STATUS_FOLDER) {
            files.entry(path).or_insert(content);
        }
    }
    (!files.is_empty()).then(|| files.into_values().flat_map(|content| paragraphs(content)).collect())
}

/// All packages of layers, the topmost first.
pub(super) fn found(layers: &[&LayerContents]) -> BTreeSet<ImagePackage> {
    let store = listed(layers.iter().copied()).unwrap_or_else(|| {
        let paths = layers.iter().flat_map(|layer| &layer.store_paths);
        paths.map(|(path, size)| ImagePackage::store_path(path, Some(*size))).collect()
    });
    store.into_iter().chain(installed(layers).unwrap_or_default()).take(MOST_PACKAGES).collect()
}

/// What `nix-store --load-db` would read: path, hash, size, deriver, and references with their number before them.
fn registered(text: &str) -> Option<Vec<ImagePackage>> {
    let mut lines = text.lines();
    let mut packages = Vec::new();
    while let Some(path) = lines.next() {
        let path: StorePath = path.parse().ok()?;
        let size = lines.nth(1)?.parse().ok()?;
        let references: usize = lines.nth(1)?.parse().ok()?;
        if references > 0 {
            lines.nth(references - 1)?;
        }
        packages.push(ImagePackage::store_path(&path, Some(size)));
    }
    Some(packages)
}

/// Packages that a status file says are installed; a file that can't be read tells what it told before.
fn paragraphs(status: &[u8]) -> Vec<ImagePackage> {
    let mut reader = Paragraphs::new(status);
    let mut packages = Vec::new();
    while let Ok(Some(paragraph)) = reader.next_paragraph() {
        let get = |field| paragraph.get(field);
        let is_there = get("Status").is_none_or(|status| status.ends_with(" installed"));
        if let (Some(name), Some(version), true) = (get("Package"), get("Version"), is_there) {
            let kib = get("Installed-Size").and_then(|size| size.parse::<u64>().ok());
            let size = kib.and_then(|kib| kib.checked_mul(1024));
            packages.push(ImagePackage::debian(name, version, get("Architecture").unwrap_or_default(), size));
        }
    }
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_come_from_the_lists_that_there_are() {
        let path = "/nix/store/b0w421q3zff7bm8z9hg4cyddfl33913x-git-2.39.5";
        let other = "/nix/store/kfqwh3pmhmaaivasij5iyz742wga4ghx-glibc-2.36";
        let text = format!("{path}\n00\n1000\n\n1\n{other}\n{other}\n00\n30\n\n0\n");
        let mut top = LayerContents::default();
        top.documents.insert(REGISTRATION.to_owned(), text.clone().into_bytes());
        let status = "Package: curl\nStatus: install ok installed\nVersion: 8.0-1\nArchitecture: amd64\nInstalled-Size: 2\n\n\
                      Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n";
        let mut low = LayerContents::default();
        low.documents.insert(DPKG_STATUS.to_owned(), status.as_bytes().to_vec());
        low.store_paths.insert("/nix/store/xfg614sc22kdc85qrps9d66mx13lczay-hidden-1".parse().unwrap(), 1);
        let told = found(&[&top, &low]);
        let told: Vec<_> = told.iter().map(|it| (it.name.as_str(), it.version.as_deref(), it.size)).collect();
        assert_eq!(
            told,
            [
                ("curl", Some("8.0-1"), Some(2048)),
                ("git", Some("2.39.5"), Some(1000)),
                ("glibc", Some("2.36"), Some(30))
            ]
        );
        assert_eq!(found(&[&low]).len(), 2);
        assert!(registered(text.trim_end().rsplit_once('\n').unwrap().0).is_none());
        assert!(registered("/etc/passwd\n").is_none());
    }

    #[test]
    fn files_of_distroless_images_count_from_the_top() {
        let layer = |version: &str| {
            let mut layer = LayerContents::default();
            let text = format!("Package: tzdata\nVersion: {version}\n").into_bytes();
            layer.documents.insert(format!("{DPKG_STATUS_FOLDER}tzdata"), text);
            layer
        };
        let told = installed(&[&layer("2"), &layer("1")]).unwrap();
        assert_eq!(told.iter().map(|it| it.version.as_deref()).collect::<Vec<_>>(), [Some("2")]);
        assert_eq!(installed(&[]), None);
    }

    #[test]
    fn comments_name_packages_and_say_if_there_are_more() {
        let comment = Comment::parse("git-2.39.5, glibc-2.36 and 12 more");
        assert!(comment.has_more && comment.names_only(|name| name.starts_with('g')));
        let comment = Comment::parse("etc/motd, Nix database, curl");
        assert!(!comment.has_more && !comment.names_only(|name| name == "curl"));
        assert_eq!(comment.into_packages().map(|it| it.name).collect::<Vec<_>>(), ["curl"]);
    }
}
