//! Merged /usr: the folders that are links into `/usr`, and where things below them really stand.

use std::borrow::Cow;

/// Names in the root that are links, and where they lead.
pub const USR_ALIASES: [(&str, &str); 7] = [
    ("bin", "usr/bin"),
    ("lib", "usr/lib"),
    ("lib32", "usr/lib32"),
    ("lib64", "usr/lib64"),
    ("libo32", "usr/libo32"),
    ("libx32", "usr/libx32"),
    ("sbin", "usr/sbin"),
];

/// Where `path`, relative to the root, stands on a system with merged /usr: `bin/sh` at `usr/bin/sh`.
#[must_use]
pub fn canonical(path: &[u8]) -> Cow<'_, [u8]> {
    let first = path.split(|&byte| byte == b'/').next().unwrap_or_default();
    if is_usr_alias(first) { Cow::Owned([b"usr/", path].concat()) } else { Cow::Borrowed(path) }
}

/// Whether `path`, relative to the root, is itself one of those links.
#[must_use]
pub fn is_usr_alias(path: &[u8]) -> bool {
    usr_alias_target(path).is_some()
}

/// What the link at `path` says, where it is one of them: `usr/bin`.
#[must_use]
pub fn usr_alias_target(path: &[u8]) -> Option<&'static str> {
    USR_ALIASES.iter().find(|(alias, _)| alias.as_bytes() == path).map(|(_, target)| *target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_folder_counts() {
        let cases = [
            ("bin/sh", "usr/bin/sh"),
            ("lib", "usr/lib"),
            ("lib64/ld-linux-x86-64.so.2", "usr/lib64/ld-linux-x86-64.so.2"),
            ("usr/bin/sh", "usr/bin/sh"),
            ("library/x", "library/x"),
            ("etc/bin/x", "etc/bin/x"),
            ("", ""),
        ];
        for (path, expected) in cases {
            assert_eq!(canonical(path.as_bytes()), expected.as_bytes(), "{path}");
        }
        for (alias, target) in USR_ALIASES {
            assert_eq!((usr_alias_target(alias.as_bytes()), target), (Some(target), format!("usr/{alias}").as_str()));
        }
        assert!(is_usr_alias(b"sbin") && !is_usr_alias(b"bin/sh") && !is_usr_alias(b"usr"));
    }
}
