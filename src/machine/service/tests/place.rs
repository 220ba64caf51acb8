//! A service's world below a folder of its own, and what users ask of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::boot::{Layout, PLAN_VERSION, PlanChannel, PlanLogs};
use crate::home::manifest::{MANIFEST, Manifest};
use crate::machine::boot::tests::account;
use crate::machine::service::unpack;
use crate::machine::service::wire::Answer;
use crate::machine::service::*;
use crate::nix::nar::NarWriter;
use crate::nix::{Compression, NarInfo, SecretKey, Sha256};
use crate::progress::Silent;

pub(in crate::machine) struct Place {
    folder: tempfile::TempDir,
    key: SecretKey,
    way: Way,
}

pub(in crate::machine) fn nar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = NarWriter::new(Vec::new());
    writer.directory(b"").unwrap();
    let mut folder = "";
    for (name, content) in files {
        if let Some((parent, _)) = name.split_once('/')
            && folder != parent
        {
            folder = parent;
            writer.directory(parent.as_bytes()).unwrap();
        }
        match content.strip_prefix("-> ") {
            Some(target) => writer.symlink(name.as_bytes(), target.as_bytes()).unwrap(),
            None => writer.regular(name.as_bytes(), false, content.len() as u64, &mut content.as_bytes()).unwrap(),
        }
    }
    writer.finish().unwrap()
}

pub(in crate::machine) fn path(name: &str) -> StorePath {
    let digest = Sha256::of(name.as_bytes());
    StorePath::from_parts(*digest.as_bytes().first_chunk().unwrap(), name).unwrap()
}

pub(in crate::machine) fn info(path: StorePath, nar: &[u8], references: &[&StorePath]) -> PathInfo {
    PathInfo {
        path,
        nar_hash: Sha256::of(nar),
        nar_size: nar.len() as u64,
        references: references.iter().map(|&path| path.clone()).collect(),
        signatures: Vec::new(),
        content_address: None,
    }
}

impl Place {
    pub(in crate::machine) fn new(way: Way) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["cache/nar", "store", "volume/nix/store", "run"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("cache/nix-cache-info"), "StoreDir: /nix/store\n").unwrap();
        Self { folder, key: SecretKey::generate("test-1", [1; 32]).unwrap(), way }
    }

    pub(in crate::machine) fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(in crate::machine) fn places(&self) -> Places {
        Places {
            layout: Layout::new(self.at("volume")),
            store: self.at("store"),
            registration: self.at("registration"),
            run: self.at("run"),
            way: self.way,
        }
    }

    /// A package of the image.
    pub(in crate::machine) fn image(&self, name: &str, files: &[(&str, &str)], references: &[&StorePath]) -> StorePath {
        let nar = nar(files);
        let info = info(path(name), &nar, references);
        unpack::unpack(&nar[..], &self.places().of(&info.path), unpack::Limits::SENT).unwrap();
        unpack::seal(&self.places().of(&info.path)).unwrap();
        let before = fs::read_to_string(self.at("registration")).unwrap_or_default();
        fs::write(self.at("registration"), before + &load_db_text([&info])).unwrap();
        info.path
    }

    /// What the cache says of a path and what it gives for it.
    pub(in crate::machine) fn cache(&self, mut info: PathInfo, nar: &[u8], signed: bool) -> StorePath {
        if signed {
            info.sign(&self.key);
        }
        let url = format!("nar/{}.nar", info.path.hash_part());
        fs::write(self.at("cache").join(&url), nar).unwrap();
        let path = info.path.clone();
        let narinfo = NarInfo {
            info,
            url,
            compression: Compression::None,
            file_hash: None,
            file_size: None,
            deriver: None,
            system: None,
        };
        fs::write(self.at(&format!("cache/{}.narinfo", path.hash_part())), narinfo.print()).unwrap();
        path
    }

    pub(in crate::machine::service) fn package(&self, name: &str, references: &[&StorePath]) -> StorePath {
        let nar = nar(&[("file", name)]);
        self.cache(info(path(name), &nar, references), &nar, true)
    }

    pub(in crate::machine) fn plan(&self) -> BootPlan {
        let user = |name: &str, uid| {
            let account = account(name, uid);
            (name.to_owned(), PlanUser { account, generation: path(&format!("home-{name}")).to_string() })
        };
        let channel = PlanChannel {
            index: None,
            index_hash: None,
            caches: vec![self.at("cache").display().to_string()],
            keys: vec![self.key.public_key().to_string()],
            allow_unsigned: false,
            debian: false,
            release: None,
        };
        BootPlan {
            version: PLAN_VERSION,
            image: "test:latest".to_owned(),
            system: "x86_64-linux".to_owned(),
            hostname: "test".to_owned(),
            runtime: String::new(),
            environment: BTreeMap::new(),
            path: Vec::new(),
            volume: self.at("volume").display().to_string(),
            persist: Vec::new(),
            store_limit: None,
            folders: Vec::new(),
            users: BTreeMap::from([user("alice", 1000), user("bob", 1001)]),
            entrypoint: None,
            daemons: Vec::new(),
            channels: BTreeMap::from([("ours".to_owned(), channel)]),
            default_channel: Some("ours".to_owned()),
            logs: PlanLogs::default(),
            nix: None,
            user_rebuild: true,
        }
    }

    pub(in crate::machine::service) fn service(&self) -> Service {
        Service::new(self.plan(), self.places()).unwrap()
    }

    /// Whether a path is registered and whole, wherever it is looked at.
    pub(in crate::machine::service) fn has(&self, path: &StorePath) -> bool {
        let places = self.places();
        let readable = fs::symlink_metadata(places.of(path).join("")).is_ok();
        registered(&places.layout.registered(), path).is_some() && places.written(path).exists() && readable
    }

    /// That nothing half-done lies around.
    pub(in crate::machine::service) fn assert_clean(&self) {
        for folder in ["store", "volume/nix/store", "volume/dumbc", "run"] {
            for entry in fs::read_dir(self.at(folder)).unwrap().flatten() {
                let name = entry.file_name().into_string().unwrap();
                assert!(!name.starts_with(TEMPORARY) && !name.starts_with("caches-"), "{folder}/{name}");
            }
        }
    }
}

pub(in crate::machine::service) fn alice() -> Caller {
    Caller::User("alice".to_owned())
}

pub(in crate::machine::service) fn bob() -> Caller {
    Caller::User("bob".to_owned())
}

pub(in crate::machine) fn manifest(user: &str) -> Manifest {
    Manifest {
        version: Manifest::VERSION,
        user: user.to_owned(),
        files: BTreeMap::new(),
        session_variables: BTreeMap::new(),
        session_path: Vec::new(),
        backup_extension: None,
        daemons: Vec::new(),
        packages: BTreeMap::new(),
    }
}

pub(in crate::machine::service) fn generation(manifest: &Manifest, packages: &[&StorePath]) -> Vec<u8> {
    let links: Vec<String> = packages.iter().map(|path| format!("-> {path}/bin")).collect();
    let text = serde_json::to_string(manifest).unwrap();
    let mut files = vec![(MANIFEST.to_owned(), text)];
    files.extend(links.into_iter().enumerate().map(|(number, link)| (format!("package-{number}"), link)));
    nar(&files.iter().map(|(name, content)| (name.as_str(), content.as_str())).collect::<Vec<_>>())
}

pub(in crate::machine::service) fn add(
    service: &Service,
    caller: &Caller,
    name: &str,
    nar: &[u8],
    references: &[&StorePath],
) -> Result<StorePath, ServiceError> {
    let references = references.iter().map(|&path| path.clone()).collect();
    match service.add(caller, name, references, nar.len() as u64, nar)? {
        Answer::Added { path } => Ok(path),
        other => panic!("{other:?}"),
    }
}

pub(in crate::machine::service) fn fetch(
    service: &Service,
    paths: &[&StorePath],
) -> Result<(usize, u64), ServiceError> {
    let paths: Vec<StorePath> = paths.iter().map(|&path| path.clone()).collect();
    match service.fetch(&alice(), &paths, &Silent)? {
        Answer::Fetched { paths, bytes } => Ok((paths, bytes)),
        other => panic!("{other:?}"),
    }
}
