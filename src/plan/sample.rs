//! Closures to try plans on: one of nixpkgs' shape, and a real one where the shared test data lies.
//!
//! The bench includes this file too.

use std::path::PathBuf;

use super::{Causes, Unit, key};

/// A small generator (`SplitMix64`), so that a seed gives the same closure everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// A runtime closure of `count` units: a hub that nearly all refer to (glibc), a few lesser hubs, libraries in a chain
/// of depth, a third of the units being tops that nothing refers to; sizes by a power law from some kB to some tens of MB,
/// 3 MB in the mean.
pub(crate) fn nixpkgs_shape(count: usize, seed: u64) -> Vec<Unit> {
    let mut random = Random(seed);
    let names: Vec<String> = (0..count).map(|index| format!("{:016x}-p{index}-1.0", random.next())).collect();
    let hubs = (count / 25).clamp(1, 40);
    let libraries = (count * 2 / 3).max(hubs);
    let unit = |index: usize| Unit {
        id: names[index].clone(),
        key: format!("p{index}"),
        size: size(&mut random),
        references: references(&mut random, index, hubs, libraries).into_iter().map(|to| names[to].clone()).collect(),
        causes: Causes::Closure,
    };
    (0..count).map(unit).collect()
}

/// Pareto with exponent 0.8, cut at 120 MB: the median is tens of kB, the mean some MB.
fn size(random: &mut Random) -> u64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits of a random number")]
    let uniform = (random.below(1 << 53) + 1) as f64 / (1u64 << 53) as f64;
    let bytes = (150_000.0 * uniform.powf(-1.25)).min(120_000_000.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 40,000 and 120,000,000")]
    return bytes as u64;
}

/// Packages of a family (Python's, Qt's) refer to each other: so many neighbours are near.
const FAMILY: usize = 30;

/// Low numbers are deep: most units refer to hub 0, some to other hubs, some to libraries anywhere below, some to
/// near ones.
fn references(random: &mut Random, index: usize, hubs: usize, libraries: usize) -> Vec<usize> {
    let below = index.min(libraries);
    let mut found = Vec::new();
    if below == 0 {
        return found;
    }
    if random.below(10) < 8 {
        found.push(0);
    }
    for _ in 0..random.below(3) {
        found.push(pick(random, hubs.min(below)));
    }
    for _ in 0..random.below(4) {
        found.push(pick(random, below));
    }
    for _ in 0..random.below(2) {
        found.push(below - 1 - pick(random, FAMILY.min(below)));
    }
    found
}

/// Skewed to low numbers: the smaller of two.
fn pick(random: &mut Random, limit: usize) -> usize {
    let limit = limit as u64;
    let number = random.below(limit).min(random.below(limit));
    usize::try_from(number).unwrap_or(0)
}

/// The closure in the shared base cache, read from its narinfos; `None` where the data is absent.
pub(crate) fn real_closure() -> Option<Vec<Unit>> {
    let shared = std::env::var_os("DUMBC_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")), PathBuf::from);
    let mut units = Vec::new();
    for entry in std::fs::read_dir(shared.join("nixcache/base")).ok()?.flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "narinfo") {
            units.push(narinfo_unit(&std::fs::read_to_string(entry.path()).ok()?)?);
        }
    }
    Some(units)
}

fn narinfo_unit(text: &str) -> Option<Unit> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let id = field("StorePath")?.strip_prefix("/nix/store/")?.to_owned();
    Some(Unit {
        key: key(id.get(33..)?),
        size: field("NarSize")?.parse().ok()?,
        references: field("References").unwrap_or("").split_whitespace().map(str::to_owned).collect(),
        causes: Causes::Closure,
        id,
    })
}
