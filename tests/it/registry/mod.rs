//! Images in real registries: Debian's docker-registry on a port of its own, alone, with passwords, with tokens, behind TLS, behind faults.

mod attached;
mod clients;
mod deploy;
mod faulty;
mod fly;
mod inspect;
mod push;
mod push_faults;
mod taken_over;
mod taken_over_debian;
mod tls;
mod tokens;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::clients::has;
use crate::support::command::Dumbc;
use crate::support::project::{Cache, Project, noise};

/// Who may push to a registry [`with a password`](Served::with_password).
pub(crate) const USER: &str = "it";
pub(crate) const PASSWORD: &str = "open sesame";
/// The same as docker-registry reads it: bcrypt.
const HTPASSWD: &str = "it:$2b$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW\n";

/// A docker-registry that keeps to its folder and ends with this value.
pub(crate) struct Served {
    child: Child,
    folder: TempDir,
    port: u16,
}

impl Served {
    /// Anybody may push. `None`, said aloud, where the program is missing.
    pub(crate) fn start() -> Option<Self> {
        Self::with("")
    }

    /// [`USER`] alone may push and pull.
    pub(crate) fn with_password() -> Option<Self> {
        Self::with("auth:\n  htpasswd:\n    realm: it\n    path: FOLDER/htpasswd\n")
    }

    /// With lines of configuration, in which `FOLDER` is its own.
    fn with(auth: &str) -> Option<Self> {
        has("docker-registry")?;
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().display().to_string();
        fs::write(folder.path().join("htpasswd"), HTPASSWD).unwrap();
        let storage =
            format!("storage:\n  filesystem:\n    rootdirectory: {place}/data\n  delete:\n    enabled: true\n");
        let http = "http:\n  addr: 127.0.0.1:0\n  secret: it\n";
        let config = format!("version: 0.1\n{storage}{http}{}", auth.replace("FOLDER", &place));
        fs::write(folder.path().join("config.yml"), config).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut registry = Command::new("docker-registry");
        registry.arg("serve").arg(folder.path().join("config.yml")).stdin(Stdio::null());
        let child = registry.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut served = Self { child, folder, port: 0 };
        served.port = wait_for(|| port_in(&served.log())).unwrap_or_else(|| panic!("{}", served.log()));
        Some(served)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:PORT`
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A reference below it.
    pub(crate) fn reference(&self, below: &str) -> String {
        format!("{}/{below}", self.host())
    }

    /// What it has written so far: a line a request among others.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Requests of a method so far, as the access log tells them.
    pub(crate) fn requests(&self, method: &str) -> usize {
        let mark = format!("\"{method} /v2/");
        self.log().lines().filter(|line| line.contains(&mark)).count()
    }

    /// The manifest or index by tag or digest, with its type; `None`: it is not there.
    pub(crate) fn manifest(&self, repository: &str, id: &str) -> Option<(serde_json::Value, String)> {
        let types = [
            "application/vnd.oci.image.manifest.v1+json",
            "application/vnd.oci.image.index.v1+json",
            "application/vnd.docker.distribution.manifest.v2+json",
        ];
        let url = format!("http://{}/v2/{repository}/manifests/{id}", self.host());
        let mut answer = agent().get(&url).header("accept", types.join(", ")).call().unwrap();
        if answer.status() == 404 {
            return None;
        }
        let media_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
        Some((serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap(), media_type))
    }

    /// Whether a repository has a blob.
    pub(crate) fn has_blob(&self, repository: &str, digest: &str) -> bool {
        let url = format!("http://{}/v2/{repository}/blobs/{digest}", self.host());
        agent().head(&url).call().unwrap().status() == 200
    }

    /// Takes a blob away, as an administrator may.
    pub(crate) fn delete_blob(&self, repository: &str, digest: &str) {
        let url = format!("http://{}/v2/{repository}/blobs/{digest}", self.host());
        assert_eq!(agent().delete(&url).call().unwrap().status(), 202, "{digest}");
    }

    /// Changes a byte of a blob on the registry's disk.
    pub(crate) fn damage(&self, digest: &str) {
        let hex = digest.trim_start_matches("sha256:");
        let blob = self.folder.path().join(format!("data/docker/registry/v2/blobs/sha256/{}/{hex}/data", &hex[..2]));
        let mut bytes = fs::read(&blob).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&blob, bytes).unwrap();
    }

    /// Everything that a tag names is there; tells whether it names something.
    pub(crate) fn is_whole(&self, repository: &str, id: &str) -> bool {
        let Some((document, _)) = self.manifest(repository, id) else { return false };
        let digests = |list: &serde_json::Value| {
            let entries = list.as_array().into_iter().flatten();
            entries.map(|entry| entry["digest"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        for manifest in digests(&document["manifests"]) {
            assert!(self.is_whole(repository, &manifest), "{id} names {manifest}, which is not there");
        }
        let config = document["config"]["digest"].as_str().map(str::to_owned);
        for blob in digests(&document["layers"]).into_iter().chain(config) {
            assert!(self.has_blob(repository, &blob), "{id} names {blob}, which is not there");
        }
        true
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into()
}

fn port_in(log: &str) -> Option<u16> {
    let (_, rest) = log.split_once("listening on 127.0.0.1:")?;
    let digits = rest.split(|character: char| !character.is_ascii_digit()).next()?;
    // A line that is being written may have a part of the number.
    if rest.len() > digits.len() { digits.parse().ok() } else { None }
}

/// Asks until there is an answer, for a minute.
pub(crate) fn wait_for<T>(mut answer: impl FnMut() -> Option<T>) -> Option<T> {
    for _ in 0..6000 {
        if let Some(answer) = answer() {
            return Some(answer);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

/// A project of small packages, each a layer.
pub(crate) struct Small {
    pub(crate) project: Project,
    cache: Cache,
}

/// Bytes of each package, which don't compress.
const SIZES: [usize; 4] = [300_000, 120_000, 40_000, 700];

impl Small {
    pub(crate) fn new(image: &str) -> Self {
        let cache = Cache::new();
        for (number, size) in SIZES.into_iter().enumerate() {
            cache.add(&format!("part{number}-1.0"), &[(&file(number), &noise(number as u64 + 1, size))]);
        }
        let small = Self { project: Project::new(), cache };
        small.write("[\"part0\", \"part1\", \"part2\", \"part3\"]", image);
        small.project.build("first.oci", &["--format", "oci-dir"]);
        small
    }

    /// Of files that any system can have, and no packages: those of the cache are for one.
    pub(crate) fn bare(image: &str) -> Self {
        let small = Self { project: Project::new(), cache: Cache::new() };
        small.cache.add("unused-1.0", &[("share/unused", b"")]);
        small.write("[]", &format!("{image}\n[files.\"/note\"]\ntext = \"the same for all\""));
        small
    }

    /// system.toml with these packages, and lines of [image].
    pub(crate) fn write(&self, packages: &str, image: &str) {
        self.project.system(&self.cache, packages, &format!("[image]\nname = \"it\"\n{image}\n"));
    }

    /// Another version of a package.
    pub(crate) fn change(&self, number: usize) {
        let content = noise(number as u64 + 100, SIZES[number]);
        self.cache.add(&format!("part{number}-1.1"), &[(&file(number), &content)]);
    }

    /// `dumbc push`, as nobody that this machine knows.
    pub(crate) fn push(&self, arguments: &[&str]) -> Dumbc {
        let home = self.project.beside("home");
        fs::create_dir_all(&home).unwrap();
        nobody(self.project.dumbc(&[&["push"], arguments].concat()), &home)
    }
}

fn file(number: usize) -> String {
    format!("share/part{number}")
}

/// A command that finds no logins.
pub(crate) fn nobody(command: Dumbc, home: &Path) -> Dumbc {
    let command = ["HOME", "DOCKER_CONFIG", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "FLY_CONFIG_DIR"]
        .into_iter()
        .fold(command, |command, variable| command.env(variable, home));
    let empty =
        ["REGISTRY_AUTH_FILE", "FLY_ACCESS_TOKEN", "FLY_API_TOKEN", "FLY_REGISTRY_HOST", "DUMBC_REGISTRY_CREDS"];
    empty.into_iter().fold(command, |command, variable| command.env(variable, ""))
}

/// `{outcome: how often}` of a push's layers.
pub(crate) fn layers(document: &serde_json::Value) -> [u64; 3] {
    ["uploaded", "mounted", "skipped"].map(|outcome| document["layers"][outcome].as_u64().unwrap())
}
