//! `sysusers.d`: users and groups that packages declare instead of creating them in scripts.
//!
//! Lines of `type name id words home shell`; see sysusers.d(5). `r` lines (ranges) and specifiers (`%b`) mean something to
//! a booting machine alone, and are passed over.

use crate::deb::accounts;

use super::{Action, NewUser};

/// More than any package's file has.
const MOST_LINES: usize = 2000;

/// What the lines of one file ask for, in their order.
#[must_use]
pub fn parse(text: &str) -> Vec<Action> {
    text.lines().take(MOST_LINES).flat_map(line).collect()
}

fn line(line: &str) -> Vec<Action> {
    let Some(fields) = shlex::split(line.trim()) else { return Vec::new() };
    let field = |index: usize| fields.get(index).map(String::as_str).filter(|field| !matches!(*field, "" | "-"));
    let Some(name) = field(1).filter(|name| !name.contains('%')) else { return Vec::new() };
    // `u!` makes an account that can't be logged in to: no account here has a password.
    match fields.first().map(String::as_str) {
        Some("u" | "u!") => user(name, field(2), field(3), field(4), field(5)),
        Some("g") => vec![Action::Group { name: name.to_owned(), gid: field(2).and_then(|id| id.parse().ok()) }],
        Some("m") => field(2).map_or_else(Vec::new, |group| member(name, group)),
        _ => Vec::new(),
    }
}

fn user(name: &str, id: Option<&str>, words: Option<&str>, home: Option<&str>, shell: Option<&str>) -> Vec<Action> {
    let (uid, group) = match id.and_then(|id| id.split_once(':')) {
        Some((uid, group)) => (Some(uid), Some(group)),
        None => (id, None),
    };
    // A path instead of a number means its owner: in a fresh image that is what is allocated anyway.
    let uid = uid.and_then(|uid| uid.parse().ok());
    let (group, created) = match group.map(|group| (group, group.parse::<u32>())) {
        None => (None, Action::Group { name: name.to_owned(), gid: uid }),
        Some((_, Ok(gid))) => {
            let group = accounts::group_name(gid).unwrap_or(name).to_owned();
            (Some(group.clone()), Action::Group { name: group, gid: Some(gid) })
        }
        Some((group, Err(_))) => (Some(group.to_owned()), Action::Group { name: group.to_owned(), gid: None }),
    };
    let new = NewUser {
        name: name.to_owned(),
        uid,
        group,
        home: Some(home.unwrap_or("/").to_owned()),
        shell: shell.map(ToOwned::to_owned),
        description: words.unwrap_or_default().to_owned(),
    };
    vec![created, Action::User(new)]
}

/// Both are made where they are missing.
fn member(user: &str, group: &str) -> Vec<Action> {
    let new = NewUser { name: user.to_owned(), home: Some("/".to_owned()), ..NewUser::default() };
    vec![
        Action::Group { name: group.to_owned(), gid: None },
        Action::User(new),
        Action::Membership { user: user.to_owned(), group: group.to_owned() },
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn group(name: &str, gid: Option<u32>) -> Action {
        Action::Group { name: name.to_owned(), gid }
    }

    fn new(name: &str, uid: Option<u32>, group: Option<&str>, words: &str, home: &str, shell: Option<&str>) -> Action {
        let text = ToOwned::to_owned;
        Action::User(NewUser {
            name: text(name),
            uid,
            group: group.map(text),
            home: Some(text(home)),
            shell: shell.map(text),
            description: text(words),
        })
    }

    #[test]
    fn lines_as_packages_write_them() {
        let text = "# comment\n\nu messagebus - \"System Message Bus\"\nu polkitd - \"polkit\" /nonexistent\n\
                    g systemd-journal - -\nu sync 4:65534 - /bin /bin/sync\nu a 150:staff\nu! b 151 'It''s' /x /bin/sh\n\
                    u c 300:301\nm d docker\ng e 120\nu f /usr/bin/f\n";
        let expected = [
            group("messagebus", None),
            new("messagebus", None, None, "System Message Bus", "/", None),
            group("polkitd", None),
            new("polkitd", None, None, "polkit", "/nonexistent", None),
            group("systemd-journal", None),
            group("nogroup", Some(65534)),
            new("sync", Some(4), Some("nogroup"), "", "/bin", Some("/bin/sync")),
            group("staff", None),
            new("a", Some(150), Some("staff"), "", "/", None),
            group("b", Some(151)),
            new("b", Some(151), None, "Its", "/x", Some("/bin/sh")),
            group("c", Some(301)),
            new("c", Some(300), Some("c"), "", "/", None),
            group("docker", None),
            new("d", None, None, "", "/", None),
            Action::Membership { user: "d".to_owned(), group: "docker".to_owned() },
            group("e", Some(120)),
            group("f", None),
            new("f", None, None, "", "/", None),
        ];
        assert_eq!(parse(text), expected);
    }

    #[test]
    fn what_asks_for_nothing_is_passed_over() {
        for text in ["r - 500-900", "u", "u -", "u %b-x -", "m alone", "x y z", "u \"open", "g"] {
            assert_eq!(parse(text), [], "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[ugmr!\"' a-z0-9:%/\n-]{0,120}") {
            let _ = parse(&text);
        }
    }
}
