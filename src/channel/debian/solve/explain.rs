//! Why there is no solution: the chain from the wish down to what is wrong.

mod clash;
mod hopeless;

use std::collections::BTreeMap;

use self::clash::Clash;
use self::hopeless::Hopeless;
use super::super::Problem;
use super::exact::{NoSolution, search};
use super::offers::{Id, Offers};
use super::unsolvable::Unmet;

/// Longer chains are shortened in their middle.
const LINKS: usize = 8;

/// Explains wishes of which it is known that they can't be met: those that can't be met alone, else the fewest that are in each other's way.
pub(super) fn explain(problem: &Problem, offers: &Offers<'_>, wishes: &[Vec<Id>]) -> Vec<Unmet> {
    let is_impossible = |wishes: &[Vec<Id>]| search(offers, wishes, &BTreeMap::new()) == Err(NoSolution::Impossible);
    let name = |place: usize| problem.wishes.get(place).map(ToString::to_string).unwrap_or_default();
    let alone = wishes.iter().enumerate().filter(|(_, wish)| is_impossible(std::slice::from_ref(wish)));
    let stuck = |(place, wish): (usize, &Vec<Id>)| Unmet::Stuck { wish: name(place), reason: reason(offers, &[wish]) };
    let unmet: Vec<_> = alone.map(stuck).collect();
    if !unmet.is_empty() {
        return unmet;
    }
    let mut fewest: Vec<usize> = (0..wishes.len()).collect();
    for place in 0..wishes.len() {
        let rest: Vec<usize> = fewest.iter().copied().filter(|&other| other != place).collect();
        if is_impossible(&of(wishes, &rest).cloned().collect::<Vec<_>>()) {
            fewest = rest;
        }
    }
    let reason = reason(offers, &of(wishes, &fewest).collect::<Vec<_>>());
    vec![Unmet::Together { wishes: fewest.into_iter().map(name).collect(), reason }]
}

fn of<'w>(wishes: &'w [Vec<Id>], places: &[usize]) -> impl Iterator<Item = &'w Vec<Id>> {
    places.iter().filter_map(|&place| wishes.get(place))
}

fn reason(offers: &Offers<'_>, wishes: &[&Vec<Id>]) -> String {
    let hopeless = Hopeless::find(offers, wishes);
    let lost = wishes.iter().find(|wish| wish.iter().all(|id| hopeless.holds(*id)));
    match lost.and_then(|wish| wish.first()) {
        Some(&id) => hopeless.chain(offers, id),
        None => Clash::find(offers, wishes, &hopeless),
    }
}

/// The links of a chain, without its middle where it is long.
fn shortened(links: &[String]) -> String {
    if links.len() <= LINKS {
        return links.join(", ");
    }
    let (first, last) = (links.get(..LINKS / 2), links.get(links.len() - LINKS / 2..));
    format!("{}, …, {}", first.unwrap_or_default().join(", "), last.unwrap_or_default().join(", "))
}
