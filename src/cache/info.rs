//! `nix-cache-info`: what a cache says of itself.

use crate::nix::STORE_DIR;

/// The name of the file.
pub(super) const FILE: &str = "nix-cache-info";

/// More than any cache has to say of itself.
pub(super) const LIMIT: u64 = 64 << 10;

/// What a cache says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheInfo {
    /// Lower ones are asked first.
    pub priority: u32,
}

impl Default for CacheInfo {
    fn default() -> Self {
        Self { priority: 50 }
    }
}

/// What a cache says of itself can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseCacheInfoError {
    /// Packages for another place.
    #[error("its packages are for {found}, not for {STORE_DIR}")]
    StoreDir {
        /// As written.
        found: String,
    },
    /// The `Priority` is no number.
    #[error("its {FILE} has a Priority that is no number")]
    Priority,
    /// Not a text of `Name: value` lines: a page of a captive portal, for example.
    #[error("its {FILE} is not one")]
    Malformed,
}

impl CacheInfo {
    /// Parses the file; unknown fields are ignored.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseCacheInfoError> {
        let text = std::str::from_utf8(bytes).map_err(|_| ParseCacheInfoError::Malformed)?;
        let mut info = Self::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let (name, value) = line.split_once(':').ok_or(ParseCacheInfoError::Malformed)?;
            match (name, value.trim()) {
                ("StoreDir", STORE_DIR) => {}
                ("StoreDir", found) => {
                    let found = found.chars().take(200).flat_map(char::escape_debug).collect();
                    return Err(ParseCacheInfoError::StoreDir { found });
                }
                ("Priority", value) => info.priority = value.parse().map_err(|_| ParseCacheInfoError::Priority)?,
                _ => {}
            }
        }
        Ok(info)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_and_store_directories() {
        assert_eq!(
            CacheInfo::parse(b"StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 40\n").expect("a real one").priority,
            40
        );
        assert_eq!(CacheInfo::parse(b"").expect("says nothing").priority, 50);
        let other = CacheInfo::parse(b"StoreDir: /gnu/store\n").expect_err("another place");
        assert!(other.to_string().contains("/gnu/store"));
        assert_eq!(CacheInfo::parse(b"<html>"), Err(ParseCacheInfoError::Malformed));
        assert_eq!(CacheInfo::parse(b"Priority: high"), Err(ParseCacheInfoError::Priority));
    }
}
