//! Which place each suite is taken from.

use super::error::ArchiveError;
use super::release::{Loader, Verified};
use super::sites::{Site, Sites};

/// Archives that others stand beside, under the same suites' names.
const DISTRIBUTIONS: [&str; 2] = ["Debian", "Ubuntu"];

/// The Release file of each suite, in the suites' order.
pub(super) fn choose<'s>(
    channel: &str,
    sites: &'s Sites,
    loader: &Loader<'_>,
) -> Result<Vec<Verified<'s>>, ArchiveError> {
    let mut chosen: Vec<Verified<'s>> = Vec::new();
    for (index, first) in sites.all.iter().enumerate() {
        let name = &first.suite;
        if sites.all[..index].iter().any(|site| site.suite == *name) {
            continue;
        }
        let mut found = load_all(sites, name, loader)?;
        let origin = chosen.first().map(|verified| verified.release.origin.clone());
        let named = sites.archive.suites.contains(name);
        if let Some(index) = pick(&found, origin.as_deref(), named) {
            for other in found.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, other)| other) {
                leave_out(other, loader);
            }
            chosen.push(found.swap_remove(index));
        } else if found.is_empty() && (named || first.path == first.suite) {
            let places = of_suite(sites, name).map(|site| site.place.to_string()).collect();
            return Err(ArchiveError::NoSuite { channel: channel.to_owned(), suite: name.clone(), places });
        } else {
            for other in &found {
                leave_out(other, loader);
            }
        }
    }
    Ok(chosen)
}

fn of_suite<'s>(sites: &'s Sites, suite: &str) -> impl Iterator<Item = &'s Site> {
    sites.all.iter().filter(move |site| site.suite == suite)
}

/// The Release file of the first place that has the suite; of this machine's apt's all, as archives of others may be among them.
fn load_all<'s>(sites: &'s Sites, suite: &str, loader: &Loader<'_>) -> Result<Vec<Verified<'s>>, ArchiveError> {
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for site in of_suite(sites, suite) {
        match loader.load(site) {
            Ok(verified) => found.extend(verified),
            Err(fault) if sites.of_host => faults.push(fault),
            Err(fault) => return Err(fault),
        }
        if !sites.of_host && !found.is_empty() {
            break;
        }
    }
    if found.is_empty() && !faults.is_empty() {
        return Err(faults.swap_remove(0));
    }
    for fault in faults {
        loader.progress.warn(&format!("{fault}; going on without it"));
    }
    Ok(found)
}

/// The one of the same origin as the first suite; for that one a distribution's. A suite that the files name is taken in any case.
fn pick(found: &[Verified<'_>], origin: Option<&str>, named: bool) -> Option<usize> {
    let is_ours = |verified: &Verified<'_>| match origin {
        Some(origin) => verified.release.origin == origin,
        None => DISTRIBUTIONS.contains(&verified.release.origin.as_str()),
    };
    found.iter().position(is_ours).or_else(|| (named && !found.is_empty()).then_some(0))
}

fn leave_out(other: &Verified<'_>, loader: &Loader<'_>) {
    let (site, origin) = (other.site, &other.release.origin);
    tracing::debug!("{} at {} is left out; it is of {origin}", site.suite, site.place);
    loader.progress.note(&format!("{} at {} is left out (of {origin})", site.suite, site.place));
}
