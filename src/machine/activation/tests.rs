use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::home::manifest::ManifestFile;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        Self { folder }
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn generation(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let root = self.folder.path().join(name);
        for (path, content) in files {
            let file = root.join(FILES).join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
        let manifest = Manifest {
            version: Manifest::VERSION,
            user: "alice".to_owned(),
            files: files.iter().map(|(path, _)| ((*path).to_owned(), ManifestFile::default())).collect(),
            session_variables: BTreeMap::new(),
            session_path: Vec::new(),
            backup_extension: None,
            daemons: Vec::new(),
            packages: BTreeMap::new(),
        };
        fs::create_dir_all(&root).unwrap();
        fs::write(root.join(MANIFEST), serde_json::to_vec(&manifest).unwrap()).unwrap();
        root
    }

    fn activation(&self, generation: &Path, mode: Mode) -> Activation {
        let generation = generation.to_owned();
        Activation { home: self.home(), generation, mode, force: false, dry_run: false }
    }

    fn activate(&self, generation: &Path) -> Report {
        activate(&self.activation(generation, Mode::Boot)).unwrap()
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.home().join(path)).unwrap_or_else(|error| format!("{path}: {error}"))
    }
}

#[test]
fn one_generation_follows_another() {
    let place = Place::new();
    let one = place.generation("one", &[(".bashrc", "1"), (".config/old/x", "1")]);
    let two = place.generation("two", &[(".bashrc", "2"), (".config/new/x", "2")]);
    fs::write(place.home().join("own"), "own").unwrap();
    assert_eq!(place.activate(&one).linked, [".bashrc", ".config/old/x"]);
    assert_eq!(place.read(".config/old/x"), "1");
    let report = place.activate(&two);
    assert_eq!((report.linked, report.removed), (vec![".config/new/x".to_owned()], vec![".config/old/x".to_owned()]));
    assert_eq!((place.read(".bashrc"), place.read(".config/new/x")), ("2".to_owned(), "2".to_owned()));
    assert!(!place.home().join(".config/old").exists());
    assert_eq!(place.activate(&two), Report { version: 1, ..Report::default() });
    // The old generation is gone with its image: its links are known all the same.
    fs::remove_dir_all(&two).unwrap();
    assert_eq!(place.activate(&one).removed, [".config/new/x"]);
    assert_eq!((place.read(".bashrc"), place.read("own")), ("1".to_owned(), "own".to_owned()));
}

#[test]
fn own_files_stay() {
    let place = Place::new();
    let one = place.generation("one", &[(".bashrc", "1"), (".same", "same"), (".profile", "1")]);
    fs::write(place.home().join(".bashrc"), "own").unwrap();
    fs::write(place.home().join(".same"), "same").unwrap();
    let error = activate(&place.activation(&one, Mode::Rebuild)).unwrap_err();
    assert!(error.to_string().contains("~/.bashrc (a file of your own stands there)"), "{error}");
    assert!(!place.home().join(".profile").exists(), "nothing is done where something is refused");
    let report = place.activate(&one);
    assert_eq!((report.skipped.len(), report.replaced), (1, vec![".same".to_owned()]));
    assert_eq!(place.read(".bashrc"), "own");
    assert!(fs::symlink_metadata(place.home().join(".same")).unwrap().is_symlink());
    let forced = Activation { force: true, ..place.activation(&one, Mode::Rebuild) };
    assert_eq!(activate(&forced).unwrap().replaced, [".bashrc"]);
    assert_eq!(place.read(".bashrc"), "1");
}

#[test]
fn a_dry_run_leaves_everything() {
    let place = Place::new();
    let one = place.generation("one", &[(".bashrc", "1")]);
    let dry = Activation { dry_run: true, ..place.activation(&one, Mode::Rebuild) };
    assert_eq!(activate(&dry).unwrap().linked, [".bashrc"]);
    assert_eq!(fs::read_dir(place.home()).unwrap().count(), 0);
}

#[test]
fn links_do_not_lead_out_of_the_home() {
    let place = Place::new();
    let outside = place.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, place.home().join(".config")).unwrap();
    symlink("../outside", place.home().join(".relative")).unwrap();
    fs::create_dir(place.home().join("dots")).unwrap();
    symlink("dots", place.home().join(".local-config")).unwrap();
    let files = [(".config/x", "1"), (".relative/x", "1"), (".local-config/x", "1")];
    let report = place.activate(&place.generation("one", &files));
    assert_eq!(report.skipped.len(), 2, "{report:?}");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    assert_eq!(place.read("dots/x"), "1", "a link inside of the home is the user's own way");
    // A state folder that leads out is no state folder.
    let other = Place::new();
    fs::create_dir_all(other.home().join(".local")).unwrap();
    symlink(&outside, other.home().join(".local/state")).unwrap();
    let one = other.generation("one", &[(".bashrc", "1")]);
    assert!(matches!(activate(&other.activation(&one, Mode::Boot)), Err(ActivationError::Home { .. })));
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn a_list_of_links_that_lies_removes_nothing() {
    let place = Place::new();
    let one = place.generation("one", &[(".bashrc", "1")]);
    place.activate(&one);
    fs::write(place.home().join("own"), "own").unwrap();
    for list in [r#"{"version":1,"files":["own","../one/manifest.json","/etc/passwd",".bashrc"]}"#, "no json", ""] {
        fs::write(place.home().join(LINKS), list).unwrap();
        place.activate(&one);
        assert_eq!((place.read("own"), place.read(".bashrc")), ("own".to_owned(), "1".to_owned()));
        assert!(one.join(MANIFEST).exists());
    }
}

/// Carries out some of the steps of an activation, as if it was killed then.
fn interrupted(place: &Place, generation: &Path, steps: usize) {
    let home = Beneath::open(&place.home()).unwrap();
    let manifest = read_manifest(generation).unwrap();
    let disk = Disk { home: &home, generation };
    let options = Options { mode: Mode::Boot, force: false, backup_extension: None, switch: true };
    let known = read_links(&home);
    let planned = plan(&known, &manifest, &disk, &options).unwrap();
    write_links(&home, &known.iter().chain(manifest.files.keys()).cloned().collect()).unwrap();
    for step in planned.steps.iter().take(steps) {
        carry_out(&home, step, generation).unwrap();
    }
}

#[test]
fn whoever_is_killed_leaves_the_old_home_or_the_new_one() {
    for steps in 0..14 {
        for back in [false, true] {
            let place = Place::new();
            let old = [(".a", "1"), (".dir/b", "1"), (".becomes/folder", "1"), (".link", "1")];
            let one = place.generation("one", &old);
            let two = place.generation("two", &[(".a", "2"), (".new/c", "2"), (".becomes", "2"), (".link/x", "2")]);
            place.activate(&one);
            interrupted(&place, &two, steps);
            assert!(["1", "2"].contains(&&*place.read(".a")));
            let (target, files): (_, &[(&str, &str)]) = if back {
                (&one, &old)
            } else {
                (&two, &[(".a", "2"), (".new/c", "2"), (".becomes", "2"), (".link/x", "2")])
            };
            place.activate(target);
            for (path, content) in files {
                assert_eq!(place.read(path), *content, "{steps} steps, back: {back}");
            }
            let links = walkdir::WalkDir::new(place.home()).into_iter().filter_map(Result::ok);
            let links = links.filter(|entry| entry.path_is_symlink() && !entry.path().ends_with("generation"));
            assert_eq!(links.count(), files.len(), "{steps} steps, back: {back}");
        }
    }
}

#[test]
fn a_newer_generation_is_refused() {
    let place = Place::new();
    let one = place.generation("one", &[]);
    fs::write(one.join(MANIFEST), r#"{"version":99,"everything":"else"}"#).unwrap();
    let refused = activate(&place.activation(&one, Mode::Boot));
    assert!(matches!(refused, Err(ActivationError::Newer { version: 99, .. })));
    fs::remove_file(one.join(MANIFEST)).unwrap();
    symlink("/etc/passwd", one.join(MANIFEST)).unwrap();
    assert!(matches!(activate(&place.activation(&one, Mode::Boot)), Err(ActivationError::Manifest { .. })));
}
