//! A base's users and groups, and ours among them.

use std::collections::BTreeMap;

use crate::config::{Diagnostic, Machine};
use crate::image::ImagePath;
use crate::image::layered::{Layered, LayeredKind};

use super::super::files::accounts::{Account, Group};
use super::BaseConflict;

/// Everybody whom a base knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BaseAccounts {
    /// In the order of its passwd.
    pub users: Vec<Account>,
    /// In the order of its group.
    pub groups: Vec<Group>,
    /// Lines of its shadow by name: what else is known of users, their passwords among it.
    pub shadow: BTreeMap<String, String>,
    /// Lines of its gshadow by name.
    pub gshadow: BTreeMap<String, String>,
    /// Lines of its shells.
    pub shells: Vec<String>,
    /// Paths of login shells by their names.
    pub login_shells: BTreeMap<String, String>,
}

impl BaseAccounts {
    /// What the files of `base` say; lines that say nothing are left out.
    pub fn of(base: &Layered) -> Result<Self, BaseConflict> {
        let read = |path: &str| text(base, path);
        let shadow = |text: String| text.lines().filter_map(by_name).collect::<BTreeMap<_, _>>();
        let shells = read("etc/shells")?;
        Ok(Self {
            users: read("etc/passwd")?.lines().filter_map(account).collect(),
            groups: read("etc/group")?.lines().filter_map(group).collect(),
            shadow: shadow(read("etc/shadow")?),
            gshadow: shadow(read("etc/gshadow")?),
            shells: shells.lines().filter(|line| line.starts_with('/')).map(ToOwned::to_owned).collect(),
            login_shells: BTreeMap::new(),
        })
    }

    /// Numbers that the machine's own users and groups have, and other ones of the base, too.
    #[must_use]
    pub fn clashes(&self, machine: &Machine) -> Vec<Diagnostic> {
        let mut clashes = Vec::new();
        for (name, user) in &machine.users {
            let others = self.users.iter().filter(|other| other.uid == user.uid && other.name != *name);
            clashes.extend(others.map(|other| {
                let message = format!("user `{name}` and the base image's `{}` share uid {}", other.name, user.uid);
                Diagnostic::warning(message, user.place.clone()).help("give yours another `uid`, or the base's name")
            }));
        }
        for (name, gid) in &machine.groups {
            let others = self.groups.iter().filter(|other| other.gid == *gid && other.name != *name);
            clashes.extend(others.map(|other| {
                let message = format!("group `{name}` and the base image's `{}` share gid {gid}", other.name);
                Diagnostic::warning(message, None).help("give yours another number below `[groups]`")
            }));
        }
        clashes
    }

    /// Groups of the machine: the base's, the machine's own in place of those with their names, and a group for every user.
    #[must_use]
    pub fn groups_with(&self, machine: &Machine, users: &[Account]) -> Vec<Group> {
        let mut groups = self.groups.clone();
        for (name, gid) in &machine.groups {
            let members =
                groups.iter().find(|group| group.name == *name).map_or_else(Vec::new, |group| group.members.clone());
            groups.retain(|group| group.name != *name);
            groups.push(Group { name: name.clone(), gid: *gid, members });
        }
        for (name, user) in &machine.users {
            // A user's own group has the user's name, whoever else had it.
            if groups.iter().all(|group| group.gid != user.gid) {
                groups.retain(|group| group.name != *name);
                groups.push(Group { name: name.clone(), gid: user.gid, members: Vec::new() });
            }
        }
        for account in users {
            if groups.iter().all(|group| group.gid != account.gid) {
                let is_free = groups.iter().all(|group| group.name != account.name);
                let name = if is_free { account.name.clone() } else { format!("group{}", account.gid) };
                groups.push(Group { name, gid: account.gid, members: Vec::new() });
            }
        }
        for group in &mut groups {
            let declared = machine.users.iter().filter(|(_, user)| user.groups.contains(&group.name));
            group.members.extend(declared.map(|(name, _)| name.clone()));
            group.members.sort();
            group.members.dedup();
        }
        groups.sort_by_key(|group| group.gid);
        groups
    }
}

/// The text of a file, all links followed; empty where there is none.
fn text(base: &Layered, path: &str) -> Result<String, BaseConflict> {
    let written = ImagePath::new(path.as_bytes()).unwrap_or_default();
    let Some(entry) = base.lead(&written, true).and_then(|path| base.get(&path)) else { return Ok(String::new()) };
    match (&entry.kind, &entry.content) {
        (LayeredKind::File(_), Some(content)) => String::from_utf8(content.to_vec()).ok(),
        (LayeredKind::File(_), None) => None,
        _ => Some(String::new()),
    }
    .ok_or(BaseConflict::Accounts { path: written })
}

fn account(line: &str) -> Option<Account> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, uid, gid, description, home, shell] = fields[..] else { return None };
    let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
    let [name, description, home, shell] = [name, description, home, shell].map(ToOwned::to_owned);
    (!name.is_empty()).then_some(Account { name, uid, gid, description, home, shell })
}

fn group(line: &str) -> Option<Group> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, gid, members] = fields[..] else { return None };
    let members = members.split(',').filter(|member| !member.is_empty()).map(ToOwned::to_owned).collect();
    (!name.is_empty()).then_some(Group { name: name.to_owned(), gid: gid.parse().ok()?, members })
}

fn by_name(line: &str) -> Option<(String, String)> {
    let (name, _) = line.split_once(':')?;
    (!name.is_empty()).then(|| (name.to_owned(), line.to_owned()))
}
