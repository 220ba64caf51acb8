//! Keeps what the previous plan put together.
//!
//! A plan from scratch may regroup everything when one package comes, and everybody pulls it again. So units stay where
//! units of their key stood, and new ones join where they add least.

use std::collections::{BTreeMap, BTreeSet};

use super::causes::CauseSets;
use super::graph::Graph;
use super::groups::Groups;
use super::{Unit, coarse, greedy};

/// Groups as in `previous`, new units joined; `None` where that has more groups than can be compared.
pub(super) fn keep<'c>(
    graph: &Graph,
    causes: &'c CauseSets,
    budget: usize,
    previous: &[Vec<String>],
) -> Option<Groups<'c>> {
    let (kept, new) = split(graph, previous);
    let room = budget.max(coarse::ENOUGH).checked_sub(kept.len())?.max(1);
    let new = coarse::merge_near(Groups::new(graph, causes, new), room);
    let mut parts: Vec<(Vec<usize>, bool)> =
        kept.into_iter().map(|part| (part, true)).chain(new.into_iter().map(|part| (part, false))).collect();
    parts.sort_unstable();
    let (parts, settled) = parts.into_iter().unzip();
    let mut groups = Groups::new(graph, causes, parts);
    greedy::merge_around_settled(&mut groups, budget, settled);
    Some(groups)
}

/// Whether `kept` costs more than 1.25 times what `fresh` does.
pub(super) fn too_dear(kept: &Groups, fresh: &Groups) -> bool {
    kept.cost() * 4 > fresh.cost() * 5
}

/// Units that stood in a previous group, by group, each sorted; and the others alone, in post-order.
fn split(graph: &Graph, previous: &[Vec<String>]) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
    let mut group_of: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, group) in previous.iter().enumerate() {
        for label in group {
            group_of.entry(label).or_insert(number);
        }
    }
    let units: Vec<&Unit> = (0..graph.len()).map(|unit| graph.unit(unit)).collect();
    let labels = labels(units.iter().copied());
    let (mut kept, mut new) = (BTreeMap::new(), Vec::new());
    for unit in graph.post_order() {
        match group_of.get(labels[unit].as_str()) {
            Some(group) => kept.entry(group).or_insert_with(Vec::new).push(unit),
            None => new.push(vec![unit]),
        }
    }
    let sorted = |mut part: Vec<usize>| {
        part.sort_unstable();
        part
    };
    (kept.into_values().map(sorted).collect(), new)
}

/// A unique label for each unit that outlives its version: the key; of several units with one key (two glibcs) the one
/// that most units refer to has it, the others `key#2`, `key#3`, ….
pub(super) fn labels<'a>(units: impl IntoIterator<Item = &'a Unit>) -> Vec<String> {
    let units: Vec<&Unit> = units.into_iter().collect();
    let mut referrers: BTreeMap<&str, usize> = BTreeMap::new();
    for id in units.iter().flat_map(|unit| unit.references.iter().collect::<BTreeSet<_>>()) {
        *referrers.entry(id).or_default() += 1;
    }
    let popularity = |unit: &Unit| referrers.get(unit.id.as_str()).copied().unwrap_or(0);
    let mut order: Vec<usize> = (0..units.len()).collect();
    order.sort_by_key(|&index| (&units[index].key, std::cmp::Reverse(popularity(units[index])), &units[index].id));

    let keys: BTreeSet<&str> = units.iter().map(|unit| unit.key.as_str()).collect();
    let mut labels = vec![String::new(); units.len()];
    let (mut key, mut ordinal) = (None, 1);
    for index in order {
        let this = units[index].key.as_str();
        if key == Some(this) {
            ordinal += 1;
            while keys.contains(format!("{this}#{ordinal}").as_str()) {
                ordinal += 1;
            }
            labels[index] = format!("{this}#{ordinal}");
        } else {
            (key, ordinal) = (Some(this), 1);
            this.clone_into(&mut labels[index]);
        }
    }
    labels
}
