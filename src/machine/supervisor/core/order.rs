//! Who waits for whom.

use std::collections::{BTreeMap, BTreeSet};

use super::{Role, State, Unit};

/// Units that wait for themselves, directly or through others.
pub(super) fn circular(units: &BTreeMap<String, Unit>) -> Vec<String> {
    // Whoever waits for nobody that is left, goes; then whoever nobody waits for. What is left is circles and the ways between them.
    let mut left: BTreeSet<&str> = units.keys().map(String::as_str).collect();
    loop {
        let before = left.len();
        let waits = |name: &str, left: &BTreeSet<&str>| {
            units[name].plan.after.iter().any(|other| left.contains(other.as_str()))
        };
        let awaited: BTreeSet<&str> =
            left.iter().flat_map(|name| units[*name].plan.after.iter().map(String::as_str)).collect();
        let keep: BTreeSet<&str> =
            left.iter().copied().filter(|name| awaited.contains(name) && waits(name, &left)).collect();
        left = keep;
        if left.len() == before {
            return left.into_iter().map(str::to_owned).collect();
        }
    }
}

/// For each unit that waits in vain, what for: a unit that stays down, one that is not there, or one that itself waits in vain.
pub(super) fn hopeless(units: &BTreeMap<String, Unit>) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    loop {
        let before = found.len();
        for (name, unit) in units.iter().filter(|(_, unit)| unit.state == State::Waiting) {
            if found.contains_key(name) {
                continue;
            }
            let reason = unit.plan.after.iter().find_map(|other| match units.get(other) {
                None => Some(format!("waits for `{other}`, which does not exist")),
                Some(dependency) if matches!(dependency.state, State::Down(_)) || found.contains_key(other) => {
                    Some(format!("waits for `{other}`, which stays down"))
                }
                Some(_) => None,
            });
            if let Some(reason) = reason {
                found.insert(name.clone(), reason);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// Whether all that `unit` waits for is ready.
pub(super) fn may_start(unit: &Unit, units: &BTreeMap<String, Unit>) -> bool {
    unit.plan.after.iter().all(|other| units.get(other).is_some_and(Unit::is_ready))
}

/// Whether nothing that lives needs `unit` any more: all wait for the machine's own parts, and the foreground for everything.
pub(super) fn may_stop(unit: &Unit, units: &BTreeMap<String, Unit>) -> bool {
    units.values().filter(|other| other.is_alive() && other.plan.name != unit.plan.name).all(|other| {
        let needs = other.role == Role::Foreground
            || (unit.role == Role::Internal && other.role != Role::Internal)
            || other.plan.after.contains(&unit.plan.name);
        !needs
    })
}
