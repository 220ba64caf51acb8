use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use tempfile::TempDir;

use super::*;
use crate::machine::boot::mounting::doubles::{Refusing, Remembering};
use crate::machine::prepared::Warning;

/// A machine in a folder, with memory at `places`.
struct Sample {
    root: TempDir,
    memory: Vec<&'static str>,
}

impl Sample {
    fn new(memory: &[&'static str]) -> Self {
        let root = tempfile::tempdir().unwrap();
        for (place, mode) in [("run", 0o755), ("dev", 0o755), ("dev/shm", 0o1777)] {
            fs::create_dir(root.path().join(place)).unwrap();
            fs::set_permissions(root.path().join(place), fs::Permissions::from_mode(mode)).unwrap();
        }
        Self { root, memory: memory.to_vec() }
    }

    fn at(&self, place: &str) -> PathBuf {
        self.root.path().join(place)
    }

    fn table(&self) -> MountTable {
        let line = |place: &&str| format!("1 0 0:1 / {} rw - tmpfs tmpfs rw\n", self.at(place).display());
        MountTable::parse(self.memory.iter().map(line).collect::<String>().as_bytes())
    }

    /// A start without the right to mount, which writes the secret `KEY`; gives what was told.
    fn start(&self) -> Vec<String> {
        let mut told = Vec::new();
        let mut teller = |warning: &Warning| told.push(warning.message.clone());
        let ground = Ground::new(self.root.path(), Refusing);
        let place = open(&ground, &self.table(), &["KEY"], &mut Journal::new(&mut teller)).unwrap();
        rustix::fs::openat(
            &place.folder,
            "KEY",
            rustix::fs::OFlags::CREATE | rustix::fs::OFlags::EXCL,
            Mode::from_raw_mode(0o400),
        )
        .unwrap();
        place.show("KEY").unwrap();
        told
    }

    /// Folders of secrets in `place`.
    fn folders(&self, place: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.at(place)).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(PREFIX)).collect()
    }
}

#[test]
fn memory_that_is_there_is_used_and_nothing_stays_of_an_earlier_start() {
    for place in PLACES.map(|place| place.trim_start_matches('/')) {
        let sample = Sample::new(&[place]);
        let mut before = None;
        for _ in 0..3 {
            assert_eq!(sample.start(), [""; 0]);
            let [folder] = sample.folders(place).try_into().unwrap();
            let leads = sample.at("run/secrets").read_link().unwrap();
            assert_eq!(leads, Path::new("/").join(folder.strip_prefix(sample.root.path()).unwrap()));
            assert_eq!(folder.metadata().unwrap().mode() & 0o7777, 0o711);
            assert!(folder.join("KEY").exists());
            assert_ne!(before.replace(folder.clone()), Some(folder), "each start has its own");
        }
    }
}

#[test]
fn without_memory_it_is_told_and_stays_a_folder() {
    let sample = Sample::new(&[]);
    for _ in 0..2 {
        let told = sample.start();
        assert!(told.len() == 1 && told[0].contains("lies in the container's layer"), "{told:?}");
        assert!(sample.at("run/secrets/KEY").is_file());
    }
}

#[test]
fn where_run_is_memory_secrets_lie_there() {
    let sample = Sample::new(&["run", "dev"]);
    assert_eq!(sample.start(), [""; 0]);
    assert!(sample.at("run/secrets/KEY").is_file() && sample.folders("dev").is_empty());
}

#[test]
fn what_others_mounted_below_stays() {
    let mut sample = Sample::new(&["dev"]);
    fs::create_dir(sample.at("run/secrets")).unwrap();
    fs::write(sample.at("run/secrets/of-compose"), "theirs").unwrap();
    sample.memory.push("run/secrets/of-compose");
    for _ in 0..2 {
        assert_eq!(sample.start(), [""; 0]);
        let [folder] = sample.folders("dev").try_into().unwrap();
        assert!(sample.at("run/secrets/KEY").read_link().unwrap().ends_with("KEY") && folder.join("KEY").exists());
        assert_eq!(fs::read(sample.at("run/secrets/of-compose")).unwrap(), b"theirs");
    }
    let mounts = Remembering::default();
    let ground = Ground::new(sample.root.path(), mounts.clone());
    open(&ground, &sample.table(), &["KEY"], &mut Journal::new(&mut |_| {})).unwrap();
    assert!(mounts.0.lock().unwrap().is_empty(), "memory over it would hide it");
}

#[test]
fn places_where_others_write_are_left_alone() {
    let sample = Sample::new(&["dev/shm"]);
    fs::set_permissions(sample.at("dev/shm"), fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(sample.start().len(), 1, "anybody could put another folder in its place");
    fs::remove_dir(sample.at("dev/shm")).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    symlink(elsewhere.path(), sample.at("dev/shm")).unwrap();
    assert_eq!(sample.start().len(), 1, "a link leads anywhere");
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[test]
fn names_that_others_prepared_are_not_taken() {
    let (parent, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    symlink(theirs.path(), parent.path().join("a")).unwrap();
    fs::create_dir(parent.path().join("b")).unwrap();
    let parent = folder::open(parent.path()).unwrap();
    let named = |names: &[&str]| names.iter().map(|name| Ok((*name).to_owned())).collect::<Vec<_>>();
    let (_, name) = fresh(&parent, named(&["a", "b", "c"]).into_iter()).unwrap();
    assert_eq!(name, "c");
    let error = fresh(&parent, std::iter::repeat_with(|| Ok("a".to_owned()))).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
}

#[test]
fn only_folders_of_our_own_are_forgotten() {
    let sample = Sample::new(&["dev/shm"]);
    let ground = Ground::new(sample.root.path(), Refusing);
    let kept = tempfile::tempdir().unwrap();
    fs::write(kept.path().join("file"), "").unwrap();
    let (link, other) = (format!("{PREFIX}link"), "other");
    symlink(kept.path(), sample.at("dev/shm").join(&link)).unwrap();
    fs::create_dir(sample.at("dev/shm").join(other)).unwrap();
    for way in [Path::new("/dev/shm").join(link), Path::new("/dev/shm").join(other), kept.path().to_owned()] {
        forget_elsewhere(&ground, &way).unwrap();
    }
    assert!(kept.path().join("file").exists() && sample.at("dev/shm").join(other).exists());
    if rustix::process::geteuid().is_root() {
        let hers = sample.at("dev/shm").join(format!("{PREFIX}hers"));
        fs::create_dir(&hers).unwrap();
        std::os::unix::fs::chown(&hers, Some(1000), None).unwrap();
        forget_elsewhere(&ground, &Path::new("/dev/shm").join(format!("{PREFIX}hers"))).unwrap();
        assert!(hers.exists(), "another's folder is not touched");
    }
}
