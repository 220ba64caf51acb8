//! Pushes from an empty store: unchanged layers are the previous image's, and their packages are not fetched.

use std::fs;

use super::{Served, layers, nobody};
use crate::support::command::Dumbc;
use crate::support::project::{Cache, Project, noise};
use crate::support::server::Server;

const PARTS: usize = 4;

/// A project whose packages come over HTTP, so that fetches are counted.
struct Remote {
    project: Project,
    cache: Cache,
    server: Server,
}

impl Remote {
    /// With tables of system.toml.
    fn new(tables: &str) -> Self {
        let cache = Cache::new();
        for part in 0..PARTS {
            let script = format!("#!/bin/part{part}\n");
            let files: [(&str, &[u8]); 2] =
                [("share/part", &noise(part as u64 + 1, 50_000)), (&format!("bin/part{part}"), script.as_bytes())];
            cache.add(&format!("part{part}-1.0"), &files);
        }
        let server = Server::start().folder(&cache.folder());
        let remote = Self { project: Project::new(), cache, server };
        let packages = r#"["part0", "part1", "part2", "part3"]"#;
        let entry = format!("[image]\nname = \"it\"\n[entrypoint]\ncommand = [\"part0\"]\n{tables}");
        remote.project.system_at(&remote.cache, &remote.server.url(""), packages, &entry);
        remote
    }

    /// Pushes; the report, and how many NARs were fetched for it.
    fn push(&self, arguments: &[&str]) -> (serde_json::Value, usize) {
        let home = self.project.beside("home");
        fs::create_dir_all(&home).unwrap();
        let before = self.server.seen().len();
        let all = [&["push", "--json"], arguments].concat();
        let report = nobody(self.dumbc(&all), &home).ok().json();
        let seen = self.server.seen().split_off(before);
        (report, seen.iter().filter(|seen| seen.path.contains(".nar") && !seen.path.ends_with("info")).count())
    }

    fn dumbc(&self, arguments: &[&str]) -> Dumbc {
        self.project.dumbc(arguments)
    }

    fn empty_the_store(&self) {
        fs::remove_dir_all(self.project.store()).unwrap();
    }
}

#[test]
fn an_empty_store_moves_what_changed_and_nothing_else() {
    let Some(registry) = Served::start() else { return };
    let remote = Remote::new("");
    let (first, fetched) = remote.push(&[&registry.reference("team/it:1")]);
    assert_eq!(fetched, PARTS);
    let lock = fs::read_to_string(remote.project.path("dumbc.lock")).unwrap();
    let pushed = format!("[pushed.\"{}\"]\ndigest = {}\n", registry.reference("team/it"), first["digest"]);
    assert!(lock.contains(&pushed), "{lock}");

    // The same again, of nothing: not one package is fetched, and all is the same.
    remote.empty_the_store();
    let (again, fetched) = remote.push(&["--locked", &registry.reference("team/it:2")]);
    assert_eq!(fetched, 0);
    assert_eq!((&again["digest"], &again["images"]), (&first["digest"], &first["images"]));
    assert_eq!(layers(&again), [0, 0, layers(&first)[0]]);

    // Without the image that the lock names, all are fetched.
    remote.empty_the_store();
    let (_, fetched) = remote.push(&["--locked", &registry.reference("team/other:1")]);
    assert_eq!(fetched, PARTS);

    // One package changes: it alone is fetched, its layer and the generated ones move.
    remote.empty_the_store();
    let content = noise(99, 50_000);
    remote.cache.add("part1-1.1", &[("share/part", &content), ("bin/part1", b"#!/bin/part1.1\n")]);
    remote.dumbc(&["update", "part1"]).ok();
    let (changed, fetched) = remote.push(&[&registry.reference("team/it:3")]);
    assert_eq!(fetched, 1, "{changed}");
    let [uploaded, _, skipped] = layers(&changed);
    assert!(skipped >= PARTS as u64 - 1 && uploaded <= 3, "{changed}");
    assert!(registry.is_whole("team/it", "3"));

    // A full store makes the same image.
    remote.empty_the_store();
    let (whole, fetched) = remote.push(&["--locked", &registry.reference("team/whole:3")]);
    assert_eq!(fetched, PARTS);
    assert_eq!((&whole["digest"], &whole["images"]), (&changed["digest"], &changed["images"]));
}

#[test]
fn a_layer_that_the_registry_lost_is_made_again() {
    let Some(registry) = Served::start() else { return };
    let remote = Remote::new("");
    let (first, _) = remote.push(&[&registry.reference("team/it:1")]);
    let (manifest, _) = registry.manifest("team/it", "1").unwrap();
    registry.delete_blob("team/it", manifest["layers"][0]["digest"].as_str().unwrap());
    remote.empty_the_store();
    let (again, fetched) = remote.push(&["--locked", "--force", &registry.reference("team/it:2")]);
    assert_eq!((fetched, &again["digest"]), (PARTS, &first["digest"]));
    assert!(registry.is_whole("team/it", "2"));
}

#[test]
fn the_runtime_is_not_compressed_again() {
    let Some(registry) = Served::start() else { return };
    let remote = Remote::new("[boot]\n");
    let runtimes = || {
        let files = walkdir::WalkDir::new(remote.project.store().join("fragments")).into_iter().map(Result::unwrap);
        let listings =
            files.filter(|entry| entry.file_name() == "listing").map(|entry| fs::read(entry.path()).unwrap());
        listings.filter(|listing| listing.windows(9).any(|window| window == b"bin/dumbc")).count()
    };
    let (first, _) = remote.push(&[&registry.reference("team/it:1")]);
    let made = runtimes();
    assert!(made > 0);
    remote.empty_the_store();
    let (again, fetched) = remote.push(&["--locked", &registry.reference("team/it:2")]);
    assert_eq!((fetched, &again["digest"]), (0, &first["digest"]));
    assert_eq!(runtimes(), made - 1);
    // Who needs it makes it.
    let built = remote.project.build("it.oci", &["--locked", "--format", "oci-dir"]);
    assert_eq!((&built.document["images"][0]["manifests"]["oci"], runtimes()), (&first["digest"], made));
}
