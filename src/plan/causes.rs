//! What can make each unit change, as sets of bits, and how much a set weighs.
//!
//! Weights are integers of 1/65,536 and costs are exact, so that a plan is the same on every machine.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::graph::Graph;
use super::{Causes, Error};

/// The weight 1.
const UNIT_WEIGHT: u64 = 1 << 16;

/// The largest weight: with the limits below, no cost can overflow 123 bits.
const MAX_WEIGHT: f64 = 65_536.0;

/// 256 MiB of sets: 46,000 store paths.
const MAX_WORDS: usize = 1 << 25;

/// A set of causes: a bit each.
pub(super) type Set = [u64];

/// The causes of every unit.
pub(super) struct CauseSets {
    /// Words in a set.
    words: usize,
    /// All sets, one after the other, by unit.
    sets: Vec<u64>,
    runs: Vec<Run>,
    total: u64,
    /// Bit of each cause.
    bits: BTreeMap<String, usize>,
}

/// Causes are numbered by weight, so that nearly all words hold causes of one weight.
enum Run {
    /// Words whose causes all weigh the same.
    Same { words: Range<usize>, weight: u64 },
    /// A word with causes of different weights.
    Mixed { word: usize, weights: Box<[u64; 64]> },
}

impl CauseSets {
    /// Collects the causes of `graph`'s units.
    pub(super) fn new(graph: &Graph, weights: &BTreeMap<String, f64>) -> Result<Self, Error> {
        let mut causes = Vec::new();
        for name in names(graph) {
            causes.push((fixed_point(name, weights)?, name));
        }
        causes.sort_unstable();
        let words = causes.len().div_ceil(64);
        if graph.len().checked_mul(words).is_none_or(|all| all > MAX_WORDS) {
            return Err(Error::TooLarge { units: graph.len(), causes: causes.len() });
        }
        let bits = causes.iter().enumerate().map(|(bit, (_, name))| ((*name).to_owned(), bit)).collect();
        let weights: Vec<u64> = causes.iter().map(|(weight, _)| *weight).collect();
        let (runs, total) = (runs(&weights), weights.iter().sum());
        let mut sets = Self { words, sets: vec![0; graph.len() * words], runs, total, bits };
        sets.fill(graph);
        Ok(sets)
    }

    /// A unit changes with its own causes and with those of every unit that it refers to; units in a cycle share theirs.
    fn fill(&mut self, graph: &Graph) {
        for component in graph.components() {
            let mut shared = vec![0; self.words];
            for &unit in &component {
                self.add_own(graph, unit, &mut shared);
            }
            for &unit in component.iter().filter(|&&unit| graph.unit(unit).causes == Causes::Closure) {
                for &target in graph.references(unit) {
                    unite(&mut shared, self.of(target));
                }
            }
            for &unit in &component {
                match graph.unit(unit).causes {
                    Causes::Closure => self.of_mut(unit).copy_from_slice(&shared),
                    Causes::Listed(_) => {
                        let mut own = vec![0; self.words];
                        self.add_own(graph, unit, &mut own);
                        self.of_mut(unit).copy_from_slice(&own);
                    }
                }
            }
        }
    }

    fn add_own(&self, graph: &Graph, unit: usize, set: &mut Set) {
        for name in own(graph, unit) {
            if let Some(bit) = self.bits.get(name) {
                set[bit / 64] |= 1 << (bit % 64);
            }
        }
    }

    /// The causes of `unit`.
    pub(super) fn of(&self, unit: usize) -> &Set {
        &self.sets[unit * self.words..][..self.words]
    }

    fn of_mut(&mut self, unit: usize) -> &mut Set {
        &mut self.sets[unit * self.words..][..self.words]
    }

    /// The causes that `unit` itself brings, whatever it refers to.
    pub(super) fn own(&self, graph: &Graph, unit: usize) -> Vec<u64> {
        let mut set = vec![0; self.words];
        self.add_own(graph, unit, &mut set);
        set
    }

    /// Words in a set.
    pub(super) fn words(&self) -> usize {
        self.words
    }

    /// The weight of all causes, in 1/65,536.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// The weight of what is in one of the sets or in both.
    pub(super) fn union_weight(&self, one: &Set, other: &Set) -> u64 {
        let of_run = |run: &Run| match run {
            Run::Same { words, weight } => {
                let pairs = one[words.clone()].iter().zip(&other[words.clone()]);
                weight * pairs.map(|(one, other)| u64::from((one | other).count_ones())).sum::<u64>()
            }
            Run::Mixed { word, weights } => {
                let union = one[*word] | other[*word];
                weights.iter().enumerate().map(|(bit, weight)| weight * (union >> bit & 1)).sum()
            }
        };
        self.runs.iter().map(of_run).sum()
    }
}

/// Adds what is in `other` to `set`.
pub(super) fn unite(set: &mut Set, other: &Set) {
    for (word, other) in set.iter_mut().zip(other) {
        *word |= other;
    }
}

/// Whether the sets have a cause in common.
pub(super) fn intersect(one: &Set, other: &Set) -> bool {
    one.iter().zip(other).any(|(one, other)| one & other != 0)
}

fn own<'a>(graph: &Graph<'a>, unit: usize) -> Vec<&'a str> {
    let unit = graph.unit(unit);
    match &unit.causes {
        Causes::Closure => vec![&unit.id],
        Causes::Listed(causes) => causes.iter().map(String::as_str).collect(),
    }
}

fn names<'a>(graph: &Graph<'a>) -> BTreeSet<&'a str> {
    (0..graph.len()).flat_map(|unit| own(graph, unit)).collect()
}

fn fixed_point(cause: &str, weights: &BTreeMap<String, f64>) -> Result<u64, Error> {
    match weights.get(cause) {
        None => Ok(UNIT_WEIGHT),
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
        #[expect(clippy::cast_precision_loss, reason = "2^16 is exact")]
        Some(weight) if (0.0..=MAX_WEIGHT).contains(weight) => Ok((weight * UNIT_WEIGHT as f64).round() as u64),
        Some(&weight) => Err(Error::Weight { cause: cause.to_owned(), weight }),
    }
}

/// `weights` is sorted.
fn runs(weights: &[u64]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (word, chunk) in weights.chunks(64).enumerate() {
        if chunk[0] != chunk[chunk.len() - 1] {
            let mut weights = Box::new([0; 64]);
            weights[..chunk.len()].copy_from_slice(chunk);
            runs.push(Run::Mixed { word, weights });
        } else if let Some(Run::Same { words, weight }) = runs.last_mut()
            && *weight == chunk[0]
        {
            words.end = word + 1;
        } else {
            runs.push(Run::Same { words: word..word + 1, weight: chunk[0] });
        }
    }
    runs
}
