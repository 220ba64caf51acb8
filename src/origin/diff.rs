//! What is different between two images, reading as little of them as tells.
//!
//! Layers with the same diff ID are the same, and neither side's is ever opened.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::contents::{FileEntry, FileKind, LayerContents};
use super::documents::Configuration;
use super::packages::{Comment, found, installed, listed, telling_layers};
use super::{Depth, Error, ImagePackage, Origin, OriginImage, OriginLayer};
use crate::channel::{Change, Kind, Sizes};
use crate::nix::Sha256;

/// Where Debian's packages have their files, which their versions tell of.
const PACKAGED: [&str; 8] = ["usr/", "bin/", "sbin/", "lib/", "lib32/", "lib64/", "libx32/", "var/lib/dpkg/"];

/// What changes whenever a package does.
const DERIVED: [&str; 4] = ["nix/", "etc/dumbc/registration", "etc/ld.so.cache", "etc/profiles/"];

/// One side.
#[derive(Clone, Copy)]
pub enum Side<'s> {
    /// An image of an origin.
    Image(&'s Origin<'s>, &'s OriginImage),
    /// What a lock answers for a system: its packages, and nothing else.
    Packages(&'s BTreeSet<ImagePackage>),
}

/// What is different, from the first side to the second.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Difference {
    /// Packages, by name.
    pub packages: Vec<Change>,
    /// Files outside of packages, by path.
    pub files: Vec<FileChange>,
    /// The configuration, by key.
    pub config: Vec<ConfigChange>,
    /// Layers; `None` where a side has none.
    pub layers: Option<LayerChanges>,
    /// Whether there may be more changes of files than are listed.
    pub files_are_cut: bool,
}

/// How a file changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// Without a slash before it.
    pub path: String,
    /// Added, removed or updated.
    pub kind: Kind,
    /// What stood there.
    pub before: Option<FileEntry>,
    /// What stands there.
    pub after: Option<FileEntry>,
}

/// How a part of the configuration changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigChange {
    /// `user`, `env PATH`, `label a`, `port 80/tcp`.
    pub key: String,
    /// What it was.
    pub before: Option<String>,
    /// What it is.
    pub after: Option<String>,
}

/// How the layers changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct LayerChanges {
    /// Layers of the second that the first has, too.
    pub shared: usize,
    /// Layers that only the first has.
    pub removed: Vec<LayerLine>,
    /// Layers that only the second has.
    pub added: Vec<LayerLine>,
    /// Bytes of those, as they lie there: what a push would move.
    pub push_size: u64,
    /// Layers that were not read: what they hold is known already.
    pub unread: usize,
}

/// A layer in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerLine {
    /// Digest of the uncompressed tar.
    pub diff_id: String,
    /// Digest as it lies there.
    pub digest: String,
    /// Bytes as it lies there.
    pub size: u64,
    /// What its maker says of it.
    pub comment: String,
}

impl Difference {
    /// Compares two sides; `platform` is what packages are labelled with.
    pub fn between(before: Side<'_>, after: Side<'_>, platform: &str) -> Result<Self, Error> {
        if let (Side::Image(old, old_image), Side::Image(new, new_image)) = (before, after) {
            return images(&Half::new(old, old_image)?, &Half::new(new, new_image)?, platform);
        }
        let packages = |side: Side<'_>| -> Result<_, Error> {
            match side {
                Side::Packages(packages) => Ok(packages.clone()),
                Side::Image(origin, image) => Ok(origin.packages(image, Depth::Whole)?.packages),
            }
        };
        Ok(Self { packages: changes(&packages(before)?, &packages(after)?, platform), ..Self::default() })
    }

    /// Whether nothing is different.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let layers = self.layers.as_ref().is_none_or(|layers| layers.added.is_empty() && layers.removed.is_empty());
        self.packages.is_empty() && self.files.is_empty() && self.config.is_empty() && layers
    }
}

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

fn images(old: &Half<'_>, new: &Half<'_>, platform: &str) -> Result<Difference, Error> {
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

/// How the comment of a layer calls a package.
fn comment_name(package: &ImagePackage) -> String {
    match package.id.strip_prefix("/nix/store/").and_then(|base| base.split_once('-')) {
        Some((_, name)) => name.to_owned(),
        None => package.name.clone(),
    }
}

/// Packages of layers; by their lists only where both halves have some.
fn packages(layers: &[&LayerContents], by_list: bool) -> BTreeSet<ImagePackage> {
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
fn changes(before: &BTreeSet<ImagePackage>, after: &BTreeSet<ImagePackage>, platform: &str) -> Vec<Change> {
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

/// What layers, the topmost first, leave to see outside of packages.
fn merged<'l>(layers: &[&'l LayerContents], has_debian: bool) -> BTreeMap<&'l str, &'l FileEntry> {
    let is_packaged = |path: &str| {
        let of_debian = has_debian && !path.starts_with("usr/local/");
        DERIVED.iter().any(|prefix| path.starts_with(prefix) || *prefix == format!("{path}/"))
            || (of_debian && PACKAGED.iter().any(|prefix| path.starts_with(prefix)))
    };
    let mut files = BTreeMap::new();
    for (path, entry) in layers.iter().flat_map(|layer| &layer.files) {
        if !is_packaged(path) {
            files.entry(path.as_str()).or_insert(entry);
        }
    }
    files
}

fn files(before: &BTreeMap<&str, &FileEntry>, after: &BTreeMap<&str, &FileEntry>) -> Vec<FileChange> {
    let paths: BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
    let there =
        |entry: Option<&&FileEntry>| entry.map(|entry| (*entry).clone()).filter(|it| it.kind != FileKind::Deleted);
    let change = |path: &str| {
        let (old, new) = (before.get(path), after.get(path));
        let is_folder = |entry: &&FileEntry| entry.kind == FileKind::Directory;
        let (old_there, new_there) = (there(old), there(new));
        let kind = match (&old_there, &new_there) {
            (Some(old), Some(new)) if old == new => return None,
            (Some(_), Some(_)) => Kind::Updated,
            // Layers repeat the folders that they put something into.
            (None, Some(entry)) | (Some(entry), None) if is_folder(&entry) => return None,
            (None, Some(_)) => Kind::Added,
            (None, None) if old.is_some() || new.is_none() => return None,
            _ => Kind::Removed,
        };
        Some(FileChange { path: path.to_owned(), kind, before: old_there, after: new_there })
    };
    paths.into_iter().filter_map(change).collect()
}

fn config(before: &Configuration, after: &Configuration) -> Vec<ConfigChange> {
    let (before, after) = (flat(before), flat(after));
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let change = |key: &String| {
        let (before, after) = (before.get(key).cloned(), after.get(key).cloned());
        (before != after).then(|| ConfigChange { key: key.clone(), before, after })
    };
    keys.into_iter().filter_map(change).collect()
}

/// A configuration as a value for each key; what is empty has none.
fn flat(configuration: &Configuration) -> BTreeMap<String, String> {
    let run = &configuration.config;
    let json = |words: &[String]| if words.is_empty() { String::new() } else { serde_json::json!(words).to_string() };
    let mut all = BTreeMap::from([
        ("platform".to_owned(), configuration.platform.to_string()),
        ("created".to_owned(), configuration.created.clone().unwrap_or_default()),
        ("user".to_owned(), run.user.clone()),
        ("entrypoint".to_owned(), json(&run.entrypoint)),
        ("command".to_owned(), json(&run.cmd)),
        ("working directory".to_owned(), run.working_dir.clone()),
        ("stop signal".to_owned(), run.stop_signal.clone().unwrap_or_default()),
    ]);
    all.retain(|_, value| !value.is_empty());
    for variable in &run.env {
        let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
        all.insert(format!("env {name}"), value.to_owned());
    }
    all.extend(run.labels.iter().map(|(name, value)| (format!("label {name}"), value.clone())));
    all.extend(run.exposed_ports.iter().map(|port| (format!("port {port}"), "exposed".to_owned())));
    all.extend(run.volumes.iter().map(|path| (format!("volume {path}"), "declared".to_owned())));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: FileKind, mode: u32) -> FileEntry {
        FileEntry { kind, mode, uid: 0, gid: 0 }
    }

    #[test]
    fn packages_are_added_removed_updated_or_rebuilt() {
        let package = |id: &str, name: &str, version: &str, size| ImagePackage {
            name: name.to_owned(),
            version: Some(version.to_owned()),
            kind: super::super::PackageKind::StorePath,
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

    #[test]
    fn files_change_by_content_mode_and_deletion() {
        let file = |content: &[u8]| FileKind::File { size: content.len() as u64, digest: Sha256::of(content) };
        let mut old = LayerContents::default();
        let mut new = LayerContents::default();
        for (path, before, after) in [
            ("etc/same", Some(entry(file(b"1"), 0o644)), Some(entry(file(b"1"), 0o644))),
            ("etc/content", Some(entry(file(b"1"), 0o644)), Some(entry(file(b"2"), 0o644))),
            ("etc/mode", Some(entry(file(b"1"), 0o644)), Some(entry(file(b"1"), 0o600))),
            ("etc/new", None, Some(entry(file(b"1"), 0o644))),
            ("etc/old", Some(entry(file(b"1"), 0o644)), None),
            ("etc/folder", None, Some(entry(FileKind::Directory, 0o755))),
            ("etc/hidden", None, Some(entry(FileKind::Deleted, 0))),
            ("nix/var/db", None, Some(entry(file(b"1"), 0o644))),
            ("usr/bin/tool", None, Some(entry(file(b"1"), 0o644))),
        ] {
            old.files.extend(before.map(|entry| (path.to_owned(), entry)));
            new.files.extend(after.map(|entry| (path.to_owned(), entry)));
        }
        let changes = files(&merged(&[&old], true), &merged(&[&new], true));
        let told: Vec<_> = changes.iter().map(|change| (change.path.as_str(), change.kind)).collect();
        assert_eq!(
            told,
            [
                ("etc/content", Kind::Updated),
                ("etc/hidden", Kind::Removed),
                ("etc/mode", Kind::Updated),
                ("etc/new", Kind::Added),
                ("etc/old", Kind::Removed)
            ]
        );
        assert_eq!(files(&merged(&[&old], false), &merged(&[&new], false)).len(), 6);
    }

    #[test]
    fn configurations_differ_by_key() {
        let read = |text: &str| Configuration::parse(text.as_bytes()).unwrap();
        let before = read(r#"{"config":{"User":"1","Env":["A=1","B=2"],"Cmd":["sh"]}}"#);
        let after = read(r#"{"config":{"Env":["A=1","B=3"],"Cmd":["sh"],"ExposedPorts":{"80/tcp":{}}}}"#);
        let told = config(&before, &after);
        let keys: Vec<_> = told.iter().map(|change| change.key.as_str()).collect();
        assert_eq!(keys, ["env B", "port 80/tcp", "user"]);
        assert_eq!((told[0].before.as_deref(), told[2].after.as_deref()), (Some("2"), None));
    }
}
