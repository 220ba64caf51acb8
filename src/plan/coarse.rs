//! Merges neighbours in depth-first post-order, for closures that are too large to compare every pair.
//!
//! What stands next to each other in that order mostly shares its referrers and references, so that little is lost:
//! about half a percent of the cost at 10,000 units.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::groups::Groups;

/// So many groups are compared pair by pair in well under a second.
pub(super) const ENOUGH: usize = 1_000;

/// Merges the neighbours that add least until at most `target` groups are left. `groups` stand in post-order.
/// Returns them sorted by their smallest unit.
pub(super) fn merge_neighbours(groups: Groups, target: usize) -> Vec<Vec<usize>> {
    let mut left = groups.len();
    let mut row = Row::new(groups);
    while left > target
        && let Some(group) = row.cheapest()
    {
        row.merge_with_next(group);
        left -= 1;
    }
    row.groups.into_parts()
}

/// A linked list of groups with the cost of merging each with its next.
struct Row<'c> {
    groups: Groups<'c>,
    next: Vec<Option<usize>>,
    before: Vec<Option<usize>>,
    /// What merging a group with its next adds today; `None` without a next. Heap entries that differ are outdated.
    added: Vec<Option<u128>>,
    heap: BinaryHeap<Reverse<(u128, usize)>>,
}

impl<'c> Row<'c> {
    fn new(groups: Groups<'c>) -> Self {
        let count = groups.len();
        let next = (1..=count).map(|next| (next < count).then_some(next)).collect();
        let before = (0..count).map(|group| group.checked_sub(1)).collect();
        let mut row = Self { groups, next, before, added: vec![None; count], heap: BinaryHeap::new() };
        (0..count).for_each(|group| row.compare(group));
        row
    }

    fn compare(&mut self, group: usize) {
        self.added[group] = self.next[group].map(|next| self.groups.added(group, next));
        self.heap.extend(self.added[group].map(|added| Reverse((added, group))));
    }

    fn cheapest(&mut self) -> Option<usize> {
        while let Some(Reverse((added, group))) = self.heap.pop() {
            if self.added[group] == Some(added) {
                return Some(group);
            }
        }
        None
    }

    fn merge_with_next(&mut self, group: usize) {
        let Some(gone) = self.next[group] else { return };
        self.groups.merge(group, gone);
        self.added[gone] = None;
        self.next[group] = self.next[gone];
        if let Some(next) = self.next[group] {
            self.before[next] = Some(group);
        }
        self.compare(group);
        if let Some(before) = self.before[group] {
            self.compare(before);
        }
    }
}
