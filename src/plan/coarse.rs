//! Merges near groups, for closures that are too large to compare every pair.
//!
//! Near means: a few places away in one of three orders. In depth-first post-order neighbours share referrers and
//! references; in order of causes, they change together; in order of volatility, at least equally often. At 8,000 units
//! this costs 1 to 3 % more than comparing every pair; post-order neighbours alone cost up to 30 % more.

use super::groups::Groups;

/// So many groups are compared pair by pair in well under a second.
pub(super) const ENOUGH: usize = 1_000;

/// Groups up to this many places away are near.
const REACH: usize = 8;

/// A round merges at most one group in this many.
const SHARE: usize = 4;

/// Merges the near groups that add least until at most `target` are left. `groups` stand in post-order.
/// Returns them sorted by their smallest unit.
pub(super) fn merge_near(mut groups: Groups, target: usize) -> Vec<Vec<usize>> {
    let mut row: Vec<usize> = (0..groups.len()).collect();
    while row.len() > target {
        let wanted = (row.len() - target).min((row.len() / SHARE).max(1));
        let merged = merge_round(&mut groups, &row, wanted);
        row.retain(|&group| !merged[group]);
    }
    groups.into_parts()
}

/// Merges up to `wanted` pairs, no group twice, and tells which groups are gone. As each group's neighbour is among the
/// candidates, at least a quarter of the groups find a partner, so rounds are few.
fn merge_round(groups: &mut Groups, row: &[usize], wanted: usize) -> Vec<bool> {
    let (mut busy, mut gone) = (vec![false; groups.len()], vec![false; groups.len()]);
    let mut left = wanted;
    for (_, low, high) in candidates(groups, row) {
        if left > 0 && !busy[low] && !busy[high] {
            groups.merge(low, high);
            (busy[low], busy[high], gone[high]) = (true, true, true);
            left -= 1;
        }
    }
    gone
}

/// Near pairs with what merging them adds, the least first.
fn candidates(groups: &Groups, row: &[usize]) -> Vec<(u128, usize, usize)> {
    let mut by_causes = row.to_vec();
    by_causes.sort_by(|&one, &other| groups.set(one).cmp(groups.set(other)));
    let mut by_volatility = row.to_vec();
    by_volatility.sort_by_key(|&group| groups.volatility(group));

    let mut pairs = near(row);
    pairs.extend(near(&by_causes));
    pairs.extend(near(&by_volatility));
    pairs.sort_unstable();
    pairs.dedup();
    let mut priced: Vec<_> = pairs.into_iter().map(|(low, high)| (groups.added(low, high), low, high)).collect();
    priced.sort_unstable();
    priced
}

fn near(order: &[usize]) -> Vec<(usize, usize)> {
    let within_reach = |(place, &one): (usize, &usize)| {
        order[place + 1..].iter().take(REACH).map(move |&other| (one.min(other), one.max(other)))
    };
    order.iter().enumerate().flat_map(within_reach).collect()
}
