//! What caches send is believed only with today's keys and the right hashes.

use std::fs;
use std::path::Path;

use dumbc::nix::Sha256;

use crate::support::packages::{Packages, key};
use crate::support::project::{Cache, Project};

/// Replaces a package's NAR by one with a flipped byte, and has the narinfo tell the new file's size and hash.
fn forge(cache: &Cache, path: &str) {
    let file = cache.nar(path);
    let mut nar = zstd::decode_all(&fs::read(&file).unwrap()[..]).unwrap();
    let middle = nar.len() / 2;
    nar[middle] ^= 1;
    let packed = zstd::encode_all(&nar[..], 3).unwrap();
    fs::write(&file, &packed).unwrap();
    let hash = path.strip_prefix("/nix/store/").unwrap().split('-').next().unwrap();
    let narinfo = cache.folder().join(format!("{hash}.narinfo"));
    let lines = fs::read_to_string(&narinfo).unwrap();
    let lines = lines.lines().map(|line| match line.split_once(": ") {
        Some(("FileHash", _)) => format!("FileHash: {}", Sha256::of(&packed)),
        Some(("FileSize", _)) => format!("FileSize: {}", packed.len()),
        _ => line.to_owned(),
    });
    let text = lines.map(|line| line + "\n").collect::<String>();
    fs::write(&narinfo, text).unwrap();
}

/// Fragments in a store.
fn fragments(store: &Path) -> usize {
    let folders = walkdir::WalkDir::new(store.join("fragments")).into_iter().filter_map(Result::ok);
    folders.filter(|entry| entry.file_type().is_file()).count()
}

#[test]
fn a_tampered_nar_stops_the_build_and_is_not_kept() {
    let cache = Cache::new();
    let bad = cache.add("bad-1.0", &[("share/text", &crate::support::project::noise(7, 100_000))]);
    forge(&cache, &bad);
    let project = Project::new();
    project.system(&cache, r#"["bad"]"#, "");
    let outcome = project.dumbc(&["build", "--json"]).fails(6);
    outcome.says(&["bad-1.0", "expected"]);
    assert_eq!(outcome.json()["error"]["class"], "trust");
    assert_eq!((fragments(&project.store()), project.leftovers().len()), (0, 0));
    assert!(!project.path("it.tar.gz").exists());
}

#[test]
fn a_broken_file_is_found_by_its_hash() {
    let cache = Cache::sample();
    let project = Project::new();
    project.system(&cache, r#"["data"]"#, "");
    project.dumbc(&["lock"]).ok();
    let lock = fs::read_to_string(project.path("dumbc.lock")).unwrap();
    let path = lock.split('"').find(|word| word.contains("-data-0.1")).unwrap();
    let path = path.strip_prefix("/nix/store/").unwrap_or(path);
    let file = cache.nar(&format!("/nix/store/{path}"));
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&file, &bytes).unwrap();
    project.dumbc(&["build"]).fails(6).says(&["data-0.1"]);
    assert_eq!((fragments(&project.store()), project.leftovers().len()), (0, 0));
}

/// A project of one signed package that its content does not vouch for.
fn signed() -> (Project, Packages, String) {
    let project = Project::new();
    let mut packages = Packages::new("it-1");
    let path = packages.add("signed-1.0", &[], b"content").to_string();
    packages.write(&project.beside("cache"));
    trusting(&project, &path, &packages.public_key().to_string());
    (project, packages, path)
}

fn trusting(project: &Project, path: &str, key: &str) {
    let cache = project.beside("cache");
    project.file(
        "system.toml",
        format!(
            "packages = [\"{path}\"]\n[channels.ours]\ncaches = [\"{}\"]\nkeys = [\"{key}\"]\n[image]\nname = \"it\"\n",
            cache.display()
        ),
    );
}

#[test]
fn a_removed_key_distrusts_at_once_what_it_signed() {
    let (project, packages, path) = signed();
    let first = project.build("1.tar.gz", &[]);
    trusting(&project, &path, &key("other-1").public_key().to_string());
    for arguments in [&["build"][..], &["build", "--locked"], &["build", "--offline"], &["plan"]] {
        project.dumbc(arguments).fails(6).says(&["signed-1.0"]);
    }
    trusting(&project, &path, &packages.public_key().to_string());
    assert_eq!(project.build("2.tar.gz", &["--locked"]).digests(), first.digests());
}

#[test]
fn a_changed_lock_is_not_believed() {
    let (project, _, _) = signed();
    project.dumbc(&["lock"]).ok();
    let lock = fs::read_to_string(project.path("dumbc.lock")).unwrap();
    let hash = Sha256::of(b"another");
    let line = lock.lines().find(|line| line.starts_with("nar-hash") || line.starts_with("nar_hash")).unwrap();
    let changed = lock.replace(line.split('"').nth(1).unwrap(), &hash.to_string());
    assert_ne!(lock, changed);
    project.file("dumbc.lock", changed);
    project.dumbc(&["build", "--locked"]).fails(6).says(&["signed-1.0"]);
}

#[test]
fn an_unsigned_name_is_not_believed() {
    let cache = Cache::sample();
    let project = Project::new();
    project.system(&cache, r#"["hello"]"#, "");
    let text = fs::read_to_string(project.path("system.toml")).unwrap();
    let text = text.replace(&cache.public_key, &key("other-1").public_key().to_string());
    project.file("system.toml", text.as_bytes()).dumbc(&["build"]).fails(6).says(&["hello"]);
    // Its content vouches for it where the channel says that this is enough.
    let lenient = text.replace("[image]", "allow-unsigned = true\n[image]");
    project.file("system.toml", lenient).dumbc(&["build"]).ok();
}
