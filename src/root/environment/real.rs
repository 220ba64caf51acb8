//! The union of real packages, by the listings that lie beside them in their cache.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;
use crate::image::listing::{Listing, ListingEntry, ListingKind};
use crate::image::tree::Node;
use crate::root::supplies::Supplies;
use crate::root::view::{Kind, NO_PACKAGES};

/// Listings of a cache's packages, as Nix writes them: JSON.
fn packages() -> Option<BTreeMap<StorePath, Listing>> {
    let shared = std::env::var_os("DUMBC_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")), PathBuf::from);
    let cache = shared.join("nixcache/base");
    let mut packages = BTreeMap::new();
    for file in std::fs::read_dir(cache).ok()?.map(|entry| entry.unwrap().path()) {
        if file.extension().is_some_and(|extension| extension == "ls") {
            let narinfo = std::fs::read_to_string(file.with_extension("narinfo")).unwrap();
            let path = narinfo.lines().next().unwrap().strip_prefix("StorePath: ").unwrap().parse().unwrap();
            let listing: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            let mut entries = Vec::new();
            collect(&ImagePath::default(), &listing["root"], &mut entries);
            entries.sort_by(|one, two| one.path.cmp(&two.path));
            packages.insert(path, Listing::new(entries).unwrap());
        }
    }
    Some(packages)
}

fn collect(path: &ImagePath, node: &serde_json::Value, entries: &mut Vec<ListingEntry>) {
    let kind = match node["type"].as_str().unwrap() {
        "directory" => ListingKind::Directory,
        "symlink" => ListingKind::Symlink { target: node["target"].as_str().unwrap().as_bytes().to_vec() },
        _ => ListingKind::File { executable: node["executable"] == true, size: node["size"].as_u64().unwrap() },
    };
    entries.push(ListingEntry { path: path.clone(), kind, metadata: crate::image::tree::Metadata::root(0o755) });
    for (name, child) in node["entries"].as_object().into_iter().flatten() {
        collect(&path.join(name.as_bytes()).unwrap(), child, entries);
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn real_packages_make_an_environment_in_which_every_link_leads_somewhere() {
    let Some(mut packages) = packages() else {
        eprintln!("skipped: the real caches are absent");
        return;
    };
    let wanted = [
        "bash",
        "coreutils",
        "git",
        "ripgrep",
        "jq",
        "curl",
        "sqlite3",
        "ca-certificates",
        "python3",
        "python3-minimal",
    ];
    let named = |name: &str| {
        let version = |path: &StorePath| path.name().strip_prefix(name)?.strip_prefix('-').map(ToOwned::to_owned);
        let is_version = |path: &&StorePath| version(path).is_some_and(|version| version.starts_with(char::is_numeric));
        packages.keys().find(is_version).cloned().unwrap()
    };
    let requested: Vec<StorePath> = wanted.iter().map(|name| named(name)).collect();
    let order: Vec<&StorePath> = requested.iter().collect();
    let environment =
        environment(&order, View { trees: &[], packages: &packages, merged: &NO_PACKAGES }, |_, _| Ok(true)).unwrap();
    let Addressed { path, tree, references, .. } = environment.addressed.clone();
    assert!(references.iter().all(|reference| requested.contains(reference)));
    packages.insert(path.clone(), environment.addressed.listing().unwrap());
    let view = View { trees: &[], packages: &packages, merged: &NO_PACKAGES };
    for (link, (_, node)) in &tree {
        if matches!(node, Node::Symlink(_)) {
            let own = split_store_path(link).unwrap().1;
            let in_package = requested.iter().find_map(|package| view.get(&ImagePath::from(package).append(&own)));
            // What dangles in the package dangles in the environment, and nothing else does.
            assert!(view.resolve(link).is_some() || matches!(in_package, Some(Kind::Symlink(_))), "{link}");
        }
    }
    for command in ["bash", "sh", "ls", "env", "git", "rg", "jq", "curl", "sqlite3"] {
        let command = ImagePath::from(&path).append(&ImagePath::new(format!("bin/{command}").as_bytes()).unwrap());
        assert!(matches!(view.resolve(&command), Some((_, Kind::File { executable: true, .. }))), "{command}");
    }
    let supplies = Supplies::find(view, Some(&path), &order, "UTC");
    assert_eq!(supplies.sh.as_deref(), Some("/etc/profiles/system/bin/sh"));
    assert_eq!(supplies.env.as_deref(), Some("/etc/profiles/system/bin/env"));
    let mut bundled = supplies.clone();
    let certificate = |_: &ImagePath, _, _| Ok(Some(b"-----BEGIN CERTIFICATE-----\n".to_vec()));
    bundled.make_bundle(view, &order, &certificate).unwrap();
    assert!(bundled.made_bundle.unwrap().len() > 100 * 28);
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn all_real_packages_fit_into_one_environment() {
    let Some(packages) = packages() else {
        eprintln!("skipped: the real caches are absent");
        return;
    };
    let order: Vec<&StorePath> = packages.keys().collect();
    let view = View { trees: &[], packages: &packages, merged: &NO_PACKAGES };
    let environment = environment(&order, view, |_, _| Ok(true)).unwrap();
    assert!(environment.addressed.references.len() > 100);
    // Only folders that several packages have are made anew; everything else is a link.
    let links = environment.addressed.tree.values().filter(|(_, node)| matches!(node, Node::Symlink(_))).count();
    let files: usize = packages.values().map(|listing| listing.entries().len()).sum();
    assert!(links * 2 < files, "{links} links for {files} entries");
}
