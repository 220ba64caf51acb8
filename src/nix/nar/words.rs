//! The format's words as they lie in an archive: length, bytes, padding. Words that always follow each other are one
//! constant, so that reading or writing them is one comparison or one copy.

pub(super) const MAGIC: &[u8] = &encode::<24>(&["nix-archive-1"]);
pub(super) const NODE: &[u8] = &encode::<32>(&["(", "type"]);
pub(super) const DIRECTORY: &[u8] = &encode::<24>(&["directory"]);
pub(super) const REGULAR: &[u8] = &encode::<16>(&["regular"]);
pub(super) const EXECUTABLE: &[u8] = &encode::<32>(&["executable", ""]);
pub(super) const CONTENTS: &[u8] = &encode::<16>(&["contents"]);
pub(super) const SYMLINK: &[u8] = &encode::<32>(&["symlink", "target"]);
pub(super) const ENTRY: &[u8] = &encode::<48>(&["entry", "(", "name"]);
pub(super) const ENTRY_NODE: &[u8] = &encode::<48>(&["node", "(", "type"]);
pub(super) const CLOSE: &[u8] = &encode::<16>(&[")"]);

/// Longest word of the format.
pub(super) const LONGEST: usize = "nix-archive-1".len();

/// Splits the first word off encoded `words`.
pub(super) fn first(words: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::from(*words.first()?);
    let (word, rest) = words[8..].split_at(length.next_multiple_of(8));
    Some((&word[..length], rest))
}

const fn encode<const N: usize>(words: &[&str]) -> [u8; N] {
    let mut encoded = [0; N];
    let (mut at, mut next) = (0, 0);
    while next < words.len() {
        let word = words[next].as_bytes();
        #[expect(clippy::cast_possible_truncation, reason = "words are short, and `try_from` is not const")]
        let length = word.len() as u8;
        encoded[at] = length;
        let mut byte = 0;
        while byte < word.len() {
            encoded[at + 8 + byte] = word[byte];
            byte += 1;
        }
        at += 8 + word.len().next_multiple_of(8);
        next += 1;
    }
    assert!(at == N, "the length of the constant is that of its words");
    encoded
}
