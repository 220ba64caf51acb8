use proptest::prelude::*;

use super::*;
use crate::config::{Machine, RunAs};
use crate::image::ImagePath;
use crate::root::sample;

fn user(name: &str, uid: Option<u32>, group: Option<&str>) -> Action {
    let group = group.map(ToOwned::to_owned);
    Action::User(NewUser { name: name.to_owned(), uid, group, ..NewUser::default() })
}

fn group(name: &str, gid: Option<u32>) -> Action {
    Action::Group { name: name.to_owned(), gid }
}

fn creations(actions: &[Action]) -> Creations {
    let mut creations = Creations::default();
    creations.add("any", actions);
    creations
}

fn lines(accounts: &PackageAccounts) -> Vec<String> {
    let users = accounts.users.iter().map(|user| format!("{} {}:{}", user.name, user.uid, user.gid));
    users.chain(accounts.groups.iter().map(|(name, gid)| format!("{name} :{gid}"))).collect()
}

fn given(machine: &Machine, actions: &[Action], ids: &mut BTreeMap<String, u32>) -> Vec<String> {
    lines(&allocate(machine, &creations(actions), ids).unwrap().accounts)
}

fn wrong(machine: &Machine, ids: &[(&str, u32)]) -> Vec<String> {
    let mut ids = pins(ids);
    let before = ids.clone();
    let wrong = allocate(machine, &Creations::default(), &mut ids).unwrap_err();
    assert_eq!(ids, before);
    wrong.into_iter().map(|diagnostic| diagnostic.message).collect()
}

fn pins(ids: &[(&str, u32)]) -> BTreeMap<String, u32> {
    ids.iter().map(|(key, number)| ((*key).to_owned(), *number)).collect()
}

/// A machine whose one user is in no group.
fn machine() -> Machine {
    let mut machine = sample::machine();
    machine.users.get_mut("alice").unwrap().groups.clear();
    machine
}

#[test]
fn numbers_are_the_lowest_free_by_name() {
    let mut ids = BTreeMap::new();
    let actions = [
        user("sshd", None, Some("nogroup")),
        group("_ssh", None),
        user("postgres", None, None),
        group("docker", None),
        user("messagebus", None, None),
        user("www-data", None, None),
        group("shadow", Some(42)),
    ];
    let first = given(&machine(), &actions, &mut ids);
    let expected = [
        "messagebus 103:103",
        "postgres 104:104",
        "sshd 100:65534",
        "_ssh :101",
        "docker :102",
        "messagebus :103",
        "postgres :104",
    ];
    // 100 as a group is `users`, so the first own group is 101; a user alone may have it.
    assert_eq!(first, expected);
    assert_eq!(ids["user/sshd"], 100);
    assert_eq!(ids.len(), 7);
    let mut shuffled = actions.to_vec();
    shuffled.reverse();
    assert_eq!(given(&machine(), &shuffled, &mut BTreeMap::new()), expected);
}

#[test]
fn pinned_numbers_stay_and_are_never_reused() {
    let mut ids = BTreeMap::new();
    given(&machine(), &[user("postgres", None, None)], &mut ids);
    assert_eq!(given(&machine(), &[user("a", None, None)], &mut ids), ["a 102:102", "a :102"]);
    assert_eq!(given(&machine(), &[user("postgres", None, None)], &mut ids), ["postgres 101:101", "postgres :101"]);
    assert_eq!(ids.len(), 4);
}

#[test]
fn fixed_numbers_are_followed_where_they_are_free() {
    let mut ids = BTreeMap::new();
    let actions =
        [user("a", Some(101), None), user("b", Some(101), None), user("c", Some(0), None), group("d", Some(5))];
    let allocation = allocate(&machine(), &creations(&actions), &mut ids).unwrap();
    let expected = ["a 101:101", "b 102:102", "c 103:103", "a :101", "b :102", "c :103", "d :104"];
    assert_eq!(lines(&allocation.accounts), expected);
    let warnings: Vec<_> = allocation.warnings.iter().map(|warning| warning.message.as_str()).collect();
    let other = |number: u32, key| {
        format!("a package wants the number {number} for {key}, which is not to be had: it gets another one")
    };
    assert_eq!(warnings, [other(101, "user/b"), other(0, "user/c"), other(5, "group/d")]);
    assert_eq!(allocate(&machine(), &creations(&actions), &mut ids).unwrap().warnings, []);
}

#[test]
fn what_the_machine_takes_is_skipped() {
    let mut machine = machine();
    machine.users.get_mut("alice").unwrap().uid = 101;
    machine.groups.insert("build".to_owned(), 102);
    machine.entrypoint = Some(sample::unit(&["x"], RunAs::Uid(103)));
    assert_eq!(given(&machine, &[user("a", None, None)], &mut BTreeMap::new()), ["a 104:104", "a :104"]);
}

#[test]
fn declarations_win_over_packages() {
    let mut machine = machine();
    let alice = machine.users["alice"].clone();
    machine.users.insert("postgres".to_owned(), crate::config::User { uid: 2000, gid: 2000, ..alice });
    machine.groups.insert("docker".to_owned(), 3000);
    let mut ids = pins(&[("user/postgres", 101)]);
    let home = Some("/var/lib/postgresql".to_owned());
    let shell = Some("/bin/bash".to_owned());
    let postgres = NewUser {
        home: home.clone(),
        shell: shell.clone(),
        ..NewUser { name: "postgres".to_owned(), ..NewUser::default() }
    };
    let member = Action::Membership { user: "postgres".to_owned(), group: "docker".to_owned() };
    let actions = [Action::User(postgres), group("docker", None), user("a", None, Some("docker")), member];
    let accounts = allocate(&machine, &creations(&actions), &mut ids).unwrap().accounts;
    assert_eq!(lines(&accounts), ["a 100:3000"]);
    assert_eq!(accounts.declared["postgres"], (home, shell));
    assert_eq!(accounts.members["docker"], BTreeSet::from(["postgres".to_owned()]));
    assert_eq!(ids, pins(&[("user/a", 100), ("user/postgres", 101)]));
}

#[test]
fn wheel_is_made_where_somebody_is_in_it() {
    let mut machine = sample::machine();
    machine.groups.insert("wheel".to_owned(), 1);
    let mut ids = BTreeMap::new();
    assert_eq!(given(&machine, &[], &mut ids), ["wheel :101"]);
    assert_eq!(ids, pins(&[("group/wheel", 101)]));
}

#[test]
fn what_is_debians_or_pinned_is_not_to_be_declared() {
    let mut changed = machine();
    let alice = changed.users["alice"].clone();
    changed.users.insert("games".to_owned(), alice.clone());
    changed.users.insert("web".to_owned(), crate::config::User { uid: 33, ..alice });
    changed.groups.extend([("video".to_owned(), 26), ("build".to_owned(), 50), ("users".to_owned(), 100)]);
    assert_eq!(
        wrong(&changed, &[]),
        [
            "`games` is an account of Debian's own",
            "uid 33 of `web` is that of Debian's own user `www-data`",
            "the group `build` has gid 50, which is not what Debian's own group `staff` is",
            "the group `video` has gid 26, which is not what Debian's own group `tape` is",
        ]
    );
    let mut changed = machine();
    changed.groups.insert("build".to_owned(), 102);
    assert_eq!(
        wrong(&changed, &[("user/postgres", 1000), ("group/ssl-cert", 102), ("group/old", 1000), ("user/x", 8)]),
        [
            "the group of user `alice` has the number 1000, which dumbc.lock gives to `group/old`",
            "group `build` has the number 102, which dumbc.lock gives to `group/ssl-cert`",
            "user `alice` has the number 1000, which dumbc.lock gives to `user/postgres`",
            "Debian's user `mail` has the number 8, which dumbc.lock gives to `user/x`",
        ]
    );
}

#[test]
fn hostile_accounts_are_refused_or_made_harmless() {
    let odd = NewUser {
        name: "odd".to_owned(),
        home: Some("/x:0:0".to_owned()),
        shell: Some("/bin/sh\nroot2::0:0".to_owned()),
        description: "a:b,\nc".to_owned(),
        ..NewUser::default()
    };
    let names = ["", "a:b", "a\nb", "1a", "-x", &"a".repeat(33)].map(|name| user(name, None, None));
    let own = [Action::User(odd), user("fine", None, Some("x:y"))];
    let actions: Vec<_> = names.into_iter().chain(own).collect();
    let allocation = allocate(&machine(), &creations(&actions), &mut BTreeMap::new()).unwrap();
    assert_eq!(allocation.warnings.len(), 7);
    assert_eq!(lines(&allocation.accounts), ["odd 101:101", "odd :101"]);
    let account = &allocation.accounts.users[0];
    let found = (account.home.as_str(), account.shell.as_str(), account.description.as_str());
    assert_eq!(found, ("/nonexistent", "/usr/sbin/nologin", "abc"));
}

#[test]
fn there_are_only_so_many_numbers() {
    let many: Vec<_> = (0..1000).map(|number| user(&format!("u{number}"), None, None)).collect();
    let mut ids = BTreeMap::new();
    let wrong = allocate(&machine(), &creations(&many), &mut ids).unwrap_err();
    assert_eq!(wrong[0].message, "no number from 100 to 999 is left for `u908`");
    assert!(ids.is_empty());
}

#[test]
fn what_was_left_open_is_filled_in() {
    let mut known =
        creations(&[Action::User(NewUser { name: "a".to_owned(), home: Some("/".to_owned()), ..NewUser::default() })]);
    let home = Some("/var/lib/a".to_owned());
    let shell = Some("/bin/sh".to_owned());
    let more = NewUser {
        name: "a".to_owned(),
        uid: Some(150),
        home: home.clone(),
        shell,
        description: "A".to_owned(),
        group: None,
    };
    known.add("b", &[Action::User(more.clone())]);
    assert_eq!(known.users["a"], more);
}

#[test]
fn sysusers_files_of_packages_count() {
    let merged = sample::merged(&[
        ("usr/lib/sysusers.d/a.conf", "u a - -"),
        ("usr/lib/sysusers.d/b.txt", "u b"),
        ("usr/lib/sysusers.d.x/c.conf", "u c"),
    ]);
    let facts = crate::deb::PackageFacts::default();
    let (_, listing) = sample::package("any", &[]);
    let name = "any".parse().unwrap();
    let package =
        Package { name: &name, architecture: "all", version: "1", requested: true, listing: &listing, facts: &facts };
    let read = |path: &ImagePath, _: u64, _: usize| -> io::Result<Option<Vec<u8>>> {
        assert_eq!(path.to_string(), "/usr/lib/sysusers.d/a.conf");
        Ok(Some(b"u a - -\n".to_vec()))
    };
    let mut creations = Creations::default();
    creations.add_sysusers(&[package], &merged, &read).unwrap();
    assert_eq!(creations.users.keys().collect::<Vec<_>>(), ["a"]);
}

/// What a package creates: a user with or without a group of its own, or a group; perhaps with a number.
fn any_action() -> impl Strategy<Value = Action> {
    let name = prop::sample::select(vec!["a", "b", "c", "d", "e", "f", "g", "h"]);
    let number = prop::option::weighted(0.2, prop_oneof![99u32..110, Just(0)]);
    (name, number, 0..3).prop_map(|(name, number, kind)| match kind {
        0 => user(name, number, None),
        1 => user(name, number, Some("nogroup")),
        _ => group(name, number),
    })
}

proptest! {
    #[test]
    fn nobodys_number_moves_and_none_is_given_twice(
        machines in prop::collection::vec(prop::collection::vec(any_action(), 0..12), 1..5)
    ) {
        let mut ids = BTreeMap::new();
        for actions in machines {
            let before = ids.clone();
            let first = given(&machine(), &actions, &mut ids);
            for (key, number) in &before {
                prop_assert_eq!(ids.get(key), Some(number));
            }
            for space in ["user/", "group/"] {
                let numbers: Vec<_> = ids.iter().filter(|(key, _)| key.starts_with(space)).map(|(_, number)| *number).collect();
                prop_assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len());
                let is_static = |number: &u32| match space {
                    "user/" => crate::deb::accounts::user_name(*number).is_some(),
                    _ => crate::deb::accounts::group_name(*number).is_some(),
                };
                prop_assert!(!numbers.iter().any(is_static));
            }
            prop_assert_eq!(given(&machine(), &actions, &mut ids.clone()), first);
        }
    }

    #[test]
    fn order_is_nothing(names in prop::sample::subsequence(vec!["a", "b", "c", "d", "e", "f", "g"], 0..=7).prop_shuffle()) {
        let action = |name: &&str| match *name {
            "a" | "d" => user(name, None, None),
            "b" | "f" => user(name, None, Some("nogroup")),
            "c" => user(name, None, Some("g")),
            _ => group(name, None),
        };
        let mut sorted = names.clone();
        sorted.sort_unstable();
        let given = |names: &[&str]| given(&machine(), &names.iter().map(action).collect::<Vec<_>>(), &mut BTreeMap::new());
        prop_assert_eq!(given(&names), given(&sorted));
    }
}
