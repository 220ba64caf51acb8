//! The part of Debian packages: a map like the others, of what each is asked.
//!
//! A package's files: their number, then each in order, with as many bytes as its path shares with the one before, the rest of the
//! path, kind, mode, user and group ID. Then the control file; a map of members (`T` a text, `B` and so many bytes); configuration
//! files with their sums, in the package's order. Behind that map there is another one, of licences.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::deb::{Conffile, Member, PackageFacts};
use crate::image::ImagePath;
use crate::image::listing::{Listing, ListingEntry};
use crate::image::tree::Metadata;
use crate::store::FragmentKey;

use super::super::DebFacts;
use super::{Reader, Writer};

/// Bytes that all listings of a document may take in memory: what paths share stands in it once, and grows with every path.
const MOST_MEMORY: usize = if cfg!(test) { 1 << 20 } else { 128 << 20 };

/// All that a mode can be.
const MODES: u32 = 0o7777;

impl Writer {
    pub(super) fn deb(&mut self, deb: &DebFacts) {
        self.listing(&deb.listing);
        let PackageFacts { control, members, conffiles } = &deb.facts;
        self.text(control.as_bytes());
        self.map(members, |out, name, member| {
            out.text(name.as_bytes());
            out.member(member);
        });
        self.number(conffiles.len() as u64);
        for Conffile { path, md5 } in conffiles {
            self.text(path.as_bytes());
            self.text(md5.as_bytes());
        }
    }

    pub(super) fn licences(&mut self, licences: &BTreeMap<FragmentKey, Vec<String>>) {
        self.map(licences, |out, key, licences| {
            out.key(key);
            out.number(licences.len() as u64);
            for licence in licences {
                out.text(licence.as_bytes());
            }
        });
    }

    fn listing(&mut self, listing: &Listing) {
        self.number(listing.entries().len() as u64);
        let mut before: &[u8] = &[];
        for ListingEntry { path, kind, metadata } in listing.entries() {
            let path = path.as_bytes();
            let (shared, rest) = path.split_at(shared(before, path));
            self.number(shared.len() as u64);
            self.text(rest);
            self.kind(Some(kind));
            for number in [metadata.mode, metadata.uid, metadata.gid] {
                self.number(number.into());
            }
            before = path;
        }
    }

    fn member(&mut self, member: &Member) {
        match member {
            Member::Text(text) => {
                self.0.push(b'T');
                self.text(text.as_bytes());
            }
            Member::Binary(size) => {
                self.0.push(b'B');
                self.number(*size);
            }
        }
    }
}

/// Whether listings take no more memory than who reads them would give.
pub(in crate::build::facts) fn fit<'a>(debs: impl Iterator<Item = &'a DebFacts>) -> bool {
    debs.flat_map(|deb| deb.listing.entries()).map(|entry| memory_of(entry.path.as_bytes().len())).sum::<usize>()
        <= MOST_MEMORY
}

/// Bytes that an entry takes whose path has so many.
const fn memory_of(path: usize) -> usize {
    size_of::<ListingEntry>() + path
}

/// Bytes that two paths begin with.
fn shared(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

impl Reader<'_> {
    pub(super) fn debs(&mut self) -> Option<BTreeMap<FragmentKey, Arc<DebFacts>>> {
        let (mut debs, mut memory) = (BTreeMap::new(), MOST_MEMORY);
        for _ in 0..self.number()? {
            let (key, deb) = (self.key()?, self.deb(&mut memory)?);
            if debs.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return None;
            }
            debs.insert(key, Arc::new(deb));
        }
        // Without any, the document is one of the other kind.
        (!debs.is_empty()).then_some(debs)
    }

    pub(super) fn licences(&mut self) -> Option<BTreeMap<FragmentKey, Vec<String>>> {
        self.map(|input| {
            let key = input.key()?;
            let licences = (0..input.number()?).map(|_| input.string());
            Some((key, licences.collect::<Option<_>>()?))
        })
    }

    fn deb(&mut self, memory: &mut usize) -> Option<DebFacts> {
        let listing = self.listing(memory)?;
        let control = self.string()?;
        let members = self.map(|input| Some((input.string()?, input.member()?)))?;
        let mut conffiles = Vec::new();
        for _ in 0..self.number()? {
            conffiles.push(Conffile { path: self.string()?, md5: self.string()? });
        }
        Some(DebFacts { listing, facts: PackageFacts { control, members, conffiles } })
    }

    fn listing(&mut self, memory: &mut usize) -> Option<Listing> {
        let mut entries: Vec<ListingEntry> = Vec::new();
        for _ in 0..self.number()? {
            let before = entries.last().map_or(&[][..], |entry| entry.path.as_bytes());
            let path = self.path_after(before, memory)?;
            entries.push(ListingEntry { path, kind: self.kind()??, metadata: self.metadata()? });
        }
        Listing::new(entries).ok()
    }

    fn path_after(&mut self, before: &[u8], memory: &mut usize) -> Option<ImagePath> {
        let same = usize::try_from(self.number()?).ok()?;
        let (begin, rest) = (before.get(..same)?, self.text()?);
        *memory = memory.checked_sub(memory_of(begin.len() + rest.len()))?;
        let path = [begin, rest].concat();
        // One path, one way to write it; a slash in front would be taken off.
        if shared(before, &path) != same || path.starts_with(b"/") {
            return None;
        }
        ImagePath::new(&path).ok()
    }

    fn metadata(&mut self) -> Option<Metadata> {
        let mut small = || u32::try_from(self.number()?).ok();
        let metadata = Metadata { mode: small()?, uid: small()?, gid: small()? };
        (metadata.mode & !MODES == 0).then_some(metadata)
    }

    fn member(&mut self) -> Option<Member> {
        match self.byte()? {
            b'T' => Some(Member::Text(self.string()?)),
            b'B' => Some(Member::Binary(self.number()?)),
            _ => None,
        }
    }

    fn string(&mut self) -> Option<String> {
        Some(std::str::from_utf8(self.text()?).ok()?.to_owned())
    }
}
