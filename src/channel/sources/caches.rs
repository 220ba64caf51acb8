//! From the machine's channels to the caches to read, and from what they say to what is locked.

use std::sync::OnceLock;

use crate::cache::http::redact;
use crate::cache::{CacheSpec, Found, Location, ParseLocationError};
use crate::config::{Channel, Machine, Names};
use crate::nix::{Expected, PathInfo, PublicKey, StorePath, Unsigned};
use crate::progress::Progress;

use super::super::error::Error;
use super::super::lock::LockedPackage;
use super::super::trust::{self, Keys};

/// What a NixOS release's packages come from: `DUMBC_NIXOS_CACHE` names another one, such as a mirror.
fn release_cache() -> &'static str {
    static CACHE: OnceLock<String> = OnceLock::new();
    CACHE.get_or_init(|| {
        let named = std::env::var("DUMBC_NIXOS_CACHE").ok().filter(|text| !text.is_empty());
        named.unwrap_or_else(|| "https://cache.nixos.org".to_owned())
    })
}

/// The caches of all channels, each place once: those of the default channel first, then by the channels' names.
///
/// A cache that several channels name is trusted by the keys of all of them. Caches of a kind that can't be read are
/// passed over with a warning, for another may have the same.
pub fn cache_specs(machine: &Machine, progress: &dyn Progress) -> Result<Vec<CacheSpec>, Error> {
    let keys = trust::keys(machine)?;
    let mut specs: Vec<CacheSpec> = Vec::new();
    for (name, channel) in by_preference(machine) {
        for text in caches_of(channel) {
            let (location, settings) = match Location::parse_with_settings(text, &machine.project) {
                Ok(parsed) => parsed,
                Err(error @ ParseLocationError::Scheme { .. }) => {
                    progress.warn(&format!("channel {name}: {error}; going on without it"));
                    continue;
                }
                Err(error) => return Err(Error::Channel { channel: name.clone(), reason: error.to_string() }),
            };
            let keys = keys.get(name).cloned().unwrap_or_default();
            let (allow_unsigned, priority) = (channel.allow_unsigned, settings.priority);
            add(&mut specs, CacheSpec { name: redact(text), location, keys, allow_unsigned, priority });
        }
    }
    Ok(specs)
}

fn add(specs: &mut Vec<CacheSpec>, spec: CacheSpec) {
    match specs.iter_mut().find(|known| known.location == spec.location) {
        None => specs.push(spec),
        Some(known) => {
            known.keys.extend(spec.keys.into_iter().filter(|key| !known.keys.contains(key)).collect::<Vec<_>>());
            known.allow_unsigned |= spec.allow_unsigned;
            known.priority = known.priority.or(spec.priority);
        }
    }
}

/// The default channel, then the others by name.
fn by_preference(machine: &Machine) -> impl Iterator<Item = (&String, &Channel)> {
    let is_default = |name: &String| machine.default_channel.as_ref() == Some(name);
    let default = machine.channels.iter().filter(move |(name, _)| is_default(name));
    default.chain(machine.channels.iter().filter(move |(name, _)| !is_default(name)))
}

fn caches_of(channel: &Channel) -> impl Iterator<Item = &str> {
    let implied = matches!(channel.names, Names::NixosRelease { .. }).then(release_cache);
    channel.caches.iter().map(String::as_str).chain(implied)
}

/// What is locked of a path that a cache told of.
pub(super) fn locked(found: Found, machine: &Machine, keys: &Keys) -> (StorePath, LockedPackage) {
    let Found { info, source } = found;
    let narinfo = info.into_nar_info();
    let PathInfo { path, nar_hash, nar_size, signatures, content_address, .. } = narinfo.info.clone();
    let mut package = LockedPackage {
        nar_hash,
        nar_size,
        references: narinfo.info.references.clone(),
        signatures: signatures.iter().map(ToString::to_string).collect(),
        content_address,
        deriver: narinfo.deriver.map(|deriver| deriver.base_name().to_owned()),
        channel: None,
        source: Some(source),
    };
    package.signatures.sort();
    package.signatures.dedup();
    package.channel = voucher(&narinfo.info, &package, machine, keys);
    sort_references(&path, &mut package, keys);
    (path, package)
}

/// The channel whose keys vouch for a path; of one that vouches for itself, the channel whose cache had it.
fn voucher(info: &PathInfo, package: &LockedPackage, machine: &Machine, keys: &Keys) -> Option<String> {
    let signed = |name: &String| {
        let keys = keys.get(name).map(Vec::as_slice).unwrap_or_default();
        info.trust(keys, Expected::Path(&info.path), Unsigned::Refuse).is_ok()
    };
    let holds = |channel: &Channel| {
        let cache = package.source.as_ref().map(|source| source.cache.as_str());
        caches_of(channel).any(|text| cache == Some(&redact(text)))
    };
    let trusting = by_preference(machine).find(|(name, _)| signed(name));
    let channel = trusting.or_else(|| by_preference(machine).find(|(_, channel)| holds(channel)));
    channel.map(|(name, _)| name.clone())
}

/// Sorts references as signatures have them; the oldest caches signed them as they stood.
fn sort_references(path: &StorePath, package: &mut LockedPackage, keys: &Keys) {
    let before = package.references.clone();
    package.references.sort();
    package.references.dedup();
    let all: Vec<PublicKey> = keys.values().flatten().cloned().collect();
    let accept = Unsigned::AcceptContentAddressed;
    if trust::path_info(path, package).trust(&all, Expected::Path(path), accept).is_err() {
        package.references = before;
    }
}

/// The keys that a channel names, and those that its kind implies.
pub(in crate::channel) fn keys_of(channel: &Channel) -> impl Iterator<Item = &str> {
    const RELEASE_KEY: &str = "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=";
    let implied = matches!(channel.names, Names::NixosRelease { .. }).then_some(RELEASE_KEY);
    channel.keys.iter().map(String::as_str).chain(implied)
}
