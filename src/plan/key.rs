//! What of a store path's name outlives an update.

/// The key of a package with this name: without the version, with the output. `git-2.39.5` gives `git`, `jq-1.6-bin`
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
    use super::key;

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
