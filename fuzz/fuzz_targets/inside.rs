//! Documents that a machine reads while it runs: the first byte says which. They are refused, or what follows from them holds.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use dumbc::boot::{BootPlan, HomeBase, explain, order};
use dumbc::home::activation::{Mode, Options, Plan, Standing, Standings, Step, plan};
use dumbc::home::manifest::Manifest;
use dumbc::machine::service::{load_db_text, parse_registration, registered_text, wire};
use dumbc::machine::supervisor::control;
use dumbc::nix::NarInfo;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((kind, rest)) = input.split_first() else { return };
    match kind % 6 {
        0 => boot_plan(rest),
        1 => registration(rest),
        2 => registered(rest),
        3 => requests(rest),
        4 => drop(serde_json::from_slice::<control::Request>(rest)),
        _ => activation(rest),
    }
});

fn boot_plan(input: &[u8]) {
    let _ = serde_json::from_slice::<HomeBase>(input);
    let Ok(plan) = serde_json::from_slice::<BootPlan>(input) else { return };
    let told = explain(&plan);
    assert!(told.chars().all(|c| c == '\n' || !c.is_control()), "{told:?}");
    let ordered = order(&plan.daemons);
    let names: BTreeSet<&str> = plan.daemons.iter().map(|unit| unit.name.as_str()).collect();
    assert_eq!(ordered.waves.iter().map(Vec::len).sum::<usize>() + ordered.stuck.len(), names.len());
    let printed = serde_json::to_string(&plan).expect("JSON");
    assert_eq!(serde_json::from_str::<BootPlan>(&printed).expect("what was printed is read"), plan);
}

fn registration(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(all) = parse_registration(text) else { return };
    let printed = load_db_text(all.values());
    assert_eq!(parse_registration(&printed), Ok(all));
}

fn registered(input: &[u8]) {
    let Ok(narinfo) = NarInfo::parse(input) else { return };
    let printed = registered_text(&narinfo.info);
    assert_eq!(NarInfo::parse(printed.as_bytes()).expect("what was printed is read").info, narinfo.info);
}

fn requests(mut input: &[u8]) {
    while let Ok(Some(request)) = wire::read::<wire::Request>(&mut input) {
        let mut written = Vec::new();
        wire::write(&mut written, &request).expect("it came in a document");
        assert_eq!(wire::read::<wire::Request>(&mut &written[..]).expect("it is read"), Some(request));
    }
}

/// A home, in lines: `NUL`-separated parts are what stands there, what earlier generations linked, and a manifest.
fn activation(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut parts = text.splitn(3, '\0');
    let standing = parts.next().unwrap_or_default();
    let old: BTreeSet<String> = parts.next().unwrap_or_default().lines().map(str::to_owned).collect();
    let rest = parts.next().unwrap_or_default();
    let manifest = serde_json::from_str(rest).unwrap_or_else(|_| of_paths(rest));
    let mut home = Model::new(standing, &old);
    for mode in [Mode::Rebuild, Mode::Boot] {
        let options = Options { mode, force: false, backup_extension: None, switch: true };
        let Ok(first) = plan(&old, &manifest, &home, &options) else { continue };
        home.carry_out(&first);
        let all: BTreeSet<String> = old.iter().chain(manifest.files.keys()).cloned().collect();
        let again = plan(&all, &manifest, &home, &Options { switch: false, ..options }).expect("it went before");
        assert_eq!(again.steps, [], "after {first:?}");
    }
}

fn of_paths(lines: &str) -> Manifest {
    Manifest {
        version: Manifest::VERSION,
        user: "alice".to_owned(),
        files: lines.lines().map(|line| (line.to_owned(), Default::default())).collect(),
        session_variables: BTreeMap::new(),
        session_path: Vec::new(),
        backup_extension: None,
        daemons: Vec::new(),
        packages: BTreeMap::new(),
    }
}

/// What stands in a home, by path.
struct Model(BTreeMap<String, Standing>);

impl Model {
    /// Lines of a path with a character before it; folders are what others lie in, too.
    fn new(lines: &str, old: &BTreeSet<String>) -> Self {
        let mut model = Self(BTreeMap::new());
        for line in lines.lines() {
            let mut characters = line.chars();
            let standing = match characters.next() {
                Some('f') => Standing::File { same_content: false },
                Some('s') => Standing::File { same_content: true },
                Some('l') => Standing::OtherLink,
                Some('o') if old.contains(characters.as_str()) => Standing::OurLink,
                _ => Standing::Directory,
            };
            model.put(characters.as_str(), standing);
        }
        model
    }

    fn put(&mut self, path: &str, standing: Standing) {
        let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
        if !path.split('/').all(plain) || self.0.contains_key(path) {
            return;
        }
        let parents: Vec<String> = path.match_indices('/').map(|(at, _)| path[..at].to_owned()).collect();
        if parents.iter().all(|parent| self.0.get(parent).is_none_or(|found| *found == Standing::Directory)) {
            self.0.extend(parents.into_iter().map(|parent| (parent, Standing::Directory)));
            self.0.insert(path.to_owned(), standing);
        }
    }

    fn folder_of(&self, path: &str) -> Standing {
        path.rsplit_once('/').map_or(Standing::Directory, |(folder, _)| self.at(folder))
    }

    fn carry_out(&mut self, plan: &Plan) {
        for step in &plan.steps {
            match step {
                Step::Switch => {}
                Step::MakeFolder(path) => self.make(path, Standing::Directory),
                Step::Link(path) => self.make(path, Standing::OurLink),
                Step::Backup { path, to } => {
                    let moved = self.0.remove(path).expect("something to keep");
                    self.make(to, moved);
                }
                Step::Replace(path) => {
                    assert!(!matches!(self.at(path), Standing::Absent | Standing::Directory), "{step:?}");
                    self.0.insert(path.clone(), Standing::OurLink);
                }
                Step::Remove(path) => assert_eq!(self.0.remove(path), Some(Standing::OurLink), "{step:?}"),
                Step::RemoveFolder(path) => {
                    assert_eq!(self.at(path), Standing::Directory, "{step:?}");
                    // What is not empty stays.
                    if self.names(path).is_empty() {
                        self.0.remove(path);
                    }
                }
            }
        }
    }

    fn make(&mut self, path: &str, standing: Standing) {
        assert_eq!(self.at(path), Standing::Absent, "something stands at {path}");
        assert_eq!(self.folder_of(path), Standing::Directory, "the folder of {path}");
        self.0.insert(path.to_owned(), standing);
    }
}

impl Standings for Model {
    fn at(&self, path: &str) -> Standing {
        self.0.get(path).copied().unwrap_or(Standing::Absent)
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let below = format!("{folder}/");
        let inner = self.0.keys().filter_map(|path| path.strip_prefix(&below));
        inner.filter(|name| !name.contains('/')).map(str::to_owned).collect()
    }
}
