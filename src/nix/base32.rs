//! Nix's base 32: its own alphabet, most significant digit first of the little-endian number.

const ALPHABET: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";

/// [`is_digit`], for every byte.
static IS_DIGIT: [bool; 256] = {
    let mut table = [false; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        table[ALPHABET[value] as usize] = true;
        value += 1;
    }
    table
};

/// Whether `byte` is a character of the alphabet.
#[must_use]
pub fn is_digit(byte: u8) -> bool {
    IS_DIGIT[usize::from(byte)]
}

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn encodes_as_nix_does() {
        // From `nix-hash --type sha256 --to-base32`.
        let empty = data_encoding::HEXLOWER
            .decode(b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
            .unwrap();
        assert_eq!(encode(&empty), "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73");
        assert_eq!(encode(&[]), "");
        assert_eq!(encode(&[0x1f]), "0z");
    }

    #[test]
    fn refuses_what_nothing_encodes_to() {
        assert_eq!(decode::<1>("0z"), Some([0x1f]));
        for text in ["", "z", "00z", "0e", "0Z", "80", "zz", "\u{e9}"] {
            assert_eq!(decode::<1>(text), None, "{text}");
        }
        assert_eq!(decode::<20>(&"z".repeat(32)), Some([0xff; 20]));
        assert_eq!(decode::<32>(&"z".repeat(52)), None);
    }

    #[test]
    fn digits_are_those_of_the_alphabet() {
        let digits: Vec<u8> = (0..=255).filter(|&byte| is_digit(byte)).collect();
        assert_eq!(digits, ALPHABET);
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(bytes: [u8; 20], other: [u8; 32]) {
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
            prop_assert_eq!(decode(&encode(&other)), Some(other));
        }

        #[test]
        fn what_decodes_is_what_is_encoded(text in "[0-9a-z]{4}") {
            if let Some(bytes) = decode::<2>(&text) {
                prop_assert_eq!(encode(&bytes), text);
            }
        }
    }
}
