//! `adduser`, `useradd` and their kin.

use super::super::{Action, NewUser};
use super::options::Options;
use super::run::Runner;
use super::state::Value;

/// Users of Debian's base-passwd: on every machine.
const USERS: [&str; 18] = [
    "root", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy", "www-data",
    "backup", "list", "irc", "_apt", "nobody",
];

/// Its groups.
const GROUPS: [&str; 38] = [
    "root", "daemon", "bin", "sys", "adm", "tty", "disk", "lp", "mail", "news", "uucp", "man", "proxy", "kmem",
    "dialout", "fax", "voice", "cdrom", "floppy", "tape", "sudo", "audio", "dip", "www-data", "backup", "operator",
    "list", "irc", "src", "shadow", "utmp", "video", "sasl", "plugdev", "staff", "games", "users", "nogroup",
];

/// Groups that a package makes for others, with a file of it.
const OTHERS: [(&str, &str); 1] = [("ssl-cert", "/usr/sbin/make-ssl-cert")];

const ADDUSER: [&str; 12] = [
    "--home",
    "--shell",
    "--uid",
    "--gid",
    "--ingroup",
    "--gecos",
    "--comment",
    "--conf",
    "--firstuid",
    "--lastuid",
    "--firstgid",
    "--lastgid",
];

const USERADD: [&str; 22] = [
    "-c",
    "--comment",
    "-d",
    "--home-dir",
    "--home",
    "-g",
    "--gid",
    "-G",
    "--groups",
    "-u",
    "--uid",
    "-s",
    "--shell",
    "-b",
    "--base-dir",
    "-e",
    "-f",
    "-k",
    "-K",
    "--key",
    "-p",
    "--password",
];

impl Runner<'_> {
    pub(super) fn has_user(&self, name: &str) -> bool {
        USERS.contains(&name) || self.state.users.contains(name)
    }

    pub(super) fn has_group(&self, name: &str) -> bool {
        let brings = |path: &str| self.own(path).is_none() && self.stands(path) == Some(true);
        let brought = OTHERS.iter().any(|(group, path)| *group == name && brings(path));
        GROUPS.contains(&name) || self.state.groups.contains(name) || brought
    }

    /// `adduser NAME`, `adduser USER GROUP`; `--group` without `--system` makes a group.
    pub(super) fn adduser(&mut self, arguments: &[Value]) -> Option<bool> {
        let Some(options) = Options::parse(arguments, &ADDUSER) else { return self.unknown() };
        match &options.rest()[..] {
            [user, group] => Some(self.join_group(user, group)),
            [name] if options.has(&["--group"]) && !options.has(&["--system"]) => {
                Some(self.group(name, options.value(&["--gid"])))
            }
            [name] => {
                let home = options.value(&["--home"]).map(str::to_owned);
                let group = options.value(&["--ingroup"]).or(options.value(&["--gid"]));
                let own_group = options.has(&["--group"]) || !options.has(&["--system"]);
                let user = NewUser {
                    name: (*name).to_owned(),
                    uid: options.value(&["--uid"]).and_then(|uid| uid.parse().ok()),
                    group: group.or((!own_group).then_some("nogroup")).map(str::to_owned),
                    home: home.clone(),
                    shell: options.value(&["--shell"]).map(str::to_owned),
                    description: description(options.value(&["--gecos", "--comment"])),
                };
                let home = home.filter(|_| !options.has(&["--no-create-home"]));
                Some(self.user(user, home))
            }
            _ => self.unknown(),
        }
    }

    pub(super) fn addgroup(&mut self, arguments: &[Value]) -> Option<bool> {
        let Some(options) = Options::parse(arguments, &ADDUSER) else { return self.unknown() };
        match &options.rest()[..] {
            [user, group] => Some(self.join_group(user, group)),
            [name] => Some(self.group(name, options.value(&["--gid"]))),
            _ => self.unknown(),
        }
    }

    pub(super) fn useradd(&mut self, arguments: &[Value]) -> Option<bool> {
        let Some(options) = Options::parse(arguments, &USERADD) else { return self.unknown() };
        let [name] = &options.rest()[..] else { return self.unknown() };
        let home = options.value(&["-d", "--home-dir", "--home"]).map_or(format!("/home/{name}"), str::to_owned);
        let group = options.value(&["-g", "--gid"]).or(options.has(&["-N", "--no-user-group"]).then_some("users"));
        let user = NewUser {
            name: (*name).to_owned(),
            uid: options.value(&["-u", "--uid"]).and_then(|uid| uid.parse().ok()),
            group: group.map(str::to_owned),
            home: Some(home.clone()),
            shell: Some(options.value(&["-s", "--shell"]).unwrap_or("/bin/sh").to_owned()),
            description: description(options.value(&["-c", "--comment"])),
        };
        let name = user.name.clone();
        let status = self.user(user, options.has(&["-m", "--create-home"]).then_some(home));
        for group in options.value(&["-G", "--groups"]).unwrap_or_default().split(',').filter(|group| !group.is_empty())
        {
            self.join_group(&name, group);
        }
        Some(status)
    }

    pub(super) fn groupadd(&mut self, arguments: &[Value]) -> Option<bool> {
        let Some(options) = Options::parse(arguments, &["-g", "--gid", "-K", "--key", "-p"]) else {
            return self.unknown();
        };
        match &options.rest()[..] {
            [name] => Some(self.group(name, options.value(&["-g", "--gid"]))),
            _ => self.unknown(),
        }
    }

    /// `usermod`: more groups, or another home for a user of this script's.
    pub(super) fn usermod(&mut self, arguments: &[Value]) -> Option<bool> {
        let Some(options) = Options::parse(arguments, &USERADD) else { return self.unknown() };
        let [name] = &options.rest()[..] else { return self.unknown() };
        for group in options.value(&["-G", "--groups"]).unwrap_or_default().split(',').filter(|group| !group.is_empty())
        {
            self.join_group(name, group);
        }
        let made = self.actions.iter_mut().find_map(|action| match action {
            Action::User(user) if user.name == *name => Some(user),
            _ => None,
        });
        let changes = [&["-d", "--home"][..], &["-s", "--shell"], &["-g", "--gid"], &["-c", "--comment"]];
        let [home, shell, group, comment] = changes.map(|names| options.value(names).map(str::to_owned));
        match made {
            Some(user) => {
                user.home = home.or(user.home.take());
                user.shell = shell.or(user.shell.take());
                user.group = group.or(user.group.take());
                user.description =
                    comment.map_or(std::mem::take(&mut user.description), |text| description(Some(&text)));
                Some(true)
            }
            None if [home, shell, group, comment].iter().any(Option::is_some) => self.unknown(),
            None => Some(true),
        }
    }

    pub(super) fn gpasswd(&mut self, arguments: &[Value]) -> Option<bool> {
        let Some(options) = Options::parse(arguments, &["-a", "--add"]) else { return self.unknown() };
        match (options.value(&["-a", "--add"]), &options.rest()[..]) {
            (Some(user), [group]) => {
                let user = user.to_owned();
                Some(self.join_group(&user, group))
            }
            _ => self.unknown(),
        }
    }

    fn user(&mut self, user: NewUser, home: Option<String>) -> bool {
        if self.has_user(&user.name) {
            return true;
        }
        let name = user.name.clone();
        self.state.users.insert(name.clone());
        if user.group.is_none() {
            self.state.groups.insert(name.clone());
        }
        let group = user.group.clone().unwrap_or_else(|| name.clone());
        self.emit(Action::User(user));
        if let Some(home) = home.filter(|home| home != "/nonexistent").and_then(|home| self.absolute(&home))
            && self.stands(&home) != Some(true)
        {
            self.note(&home, true);
            let path = home;
            self.emit(Action::Directory { path, user: Some(name), group: Some(group), mode: Some(0o755) });
        }
        true
    }

    fn group(&mut self, name: &str, gid: Option<&str>) -> bool {
        if !self.has_group(name) {
            self.state.groups.insert(name.to_owned());
            self.emit(Action::Group { name: name.to_owned(), gid: gid.and_then(|gid| gid.parse().ok()) });
        }
        true
    }

    fn join_group(&mut self, user: &str, group: &str) -> bool {
        if self.groups_of(user).iter().any(|of| of == group) {
            return true;
        }
        self.emit(Action::Membership { user: user.to_owned(), group: group.to_owned() });
        true
    }

    /// The groups that this script put a user into.
    fn groups_of(&self, name: &str) -> Vec<String> {
        let group = |action: &Action| match action {
            Action::User(user) if user.name == name => Some(user.group.clone().unwrap_or_else(|| name.to_owned())),
            Action::Membership { user, group } if user == name => Some(group.clone()),
            _ => None,
        };
        self.actions.iter().filter_map(group).collect()
    }

    /// `getent passwd NAME`, `getent group NAME`.
    pub(super) fn getent(&mut self, arguments: &[Value]) -> Option<bool> {
        let [database, names @ ..] = arguments else { return None };
        let has = match database.as_deref()? {
            "passwd" | "shadow" => Self::has_user,
            "group" | "gshadow" => Self::has_group,
            _ => return None,
        };
        let [name] = names else {
            self.print(&None);
            return None;
        };
        let known = name.as_deref().map(|name| has(self, name));
        if known != Some(false) {
            self.print(&None);
        }
        known
    }

    /// `id`, `id -u`, `id NAME`.
    pub(super) fn id(&mut self, arguments: &[Value]) -> Option<bool> {
        let options = Options::parse(arguments, &[])?;
        match &options.rest()[..] {
            [] => {
                let text = if options.has(&["-n"]) { "root\n" } else { "0\n" };
                self.print(&Some(text.to_owned()));
                Some(true)
            }
            [name, ..] => {
                let groups = self.groups_of(name);
                let asks_groups = options.has(&["-G"]) && options.has(&["-n"]);
                if self.has_user(name) {
                    self.print(&(asks_groups && !groups.is_empty()).then(|| groups.join(" ") + "\n"));
                }
                Some(self.has_user(name))
            }
        }
    }
}

/// The full name of a GECOS field.
fn description(gecos: Option<&str>) -> String {
    gecos
        .unwrap_or_default()
        .split(',')
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control() && *c != ':')
        .collect()
}
