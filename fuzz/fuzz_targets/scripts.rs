//! Whatever a maintainer script is, following it ends, twice the same; what is said of it is short, and paths are absolute.

#![no_main]

use dumbc::deb::{Member, PackageFacts};
use dumbc::image::ImagePath;
use dumbc::image::listing::{Listing, ListingEntry, ListingKind};
use dumbc::image::tree::Metadata;
use dumbc::root::debian::scripts::actions;
use dumbc::root::debian::{Action, Package};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let entry = |path: &str, kind| {
        let path = ImagePath::new(path.as_bytes()).expect("a path");
        ListingEntry { path, kind, metadata: Metadata::root(0o755) }
    };
    let file = ListingKind::File { executable: true, size: 1 };
    let entries = vec![
        entry("", ListingKind::Directory),
        entry("etc", ListingKind::Directory),
        entry("etc/x", file),
        entry("etc/y", ListingKind::Symlink { target: b"x".to_vec() }),
    ];
    let listing = Listing::new(entries).expect("a tree");
    let mut facts = PackageFacts::default();
    facts.members.insert("postinst".to_owned(), Member::Text(text.to_owned()));
    let name = "sample".parse().expect("a name");
    let (architecture, version) = ("amd64", "1.0");
    let package = Package { name: &name, architecture, version, requested: true, listing: &listing, facts: &facts };
    let exists = |path: &ImagePath| listing.get(path).is_some();
    let found = actions(&package, architecture, &exists);
    assert_eq!(found, actions(&package, architecture, &exists));
    for action in found {
        match action {
            Action::Unknown { text, .. } => assert!(text.chars().count() <= 100),
            Action::Metadata { path, .. }
            | Action::Directory { path, .. }
            | Action::File { path, .. }
            | Action::Symlink { path, .. }
            | Action::Capability { path, .. }
            | Action::Diversion { path, .. } => assert!(path.starts_with('/')),
            _ => {}
        }
    }
});
