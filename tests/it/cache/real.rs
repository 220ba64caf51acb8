//! Caches that Nix made.

use std::fs;
use std::path::Path;

use dumbc::cache::Wanted;
use dumbc::nix::nar::NarReader;
use dumbc::nix::{PublicKey, StorePath};

use super::{closure, paths, reader};
use crate::support::server::Server;
use crate::support::{Told, shared};

fn key(file: &Path) -> PublicKey {
    fs::read_to_string(file).unwrap().trim().parse().unwrap()
}

fn all_paths(cache: &Path) -> Vec<StorePath> {
    let narinfos = fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path());
    let texts = narinfos.filter(|path| path.extension().is_some_and(|extension| extension == "narinfo"));
    let mut paths: Vec<StorePath> = texts
        .map(|path| {
            let text = fs::read_to_string(path).unwrap();
            text.lines().find_map(|line| line.strip_prefix("StorePath: ")).unwrap().parse().unwrap()
        })
        .collect();
    paths.sort();
    paths
}

#[test]
fn a_closure_of_real_packages_is_found_over_http() {
    let Some(base) = shared("nixcache/base") else { return };
    let keys = [key(&base.with_file_name("base.key.pub"))];
    let git = all_paths(&base).into_iter().find(|path| path.name().starts_with("git-2")).unwrap();
    let server = Server::start().folder(&base);
    let over_http = closure(&reader().cache(&server.url("/"), &keys).open(), &git).unwrap();
    let from_disk = closure(&reader().cache(base.to_str().unwrap(), &keys).open(), &git).unwrap();
    assert_eq!(paths(&over_http), paths(&from_disk));
    assert!(over_http.len() > 20, "{}", over_http.len());
}

#[test]
fn odd_trees_arrive_in_every_compression() {
    for compression in ["none", "xz", "zstd", "bzip2", "gzip", "br"] {
        let Some(cache) = shared(&format!("nixcache/odd/{compression}")) else { return };
        let keys = [key(&cache.parent().unwrap().with_file_name("odd.key.pub"))];
        let server = Server::start().folder(&cache);
        let set = reader().cache(&server.url("/"), &keys).open();
        for path in all_paths(&cache) {
            for found in closure(&set, &path).unwrap() {
                let told = Told::default();
                let entries = set.fetch_nar(&Wanted::from(&found), &told, &mut |stream| {
                    let mut reader = NarReader::new(stream);
                    let mut entries = 0;
                    while reader.next_entry()?.is_some() {
                        entries += 1;
                    }
                    Ok(entries)
                });
                assert!(entries.unwrap() > 0, "{path} in {compression}");
                assert!(told.warnings.into_inner().unwrap().is_empty());
            }
        }
    }
}
