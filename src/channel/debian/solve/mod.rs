//! Which packages a machine takes: what `apt-get install` takes in an empty root, or an explanation.
//!
//! Pure, and the same for the same candidates in any order. First apt's way is gone ([`greedy`]); where it fails, everything is
//! searched ([`exact`]); where there is nothing, it is explained ([`explain`]).

mod exact;
mod explain;
mod greedy;
mod offers;
#[cfg(test)]
mod tests;
mod unsolvable;
mod wish;

use std::collections::BTreeSet;

pub use unsolvable::{Unmet, Unsolvable};

use self::exact::NoSolution;
use self::greedy::Picks;
use self::offers::{Id, Offers};
use super::{Candidate, Chosen, Problem};

/// The packages to take, sorted by name, at most one version of a name.
pub fn solve(problem: &Problem, candidates: &[Candidate]) -> Result<Vec<Chosen>, Unsolvable> {
    let offers = Offers::new(problem, candidates);
    let wishes = wished(problem, &offers)?;
    let mut picks = Picks::new(&offers, &problem.recommending);
    if picks.fulfil(&wishes) {
        return Ok(with_dependencies(&offers, &picks, &needed(&offers, &picks, &wishes)));
    }
    match exact::search(&offers, &wishes, picks.chosen()) {
        Ok(found) => {
            let mut found_picks = Picks::new(&offers, &NO_CHANNELS);
            found_picks.adopt(&found);
            let kept: Vec<Id> = needed(&offers, &found_picks, &wishes).into_iter().collect();
            let mut picks = Picks::new(&offers, &problem.recommending);
            picks.adopt(&kept);
            Ok(with_dependencies(&offers, &picks, &needed(&offers, &picks, &wishes)))
        }
        Err(NoSolution::GaveUp) => Err(Unsolvable { unmet: vec![Unmet::GaveUp] }),
        Err(NoSolution::Impossible) => Err(Unsolvable { unmet: explain::explain(problem, &offers, &wishes) }),
    }
}

/// No recommendations are followed.
static NO_CHANNELS: BTreeSet<String> = BTreeSet::new();

/// The packages that answer each wish, the preferred one first.
fn wished(problem: &Problem, offers: &Offers<'_>) -> Result<Vec<Vec<Id>>, Unsolvable> {
    let (mut wishes, mut unmet) = (Vec::new(), Vec::new());
    for wish in &problem.wishes {
        match wish::answers(offers, wish) {
            Ok(answers) => wishes.push(answers),
            Err(error) => unmet.push(error),
        }
    }
    if unmet.is_empty() { Ok(wishes) } else { Err(Unsolvable { unmet }) }
}

/// What the wishes need of the picks: a search may leave behind packages that it needed for a while.
fn needed(offers: &Offers<'_>, picks: &Picks<'_>, wishes: &[Vec<Id>]) -> BTreeSet<Id> {
    let chosen: BTreeSet<Id> = picks.chosen().values().copied().collect();
    let mut open: Vec<Id> =
        wishes.iter().filter_map(|wish| wish.iter().copied().find(|id| chosen.contains(id))).collect();
    let mut needed = BTreeSet::new();
    while let Some(id) = open.pop() {
        if needed.insert(id) {
            open.extend(answers(offers, picks, id));
        }
    }
    needed
}

/// The picks that answer what `id` needs, and what it recommends where that is followed.
fn answers(offers: &Offers<'_>, picks: &Picks<'_>, id: Id) -> Vec<Id> {
    let Ok(relations) = offers.relations(id) else { return Vec::new() };
    let recommends = if picks.follows(id) { relations.recommends.as_slice() } else { &[] };
    relations.depends.iter().chain(recommends).filter_map(|group| picks.answer(group)).collect()
}

fn with_dependencies(offers: &Offers<'_>, picks: &Picks<'_>, ids: &BTreeSet<Id>) -> Vec<Chosen> {
    let chosen = |&id: &Id| {
        let names: BTreeSet<_> = answers(offers, picks, id).into_iter().filter(|&other| other != id).collect();
        // Ids are in the order of names.
        let depends = names.into_iter().map(|other| offers.candidate(other).name.clone()).collect();
        Chosen { candidate: offers.place(id), depends }
    };
    ids.iter().map(chosen).collect()
}
