//! Units on the way to layers, and what merging two groups adds to the cost.

use super::causes::{CauseSets, unite};
use super::graph::Graph;
use super::{Layer, Plan};

/// No unit counts as larger (64 PiB), so that costs fit in 123 bits.
const MAX_SIZE: u64 = 1 << 56;

/// A partition of units. Groups are numbered by their smallest unit unless [`Groups::new`]'s caller gave another order.
pub(super) struct Groups<'c> {
    causes: &'c CauseSets,
    /// Units of each group; empty once it is merged into another.
    members: Vec<Vec<usize>>,
    sizes: Vec<u128>,
    weights: Vec<u64>,
    sets: Vec<u64>,
}

impl<'c> Groups<'c> {
    /// Groups as `parts` says, in its order.
    pub(super) fn new(graph: &Graph, causes: &'c CauseSets, parts: Vec<Vec<usize>>) -> Self {
        let mut sets = vec![0; parts.len() * causes.words()];
        let (mut sizes, mut weights) = (Vec::new(), Vec::new());
        for (number, part) in parts.iter().enumerate() {
            let set = &mut sets[number * causes.words()..][..causes.words()];
            for &unit in part {
                unite(set, causes.of(unit));
            }
            weights.push(causes.union_weight(set, set));
            sizes.push(part.iter().map(|&unit| u128::from(graph.unit(unit).size.min(MAX_SIZE))).sum());
        }
        Self { causes, members: parts, sizes, weights, sets }
    }

    /// Number of groups that it began with.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// What can make a group change.
    pub(super) fn set(&self, group: usize) -> &[u64] {
        &self.sets[group * self.causes.words()..][..self.causes.words()]
    }

    /// How often a group changes, and its size.
    pub(super) fn volatility(&self, group: usize) -> (u64, u128) {
        (self.weights[group], self.sizes[group])
    }

    fn cost_of(&self, group: usize) -> u128 {
        self.sizes[group] * u128::from(self.weights[group])
    }

    /// What all groups cost.
    pub(super) fn cost(&self) -> u128 {
        (0..self.len()).filter(|&group| !self.members[group].is_empty()).map(|group| self.cost_of(group)).sum()
    }

    /// What merging two groups would add to the cost: never negative, as a union weighs at least what each part does.
    pub(super) fn added(&self, one: usize, other: usize) -> u128 {
        let union = self.causes.union_weight(self.set(one), self.set(other));
        self.sizes[one] * u128::from(union - self.weights[one])
            + self.sizes[other] * u128::from(union - self.weights[other])
    }

    /// Merges `other` into `group`; `other` is empty afterwards.
    pub(super) fn merge(&mut self, group: usize, other: usize) {
        let words = self.causes.words();
        let set = self.set(other).to_vec();
        unite(&mut self.sets[group * words..][..words], &set);
        self.weights[group] = self.causes.union_weight(self.set(group), self.set(group));
        self.sizes[group] += std::mem::take(&mut self.sizes[other]);
        let members = std::mem::take(&mut self.members[other]);
        self.members[group].extend(members);
    }

    /// The groups that are left, each sorted, sorted by their smallest unit.
    pub(super) fn into_parts(self) -> Vec<Vec<usize>> {
        let mut parts = self.members;
        parts.retain(|part| !part.is_empty());
        for part in &mut parts {
            part.sort_unstable();
        }
        parts.sort_unstable();
        parts
    }

    /// Orders the layers: what changes least often first, then the larger, then by smallest id.
    pub(super) fn into_plan(mut self, graph: &Graph) -> Plan {
        let mut order: Vec<usize> = (0..self.len()).filter(|&group| !self.members[group].is_empty()).collect();
        for part in &mut self.members {
            part.sort_unstable();
        }
        order.sort_by(|&one, &other| {
            let volatile = self.weights[one].cmp(&self.weights[other]);
            let larger = self.sizes[other].cmp(&self.sizes[one]);
            volatile.then(larger).then_with(|| self.members[one].cmp(&self.members[other]))
        });
        let layer = |group: usize| Layer {
            units: self.members[group].iter().map(|&unit| graph.unit(unit).id.clone()).collect(),
        };
        Plan { layers: order.into_iter().map(layer).collect() }
    }
}
