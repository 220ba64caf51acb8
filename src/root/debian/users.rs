//! Users and groups that packages create: who they are, and which numbers they have.
//!
//! Numbers are allocated as adduser does it, from 100 to 999, and pinned: whoever has one keeps it, and nobody else ever
//! gets it, so that what lies on a volume keeps its owner.

mod allocate;
mod conflicts;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::config::Diagnostic;
use crate::root::files::accounts::Account;
use crate::root::view::ReadContent;

use super::drop_ins::drop_ins;
use super::{Action, Merged, NewUser, Package, sysusers};

pub use allocate::{Allocation, allocate};
pub(crate) use conflicts::declared_groups;

/// What packages want created, of all packages together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Creations {
    users: BTreeMap<String, NewUser>,
    /// With the number that a package insists on.
    groups: BTreeMap<String, Option<u32>>,
    /// Group and user.
    members: BTreeSet<(String, String)>,
    /// Names that can't be an account's.
    refused: Vec<Diagnostic>,
}

/// Users and groups of packages, with their numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PackageAccounts {
    /// Those that users.toml doesn't declare itself, sorted by name.
    pub users: Vec<Account>,
    /// Numbers of groups that nobody declares, by name.
    pub groups: BTreeMap<String, u32>,
    /// Users with supplementary groups, by the group's name.
    pub members: BTreeMap<String, BTreeSet<String>>,
    /// What packages say of users that users.toml declares, by name: home and shell, where they say any.
    pub declared: BTreeMap<String, (Option<String>, Option<String>)>,
}

impl Creations {
    /// Takes what `package` does. What was said before stands; what it left open is filled in.
    pub fn add(&mut self, package: &str, actions: &[Action]) {
        for action in actions {
            match action {
                Action::User(user) if self.admit(package, &user.name) => self.add_user(package, user),
                Action::Group { name, gid } if self.admit(package, name) => self.add_group(name, *gid),
                Action::Membership { user, group } => _ = self.members.insert((group.clone(), user.clone())),
                _ => {}
            }
        }
    }

    /// Takes what the packages' `sysusers.d` files declare.
    pub fn add_sysusers(
        &mut self,
        packages: &[Package<'_>],
        merged: &Merged,
        read: &ReadContent<'_>,
    ) -> io::Result<()> {
        for (package, text) in drop_ins(merged, "usr/lib/sysusers.d", read)? {
            if let Some(package) = packages.get(package) {
                self.add(package.name.as_str(), &sysusers::parse(&text));
            }
        }
        Ok(())
    }

    fn add_user(&mut self, package: &str, user: &NewUser) {
        let group = user.group.as_ref().unwrap_or(&user.name);
        if self.admit(package, group) {
            self.add_group(group, None);
        }
        let known = self.users.entry(user.name.clone()).or_insert_with(|| user.clone());
        known.uid = known.uid.or(user.uid);
        known.shell = known.shell.take().or_else(|| user.shell.clone());
        // The root folder is what sysusers.d says for want of anything better.
        if known.home.as_deref().is_none_or(|home| home == "/") && user.home.is_some() {
            known.home.clone_from(&user.home);
        }
        if known.description.is_empty() {
            known.description.clone_from(&user.description);
        }
    }

    fn add_group(&mut self, name: &str, gid: Option<u32>) {
        let known = self.groups.entry(name.to_owned()).or_default();
        *known = known.or(gid);
    }

    fn admit(&mut self, package: &str, name: &str) -> bool {
        let admitted = is_account_name(name);
        if !admitted {
            let shown = name.chars().take(40).collect::<String>();
            let message = format!("{package} creates an account with the impossible name `{}`", shown.escape_debug());
            self.refused.push(Diagnostic::warning(message, None));
        }
        admitted
    }
}

/// What adduser takes with `--force-badname`, and no more than a line of passwd can hold.
fn is_account_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    first && name.len() <= 32 && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}
