//! Merged /usr: the folders that are links into `/usr`, and where things below them really stand.

use std::borrow::Cow;

/// Names in the root that lead to the folder of the same name in `usr`.
pub const USR_ALIASES: [&str; 7] = ["bin", "sbin", "lib", "lib32", "lib64", "libo32", "libx32"];

/// Where `path`, relative to the root, stands on a system with merged /usr: `bin/sh` at `usr/bin/sh`.
#[must_use]
pub fn canonical(path: &[u8]) -> Cow<'_, [u8]> {
    let end = path.iter().position(|&byte| byte == b'/').unwrap_or(path.len());
    if is_usr_alias(&path[..end]) { Cow::Owned([b"usr/", path].concat()) } else { Cow::Borrowed(path) }
}

/// Whether `path`, relative to the root, is itself one of those links.
#[must_use]
pub fn is_usr_alias(path: &[u8]) -> bool {
    USR_ALIASES.iter().any(|alias| alias.as_bytes() == path)
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
        assert!(is_usr_alias(b"sbin") && !is_usr_alias(b"bin/sh") && !is_usr_alias(b"usr"));
    }
}
