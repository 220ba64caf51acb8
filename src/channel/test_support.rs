//! Machines and sources for this room's tests.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Mutex;

use super::debian::Offer;
use super::error::Error;
use super::hydra::{self, Evaluation, NoBuild};
use super::index::{Index, Limits};
use super::lock::LockedPackage;
use super::name::Attribute;
use super::sources::Sources;
use crate::config::{
    Boot, Channel, Home, ImageSettings, LogSettings, Machine, Names, Outputs, Persist, Request, RequestKind, System,
};
use crate::nix::{PathInfo, SecretKey, Sha256, StorePath};
use crate::progress::{Progress, Silent};

/// A machine with nothing but a name, a system and a default channel `ours` that has an index.
pub(super) fn machine(packages: &[&str]) -> Machine {
    let names = Names::Index { location: "index.jsonl".to_owned(), hash: None };
    Machine {
        project: PathBuf::from("/project"),
        default_channel: Some("ours".to_owned()),
        packages: packages.iter().map(|text| request(text)).collect(),
        channels: BTreeMap::from([("ours".to_owned(), channel(names, &[]))]),
        image: ImageSettings {
            name: "test".to_owned(),
            tag: "latest".to_owned(),
            systems: vec![System::X86_64Linux],
            layers: 100,
            from: None,
            registry: None,
            env: BTreeMap::new(),
            labels: BTreeMap::new(),
            sbom: None,
        },
        hostname: "test".to_owned(),
        timezone: "UTC".to_owned(),
        locale: "C.UTF-8".to_owned(),
        path: vec!["/usr/bin".to_owned(), "/etc/profiles/system/bin".to_owned()],
        entrypoint: None,
        daemons: BTreeMap::new(),
        files: Vec::new(),
        groups: BTreeMap::new(),
        persist: Persist { volume: "/data".to_owned(), paths: Vec::new(), store_limit: None },
        nix: None,
        boot: Boot { enable: false, user_rebuild: true },
        logs: LogSettings::default(),
        users: BTreeMap::new(),
        home: Home::default(),
    }
}

pub(super) fn channel(names: Names, keys: &[String]) -> Channel {
    Channel { names, caches: Vec::new(), keys: keys.to_vec(), allow_unsigned: false, place: None }
}

/// `channel#attribute@version^outputs`, a store path, or `./path`: only as well formed as tests need it.
pub(super) fn request(text: &str) -> Request {
    let kind = if text.starts_with("./") {
        RequestKind::Local(text.to_owned())
    } else if text.starts_with('/') {
        RequestKind::StorePath(text.parse().expect("a store path"))
    } else {
        let (rest, outputs) = text.split_once('^').unwrap_or((text, ""));
        let (rest, version) = rest.split_once('@').unwrap_or((rest, ""));
        let (channel, attribute) = rest.split_once('#').unwrap_or(("", rest));
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        RequestKind::Name {
            channel: some(channel),
            attribute: attribute.to_owned(),
            version: some(version),
            outputs: match outputs {
                "" => Outputs::Default,
                "*" => Outputs::All,
                names => Outputs::Named(names.split(',').map(str::to_owned).collect()),
            },
        }
    };
    Request { text: text.to_owned(), kind, place: None }
}

pub(super) fn key() -> SecretKey {
    SecretKey::generate("test-1", [7; 32]).expect("a key's name")
}

/// The store path that a package of this name has here.
pub(super) fn path(name: &str) -> StorePath {
    let digest: [u8; 20] = Sha256::of(name.as_bytes()).as_bytes()[..20].try_into().expect("20 of 32 bytes");
    StorePath::from_parts(digest, name).expect("a store path's name")
}

/// Sources in memory, which count what they are asked.
#[derive(Default)]
pub(super) struct World {
    packages: BTreeMap<StorePath, LockedPackage>,
    /// What Hydra built, by attribute.
    built: BTreeMap<String, hydra::Outputs>,
    lines: Vec<String>,
    pub(super) indexes_read: RefCell<usize>,
    pub(super) roots_asked: RefCell<Vec<String>>,
}

impl World {
    /// In which Hydra built these, by attribute, and nothing else is.
    pub(super) fn of_builds(built: BTreeMap<String, hydra::Outputs>) -> Self {
        Self { built, ..Self::default() }
    }

    /// Adds a package that [`key`] signed, with its line in the index.
    pub(super) fn with(mut self, attribute: &str, name: &str, references: &[&str]) -> Self {
        self.insert(attribute, name, references);
        self
    }

    pub(super) fn insert(&mut self, attribute: &str, name: &str, references: &[&str]) {
        let path = path(name);
        self.lines.push(format!(
            r#"{{"attr":"{attribute}","name":"{name}","system":"x86_64-linux","outputs":{{"out":"{path}"}}}}"#
        ));
        let mut references: Vec<StorePath> = references.iter().map(|name| self::path(name)).collect();
        references.sort();
        let mut info = PathInfo {
            path: path.clone(),
            nar_hash: Sha256::of(name.as_bytes()),
            nar_size: 1_000,
            references: references.clone(),
            signatures: Vec::new(),
            content_address: None,
        };
        info.sign(&key());
        let package = LockedPackage {
            nar_hash: info.nar_hash,
            nar_size: info.nar_size,
            references,
            signatures: info.signatures.iter().map(ToString::to_string).collect(),
            content_address: None,
            deriver: None,
            channel: Some("ours".to_owned()),
            source: None,
        };
        self.packages.insert(path, package);
    }

    /// Takes an attribute out of the index.
    pub(super) fn forget(&mut self, attribute: &str) {
        self.lines.retain(|line| !line.contains(&format!(r#""attr":"{attribute}""#)));
    }
}

impl Sources for World {
    fn built(
        &self,
        _: Evaluation,
        attribute: &Attribute,
        _: System,
        _: &dyn Progress,
    ) -> Result<Result<hydra::Outputs, NoBuild>, Error> {
        Ok(self.built.get(&attribute.to_string()).cloned().ok_or(NoBuild::NoJob))
    }

    #[cfg(feature = "build")]
    fn nixos(&self) -> Result<&super::nixos::Nixos, Error> {
        Err(Error::Channel { channel: "nixos".to_owned(), reason: "the world has no NixOS channel".to_owned() })
    }

    fn offer(&self, channel: &str, _: &BTreeSet<System>, _: &dyn Progress) -> Result<Offer, Error> {
        Err(Error::Channel { channel: channel.to_owned(), reason: "the world has no Debian archive".to_owned() })
    }

    fn index(&self, _channel: &str, _progress: &dyn Progress) -> Result<Index, Error> {
        *self.indexes_read.borrow_mut() += 1;
        Ok(Index::read(self.lines.join("\n").as_bytes(), Limits::default()).expect("a test's index"))
    }

    fn closure(
        &self,
        roots: &BTreeSet<StorePath>,
        _named_by_user: &BTreeSet<StorePath>,
        _progress: &dyn Progress,
    ) -> Result<Vec<(StorePath, LockedPackage)>, Error> {
        self.roots_asked.borrow_mut().extend(roots.iter().map(|path| path.name().to_owned()));
        let (mut found, mut waiting) = (BTreeMap::new(), roots.iter().cloned().collect::<Vec<_>>());
        while let Some(path) = waiting.pop() {
            let package = self.packages[&path].clone();
            waiting.extend(package.references.iter().filter(|path| !found.contains_key(*path)).cloned());
            found.insert(path, package);
        }
        Ok(found.into_iter().collect())
    }
}

/// Keeps what it is told.
#[derive(Default)]
pub(super) struct Listener(pub(super) Mutex<Vec<String>>);

impl Progress for Listener {
    fn begin(&self, stage: &str, total: Option<u64>) {
        Silent.begin(stage, total);
    }

    fn advance(&self, bytes: u64) {
        Silent.advance(bytes);
    }

    fn note(&self, message: &str) {
        self.0.lock().expect("a test's lock").push(message.to_owned());
    }

    fn warn(&self, message: &str) {
        self.note(message);
    }
}

/// Real test data, or `None`, said aloud, where it is absent.
pub(super) fn shared(below: &str) -> Option<PathBuf> {
    let root = std::env::var_os("DUMBC_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")), PathBuf::from);
    let path = root.join(below);
    if path.exists() {
        return Some(path);
    }
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    {
        eprintln!("skipped: {} is absent", path.display());
    }
    None
}
