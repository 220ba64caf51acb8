//! Versions, in Debian's order.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Longer than any version of an archive.
const LONGEST: usize = 256;

/// `[epoch:]upstream[-revision]`, ordered as dpkg does it: `1.0~rc1 < 1.0 < 1.0+b1`. Equal versions may be written differently.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(debversion::Version);

/// The text is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a Debian version", .0.escape_debug())]
pub struct ParseVersionError(pub String);

impl Version {
    /// Whether the upstream version is `prefix`, or begins with it at a boundary: 3.11 stands for 3.11.2, not for 3.110.
    /// A whole version, with epoch or revision, stands for itself.
    #[must_use]
    pub fn has_prefix(&self, prefix: &str) -> bool {
        let begins = |text: &str| {
            text.strip_prefix(prefix).is_some_and(|rest| {
                let last_is_digit = prefix.ends_with(|c: char| c.is_ascii_digit());
                rest.is_empty() || !(last_is_digit && rest.starts_with(|c: char| c.is_ascii_digit()))
            })
        };
        let whole = self.to_string();
        let without_epoch = whole.split_once(':').map_or(whole.as_str(), |(_, rest)| rest);
        begins(&self.0.upstream_version) || begins(&whole) || begins(without_epoch)
    }

    /// Compares texts that may not be versions; those sort before all that are.
    #[must_use]
    pub fn compare_texts(one: &str, other: &str) -> Ordering {
        one.parse::<Self>().ok().cmp(&other.parse::<Self>().ok())
    }
}

impl FromStr for Version {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || ParseVersionError(text.chars().take(80).collect());
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".+-~:".contains(&byte);
        let epoch = text.split_once(':').map_or("0", |(epoch, _)| epoch);
        let odd = text.is_empty() || text.len() > LONGEST || !text.bytes().all(allowed);
        // The crate takes what stands before a colon and is no number for a part of the version.
        if odd || epoch.parse::<u32>().is_err() {
            return Err(refused());
        }
        text.parse().map(Self).map_err(|_| refused())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn order_is_dpkgs() {
        let sorted = [
            "0~",
            "0",
            "1.0~rc1-1",
            "1.0-1~bpo12+1",
            "1.0-1",
            "1.0-1+b1",
            "1.0-1+deb12u1",
            "1.0.1",
            "1.9",
            "1.10",
            "1:0.5",
        ];
        for pair in sorted.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{} < {}", pair[0], pair[1]);
        }
        assert_eq!(version("1.00"), version("1.0"));
    }

    #[test]
    fn prefixes_end_at_boundaries() {
        assert!(version("3.11.2-1+b1").has_prefix("3.11"));
        assert!(version("3.11.2-1+b1").has_prefix("3"));
        assert!(version("1:2.39.5-0+deb12u2").has_prefix("2.39"));
        assert!(version("1:2.39.5-0+deb12u2").has_prefix("1:2.39.5-0+deb12u2"));
        assert!(version("1:2.39.5-0+deb12u2").has_prefix("2.39.5-0+deb12u2"));
        assert!(!version("3.110.2-1").has_prefix("3.11"));
        assert!(!version("3.1").has_prefix("3.11"));
    }

    #[test]
    fn odd_texts_are_refused() {
        for text in ["", " ", "1 0", "1/0", "é", "a:1", &"1".repeat(300)] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }
}
