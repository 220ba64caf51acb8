//! Versions, in Debian's order.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Longer than any version of an archive.
const LONGEST: usize = 256;

/// `[epoch:]upstream[-revision]`, ordered as dpkg does it: `1.0~rc1 < 1.0 < 1.0+b1`. Equal versions may be written differently.
#[derive(Clone)]
pub struct Version {
    epoch: Option<u32>,
    upstream: String,
    revision: Option<String>,
}

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
        begins(&self.upstream) || begins(&whole) || begins(without_epoch)
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
        let (epoch, rest) = match text.split_once(':') {
            // A number may have a sign for the library, and not for Debian.
            Some((epoch, _)) if !epoch.bytes().all(|byte| byte.is_ascii_digit()) => return Err(refused()),
            Some((epoch, rest)) => (Some(epoch.parse().map_err(|_| refused())?), rest),
            None => (None, text),
        };
        if rest.is_empty() || text.len() > LONGEST || !text.bytes().all(allowed) {
            return Err(refused());
        }
        let is_revision = |(upstream, revision): &(&str, &str)| {
            !upstream.is_empty() && !revision.is_empty() && !revision.contains(':')
        };
        let (upstream, revision) = match rest.rsplit_once('-').filter(is_revision) {
            Some((upstream, revision)) => (upstream, Some(revision.to_owned())),
            None => (rest, None),
        };
        Ok(Self { epoch, upstream: upstream.to_owned(), revision })
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let revision = |version: &Self| version.revision.clone().unwrap_or_default();
        let epochs = self.epoch.unwrap_or(0).cmp(&other.epoch.unwrap_or(0));
        epochs
            .then_with(|| compare(&self.upstream, &other.upstream))
            .then_with(|| compare(&revision(self), &revision(other)))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

/// Compares one part, as deb-version(7) tells it: by turns what is no digit, character by character, and a number.
fn compare(mut one: &str, mut other: &str) -> Ordering {
    while !(one.is_empty() && other.is_empty()) {
        let order = compare_text(text(&mut one), text(&mut other))
            .then_with(|| compare_numbers(digits(&mut one), digits(&mut other)));
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

/// Takes what comes before the first digit.
fn text<'a>(rest: &mut &'a str) -> &'a str {
    take(rest, |c| !c.is_ascii_digit())
}

/// Takes the digits at the front.
fn digits<'a>(rest: &mut &'a str) -> &'a str {
    take(rest, |c| c.is_ascii_digit())
}

fn take<'a>(rest: &mut &'a str, is_taken: impl Fn(char) -> bool) -> &'a str {
    let (taken, left) = rest.split_at(rest.find(|c| !is_taken(c)).unwrap_or(rest.len()));
    *rest = left;
    taken
}

/// `~` comes before the end, that before letters, those before all else.
fn compare_text(one: &str, other: &str) -> Ordering {
    let rank = |byte: u8| match byte {
        b'~' => (0, 0),
        letter if letter.is_ascii_alphabetic() => (2, letter),
        sign => (3, sign),
    };
    let ranks = |text: &str| text.bytes().map(rank).chain([(1, 0)]).collect::<Vec<_>>();
    ranks(one).cmp(&ranks(other))
}

/// By value, however long.
fn compare_numbers(one: &str, other: &str) -> Ordering {
    let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(epoch) = self.epoch {
            write!(formatter, "{epoch}:")?;
        }
        formatter.write_str(&self.upstream)?;
        self.revision.iter().try_for_each(|revision| write!(formatter, "-{revision}"))
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        for text in ["", " ", "1 0", "1/0", "é", "a:1", "+0:1", &"1".repeat(300)] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn order_and_text_are_those_of_another_implementation(
            one in "([0-2]:)?[0-2aB+~.:-]{1,8}",
            other in "([0-2]:)?[0-2aB+~.:-]{1,8}",
        ) {
            let read = |text: &str| Some((text.parse::<Version>().ok()?, text.parse::<debversion::Version>().ok()?));
            if let (Some(one), Some(other)) = (read(&one), read(&other)) {
                prop_assert_eq!(one.0.to_string(), one.1.to_string());
                prop_assert_eq!(one.0.cmp(&other.0), one.1.cmp(&other.1));
            }
        }
    }
}
