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

use std::collections::{BTreeSet, VecDeque};

pub use unsolvable::{Unmet, Unsolvable};

use self::exact::NoSolution;
use self::greedy::Picks;
use self::offers::{Id, Offers};
use super::{Candidate, Chosen, Problem};
use crate::deb::Target;

/// The packages to take, sorted by name, at most one version of a name.
pub fn solve(problem: &Problem, candidates: &[Candidate]) -> Result<Vec<Chosen>, Unsolvable> {
    let offers = Offers::new(problem, candidates);
    let wishes = wished(problem, &offers)?;
    let mut picks = Picks::new(&offers, &problem.recommending);
    if !picks.fulfil(&wishes) {
        let found = searched(problem, &offers, &wishes, &picks)?;
        picks = Picks::of(&offers, &problem.recommending, &found);
        picks.recommend();
    }
    let needed = needed(&offers, &picks, &wishes);
    Ok(with_dependencies(&offers, &Picks::of(&offers, &problem.recommending, &needed)))
}

/// What the complete search finds, without what it needed for a while only. `favoured` is tried first.
fn searched(
    problem: &Problem,
    offers: &Offers<'_>,
    wishes: &[Vec<Id>],
    favoured: &Picks<'_>,
) -> Result<BTreeSet<Id>, Unsolvable> {
    match exact::search(offers, wishes, favoured.chosen()) {
        Ok(found) => {
            let found = found.into_iter().collect();
            Ok(needed(offers, &Picks::of(offers, &NO_CHANNELS, &found), wishes))
        }
        Err(NoSolution::GaveUp) => Err(Unsolvable { unmet: vec![Unmet::GaveUp] }),
        Err(NoSolution::Impossible) => Err(Unsolvable { unmet: explain::explain(problem, offers, wishes) }),
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

/// What the wishes need of the picks. Of several that provide a name and were not asked for by theirs, those stay that are needed
/// for something else, too: the others were picked by chance before.
fn needed(offers: &Offers<'_>, picks: &Picks<'_>, wishes: &[Vec<Id>]) -> BTreeSet<Id> {
    let granted = |wish: &Vec<Id>| wish.iter().copied().find(|&id| picks.is_chosen(id));
    let mut open: Vec<Id> = wishes.iter().filter_map(granted).collect();
    let (mut needed, mut several) = (BTreeSet::new(), VecDeque::new());
    loop {
        while let Some(id) = open.pop() {
            if needed.insert(id) {
                let answers = followed(offers, picks, id).map(|group| picks.answers(group));
                let (one, more): (Vec<_>, Vec<_>) = answers.partition(|answers| answers.len() == 1);
                open.extend(one.into_iter().flatten());
                several.extend(more);
            }
        }
        let Some(answers) = several.pop_front() else { return needed };
        if !answers.iter().any(|id| needed.contains(id)) {
            open.extend(answers.first());
        }
    }
}

/// What a package needs, and what it recommends where that is followed.
fn followed<'o>(offers: &'o Offers<'_>, picks: &Picks<'_>, id: Id) -> impl Iterator<Item = &'o [Target]> {
    let follows = picks.follows(id);
    let relations = offers.relations(id).ok();
    let recommends = relations.into_iter().filter(move |_| follows).flat_map(|relations| &relations.recommends);
    relations.into_iter().flat_map(|relations| &relations.depends).chain(recommends).map(Vec::as_slice)
}

fn with_dependencies(offers: &Offers<'_>, picks: &Picks<'_>) -> Vec<Chosen> {
    let chosen = |&id: &Id| {
        let answers = followed(offers, picks, id).filter_map(|group| picks.answer(group));
        // Ids are in the order of names.
        let others: BTreeSet<Id> = answers.filter(|&other| other != id).collect();
        let depends = others.into_iter().map(|other| offers.candidate(other).name.clone()).collect();
        Chosen { candidate: offers.place(id), depends }
    };
    picks.chosen().values().map(chosen).collect()
}
