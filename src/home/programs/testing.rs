//! For programs' tests: packages that answer, what comes of a table, and what the programs themselves say of it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use super::{Content, Context, Contribution, OptionError, Program};
use crate::image::ImagePath;
use crate::nix::StorePath;

/// The home that tests are in.
pub(super) const HOME: &str = "/home/alice";

/// What answers a request.
pub(super) type Answer<'a> = dyn Fn(&str) -> Option<StorePath> + 'a;

/// Folders of packages, `name/folder`, with what lies in them.
pub(super) type Folders<'a> = BTreeMap<String, &'a [&'a str]>;

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
        store_path(self.name)
    }
}

/// The store path that a name has in tests: all hashes are zero, as in Home Manager's own.
pub(super) fn store_path(name: &str) -> StorePath {
    StorePath::from_parts([0; 20], name).expect("a name")
}

/// What comes of a table where every request is answered by a package of that name.
pub(super) fn contribute(program: &Program, table: &str, others: &Contribution) -> (Contribution, Vec<OptionError>) {
    contribute_in(HOME, program, table, others, &|request| Some(store_path(request)), &Folders::new())
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
    let answer = |request: &str| packages.iter().find(|package| package.request == request).map(Package::path);
    let folders = packages.iter().flat_map(|package| {
        package.folders.iter().map(|(folder, names)| (format!("{}/{folder}", package.name), *names))
    });
    contribute_in(HOME, program, table, others, &answer, &folders.collect())
}

/// The same in any home, with any answers.
pub(super) fn contribute_in(
    home: &str,
    program: &Program,
    table: &str,
    others: &Contribution,
    package: &Answer<'_>,
    folders: &Folders<'_>,
) -> (Contribution, Vec<OptionError>) {
    let table = table.parse().expect("TOML");
    let list = |path: &StorePath, folder: &ImagePath| {
        let key = format!("{}/{}", path.name(), String::from_utf8_lossy(folder.as_bytes()));
        Some(folders.get(&key).map(|names| names.iter().map(ToString::to_string).collect()).unwrap_or_default())
    };
    let context = Context { user: "alice", home, package, list: &list, others };
    (program.contribute)(&table, &context)
}

/// The text of a file that `table` gives without any finding.
pub(super) fn made(program: &Program, table: &str, path: &str) -> String {
    let (contribution, findings) = contribute(program, table, &Contribution::default());
    assert_eq!(findings, [], "findings");
    text(&contribution, path).to_owned()
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

/// Holds `text` against the shell's own reading of it. Says so and goes on where the shell isn't there.
pub(super) fn assert_syntax(shell: &str, text: &str) {
    let child =
        Command::new(shell).arg("-n").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        skipped(&format!("no {shell} here"));
        return;
    };
    child.stdin.take().expect("piped").write_all(text.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("waited for");
    assert!(output.status.success(), "{shell}: {}\n{text}", String::from_utf8_lossy(&output.stderr));
}

/// Says why a test can't be had here.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(super) fn skipped(reason: &str) {
    eprintln!("skipped: {reason}");
}
