//! Users and groups that every Debian machine has, by the same numbers: the master tables of base-passwd.
//!
//! Packages' files belong to these numbers, and scripts take them for granted, so they are there with or without that
//! package. dpkg gives a file to whom the archive *names*, by the accounts of the machine; with these names alone the answer is
//! the same on all machines.

/// A line of `passwd.master`: name, number, group, words, home, shell.
pub type StaticUser = (&'static str, u32, u32, &'static str, &'static str, &'static str);

/// What accounts have that nobody logs in to.
pub const NOLOGIN: &str = "/usr/sbin/nologin";

/// The home of accounts without one; never to be made.
pub const NO_HOME: &str = "/nonexistent";

/// `/usr/share/base-passwd/passwd.master`, without root.
pub const USERS: [StaticUser; 17] = [
    ("daemon", 1, 1, "daemon", "/usr/sbin", NOLOGIN),
    ("bin", 2, 2, "bin", "/bin", NOLOGIN),
    ("sys", 3, 3, "sys", "/dev", NOLOGIN),
    ("sync", 4, 65534, "sync", "/bin", "/bin/sync"),
    ("games", 5, 60, "games", "/usr/games", NOLOGIN),
    ("man", 6, 12, "man", "/var/cache/man", NOLOGIN),
    ("lp", 7, 7, "lp", "/var/spool/lpd", NOLOGIN),
    ("mail", 8, 8, "mail", "/var/mail", NOLOGIN),
    ("news", 9, 9, "news", "/var/spool/news", NOLOGIN),
    ("uucp", 10, 10, "uucp", "/var/spool/uucp", NOLOGIN),
    ("proxy", 13, 13, "proxy", "/bin", NOLOGIN),
    ("www-data", 33, 33, "www-data", "/var/www", NOLOGIN),
    ("backup", 34, 34, "backup", "/var/backups", NOLOGIN),
    ("list", 38, 38, "Mailing List Manager", "/var/list", NOLOGIN),
    ("irc", 39, 39, "ircd", "/run/ircd", NOLOGIN),
    ("_apt", 42, 65534, "", NO_HOME, NOLOGIN),
    ("nobody", 65534, 65534, "nobody", NO_HOME, NOLOGIN),
];

/// `/usr/share/base-passwd/group.master`
pub const GROUPS: [(&str, u32); 38] = [
    ("root", 0),
    ("daemon", 1),
    ("bin", 2),
    ("sys", 3),
    ("adm", 4),
    ("tty", 5),
    ("disk", 6),
    ("lp", 7),
    ("mail", 8),
    ("news", 9),
    ("uucp", 10),
    ("man", 12),
    ("proxy", 13),
    ("kmem", 15),
    ("dialout", 20),
    ("fax", 21),
    ("voice", 22),
    ("cdrom", 24),
    ("floppy", 25),
    ("tape", 26),
    ("sudo", 27),
    ("audio", 29),
    ("dip", 30),
    ("www-data", 33),
    ("backup", 34),
    ("operator", 37),
    ("list", 38),
    ("irc", 39),
    ("src", 40),
    ("shadow", 42),
    ("utmp", 43),
    ("video", 44),
    ("sasl", 45),
    ("plugdev", 46),
    ("staff", 50),
    ("games", 60),
    ("users", 100),
    ("nogroup", 65534),
];

/// The number of a static user, root's too.
#[must_use]
pub fn uid(name: impl AsRef<[u8]>) -> Option<u32> {
    let name = name.as_ref();
    if name == b"root" {
        return Some(0);
    }
    USERS.iter().find(|user| user.0.as_bytes() == name).map(|user| user.1)
}

/// The name of a static user.
#[must_use]
pub fn user_name(uid: u32) -> Option<&'static str> {
    if uid == 0 {
        return Some("root");
    }
    USERS.iter().find(|user| user.1 == uid).map(|user| user.0)
}

/// The number of a static group.
#[must_use]
pub fn gid(name: impl AsRef<[u8]>) -> Option<u32> {
    GROUPS.iter().find(|group| group.0.as_bytes() == name.as_ref()).map(|group| group.1)
}

/// The name of a static group.
#[must_use]
pub fn group_name(gid: u32) -> Option<&'static str> {
    GROUPS.iter().find(|group| group.1 == gid).map(|group| group.0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    #[test]
    fn names_and_numbers_stand_once() {
        let once = |count: usize, all: BTreeSet<String>| assert_eq!(all.len(), count);
        once(USERS.len(), USERS.iter().map(|user| user.0.to_owned()).collect());
        once(USERS.len(), USERS.iter().map(|user| user.1.to_string()).collect());
        once(GROUPS.len(), GROUPS.iter().map(|group| group.0.to_owned()).collect());
        once(GROUPS.len(), GROUPS.iter().map(|group| group.1.to_string()).collect());
        for (name, _, gid, ..) in USERS {
            assert!(group_name(gid).is_some(), "{name}");
        }
        assert_eq!(
            (uid("www-data"), user_name(0), gid("sudo"), group_name(44)),
            (Some(33), Some("root"), Some(27), Some("video"))
        );
        assert_eq!((uid("man"), gid("man"), uid("shadow"), gid(b"")), (Some(6), Some(12), None, None));
    }

    /// Against the package's own files, on a machine of a release that has these tables.
    #[test]
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    fn the_tables_are_base_passwds() {
        let read = |name: &str| fs::read_to_string(format!("/usr/share/base-passwd/{name}"));
        let is_bookworm =
            fs::read_to_string("/etc/os-release").is_ok_and(|text| text.contains("VERSION_CODENAME=bookworm\n"));
        let (true, Ok(passwd), Ok(group)) = (is_bookworm, read("passwd.master"), read("group.master")) else {
            eprintln!("skipped: this machine is no Debian 12");
            return;
        };
        let users = USERS
            .iter()
            .map(|(name, uid, gid, words, home, shell)| format!("{name}:*:{uid}:{gid}:{words}:{home}:{shell}"));
        assert_eq!(passwd.lines().skip(1).map(ToOwned::to_owned).collect::<Vec<_>>(), users.collect::<Vec<_>>());
        let groups = GROUPS.iter().map(|(name, gid)| format!("{name}:*:{gid}:"));
        assert_eq!(group.lines().map(ToOwned::to_owned).collect::<Vec<_>>(), groups.collect::<Vec<_>>());
    }
}
