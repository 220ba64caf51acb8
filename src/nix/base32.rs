//! Nix's base 32: its own alphabet, most significant digit first of the little-endian number.

const ALPHABET: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";

/// Encodes `bytes`; the result has `ceil(bytes.len() * 8 / 5)` characters.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    (0..encoded_len(bytes.len()))
        .rev()
        .map(|digit| {
            let (byte, shift) = (digit * 5 / 8, digit * 5 % 8);
            let low = u16::from(bytes[byte]);
            let high = bytes.get(byte + 1).map_or(0, |&b| u16::from(b));
            char::from(ALPHABET[usize::from(((high << 8 | low) >> shift) & 31)])
        })
        .collect()
}

/// Decodes exactly `N` bytes. `None` for a wrong length, a character outside the alphabet, or set bits beyond `N` bytes.
#[must_use]
pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != encoded_len(N) {
        return None;
    }
    let mut bytes = [0u8; N];
    for (digit, character) in text.bytes().rev().enumerate() {
        let value = u16::try_from(ALPHABET.iter().position(|&a| a == character)?).ok()?;
        let (byte, shift) = (digit * 5 / 8, digit * 5 % 8);
        let [low, high] = (value << shift).to_le_bytes();
        bytes[byte] |= low;
        match bytes.get_mut(byte + 1) {
            Some(next) => *next |= high,
            None if high != 0 => return None,
            None => {}
        }
    }
    Some(bytes)
}

/// Characters that `bytes` bytes encode to.
#[must_use]
pub const fn encoded_len(bytes: usize) -> usize {
    (bytes * 8).div_ceil(5)
}
