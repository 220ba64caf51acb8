//! For programs' tests: packages that answer, and what comes of a table.

use std::process::{Command, Output};

use super::{Content, Context, Contribution, OptionError, Program};
use crate::image::ImagePath;
use crate::nix::StorePath;

/// The home that tests are in.
pub(super) const HOME: &str = "/home/alice";

/// A package that a test has.
pub(super) struct Package {
    /// Its request: `tmuxPlugins.sensible`.
    pub(super) request: &'static str,
    /// Its name in the store: `tmuxplugin-sensible-2022`.
    pub(super) name: &'static str,
    /// Its folders with what lies in them.
    pub(super) folders: &'static [(&'static str, &'static [&'static str])],
}

impl Package {
    /// One without folders.
    pub(super) const fn plain(request: &'static str, name: &'static str) -> Self {
        Self { request, name, folders: &[] }
    }

    /// Where it lies: `/nix/store/…-name`.
    pub(super) fn path(&self) -> StorePath {
        StorePath::from_parts([0; 20], self.name).expect("name")
    }
}

/// What comes of a table where nothing answers.
pub(super) fn evaluated(program: &Program, table: &str) -> (Contribution, Vec<OptionError>) {
    evaluated_with(program, table, &[], &Contribution::default())
}

/// What comes of a table beside `packages` and what other programs bring.
pub(super) fn evaluated_with(
    program: &Program,
    table: &str,
    packages: &[Package],
    others: &Contribution,
) -> (Contribution, Vec<OptionError>) {
    let table = table.parse().expect("TOML");
    let find = |request: &str| packages.iter().find(|package| package.request == request);
    let package = |request: &str| find(request).map(Package::path);
    let list = |path: &StorePath, folder: &ImagePath| {
        let package = packages.iter().find(|package| package.path() == *path);
        let folders = package.map_or(&[][..], |package| package.folders);
        let folder = folders.iter().find(|(name, _)| name.as_bytes() == folder.as_bytes());
        folder.map(|(_, names)| names.iter().map(ToString::to_string).collect()).unwrap_or_default()
    };
    let context = Context { user: "alice", home: HOME, package: &package, list: &list, others };
    (program.contribute)(&table, &context)
}

/// The text of a file that has one.
pub(super) fn text<'a>(contribution: &'a Contribution, path: &str) -> &'a str {
    match contribution.files.get(path) {
        Some((Content::Text(text), _)) => text,
        other => panic!("{path} is {other:?}; there are {:?}", contribution.files.keys()),
    }
}

/// Where a link leads.
pub(super) fn link<'a>(contribution: &'a Contribution, path: &str) -> &'a str {
    match contribution.files.get(path) {
        Some((Content::Link(target), _)) => target,
        other => panic!("{path} is {other:?}; there are {:?}", contribution.files.keys()),
    }
}

/// What a program of this machine says; `None`, with a word, where it is missing.
pub(super) fn run(command: &mut Command) -> Option<Output> {
    match command.output() {
        Ok(output) => Some(output),
        Err(error) => {
            skipped(&format!("{}: {error}", command.get_program().to_string_lossy()));
            None
        }
    }
}

/// Says why a test can't be had here.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(super) fn skipped(reason: &str) {
    eprintln!("skipped: {reason}");
}
