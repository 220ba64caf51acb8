//! How much memory a compressed stream wants, read from its first bytes.

use crate::nix::Compression;

/// Bytes of a stream that [`declared`] needs to see: an xz stream header and the largest block header.
pub(super) const HEAD: usize = 12 + 1024;

/// The window that the stream beginning with `head` declares; `None` where the beginning doesn't tell.
pub(super) fn declared(compression: Compression, head: &[u8]) -> Option<u64> {
    match compression {
        Compression::Xz => xz(head),
        Compression::Zstd => zstd(head),
        Compression::Brotli => brotli(head),
        // Four bytes for each of a block's 900,000, and the block.
        Compression::Bzip2 => Some(5 << 20),
        Compression::Gzip => Some(32 << 10),
        Compression::None | Compression::Lzip | Compression::Lz4 => Some(0),
    }
}

/// The dictionary size of the first block's LZMA2 filter.
fn xz(head: &[u8]) -> Option<u64> {
    let block = head.strip_prefix(b"\xfd7zXZ\0")?.get(6..)?;
    let size = (usize::from(*block.first()?) + 1) * 4;
    let (flags, mut rest) = block.get(..size)?.get(1..)?.split_first()?;
    for bit in [0x40, 0x80] {
        if flags & bit != 0 {
            rest = variable_length(rest)?.1;
        }
    }
    for _ in 0..=(flags & 3) {
        let (id, after) = variable_length(rest)?;
        let (length, after) = variable_length(after)?;
        let (properties, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
        if id == 0x21 {
            let bits = u64::from(*properties.first()? & 63);
            return Some(if bits >= 40 { u64::from(u32::MAX) } else { (2 | (bits & 1)) << (bits / 2 + 11) });
        }
        rest = after;
    }
    None
}

/// xz's integers: seven bits a byte, low ones first, nine bytes at most.
fn variable_length(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().take(9).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

/// The window of the first frame; a frame in a single segment has its content's size for a window.
fn zstd(head: &[u8]) -> Option<u64> {
    let (&descriptor, rest) = head.strip_prefix(b"\x28\xb5\x2f\xfd")?.split_first()?;
    if descriptor & 0x20 == 0 {
        let &window = rest.first()?;
        let base = 1u64 << (10 + (window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let width = [1, 2, 4, 8][usize::from(descriptor >> 6)];
    let mut bytes = [0; 8];
    bytes[..width].copy_from_slice(rest.get(dictionary..dictionary + width)?);
    Some(u64::from_le_bytes(bytes).saturating_add(if width == 2 { 256 } else { 0 }))
}

/// RFC 7932, 9.1. Large windows, an extension, are refused by the decoder.
fn brotli(head: &[u8]) -> Option<u64> {
    let first = *head.first()?;
    let bits = match (first & 1, first >> 1 & 7, first >> 4 & 7) {
        (0, _, _) => 16,
        (_, wide @ 1..=7, _) => 17 + wide,
        (_, _, 0) => 17,
        (_, _, narrow) => 8 + narrow,
    };
    Some(1 << bits)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn xz_dictionaries() {
        for (level, expected) in [(0, 256 << 10), (6, 8 << 20), (9, 64 << 20)] {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), level);
            encoder.write_all(b"some content").expect("written");
            assert_eq!(xz(&encoder.finish().expect("finished")), Some(expected), "level {level}");
        }
        assert_eq!(xz(b""), None);
        assert_eq!(xz(b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46\x00"), None);
    }

    #[test]
    fn zstd_windows() {
        let small = zstd::encode_all(&b"abc"[..], 3).expect("encoded");
        assert!(zstd(&small).is_some());
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("an encoder");
        encoder.window_log(27).expect("a wide window");
        encoder.write_all(&[0; 1000]).expect("written");
        assert_eq!(zstd(&encoder.finish().expect("finished")), Some(1 << 27));
        assert_eq!(zstd(b"\x28\xb5\x2f\xfd\xe0\0\0\0\0\0\0\0\x80"), Some(1 << 63));
        assert_eq!(zstd(b"\x50\x2a\x4d\x18"), None);
    }

    #[test]
    fn brotli_windows() {
        assert_eq!(brotli(&[0x00]), Some(1 << 16));
        assert_eq!(brotli(&[0x01]), Some(1 << 17));
        assert_eq!(brotli(&[0x0f]), Some(1 << 24));
        assert_eq!(brotli(&[0x21]), Some(1 << 10));
    }
}
