//! Finds the store paths that content refers to.
//!
//! As Nix does it: a reference is a hash part that occurs anywhere in the NAR, names and link targets included.

use std::collections::HashMap;
use std::io::{self, Write};

use super::{StorePath, base32};

/// Characters of a hash part.
const LENGTH: usize = 32;

type HashPart = [u8; LENGTH];

/// Looks for candidates in a stream of bytes: write the NAR to it, in pieces of any size.
///
/// Memory is that of the candidates; most bytes are jumped over, as few stretches of 32 bytes are all of nix32.
pub struct ReferenceScanner {
    candidates: Vec<StorePath>,
    /// Hash parts of the candidates, and whether they were seen.
    seen: HashMap<HashPart, bool>,
    /// The last bytes before what comes next, at most one less than a hash part has.
    tail: Vec<u8>,
}

impl ReferenceScanner {
    /// Looks for `candidates`.
    pub fn new(candidates: impl IntoIterator<Item = StorePath>) -> Self {
        let mut candidates: Vec<_> = candidates.into_iter().collect();
        candidates.sort_unstable();
        candidates.dedup();
        let seen = candidates.iter().filter_map(|path| Some((hash_part(path)?, false))).collect();
        Self { candidates, seen, tail: Vec::with_capacity(2 * LENGTH) }
    }

    /// Scans the next bytes.
    pub fn scan(&mut self, bytes: &[u8]) {
        let head = &bytes[..bytes.len().min(LENGTH - 1)];
        self.tail.extend_from_slice(head);
        mark(&mut self.seen, &self.tail);
        if bytes.len() > head.len() {
            mark(&mut self.seen, bytes);
            self.tail.clear();
            self.tail.extend_from_slice(&bytes[bytes.len() - (LENGTH - 1)..]);
        } else {
            let surplus = self.tail.len().saturating_sub(LENGTH - 1);
            self.tail.drain(..surplus);
        }
    }

    /// The candidates that were seen, sorted.
    #[must_use]
    pub fn finish(self) -> Vec<StorePath> {
        let Self { mut candidates, seen, .. } = self;
        candidates.retain(|path| hash_part(path).is_some_and(|hash| seen.get(&hash) == Some(&true)));
        candidates
    }
}

fn hash_part(path: &StorePath) -> Option<HashPart> {
    path.hash_part().as_bytes().try_into().ok()
}

/// Marks those of `seen` that occur in `bytes`.
fn mark(seen: &mut HashMap<HashPart, bool>, bytes: &[u8]) {
    let mut start = 0;
    // How many bytes from `start` on are known to be of nix32.
    let mut known = 0;
    while let Some(window) = bytes.get(start..).and_then(<[u8]>::first_chunk::<LENGTH>) {
        // From the end, as what is wrong there takes the longest jump.
        if let Some(wrong) = window[known..].iter().rposition(|&byte| !base32::is_digit(byte)) {
            start += known + wrong + 1;
            known = 0;
            continue;
        }
        if let Some(seen) = seen.get_mut(window) {
            *seen = true;
        }
        start += 1;
        known = LENGTH - 1;
    }
}

impl Write for ReferenceScanner {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.scan(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::nix::test_data::shared;
    use crate::nix::{NarInfo, StorePath};

    fn path(byte: u8, name: &str) -> StorePath {
        StorePath::from_parts([byte; 20], name).unwrap()
    }

    fn found(candidates: &[StorePath], pieces: &[&[u8]]) -> Vec<StorePath> {
        let mut scanner = ReferenceScanner::new(candidates.iter().cloned());
        for piece in pieces {
            scanner.scan(piece);
        }
        scanner.finish()
    }

    #[test]
    fn finds_what_occurs_and_nothing_else() {
        let all = [path(1, "a"), path(2, "b"), path(2, "other-name"), path(3, "c")];
        let text = format!("{}{}/x", all[0].hash_part(), all[1]);
        // Both of one hash part: the name is not part of what is looked for.
        assert_eq!(found(&all, &[text.as_bytes()]), [all[0].clone(), all[1].clone(), all[2].clone()]);
        assert_eq!(found(&all, &[&text.as_bytes()[1..32]]), []);
        assert_eq!(found(&all, &[]), []);
        assert_eq!(found(&[], &[text.as_bytes()]), []);
    }

    #[test]
    fn finds_among_digits() {
        let wanted = path(0x5a, "a");
        let text = format!("{}{}{}", "z".repeat(40), wanted.hash_part(), "0".repeat(40));
        assert_eq!(found(std::slice::from_ref(&wanted), &[text.as_bytes()]), [wanted]);
    }

    #[test]
    fn real_references_are_found() {
        let Some(directory) = shared("nixcache/odd/none") else { return };
        let mut scanned = 0;
        for file in std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()) {
            if file.extension().is_none_or(|extension| extension != "narinfo") {
                continue;
            }
            let info = NarInfo::parse(&std::fs::read(file).unwrap()).unwrap();
            let nar = std::fs::read(directory.join(&info.url)).unwrap();
            let mut references = info.info.references;
            references.sort();
            let decoy = path(9, "decoy");
            assert_eq!(found(&[&references[..], &[decoy]].concat(), &nar.chunks(1000).collect::<Vec<_>>()), references);
            scanned += 1;
        }
        assert_eq!(scanned, 9);
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            before in "[ -~]{0,70}", after in "[ -~]{0,70}", cuts in prop::collection::vec(0..200_usize, 0..8)
        ) {
            let wanted = path(7, "wanted");
            let text = [before.as_bytes(), wanted.hash_part().as_bytes(), after.as_bytes()].concat();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(text.len())).chain([0, text.len()]).collect();
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect();
            prop_assert_eq!(found(&[path(6, "other"), wanted.clone()], &pieces), [wanted]);
        }
    }
}
