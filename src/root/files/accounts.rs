//! Users and groups: passwd, shadow, group, gshadow.
//!
//! No account has a password, and none is locked: `*` refuses passwords and lets keys in.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Machine, RunAs};

use super::super::base::accounts::BaseAccounts;
use super::super::boot::runs_sshd;
use super::super::supplies::{SYSTEM_PROFILE, Supplies};

mod debian;

/// Groups that programs expect: there unless the machine declares their name or number itself. 5 is the group that
/// container runtimes give terminals to.
const GROUPS: [(&str, u32); 10] = [
    ("adm", 4),
    ("audio", 17),
    ("disk", 6),
    ("kmem", 2),
    ("nogroup", NOBODY),
    ("root", 0),
    ("tty", 5),
    ("users", 100),
    ("video", 26),
    ("wheel", 1),
];
const NOBODY: u32 = 65534;
/// What number distroless images gave the user without rights; widely copied.
const NONROOT: u32 = 65532;
const BUILDERS: u32 = 30_000;
const SSHD: &str = "sshd";
const SSHD_UID: u32 = 74;

/// A line of passwd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Login name.
    pub name: String,
    /// User ID.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
    /// Who it is, in words.
    pub description: String,
    /// Home folder, absolute.
    pub home: String,
    /// Login shell, absolute.
    pub shell: String,
}

/// A line of group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Group ID.
    pub gid: u32,
    /// Users who have it as a supplementary group, sorted.
    pub members: Vec<String>,
}

/// Everybody in the machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accounts {
    /// Sorted by number.
    pub users: Vec<Account>,
    /// Sorted by number.
    pub groups: Vec<Group>,
    /// Names of those with a home of their own below `/home`.
    pub homes: BTreeSet<String>,
    /// Lines of shadow and gshadow of those whom the base image knows, by name.
    pub secrets: [BTreeMap<String, String>; 2],
}

impl Accounts {
    /// Root, nobody, declared users, and numbers that units run as though nobody declared them. In a machine with Debian
    /// packages, Debian's own users and those of the packages, too.
    #[must_use]
    pub fn of(machine: &Machine, supplies: &Supplies) -> Self {
        let shell = |wanted: Option<&str>| login_shell(supplies, wanted);
        let mut users = match (&supplies.debian, &supplies.base) {
            (Some(base), _) => debian::users(base, shell(None)),
            (None, Some(base)) => with_base(base, shell(None)),
            (None, None) => vec![
                system("root", 0, 0, "System administrator", "/root", shell(None)),
                system("nobody", NOBODY, NOBODY, "Unprivileged account", "/var/empty", nologin()),
            ],
        };
        let mut homes = BTreeSet::new();
        let said = |name: &String| supplies.debian.as_ref().and_then(|base| base.accounts.declared.get(name));
        for (name, user) in &machine.users {
            // What the user leaves open, a package that creates the same account may say.
            let (home, own_shell) = said(name).cloned().unwrap_or_default();
            let shell = shell(user.shell.as_deref().or(own_shell.as_deref()));
            if home.is_none() {
                homes.insert(name.clone());
            }
            let home = home.unwrap_or_else(|| format!("/home/{name}"));
            // The base image's user of this name gives way.
            users.retain(|account| account.name != *name);
            users.push(system(name, user.uid, user.gid, "", &home, shell));
        }
        for uid in numbers(machine) {
            if users.iter().all(|account| account.uid != uid) {
                let name = number_name(machine, uid);
                users.push(system(&name, uid, uid, "", &format!("/home/{name}"), shell(None)));
                homes.insert(name);
            }
        }
        if machine.nix.as_ref().is_some_and(|nix| nix.daemon) {
            users.extend((1..=10).map(|number| {
                let name = format!("nixbld{number}");
                system(&name, BUILDERS + number, BUILDERS, "Nix build user", "/var/empty", nologin())
            }));
        }
        if supplies.debian.is_none() && machine.boot.enable && runs_sshd(machine) && !machine.users.contains_key(SSHD) {
            // OpenSSH's server does its dangerous part as this user. Debian's package brings it.
            let free = (SSHD_UID..BUILDERS).find(|uid| users.iter().all(|account| account.uid != *uid));
            users.extend(free.map(|uid| system(SSHD, uid, uid, "sshd", "/var/empty", nologin())));
        }
        users.sort_by_key(|account| account.uid);
        let groups = groups(machine, supplies, &users);
        let secrets = supplies.base.as_ref().map(|base| secrets(base, machine)).unwrap_or_default();
        Self { users, groups, homes, secrets }
    }

    /// The account with this number.
    #[must_use]
    pub fn by_uid(&self, uid: u32) -> Option<&Account> {
        self.users.iter().find(|account| account.uid == uid)
    }

    /// The account with this name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Account> {
        self.users.iter().find(|account| account.name == name)
    }

    /// The number of the user with this name.
    #[must_use]
    pub fn uid_of(&self, name: &str) -> Option<u32> {
        self.by_name(name).map(|account| account.uid)
    }

    /// The number of the group with this name.
    #[must_use]
    pub fn gid_of(&self, name: &str) -> Option<u32> {
        self.groups.iter().find(|group| group.name == name).map(|group| group.gid)
    }

    /// The account that a unit runs as, where it is one alone.
    #[must_use]
    pub fn of_unit(&self, user: &RunAs) -> Option<&Account> {
        match user {
            RunAs::Root => self.by_uid(0),
            RunAs::User(name) => self.by_name(name),
            RunAs::Uid(uid) => self.by_uid(*uid),
            RunAs::Users(_) | RunAs::EveryUser => None,
        }
    }

    /// `/etc/passwd`
    #[must_use]
    pub fn passwd(&self) -> String {
        let line = |Account { name, uid, gid, description, home, shell }: &Account| {
            format!("{name}:x:{uid}:{gid}:{description}:{home}:{shell}")
        };
        lines(self.users.iter().map(line))
    }

    /// `/etc/shadow`
    #[must_use]
    pub fn shadow(&self) -> String {
        let [shadow, _] = &self.secrets;
        let line = |account: &Account| {
            shadow.get(&account.name).cloned().unwrap_or_else(|| format!("{}:*:::::::", account.name))
        };
        lines(self.users.iter().map(line))
    }

    /// `/etc/group`
    #[must_use]
    pub fn group(&self) -> String {
        let line = |Group { name, gid, members }: &Group| format!("{name}:x:{gid}:{}", members.join(","));
        lines(self.groups.iter().map(line))
    }

    /// `/etc/gshadow`
    #[must_use]
    pub fn gshadow(&self) -> String {
        let [_, gshadow] = &self.secrets;
        let line = |group: &Group| {
            let own = || format!("{}:*::{}", group.name, group.members.join(","));
            gshadow.get(&group.name).cloned().unwrap_or_else(own)
        };
        lines(self.groups.iter().map(line))
    }
}

fn system(name: &str, uid: u32, gid: u32, description: &str, home: &str, shell: String) -> Account {
    let (name, description, home) = (name.to_owned(), description.to_owned(), home.to_owned());
    Account { name, uid, gid, description, home, shell }
}

fn nologin() -> String {
    "/sbin/nologin".to_owned()
}

/// A shell that is wanted by path, by name, or not at all: what stands in `/usr`, else in the system environment.
fn login_shell(supplies: &Supplies, wanted: Option<&str>) -> String {
    let has = |name: &str| supplies.login_shells.iter().any(|ours| ours == name);
    let of_base = |name: &str| supplies.base.as_ref().filter(|_| !has(name))?.login_shells.get(name).cloned();
    let of_debian = |name: &str| supplies.debian.as_ref()?.login_shells.get(name).cloned();
    let in_usr = |name: &str| of_debian(name).or_else(|| of_base(name));
    let has_bash = || in_usr("bash").is_some() || has("bash");
    let name = match wanted {
        Some(path) if path.starts_with('/') => return path.to_owned(),
        Some(name) => name,
        None if has_bash() => "bash",
        None => return "/bin/sh".to_owned(),
    };
    in_usr(name).unwrap_or_else(|| format!("{SYSTEM_PROFILE}/bin/{name}"))
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.fold(String::new(), |text, line| text + &line + "\n")
}

/// User numbers that units run as.
fn numbers(machine: &Machine) -> BTreeSet<u32> {
    let units = machine.entrypoint.iter().chain(machine.daemons.values());
    units.filter_map(|unit| if let RunAs::Uid(uid) = unit.user { Some(uid) } else { None }).collect()
}

fn number_name(machine: &Machine, uid: u32) -> String {
    let nonroot = uid == NONROOT && !machine.users.contains_key("nonroot");
    if nonroot { "nonroot".to_owned() } else { format!("user{uid}") }
}

/// Names of groups by their numbers in a machine of Nix packages alone.
fn known_groups(machine: &Machine) -> BTreeMap<u32, String> {
    let mut names: BTreeMap<u32, String> = machine.groups.iter().map(|(name, gid)| (*gid, name.clone())).collect();
    let taken: BTreeSet<&str> = machine.groups.keys().map(String::as_str).collect();
    for (name, gid) in GROUPS.iter().filter(|(name, _)| !taken.contains(name)) {
        names.entry(*gid).or_insert_with(|| (*name).to_owned());
    }
    names
}

/// The base image's users, and those without whom no machine is.
fn with_base(base: &BaseAccounts, shell: String) -> Vec<Account> {
    let mut users = base.users.clone();
    let must = [
        system("root", 0, 0, "System administrator", "/root", shell),
        system("nobody", NOBODY, NOBODY, "Unprivileged account", "/var/empty", nologin()),
    ];
    let missing = must.into_iter().filter(|account| base.users.iter().all(|known| known.name != account.name));
    users.extend(missing);
    users
}

/// What the base image's shadow and gshadow say of those whom the machine does not declare itself.
fn secrets(base: &BaseAccounts, machine: &Machine) -> [BTreeMap<String, String>; 2] {
    let without = |lines: &BTreeMap<String, String>, is_ours: &dyn Fn(&String) -> bool| -> BTreeMap<String, String> {
        lines.iter().filter(|(name, _)| !is_ours(name)).map(|(name, line)| (name.clone(), line.clone())).collect()
    };
    let in_group = |group: &String| machine.users.values().any(|user| user.groups.contains(group));
    [
        without(&base.shadow, &|name| machine.users.contains_key(name)),
        without(&base.gshadow, &|name| machine.groups.contains_key(name) || in_group(name)),
    ]
}

fn groups(machine: &Machine, supplies: &Supplies, users: &[Account]) -> Vec<Group> {
    if let Some(base) = &supplies.base {
        return base.groups_with(machine, users);
    }
    let debian = supplies.debian.as_ref();
    let mut names = debian.map_or_else(|| known_groups(machine), |base| debian::groups(base, machine));
    if users.iter().any(|account| account.gid == BUILDERS) {
        names.entry(BUILDERS).or_insert_with(|| "nixbld".to_owned());
    }
    for account in users {
        if !names.contains_key(&account.gid) {
            let free = names.values().all(|name| *name != account.name);
            let name = if free { account.name.clone() } else { format!("group{}", account.gid) };
            names.insert(account.gid, name);
        }
    }
    let members = |name: &String| -> Vec<String> {
        let declared =
            machine.users.iter().filter(|(_, user)| user.groups.contains(name)).map(|(name, _)| name.clone());
        let builders = users.iter().filter(|account| name == "nixbld" && account.gid == BUILDERS);
        let own = debian.and_then(|base| base.accounts.members.get(name)).into_iter().flatten().cloned();
        let all: BTreeSet<String> = declared.chain(own).collect();
        all.into_iter().chain(builders.map(|account| account.name.clone())).collect()
    };
    names.into_iter().map(|(gid, name)| Group { members: members(&name), name, gid }).collect()
}
