//! Names of packages.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Longer names than any archive has.
const LONGEST: usize = 200;

/// A package's name: at least two of `[a-z0-9+.-]`, the first one of `[a-z0-9]`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageName(Arc<str>);

/// The text is no package's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a Debian package's name (lower-case letters, digits, `+`, `-`, `.`; at least two)", .0.escape_debug())]
pub struct ParsePackageNameError(pub String);

impl PackageName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PackageName {
    type Err = ParsePackageNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = text.as_bytes();
        let is_name = (2..=LONGEST).contains(&bytes.len())
            && plain(bytes[0])
            && bytes.iter().all(|&byte| plain(byte) || b"+.-".contains(&byte));
        if is_name { Ok(Self(text.into())) } else { Err(ParsePackageNameError(text.chars().take(80).collect())) }
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for PackageName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for name in ["libc6", "g++-12", "0ad", "libstdc++6", "x11-common", "a2"] {
            assert_eq!(name.parse::<PackageName>().map(|name| name.to_string()), Ok(name.to_owned()));
        }
        for text in ["", "a", "Git", "-a", "../x", "a/b", "a b", "a_b", "é1", &"a".repeat(201)] {
            assert!(text.parse::<PackageName>().is_err(), "{text}");
        }
    }
}
