//! Users and groups that every Debian system has under the same numbers: those of base-passwd.
//!
//! dpkg gives a file to whom the archive *names*, by the accounts of the machine; with these names alone the answer is the same on
//! all machines.

const USERS: [(&str, u32); 18] = [
    ("root", 0),
    ("daemon", 1),
    ("bin", 2),
    ("sys", 3),
    ("sync", 4),
    ("games", 5),
    ("man", 6),
    ("lp", 7),
    ("mail", 8),
    ("news", 9),
    ("uucp", 10),
    ("proxy", 13),
    ("www-data", 33),
    ("backup", 34),
    ("list", 38),
    ("irc", 39),
    ("_apt", 42),
    ("nobody", 65534),
];

const GROUPS: [(&str, u32); 38] = [
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

/// The number of a user of base-passwd.
#[must_use]
pub fn static_user(name: &[u8]) -> Option<u32> {
    find(&USERS, name)
}

/// The number of a group of base-passwd.
#[must_use]
pub fn static_group(name: &[u8]) -> Option<u32> {
    find(&GROUPS, name)
}

fn find(table: &[(&str, u32)], name: &[u8]) -> Option<u32> {
    table.iter().find(|(known, _)| known.as_bytes() == name).map(|(_, number)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_groups_of_one_name_may_differ() {
        assert_eq!((static_user(b"man"), static_group(b"man")), (Some(6), Some(12)));
        assert_eq!((static_user(b"games"), static_group(b"games")), (Some(5), Some(60)));
        assert_eq!((static_user(b"shadow"), static_group(b"shadow")), (None, Some(42)));
        assert_eq!((static_user(b""), static_group(b"messagebus")), (None, None));
        assert_eq!(static_group(b"users"), Some(100));
    }

    #[test]
    fn no_name_stands_twice() {
        for table in [&USERS[..], &GROUPS] {
            let names = table.iter().map(|(name, _)| name).collect::<std::collections::BTreeSet<_>>();
            assert_eq!(names.len(), table.len());
        }
    }
}
