//! What can be seen without running anything: commands are there, and can start.
//!
//! Every command on its user's `PATH`, executable; interpreters of scripts and programs in the image; all of it for
//! the image's machine type.

mod program;

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Argument, Diagnostic, Machine, Place, Ready, RequestKind, RunAs, Severity, System};
use crate::image::ImagePath;
use crate::image::listing::ListingKind;
use crate::nix::StorePath;

use super::boot::command_folders;
use super::files::accounts::Accounts;
use super::files::unknown_package;
use super::supplies::Supplies;
use super::view::{ReadContent, View};
use program::{ADD_PACKAGE, Inspector};

/// What there is to be checked.
pub struct Check<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// The image's system.
    pub system: System,
    /// The whole image: generated trees and packages.
    pub view: View<'a>,
    /// What the packages bring.
    pub supplies: &'a Supplies,
    /// Paths of the project that became packages, by what the user wrote.
    pub locals: &'a BTreeMap<String, StorePath>,
    /// Store paths of `${pkgs.NAME}`.
    pub lookup: &'a dyn Fn(&str) -> Option<StorePath>,
    /// `PATH` of those who run the commands.
    pub path: &'a str,
    /// Contents of packages, where they are at hand.
    pub read: &'a ReadContent<'a>,
}

/// Everything that is wrong.
#[must_use]
pub fn check(check: &Check<'_>) -> Vec<Diagnostic> {
    let inspector = check.inspector("root");
    let mut diagnostics = Vec::new();
    for command in commands(check.machine) {
        // One user without the command is enough.
        let mut wrong = command.users.iter().map(|user| check.command(&check.inspector(user), &command));
        diagnostics.extend(wrong.find_map(|wrong| wrong));
    }
    diagnostics.extend(check.shells(&inspector));
    diagnostics.extend(check.local_packages(&inspector));
    diagnostics
}

/// The first word of a command.
struct Command<'a> {
    /// Whose it is.
    who: String,
    /// Login names of those who run it.
    users: Vec<&'a str>,
    word: &'a Argument,
    /// Where the unit's table stands.
    unit: Option<&'a Place>,
}

/// Commands of all units.
fn commands(machine: &Machine) -> Vec<Command<'_>> {
    let entrypoint = machine.entrypoint.iter().map(|unit| ("the entrypoint".to_owned(), unit));
    let daemons = machine.daemons.iter().map(|(name, unit)| (format!("daemon `{name}`"), unit));
    let mut commands = Vec::new();
    for (who, unit) in entrypoint.chain(daemons) {
        let ready = if let Some(Ready::Command(command)) = &unit.ready { command.first() } else { None };
        let health = unit.health.as_ref().and_then(|health| health.command.first());
        let all = [("", unit.command.first()), (" (health)", health), (" (ready)", ready)];
        for (what, word) in all {
            let (who, users) = (format!("{who}{what}"), users(machine, &unit.user));
            commands.extend(word.map(|word| Command { who, users, word, unit: unit.place.as_ref() }));
        }
    }
    commands
}

/// Those that a unit runs as; never nobody.
fn users<'a>(machine: &'a Machine, user: &'a RunAs) -> Vec<&'a str> {
    let users: Vec<&str> = match user {
        RunAs::User(name) => vec![name],
        RunAs::Users(names) => names.iter().map(String::as_str).collect(),
        RunAs::EveryUser => machine.users.keys().map(String::as_str).collect(),
        RunAs::Root | RunAs::Uid(_) => Vec::new(),
    };
    if users.is_empty() { vec!["root"] } else { users }
}

impl Check<'_> {
    /// Sees what `user` sees: the own profile first, then the machine's PATH.
    fn inspector(&self, user: &str) -> Inspector<'_> {
        Inspector { view: self.view, system: self.system, path: command_folders(user, self.path), read: self.read }
    }

    fn command(&self, inspector: &Inspector<'_>, command: &Command<'_>) -> Option<Diagnostic> {
        let Command { who, word: command, unit, .. } = command;
        let (written, place) = match *command {
            Argument::Local { path, place } => (self.local(path)?.to_string(), place),
            Argument::Text(template) => match template.render(self.lookup) {
                Ok(text) => (text, &template.place),
                Err(package) => return Some(unknown_package(&package, template.place.clone())),
            },
        };
        let shown = if let Argument::Local { path, .. } = command { path.clone() } else { written.clone() };
        let wrong = |message: String, help: Option<&str>| Diagnostic {
            severity: Severity::Error,
            message: format!("{who} can't start: `{shown}` {message}"),
            place: place.as_ref().or(*unit).cloned(),
            label: String::new(),
            help: help.map(ToOwned::to_owned),
        };
        let found = if written.starts_with('/') {
            ImagePath::new(written.as_bytes()).map_err(|error| wrong(error.reason.to_owned(), None))
        } else if written.contains('/') {
            Err(wrong(
                "is a relative path".to_owned(),
                Some("write `./…` for a file of the project, or an absolute path"),
            ))
        } else {
            inspector.find(&written).ok_or_else(|| wrong("is not on PATH".to_owned(), Some(ADD_PACKAGE)))
        };
        match found {
            Ok(path) => inspector.inspect(&path).err().map(|fault| wrong(fault.message, fault.help)),
            Err(diagnostic) => Some(diagnostic),
        }
    }

    /// Login shells of declared users; who never logs in never misses them.
    fn shells(&self, inspector: &Inspector<'_>) -> Vec<Diagnostic> {
        let accounts = Accounts::of(self.machine, self.supplies);
        let with_shell = self.machine.users.iter().filter(|(_, user)| user.shell.is_some());
        let missing = with_shell.filter_map(|(name, user)| {
            let shell = &accounts.by_name(name)?.shell;
            let fault = inspector.inspect(&ImagePath::new(shell.as_bytes()).ok()?).err()?;
            Some(Diagnostic {
                severity: Severity::Warning,
                message: format!("user `{name}` can't log in: the shell `{shell}` {}", fault.message),
                place: user.place.clone(),
                label: String::new(),
                help: fault.help.map(ToOwned::to_owned),
            })
        });
        missing.collect()
    }

    /// Programs that come with the project's own packages: nobody else has tried them.
    fn local_packages(&self, inspector: &Inspector<'_>) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        let mut seen = BTreeSet::new();
        for request in &self.machine.packages {
            let RequestKind::Local(written) = &request.kind else { continue };
            let Some(store_path) = self.local(written).filter(|path| seen.insert(*path)) else { continue };
            let root = ImagePath::from(store_path);
            for program in self.executables(store_path) {
                if let Err(fault) = inspector.inspect(&root.append(&program)) {
                    let shown = if program.is_root() { String::new() } else { program.to_string() };
                    diagnostics.push(Diagnostic {
                        severity: Severity::Error,
                        message: format!("`{}{shown}` {}", written.trim_end_matches('/'), fault.message),
                        place: request.place.clone(),
                        label: String::new(),
                        help: fault.help.map(ToOwned::to_owned),
                    });
                }
            }
        }
        diagnostics
    }

    /// Executable files of a package that are commands by their place: itself, or below `bin`, `sbin`, `libexec`.
    fn executables(&self, store_path: &StorePath) -> Vec<ImagePath> {
        let is_command = |path: &ImagePath| {
            let first = path.as_bytes().split(|&byte| byte == b'/').next().unwrap_or_default();
            path.is_root() || matches!(first, b"bin" | b"sbin" | b"libexec")
        };
        let executable = |kind: &ListingKind| matches!(kind, ListingKind::File { executable: true, .. });
        let all = self.view.packages.below(store_path, &ImagePath::default()).into_iter();
        all.filter(|(path, kind)| executable(kind) && is_command(path)).map(|(path, _)| path).collect()
    }

    fn local(&self, written: &str) -> Option<&StorePath> {
        self.locals.get(written)
    }
}

#[cfg(test)]
mod tests;
