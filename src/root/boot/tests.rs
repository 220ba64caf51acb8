use std::collections::BTreeMap;

use super::*;
use crate::boot::{BootPlan, PlanPath};
use crate::config::{Argument, Boot, Machine, NixSettings, Ready, RunAs, System, User};
use crate::image::tree::{Metadata, Node, Tree};
use crate::root::database::ValidPath;
use crate::root::debian::Merged;
use crate::root::files::accounts::Accounts;
use crate::root::sample;
use crate::root::supplies::Supplies;

fn path(text: &str) -> ImagePath {
    ImagePath::new(text.as_bytes()).unwrap()
}

/// A machine with two users, a daemon of each kind and Nix.
fn machine() -> Machine {
    let mut machine = sample::machine();
    machine.boot = Boot { enable: true, user_rebuild: true };
    let bob = User { uid: 1001, gid: 1001, groups: Vec::new(), ..machine.users["alice"].clone() };
    machine.users.insert("bob".to_owned(), bob);
    machine.nix = Some(NixSettings { daemon: true });
    machine.entrypoint = Some(sample::unit(&["web", "--port", "80"], RunAs::User("alice".to_owned())));
    let mut sync = sample::unit(&["sync"], RunAs::EveryUser);
    sync.after = vec!["prepare".to_owned(), "database".to_owned()];
    sync.ready = Some(Ready::Command(vec![Argument::Text(crate::config::Template::literal("probe"))]));
    let daemons = [
        ("database", sample::unit(&["/opt/database"], RunAs::Root)),
        ("prepare", sample::unit(&["prepare"], RunAs::Users(vec!["alice".to_owned(), "bob".to_owned()]))),
        ("sync", sync),
        ("late", {
            let mut late = sample::unit(&["late"], RunAs::Root);
            late.after = vec!["sync".to_owned()];
            late
        }),
    ];
    machine.daemons = daemons.into_iter().map(|(name, unit)| (name.to_owned(), unit)).collect();
    machine
}

fn plan(machine: &Machine) -> BootPlan {
    let accounts = Accounts::of(machine, &Supplies::default());
    let generations = machine.users.keys().map(|name| (name.clone(), sample::store_path(&format!("home-{name}"))));
    boot_plan(PlanInputs {
        machine,
        system: System::X86_64Linux,
        accounts: &accounts,
        variables: &BTreeMap::from([("LANG".to_owned(), "C.UTF-8".to_owned())]),
        runtime: &sample::store_path("dumbc-runtime"),
        generations: &generations.collect(),
        word: &|argument| match argument {
            Argument::Text(template) => Ok(template.render(|_| None).unwrap()),
            Argument::Local { path, .. } => Ok(path.clone()),
        },
        find: &|user, name| Some(format!("/of/{user}/{name}")),
        folders: Vec::new(),
        nix: Some("/nix/store/x-nix".to_owned()),
        releases: BTreeMap::new(),
    })
    .unwrap()
}

#[test]
fn daemons_of_several_users_wait_for_their_own() {
    let plan = plan(&machine());
    let units: Vec<_> = plan.daemons.iter().map(|unit| (unit.name.as_str(), unit.after.join(" "))).collect();
    let expected = [
        ("database", ""),
        ("late", "sync@alice sync@bob"),
        ("nix-daemon", ""),
        ("prepare@alice", ""),
        ("prepare@bob", ""),
        ("sync@alice", "prepare@alice database"),
        ("sync@bob", "prepare@bob database"),
    ];
    assert_eq!(units, expected.map(|(name, after)| (name, after.to_owned())));
}

#[test]
fn programs_are_absolute_but_for_the_entrypoint_s() {
    let plan = plan(&machine());
    let unit = |name: &str| plan.daemons.iter().find(|unit| unit.name == name).unwrap();
    assert_eq!(unit("sync@bob").command, ["/of/bob/sync"]);
    assert_eq!(unit("sync@bob").ready, Some(crate::boot::PlanReady::Command(vec!["/of/bob/probe".to_owned()])));
    assert_eq!(unit("database").command, ["/opt/database"]);
    assert_eq!(unit("nix-daemon").command, ["/nix/store/x-nix/bin/nix-daemon"]);
    let entrypoint = plan.entrypoint.unwrap();
    assert_eq!(entrypoint.command, ["web", "--port", "80"]);
    assert_eq!((entrypoint.account.uid, entrypoint.account.home.as_str()), (1000, "/home/alice"));
    assert_eq!(entrypoint.account.groups, [1], "wheel");
}

#[test]
fn a_plan_survives_its_text() {
    let plan = plan(&machine());
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<BootPlan>(&text).unwrap(), plan);
    assert!(serde_json::from_str::<BootPlan>(&text.replacen('{', "{\"more\":1,", 1)).is_err());
}

#[test]
fn channels_of_the_project_s_folder_are_not_reached_from_inside() {
    let mut machine = machine();
    let names = crate::config::Names::Index { location: "index.jsonl".to_owned(), hash: None };
    let caches = ["../cache", "/srv/cache", "https://cache.example.org"].map(str::to_owned).to_vec();
    let channel = crate::config::Channel { names, caches, keys: Vec::new(), allow_unsigned: false, place: None };
    machine.channels.insert("ours".to_owned(), channel);
    let ours = plan(&machine).channels.remove("ours").unwrap();
    assert_eq!(
        (ours.index, ours.caches),
        (None, vec!["/srv/cache".to_owned(), "https://cache.example.org".to_owned()])
    );
}

#[test]
fn only_folders_that_a_mount_hides_are_made_again() {
    let folder = |mode, uid| (Metadata { mode, uid, gid: 7 }, Node::Directory);
    let tree = Tree::from([
        (path("run"), folder(0o755, 0)),
        (path("run/sshd"), folder(0o750, 3)),
        (path("run/file"), (Metadata::root(0o644), Node::File(Vec::new()))),
        (path("srv"), folder(0o755, 0)),
        (path("tmp/x"), folder(0o1777, 0)),
    ]);
    let made = folders(&[&tree], &Merged::new());
    let place = |path: &str, mode, uid| PlanPath { path: path.to_owned(), uid, gid: 7, mode };
    assert_eq!(made, [place("/run/sshd", 0o750, 3), place("/tmp/x", 0o1777, 0)]);
}

#[test]
fn paths_are_registered_as_nix_loads_them() {
    let (one, two) = (sample::store_path("one"), sample::store_path("two"));
    let valid = ValidPath {
        path: one.clone(),
        nar_hash: crate::nix::Sha256::of(b"x"),
        nar_size: 120,
        references: vec![one.clone(), two.clone()],
        deriver: Some("nonsense".to_owned()),
        content_address: None,
        signatures: Vec::new(),
    };
    let hash = crate::nix::Sha256::of(b"x").hex();
    assert_eq!(registration(&[valid]), format!("{one}\n{hash}\n120\n\n2\n{one}\n{two}\n"));
}

#[test]
fn what_packages_bring_is_left_alone() {
    let mut machine = machine();
    machine.users.get_mut("alice").unwrap().authorized_keys = vec!["ssh-ed25519 AAAA alice".to_owned()];
    machine.daemons.insert("sshd".to_owned(), sample::unit(&["sshd", "-D"], RunAs::Root));
    let accounts = Accounts::of(&machine, &Supplies::default());
    assert_eq!(accounts.by_name("sshd").map(|account| account.uid), Some(74));
    let runtime = sample::store_path("dumbc-runtime");
    let made = |exists: &dyn Fn(&str) -> bool| {
        boot_files(&BootFiles { machine: &machine, accounts: &accounts, runtime: &runtime, exists })
    };
    let all = made(&|_| false);
    let text = |place: &str| match &all[&path(place)].1 {
        Node::File(content) | Node::Symlink(content) => String::from_utf8(content.clone()).unwrap(),
        _ => String::new(),
    };
    assert_eq!(text("usr/bin/rebuild"), format!("{runtime}/bin/rebuild"));
    assert_eq!(text("etc/profiles/per-user/alice"), "/home/alice/.local/state/dumbc/generation/path");
    assert_eq!(text("etc/ssh/authorized_keys.d/alice"), "ssh-ed25519 AAAA alice\n");
    assert!(text("etc/profile.d/dumbc.sh").contains("alice) export XDG_RUNTIME_DIR=/run/user/1000 ;;"));
    assert!(text("etc/ssh/sshd_config").contains("AuthorizedKeysFile"));
    let hers = "Match User alice\n  SetEnv \"PATH=/etc/profiles/per-user/alice/bin:/usr/local/sbin:";
    for place in ["etc/ssh/sshd_config", "etc/ssh/sshd_config.d/10-dumbc.conf"] {
        assert!(text(place).contains(hers), "{}", text(place));
        assert!(text(place).contains("\nMatch all\n  SetEnv \"PATH=/usr/local/sbin:"), "others come last");
    }
    assert!(text("etc/nix/nix.conf").contains("build-users-group = nixbld"));
    assert!(text("etc/profile.d/dumbc.sh").contains("$HOME/.nix-profile/bin"));
    let some = made(&|path| path == "etc/ssh/sshd_config");
    assert_eq!(some.len() + 1, all.len());
}
