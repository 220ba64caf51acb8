//! Accounts that the files name and nobody declares: a Debian package brings them, or there is no such account.

use std::collections::BTreeSet;

use crate::config::{Diagnostic, FileOwner, Machine, Place, RunAs, nearest};

use super::accounts::Accounts;
use super::overlay::{Declared, agree};

/// Gives what `[files]` declares to owners who are known by name alone. What is wrong stands in the findings.
#[must_use]
pub fn resolve_owners(declared: &mut [Declared], accounts: &Accounts) -> Vec<Diagnostic> {
    if declared.iter().all(|declared| declared.owner.known().is_some()) {
        return Vec::new();
    }
    let mut wrong = Vec::new();
    for Declared { tree, owner, .. } in declared.iter_mut() {
        if let FileOwner::Named { user, group, place } = &*owner {
            match numbers(accounts, user, group.as_deref(), place.as_ref()) {
                Ok((uid, gid)) => tree.values_mut().for_each(|(metadata, _)| (metadata.uid, metadata.gid) = (uid, gid)),
                Err(error) => wrong.push(error),
            }
        }
    }
    // Folders that two entries share had agreed before they had owners.
    wrong.extend(agree(declared));
    wrong
}

fn numbers(
    accounts: &Accounts,
    user: &str,
    group: Option<&str>,
    place: Option<&Place>,
) -> Result<(u32, u32), Diagnostic> {
    let account = accounts.by_name(user).ok_or_else(|| unknown_user(accounts, user, place))?;
    let gid = match group {
        Some(group) => accounts.gid_of(group).ok_or_else(|| unknown_group(accounts, group, place))?,
        None => account.gid,
    };
    Ok((account.uid, gid))
}

/// Names of the machine that are nobody's: whom units run as, who owns what is kept, users' groups.
#[must_use]
pub fn unknown_names(machine: &Machine, accounts: &Accounts) -> Vec<Diagnostic> {
    let mut wrong = Vec::new();
    for unit in machine.entrypoint.iter().chain(machine.daemons.values()) {
        let names = match &unit.user {
            RunAs::User(name) => std::slice::from_ref(name),
            RunAs::Users(names) => names,
            RunAs::Root | RunAs::Uid(_) | RunAs::EveryUser => &[],
        };
        let unknown = names.iter().filter(|name| accounts.by_name(name).is_none());
        let place = unit.user_place.as_ref().or(unit.place.as_ref());
        wrong.extend(unknown.map(|name| unknown_user(accounts, name, place)));
    }
    for path in &machine.persist.paths {
        if let FileOwner::Named { user, group, place } = &path.owner {
            wrong.extend(numbers(accounts, user, group.as_deref(), place.as_ref()).err());
        }
    }
    for user in machine.users.values() {
        let unknown = user.groups.iter().filter(|group| accounts.gid_of(group).is_none());
        wrong.extend(unknown.map(|group| unknown_group(accounts, group, user.place.as_ref())));
    }
    wrong
}

fn unknown_user(accounts: &Accounts, name: &str, place: Option<&Place>) -> Diagnostic {
    let known = accounts.users.iter().map(|account| account.name.as_str()).collect();
    unknown(
        "user",
        name,
        known,
        format!("add the package that does, or declare it in users.toml: `[{name}]`, `uid = 1000`"),
        place,
    )
}

fn unknown_group(accounts: &Accounts, name: &str, place: Option<&Place>) -> Diagnostic {
    let known = accounts.groups.iter().map(|group| group.name.as_str()).collect();
    unknown(
        "group",
        name,
        known,
        format!("add the package that does, or declare it in system.toml: `[groups]`, `{name} = 2000`"),
        place,
    )
}

fn unknown(kind: &str, name: &str, known: BTreeSet<&str>, remedy: String, place: Option<&Place>) -> Diagnostic {
    let help = nearest(name, known).map_or(remedy, |near| format!("did you mean `{near}`?"));
    Diagnostic::error(format!("no package creates the {kind} `{name}`"), place.cloned()).help(help)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::Owner;
    use crate::image::ImagePath;
    use crate::image::tree::{Metadata, Node, Tree};
    use crate::root::files::accounts::{Account, Group};
    use crate::root::sample;

    fn accounts() -> Accounts {
        let account = |name: &str, uid, gid| Account {
            name: name.to_owned(),
            uid,
            gid,
            description: String::new(),
            home: "/".to_owned(),
            shell: "/bin/sh".to_owned(),
        };
        let group = |name: &str, gid| Group { name: name.to_owned(), gid, members: Vec::new() };
        Accounts {
            users: vec![account("root", 0, 0), account("postgres", 101, 103), account("alice", 1000, 1000)],
            groups: vec![group("root", 0), group("adm", 4), group("postgres", 103), group("alice", 1000)],
            ..Accounts::default()
        }
    }

    fn named(user: &str, group: Option<&str>) -> FileOwner {
        FileOwner::Named { user: user.to_owned(), group: group.map(ToOwned::to_owned), place: None }
    }

    fn declared(target: &str, folders: &[&str], owner: FileOwner) -> Declared {
        let path = |text: &str| ImagePath::new(text.as_bytes()).unwrap();
        let ids = owner.known().unwrap_or_default();
        let metadata = Metadata { mode: 0o755, uid: ids.uid, gid: ids.gid };
        let folders = folders.iter().map(|folder| (path(folder), (metadata, Node::Directory)));
        let file = (path(target).append(&path("file")), (metadata, Node::File(b"text".to_vec())));
        Declared { target: path(target), tree: folders.chain([file]).collect::<Tree>(), owner }
    }

    #[test]
    fn names_become_numbers_in_whole_trees() {
        let mut all = [
            declared("srv", &["srv", "srv/site"], named("postgres", None)),
            declared("srv/site", &["srv/site"], named("root", Some("adm"))),
            declared("var", &["var"], Owner { uid: 7, gid: 7 }.into()),
        ];
        assert_eq!(resolve_owners(&mut all, &accounts()), []);
        let owners: BTreeMap<String, String> = all
            .iter()
            .flat_map(|declared| &declared.tree)
            .map(|(path, (metadata, _))| (path.to_string(), format!("{}:{}", metadata.uid, metadata.gid)))
            .collect();
        let owner =
            |path: &str| owners.iter().find(|(known, _)| known.ends_with(path)).map(|(_, owner)| owner.as_str());
        assert_eq!(
            (owner("srv/file"), owner("srv/site/file"), owner("var/file")),
            (Some("101:103"), Some("0:4"), Some("7:7"))
        );
        // The entry that reaches deepest decides on a folder that both have.
        let site = ImagePath::new(b"srv/site").unwrap();
        assert!(all[..2].iter().all(|declared| declared.tree[&site].0.gid == 4));
    }

    #[test]
    fn names_of_nobody_are_told_with_those_that_are_near() {
        let mut all = [declared("a", &[], named("postgers", None)), declared("b", &[], named("alice", Some("docker")))];
        let mut machine = sample::machine();
        machine.entrypoint = Some(sample::unit(&["x"], RunAs::User("postgers".to_owned())));
        machine.daemons.insert("d".to_owned(), sample::unit(&["x"], RunAs::Users(vec!["alice".into(), "bob".into()])));
        machine.users.get_mut("alice").unwrap().groups = vec!["amd".to_owned(), "postgres".to_owned()];
        let wrong = [resolve_owners(&mut all, &accounts()), unknown_names(&machine, &accounts())].concat();
        let told: Vec<_> =
            wrong.iter().map(|error| format!("{}; {}", error.message, error.help.as_deref().unwrap())).collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        no package creates the user `postgers`; did you mean `postgres`?
        no package creates the group `docker`; add the package that does, or declare it in system.toml: `[groups]`, `docker = 2000`
        no package creates the user `postgers`; did you mean `postgres`?
        no package creates the user `bob`; add the package that does, or declare it in users.toml: `[bob]`, `uid = 1000`
        no package creates the group `amd`; did you mean `adm`?
        ");
    }
}
