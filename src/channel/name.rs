//! Package names and attributes, taken apart as Nix takes them apart.

use std::cmp::Ordering;
use std::fmt;

use crate::nix::{self, StorePath};

/// What stays the same of a store path when its package changes: the name without version, and the output.
///
/// `…-git-2.39.5` is `git`, `…-jq-1.7.1-bin` is `jq-bin`. Not unique.
#[must_use]
pub fn package_key(path: &StorePath) -> String {
    nix::key(path.name())
}

/// Whether `version` is what `wanted` asks for: the same, or longer by whole components (`3.12` asks for `3.12.7`).
#[must_use]
pub fn version_matches(version: &str, wanted: &str) -> bool {
    version.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Which version is the newer one, by Nix's order: numbers by value, `pre` before everything, letters before numbers.
#[must_use]
pub(super) fn compare_versions(one: &str, two: &str) -> Ordering {
    let (mut one, mut two) = (components(one), components(two));
    loop {
        let (left, right) = (one.next(), two.next());
        if left.is_none() && right.is_none() {
            return Ordering::Equal;
        }
        let order = rank(left.unwrap_or_default()).cmp(&rank(right.unwrap_or_default()));
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Runs of digits and of other characters; dots and dashes only part them.
fn components(version: &str) -> impl Iterator<Item = &str> {
    version.split(['.', '-']).flat_map(|part| {
        part.as_bytes()
            .chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
            .map(str::from_utf8)
            .filter_map(Result::ok)
    })
}

/// Orders a component: `pre`, nothing, letters, numbers. A number's leading zeros don't count.
fn rank(component: &str) -> (u8, usize, &str) {
    match component {
        "pre" => (0, 0, ""),
        "" => (1, 0, ""),
        digits if digits.starts_with(|first: char| first.is_ascii_digit()) => {
            let digits = digits.trim_start_matches('0');
            (3, digits.len(), digits)
        }
        letters => (2, 0, letters),
    }
}

/// An attribute path: `python3Packages.requests`, `aspellDicts."or"`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attribute(Vec<String>);

impl Attribute {
    /// From its segments.
    #[must_use]
    pub fn from_segments(segments: Vec<String>) -> Self {
        Self(segments)
    }

    /// Splits at dots outside quotation marks. What has no closing mark is taken as it stands: it names nothing then.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (mut segments, mut segment, mut quoted) = (Vec::new(), String::new(), false);
        for character in text.chars() {
            match character {
                '"' => quoted = !quoted,
                '.' if !quoted => segments.push(std::mem::take(&mut segment)),
                other => segment.push(other),
            }
        }
        segments.push(segment);
        Self(segments)
    }

    /// Without a first or last segment that names `system`, as evaluations of flakes and of Hydra's jobs have it.
    #[must_use]
    pub fn without_system(mut self, system: &str) -> Self {
        if self.0.len() > 1 && self.0.last().is_some_and(|last| last == system) {
            self.0.pop();
        } else if self.0.len() > 1 && self.0[0] == system {
            self.0.remove(0);
        }
        self
    }

    /// Bytes that it takes in memory, about.
    pub(super) fn weight(&self) -> usize {
        self.0.iter().map(|segment| size_of::<String>() + segment.len()).sum::<usize>() + 64
    }
}

/// Segments joined by dots; quoted where a dot or another character asks for it.
impl fmt::Display for Attribute {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_'-+".contains(&byte);
        for (index, segment) in self.0.iter().enumerate() {
            formatter.write_str(if index == 0 { "" } else { "." })?;
            if !segment.is_empty() && segment.bytes().all(plain) {
                formatter.write_str(segment)?;
            } else {
                write!(formatter, "\"{segment}\"")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_order_as_nix_orders_them() {
        // From the manual of `nix-env` and of `builtins.compareVersions`.
        let ascending = [
            ("1.0", "2.3"),
            ("2.1", "2.3"),
            ("2.3pre1", "2.3"),
            ("2.3", "2.3.1"),
            ("2.3a", "2.3.1"),
            ("2.3pre3", "2.3pre12"),
            ("2.3a", "2.3c"),
            ("2.3pre1", "2.3c"),
            ("2.3pre1", "2.3q"),
            ("1.9", "1.10"),
            ("3.12", "3.120"),
        ];
        for (older, newer) in ascending {
            assert_eq!(compare_versions(older, newer), Ordering::Less, "{older} {newer}");
            assert_eq!(compare_versions(newer, older), compare_versions(older, newer).reverse());
        }
        assert_eq!(compare_versions("2.3", "2.3"), Ordering::Equal);
        assert_eq!(compare_versions("1.01", "1.1"), Ordering::Equal);
    }

    #[test]
    fn keys_keep_name_and_output() {
        let key = |name: &str| package_key(&StorePath::from_parts([7; 20], name).expect("a valid name"));
        assert_eq!(key("git-2.39.5"), "git");
        assert_eq!(key("jq-1.7.1-bin"), "jq-bin");
        assert_eq!(key("gcc-14.3.0-lib"), "gcc-lib");
        assert_eq!(key("python3.11-requests-2.31.0"), "python3.11-requests");
        assert_eq!(key("unversioned-bin"), "unversioned-bin");
    }

    #[test]
    fn versions_match_whole_components() {
        assert!(version_matches("3.12.7", "3.12"));
        assert!(version_matches("3.12", "3.12"));
        assert!(!version_matches("3.120", "3.12"));
        assert!(!version_matches("3", "3.12"));
    }

    #[test]
    fn attributes_are_read_and_printed() {
        let printed = |text: &str| Attribute::parse(text).to_string();
        assert_eq!(printed("python3Packages.requests"), "python3Packages.requests");
        assert_eq!(printed("aspellDicts.\"or\""), "aspellDicts.or");
        assert_eq!(printed("a.\"b.c\""), "a.\"b.c\"");
        assert_eq!(Attribute::parse("a.\"b.c\""), Attribute::from_segments(vec!["a".into(), "b.c".into()]));
        assert_eq!(Attribute::parse("x86_64-linux.hello").without_system("x86_64-linux").to_string(), "hello");
        assert_eq!(Attribute::parse("hello.x86_64-linux").without_system("x86_64-linux").to_string(), "hello");
    }
}
