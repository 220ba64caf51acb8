//! The bytes of `ld.so.cache`: glibc's format 1.1, with the extensions that 2.33 brought.

use std::collections::{BTreeMap, BTreeSet};

use super::order::by_version;

const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const HEADER: usize = 48;
const ENTRY: usize = 24;
const LITTLE_ENDIAN: u32 = 2;
const EXTENSION_MAGIC: u32 = 0xeaa4_2174;
const TAG_GENERATOR: u32 = 0;
const TAG_HWCAPS: u32 = 1;
/// Says that the lower half of an entry's hwcap field is an index into the names of hwcaps folders.
const HWCAP_EXTENSION: u64 = 1 << 62;

/// A library as the cache has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// What programs ask for: `libz.so.1`.
    pub(super) name: Vec<u8>,
    /// Where it lies: absolute.
    pub(super) path: Vec<u8>,
    pub(super) flags: u32,
    pub(super) isa_level: u32,
    /// The folder below `glibc-hwcaps` that it lies in: `x86-64-v3`.
    pub(super) hwcaps: Option<Vec<u8>>,
}

/// The whole file. `entries` are in the order in which they were found; `folders` are all names of hwcaps folders, those
/// without libraries too; `generator` is what `ldconfig -p` shows. `None` where it would exceed 4 GB.
pub(super) fn encode(mut entries: Vec<Entry>, folders: &BTreeSet<Vec<u8>>, generator: &str) -> Option<Vec<u8>> {
    entries.sort_by(|one, other| {
        let hwcaps = || match (&one.hwcaps, &other.hwcaps) {
            (Some(one), Some(other)) => one.cmp(other),
            (one, other) => other.is_some().cmp(&one.is_some()),
        };
        by_version(&other.name, &one.name).then_with(|| other.flags.cmp(&one.flags)).then_with(hwcaps)
    });
    let used: Vec<&[u8]> = {
        let used: BTreeSet<&[u8]> = entries.iter().filter_map(|entry| entry.hwcaps.as_deref()).collect();
        used.into_iter().collect()
    };
    let first = u32::try_from(HEADER.checked_add(entries.len().checked_mul(ENTRY)?)?).ok()?;
    let strings = Strings::new(&entries, folders, first)?;
    let end = usize::try_from(first).ok()?.checked_add(strings.bytes.len())?;
    let extension = u32::try_from(end.checked_next_multiple_of(4)?).ok()?;

    let mut bytes = MAGIC.to_vec();
    let count = u32::try_from(entries.len()).ok()?;
    let length = u32::try_from(strings.bytes.len()).ok()?;
    for word in [count, length, LITTLE_ENDIAN, extension, 0, 0, 0] {
        bytes.extend(word.to_le_bytes());
    }
    for entry in &entries {
        for word in [entry.flags, strings.at(&entry.name)?, strings.at(&entry.path)?, 0] {
            bytes.extend(word.to_le_bytes());
        }
        let index = entry.hwcaps.as_deref().and_then(|name| used.binary_search(&name).ok());
        let hwcap = index.map_or(0, |index| HWCAP_EXTENSION | u64::from(entry.isa_level) << 32 | index as u64);
        bytes.extend(hwcap.to_le_bytes());
    }
    bytes.extend(&strings.bytes);
    bytes.resize(usize::try_from(extension).ok()?, 0);
    extend(&mut bytes, &used, &strings, generator)?;
    Some(bytes)
}

/// Appends the extensions: who made the cache, and the hwcaps folders' names.
fn extend(bytes: &mut Vec<u8>, folders: &[&[u8]], strings: &Strings, generator: &str) -> Option<()> {
    let sections = if folders.is_empty() { 1 } else { 2 };
    let names = u32::try_from(bytes.len() + 8 + sections * 16).ok()?;
    let names_size = u32::try_from(folders.len() * 4).ok()?;
    let mut words = vec![EXTENSION_MAGIC, u32::try_from(sections).ok()?];
    words.extend([TAG_GENERATOR, 0, names + names_size, u32::try_from(generator.len()).ok()?]);
    if !folders.is_empty() {
        words.extend([TAG_HWCAPS, 0, names, names_size]);
    }
    for folder in folders {
        words.push(strings.at(folder)?);
    }
    bytes.extend(words.into_iter().flat_map(u32::to_le_bytes));
    bytes.extend(generator.as_bytes());
    Some(())
}

/// All strings, each once; one that ends another lies in it.
struct Strings {
    bytes: Vec<u8>,
    places: BTreeMap<Vec<u8>, u32>,
}

impl Strings {
    /// Offsets count from `first`.
    fn new(entries: &[Entry], folders: &BTreeSet<Vec<u8>>, first: u32) -> Option<Self> {
        let of_entries = entries.iter().flat_map(|entry| [&entry.name, &entry.path]);
        // Backwards, a string that ends another begins it, and is the next one smaller.
        let backwards: BTreeSet<Vec<u8>> =
            of_entries.chain(folders).map(|text| text.iter().rev().copied().collect()).collect();
        let mut strings = Self { bytes: Vec::new(), places: BTreeMap::new() };
        let mut previous: (Vec<u8>, usize) = (Vec::new(), 0);
        for reversed in backwards.into_iter().rev() {
            let (longer, start) = &previous;
            let place = if !strings.places.is_empty() && longer.starts_with(&reversed) {
                start + longer.len() - reversed.len()
            } else {
                let place = strings.bytes.len();
                strings.bytes.extend(reversed.iter().rev());
                strings.bytes.push(0);
                place
            };
            let offset = u32::try_from(place).ok()?.checked_add(first)?;
            strings.places.insert(reversed.iter().rev().copied().collect(), offset);
            previous = (reversed, place);
        }
        Some(strings)
    }

    fn at(&self, text: &[u8]) -> Option<u32> {
        self.places.get(text).copied()
    }
}
