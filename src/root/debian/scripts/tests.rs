use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::deb::{Member, PackageFacts, PackageName};
use crate::image::listing::{Listing, ListingEntry, ListingKind};
use crate::image::tree::Metadata;

use super::*;

fn listing(paths: &[(String, ListingKind, Metadata)]) -> Listing {
    let mut entries = BTreeMap::new();
    for (path, kind, metadata) in paths {
        let path = ImagePath::new(path.as_bytes()).unwrap();
        let mut above = path.parent();
        while let Some(folder) = above {
            above = folder.parent();
            let entry = ListingEntry { path: folder.clone(), kind: ListingKind::Directory, metadata: Metadata::root(0o755) };
            entries.entry(folder).or_insert(entry);
        }
        entries.insert(path.clone(), ListingEntry { path, kind: kind.clone(), metadata: *metadata });
    }
    let root = ImagePath::default();
    let entry = ListingEntry { path: root.clone(), kind: ListingKind::Directory, metadata: Metadata::root(0o755) };
    entries.entry(root).or_insert(entry);
    Listing::new(entries.into_values().collect()).unwrap()
}

/// One package unpacked with `dpkg-deb -e`, with `dpkg-deb -c` in LIST.
fn load(folder: &Path) -> (PackageName, PackageFacts, Listing) {
    let mut facts = PackageFacts::default();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let bytes = fs::read(&path).unwrap();
        let member = String::from_utf8(bytes).map_or_else(|error| Member::Binary(error.as_bytes().len() as u64), Member::Text);
        facts.members.insert(name, member);
    }
    facts.control = facts.text("control").unwrap().to_owned();
    let mut paths = Vec::new();
    for line in facts.text("LIST").unwrap().lines() {
        let mut words = line.split_whitespace();
        let (mode, owner) = (words.next().unwrap(), words.next().unwrap());
        let path = line.splitn(2, " ./").nth(1).unwrap();
        let (path, target) = path.split_once(" -> ").map_or((path, None), |(path, target)| (path, Some(target)));
        let path = path.split(" link to ").next().unwrap().trim_end_matches('/');
        if path.is_empty() || ["bin", "sbin", "lib", "lib64"].contains(&path) {
            continue;
        }
        let kind = match (mode.chars().next().unwrap(), target) {
            ('d', _) => ListingKind::Directory,
            (_, Some(target)) => ListingKind::Symlink { target: target.as_bytes().to_vec() },
            _ => ListingKind::File { executable: mode.contains('x'), size: 1 },
        };
        let mut bits = 0;
        for (index, c) in mode.chars().skip(1).enumerate() {
            let bit = 0o400 >> index;
            bits |= if "rwxst".contains(c) { bit } else { 0 };
            bits |= match (index, c) { (2, 's' | 'S') => 0o4000, (5, 's' | 'S') => 0o2000, (8, 't' | 'T') => 0o1000, _ => 0 };
        }
        let ids = owner == "root/root";
        paths.push((paths::canonical(&format!("/{path}")), kind, Metadata { mode: bits, uid: u32::from(!ids), gid: u32::from(!ids) }));
    }
    let name = facts.paragraph().unwrap().get("Package").unwrap().parse().unwrap();
    (name, facts, listing(&paths))
}

#[test]
fn real() {
    let Ok(folder) = std::env::var("DUMBC_TEST_CONTROL") else { return };
    let mut packages = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        packages.push(load(&entry.unwrap().path()));
    }
    packages.sort_by(|a, b| a.0.cmp(&b.0));
    let all = packages.iter().flat_map(|p| p.2.entries()).map(|e| e.path.clone()).collect::<BTreeSet<_>>();
    for (name, facts, listing) in &packages {
        let package = Package { name, architecture: "amd64", version: "1", requested: false, listing, facts };
        let start = std::time::Instant::now();
        for action in actions(&package, "amd64", &|path| all.contains(path)) {
            println!("{name}: {action:?}");
        }
        if start.elapsed().as_millis() > 100 { println!("SLOW {name} {:?}", start.elapsed()); }
    }
}
