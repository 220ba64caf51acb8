//! Wishes to the packages that answer them, before anything is solved.

use std::collections::BTreeSet;

use super::super::Wish;
use super::offers::{Id, Offers};
use super::unsolvable::Unmet;
use crate::channel::index::nearest;
use crate::deb::Target;

/// The packages that answer the wish, the preferred one first; never none.
pub(super) fn answers(offers: &Offers<'_>, wish: &Wish) -> Result<Vec<Id>, Unmet> {
    let of_channel = |id: &Id| offers.candidate(*id).channel == wish.channel;
    let named: Vec<Id> = offers.named(wish.name.as_str()).filter(of_channel).collect();
    let answers = if named.is_empty() { provider(offers, wish)? } else { named };
    let has_version = |id: &Id| match &wish.version {
        Some(version) => offers.candidate(*id).version.has_prefix(version),
        None => true,
    };
    let fitting: Vec<Id> = answers.iter().copied().filter(has_version).collect();
    if fitting.is_empty() {
        let mut versions: Vec<_> = answers.iter().map(|&id| offers.candidate(id).version.clone()).collect();
        versions.sort();
        versions.dedup();
        let versions = versions.iter().rev().map(ToString::to_string).collect();
        return Err(Unmet::OtherVersion { wish: wish.to_string(), versions });
    }
    Ok(fitting)
}

/// The packages that provide a name that no package has. As in apt, they must all be one package's.
fn provider(offers: &Offers<'_>, wish: &Wish) -> Result<Vec<Id>, Unmet> {
    let target = Target { name: wish.name.clone(), qualifier: None, version: None };
    let of_channel = |id: &Id| offers.candidate(*id).channel == wish.channel;
    let providers: Vec<Id> = offers.all_answers(&target).filter(of_channel).collect();
    let names: BTreeSet<&str> = providers.iter().map(|&id| offers.candidate(id).name.as_str()).collect();
    match names.len() {
        0 => Err(unknown(offers, wish)),
        1 => Ok(providers),
        _ => Err(Unmet::Virtual { wish: wish.to_string(), providers: names.into_iter().map(str::to_owned).collect() }),
    }
}

fn unknown(offers: &Offers<'_>, wish: &Wish) -> Unmet {
    let name = wish.name.as_str();
    let elsewhere: BTreeSet<_> = offers.named(name).map(|id| offers.candidate(id).channel.clone()).collect();
    // Other channels' names would not help: the wish says which channel it means.
    let is_here = |name: &&str| offers.named(name).any(|id| offers.candidate(id).channel == wish.channel);
    let near = if elsewhere.is_empty() {
        nearest(name, offers.names().filter(is_here).map(str::to_owned))
    } else {
        Vec::new()
    };
    let (channel, name) = (wish.channel.clone(), name.to_owned());
    Unmet::Unknown { name, channel, nearest: near, elsewhere: elsewhere.into_iter().collect() }
}
