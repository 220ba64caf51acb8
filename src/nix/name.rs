//! Names of packages, as Nix splits them.

/// Splits `git-2.39.5` where Nix does: at the first dash that no letter follows.
#[must_use]
pub fn split_version(name: &str) -> (&str, Option<&str>) {
    let bytes = name.as_bytes();
    let dash = bytes.windows(2).skip(1).position(|pair| pair[0] == b'-' && !pair[1].is_ascii_alphabetic());
    match dash.map(|dash| dash + 1) {
        Some(dash) => (&name[..dash], Some(&name[dash + 1..])),
        None => (name, None),
    }
}

/// What of a package's name outlives an update: without the version, with the output. `git-2.39.5` gives `git`, `jq-1.6-bin`
/// gives `jq-bin`, `source` stays.
///
/// As in Nix, the version begins at the first dash that no letter follows. What comes after the version's last dash is
/// an output if it is all lower-case letters.
#[must_use]
pub fn key(name: &str) -> String {
    let bytes = name.as_bytes();
    let begins = |dash: &usize| bytes.get(dash + 1).is_some_and(|next| !next.is_ascii_alphabetic());
    let Some(dash) = (1..bytes.len()).filter(|&at| bytes[at] == b'-').find(begins) else { return name.to_owned() };
    let (package, version) = (&name[..dash], &name[dash + 1..]);
    match version.rsplit_once('-') {
        Some((_, output)) if is_output(output) => format!("{package}-{output}"),
        _ => package.to_owned(),
    }
}

fn is_output(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_as_nix_splits_them() {
        assert_eq!(split_version("git-2.39.5"), ("git", Some("2.39.5")));
        assert_eq!(split_version("bash-interactive-5.3p15"), ("bash-interactive", Some("5.3p15")));
        assert_eq!(split_version("python3.11-requests-2.31.0"), ("python3.11-requests", Some("2.31.0")));
        assert_eq!(split_version("libnl-3-200-3.7.0"), ("libnl", Some("3-200-3.7.0")));
        assert_eq!(split_version("hook"), ("hook", None));
        assert_eq!(split_version("trailing-"), ("trailing-", None));
        assert_eq!(split_version("-1.0"), ("-1.0", None));
    }

    #[test]
    fn drops_the_version_and_keeps_the_output() {
        for (name, expected) in [
            ("git-2.39.5", "git"),
            ("jq-1.6-bin", "jq-bin"),
            ("gcc-12.2.0-lib", "gcc-lib"),
            ("libdb5.3-5.3.28+dfsg2", "libdb5.3"),
            ("gcc-12-base-12.2.0", "gcc"),
            ("ca-certificates-20250419-deb12u2", "ca-certificates"),
            ("bash-interactive-5.3p15", "bash-interactive"),
            ("foo-0-unstable-2024-01-01", "foo"),
            ("linux-6.1-rc1", "linux"),
            ("source", "source"),
            ("-1.0", "-1.0"),
            ("trailing-", "trailing-"),
            ("é-1", "é"),
        ] {
            assert_eq!(key(name), expected, "{name}");
        }
    }
}
