use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use super::mounting::doubles::Refusing;
use super::*;
use crate::boot::{PLAN_VERSION, PlanAccount, PlanLogs, PlanRestart, PlanUnit, PlanUser};
use crate::home::manifest::LIVE;
use crate::machine::plan::PlanError;

pub(in crate::machine) const RUNTIME: &str = "/nix/store/00000000000000000000000000000000-dumbc-runtime/bin/dumbc";

pub(in crate::machine) fn account(name: &str, uid: u32) -> PlanAccount {
    let home = if uid == 0 { "/root".to_owned() } else { format!("/home/{name}") };
    PlanAccount { name: name.to_owned(), uid, gid: uid, groups: vec![], home, shell: "/bin/sh".to_owned() }
}

pub(in crate::machine) fn unit(name: &str, uid: u32) -> PlanUnit {
    let account = account(if uid == 0 { "root" } else { name.split('@').next_back().unwrap() }, uid);
    let command = vec!["/bin/true".to_owned()];
    PlanUnit { command, restart: PlanRestart::OnFailure, ..PlanUnit::bare(name, &account) }
}

/// A machine without users, whose entrypoint runs as root.
pub(in crate::machine) fn plan() -> BootPlan {
    BootPlan {
        version: PLAN_VERSION,
        image: "test:latest".to_owned(),
        system: "x86_64-linux".to_owned(),
        hostname: "test".to_owned(),
        runtime: RUNTIME.to_owned(),
        environment: BTreeMap::new(),
        path: vec!["/usr/bin".to_owned(), "/bin".to_owned()],
        volume: "/data".to_owned(),
        persist: vec![],
        store_limit: None,
        folders: vec![],
        users: BTreeMap::new(),
        entrypoint: Some(unit("entrypoint", 0)),
        daemons: vec![],
        channels: BTreeMap::new(),
        default_channel: None,
        logs: PlanLogs::default(),
        nix: None,
        user_rebuild: true,
    }
}

fn generation(name: &str) -> String {
    format!("/nix/store/11111111111111111111111111111111-home-{name}")
}

/// A root folder with an image of these users, whose runtime makes the live link and says what it did.
struct Image {
    root: tempfile::TempDir,
    plan: BootPlan,
}

/// What `dumbc home activate --generation PATH --boot` does at least, in a shell.
const ACTIVATE: &str = r#"#!/bin/sh
[ "$1 $2 $3 $5" = "home activate --generation --boot" ] || exit 9
home=$(readlink "ROOT$HOME") && home="ROOT$home" || home="ROOT$HOME"
mkdir -p "$home/.local/state/dumbc" && ln -sfn "$4" "$home/.local/state/dumbc/generation" || exit 8
echo run >> "$home/runs"
echo '{"version":1,"linked":[],"skipped":[SKIPPED],"more":true}'
"#;

impl Image {
    fn new(users: &[(&str, u32)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let mut image = Self { root, plan: plan() };
        for (name, uid) in users {
            let user = PlanUser { account: account(name, *uid), generation: generation(name) };
            image.plan.users.insert((*name).to_owned(), user);
            let text = format!(
                r#"{{"version":1,"user":"{name}","files":{{}},"session-variables":{{}},"session-path":[],"daemons":[],"packages":{{}}}}"#
            );
            image.put(&format!("{}/manifest.json", generation(name)), &text);
        }
        image.runtime("");
        image
    }

    /// A runtime that does `script`. As other tests fork at any time, it's awaited that nobody holds the file open any more.
    fn script(&self, script: &str) {
        self.put(RUNTIME, script);
        fs::set_permissions(self.at(RUNTIME), fs::Permissions::from_mode(0o755)).unwrap();
        let busy = |error: &std::io::Error| error.kind() == std::io::ErrorKind::ExecutableFileBusy;
        while std::process::Command::new(self.at(RUNTIME)).output().is_err_and(|error| busy(&error)) {
            std::thread::yield_now();
        }
    }

    fn runtime(&self, skipped: &str) {
        let script = ACTIVATE.replace("ROOT", &self.root.path().display().to_string()).replace("SKIPPED", skipped);
        self.script(&script);
    }

    fn at(&self, path: &str) -> std::path::PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    fn put(&self, path: &str, text: &str) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), text).unwrap();
    }

    fn boot_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Result<(Ready, Vec<String>), Error> {
        self.put(PLAN_PATH, &serde_json::to_string(&self.plan).unwrap());
        let mut told = Vec::new();
        let mut teller = |warning: &Warning| told.push(warning.message.clone());
        let start = Start {
            arguments: arguments.iter().map(OsString::from).collect(),
            environment: variables.iter().map(|(name, value)| (name.into(), value.into())).collect(),
            uid: 0,
            teller: &mut teller,
        };
        let ready = prepare(&Ground::new(self.root.path(), Refusing), start)?;
        // What tests have no right to mount, and what the folder is not, is told each time.
        told.retain(|told| !told.starts_with("missing here") && !told.starts_with("no volume"));
        Ok((ready, told))
    }

    fn boot(&self) -> (Ready, Vec<String>) {
        self.boot_with(&[], &[]).unwrap()
    }

    fn runs(&self, user: &str) -> usize {
        fs::read_to_string(self.at(&format!("/data/homes/{user}/runs"))).map_or(0, |text| text.lines().count())
    }
}

/// Files can be given to users by root only.
fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        crate::root::sample::skipped("only root can give homes to users");
    }
    is_root
}

#[test]
fn homes_are_made_activated_and_then_filled() {
    if !is_root() {
        return;
    }
    let image = Image::new(&[("alice", 1000), ("bob", 1001)]);
    image.put("/home/alice/.profile", "image's");
    image.put("/etc/skel/.bashrc", "skeleton's");
    image.put("/etc/skel/runs", "activation was first\n");
    let (ready, told) = image.boot();
    assert!(told.is_empty(), "{told:?}");
    let users = &ready.prepared.users;
    assert_eq!(users["alice"].generation.as_deref(), Some(generation("alice").as_str()));
    assert!(users["bob"].manifest.is_some() && users["bob"].left_out.is_none());
    let home = image.at("/data/homes/alice");
    assert_eq!((home.metadata().unwrap().uid(), home.metadata().unwrap().mode() & 0o7777), (1000, 0o700));
    assert_eq!(image.at("/home/alice").read_link().unwrap(), Path::new("/data/homes/alice"));
    assert_eq!(home.join(LIVE).read_link().unwrap(), Path::new(&generation("alice")));
    assert_eq!(home.join(".local").metadata().unwrap().uid(), 1000);
    for (name, text) in [(".profile", "image's"), (".bashrc", "skeleton's"), ("runs", "run\n")] {
        assert_eq!(fs::read_to_string(home.join(name)).unwrap(), text);
        assert_eq!(home.join(name).metadata().unwrap().uid(), 1000, "{name}");
    }
    assert_eq!(image.at("/run/user/1001").metadata().unwrap().mode() & 0o7777, 0o700);
}

#[test]
fn the_second_time_nothing_is_done_twice() {
    if !is_root() {
        return;
    }
    let image = Image::new(&[("alice", 1000)]);
    image.put("/etc/skel/.bashrc", "skeleton's");
    image.boot();
    fs::remove_file(image.at("/data/homes/alice/.bashrc")).unwrap();
    // A new container of the same image.
    fs::remove_file(image.at("/home/alice")).unwrap();
    image.put("/home/alice/.profile", "image's");
    let (_, told) = image.boot();
    assert!(told.is_empty() && image.runs("alice") == 1, "{told:?}");
    assert!(!image.at("/data/homes/alice/.bashrc").exists(), "what a user has removed does not come back");
    // The home was pointed elsewhere: whole again.
    fs::remove_file(image.at("/data/homes/alice").join(LIVE)).unwrap();
    image.boot();
    assert_eq!(image.runs("alice"), 2);
}

#[test]
fn a_home_with_files_in_the_way_is_looked_at_each_time() {
    if !is_root() {
        return;
    }
    let image = Image::new(&[("alice", 1000)]);
    image.runtime(r#"{"path":".bashrc","reason":"of the user"}"#);
    image.boot();
    let (ready, told) = image.boot();
    assert_eq!(ready.prepared.users["alice"].skipped, [".bashrc"], "{told:?}");
    assert_eq!(image.runs("alice"), 2);
}

#[test]
fn an_activation_that_fails_leaves_the_machine_useful() {
    if !is_root() {
        return;
    }
    let image = Image::new(&[("alice", 1000), ("bob", 1001)]);
    for script in ["#!/bin/sh\nexit 3\n", "#!/bin/sh\necho nonsense\n", "#!/bin/sh\nkill -9 $$\n"] {
        image.script(script);
        let (ready, told) = image.boot();
        assert!(told.len() == 2 && told[0].starts_with("alice's home was not activated"), "{told:?}");
        assert!(ready.prepared.users["alice"].left_out.is_none());
    }
}

#[test]
fn foreign_homes_are_left_out_and_the_entrypoints_user_stops_the_machine() {
    if !is_root() {
        return;
    }
    let mut image = Image::new(&[("alice", 1000), ("bob", 1001)]);
    image.boot();
    image.plan.users.get_mut("alice").unwrap().account.uid = 2000;
    let (ready, told) = image.boot();
    assert!(told.len() == 1 && told[0].contains("alice is left out"), "{told:?}");
    assert!(ready.prepared.users["alice"].left_out.as_ref().unwrap().contains("dumbc machine adopt alice"));
    assert!(ready.prepared.users["bob"].left_out.is_none());
    drop(ready);
    image.plan.entrypoint.as_mut().unwrap().account = account("alice", 2000);
    let error = image.boot_with(&[], &[]).unwrap_err();
    assert!(matches!(&error, Error::Foreground { user, .. } if user == "alice"), "{error:?}");
    assert!(image.boot_with(&["/bin/id"], &[]).is_err());
}

#[test]
fn a_home_that_is_a_link_is_not_followed() {
    if !is_root() {
        return;
    }
    let image = Image::new(&[("alice", 1000)]);
    fs::create_dir_all(image.at("/data/homes")).unwrap();
    symlink("/etc", image.at("/data/homes/alice")).unwrap();
    let (ready, _) = image.boot();
    assert!(ready.prepared.users["alice"].left_out.as_ref().unwrap().contains("is no folder"));
}

#[test]
fn removed_users_and_lost_and_found_stay() {
    if !is_root() {
        return;
    }
    let mut image = Image::new(&[("alice", 1000), ("bob", 1001)]);
    fs::create_dir_all(image.at("/data/lost+found")).unwrap();
    fs::create_dir_all(image.at("/data/homes/lost+found")).unwrap();
    image.boot();
    image.plan.users.remove("bob");
    let (_, told) = image.boot();
    assert!(told.len() == 1 && told[0].ends_with(": bob"), "{told:?}");
    assert!(image.at("/data/homes/bob/runs").exists() && image.at("/data/lost+found").exists());
}

#[test]
fn a_volume_that_can_not_be_written_still_gives_homes() {
    if !is_root() {
        return;
    }
    let image = Image::new(&[("alice", 1000), ("bob", 1001)]);
    // A file where the homes' folder would be, as on a volume of something else: nothing can be made below it.
    image.put("/data/homes", "");
    let (ready, told) = image.boot();
    assert!(told.iter().any(|told| told.contains("alice's home can't be on the volume")), "{told:?}");
    assert!(image.at("/home/alice").join(LIVE).is_symlink() && ready.prepared.users["alice"].left_out.is_none());
}

#[test]
fn arguments_choose_between_the_machine_and_a_command() {
    let image = Image::new(&[]);
    let chosen = |arguments: &[&str]| image.boot_with(arguments, &[]).unwrap().0.foreground.unwrap();
    assert!(chosen(&[]).daemons && chosen(&["/bin/true"]).daemons);
    let command = chosen(&["/bin/true", "x"]);
    assert_eq!((command.command, command.daemons), (vec!["/bin/true".to_owned(), "x".to_owned()], false));
    let mut without = Image::new(&[]);
    without.plan.entrypoint = None;
    assert!(without.boot().0.foreground.is_none());
    without.put("/etc/passwd", "root:x:0:0::/root:/bin/zsh\n");
    let ready = without.boot_with(&["id"], &[]).unwrap().0;
    assert_eq!(ready.foreground.unwrap().account.shell, "/bin/zsh");
}

#[test]
fn secrets_leave_the_environment() {
    let mut image = Image::new(&[]);
    image.plan.entrypoint.as_mut().unwrap().secrets = vec!["PASSWORD".to_owned()];
    image.plan.environment.insert("EDITOR".to_owned(), "vim".to_owned());
    let (ready, _) = image.boot_with(&[], &[("PASSWORD", "hunter2"), ("LANG", "C")]).unwrap();
    let prepared = &ready.prepared;
    assert_eq!(prepared.environment.keys().collect::<Vec<_>>(), ["EDITOR", "LANG"]);
    assert!(!format!("{ready:?}").contains("hunter2"));
}

#[test]
fn who_is_no_root_runs_a_command_only() {
    let image = Image::new(&[("alice", 1000)]);
    image.boot();
    let start = |arguments: Vec<OsString>, teller| Start { arguments, environment: vec![], uid: 1000, teller };
    let ground = Ground::new(image.root.path(), Refusing);
    let mut teller = |_: &Warning| {};
    let ready = prepare(&ground, start(vec![], &mut teller)).unwrap();
    let foreground = ready.foreground.unwrap();
    assert_eq!((foreground.account.name.as_str(), foreground.daemons), ("alice", false));
    assert!(ready.prepared.users["alice"].left_out.is_some() && ready.lock.is_none());
}

#[test]
fn plans_of_others_are_refused() {
    let mut image = Image::new(&[]);
    image.plan.version = 99;
    assert!(matches!(image.boot_with(&[], &[]), Err(Error::Plan(PlanError::Content { .. }))));
    let ground = Ground::new(image.root.path(), Refusing);
    fs::remove_file(image.at(PLAN_PATH)).unwrap();
    let teller = &mut |_: &Warning| {};
    let start = Start { arguments: vec![], environment: vec![], uid: 0, teller };
    assert!(matches!(prepare(&ground, start), Err(Error::Plan(error)) if error.is_absent()));
}

#[test]
fn every_step_is_timed() {
    let (ready, _) = Image::new(&[]).boot();
    let names: Vec<_> = ready.prepared.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["file systems", "folders", "volume", "store", "nix", "persist", "homes", "ssh key", "secrets"]);
}
