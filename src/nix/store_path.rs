//! Store paths: `/nix/store/<32 characters of nix32>-<name>`.

use std::fmt;
use std::str::FromStr;

use super::base32;

/// The only store directory there is for us: binaries have it compiled in.
pub const STORE_DIR: &str = "/nix/store";

/// A store path. Displays in full; orders by base name, as Nix sorts references.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StorePath {
    /// `<hash>-<name>`: the hash part has 32 bytes, then a dash.
    base_name: String,
}

impl StorePath {
    /// From the 20 bytes of the folded hash, and a name that [`valid_name`] accepts.
    pub fn from_parts(digest: [u8; 20], name: &str) -> Result<Self, ParseStorePathError> {
        Self::from_base_name(&format!("{}-{name}", base32::encode(&digest)))
    }

    /// Parses `<hash>-<name>`.
    pub fn from_base_name(base_name: &str) -> Result<Self, ParseStorePathError> {
        let refused = |reason| ParseStorePathError { text: base_name.chars().take(300).collect(), reason };
        let (hash, name) = base_name.split_once('-').ok_or_else(|| refused("has no `-` after its hash"))?;
        base32::decode::<20>(hash).ok_or_else(|| refused("does not begin with 32 characters of nix32"))?;
        if !valid_name(name) {
            return Err(refused("has a name with characters or a form that Nix does not allow"));
        }
        Ok(Self { base_name: base_name.to_owned() })
    }

    /// `<hash>-<name>`.
    #[must_use]
    pub fn base_name(&self) -> &str {
        &self.base_name
    }

    /// The 32 characters that name it in a cache.
    #[must_use]
    pub fn hash_part(&self) -> &str {
        &self.base_name[..32]
    }

    /// What follows the hash: `git-2.39.5`, `jq-1.6-bin`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.base_name[33..]
    }
}

/// Whether Nix allows `name` in a store path: 1 to 211 of `[0-9A-Za-z+._?=-]`, not `.` or `..`, not beginning `.-` or `..-`.
#[must_use]
pub fn valid_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+._?=-".contains(&byte);
    (1..=211).contains(&name.len())
        && name.bytes().all(allowed)
        && !matches!(name, "." | "..")
        && !name.starts_with(".-")
        && !name.starts_with("..-")
}

impl fmt::Display for StorePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{STORE_DIR}/{}", self.base_name)
    }
}

impl fmt::Debug for StorePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// The text is no store path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a store path: it {reason}")]
pub struct ParseStorePathError {
    /// What was to be parsed, shortened.
    pub text: String,
    /// What is wrong with it, to follow "it".
    pub reason: &'static str,
}

impl FromStr for StorePath {
    type Err = ParseStorePathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let base_name = text.strip_prefix(STORE_DIR).and_then(|rest| rest.strip_prefix('/')).ok_or_else(|| {
            ParseStorePathError { text: text.chars().take(300).collect(), reason: "does not lie in /nix/store" }
        })?;
        Self::from_base_name(base_name)
    }
}

impl serde::Serialize for StorePath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for StorePath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HELLO: &str = "/nix/store/gdh8165b7rg4y53v64chjys7mbbw89f9-hello-2.10";

    #[test]
    fn has_a_hash_and_a_name() {
        let path: StorePath = HELLO.parse().unwrap();
        assert_eq!(path.hash_part(), "gdh8165b7rg4y53v64chjys7mbbw89f9");
        assert_eq!(path.name(), "hello-2.10");
        assert_eq!(format!("/nix/store/{}", path.base_name()), HELLO);
        assert_eq!(path.to_string(), HELLO);
    }

    #[test]
    fn refuses_other_paths() {
        for text in [
            "",
            "/nix/store",
            "/nix/store/",
            "gdh8165b7rg4y53v64chjys7mbbw89f9-hello-2.10",
            "/gnu/store/gdh8165b7rg4y53v64chjys7mbbw89f9-hello-2.10",
            "/nix/store/gdh8165b7rg4y53v64chjys7mbbw89f9",
            "/nix/store/gdh8165b7rg4y53v64chjys7mbbw89f9-",
            "/nix/store/gdh8165b7rg4y53v64chjys7mbbw89f9-a/b",
            "/nix/store/gdh8165b7rg4y53v64chjys7mbbw89fe-hello",
            "/nix/store/gdh8165b7rg4y53v64chjys7mbbw89f-hello",
            "/nix/store/gdh8165b7rg4y53v64chjys7mbbw89f\u{e9}-hello",
        ] {
            assert!(text.parse::<StorePath>().is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_those_that_nix_allows() {
        for name in ["a", "libdb5.3-5.3.28+dfsg2", ".hidden", "..x", "a?=_", "-", "..."] {
            assert!(valid_name(name), "{name}");
        }
        for name in ["", ".", "..", ".-a", "..-a", "a b", "a/b", "\u{e9}", "a\0", "a~"] {
            assert!(!valid_name(name), "{name}");
        }
        assert!(valid_name(&"a".repeat(211)));
        assert!(!valid_name(&"a".repeat(212)));
    }

    proptest! {
        #[test]
        fn what_is_printed_parses(digest: [u8; 20], name in "[0-9A-Za-z+_?=][0-9A-Za-z+._?=-]{0,210}") {
            let path = StorePath::from_parts(digest, &name).unwrap();
            prop_assert_eq!(path.name(), name);
            prop_assert_eq!(base32::decode(path.hash_part()), Some(digest));
            prop_assert_eq!(path.to_string().parse::<StorePath>(), Ok(path));
        }

        #[test]
        fn no_text_brings_it_down(text in "\\PC*") {
            let _ = text.parse::<StorePath>();
            let _ = StorePath::from_base_name(&text);
        }
    }
}
