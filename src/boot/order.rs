//! Who starts when: units by what they wait for.
//!
//! Pure: the same units give the same order, however they are listed.

use std::collections::BTreeMap;

use super::PlanUnit;

/// Units in the order of their start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order<T> {
    /// A wave starts when all it waits for, in earlier waves, is ready. Sorted by name within. Stopping goes the other way.
    pub waves: Vec<Vec<T>>,
    /// Units that wait for each other, or for one that does: none of them can ever start. Sorted by name.
    pub stuck: Vec<T>,
}

/// The order of a plan's units. A name in `after` that no unit has is waited for by nobody: the units of a user who is left out.
#[must_use]
pub fn order(units: &[PlanUnit]) -> Order<&PlanUnit> {
    let by_name: BTreeMap<&str, &PlanUnit> = units.iter().map(|unit| (unit.name.as_str(), unit)).collect();
    let after = by_name.iter().map(|(name, unit)| (*name, unit.after.iter().map(String::as_str).collect())).collect();
    let Order { waves, stuck } = order_names(&after);
    let units = |names: Vec<&str>| names.into_iter().filter_map(|name| by_name.get(name).copied()).collect();
    Order { waves: waves.into_iter().map(units).collect(), stuck: units(stuck) }
}

/// The same for names alone: each with those that it waits for. Takes time in proportion to what is given.
#[must_use]
pub fn order_names<'a>(after: &BTreeMap<&'a str, Vec<&'a str>>) -> Order<&'a str> {
    let mut missing: BTreeMap<&str, usize> = BTreeMap::new();
    let mut waiting: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, others) in after {
        let known = others.iter().filter(|other| after.contains_key(*other));
        missing.insert(name, known.clone().count());
        known.for_each(|other| waiting.entry(other).or_default().push(name));
    }
    let mut waves = Vec::new();
    let mut wave = missing.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect::<Vec<_>>();
    while !wave.is_empty() {
        let mut next = Vec::new();
        for name in &wave {
            missing.remove(name);
            for waiter in waiting.remove(name).unwrap_or_default() {
                let Some(count) = missing.get_mut(waiter) else { continue };
                *count -= 1;
                if *count == 0 {
                    next.push(waiter);
                }
            }
        }
        next.sort_unstable();
        waves.push(std::mem::replace(&mut wave, next));
    }
    Order { waves, stuck: missing.into_keys().collect() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn after(pairs: &'static [(&'static str, &'static [&'static str])]) -> BTreeMap<&'static str, Vec<&'static str>> {
        pairs.iter().map(|(name, others)| (*name, others.to_vec())).collect()
    }

    #[test]
    fn each_wave_waits_for_earlier_ones() {
        let units =
            after(&[("up", &["d", "log"]), ("d", &["log"]), ("log", &[]), ("sshd", &["gone"]), ("twice", &["d", "d"])]);
        let Order { waves, stuck } = order_names(&units);
        assert_eq!(waves, [vec!["log", "sshd"], vec!["d"], vec!["twice", "up"]]);
        assert!(stuck.is_empty());
    }

    #[test]
    fn circles_and_who_waits_for_them_are_told() {
        let units = after(&[("a", &["b"]), ("b", &["a"]), ("c", &["b"]), ("self", &["self"]), ("free", &[])]);
        let Order { waves, stuck } = order_names(&units);
        assert_eq!((waves, stuck), (vec![vec!["free"]], vec!["a", "b", "c", "self"]));
    }

    proptest! {
        #[test]
        fn everybody_stands_once_behind_what_they_wait_for(
            arrows in proptest::collection::vec((0usize..20, 0usize..24), 0..60)
        ) {
            let names = (0..24).map(|number| format!("u{number:02}")).collect::<Vec<_>>();
            let mut units: BTreeMap<&str, Vec<&str>> = names[..20].iter().map(|name| (name.as_str(), Vec::new())).collect();
            for (from, to) in &arrows {
                units.get_mut(names[*from].as_str()).unwrap().push(&names[*to]);
            }
            let Order { waves, stuck } = order_names(&units);
            prop_assert_eq!(waves.iter().map(Vec::len).sum::<usize>() + stuck.len(), units.len());
            let wave_of = |name: &str| waves.iter().position(|wave| wave.contains(&name));
            for (name, others) in &units {
                for other in others.iter().filter(|other| units.contains_key(*other)) {
                    prop_assert!(wave_of(name).is_none() || wave_of(other) < wave_of(name));
                }
                // Whoever is stuck waits for somebody who is.
                if stuck.contains(name) {
                    prop_assert!(others.iter().any(|other| stuck.contains(other)));
                }
            }
        }
    }
}
