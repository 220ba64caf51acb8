//! Small Debian packages for this room's tests.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use crate::deb::{PackageFacts, PackageName};
use crate::image::ImagePath;
use crate::image::listing::{Listing, ListingEntry};
use crate::image::tree::{Metadata, Node};
use crate::root::sample;

use super::merge::{Diverted, Linked, Merge, MergeError, merge};
use super::{Package, canonical_path};

/// A package with all that it needs.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) name: PackageName,
    pub(super) version: String,
    pub(super) listing: Listing,
    pub(super) facts: PackageFacts,
    content: BTreeMap<ImagePath, Vec<u8>>,
}

/// The package `name` in version 1.0, with more control fields (`Replaces: x`) and files as [`sample::tree`] has them, by paths
/// as the archive spells them.
pub(super) fn deb(name: &str, fields: &str, entries: &[(&str, &str)]) -> Sample {
    let stem = if fields.contains("Multi-Arch: same") { format!("{name}:all") } else { name.to_owned() };
    let canonical: Vec<(String, &str)> = entries
        .iter()
        .map(|(path, text)| (canonical_path(path.as_bytes()).unwrap().to_string(), *text))
        .chain([(format!("var/lib/dpkg/info/{stem}.list"), "")])
        .collect();
    let canonical: Vec<_> = canonical.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let mut tree = sample::tree(&canonical);
    tree.entry(ImagePath::default()).or_insert((Metadata::root(0o755), Node::Directory));
    let list = entries.iter().fold("/.\n".to_owned(), |mut list, (path, _)| {
        let _ = writeln!(list, "/{path}");
        list
    });
    let list_path = path(&format!("var/lib/dpkg/info/{stem}.list"));
    tree.insert(list_path, (Metadata::root(0o644), Node::File(list.into_bytes())));
    let control = format!("Package: {name}\nVersion: 1.0\nArchitecture: all\n{fields}");
    let content = tree.iter().filter_map(|(path, (_, node))| match node {
        Node::File(content) => Some((path.clone(), content.clone())),
        _ => None,
    });
    Sample {
        name: name.parse().unwrap(),
        version: "1.0".to_owned(),
        content: content.collect(),
        listing: Listing::of_tree(&tree, &ImagePath::default()).unwrap(),
        facts: PackageFacts { control, ..PackageFacts::default() },
    }
}

impl Sample {
    /// The same with other metadata at `at`.
    pub(super) fn with(mut self, at: &str, mode: u32, uid: u32, gid: u32) -> Self {
        let metadata = Metadata { mode, uid, gid };
        let change = |entry: &ListingEntry| {
            let metadata = if entry.path == path(at) { metadata } else { entry.metadata };
            ListingEntry { metadata, ..entry.clone() }
        };
        self.listing = Listing::new(self.listing.entries().iter().map(change).collect()).unwrap();
        self
    }

    pub(super) fn package(&self) -> Package<'_> {
        Package {
            name: &self.name,
            architecture: "all",
            version: &self.version,
            requested: false,
            listing: &self.listing,
            facts: &self.facts,
        }
    }
}

pub(super) fn path(text: &str) -> ImagePath {
    ImagePath::new(text.as_bytes()).unwrap()
}

pub(super) fn packages<'a>(samples: &[&'a Sample]) -> Vec<Package<'a>> {
    samples.iter().map(|sample| sample.package()).collect()
}

pub(super) fn merged(samples: &[&Sample], diverted: &[Diverted], linked: &[Linked]) -> Result<Merge, MergeError> {
    let read = |package: usize, path: &ImagePath| {
        samples[package].content.get(path).cloned().ok_or(io::Error::from(io::ErrorKind::NotFound))
    };
    merge(&packages(samples), diverted, linked, &read)
}
