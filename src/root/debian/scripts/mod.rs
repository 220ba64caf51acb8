//! What maintainer scripts do, found without running them.
//!
//! Pure. A script is read into its [grammar](syntax), and followed as a fresh installation would run it: `preinst install`, then
//! `postinst configure ""`. What it asks of the machine is answered from the image's files; what can't be known is followed
//! both ways. A script is hostile: its size, its depth and the work on it are bounded, and nothing of it is ever run.
//! docs/debian-scripts.md says what becomes of which command.

mod accounts;
mod builtins;
mod command;
mod commands;
mod compound;
mod control;
mod debconf;
mod dpkg;
mod expand;
mod explained;
mod files;
mod helpers;
mod known;
mod look;
mod mode;
mod moves;
mod options;
mod owners;
mod parse;
mod paths;
mod pattern;
mod redirect;
mod run;
mod simple;
mod state;
mod syntax;
mod test;
mod text;
mod ways;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::deb::Member;
use crate::image::ImagePath;

use super::{Action, Package};
use run::Runner;
use state::State;

/// Longer scripts aren't read. The longest of Debian's has a tenth of it.
const LARGEST: usize = 1 << 20;

/// A package does at most so many things.
const MOST_ACTIONS: usize = 10_000;

/// Environment of maintainer scripts.
const ENVIRONMENT: [(&str, &str); 6] = [
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("DPKG_ADMINDIR", "/var/lib/dpkg"),
    ("DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT", "1"),
    ("DPKG_ROOT", ""),
    ("HOME", "/root"),
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
];

/// What a package's scripts do to a fresh machine, in their order; every explanation and every doubt once.
///
/// `architecture` is the machine's (`amd64`). `exists` says what the image has at a canonical path, of all packages.
/// Paths in the actions are absolute and canonical (merged /usr), but for alternatives and diversions, whose text is as the
/// script has it.
#[must_use]
pub fn actions(package: &Package<'_>, architecture: &str, exists: &dyn Fn(&ImagePath) -> bool) -> Vec<Action> {
    if let Some(actions) = known::actions(package) {
        return actions;
    }
    let mut runner = Runner::new(package, architecture, exists);
    for (member, arguments) in [("preinst", &["install"][..]), ("postinst", &["configure", ""])] {
        match package.facts.members.get(member) {
            Some(Member::Text(text)) => runner = followed(runner, member, text, arguments),
            Some(Member::Binary(_)) => runner.actions.push(doubt(member, 1, "a program, not a script")),
            None => {}
        }
    }
    known::add_run_time(package, &mut runner.actions);
    known::summarise(package, &mut runner.actions);
    once(runner.actions)
}

/// Follows one script.
fn followed<'a>(before: Runner<'a>, member: &'static str, text: &'a str, arguments: &[&str]) -> Runner<'a> {
    let mut runner = before;
    runner.script = member;
    let interpreter = text.lines().next().unwrap_or_default();
    let is_shell = ["/sh", "/dash", "/bash", " sh", " bash"].iter().any(|name| {
        let program = interpreter.split(" -").next().unwrap_or_default().trim_end();
        program.starts_with("#!") && program.ends_with(name)
    });
    if !is_shell || text.len() > LARGEST {
        let reason = if is_shell {
            "a script of more than 1 MiB".to_owned()
        } else {
            format!("a program for {}", interpreter.trim_start_matches("#!").trim())
        };
        runner.actions.push(doubt(member, 1, &reason));
        return runner;
    }
    match parse::parse(text, 1) {
        Ok(script) => follow(runner, script, text, arguments),
        Err(error) => {
            runner.actions.push(doubt(member, error.line, &format!("not understood: {}", error.reason)));
            runner
        }
    }
}

fn follow<'a>(before: Runner<'a>, script: syntax::Script, text: &'a str, arguments: &[&str]) -> Runner<'a> {
    let mut runner = before;
    runner.documents = Arc::new(script.documents);
    runner.lines = text.lines().collect();
    begin(&mut runner.state, runner.package, runner.script);
    runner.state.arguments = arguments.iter().map(|text| Some((*text).to_owned())).collect();
    runner.block(&script.block);
    if runner.is_spent() {
        runner.actions.push(doubt(runner.script, runner.line, "more work than a script may be"));
    }
    runner
}

/// Makes the state one that a script begins with: an earlier one's deeds, and its own variables.
fn begin(state: &mut State, package: &Package<'_>, member: &str) {
    state.clear();
    state.folder = Some("/".to_owned());
    let own = [
        ("DPKG_MAINTSCRIPT_NAME", member),
        ("DPKG_MAINTSCRIPT_PACKAGE", package.name.as_str()),
        ("DPKG_MAINTSCRIPT_ARCH", package.architecture),
    ];
    for (name, value) in ENVIRONMENT.into_iter().chain(own) {
        state.set(name, Some(value.to_owned()));
    }
}

/// The actions without repetitions.
fn once(actions: Vec<Action>) -> Vec<Action> {
    let mut kept: Vec<Action> = Vec::new();
    let mut seen = BTreeSet::new();
    for action in actions {
        // Their text tells any two actions apart.
        if seen.insert(format!("{action:?}")) {
            kept.push(action);
        }
    }
    kept
}

/// A doubt about a line, shortened to what fits one of the report's.
fn doubt(script: &str, line: usize, text: &str) -> Action {
    let mut short = text.split_whitespace().collect::<Vec<_>>().join(" ");
    short.retain(|character| !character.is_control());
    if short.chars().count() > 100 {
        short = short.chars().take(99).chain(['…']).collect();
    }
    Action::Unknown { script: script.to_owned(), line, text: short }
}

impl Runner<'_> {
    /// Adds an action, unless it concerns what dumbc makes itself.
    fn emit(&mut self, mut action: Action) {
        if let Some(umask) = self.state.umask {
            match &mut action {
                Action::File { mode: mode @ None, .. } => *mode = Some(0o666 & !umask),
                Action::Directory { mode: mode @ None, .. } => *mode = Some(0o777 & !umask),
                _ => {}
            }
        }
        let path = match &action {
            Action::File { path, .. } | Action::Symlink { path, .. } | Action::Metadata { path, .. } => Some(path),
            Action::Copy { to, .. } => Some(to),
            _ => None,
        };
        if let Some(path) = path.filter(|path| explained::is_generated(path)) {
            self.explain(path, explained::GENERATED);
        } else if self.actions.len() < MOST_ACTIONS {
            self.actions.push(action);
        } else {
            self.spend(usize::MAX);
        }
    }

    fn explain(&mut self, command: &str, reason: &'static str) {
        self.was_explained = true;
        let known = |action: &Action| matches!(action, Action::Explained { command: of, .. } if of == command);
        if !self.actions.iter().any(known) {
            self.emit(Action::Explained { command: command.to_owned(), reason });
        }
    }

    /// Says that nobody knows what the present command does.
    fn unknown(&mut self) -> Option<bool> {
        self.unknown_at(self.line);
        self.print(&None);
        None
    }

    fn unknown_at(&mut self, line: usize) {
        let text = line.checked_sub(1).and_then(|index| self.lines.get(index)).copied().unwrap_or_default();
        let action = doubt(self.script, line, text.trim().trim_end_matches('\\'));
        if !self.actions.contains(&action) {
            self.emit(action);
        }
    }
}
