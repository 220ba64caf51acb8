//! A project in a temporary folder, with a store of its own, and a cache that the program itself wrote.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::command::{Dumbc, Outcome};

/// A project's folder and a store, both gone when it is dropped.
pub(crate) struct Project {
    folder: TempDir,
}

impl Project {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("project")).unwrap();
        Self { folder }
    }

    /// The folder with the three files.
    pub(crate) fn directory(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// `DUMBC_STORE`.
    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// A path of the project.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.directory().join(below)
    }

    /// A path beside the project.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, executable where its name says so: `bin/…`. Most tests are about packages and layers: their machines don't
    /// boot, unless system.toml says something of `[boot]`.
    pub(crate) fn file(&self, below: &str, content: impl AsRef<[u8]>) -> &Self {
        let mut content = content.as_ref().to_vec();
        let is_whole = toml::from_str::<toml::Table>(&String::from_utf8_lossy(&content))
            .is_ok_and(|table| !table.contains_key("boot"));
        if below == "system.toml" && is_whole {
            content.extend(b"\n[boot]\nenable = false\n");
        }
        write(&self.path(below), &content);
        self
    }

    /// system.toml for the packages of `cache`, followed by tables.
    pub(crate) fn system(&self, cache: &Cache, packages: &str, tables: &str) -> &Self {
        self.system_at(cache, &cache.folder().display().to_string(), packages, tables)
    }

    /// The same, with packages from another address.
    pub(crate) fn system_at(&self, cache: &Cache, address: &str, packages: &str, tables: &str) -> &Self {
        let image = if tables.contains("[image]") { "" } else { "[image]\nname = \"it\"\n" };
        let (index, key) = (cache.folder().join("index.jsonl"), &cache.public_key);
        let channel = format!("index = \"{}\"\ncaches = [\"{address}\"]\nkeys = [\"{key}\"]\n", index.display());
        let text = format!("channel = \"ours\"\npackages = {packages}\n\n[channels.ours]\n{channel}\n{image}{tables}");
        self.file("system.toml", text)
    }

    pub(crate) fn dumbc(&self, arguments: &[&str]) -> Dumbc {
        Dumbc::new(&self.directory(), &self.store(), arguments)
    }

    /// `dumbc build` with `--json`, into `output` of the project.
    pub(crate) fn build(&self, output: &str, arguments: &[&str]) -> Built {
        let path = self.path(output);
        let mut all = vec!["build", "--json", "-o", path.to_str().unwrap()];
        all.extend(arguments);
        Built::of(&self.dumbc(&all).ok(), path)
    }

    /// Every file of the store's temporary folder.
    pub(crate) fn leftovers(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.store().join("tmp")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

/// What a build made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Built {
    /// The document that it printed.
    pub(crate) document: serde_json::Value,
    pub(crate) path: PathBuf,
}

impl Built {
    pub(crate) fn of(outcome: &Outcome, path: PathBuf) -> Self {
        Self { document: outcome.json(), path }
    }

    /// Image IDs and manifest digests of all systems.
    pub(crate) fn digests(&self) -> Vec<String> {
        let images = self.document["images"].as_array().unwrap();
        images.iter().map(|image| format!("{} {}", image["image_id"], image["manifests"])).collect()
    }

    pub(crate) fn image_id(&self) -> String {
        self.document["images"][0]["image_id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(&self.path).unwrap()
    }
}

/// A cache that `dumbc cache add` wrote.
pub(crate) struct Cache {
    folder: TempDir,
    pub(crate) public_key: String,
}

impl Cache {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut cache = Self { folder, public_key: String::new() };
        let key = cache.key_file();
        let told = cache.dumbc(&["cache", "keygen", "it-1", "--output", key.to_str().unwrap()]).text();
        told.trim().clone_into(&mut cache.public_key);
        cache
    }

    /// With `hello`, a static program; `greet`, which refers to it; and `data`, of several megabytes.
    pub(crate) fn sample() -> Self {
        let cache = Self::new();
        let hello = cache.add("hello-1.0", &[("bin/hello", program())]);
        cache.add("greet-2.0", &[("bin/greet", format!("#!{hello}/bin/hello\n").as_bytes())]);
        cache.add("data-0.1", &[("share/data", &noise(1, 3 << 20)), ("share/doc/data.txt", b"noise\n")]);
        cache
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn key_file(&self) -> PathBuf {
        self.folder.path().join("it-1.key")
    }

    /// Adds a package of these files; yields its store path.
    pub(crate) fn add(&self, name: &str, files: &[(&str, &[u8])]) -> String {
        let folder = self.folder.path().join("sources").join(name);
        for (path, content) in files {
            write(&folder.join(path), content);
        }
        self.add_tree(name, &folder)
    }

    /// Adds a folder as a package; yields its store path.
    pub(crate) fn add_tree(&self, name: &str, folder: &Path) -> String {
        let (to, key) = (self.folder(), self.key_file());
        let [folder, to, key] = [folder, &to, &key].map(|path| path.to_str().unwrap());
        let outcome = self.dumbc(&["cache", "add", folder, "--name", name, "--to", to, "--key", key]);
        outcome.text().trim().to_owned()
    }

    fn dumbc(&self, arguments: &[&str]) -> Outcome {
        Dumbc::new(self.folder.path(), &self.folder.path().join("store"), arguments).ok()
    }

    /// The file of a store path's NAR.
    pub(crate) fn nar(&self, path: &str) -> PathBuf {
        let hash = path.strip_prefix("/nix/store/").unwrap().split('-').next().unwrap();
        let narinfo = fs::read_to_string(self.folder().join(format!("{hash}.narinfo"))).unwrap();
        let url = narinfo.lines().find_map(|line| line.strip_prefix("URL: ")).unwrap();
        self.folder().join(url)
    }
}

fn write(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    let mode = if path.parent().unwrap().ends_with("bin") { 0o755 } else { 0o644 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Bytes that don't compress, always the same.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..length.div_ceil(8)).flat_map(|_| next()).take(length).collect()
}

const SOURCE: &str = r#"#include <stdio.h>
int main(int count, char **words) {
    printf("hello");
    for (int i = 1; i < count; i++) printf(" %s", words[i]);
    return printf("\n") < 0;
}
"#;

/// A static program that greets: compiled where there is a compiler, else this program itself.
pub(crate) fn program() -> &'static [u8] {
    static PROGRAM: OnceLock<Vec<u8>> = OnceLock::new();
    PROGRAM.get_or_init(|| compiled().unwrap_or_else(|| fs::read(env!("CARGO_BIN_EXE_dumbc")).unwrap()))
}

fn compiled() -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let (source, program) = (folder.path().join("hello.c"), folder.path().join("hello"));
    fs::write(&source, SOURCE).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-static", "-Os", "-s", "-o"]).arg(&program).arg(&source);
    compiler.output().ok().filter(|output| output.status.success()).map(|_| fs::read(&program).unwrap())
}
