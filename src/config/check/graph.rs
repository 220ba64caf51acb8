//! `after`: who waits for whom.

use std::collections::{BTreeMap, BTreeSet};

use super::super::nearest::suggestion;
use super::super::source::At;
use super::scope::Scope;

/// Reports units that nobody declares, and circles.
pub(super) fn check(scope: &Scope<'_>, waits: &BTreeMap<&str, &[At<String>]>, entrypoint: &[At<String>]) {
    let all = waits.iter().flat_map(|(name, after)| after.iter().map(move |wanted| (Some(*name), wanted)));
    for (name, wanted) in all.chain(entrypoint.iter().map(|wanted| (None, wanted))) {
        if waits.contains_key(wanted.as_str()) {
            if name == Some(wanted.as_str()) {
                let help = "remove it".to_owned();
                scope.error(wanted.span(), format!("`{wanted}` waits for itself"), help);
            }
            continue;
        }
        let help = if wanted.as_str() == "entrypoint" {
            Some("the entrypoint starts last, when all daemons are ready".to_owned())
        } else {
            suggestion(wanted, "daemon", waits.keys().copied())
        };
        scope.error(wanted.span(), format!("no daemon `{wanted}` is declared"), help);
    }
    Search { waits, done: BTreeSet::new(), way: Vec::new(), steps: BTreeMap::new() }.run(scope);
}

struct Search<'a> {
    waits: &'a BTreeMap<&'a str, &'a [At<String>]>,
    done: BTreeSet<&'a str>,
    /// From where the search began to where it is, with how many of each unit's `after` were looked at.
    way: Vec<(&'a str, usize)>,
    /// The way's units, with their index in it.
    steps: BTreeMap<&'a str, usize>,
}

impl<'a> Search<'a> {
    /// Depth first, without recursion: thousands of daemons may wait in a row.
    fn run(&mut self, scope: &Scope<'_>) {
        for start in self.waits.keys() {
            self.enter(start);
            while let Some((name, next)) = self.way.last_mut() {
                let after = self.waits.get(name).copied().unwrap_or_default();
                let Some(wanted) = after.get(*next) else {
                    self.done.insert(*name);
                    self.steps.remove(*name);
                    self.way.pop();
                    continue;
                };
                *next += 1;
                let own = *name == wanted.as_str();
                match self.steps.get(wanted.as_str()) {
                    Some(&start) if !own => self.report(scope, start, wanted),
                    Some(_) => {}
                    None => self.enter(wanted.as_str()),
                }
            }
        }
    }

    fn enter(&mut self, name: &'a str) {
        if self.waits.contains_key(name) && !self.done.contains(name) {
            self.steps.insert(name, self.way.len());
            self.way.push((name, 0));
        }
    }

    fn report(&self, scope: &Scope<'_>, start: usize, closing: &At<String>) {
        let mut circle: Vec<_> = self.way[start..].iter().map(|(name, _)| format!("`{name}`")).collect();
        circle.push(format!("`{closing}`"));
        let message = format!("daemons wait for each other: {}", circle.join(" after "));
        scope.error(closing.span(), message, "take one of them out of `after`".to_owned());
    }
}
