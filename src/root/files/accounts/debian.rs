//! Accounts of a machine with Debian packages: the static ones, then those that packages create.

use std::collections::BTreeMap;

use crate::config::Machine;
use crate::deb::accounts;
use crate::root::debian::base::DebianBase;
use crate::root::debian::users::declared_groups;

use super::Account;

/// Everybody but declared users; `shell` is root's.
pub(super) fn users(base: &DebianBase, shell: String) -> Vec<Account> {
    let fixed = accounts::USERS.iter().map(|&(name, uid, gid, description, home, shell)| Account {
        name: name.to_owned(),
        uid,
        gid,
        description: description.to_owned(),
        home: home.to_owned(),
        shell: shell.to_owned(),
    });
    let (name, home) = ("root".to_owned(), "/root".to_owned());
    let root = Account { description: name.clone(), name, uid: 0, gid: 0, home, shell };
    std::iter::once(root).chain(fixed).chain(base.accounts.users.iter().cloned()).collect()
}

/// Names of groups by their numbers: static ones, declared ones, packages'.
pub(super) fn groups(base: &DebianBase, machine: &Machine) -> BTreeMap<u32, String> {
    let packages = base.accounts.groups.iter().map(|(name, gid)| (*gid, name.clone()));
    let declared = declared_groups(machine).map(|(name, gid)| (gid, name.clone()));
    let fixed = accounts::GROUPS.iter().map(|(name, gid)| (*gid, (*name).to_owned()));
    packages.chain(declared).chain(fixed).collect()
}
