//! Merges the pair of groups that adds least to the cost, until the budget holds.

use super::groups::Groups;

/// Added to the cost of pairs that are merged only when nothing else is left; more than any real cost.
const LAST_RESORT: u128 = 1 << 126;

/// Merges until at most `budget` groups are left. Ties go to the groups with the smallest units: `groups` are numbered
/// by their smallest unit.
pub(super) fn merge_cheapest(groups: &mut Groups, budget: usize) {
    let settled = vec![false; groups.len()];
    merge_around_settled(groups, budget, settled);
}

/// The same, but two groups that are `settled` are merged only when no other pair is left.
pub(super) fn merge_around_settled(groups: &mut Groups, budget: usize, settled: Vec<bool>) {
    let mut left = groups.len();
    if left <= budget {
        return;
    }
    let mut pairs = Pairs::new(groups, settled);
    while left > budget.max(1)
        && let Some((low, high)) = pairs.cheapest()
    {
        groups.merge(low, high);
        pairs.merged(groups, low, high);
        left -= 1;
    }
}

/// What merging each pair adds, and for each group the best partner of a lower number.
struct Pairs {
    /// Numbers of the groups that are left, ascending.
    alive: Vec<usize>,
    settled: Vec<bool>,
    /// The lower triangle, row by row: row `high` holds the pairs with every `low < high`.
    added: Vec<u128>,
    /// For each group what it adds with its best partner, and that partner.
    best: Vec<Option<(u128, usize)>>,
}

fn place(low: usize, high: usize) -> usize {
    high * (high - 1) / 2 + low
}

impl Pairs {
    fn new(groups: &Groups, settled: Vec<bool>) -> Self {
        let count = groups.len();
        let added = vec![0; count * count.saturating_sub(1) / 2];
        let mut pairs = Self { alive: (0..count).collect(), settled, added, best: vec![None; count] };
        for high in 0..count {
            (0..high).for_each(|low| pairs.compare(groups, low, high));
            pairs.choose(high);
        }
        pairs
    }

    fn compare(&mut self, groups: &Groups, low: usize, high: usize) {
        let resort = if self.settled[low] && self.settled[high] { LAST_RESORT } else { 0 };
        self.added[place(low, high)] = groups.added(low, high) + resort;
    }

    /// Finds the best partner of `high` anew.
    fn choose(&mut self, high: usize) {
        let lower = self.alive.iter().take_while(|&&low| low < high);
        self.best[high] = lower.map(|&low| (self.added[place(low, high)], low)).min();
    }

    fn cheapest(&self) -> Option<(usize, usize)> {
        let best = self.alive.iter().filter_map(|&high| self.best[high].map(|(added, low)| (added, low, high)));
        best.min().map(|(_, low, high)| (low, high))
    }

    /// Takes note that `gone` was merged into `grown`, which is the lower number.
    fn merged(&mut self, groups: &Groups, grown: usize, gone: usize) {
        self.alive.retain(|&group| group != gone);
        self.settled[grown] |= self.settled[gone];
        for index in 0..self.alive.len() {
            let other = self.alive[index];
            if other != grown {
                self.compare(groups, other.min(grown), other.max(grown));
            }
            let lost_partner = self.best[other].is_some_and(|(_, partner)| partner == grown || partner == gone);
            if other == grown || lost_partner {
                self.choose(other);
            } else if other > grown {
                let pair = (self.added[place(grown, other)], grown);
                self.best[other] = self.best[other].min(Some(pair));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::causes::CauseSets;
    use super::super::graph::Graph;
    use super::super::sample::nixpkgs_shape;
    use super::*;

    /// Compares every pair at every step.
    fn merge_plainly(groups: &mut Groups, budget: usize, mut settled: Vec<bool>) {
        let mut alive: Vec<usize> = (0..groups.len()).collect();
        while alive.len() > budget {
            let pairs = alive.iter().flat_map(|&low| alive.iter().map(move |&high| (low, high)));
            let priced = pairs
                .filter(|(low, high)| low < high)
                .map(|(low, high)| (settled[low] && settled[high], groups.added(low, high), low, high));
            let (_, _, low, high) = priced.min().expect("two groups are left");
            groups.merge(low, high);
            settled[low] |= settled[high];
            alive.retain(|&group| group != high);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        #[test]
        fn bookkeeping_changes_nothing(
            count in 2_usize..50, seed: u64, budget in 1_usize..20, weight in 0.0..9.0_f64, settled: [bool; 50],
        ) {
            let units = nixpkgs_shape(count, seed);
            let weights = units.iter().step_by(3).map(|unit| (unit.id.clone(), weight)).collect::<BTreeMap<_, _>>();
            let graph = Graph::new(&units).expect("distinct");
            let causes = CauseSets::new(&graph, &weights).expect("small");
            let groups = || Groups::new(&graph, &causes, (0..count).map(|unit| vec![unit]).collect());
            let (mut quick, mut plain) = (groups(), groups());
            merge_around_settled(&mut quick, budget, settled[..count].to_vec());
            merge_plainly(&mut plain, budget, settled[..count].to_vec());
            prop_assert_eq!(quick.into_parts(), plain.into_parts());
        }
    }
}
