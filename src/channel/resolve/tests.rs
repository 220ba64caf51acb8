use super::super::lock::LockedRuntime;
use super::super::test_support::{Listener, World, key, machine, path, request};
use super::*;
use crate::failure::{Class, Classified as _};
use crate::progress::Silent;

const X86: System = System::X86_64Linux;

fn trusting(packages: &[&str]) -> Machine {
    let mut machine = machine(packages);
    machine.channels.get_mut("ours").expect("the channel").keys = vec![key().public_key().to_string()];
    machine
}

fn world() -> World {
    World::default()
        .with("glibc", "glibc-2.36", &["glibc-2.36"])
        .with("git", "git-2.39", &["glibc-2.36", "git-2.39"])
        .with("jq", "jq-1.6", &["glibc-2.36"])
        .with("cacert", "nss-cacert-3.1", &[])
}

fn extend(machine: &Machine, old: Option<&Lock>, world: &World) -> Resolution {
    resolve(machine, old, &Mode::Extend, world, &Silent).expect("a resolution")
}

fn names(lock: &Lock) -> Vec<&str> {
    let mut names: Vec<_> = lock.packages.keys().map(StorePath::name).collect();
    names.sort_unstable();
    names
}

fn keys(lock: &Lock) -> Vec<&str> {
    lock.requests.keys().map(|(_, key)| key.as_str()).collect()
}

#[test]
fn a_first_lock_holds_whole_closures_and_the_default_bundle() {
    let resolution = extend(&trusting(&["git", "./dist"]), None, &world());
    assert_eq!(keys(&resolution.lock), ["./dist", "cacert", "git"]);
    assert_eq!(names(&resolution.lock), ["git-2.39", "glibc-2.36", "nss-cacert-3.1"]);
    assert!(resolution.stale);
    assert!(resolution.lock.channels["ours"].index_hash.is_some());
    let git = &resolution.lock.requests[&(X86, "git".to_owned())];
    assert_eq!((git.name.as_str(), git.version.as_deref()), ("git", Some("2.39")));
    assert_eq!(git.outputs, [("out".to_owned(), path("git-2.39"))]);
    assert!(resolution.lock.requests[&(X86, "./dist".to_owned())].outputs.is_empty());
}

#[test]
fn what_is_locked_is_not_asked_again() {
    let (machine, world) = (trusting(&["git"]), world());
    let lock = extend(&machine, None, &world).lock;
    let quiet = World::default();
    for mode in [Mode::Locked, Mode::Extend] {
        let again = resolve(&machine, Some(&lock), &mode, &quiet, &Silent).expect("the same answers");
        assert_eq!((&again.lock, again.stale), (&lock, false));
        assert!(again.changes.is_empty());
    }
    assert_eq!(*quiet.indexes_read.borrow(), 0);
    assert!(quiet.roots_asked.borrow().is_empty());
}

#[test]
fn only_what_is_missing_is_asked_and_what_nothing_needs_is_dropped() {
    let mut world = world();
    let lock = extend(&trusting(&["git"]), None, &world).lock;
    world.forget("git");
    world.insert("git", "git-3.0", &[]);
    world.roots_asked.borrow_mut().clear();
    let more = extend(&trusting(&["git", "jq"]), Some(&lock), &world);
    assert_eq!(*world.roots_asked.borrow(), ["jq-1.6"]);
    assert_eq!(names(&more.lock), ["git-2.39", "glibc-2.36", "jq-1.6", "nss-cacert-3.1"]);
    let less = extend(&trusting(&["jq"]), Some(&more.lock), &world);
    assert_eq!(names(&less.lock), ["glibc-2.36", "jq-1.6", "nss-cacert-3.1"]);
    assert!(less.stale);
}

#[test]
fn a_locked_build_says_what_differs() {
    let world = world();
    let lock = extend(&trusting(&["git"]), None, &world).lock;
    let locked = |packages: &[&str], lock: Option<&Lock>| {
        let error = resolve(&trusting(packages), lock, &Mode::Locked, &world, &Silent).expect_err("a stale lock");
        assert_eq!(error.class(), Class::StaleLock);
        error.to_string()
    };
    assert_eq!(locked(&["git"], None), "there is no dumbc.lock, and it may not be made here");
    assert_eq!(
        locked(&["jq"], Some(&lock)),
        "dumbc.lock does not fit the files: it lacks `jq` (x86_64-linux); nothing needs `git` (x86_64-linux)"
    );
    let mut torn = lock.clone();
    torn.packages.remove(&path("glibc-2.36"));
    assert_eq!(locked(&["git"], Some(&torn)), "dumbc.lock does not fit the files: it lacks `git` (x86_64-linux)");
    let mut swollen = extend(&trusting(&["git", "jq"]), None, &world).lock;
    swollen.requests.remove(&(X86, "jq".to_owned()));
    let expected = format!("dumbc.lock does not fit the files: nothing needs `{}`", path("jq-1.6").base_name());
    assert_eq!(locked(&["git"], Some(&swollen)), expected);
}

#[test]
fn a_torn_closure_is_asked_again() {
    let world = world();
    let machine = trusting(&["git"]);
    let lock = extend(&machine, None, &world).lock;
    let mut torn = lock.clone();
    torn.packages.remove(&path("glibc-2.36"));
    assert_eq!(extend(&machine, Some(&torn), &world).lock, lock);
}

#[test]
fn an_update_moves_what_is_named() {
    let mut world = world();
    let machine = trusting(&["git", "jq"]);
    let lock = extend(&machine, None, &world).lock;
    for (attribute, name) in [("git", "git-2.40"), ("jq", "jq-1.7")] {
        world.forget(attribute);
        world.insert(attribute, name, &["glibc-2.36"]);
    }
    let update = |names: &[&str]| {
        let mode = Mode::Update(names.iter().map(|name| (*name).to_owned()).collect());
        resolve(&machine, Some(&lock), &mode, &world, &Silent)
    };
    let one = update(&["jq"]).expect("an update");
    assert_eq!(names(&one.lock), ["git-2.39", "glibc-2.36", "jq-1.7", "nss-cacert-3.1"]);
    let [change] = one.changes.requests.as_slice() else { panic!("one request changes: {:?}", one.changes) };
    assert_eq!(
        (change.name.as_str(), &change.from[..], &change.to[..]),
        ("jq", &["1.6".to_owned()][..], &["1.7".to_owned()][..])
    );
    let all = update(&[]).expect("an update");
    assert_eq!(names(&all.lock), ["git-2.40", "glibc-2.36", "jq-1.7", "nss-cacert-3.1"]);
    let unknown = update(&["gitt"]).expect_err("no such request");
    assert_eq!((unknown.class(), unknown.help()), (Class::UnknownName, Some("did you mean `git`?".to_owned())));
}

#[test]
fn a_key_that_is_gone_distrusts_at_once() {
    let world = world();
    let lock = extend(&trusting(&["git"]), None, &world).lock;
    for mode in [Mode::Locked, Mode::Extend] {
        let error = resolve(&machine(&["git"]), Some(&lock), &mode, &world, &Silent).expect_err("no key is left");
        assert_eq!(error.class(), Class::Trust);
        let Error::Untrusted { distrust, others } = &error else { panic!("not for trust: {error}") };
        assert_eq!(*others, 2);
        assert!(distrust.to_string().contains("is signed by test-1, which is no trusted key"), "{distrust}");
        let help = error.help().expect("a remedy");
        assert!(help.contains("put `test-1` back into the `keys` of [channels.ours]"), "{help}");
    }
    assert!(resolve(&machine(&[]), Some(&Lock::default()), &Mode::Extend, &World::default(), &Silent).is_ok());
}

#[test]
fn a_changed_hash_is_no_longer_signed() {
    let (machine, world) = (trusting(&["git"]), world());
    let good = extend(&machine, None, &world).lock;
    let mut lock = good.clone();
    lock.packages.get_mut(&path("git-2.39")).expect("git").nar_hash = Sha256::of(b"another");
    let error = resolve(&machine, Some(&lock), &Mode::Locked, &world, &Silent).expect_err("a forged lock");
    assert_eq!(error.class(), Class::Trust);
    let Error::Untrusted { distrust, .. } = error else { panic!("not for trust: {error}") };
    assert_eq!(
        *distrust.fault(),
        crate::nix::TrustError::BadSignature { path: path("git-2.39"), key: "test-1".into() }
    );
    let repaired = resolve(&machine, Some(&lock), &Mode::Update(Vec::new()), &world, &Silent).expect("an update");
    assert_eq!(repaired.lock, good);
}

#[test]
fn all_unknown_names_are_told_at_once() {
    let machine = trusting(&["gti", "jqq", "git@9", "git^doc", "jq"]);
    let error = resolve(&machine, None, &Mode::Extend, &world(), &Silent).expect_err("unknown names");
    assert_eq!(error.class(), Class::UnknownName);
    let Error::Names { diagnostics, .. } = error else { panic!("not for names: {error}") };
    let told: Vec<_> = diagnostics
        .iter()
        .map(|finding| format!("{} / {}", finding.message, finding.help.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(
        told,
        [
            "no version 9 of `git` in ours: there is 2.39 / ",
            "`git` in ours has no output `doc` / it has out",
            "no package `gti` in ours / did you mean `git`?",
            "no package `jqq` in ours / did you mean `jq`?",
        ]
    );
}

#[test]
fn a_bundle_is_taken_by_any_of_its_names_unless_asked_for() {
    let bundle = |world: World, packages: &[&str]| extend(&trusting(packages), None, &world).lock;
    let debian = World::default().with("ca-certificates", "ca-certificates-2025", &[]);
    assert_eq!(keys(&bundle(debian, &[])), ["ca-certificates"]);
    let asked = World::default().with("cacert", "a-1", &[]).with("ca-certificates", "b-1", &[]);
    assert_eq!(keys(&bundle(asked, &["ca-certificates^out"])), ["ca-certificates^out"]);
}

#[test]
fn a_missing_bundle_is_told_once_and_locked() {
    let (machine, world, listener) = (trusting(&["git"]), world(), Listener::default());
    let mut without = world;
    without.forget("cacert");
    let lock = resolve(&machine, None, &Mode::Extend, &without, &listener).expect("a resolution").lock;
    assert!(lock.requests[&(X86, "cacert".to_owned())].outputs.is_empty());
    let again = resolve(&machine, Some(&lock), &Mode::Locked, &World::default(), &listener).expect("a locked build");
    assert!(!again.stale);
    let told = listener.0.into_inner().expect("what was told");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("holds no certificate authorities"), "{told:?}");
    // Asked for by the files, it is a name like any other.
    let explicit = resolve(&trusting(&["git", "cacert"]), Some(&lock), &Mode::Extend, &without, &Silent);
    assert_eq!(explicit.expect_err("no such package").class(), Class::UnknownName);
}

#[test]
fn the_default_channel_is_no_part_of_a_key() {
    let machine = trusting(&["ours#git"]);
    let lock = extend(&machine, None, &world()).lock;
    assert_eq!(keys(&lock), ["cacert", "git"]);
    assert!(lock.answer(X86, &request("git"), Some("ours")).is_some());
    for name in ["git", "ours#git"] {
        assert_eq!(lock.package_path(&machine, X86, name), Some(path("git-2.39")));
    }
    assert_eq!(lock.package_path(&machine, X86, "jq"), None);
}

#[test]
fn a_locked_path_may_not_answer_for_another() {
    let asked = path("git-2.39").to_string();
    let machine = trusting(&[asked.as_str()]);
    let world = world();
    let mut lock = extend(&machine, None, &world).lock;
    lock.requests.get_mut(&(X86, asked)).expect("the request").outputs[0].1 = path("glibc-2.36");
    let error = resolve(&machine, Some(&lock), &Mode::Locked, &world, &Silent).expect_err("a forged answer");
    assert_eq!(error.class(), Class::StaleLock);
}

#[test]
fn each_system_has_answers_of_its_own() {
    let mut machine = trusting(&["git"]);
    machine.image.systems.push(System::Aarch64Linux);
    let error = resolve(&machine, None, &Mode::Extend, &world(), &Silent).expect_err("git is not there for it");
    let Error::Names { diagnostics, .. } = error else { panic!("not for names: {error}") };
    let [finding] = diagnostics.as_slice() else { panic!("one finding: {diagnostics:?}") };
    assert_eq!(finding.message, "no package `git` for aarch64-linux in ours");
    assert_eq!(finding.help.as_deref(), Some("it is there for x86_64-linux"));

    machine.packages = vec![request(&path("git-2.39").to_string())];
    let both = extend(&machine, None, &world()).lock;
    assert_eq!(both.requests.len(), 4, "a store path and a bundle for each");
    assert_eq!(both.roots(System::Aarch64Linux).len(), 1);
    machine.image.systems.remove(0);
    let one = extend(&machine, Some(&both), &world()).lock;
    assert!(one.requests.keys().all(|(system, _)| *system == System::Aarch64Linux));
    assert_eq!(names(&one), ["git-2.39", "glibc-2.36"]);
}

#[test]
fn a_runtime_is_locked_where_images_boot() {
    let (mut machine, world) = (trusting(&["git"]), world());
    machine.boot.enable = true;
    let mut lock = extend(&machine, None, &world).lock;
    let resolved = |machine: &Machine, lock: &Lock, mode| resolve(machine, Some(lock), &mode, &world, &Silent);
    assert!(resolved(&machine, &lock, Mode::Locked).expect("a runtime of who builds").lock.runtimes.is_empty());
    let nar_hash = Sha256::of(b"runtime");
    let path = path("dumbc-runtime");
    for system in System::ALL {
        lock.runtimes.insert(system, LockedRuntime { path: path.clone(), nar_hash, nar_size: 1 });
    }
    let error = resolved(&machine, &lock, Mode::Locked).expect_err("a runtime too much").to_string();
    assert!(error.ends_with("nothing needs `runtime` (aarch64-linux)"), "{error}");
    let kept = resolved(&machine, &lock, Mode::Extend).expect("a resolution").lock;
    assert_eq!(kept.runtimes.keys().copied().collect::<Vec<_>>(), [X86]);
    let resolution = resolved(&machine, &kept, Mode::Locked).expect("it fits");
    assert!(!resolution.stale);
    let update = || Mode::Update(vec![RUNTIME.to_owned()]);
    assert_eq!(resolved(&machine, &kept, update()).expect("an update of nothing else").lock, kept);
    assert!(update().moves(RUNTIME) && Mode::Update(Vec::new()).moves(RUNTIME) && !Mode::Extend.moves(RUNTIME));
    machine.boot.enable = false;
    assert!(resolved(&machine, &kept, Mode::Extend).expect("a resolution").lock.runtimes.is_empty());
    assert!(matches!(resolved(&machine, &kept, update()), Err(Error::NoSuchRequest { .. })));
}
