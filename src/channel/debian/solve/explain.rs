//! Why there is no solution: the chain from the wish down to what is wrong.

use std::collections::{BTreeMap, VecDeque};

use super::super::Problem;
use super::NO_CHANNELS;
use super::exact::{NoSolution, search};
use super::greedy::{Obstacle, Picks};
use super::offers::{Against, Id, Offers};
use super::unsolvable::{Unmet, listed};
use crate::deb::Target;

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
    let lost = wishes.iter().find(|wish| wish.iter().all(|id| hopeless.0.contains_key(id)));
    match lost.and_then(|wish| wish.first()) {
        Some(&id) => hopeless.chain(offers, id),
        None => Clash::find(offers, wishes, &hopeless),
    }
}

/// Packages that nothing can help: with the group of their dependencies that nothing answers, or none where they can't even be read.
struct Hopeless<'a>(BTreeMap<Id, Option<&'a [Target]>>);

impl<'a> Hopeless<'a> {
    /// Looks at everything that the wishes could ever need. Each package's reason was found after the reasons of what it needs.
    fn find(offers: &'a Offers<'_>, wishes: &[&Vec<Id>]) -> Self {
        let mut open: Vec<Id> = wishes.iter().flat_map(|wish| wish.iter().copied()).collect();
        // For each group that was seen: whose it is, and how many of its answers are not hopeless.
        let mut groups: Vec<(Id, &'a [Target], usize)> = Vec::new();
        let mut asking: BTreeMap<Id, Vec<usize>> = BTreeMap::new();
        let (mut found, mut queue) = (BTreeMap::new(), VecDeque::new());
        let mut seen = std::collections::BTreeSet::new();
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            let Ok(relations) = offers.relations(id) else {
                queue.push_back((id, None));
                continue;
            };
            for group in &relations.depends {
                let choices = offers.choices(group);
                choices.iter().for_each(|&choice| asking.entry(choice).or_default().push(groups.len()));
                if choices.is_empty() {
                    queue.push_back((id, Some(group.as_slice())));
                }
                groups.push((id, group, choices.len()));
                open.extend(choices);
            }
        }
        while let Some((id, why)) = queue.pop_front() {
            if found.contains_key(&id) {
                continue;
            }
            found.insert(id, why);
            for place in asking.get(&id).into_iter().flatten() {
                let Some((asker, group, left)) = groups.get_mut(*place) else { continue };
                *left = left.saturating_sub(1);
                if *left == 0 {
                    queue.push_back((*asker, Some(*group)));
                }
            }
        }
        Self(found)
    }

    /// `foo 1.2 depends on bar (>= 3), of which there is 2.9`
    fn chain(&self, offers: &Offers<'_>, id: Id) -> String {
        let (mut links, mut next) = (Vec::new(), Some(id));
        while let Some(id) = next.take() {
            let described = offers.describe(id);
            match self.0.get(&id) {
                Some(Some(group)) => {
                    let depends = format!("{described} depends on {}", written(group));
                    next = offers.choices(group).first().copied();
                    links.push(if next.is_some() { depends } else { format!("{depends}, {}", missing(offers, group)) });
                }
                _ => {
                    links.push(format!("{described} can't be read: {}", offers.relations(id).err().unwrap_or_default()))
                }
            }
        }
        shortened(&links)
    }
}

/// Two packages that can't stand together, and how it came that both are needed.
struct Clash<'a> {
    offers: &'a Offers<'a>,
    picks: Picks<'a>,
    /// Who needs a package; a wish's own are not in it.
    parents: BTreeMap<Id, Id>,
}

impl<'a> Clash<'a> {
    /// Follows dependencies, those without a choice first, until all that answers one of them is barred by what is there.
    fn find(offers: &'a Offers<'a>, wishes: &[&Vec<Id>], hopeless: &Hopeless<'_>) -> String {
        let mut clash = Self { offers, picks: Picks::new(offers, &NO_CHANNELS), parents: BTreeMap::new() };
        let (mut forced, mut free) = (VecDeque::new(), VecDeque::new());
        let mut added: Vec<Id> = Vec::new();
        for wish in wishes {
            let viable: Vec<Id> = wish.iter().copied().filter(|id| !hopeless.0.contains_key(id)).collect();
            match clash.add(&viable) {
                Ok(id) => added.push(id),
                Err(reason) => return reason,
            }
        }
        loop {
            for id in added.drain(..) {
                for group in offers.relations(id).map(|relations| relations.depends.as_slice()).unwrap_or_default() {
                    let mut viable = offers.choices(group);
                    viable.retain(|id| !hopeless.0.contains_key(id));
                    let queue = if viable.len() == 1 { &mut forced } else { &mut free };
                    queue.push_back((id, group, viable));
                }
            }
            let Some((parent, group, viable)) = forced.pop_front().or_else(|| free.pop_front()) else {
                return "what they need is in each other's way".to_owned();
            };
            if clash.picks.answer(group).is_none() {
                viable.iter().for_each(|&id| _ = clash.parents.entry(id).or_insert(parent));
                match clash.add(&viable) {
                    Ok(id) => added.push(id),
                    Err(reason) => return reason,
                }
            }
        }
    }

    /// Adds the first of these that nothing speaks against; else tells what speaks against the first.
    fn add(&mut self, viable: &[Id]) -> Result<Id, String> {
        let free = viable.iter().copied().find(|&id| self.picks.obstacle(id).is_none());
        let chosen = viable.iter().copied().find(|id| self.picks.chosen().values().any(|chosen| chosen == id));
        if let Some(id) = chosen.or(free) {
            self.picks.choose(id);
            return Ok(id);
        }
        let first = viable.first().copied();
        let obstacle = first.and_then(|id| Some((id, self.picks.obstacle(id)?)));
        Err(match obstacle {
            Some((_, Obstacle::Against { by, against, hit })) => self.against(by, against, hit),
            Some((id, Obstacle::OtherVersion(other))) => self.two_versions(id, other),
            _ => "what they need is in each other's way".to_owned(),
        })
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

fn written(group: &[Target]) -> String {
    group.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")
}

/// What is wrong with a group that nothing answers.
fn missing(offers: &Offers<'_>, group: &[Target]) -> String {
    let [target] = group else { return "none of which is to be had".to_owned() };
    let mut versions: Vec<_> =
        offers.named(target.name.as_str()).map(|id| offers.candidate(id).version.clone()).collect();
    versions.sort();
    versions.dedup();
    let versions: Vec<_> = versions.iter().rev().map(ToString::to_string).collect();
    let is_known = !versions.is_empty() || !offers.providers(target.name.as_str()).is_empty();
    match &target.version {
        Some(_) if !versions.is_empty() => format!("of which there is {}", listed(&versions)),
        Some(_) if is_known => "which is provided in no such version".to_owned(),
        _ if is_known => "which is not to be had for that architecture".to_owned(),
        _ => "which no archive has".to_owned(),
    }
}

fn shortened(links: &[String]) -> String {
    if links.len() <= LINKS {
        return links.join(", ");
    }
    let (first, last) = (links.get(..LINKS / 2), links.get(links.len() - LINKS / 2..));
    format!("{}, …, {}", first.unwrap_or_default().join(", "), last.unwrap_or_default().join(", "))
}
