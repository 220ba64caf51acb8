//! Why Debian packages are there that nobody asked for: which of the others depend on them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::lock::Lock;
use super::rebuilt::MOST;
use super::{Change, Kind};
use crate::config::System;
use crate::deb::PackageName;

/// Tells of each Debian package that was added which packages depend on it. What was asked for needs no reason.
pub(super) fn explain(lock: &Lock, packages: &mut [Change]) {
    let mut dependants = BTreeMap::<(System, &PackageName), BTreeSet<&PackageName>>::new();
    for ((system, name), deb) in &lock.debs {
        for needed in deb.depends.iter().filter(|needed| *needed != name) {
            dependants.entry((*system, needed)).or_default().insert(name);
        }
    }
    let asked: BTreeSet<(System, &PackageName)> =
        lock.requests.iter().filter_map(|((system, _), answer)| Some((*system, answer.deb.as_ref()?))).collect();
    for change in packages.iter_mut().filter(|change| change.kind == Kind::Added) {
        let (Some(system), Ok(name)) = (System::from_name(&change.system), change.name.parse::<PackageName>()) else {
            continue;
        };
        let of = dependants.get(&(system, &name)).filter(|_| !asked.contains(&(system, &name)));
        change.because = of.into_iter().flatten().take(MOST).map(ToString::to_string).collect();
    }
}
