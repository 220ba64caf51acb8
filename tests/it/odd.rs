//! Trees that nobody would make on purpose come out of an image as they went into the cache.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use dumbc::nix::nar::{NarKind, NarReader};

use crate::support::image::{Archive, Content, Entry, Root, on_disk};
use crate::support::project::{Built, Project};
use crate::support::{shared, skipped};

const COMPRESSIONS: [&str; 6] = ["none", "xz", "zstd", "bzip2", "gzip", "br"];

/// Fields of all narinfos of a cache.
fn narinfos(cache: &Path) -> Vec<BTreeMap<String, String>> {
    let files = fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path());
    let texts = files.filter(|path| path.extension().is_some_and(|extension| extension == "narinfo"));
    let fields = |text: String| text.lines().filter_map(|line| line.split_once(": ")).map(owned).collect();
    let mut narinfos: Vec<BTreeMap<_, _>> = texts.map(|path| fields(fs::read_to_string(path).unwrap())).collect();
    narinfos.sort_by(|one, other| one["StorePath"].cmp(&other["StorePath"]));
    narinfos
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// A project that requests every path of a cache.
fn project(cache: &Path) -> Project {
    let key = fs::read_to_string(cache.parent().unwrap().with_file_name("odd.key.pub")).unwrap();
    let paths: Vec<_> = narinfos(cache).iter().map(|fields| format!("\"{}\"", fields["StorePath"])).collect();
    assert_eq!(paths.len(), 9);
    let project = Project::new();
    project.file(
        "system.toml",
        format!(
            "packages = [{}]\n[channels.odd]\ncaches = [\"{}\"]\nkeys = [\"{}\"]\n[image]\nname = \"odd\"\n",
            paths.join(", "),
            cache.display(),
            key.trim()
        ),
    );
    project
}

/// What a NAR holds, as an image should, below `prefix`.
fn entries(nar: &[u8], prefix: &[u8]) -> Root {
    let mut reader = NarReader::new(nar);
    let mut root = Root::new();
    while let Some(entry) = reader.next_entry().unwrap() {
        let path = if entry.path.is_empty() { prefix.to_vec() } else { [prefix, &entry.path].join(&b'/') };
        let (mode, content) = match entry.kind {
            NarKind::Directory => (0o555, Content::Directory),
            NarKind::Symlink { target } => (0o777, Content::Link(target)),
            NarKind::Regular { executable, size } => {
                let mut content = Vec::new();
                reader.read_to_end(&mut content).unwrap();
                assert_eq!(content.len() as u64, size);
                (if executable { 0o555 } else { 0o444 }, Content::File(content))
            }
        };
        root.insert(path, Entry { mode, owner: (0, 0), content });
    }
    root
}

/// The part of a root at and below a store path.
fn below(root: &Root, path: &str) -> Root {
    let prefix = &path.as_bytes()[1..];
    let is_below = |entry: &[u8]| entry.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest[0] == b'/');
    root.iter().filter(|(entry, _)| is_below(entry)).map(|(path, entry)| (path.clone(), entry.clone())).collect()
}

fn assert_equal(found: &Root, expected: &Root, path: &str) {
    let name = |path: &Vec<u8>| path.escape_ascii().to_string();
    for (entry, wanted) in expected {
        let there = found.get(entry).unwrap_or_else(|| panic!("{path}: {} is missing", name(entry)));
        assert!(there == wanted, "{path}: {} differs", name(entry));
    }
    let more = found.keys().find(|entry| !expected.contains_key(*entry));
    assert!(more.is_none(), "{path}: {} is too much", more.map(name).unwrap_or_default());
}

#[test]
fn odd_trees_come_out_as_their_nars_say() {
    let Some(cache) = shared("nixcache/odd/none") else { return };
    let root = Archive::read(&project(&cache).build("odd.tar.gz", &[]).path).root();
    for fields in narinfos(&cache) {
        let nar = fs::read(cache.join(&fields["URL"])).unwrap();
        let path = &fields["StorePath"];
        assert_equal(&below(&root, path), &entries(&nar, &path.as_bytes()[1..]), path);
    }
}

#[test]
fn the_compression_of_a_cache_makes_no_difference() {
    let mut ids = Vec::new();
    for compression in COMPRESSIONS {
        let Some(cache) = shared(&format!("nixcache/odd/{compression}")) else { return };
        let project = project(&cache);
        let built = project.build("odd.tar.gz", &[]);
        let lock = project.path("dumbc.lock");
        let verify = ["verify", built.path.to_str().unwrap(), "--lock", lock.to_str().unwrap(), "--json"];
        let verified = project.dumbc(&verify).ok().json();
        assert_eq!(verified["store_paths"]["as_locked"], 9, "{verified}");
        ids.push((built.image_id(), built.bytes()));
    }
    assert!(ids.iter().all(|one| *one == ids[0]), "{:?}", ids.iter().map(|(id, _)| id).collect::<Vec<_>>());
}

#[test]
fn verify_finds_a_changed_file() {
    let Some(cache) = shared("nixcache/odd/zstd") else { return };
    let project = project(&cache);
    let built = project.build("odd.tar", &["--compression", "none"]);
    let lock = project.path("dumbc.lock");
    let mut bytes = built.bytes();
    // A file of 2,000, in the middle of its layer.
    let place = bytes.len() / 2;
    bytes[place] ^= 1;
    fs::write(&built.path, bytes).unwrap();
    let arguments = ["verify", built.path.to_str().unwrap(), "--lock", lock.to_str().unwrap(), "--json"];
    let outcome = project.dumbc(&arguments).fails(10);
    let document = outcome.json();
    assert_eq!(document["error"]["class"], "differs");
    assert_eq!(document["store_paths"]["as_locked"], 8);
    let faults = document["faults"].to_string();
    assert!(faults.contains("holds other bytes") && faults.contains("not what its cache signed"), "{faults}");
}

/// Nix's own reading of the NARs, beside tar's and umoci's of the image.
#[test]
fn nix_tar_and_umoci_agree_on_odd_trees() {
    let Some(cache) = shared("nixcache/odd/none") else { return };
    let Some(()) = has("nix-store") else { return };
    let project = project(&cache);
    let built = project.build("odd.oci", &["--format", "oci-dir"]);
    let unpacked = unpack(&project, &built);
    for fields in narinfos(&cache) {
        let restored = project.beside(&format!("restored-{}", fields["StorePath"].rsplit('/').next().unwrap()));
        let nar = fs::File::open(cache.join(&fields["URL"])).unwrap();
        let status = Command::new("nix-store").arg("--restore").arg(&restored).stdin(nar).status().unwrap();
        assert!(status.success());
        let path = &fields["StorePath"];
        let prefix = &path.as_bytes()[1..];
        let there = project.beside(&unpacked).join(&path[1..]);
        assert_equal(&on_disk(&there, prefix), &on_disk(&restored, prefix), path);
    }
    // Store paths are not writable; what removes the folder needs them so.
    make_writable(&project.beside(""));
}

fn has(program: &str) -> Option<()> {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_ok() { Some(()) } else { skipped(&format!("{program} is not installed")) }
}

/// Unpacks an OCI layout, by umoci where it is and may; else by tar, layer over layer. Yields the root's place.
fn unpack(project: &Project, built: &Built) -> String {
    let image = format!("{}:latest", built.path.display());
    let bundle = project.beside("bundle");
    if rustix::process::geteuid().is_root() && has("umoci").is_some() {
        let status = Command::new("umoci").args(["unpack", "--image", &image]).arg(&bundle).status().unwrap();
        assert!(status.success());
        return "bundle/rootfs".to_owned();
    }
    fs::create_dir(&bundle).unwrap();
    for layer in Archive::read(&built.path).layers() {
        let file = project.beside("layer.tar.gz");
        fs::write(&file, layer).unwrap();
        let status = Command::new("tar").arg("-C").arg(&bundle).arg("-xzf").arg(&file).status().unwrap();
        assert!(status.success());
    }
    "bundle".to_owned()
}

pub(crate) fn make_writable(folder: &Path) {
    let status = Command::new("chmod").args(["-R", "u+w"]).arg(folder).status().unwrap();
    assert!(status.success());
}
