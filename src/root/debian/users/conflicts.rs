//! Names and numbers that the user's files take, and that are somebody else's.

use std::collections::BTreeMap;

use crate::config::{Diagnostic, Machine, Place};
use crate::deb::accounts;

/// The group of administrators elsewhere. Debian has none of the name, and its number here is `daemon`'s.
pub(super) const WHEEL: (&str, u32) = ("wheel", 1);

/// Groups of system.toml, but for [`WHEEL`], which configurations get by naming it.
pub(crate) fn declared_groups(machine: &Machine) -> impl Iterator<Item = (&String, u32)> {
    let groups = machine.groups.iter().map(|(name, gid)| (name, *gid));
    groups.filter(|(name, gid)| (name.as_str(), *gid) != WHEEL)
}

pub(super) fn user_key(name: &str) -> String {
    format!("user/{name}")
}

pub(super) fn group_key(name: &str) -> String {
    format!("group/{name}")
}

/// Names and numbers that belong to Debian: files of packages belong to them.
pub(super) fn against_statics(machine: &Machine) -> Vec<Diagnostic> {
    const HELP: &str = "every machine with Debian packages has it; numbers from 1000 to 29999 are free for people";
    let mut wrong = Vec::new();
    for (name, user) in &machine.users {
        if accounts::uid(name).is_some() || accounts::gid(name).is_some() {
            wrong.push(
                Diagnostic::error(format!("`{name}` is an account of Debian's own"), user.place.clone()).help(HELP),
            );
        }
        if let Some(owner) = accounts::user_name(user.uid) {
            let message = format!("uid {} of `{name}` is that of Debian's own user `{owner}`", user.uid);
            wrong.push(Diagnostic::error(message, user.place.clone()).help(HELP));
        }
    }
    for (name, gid) in declared_groups(machine) {
        let (owner, fixed) = (accounts::group_name(gid), accounts::gid(name));
        if owner != Some(name) && owner.or(fixed.map(|_| name.as_str())).is_some() {
            let whose = owner.unwrap_or(name);
            let message =
                format!("the group `{name}` has gid {gid}, which is not what Debian's own group `{whose}` is");
            wrong.push(Diagnostic::error(message, None).help(HELP));
        }
    }
    wrong
}

/// Who has a number, as [`against_pins`] looks for it.
struct Holder<'a> {
    /// In words.
    who: String,
    number: u32,
    /// The pin that is its own, and no clash.
    key: String,
    place: Option<&'a Place>,
}

/// Numbers that were given to somebody else once.
pub(super) fn against_pins(machine: &Machine, ids: &BTreeMap<String, u32>) -> Vec<Diagnostic> {
    let mut wrong = Vec::new();
    for (key, number) in ids {
        let holders = if key.starts_with("user/") { user_holders(machine) } else { group_holders(machine) };
        for holder in holders.into_iter().filter(|holder| holder.number == *number && holder.key != *key) {
            let message = format!("{} has the number {number}, which dumbc.lock gives to `{key}`", holder.who);
            let help =
                "choose another number, or, if no volume has files of it, take that line out of `[ids]` in dumbc.lock";
            wrong.push(Diagnostic::error(message, holder.place.cloned()).help(help));
        }
    }
    wrong
}

fn user_holders(machine: &Machine) -> Vec<Holder<'_>> {
    let declared = machine.users.iter().map(|(name, user)| Holder {
        who: format!("user `{name}`"),
        number: user.uid,
        key: user_key(name),
        place: user.place.as_ref(),
    });
    let fixed = accounts::USERS.iter().map(|user| (user.0, user.1)).chain([("root", 0)]);
    declared.chain(fixed.map(|(name, number)| holder("Debian's user", name, number, user_key(name)))).collect()
}

fn group_holders(machine: &Machine) -> Vec<Holder<'_>> {
    let own = machine.users.iter().map(|(name, user)| {
        let who = format!("the group of user `{name}`");
        Holder { who, number: user.gid, key: group_key(name), place: user.place.as_ref() }
    });
    let declared = declared_groups(machine).map(|(name, gid)| holder("group", name, gid, group_key(name)));
    let fixed = accounts::GROUPS.iter().map(|(name, gid)| holder("Debian's group", name, *gid, group_key(name)));
    own.chain(declared).chain(fixed).collect()
}

fn holder(what: &str, name: &str, number: u32, key: String) -> Holder<'static> {
    Holder { who: format!("{what} `{name}`"), number, key, place: None }
}
