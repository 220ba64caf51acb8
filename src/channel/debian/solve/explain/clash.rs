//! Packages that are in each other's way.

use std::collections::{BTreeMap, VecDeque};

use super::super::NO_CHANNELS;
use super::super::greedy::{Obstacle, Picks};
use super::super::offers::{Against, Id, Offers};
use super::hopeless::Hopeless;
use super::shortened;
use crate::deb::Target;

/// Two packages that can't stand together, and how it came that both are needed.
pub(super) struct Clash<'a> {
    offers: &'a Offers<'a>,
    picks: Picks<'a>,
    /// Who needs a package; a wish's own are not in it.
    parents: BTreeMap<Id, Id>,
    queues: Queues<'a>,
}

/// A package, a group of its dependencies, and what of its answers is not hopeless.
type Open<'a> = (Id, &'a [Target], Vec<Id>);

/// Groups that are still to be answered; those that leave no choice come first.
#[derive(Default)]
struct Queues<'a> {
    forced: VecDeque<Open<'a>>,
    free: VecDeque<Open<'a>>,
}

impl<'a> Queues<'a> {
    fn push(&mut self, id: Id, group: &'a [Target], viable: Vec<Id>) {
        let queue = if viable.len() == 1 { &mut self.forced } else { &mut self.free };
        queue.push_back((id, group, viable));
    }

    fn next(&mut self) -> Option<Open<'a>> {
        self.forced.pop_front().or_else(|| self.free.pop_front())
    }
}

impl<'a> Clash<'a> {
    /// Follows dependencies, those without a choice first, until all that answers one of them is barred by what is there.
    pub(super) fn find(offers: &'a Offers<'a>, wishes: &[&Vec<Id>], hopeless: &Hopeless<'_>) -> String {
        let mut clash = Self {
            offers,
            picks: Picks::new(offers, &NO_CHANNELS),
            parents: BTreeMap::new(),
            queues: Queues::default(),
        };
        clash.follow(wishes, hopeless).err().unwrap_or_else(unclear)
    }

    fn follow(&mut self, wishes: &[&Vec<Id>], hopeless: &Hopeless<'_>) -> Result<(), String> {
        let viable = |ids: &[Id]| ids.iter().copied().filter(|&id| !hopeless.holds(id)).collect::<Vec<_>>();
        for wish in wishes {
            self.add(&viable(wish), hopeless)?;
        }
        while let Some((parent, group, viable)) = self.queues.next() {
            if self.picks.answer(group).is_none() {
                for &id in &viable {
                    self.parents.entry(id).or_insert(parent);
                }
                self.add(&viable, hopeless)?;
            }
        }
        Ok(())
    }

    /// Adds the first of these that nothing speaks against; else tells what speaks against the first.
    fn add(&mut self, viable: &[Id], hopeless: &Hopeless<'_>) -> Result<(), String> {
        if viable.iter().any(|&id| self.picks.is_chosen(id)) {
            return Ok(());
        }
        let Some(id) = viable.iter().copied().find(|&id| self.picks.choose(id)) else {
            return Err(viable.first().map_or_else(unclear, |&id| self.obstacle(id)));
        };
        for group in self.offers.relations(id).map(|relations| relations.depends.as_slice()).unwrap_or_default() {
            let mut viable = self.offers.choices(group);
            viable.retain(|&id| !hopeless.holds(id));
            self.queues.push(id, group, viable);
        }
        Ok(())
    }

    fn obstacle(&self, id: Id) -> String {
        match self.picks.obstacle(id) {
            Some(Obstacle::Against { by, against, hit }) => self.against(by, against, hit),
            Some(Obstacle::OtherVersion(other)) => self.two_versions(id, other),
            Some(Obstacle::Unreadable) | None => unclear(),
        }
    }

    /// `a 1.0 depends on x, x 2.0 conflicts with c, which b depends on`
    fn against(&self, by: Id, against: &Against, hit: Id) -> String {
        let target = &against.target;
        let mut links = self.down_to(by);
        links.push(format!("{} {} {target}", self.offers.describe(by), against.verb));
        let name = &self.offers.candidate(hit).name;
        let is_it = match () {
            () if *name != target.name => format!(", which {name} provides"),
            () if target.version.is_some() => format!(", which {} is", self.offers.describe(hit)),
            () => String::new(),
        };
        format!("{}{is_it}{}", shortened(&links), self.up_from(hit))
    }

    /// `b 1 depends on c 1, but there is c 2, which a depends on`
    fn two_versions(&self, id: Id, other: Id) -> String {
        let mut links = self.down_to(id);
        let wanted = match links.pop() {
            Some(link) => format!("{link} {}", self.offers.candidate(id).version),
            None => self.offers.describe(id),
        };
        links.push(wanted);
        format!("{}, but there is {}{}", shortened(&links), self.offers.describe(other), self.up_from(other))
    }

    /// `a 1.0 depends on x`, `x 1.0 depends on y`, …, down to who depends on `id`.
    fn down_to(&self, id: Id) -> Vec<String> {
        let link = |pair: &[Id]| match pair {
            [parent, child] => {
                format!("{} depends on {}", self.offers.describe(*parent), self.offers.candidate(*child).name)
            }
            _ => String::new(),
        };
        let mut path = self.ancestors(id);
        path.reverse();
        path.push(id);
        path.windows(2).map(link).collect()
    }

    /// `, which b depends on, which a depends on`
    fn up_from(&self, id: Id) -> String {
        let ancestors = self.ancestors(id);
        let which: Vec<_> =
            ancestors.iter().map(|&id| format!("which {} depends on", self.offers.candidate(id).name)).collect();
        if which.is_empty() { String::new() } else { format!(", {}", shortened(&which)) }
    }

    /// Who needs it, who needs that, up to a wish.
    fn ancestors(&self, id: Id) -> Vec<Id> {
        let mut ancestors = Vec::new();
        let mut at = id;
        while let Some(&parent) = self.parents.get(&at).filter(|parent| !ancestors.contains(*parent)) {
            ancestors.push(parent);
            at = parent;
        }
        ancestors
    }
}

/// What can be said where two packages can't be named.
fn unclear() -> String {
    "what they need is in each other's way".to_owned()
}
