//! From the files to the boot plan: everything rendered, numbers for names.

use std::collections::BTreeMap;

use crate::boot::{BootPlan, PLAN_VERSION, PlanAccount, PlanChannel, PlanLogs, PlanPath, PlanRelease, PlanUser};
use crate::config::{Argument, Channel, Diagnostic, FileOwner, Machine, Names, Owner, System};
use crate::nix::StorePath;

use super::super::files::accounts::{Account, Accounts};
use super::units::Units;

/// What a plan is made of.
pub struct PlanInputs<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// The image's system.
    pub system: System,
    /// Everybody in it.
    pub accounts: &'a Accounts,
    /// The image's environment.
    pub variables: &'a BTreeMap<String, String>,
    /// The store path that holds `bin/dumbc`.
    pub runtime: &'a StorePath,
    /// Generations of homes, by user.
    pub generations: &'a BTreeMap<String, StorePath>,
    /// A word of a command with store paths put in.
    pub word: &'a dyn Fn(&Argument) -> Result<String, Diagnostic>,
    /// Where a command without a slash stands for the user of that name; absolute.
    pub find: &'a dyn Fn(&str, &str) -> Option<String>,
    /// Folders that packages have where something may be mounted.
    pub folders: Vec<PlanPath>,
    /// The folder that holds Nix's `bin`, where its daemon runs.
    pub nix: Option<String>,
    /// The releases of NixOS channels, by channel.
    pub releases: BTreeMap<String, PlanRelease>,
}

/// The plan. Commands that are nowhere are left as they are written: [`check`](super::super::check::check) tells of them.
pub fn boot_plan(inputs: PlanInputs<'_>) -> Result<BootPlan, Vec<Diagnostic>> {
    let PlanInputs { machine, accounts, .. } = inputs;
    let units = Units { machine, accounts, word: inputs.word, find: inputs.find };
    let mut daemons = units.daemons()?;
    daemons.extend(inputs.nix.as_ref().map(|prefix| units.nix_daemon(prefix)));
    daemons.sort_by(|one, other| one.name.cmp(&other.name));
    let user = |(name, generation): (&String, &StorePath)| {
        let account = plan_account(accounts.by_name(name)?, accounts);
        Some((name.clone(), PlanUser { account, generation: generation.to_string() }))
    };
    Ok(BootPlan {
        version: PLAN_VERSION,
        image: format!("{}:{}", machine.image.name, machine.image.tag),
        system: inputs.system.name().to_owned(),
        hostname: machine.hostname.clone(),
        runtime: format!("{}/bin/dumbc", inputs.runtime),
        environment: inputs.variables.clone(),
        path: machine.path.clone(),
        volume: machine.persist.volume.clone(),
        persist: persist(machine, accounts),
        store_limit: machine.persist.store_limit,
        folders: inputs.folders,
        users: inputs.generations.iter().filter_map(user).collect(),
        entrypoint: units.entrypoint()?,
        daemons,
        channels: machine
            .channels
            .iter()
            .map(|(name, channel)| (name.clone(), plan_channel(channel, inputs.releases.get(name))))
            .collect(),
        default_channel: machine.default_channel.clone(),
        logs: PlanLogs { json: machine.logs.json, persist: machine.logs.persist },
        nix: inputs.nix,
        user_rebuild: machine.boot.user_rebuild,
    })
}

/// An account with all its groups.
#[must_use]
pub fn plan_account(account: &Account, accounts: &Accounts) -> PlanAccount {
    let is_member = |members: &[String]| members.contains(&account.name);
    let groups = accounts.groups.iter().filter(|group| group.gid != account.gid && is_member(&group.members));
    PlanAccount {
        name: account.name.clone(),
        uid: account.uid,
        gid: account.gid,
        groups: groups.map(|group| group.gid).collect(),
        home: account.home.clone(),
        shell: account.shell.clone(),
    }
}

/// Whoever owns something and is nobody was told of already.
fn persist(machine: &Machine, accounts: &Accounts) -> Vec<PlanPath> {
    let owner = |owner: &FileOwner| match owner {
        FileOwner::Known(owner) => *owner,
        FileOwner::Named { user, group, .. } => {
            let (uid, own) = accounts.by_name(user).map_or((0, 0), |account| (account.uid, account.gid));
            Owner { uid, gid: group.as_ref().and_then(|group| accounts.gid_of(group)).unwrap_or(own) }
        }
    };
    let path = |path: &crate::config::PersistPath| {
        let Owner { uid, gid } = owner(&path.owner);
        PlanPath { path: path.path.clone(), uid, gid, mode: path.mode }
    };
    machine.persist.paths.iter().map(path).collect()
}

/// A channel as it is reached from inside: what lies in the project's folder is not there.
fn plan_channel(channel: &Channel, release: Option<&PlanRelease>) -> PlanChannel {
    let is_reachable = |place: &&String| place.contains("://") || place.starts_with('/');
    let (index, hash) = match &channel.names {
        Names::Index { location, hash } => (Some(location), *hash),
        Names::NixosRelease { .. } | Names::Jobs { .. } | Names::Debian(_) | Names::None => (None, None),
    };
    PlanChannel {
        index: index.filter(is_reachable).cloned(),
        index_hash: hash.map(|hash| hash.to_string()),
        caches: channel.caches.iter().filter(is_reachable).cloned().collect(),
        keys: channel.keys.clone(),
        allow_unsigned: channel.allow_unsigned,
        debian: matches!(channel.names, Names::Debian(_)),
        release: release.cloned(),
    }
}
