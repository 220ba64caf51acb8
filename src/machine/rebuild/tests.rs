//! Rebuilding for real: a cache, an index, a store service, and a home, all below one folder.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::boot::{HomeBase, HomeLayer, PLAN_VERSION};
use crate::home::manifest::{LIVE, MANIFEST};
use crate::machine::activation::read_manifest;
use crate::machine::service::tests::{Place, info, manifest, nar, path};
use crate::machine::service::wire::Target;
use crate::machine::service::{Service, Way, serve};
use crate::nix::{Sha256, StorePath};
use crate::progress::Silent;

struct World {
    place: Place,
    inside: Inside,
}

impl World {
    /// With `tool` in the image, and `ripgrep` and `fd` in the cache.
    fn new(layers: &str) -> Self {
        let place = Place::new(Way::Links);
        let tool = place.image("tool-1.0", &[("bin/tool", "#!tool")], &[]);
        let manifest_text = serde_json::to_string(&manifest("alice")).unwrap();
        place.image("home-alice", &[("files/.bashrc", "# image"), (MANIFEST, &manifest_text)], &[]);
        let mut index = String::new();
        for (name, references) in [("ripgrep", vec![&tool]), ("fd", vec![])] {
            let nar = nar(&[(&format!("bin/{name}"), name)]);
            let path = place.cache(info(path(&format!("{name}-1.2")), &nar, &references), &nar, true);
            let line = format!(
                "{{\"attr\":\"{name}\",\"name\":\"{name}-1.2\",\"outputs\":{{\"out\":\"{path}\"}},\"system\":\"x86_64-linux\"}}\n"
            );
            index.push_str(&line);
        }
        fs::write(place.at("index.jsonl"), index).unwrap();
        let mut plan = place.plan();
        plan.channels.get_mut("ours").unwrap().index = Some(place.at("index.jsonl").display().to_string());
        let debian = crate::boot::PlanChannel { debian: true, ..plan.channels["ours"].clone() };
        plan.channels.insert("debian".to_owned(), debian);
        let uid = rustix::process::getuid().as_raw();
        if uid != 0 {
            plan.users.get_mut("alice").unwrap().account.uid = uid;
        }
        let base = HomeBase {
            version: PLAN_VERSION,
            layers: vec![HomeLayer { origin: "home.toml".to_owned(), table: layers.parse().unwrap() }],
            packages: BTreeMap::from([("tool".to_owned(), vec![tool.to_string()])]),
            sources: BTreeMap::new(),
        };
        let inside = Inside {
            plan: plan.clone(),
            user: "alice".to_owned(),
            home: place.at("home"),
            base,
            base_digest: Sha256::of(layers.as_bytes()),
            run: place.at("run"),
            store: place.at("store"),
        };
        fs::create_dir(&inside.home).unwrap();
        if uid == 0 {
            // Others have to get through to the home and the store.
            fs::set_permissions(place.at("."), fs::Permissions::from_mode(0o755)).unwrap();
            std::os::unix::fs::chown(&inside.home, Some(1000), Some(1000)).unwrap();
        }
        let service = Arc::new(Service::new(plan, place.places()).unwrap());
        std::thread::spawn(move || serve(&service));
        while !place.places().socket().exists() {
            std::thread::yield_now();
        }
        Self { place, inside }
    }

    /// Does something as the user: the kernel tells the service who it is.
    fn as_user<T: Send>(&self, deed: impl FnOnce(&Inside) -> T + Send) -> T {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                if rustix::process::getuid().is_root() {
                    rustix::thread::set_thread_gid(rustix::fs::Gid::from_raw(1000)).unwrap();
                    rustix::thread::set_thread_uid(rustix::fs::Uid::from_raw(1000)).unwrap();
                }
                deed(&self.inside)
            });
            thread.join().unwrap()
        })
    }

    fn rebuild(&self, own: &str) -> Result<Outcome, RebuildError> {
        self.rebuild_with(own, &Options::default())
    }

    fn rebuild_with(&self, own: &str, options: &Options) -> Result<Outcome, RebuildError> {
        self.as_user(|inside| {
            inside.write_own(own).unwrap();
            rebuild(inside, &OwnHome::new(inside), options, &Silent)
        })
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.inside.home.join(path)).unwrap_or_else(|error| error.to_string())
    }

    fn live(&self) -> StorePath {
        let target = fs::read_link(self.inside.home.join(LIVE)).unwrap();
        StorePath::from_base_name(target.file_name().unwrap().to_str().unwrap()).unwrap()
    }
}

const OWN: &str = "packages = [\"ripgrep\"]\nfile.\".toolrc\".text = \"own\"\n";

#[test]
fn a_package_comes_from_the_cache_into_the_live_home() {
    let world = World::new("packages = [\"tool\"]\nfile.\".baserc\".text = \"base\"\n");
    let outcome = world.rebuild(OWN).unwrap();
    assert_eq!(outcome.number, Some(1));
    assert_eq!(outcome.changes.added, ["ripgrep 1.2", "tool 1.0"]);
    assert!(outcome.fetched > 0);
    assert_eq!((world.read(".toolrc"), world.read(".baserc")), ("own".to_owned(), "base".to_owned()));
    assert_eq!(world.live(), outcome.generation);
    let lock = world.read(".config/dumbc/dumbc.lock");
    assert!(lock.contains("ripgrep-1.2") && !lock.contains("tool-1.0"), "{lock}");
    // What the union holds is on the volume, that of the image too.
    let manifest = read_manifest(&world.inside.home.join(LIVE)).unwrap();
    for path in manifest.packages.values().flatten() {
        let name = Path::new(path).file_name().unwrap();
        assert!(world.place.at("volume/nix/store").join(name).join("bin").exists(), "{path}");
    }
    let other = OWN.replace("\"own\"", "\"other\"");
    let dry = world.rebuild_with(&other, &Options { dry_run: true, ..Options::default() }).unwrap();
    assert_eq!(dry.changes.lines(), ["~ ~/.toolrc"]);
    let again = world.rebuild(OWN).unwrap();
    assert_eq!((again.number, again.fetched, again.changes.is_empty()), (Some(1), 0, true));
    // Neither the index nor the cache is needed for what is there.
    fs::remove_file(world.place.at("index.jsonl")).unwrap();
    fs::remove_dir_all(world.place.at("cache")).unwrap();
    let offline = Options { offline: true, ..Options::default() };
    let second = world.rebuild_with("packages = [\"ripgrep\"]\n", &offline).unwrap();
    assert_eq!((second.number, second.changes.gone_files), (Some(2), vec![".toolrc".to_owned()]));
    let unknown = world.rebuild_with("packages = [\"ripgrep\", \"fd\"]\n", &offline).unwrap_err();
    assert!(matches!(unknown, RebuildError::Offline(names) if names == ["fd"]));
    assert_eq!(world.live(), second.generation);
}

#[test]
fn what_the_image_answered_outlives_it() {
    let mut world = World::new("packages = []\n");
    let own = "packages = [\"tool\"]\n";
    assert_eq!(world.rebuild(own).unwrap().changes.added, ["tool 1.0"]);
    let lock = world.read(".config/dumbc/dumbc.lock");
    assert!(lock.contains("tool-1.0"), "{lock}");
    // Another image doesn't have it, and nobody is there to be asked.
    world.inside.base.packages.clear();
    world.inside.base.layers[0].table = "file.\".baserc\".text = \"base\"\n".parse().unwrap();
    fs::remove_file(world.place.at("index.jsonl")).unwrap();
    fs::remove_dir_all(world.place.at("cache")).unwrap();
    let again = world.rebuild_with(own, &Options { offline: true, ..Options::default() }).unwrap();
    assert_eq!((again.number, again.changes.new_files), (Some(2), vec![".baserc".to_owned()]));
    assert_eq!(world.read(".config/dumbc/dumbc.lock"), lock);
}

#[test]
fn going_back_and_forth() {
    let world = World::new("file.\".baserc\".text = \"base\"\n");
    let image = path("home-alice");
    world.rebuild(OWN).unwrap();
    world.rebuild("packages = [\"fd\"]\n").unwrap();
    let select = |target| world.as_user(|inside| select(inside, target, false, &Silent));
    assert_eq!(select(Target::Previous).unwrap().number, Some(1));
    assert_eq!(world.read(".toolrc"), "own");
    let to_image = select(Target::Image).unwrap();
    assert_eq!((to_image.number, world.live()), (None, image.clone()));
    assert!(!world.inside.home.join(".toolrc").exists());
    assert_eq!(select(Target::Number(2)).unwrap().number, Some(2));
    assert!(select(Target::Number(9)).is_err());
    // A file that says nothing is no home of one's own.
    let outcome = world.rebuild("# nothing\n").unwrap();
    assert_eq!((outcome.number, outcome.generation), (None, image));
    assert!(world.as_user(|inside| !has_own(inside)));
}

#[test]
fn what_is_refused_changes_nothing() {
    let world = World::new("");
    let before = world.rebuild("packages = [\"fd\"]\n").unwrap().generation;
    for (own, expected) in [
        ("packages = [\"ripgerp\"]", "packages"),
        ("packages = [\"debian#git\"]", "Debian"),
        ("packages = [\"absent#git\"]", "found 1 error"),
        ("packages = 3", "found 1 error"),
        ("pakcages = []", "found 1 error"),
        ("file.\".x\".source = \"./absent\"", "found 1 error"),
        ("not toml", "found 1 error"),
    ] {
        let error = world.rebuild(own).unwrap_err();
        assert!(error.to_string().contains(expected), "{own}: {error}");
        assert_eq!(world.live(), before, "{own}");
    }
    world.as_user(|inside| fs::write(inside.home.join(".toolrc"), "mine").unwrap());
    let error = world.rebuild(OWN).unwrap_err();
    assert!(error.to_string().contains("~/.toolrc (a file of your own stands there)"), "{error}");
    let dry = Options { dry_run: true, ..Options::default() };
    assert!(matches!(world.rebuild_with(OWN, &dry), Err(RebuildError::Activation(_))));
    assert_eq!((world.live(), world.read(".toolrc")), (before.clone(), "mine".to_owned()));
    let forced = Options { force: true, ..dry };
    let outcome = world.rebuild_with(OWN, &forced).unwrap();
    assert_eq!((outcome.number, outcome.changes.added), (None, vec!["ripgrep 1.2".to_owned()]));
    assert_eq!((world.live(), world.read(".toolrc")), (before, "mine".to_owned()));
}

#[test]
fn what_the_user_can_not_read_does_not_come_in() {
    if !rustix::process::getuid().is_root() {
        crate::root::sample::skipped("only root can make a file that the user can't read");
        return;
    }
    let world = World::new("");
    let secret = world.place.at("secret");
    fs::write(&secret, "hash").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let own = format!("file.\".stolen\".source = \"{}\"\n", secret.display());
    let error = world.rebuild(&own).unwrap_err();
    assert!(!error.to_string().contains("hash") && !world.inside.home.join(".stolen").exists());
    // Through a link beside the file, the same.
    world.as_user(|inside| symlink(&secret, inside.own_path().parent().unwrap().join("link")).unwrap());
    assert!(world.rebuild("file.\".stolen\".source = \"./link\"\n").is_err());
}

#[test]
fn two_at_once_are_one_after_the_other() {
    let world = World::new("");
    let held = world.as_user(|inside| {
        fs::create_dir_all(inside.state("")).unwrap();
        let file = fs::File::create(inside.state("rebuild.lock")).unwrap();
        rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).unwrap();
        file
    });
    assert!(matches!(world.rebuild(OWN), Err(RebuildError::Running)));
    drop(held);
    assert!(world.rebuild(OWN).is_ok());
}

#[test]
fn another_image_is_noticed() {
    let mut world = World::new("");
    world.rebuild(OWN).unwrap();
    assert!(world.as_user(|inside| has_own(inside) && !is_outdated(inside)));
    world.inside.base_digest = Sha256::of(b"another");
    assert!(world.as_user(is_outdated));
}

#[test]
fn what_lies_beside_the_file_comes_along() {
    let world = World::new("packages = [\"tool\"]\n");
    let folder = world.inside.own_path().parent().unwrap().to_owned();
    let put = |name: &str, content: &str| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    world.as_user(|_| {
        put("own/bin/mine", "#!mine");
        put("run", "#!run");
        put("rc", "rc");
    });
    let own = "packages = [\"./own\"]\nfile.\".rc\".source = \"./rc\"\n[daemons.n]\ncommand = [\"./run\", \"./rc\", \"./x y\"]\n";
    let refused = world.rebuild(own).unwrap_err();
    assert!(refused.diagnostics()[0].message.contains("./x y"), "{refused:?}");
    let own = own.replace(", \"./x y\"", "");
    let dry = world.rebuild_with(&own, &Options { dry_run: true, ..Options::default() }).unwrap();
    assert_eq!(dry.changes.new_files, [".rc"]);
    let outcome = world.rebuild(&own).unwrap();
    assert_eq!((dry.generation, outcome.number), (outcome.generation.clone(), Some(1)));
    assert_eq!(world.read(".rc"), "rc");
    let generation = world.place.at("store").join(outcome.generation.base_name());
    let command = read_manifest(&generation).unwrap().daemons.remove(0).command;
    let content =
        |word: &String| fs::read_to_string(world.place.at("store").join(&word["/nix/store/".len()..])).unwrap();
    assert_eq!(command.iter().map(content).collect::<Vec<_>>(), ["#!run", "rc"]);
    assert!(!world.read(".config/dumbc/dumbc.lock").contains("own"));
}

#[test]
fn boot_looks_at_a_home_that_somebody_changed() {
    let world = World::new("");
    let marker = world.place.places().layout.activated("alice");
    fs::create_dir_all(marker.parent().unwrap()).unwrap();
    let settled = || fs::write(&marker, "/nix/store/x").unwrap();
    settled();
    world.rebuild(OWN).unwrap();
    assert!(!marker.exists());
    settled();
    world.as_user(|inside| select(inside, Target::Image, false, &Silent)).unwrap();
    assert!(!marker.exists());
    settled();
    world.as_user(|inside| {
        fs::remove_file(inside.home.join(".toolrc")).ok();
        fs::write(inside.home.join(".toolrc"), "mine").unwrap();
        let refused = select(inside, Target::Number(1), false, &Silent).unwrap_err();
        assert!(refused.to_string().contains("~/.toolrc"), "{refused}");
    });
    assert!(world.place.places().layout.current("alice").metadata().is_err(), "the image's is the live one, as before");
}
