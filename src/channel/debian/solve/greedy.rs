//! apt's way to a set of packages: depth first, the first alternative that works, never a step back behind one that did.
//!
//! Where nothing is in conflict, which is nearly always, this finds what apt would take, and it is the answer. Where it fails, a
//! real solver takes over ([`super::exact`]) and prefers what was picked here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::offers::{Against, Id, Offers};
use crate::deb::Target;

/// Deeper chains of dependencies are left to the real solver. The longest of Debian's have some 60 links.
const DEEPEST: usize = 400;

/// So many packages are tried at most, counted with repetition: a hostile archive could make it exponential.
const STEPS: usize = 1_000_000;

/// What keeps a package out of a set.
#[derive(Debug, Clone, Copy)]
pub(super) enum Obstacle<'a> {
    /// Its relations can't be read.
    Unreadable,
    /// Another version of it is there.
    OtherVersion(Id),
    /// `by` is against `hit`; one of the two is the package itself, the other is there.
    Against { by: Id, against: &'a Against, hit: Id },
}

/// Packages that stand together.
pub(super) struct Picks<'a> {
    offers: &'a Offers<'a>,
    /// Channels whose recommendations are followed.
    recommending: &'a BTreeSet<String>,
    /// The packages by name.
    chosen: BTreeMap<&'a str, Id>,
    /// The same, in the order in which they were chosen.
    trail: Vec<Id>,
    /// Which of the chosen have a name, or provide it.
    answering: HashMap<&'a str, Vec<Id>>,
    /// What the chosen are against, by name.
    against: HashMap<&'a str, Vec<(Id, &'a Against)>>,
    /// What did not work once is not tried again.
    dead: BTreeSet<Id>,
    steps: usize,
}

impl<'a> Picks<'a> {
    /// Nothing is chosen yet.
    pub(super) fn new(offers: &'a Offers<'a>, recommending: &'a BTreeSet<String>) -> Self {
        let (chosen, trail, steps) = (BTreeMap::new(), Vec::new(), 0);
        let (answering, against, dead) = (HashMap::new(), HashMap::new(), BTreeSet::new());
        Self { offers, recommending, chosen, trail, answering, against, dead, steps }
    }

    /// The chosen packages, by name.
    pub(super) fn chosen(&self) -> &BTreeMap<&'a str, Id> {
        &self.chosen
    }

    /// Chooses the first of each wish's packages, then what they need. False: something did not work, and was left out.
    pub(super) fn fulfil(&mut self, wishes: &[Vec<Id>]) -> bool {
        let mut complete = true;
        let mut granted = Vec::new();
        for wish in wishes {
            match wish.iter().find(|id| self.is_chosen(**id)).or(wish.first()) {
                Some(&id) if self.is_chosen(id) || self.choose(id) => granted.push(id),
                _ => complete = false,
            }
        }
        // As in apt, what is wished for answers others' dependencies wherever it can, so all of it is chosen before the first of them.
        for id in granted {
            complete &= self.complete(id, 0, true);
        }
        complete
    }

    /// A set that is known to stand together.
    pub(super) fn of(offers: &'a Offers<'a>, recommending: &'a BTreeSet<String>, ids: &BTreeSet<Id>) -> Self {
        let mut picks = Self::new(offers, recommending);
        for &id in ids {
            picks.choose(id);
        }
        picks
    }

    /// Adds what the packages recommend where that can be.
    pub(super) fn recommend(&mut self) {
        for id in self.trail.clone() {
            self.recommended(id, 0);
        }
    }

    /// The chosen package that answers the first of the alternatives that is answered at all.
    pub(super) fn answer(&self, group: &[Target]) -> Option<Id> {
        self.answers(group).first().copied()
    }

    /// All that answer the first of the alternatives that is answered at all; where one of them has the very name, it alone. Sorted.
    pub(super) fn answers(&self, group: &[Target]) -> Vec<Id> {
        let answers = |target: &Target| -> Vec<Id> {
            let ids = self.answering.get(target.name.as_str()).into_iter().flatten().copied();
            let mut answers: Vec<Id> = ids.filter(|&id| self.offers.answers(id, target)).collect();
            answers.sort_unstable();
            answers.dedup();
            match answers.iter().find(|&&id| self.offers.candidate(id).name == target.name) {
                Some(&own) => vec![own],
                None => answers,
            }
        };
        group.iter().map(answers).find(|answers| !answers.is_empty()).unwrap_or_default()
    }

    /// What keeps `id` from being chosen: the first obstacle there is.
    pub(super) fn obstacle(&self, id: Id) -> Option<Obstacle<'a>> {
        let Ok(relations) = self.offers.relations(id) else { return Some(Obstacle::Unreadable) };
        let name = self.offers.candidate(id).name.as_str();
        if let Some(&other) = self.chosen.get(name) {
            return (other != id).then_some(Obstacle::OtherVersion(other));
        }
        let provided = relations.provides.iter().map(|provided| provided.name.as_str());
        let against_this = std::iter::once(name).chain(provided).find_map(|name| {
            let mut chosen = self.against.get(name)?.iter();
            let &(by, against) = chosen.find(|(_, against)| self.offers.answers(id, &against.target))?;
            Some(Obstacle::Against { by, against, hit: id })
        });
        against_this.or_else(|| {
            relations.against.iter().find_map(|against| {
                let mut others = self.answering.get(against.target.name.as_str())?.iter();
                let &hit = others.find(|&&other| self.offers.answers(other, &against.target))?;
                Some(Obstacle::Against { by: id, against, hit })
            })
        })
    }

    /// Whether what this package recommends is taken, too.
    pub(super) fn follows(&self, id: Id) -> bool {
        self.recommending.contains(&self.offers.candidate(id).channel)
    }

    /// Whether this very package is chosen.
    pub(super) fn is_chosen(&self, id: Id) -> bool {
        self.chosen.get(self.offers.candidate(id).name.as_str()) == Some(&id)
    }

    /// Chooses a package with all that it needs, or nothing of it.
    fn install(&mut self, id: Id, depth: usize) -> bool {
        if self.is_chosen(id) {
            return true;
        }
        let mark = self.trail.len();
        if self.dead.contains(&id) || depth > DEEPEST || !self.choose(id) || !self.complete(id, depth, false) {
            self.dead.insert(id);
            self.go_back(mark);
            return false;
        }
        true
    }

    /// Chooses what a chosen package needs. With `to_the_end`, the rest is chosen even if something can't be.
    fn complete(&mut self, id: Id, depth: usize, to_the_end: bool) -> bool {
        let Ok(relations) = self.offers.relations(id) else { return false };
        let mut complete = true;
        for group in &relations.depends {
            complete &= self.satisfy(group, depth);
            if !complete && !to_the_end {
                return false;
            }
        }
        self.recommended(id, depth);
        complete
    }

    fn recommended(&mut self, id: Id, depth: usize) {
        let Ok(relations) = self.offers.relations(id) else { return };
        if self.follows(id) {
            for group in &relations.recommends {
                self.satisfy(group, depth);
            }
        }
    }

    fn satisfy(&mut self, group: &[Target], depth: usize) -> bool {
        self.answer(group).is_some() || self.offers.choices(group).into_iter().any(|id| self.install(id, depth + 1))
    }

    /// Adds a package, unless something chosen is in its way.
    pub(super) fn choose(&mut self, id: Id) -> bool {
        self.steps += 1;
        let Ok(relations) = self.offers.relations(id) else { return false };
        if self.steps > STEPS || self.obstacle(id).is_some() {
            return false;
        }
        let name = self.offers.candidate(id).name.as_str();
        self.chosen.insert(name, id);
        self.trail.push(id);
        for name in std::iter::once(name).chain(relations.provides.iter().map(|provided| provided.name.as_str())) {
            self.answering.entry(name).or_default().push(id);
        }
        for against in &relations.against {
            self.against.entry(against.target.name.as_str()).or_default().push((id, against));
        }
        true
    }

    /// Takes back what was chosen since the trail was so long. Every list grew at its end, so it shrinks there.
    fn go_back(&mut self, mark: usize) {
        for id in self.trail.split_off(mark).into_iter().rev() {
            let name = self.offers.candidate(id).name.as_str();
            self.chosen.remove(name);
            let Ok(relations) = self.offers.relations(id) else { continue };
            for name in std::iter::once(name).chain(relations.provides.iter().map(|provided| provided.name.as_str())) {
                self.answering.get_mut(name).map(Vec::pop);
            }
            for against in &relations.against {
                self.against.get_mut(against.target.name.as_str()).map(Vec::pop);
            }
        }
    }
}
