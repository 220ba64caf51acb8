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
}
