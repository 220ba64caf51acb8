//! Java's trust store: a JKS file, as Debian's `ca-certificates-java` makes it.
//!
//! Numbers are big-endian. A digest at the end, over the password and everything before it, shows damage, not attackers.

use std::collections::BTreeMap;

use sha1::{Digest as _, Sha1};

const MAGIC: u32 = 0xfeed_feed;
const VERSION: u32 = 2;
/// An entry that is a certificate, without a key.
const TRUSTED: u32 = 2;
/// What everybody's trust store has.
const PASSWORD: &str = "changeit";
const SALT: &[u8] = b"Mighty Aphrodite";
/// When each entry was made: a second after 1970 began, as all files of an image.
const MADE: u64 = 1000;

/// The store of `certificates` (DER) by their aliases, in byte order of these, which must be in small letters. Certificates
/// whose alias has more than 65535 bytes are left out.
pub(super) fn store(certificates: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut entries = Vec::new();
    let mut count: u32 = 0;
    for (alias, certificate) in certificates {
        let (Some(alias), Ok(size)) = (modified_utf8(alias), u32::try_from(certificate.len())) else { continue };
        entries.extend(TRUSTED.to_be_bytes());
        entries.extend(alias);
        entries.extend(MADE.to_be_bytes());
        entries.extend(b"\0\x05X.509");
        entries.extend(size.to_be_bytes());
        entries.extend(certificate);
        count += 1;
    }
    let mut store: Vec<u8> = [MAGIC, VERSION, count].into_iter().flat_map(u32::to_be_bytes).collect();
    store.extend(entries);
    let password = PASSWORD.encode_utf16().flat_map(u16::to_be_bytes);
    let digest = Sha1::new().chain_update(password.collect::<Vec<u8>>()).chain_update(SALT).chain_update(&store);
    store.extend(digest.finalize());
    store
}

/// Java's own UTF-8, behind its length: characters beyond 16 bits as two surrogates of three bytes each.
fn modified_utf8(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for unit in text.encode_utf16() {
        let [high, low] = unit.to_be_bytes();
        let last = 0x80 | low & 0x3f;
        let middle = high << 2 | low >> 6;
        match unit {
            1..0x80 => bytes.push(low),
            0 | 0x80..0x800 => bytes.extend([0xc0 | middle, last]),
            0x800.. => bytes.extend([0xe0 | high >> 4, 0x80 | middle & 0x3f, last]),
        }
    }
    let length = u16::try_from(bytes.len()).ok()?.to_be_bytes();
    Some([&length[..], &bytes].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_spells_characters_its_own_way() {
        let spelled = |text: &str| modified_utf8(text).unwrap().split_off(2);
        assert_eq!(spelled("debian:ő≠.pem"), "debian:ő≠.pem".as_bytes());
        assert_eq!(spelled("\0"), [0xc0, 0x80]);
        assert_eq!(spelled("😀"), [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]);
        assert_eq!(modified_utf8("ab").unwrap(), b"\0\x02ab");
        assert_eq!(modified_utf8(&"a".repeat(65536)), None);
    }

    #[test]
    fn a_store_has_these_bytes() {
        let empty = store(&BTreeMap::new());
        assert_eq!(empty.len(), 12 + 20);
        let one = store(&BTreeMap::from([("a".to_owned(), vec![0x30, 0])]));
        insta::assert_snapshot!(one.escape_ascii(), @r"\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x02\x00\x01a\x00\x00\x00\x00\x00\x00\x03\xe8\x00\x05X.509\x00\x00\x00\x020\x00\x7f\xd3<\x98\xf9\xa4[\xb7OB{\xe0\x9as`\xac(v\xe4\xf5");
    }
}
