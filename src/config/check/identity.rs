//! Users' and groups' names and numbers.

use std::collections::BTreeMap;

use super::super::mirror::{OwnerValue, Scalar, SystemFile, UserTable, UsersFile};
use super::super::nearest::suggestion;
use super::super::source::At;
use super::super::{FileOwner, Owner};
use super::scope::Scope;
use super::syntax::is_user_name;

/// Groups that users may name without declaring them, with the numbers that they get.
const WELL_KNOWN_GROUPS: [(&str, u32); 2] = [("wheel", 1), ("users", 100)];

/// Nix's build group; its users' uids follow.
const NIXBLD: u32 = 30_000;
const NOBODY: u32 = 65_534;

/// The users with their numbers.
pub(super) fn users(scope: &Scope<'_>, file: &UsersFile) -> BTreeMap<String, Owner> {
    let mut uids: BTreeMap<u32, &At<String>> = BTreeMap::new();
    let mut by_line: Vec<_> = file.0.iter().collect();
    by_line.sort_by_key(|(name, _)| name.span().start);
    for (name, table) in &by_line {
        check_name(scope, name, "user");
        let Some(uid) = &table.uid else { continue };
        check_number(scope, uid, "uid");
        match uids.get(&**uid) {
            Some(other) => scope.error(
                uid.span(),
                format!("uid {} belongs to `{}` already", **uid, other.as_str()),
                format!("give `{name}` another number"),
            ),
            None => _ = uids.insert(**uid, name),
        }
        if let Some(gid) = &table.gid {
            check_number(scope, gid, "gid");
        }
    }
    by_line.into_iter().filter_map(|(name, table)| Some((name.to_string(), ids(table)?))).collect()
}

fn ids(table: &UserTable) -> Option<Owner> {
    let uid = **table.uid.as_ref()?;
    Some(Owner { uid, gid: table.gid.as_ref().map_or(uid, |gid| **gid) })
}

/// `[groups]`
pub(super) fn groups(scope: &Scope<'_>, system: &SystemFile) -> BTreeMap<String, u32> {
    let mut gids: BTreeMap<u32, &At<String>> = BTreeMap::new();
    let mut by_line: Vec<_> = system.groups.iter().collect();
    by_line.sort_by_key(|(name, _)| name.span().start);
    for (name, gid) in &by_line {
        check_name(scope, name, "group");
        check_number(scope, gid, "gid");
        match gids.get(&***gid) {
            Some(other) => {
                let message = format!("gid {} belongs to `{}` already", ***gid, other.as_str());
                scope.error(gid.span(), message, format!("give `{name}` another number"));
            }
            None => _ = gids.insert(***gid, name),
        }
        check_against_users(scope, name, gid);
    }
    by_line.into_iter().map(|(name, gid)| (name.to_string(), **gid)).collect()
}

/// A user's own group has the user's name and gid; a declared group must not be another one under either.
fn check_against_users(scope: &Scope<'_>, group: &At<String>, gid: &At<u32>) {
    let Some(users) = &scope.names.users else { return };
    if let Some(ids) = users.get(group.as_str()).filter(|ids| ids.gid != **gid) {
        let message = format!("`{group}` is a user, whose group has gid {}", ids.gid);
        scope.error(gid.span(), message, format!("write {}, or give the group another name", ids.gid));
    }
    let own = |(user, ids): &(&String, &Owner)| *user != group.as_str() && ids.gid == **gid && ids.uid == **gid;
    if let Some((user, _)) = users.iter().find(own) {
        let message = format!("gid {} is that of the user `{user}`", **gid);
        scope.error(gid.span(), message, format!("give `{group}` another number"));
    }
}

/// Users' groups: declared ones, well known ones, which join `groups` when somebody is in them, and those of Debian's packages.
pub(super) fn memberships(scope: &Scope<'_>, file: &UsersFile, groups: &mut BTreeMap<String, u32>) {
    let declared = groups.clone();
    for (user, table) in &file.0 {
        check_primary_group(scope, user, table, file, &declared);
        for (index, group) in table.groups.iter().enumerate() {
            if table.groups[..index].contains(group) {
                scope.warn(group.span(), format!("`{group}` is named twice"), None);
            }
            let well_known = WELL_KNOWN_GROUPS.iter().find(|(name, _)| *name == group.as_str());
            let is_user = file.0.contains_key(group);
            if declared.contains_key(group.as_str()) || is_user {
                continue;
            }
            match well_known {
                Some((name, gid)) if !declared.values().any(|taken| taken == gid) => {
                    groups.insert((*name).to_owned(), *gid);
                }
                _ if is_on_trust(scope, group) => {}
                _ => undeclared_group(scope, group, &declared),
            }
        }
    }
}

/// Two users may share a gid only where it is a declared group's.
fn check_primary_group(
    scope: &Scope<'_>,
    user: &At<String>,
    table: &UserTable,
    file: &UsersFile,
    groups: &BTreeMap<String, u32>,
) {
    let Some(gid) = &table.gid else { return };
    let shared = file.0.iter().find(|(other, table)| *other != user && ids(table).is_some_and(|ids| ids.gid == **gid));
    if let Some((other, _)) = shared
        && !groups.values().any(|declared| declared == &**gid)
    {
        let message = format!("gid {} is that of `{}` too", **gid, other.as_str());
        let help = format!("declare a group for both in system.toml: `[groups]`, `NAME = {}`", **gid);
        scope.error(gid.span(), message, help);
    }
}

fn undeclared_group(scope: &Scope<'_>, group: &At<String>, declared: &BTreeMap<String, u32>) {
    let known = declared.keys().map(String::as_str).chain(WELL_KNOWN_GROUPS.map(|(name, _)| name));
    let near = super::super::nearest(group, known).map(|near| format!("did you mean `{near}`?"));
    let help = near.unwrap_or_else(|| format!("declare it in system.toml: `[groups]`, `{group} = 2000`"));
    scope.error(group.span(), format!("no group `{group}` is declared"), help);
}

fn check_name(scope: &Scope<'_>, name: &At<String>, kind: &str) {
    if !is_user_name(name) {
        let help = "use lower case letters, digits, `_` and `-`, a letter first, 32 at most".to_owned();
        scope.error(name.span(), format!("`{}` can't be a {kind}'s name", name.as_str()), help);
    }
    let reserved = matches!(name.as_str(), "root" | "nobody" | "nogroup")
        || name.strip_prefix("nixbld").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    if reserved {
        let help = "every image has it already; choose another name".to_owned();
        scope.error(name.span(), format!("the name `{name}` is reserved"), help);
    }
}

fn check_number(scope: &Scope<'_>, number: &At<u32>, kind: &str) {
    let whose = match **number {
        0 => "root",
        NOBODY => "nobody",
        NIXBLD..=30_032 => "Nix's build users",
        u32::MAX => "nobody at all: it means \"no change\"",
        _ => return,
    };
    let help = "numbers from 1000 to 29999 are free for people".to_owned();
    scope.error(number.span(), format!("{kind} {} is reserved for {whose}", **number), help);
}

/// Whether a name that nobody declares may be that of an account which a Debian package brings. The build knows.
fn is_on_trust(scope: &Scope<'_>, name: &str) -> bool {
    scope.names.may_bring_accounts() && is_user_name(name)
}

/// A declared user; otherwise what is wrong, unless a Debian package may bring the user.
pub(super) fn user(scope: &Scope<'_>, name: &str, span: std::ops::Range<usize>) -> Option<Owner> {
    let users = scope.names.users.as_ref()?;
    let found = users.get(name).copied();
    if found.is_none() && !is_on_trust(scope, name) {
        let number = name.parse::<u32>().ok().map(|number| format!("for a number, leave out the quotes: {number}"));
        let near = suggestion(name, "user", users.keys().map(String::as_str));
        let help = number.or(near).unwrap_or_else(|| format!("declare it in users.toml: `[{name}]`, `uid = 1000`"));
        scope.error(span, format!("no user `{name}` is declared"), help);
    }
    found
}

/// `owner`: `root`, a user, `user:group`, or a number.
pub(super) fn owner(scope: &Scope<'_>, owner: Option<&At<OwnerValue>>) -> FileOwner {
    let Some(value) = owner else { return FileOwner::default() };
    match &value.0 {
        Scalar::Integer(number) => {
            let uid = u32::try_from(*number).unwrap_or_default();
            let declared = scope.names.users.iter().flat_map(BTreeMap::values).find(|ids| ids.uid == uid);
            FileOwner::Known(declared.copied().unwrap_or(Owner { uid, gid: uid }))
        }
        Scalar::Text(text) => {
            let (name, group) = match text.split_once(':') {
                Some((name, group)) => (name, Some(group)),
                None => (text.as_str(), None),
            };
            named_owner(scope, name, group, value.span())
        }
        _ => FileOwner::default(),
    }
}

/// By numbers where both names are declared.
fn named_owner(scope: &Scope<'_>, name: &str, group: Option<&str>, span: std::ops::Range<usize>) -> FileOwner {
    let root = (name == "root").then(Owner::default);
    let user = root.or_else(|| user(scope, name, span.clone()));
    let gid = match group {
        Some(group) => group_id(scope, group, span.clone()),
        None => user.map(|user| user.gid),
    };
    match (user, gid) {
        (Some(user), Some(gid)) => FileOwner::Known(Owner { uid: user.uid, gid }),
        _ if scope.names.may_bring_accounts() => FileOwner::Named {
            user: name.to_owned(),
            group: group.map(ToOwned::to_owned),
            place: Some(scope.place(span)),
        },
        _ => FileOwner::default(),
    }
}

fn group_id(scope: &Scope<'_>, group: &str, span: std::ops::Range<usize>) -> Option<u32> {
    let groups = scope.names.groups.as_ref()?;
    let users = scope.names.users.as_ref()?;
    let own = users.get(group).map(|ids| ids.gid);
    let found = groups.get(group).copied().or(own).or((group == "root").then_some(0));
    if found.is_none() && !is_on_trust(scope, group) {
        let help = suggestion(group, "group", groups.keys().map(String::as_str));
        scope.error(span, format!("no group `{group}` is declared"), help);
    }
    found
}
