//! Numbers for what packages create.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use crate::config::{Diagnostic, Machine, RunAs};
use crate::deb::accounts;
use crate::root::debian::NewUser;
use crate::root::files::accounts::Account;

use super::conflicts::{WHEEL, against_pins, against_statics, declared_groups, group_key, user_key};
use super::{Creations, PackageAccounts};

/// Numbers that adduser gives to system accounts.
const RANGE: RangeInclusive<u32> = 100..=999;

/// Numbers that a package may insist on: up to the last that Debian's policy hands out.
const FIXED: RangeInclusive<u32> = 1..=64_999;

/// Accounts with numbers, and what the user should know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Allocation {
    /// The accounts.
    pub accounts: PackageAccounts,
    /// Wishes that could not be followed.
    pub warnings: Vec<Diagnostic>,
}

/// Gives numbers to all that `creations` wants and `machine` doesn't declare itself.
///
/// `ids` is the lock's table, by `user/NAME` and `group/NAME`: what stands there is taken, what is new is added, nothing
/// is removed. The result doesn't depend on the order in which packages came.
///
/// # Errors
/// Names and numbers that `machine` takes and that belong to Debian or, by `ids`, to somebody else; no number is left.
pub fn allocate(
    machine: &Machine,
    creations: &Creations,
    ids: &mut BTreeMap<String, u32>,
) -> Result<Allocation, Vec<Diagnostic>> {
    let mut wrong = against_statics(machine);
    wrong.extend(against_pins(machine, ids));
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut work = Work {
        machine,
        creations,
        numbers: Numbers::taken(machine, ids),
        ids: ids.clone(),
        warnings: creations.refused.clone(),
    };
    let (users, groups) = (work.wanted_users(), work.wanted_groups());
    work.fix(&users, &groups);
    for name in users.union(&groups) {
        work.give(name, users.contains(name), groups.contains(name)).map_err(|error| vec![error])?;
    }
    let accounts = work.accounts(&users, &groups);
    *ids = work.ids;
    Ok(Allocation { accounts, warnings: work.warnings })
}

/// Numbers that nobody new may have.
#[derive(Default)]
struct Numbers {
    uids: BTreeSet<u32>,
    gids: BTreeSet<u32>,
}

impl Numbers {
    fn taken(machine: &Machine, ids: &BTreeMap<String, u32>) -> Self {
        let mut numbers = Self::default();
        numbers.uids.extend(accounts::USERS.iter().map(|user| user.1).chain([0]));
        numbers.gids.extend(accounts::GROUPS.iter().map(|group| group.1));
        numbers.uids.extend(machine.users.values().map(|user| user.uid));
        numbers.gids.extend(machine.users.values().map(|user| user.gid));
        numbers.gids.extend(declared_groups(machine).map(|(_, gid)| gid));
        let owners =
            machine.files.iter().map(|file| file.owner).chain(machine.persist.paths.iter().map(|path| path.owner));
        for owner in owners {
            numbers.uids.insert(owner.uid);
            numbers.gids.insert(owner.gid);
        }
        for unit in machine.entrypoint.iter().chain(machine.daemons.values()) {
            if let RunAs::Uid(uid) = unit.user {
                numbers.uids.insert(uid);
                numbers.gids.insert(uid);
            }
        }
        for (key, number) in ids {
            let space = if key.starts_with("user/") { &mut numbers.uids } else { &mut numbers.gids };
            space.insert(*number);
        }
        numbers
    }
}

struct Work<'a> {
    machine: &'a Machine,
    creations: &'a Creations,
    numbers: Numbers,
    ids: BTreeMap<String, u32>,
    warnings: Vec<Diagnostic>,
}

impl Work<'_> {
    fn wanted_users(&self) -> BTreeSet<String> {
        let names = self.creations.users.keys();
        names.filter(|name| accounts::uid(name).is_none() && !self.machine.users.contains_key(*name)).cloned().collect()
    }

    fn wanted_groups(&self) -> BTreeSet<String> {
        let wheel = self.machine.users.values().any(|user| user.groups.iter().any(|group| group == WHEEL.0));
        let names = self.creations.groups.keys().map(String::as_str).chain(wheel.then_some(WHEEL.0));
        names.filter(|name| self.settled_gid(name).is_none()).map(ToOwned::to_owned).collect()
    }

    /// The number of a group that needs none of ours.
    fn settled_gid(&self, name: &str) -> Option<u32> {
        let declared = declared_groups(self.machine).find(|(declared, _)| *declared == name).map(|(_, gid)| gid);
        let own = || self.machine.users.get(name).map(|user| user.gid);
        accounts::gid(name).or(declared).or_else(own)
    }

    /// Numbers that packages insist on, where they are free; sorted by name, so that it is no matter who came first.
    fn fix(&mut self, users: &BTreeSet<String>, groups: &BTreeSet<String>) {
        let uid = |name: &String| Some((user_key(name), self.creations.users.get(name)?.uid?));
        let gid = |name: &String| Some((group_key(name), self.creations.groups.get(name).copied()??));
        let wishes: Vec<_> = users.iter().filter_map(uid).chain(groups.iter().filter_map(gid)).collect();
        for (key, number) in wishes {
            if self.ids.contains_key(&key) {
                continue;
            }
            let space = if key.starts_with("user/") { &mut self.numbers.uids } else { &mut self.numbers.gids };
            if FIXED.contains(&number) && space.insert(number) {
                self.ids.insert(key, number);
            } else {
                let message = format!(
                    "a package wants the number {number} for {key}, which is not to be had: it gets another one"
                );
                self.warnings.push(Diagnostic::warning(message, None));
            }
        }
    }

    /// Numbers for the user, the group, or both of this name: the same one where that is free.
    fn give(&mut self, name: &str, user: bool, group: bool) -> Result<(), Diagnostic> {
        let (user_key, group_key) = (user_key(name), group_key(name));
        let pinned = self.ids.get(&user_key).or(self.ids.get(&group_key)).copied();
        let for_user = user && !self.ids.contains_key(&user_key);
        let for_group = group && !self.ids.contains_key(&group_key);
        let free = |number: &u32| {
            !(for_user && self.numbers.uids.contains(number) || for_group && self.numbers.gids.contains(number))
        };
        let Some(number) = pinned.filter(free).or_else(|| RANGE.clone().find(free)) else {
            return Err(Diagnostic::error(format!("no number from 100 to 999 is left for `{name}`"), None));
        };
        if for_user {
            self.numbers.uids.insert(number);
            self.ids.insert(user_key, number);
        }
        if for_group {
            self.numbers.gids.insert(number);
            self.ids.insert(group_key, number);
        }
        Ok(())
    }

    fn accounts(&self, users: &BTreeSet<String>, groups: &BTreeSet<String>) -> PackageAccounts {
        let created = &self.creations.users;
        let pinned = |key: String| self.ids.get(&key).copied();
        let gid = |name: &str| self.settled_gid(name).or_else(|| pinned(group_key(name)));
        let account = |(name, user): (&String, &NewUser)| {
            let gid = gid(user.group.as_ref().unwrap_or(name))?;
            Some(account(user, pinned(user_key(name))?, gid))
        };
        let known =
            |user: &str| accounts::uid(user).is_some() || self.machine.users.contains_key(user) || users.contains(user);
        let mut members = BTreeMap::<String, BTreeSet<String>>::new();
        for (group, user) in self.creations.members.iter().filter(|(group, user)| known(user) && gid(group).is_some()) {
            members.entry(group.clone()).or_default().insert(user.clone());
        }
        let declared = created.iter().filter(|(name, _)| self.machine.users.contains_key(*name));
        PackageAccounts {
            users: created.iter().filter(|(name, _)| users.contains(*name)).filter_map(account).collect(),
            groups: groups.iter().filter_map(|name| Some((name.clone(), pinned(group_key(name))?))).collect(),
            members,
            declared: declared.map(|(name, user)| (name.clone(), said(user))).collect(),
        }
    }
}

/// Home and shell, where the package says usable ones.
fn said(user: &NewUser) -> (Option<String>, Option<String>) {
    let home = absolute(user.home.as_deref()).filter(|home| !matches!(home.as_str(), accounts::NO_HOME | "/"));
    (home, absolute(user.shell.as_deref()))
}

fn account(user: &NewUser, uid: u32, gid: u32) -> Account {
    let plain = |character: &char| !character.is_control() && !matches!(character, ':' | ',');
    Account {
        name: user.name.clone(),
        uid,
        gid,
        description: user.description.chars().filter(plain).take(200).collect(),
        home: absolute(user.home.as_deref()).unwrap_or_else(|| accounts::NO_HOME.to_owned()),
        shell: absolute(user.shell.as_deref()).unwrap_or_else(|| accounts::NOLOGIN.to_owned()),
    }
}

/// What a line of passwd can hold.
fn absolute(path: Option<&str>) -> Option<String> {
    let fits = |path: &&str| {
        path.starts_with('/') && path.len() <= 4096 && !path.contains(|c: char| c.is_control() || c == ':')
    };
    path.filter(fits).map(ToOwned::to_owned)
}
