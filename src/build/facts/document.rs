//! Facts as bytes.
//!
//! A line that names the format; then maps, each behind the number of its entries, keys in order, each once. Numbers are
//! little-endian base 128 (LEB128), texts stand behind their length. A kind is a byte (`?` nothing, `D` a folder, `F` a file, `X` an executable
//! one, `L` a link) with a file's size or a link's target. What is read is checked as if anybody had written it.
//!
//! The first line is another one where the image has Debian packages: then [`debs`] follows.

mod answers;
mod debs;

use std::collections::BTreeMap;

use crate::image::ImagePath;
use crate::image::listing::ListingKind;
use crate::nix::Sha256;
use crate::store::FragmentKey;

use super::{Facts, FileOf};

pub(super) use debs::fit;

/// The first line without Debian packages; another format gets another one.
const MAGIC: &[u8] = b"dumbc facts 1\n";

/// The first line with Debian packages.
const MAGIC_WITH_DEBS: &[u8] = b"dumbc facts 2\n";

/// A document that can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FactsError {
    /// Another program's, or a later one's.
    #[error("the facts are of a kind that this dumbc does not know")]
    Unknown,
    /// It is not what its first line says.
    #[error("the facts are damaged")]
    Damaged,
}

impl Facts {
    /// The document: the same facts give the same bytes.
    pub(in crate::build) fn to_bytes(&self) -> Vec<u8> {
        let has_debs = !self.debs.is_empty();
        let mut out = Writer(if has_debs { MAGIC_WITH_DEBS } else { MAGIC }.to_vec());
        out.map(&self.packages, |out, key, answers| {
            out.key(key);
            out.answers(answers);
        });
        out.map(&self.digests, |out, file, digest| {
            out.file(file);
            out.0.extend_from_slice(digest.as_bytes());
        });
        if has_debs {
            out.map(&self.debs, |out, key, deb| {
                out.key(key);
                out.deb(deb);
            });
            out.licences(&self.licences);
        }
        out.0
    }

    /// Reads a document.
    pub(in crate::build) fn from_bytes(bytes: &[u8]) -> Result<Self, FactsError> {
        let (has_debs, rest) = match (bytes.strip_prefix(MAGIC), bytes.strip_prefix(MAGIC_WITH_DEBS)) {
            (Some(rest), _) => (false, rest),
            (None, Some(rest)) => (true, rest),
            (None, None) => return Err(FactsError::Unknown),
        };
        let mut input = Reader(rest);
        input.facts(has_debs).filter(|_| input.0.is_empty()).ok_or(FactsError::Damaged)
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    fn text(&mut self, text: &[u8]) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text);
    }

    fn map<K, V>(&mut self, map: &BTreeMap<K, V>, entry: impl Fn(&mut Self, &K, &V)) {
        self.number(map.len() as u64);
        for (key, value) in map {
            entry(self, key, value);
        }
    }

    fn key(&mut self, key: &FragmentKey) {
        self.0.extend_from_slice(key.as_bytes());
    }

    fn file(&mut self, (package, path): &FileOf) {
        self.key(package);
        self.text(path.as_bytes());
    }

    fn kind(&mut self, kind: Option<&ListingKind>) {
        match kind {
            None => self.0.push(b'?'),
            Some(ListingKind::Directory) => self.0.push(b'D'),
            Some(ListingKind::File { executable, size }) => {
                self.0.push(if *executable { b'X' } else { b'F' });
                self.number(*size);
            }
            Some(ListingKind::Symlink { target }) => {
                self.0.push(b'L');
                self.text(target);
            }
        }
    }
}

/// What is not read yet. Nothing is set aside on the word of a number: every entry takes bytes of the document.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let digit = u64::from(byte & 0x7f);
            number |= digit.checked_shl(shift).filter(|shifted| shifted >> shift == digit)?;
            if byte & 0x80 == 0 {
                // One number, one way to write it.
                return (byte != 0 || shift == 0).then_some(number);
            }
        }
        None
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(text)
    }

    fn path(&mut self) -> Option<ImagePath> {
        ImagePath::new(self.text()?).ok()
    }

    fn digest(&mut self) -> Option<[u8; 32]> {
        let (digest, rest) = self.0.split_first_chunk::<32>()?;
        self.0 = rest;
        Some(*digest)
    }

    fn key(&mut self) -> Option<FragmentKey> {
        self.digest().map(FragmentKey::from_bytes)
    }

    fn file(&mut self) -> Option<FileOf> {
        Some((self.key()?, self.path()?))
    }

    #[expect(clippy::option_option, reason = "the outer one is about the document, the inner one about the file")]
    fn kind(&mut self) -> Option<Option<ListingKind>> {
        Some(match self.byte()? {
            b'?' => None,
            b'D' => Some(ListingKind::Directory),
            kind @ (b'F' | b'X') => Some(ListingKind::File { executable: kind == b'X', size: self.number()? }),
            b'L' => Some(ListingKind::Symlink { target: self.text()?.to_vec() }),
            _ => return None,
        })
    }

    /// A map whose keys come in order, each once.
    fn map<K: Ord, V>(&mut self, entry: impl Fn(&mut Self) -> Option<(K, V)>) -> Option<BTreeMap<K, V>> {
        let mut map = BTreeMap::new();
        for _ in 0..self.number()? {
            let (key, value) = entry(self)?;
            if map.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return None;
            }
            map.insert(key, value);
        }
        Some(map)
    }

    /// A list in order, of what `item` reads; `key` is what the order goes by.
    fn list<T, K: PartialOrd>(
        &mut self,
        item: impl Fn(&mut Self) -> Option<T>,
        key: impl Fn(&T) -> &K,
    ) -> Option<Vec<T>> {
        let mut list: Vec<T> = Vec::new();
        for _ in 0..self.number()? {
            let next = item(self)?;
            if list.last().is_some_and(|last| key(last) >= key(&next)) {
                return None;
            }
            list.push(next);
        }
        Some(list)
    }

    fn facts(&mut self, has_debs: bool) -> Option<Facts> {
        let packages = self.map(|input| Some((input.key()?, input.answers()?)))?;
        let digests = self.map(|input| Some((input.file()?, Sha256::from_bytes(input.digest()?))))?;
        let (debs, licences) = if has_debs { (self.debs()?, self.licences()?) } else { Default::default() };
        Some(Facts { packages, digests, debs, licences })
    }
}
