//! What the image's configuration says of running: the runtime with the entrypoint's command as its arguments; where the image does not
//! boot, that command itself.

use crate::config::{Argument, Diagnostic, Machine, RunAs};
use crate::image::documents::RunConfig;
use crate::nix::StorePath;
use crate::root::files::accounts::Accounts;
use crate::root::files::unknown_package;

use super::Error;
use super::content::Content;
use super::generated::Generated;

/// The run part of the image's configuration.
pub(super) fn run_config(
    machine: &Machine,
    content: &Content,
    generated: Generated,
    lookup: &dyn Fn(&str) -> Option<StorePath>,
) -> Result<RunConfig, Error> {
    let mut run = RunConfig {
        env: generated.variables,
        working_dir: "/".to_owned(),
        labels: machine.image.labels.clone(),
        ..RunConfig::default()
    };
    if let Some(boot) = &generated.boot {
        run.entrypoint = vec![boot.program(), "boot".to_owned(), "--".to_owned()];
    }
    if generated.boot.is_some() || !machine.persist.paths.is_empty() {
        run.volumes.push(machine.persist.volume.clone());
    }
    match &machine.entrypoint {
        Some(unit) => {
            run.command = render(&unit.command, content, lookup)?;
            run.ports.clone_from(&unit.ports);
            run.stop_signal = Some(unit.stop.signal.clone());
            if generated.boot.is_none() {
                as_user(&mut run, machine, &generated.accounts, &unit.user);
            }
        }
        None if generated.has_shell && generated.boot.is_none() => run.command = vec!["/bin/sh".to_owned()],
        None => {}
    }
    if generated.boot.is_some() {
        run.ports.extend(machine.daemons.values().flat_map(|unit| &unit.ports));
    }
    Ok(run)
}

/// A command with store paths put in.
fn render(
    command: &[Argument],
    content: &Content,
    lookup: &dyn Fn(&str) -> Option<StorePath>,
) -> Result<Vec<String>, Error> {
    let words = command.iter().map(|argument| word(argument, content, lookup));
    words.collect::<Result<_, _>>().map_err(|wrong| Error::Files(vec![wrong]))
}

/// A word of a command with store paths put in.
pub(super) fn word(
    argument: &Argument,
    content: &Content,
    lookup: &dyn Fn(&str) -> Option<StorePath>,
) -> Result<String, Diagnostic> {
    match argument {
        Argument::Text(template) => {
            template.render(lookup).map_err(|package| unknown_package(&package, template.place.clone()))
        }
        Argument::Local { path, .. } => Ok(content.store_path(path).map_or_else(|| path.clone(), StorePath::to_string)),
    }
}

/// Numbers, not names: schedulers that refuse root can see then that it isn't.
fn as_user(run: &mut RunConfig, machine: &Machine, accounts: &Accounts, user: &RunAs) {
    match user {
        RunAs::Uid(uid) => run.user = format!("{uid}:{uid}"),
        RunAs::User(name) => {
            if let Some(user) = machine.users.get(name) {
                run.user = user.uid.to_string();
                run.working_dir = format!("/home/{name}");
            } else if let Some(account) = accounts.by_name(name) {
                // Homes of packages' users need not be there, and a runtime would make them root's.
                run.user = account.uid.to_string();
            }
        }
        RunAs::Root | RunAs::Users(_) | RunAs::EveryUser => {}
    }
}
