//! Packages that nothing can help, whatever else is taken.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::super::offers::{Id, Offers};
use super::super::unsolvable::listed;
use super::shortened;
use crate::deb::Target;

/// Packages that nothing can help: with the group of their dependencies that nothing answers, or none where they can't even be read.
pub(super) struct Hopeless<'a>(BTreeMap<Id, Option<&'a [Target]>>);

/// Everything that some wishes could ever need.
#[derive(Default)]
struct Reach<'a> {
    /// Whose dependency it is, and how many of its answers are not known to be hopeless.
    groups: Vec<(Id, &'a [Target], usize)>,
    /// In which of the groups a package is an answer.
    answering: BTreeMap<Id, Vec<usize>>,
    /// Packages that are hopeless by themselves.
    lost: VecDeque<(Id, Option<&'a [Target]>)>,
}

impl<'a> Reach<'a> {
    fn of(offers: &'a Offers<'_>, wishes: &[&Vec<Id>]) -> Self {
        let mut reach = Self::default();
        let mut open: Vec<Id> = wishes.iter().flat_map(|wish| wish.iter().copied()).collect();
        let mut seen = BTreeSet::new();
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            match offers.relations(id) {
                Ok(relations) => relations.depends.iter().for_each(|group| open.extend(reach.add(offers, id, group))),
                Err(_) => reach.lost.push_back((id, None)),
            }
        }
        reach
    }

    /// Adds a group of `id`'s dependencies, and gives its answers.
    fn add(&mut self, offers: &Offers<'_>, id: Id, group: &'a [Target]) -> Vec<Id> {
        let choices = offers.choices(group);
        for &choice in &choices {
            self.answering.entry(choice).or_default().push(self.groups.len());
        }
        if choices.is_empty() {
            self.lost.push_back((id, Some(group)));
        }
        self.groups.push((id, group, choices.len()));
        choices
    }
}

impl<'a> Hopeless<'a> {
    /// Looks at everything that the wishes could ever need. What makes a package hopeless was found before it.
    pub(super) fn find(offers: &'a Offers<'_>, wishes: &[&Vec<Id>]) -> Self {
        let Reach { mut groups, answering, mut lost } = Reach::of(offers, wishes);
        let mut found = BTreeMap::new();
        while let Some((id, why)) = lost.pop_front() {
            if found.contains_key(&id) {
                continue;
            }
            found.insert(id, why);
            for &place in answering.get(&id).into_iter().flatten() {
                let Some((asker, group, left)) = groups.get_mut(place) else { continue };
                *left = left.saturating_sub(1);
                if *left == 0 {
                    lost.push_back((*asker, Some(*group)));
                }
            }
        }
        Self(found)
    }

    /// Whether the package is one of them.
    pub(super) fn holds(&self, id: Id) -> bool {
        self.0.contains_key(&id)
    }

    /// `foo 1.2 depends on bar (>= 3), of which there is 2.9`
    pub(super) fn chain(&self, offers: &Offers<'_>, id: Id) -> String {
        let (mut links, mut next) = (Vec::new(), Some(id));
        while let Some(id) = next.take() {
            let described = offers.describe(id);
            if let Some(Some(group)) = self.0.get(&id) {
                let depends = format!("{described} depends on {}", written(group));
                next = offers.choices(group).first().copied();
                links.push(if next.is_some() { depends } else { format!("{depends}, {}", missing(offers, group)) });
            } else {
                let fault = offers.relations(id).err().unwrap_or_default();
                links.push(format!("{described} can't be read: {fault}"));
            }
        }
        shortened(&links)
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
