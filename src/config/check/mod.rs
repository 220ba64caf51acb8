//! What the values mean: names that must be known, numbers that must differ, paths that must make sense.
//!
//! Every check reports and goes on with something harmless, so that one run finds everything.

mod channels;
mod debian;
mod files;
mod graph;
mod health;
mod home;
mod identity;
mod image;
mod packages;
mod scope;
mod settings;
mod syntax;
#[cfg(test)]
mod tests;
mod units;

use std::collections::BTreeMap;
use std::path::Path;

use super::mirror::{HomeTable, SystemFile, UsersFile};
use super::project::Project;
use super::source::{Findings, Source};
use super::structure::Structured;
use super::{Home, Machine, Request};
use scope::{Base, Names};

/// Base, generated files, environment, runtime, and one for all packages.
pub(super) const FEWEST_LAYERS: u32 = 5;
/// Where commands are looked for: the packages' environment never hides what stands in `/usr`.
pub(super) const DEFAULT_PATH: [&str; 7] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/etc/profiles/system/bin"];
/// What Docker takes.
pub(super) const MOST_LAYERS: u32 = 125;

/// The three files.
pub(super) struct Files {
    pub(super) system: Source,
    pub(super) users: Source,
    pub(super) home: Source,
}

/// What a home's file alone stands in.
pub(super) struct Surroundings<'a> {
    pub(super) channels: BTreeMap<String, bool>,
    pub(super) default_channel: Option<String>,
    pub(super) requested: Vec<Request>,
    pub(super) base: Option<&'a Home>,
    pub(super) project: &'a dyn Project,
}

/// Checks a user's own file.
pub(super) fn own_home(
    source: &Source,
    file: Structured<HomeTable>,
    around: Surroundings<'_>,
    findings: &Findings,
) -> Home {
    let Surroundings { channels, default_channel, requested, base: shared, project } = around;
    let (channels, requested) = (Some(channels), Some(requested));
    let names = Names { channels, default_channel, requested, ..Names::default() };
    let base = Base { findings, project };
    home::own_file(&base.scope(source, &names), &file.mirror, file.table, file.places, shared)
}

/// Checks what could be read and makes the machine of it. `None` where system.toml could not be read at all.
pub(super) fn machine(
    files: &Files,
    system: Option<Structured<SystemFile>>,
    users: Option<Structured<UsersFile>>,
    home: Option<Structured<HomeTable>>,
    folder: &Path,
    project: &dyn Project,
    findings: &Findings,
) -> Option<Machine> {
    let boot = settings::boot(system.as_ref().and_then(|system| system.mirror.boot.as_ref()));
    let has_base = system.as_ref().is_some_and(|system| system.mirror.image.iter().any(|image| image.from.is_some()));
    let mut names = Names { boots_not: !boot.enable, has_base, ..Names::default() };
    let base = Base { findings, project };

    let channels = system.as_ref().map(|system| {
        let (channels, default) = channels::check(&base.scope(&files.system, &names), &system.mirror);
        names.learn_channels(&channels, default);
        channels
    });
    if let Some(users) = &users {
        names.users = Some(identity::users(&base.scope(&files.users, &names), &users.mirror));
    }
    let groups = system.as_ref().map(|system| {
        let mut groups = identity::groups(&base.scope(&files.system, &names), &system.mirror);
        if let Some(users) = &users {
            identity::memberships(&base.scope(&files.users, &names), &users.mirror, &mut groups);
        }
        groups
    });
    names.groups.clone_from(&groups);
    let mut packages =
        system.as_ref().map(|system| packages::check(&base.scope(&files.system, &names), &system.mirror.packages));
    names.requested.clone_from(&packages);

    let home_scope = base.scope(&files.home, &names);
    let mut home = home.map(|home| home::home_file(&home_scope, &home.mirror, home.table, home.places));
    let users_scope = base.scope(&files.users, &names);
    let mut users =
        users.map(|users| home::users(&users_scope, &users.mirror, &users.table, &users.places, home.as_ref()));
    if let Some(packages) = &mut packages {
        let homes = users.iter_mut().flat_map(|users| users.values_mut()).map(|user| &mut user.home);
        packages::take_to_system(&base.scope(&files.home, &names), packages, home.iter_mut().chain(homes));
    }

    let system = system?.mirror;
    let scope = base.scope(&files.system, &names);
    let image = image::check(&scope, system.image.as_ref());
    let persist = settings::persist(&scope, system.persist.as_ref());
    Some(Machine {
        project: folder.to_owned(),
        default_channel: names.default_channel.clone(),
        packages: packages.unwrap_or_default(),
        channels: channels.unwrap_or_default(),
        hostname: settings::hostname(&scope, system.machine.as_ref(), &image.name),
        timezone: settings::timezone(&scope, system.machine.as_ref()),
        locale: settings::locale(&scope, system.machine.as_ref()),
        path: settings::path(&scope, system.machine.as_ref()),
        entrypoint: system.entrypoint.as_ref().map(|entrypoint| units::entrypoint(&scope, entrypoint)),
        daemons: units::daemons(&scope, &system.daemons, system.entrypoint.as_ref()),
        files: files::check(&scope, &system.files, &persist),
        groups: groups.unwrap_or_default(),
        persist,
        nix: settings::nix(&scope, system.nix.as_ref()),
        boot,
        logs: settings::logs(&scope, system.logs.as_ref()),
        users: users.unwrap_or_default(),
        home: home.unwrap_or_default(),
        image,
    })
}
