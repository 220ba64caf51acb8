//! Identifiers that must be unique, made of content alone.

use crate::nix::Sha256;

/// A UUID of version 8 (RFC 9562): the beginning of a digest.
pub(super) fn uuid(content: &[u8]) -> String {
    let mut hex = Sha256::of(content).hex().into_bytes();
    // Version, and the variant's two bits; whatever else stands there is the digest's.
    for (at, digit) in [(12, b'8'), (16, b"89ab"[usize::from(hex.get(16).copied().unwrap_or_default() & 3)])] {
        if let Some(place) = hex.get_mut(at) {
            *place = digit;
        }
    }
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32];
    let parts = parts.map(|part| String::from_utf8_lossy(hex.get(part).unwrap_or_default()).into_owned());
    parts.join("-")
}

/// What SPDX allows in an identifier; everything else becomes a dash.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '-' }).collect()
}

/// [`plain`], and where that lost something, with the beginning of a digest of the whole: different texts stay different.
pub(super) fn distinct(text: &str) -> String {
    let plain = plain(text);
    if plain == text {
        return plain;
    }
    let digest = Sha256::of(text.as_bytes()).hex();
    format!("{plain}-{}", digest.get(..8).unwrap_or(&digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_its_form() {
        assert_eq!(uuid(b""), "e3b0c442-98fc-8c14-9afb-f4c8996fb924");
        assert_ne!(uuid(b"a"), uuid(b"b"));
    }

    #[test]
    fn what_differs_stays_different() {
        assert_eq!(distinct("zlib-1.2"), "zlib-1.2");
        assert_eq!(distinct("libstdc++6"), "libstdc--6-ee0af3d5");
        assert_ne!(distinct("a+b"), distinct("a_b"));
    }
}
