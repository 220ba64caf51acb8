use std::collections::BTreeMap;

use proptest::prelude::*;

use super::target::{MAX_DEPTH, parents};
use super::*;
use crate::home::manifest::ManifestFile;

/// What a file of the generation holds, in the model.
const CONTENT: u8 = 7;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thing {
    Ours,
    Other,
    File(u8),
    Folder,
}

/// A home in memory, with the same rules as the disk's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Model(BTreeMap<String, Thing>);

impl Standings for Model {
    fn at(&self, path: &str) -> Standing {
        if parents(path).any(|parent| self.0.get(parent) != Some(&Thing::Folder)) {
            return Standing::Absent;
        }
        match self.0.get(path) {
            None => Standing::Absent,
            Some(Thing::Ours) => Standing::OurLink,
            Some(Thing::Other) => Standing::OtherLink,
            Some(Thing::File(content)) => Standing::File { same_content: *content == CONTENT },
            Some(Thing::Folder) => Standing::Directory,
        }
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let below = format!("{folder}/");
        let names = self.0.keys().filter_map(|path| path.strip_prefix(&below));
        names.filter(|name| !name.contains('/')).map(str::to_owned).collect()
    }
}

impl Model {
    fn of(entries: &[(&str, Thing)]) -> Self {
        let mut model = Self::default();
        for (path, thing) in entries {
            for parent in parents(path) {
                model.0.insert(parent.to_owned(), Thing::Folder);
            }
            model.0.insert((*path).to_owned(), *thing);
        }
        model
    }

    fn assert_free(&self, path: &str) {
        assert_eq!(self.at(path), Standing::Absent, "{path} in {self:?}");
        let mut folders = parents(path);
        assert!(folders.all(|parent| self.0.get(parent) == Some(&Thing::Folder)), "{path} in {self:?}");
    }

    fn carry_out(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::MakeFolder(path) => {
                    self.assert_free(path);
                    self.0.insert(path.clone(), Thing::Folder);
                }
                Step::Link(path) => {
                    self.assert_free(path);
                    self.0.insert(path.clone(), Thing::Ours);
                }
                Step::Switch => {}
                Step::Backup { path, to } => {
                    self.assert_free(to);
                    let thing = self.0.remove(path).unwrap();
                    self.0.insert(to.clone(), thing);
                }
                Step::Replace(path) => assert_ne!(self.0.insert(path.clone(), Thing::Ours), Some(Thing::Folder)),
                Step::Remove(path) => assert_eq!(self.0.remove(path), Some(Thing::Ours), "{path}"),
                Step::RemoveFolder(path) => {
                    if self.names(path).is_empty() {
                        assert_eq!(self.0.remove(path), Some(Thing::Folder), "{path}");
                    }
                }
            }
        }
    }
}

fn manifest(files: &[&str]) -> Manifest {
    let files = files.iter().map(|path| ((*path).to_owned(), ManifestFile::default())).collect();
    Manifest {
        version: Manifest::VERSION,
        user: "alice".to_owned(),
        files,
        session_variables: BTreeMap::new(),
        session_path: Vec::new(),
        backup_extension: None,
        daemons: Vec::new(),
        packages: BTreeMap::new(),
    }
}

fn old(files: &[&str]) -> BTreeSet<String> {
    files.iter().map(|path| (*path).to_owned()).collect()
}

fn options(mode: Mode) -> Options {
    Options { mode, force: false, backup_extension: None, switch: true }
}

fn steps(plan: &Plan) -> String {
    let lines = plan.steps.iter().map(|step| format!("{step:?}"));
    let skipped = plan.skipped.iter().map(|one| format!("skipped {}: {}", one.path, one.reason));
    lines.chain(skipped).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_hurts_comes_after_the_switch() {
    let home = Model::of(&[
        (".bashrc", Thing::Ours),
        (".gone/deep/link", Thing::Ours),
        (".identical", Thing::File(CONTENT)),
        (".config/app", Thing::Ours),
    ]);
    let before = old(&[".bashrc", ".gone/deep/link", ".config/app"]);
    let new = manifest(&[".bashrc", ".config/app/settings", ".identical", ".new/file"]);
    let planned = plan(&before, &new, &home, &options(Mode::Rebuild)).unwrap();
    insta::assert_snapshot!(steps(&planned), @r#"
    MakeFolder(".new")
    Link(".new/file")
    Switch
    Remove(".config/app")
    MakeFolder(".config/app")
    Link(".config/app/settings")
    Replace(".identical")
    Remove(".gone/deep/link")
    RemoveFolder(".gone/deep")
    RemoveFolder(".gone")
    "#);
}

#[test]
fn own_files_are_skipped_at_boot_and_refused_by_rebuild() {
    let home = Model::of(&[
        (".bashrc", Thing::File(1)),
        (".config", Thing::Other),
        (".folder/own", Thing::File(1)),
        (".link", Thing::Other),
    ]);
    let new = manifest(&[".bashrc", ".config/x", ".folder", ".link", ".other"]);
    let planned = plan(&BTreeSet::new(), &new, &home, &options(Mode::Boot)).unwrap();
    insta::assert_snapshot!(steps(&planned), @r#"
    Link(".other")
    Switch
    skipped .bashrc: a file of your own stands there
    skipped .config/x: its folder ~/.config is a link that leads to no folder of the home
    skipped .folder: a folder of your own stands there
    skipped .link: a link of your own stands there
    "#);
    let error = plan(&BTreeSet::new(), &new, &home, &options(Mode::Rebuild)).unwrap_err();
    assert!(matches!(&error, PlanError::Conflicts(all) if all.len() == 4), "{error}");
    let forced = Options { force: true, ..options(Mode::Rebuild) };
    let error = plan(&BTreeSet::new(), &new, &home, &forced).unwrap_err();
    assert!(matches!(&error, PlanError::Conflicts(all) if all.len() == 2), "a folder never gives way: {error}");
}

#[test]
fn backups_keep_what_was_there_and_are_never_overwritten() {
    let home = Model::of(&[(".a", Thing::File(1)), (".b", Thing::File(1)), (".b.old", Thing::File(2))]);
    let backup = Options { backup_extension: Some("old".to_owned()), ..options(Mode::Boot) };
    let planned = plan(&BTreeSet::new(), &manifest(&[".a", ".b"]), &home, &backup).unwrap();
    insta::assert_snapshot!(steps(&planned), @r#"
    Switch
    Backup { path: ".a", to: ".a.old" }
    Link(".a")
    skipped .b: its backup ~/.b.old exists already
    "#);
    let slash = Options { backup_extension: Some("../x".to_owned()), ..options(Mode::Boot) };
    assert_eq!(plan(&BTreeSet::new(), &manifest(&[".a"]), &home, &slash).unwrap().skipped.len(), 1);
}

#[test]
fn a_folder_of_our_links_becomes_one_link() {
    let home = Model::of(&[(".d/a", Thing::Ours), (".d/sub/b", Thing::Ours)]);
    let planned = plan(&old(&[".d/a", ".d/sub/b"]), &manifest(&[".d"]), &home, &options(Mode::Rebuild)).unwrap();
    insta::assert_snapshot!(steps(&planned), @r#"
    Switch
    Remove(".d/a")
    Remove(".d/sub/b")
    RemoveFolder(".d/sub")
    RemoveFolder(".d")
    Link(".d")
    "#);
    let mut own = home;
    own.0.insert(".d/own".to_owned(), Thing::File(1));
    assert!(plan(&old(&[".d/a", ".d/sub/b"]), &manifest(&[".d"]), &own, &options(Mode::Rebuild)).is_err());
}

#[test]
fn paths_that_no_home_has_are_refused() {
    for path in
        ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".local/state/dumbc/generation", ".local/state", "a\0b"]
    {
        let refused = plan(&BTreeSet::new(), &manifest(&[path]), &Model::default(), &options(Mode::Boot));
        assert!(matches!(refused, Err(PlanError::Target { .. })), "{path}");
    }
    let deep = vec!["a"; MAX_DEPTH + 1].join("/");
    assert!(plan(&BTreeSet::new(), &manifest(&[&deep]), &Model::default(), &options(Mode::Boot)).is_err());
    assert!(plan(&BTreeSet::new(), &manifest(&["a", "a/b"]), &Model::default(), &options(Mode::Boot)).is_err());
}

/// Some few paths, so that they meet; none below another.
fn files() -> impl Strategy<Value = BTreeSet<String>> {
    prop::collection::btree_set("[ab](/[ab]){0,2}", 0..6).prop_map(|paths| {
        let is_leaf = |path: &&String| !paths.iter().any(|other| other.starts_with(&format!("{path}/")));
        paths.iter().filter(is_leaf).cloned().collect()
    })
}

fn own() -> impl Strategy<Value = Model> {
    let thing = prop_oneof![Just(Thing::Other), (6u8..9).prop_map(Thing::File)];
    prop::collection::btree_map("[abc](/[abc]){0,2}", thing, 0..4).prop_map(|entries| {
        let is_leaf = |path: &String| !entries.keys().any(|other| other.starts_with(&format!("{path}/")));
        let leaves: Vec<_> = entries.iter().filter(|(path, _)| is_leaf(path)).collect();
        Model::of(&leaves.iter().map(|(path, thing)| (path.as_str(), **thing)).collect::<Vec<_>>())
    })
}

fn of(files: &BTreeSet<String>) -> Manifest {
    manifest(&files.iter().map(String::as_str).collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn activating_twice_is_activating_once(own in own(), one in files(), two in files()) {
        let mut home = own;
        home.carry_out(&plan(&BTreeSet::new(), &of(&one), &home, &options(Mode::Boot)).unwrap().steps);
        let known = &one | &two;
        home.carry_out(&plan(&known, &of(&two), &home, &options(Mode::Boot)).unwrap().steps);
        let settled = Options { switch: false, ..options(Mode::Boot) };
        prop_assert_eq!(plan(&known, &of(&two), &home, &settled).unwrap().steps, []);
        let linked: BTreeSet<_> = home.0.iter().filter(|(_, thing)| **thing == Thing::Ours).map(|(path, _)| path).collect();
        prop_assert!(linked.iter().all(|path| two.contains(*path)), "{:?} of {:?}", linked, two);
    }

    #[test]
    fn there_and_back_is_nothing(own in own(), one in files(), two in files()) {
        let mut home = own;
        let boot = options(Mode::Boot);
        home.carry_out(&plan(&BTreeSet::new(), &of(&one), &home, &boot).unwrap().steps);
        let before = home.clone();
        home.carry_out(&plan(&one, &of(&two), &home, &boot).unwrap().steps);
        home.carry_out(&plan(&(&one | &two), &of(&one), &home, &boot).unwrap().steps);
        // What was the same as the second generation's is a link of it then, and goes with it: where it was all of a folder, the
        // first one has a place that it had not before.
        let kept = |model: &Model| -> BTreeSet<String> {
            model.0.iter().filter(|(_, thing)| **thing == Thing::Ours).map(|(path, _)| path.clone()).collect()
        };
        prop_assert!(kept(&before).is_subset(&kept(&home)), "{:?} of {:?}", kept(&before), kept(&home));
        prop_assert!(kept(&home).is_subset(&one));
    }

    #[test]
    fn who_is_interrupted_completes_it(own in own(), one in files(), two in files(), at in 0usize..12) {
        let mut home = own;
        let boot = options(Mode::Boot);
        home.carry_out(&plan(&BTreeSet::new(), &of(&one), &home, &boot).unwrap().steps);
        let mut whole = home.clone();
        let steps = plan(&one, &of(&two), &home, &boot).unwrap().steps;
        whole.carry_out(&steps);
        home.carry_out(&steps[..at.min(steps.len())]);
        home.carry_out(&plan(&(&one | &two), &of(&two), &home, &boot).unwrap().steps);
        let ours = |model: &Model| -> Vec<String> {
            model.0.iter().filter(|(_, thing)| **thing == Thing::Ours).map(|(path, _)| path.clone()).collect()
        };
        prop_assert_eq!(ours(&home), ours(&whole));
    }
}
