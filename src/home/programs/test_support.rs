//! A home for programs' tests: which requests have answers, and what stands in the answers.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use super::{Content, Context, Contribution, OptionError, Program};
use crate::nix::StorePath;

/// The store path that a request has in tests: all hashes are zero, as in Home Manager's own.
pub(crate) fn store_path(name: &str) -> StorePath {
    StorePath::from_parts([0; 20], name).expect("a name")
}

/// What `program` makes of `table` where every request is answered by a package of that name.
pub(crate) fn contribute(program: &Program, table: &str, others: &Contribution) -> (Contribution, Vec<OptionError>) {
    contribute_with(program, table, others, &|request| Some(store_path(request)), &BTreeMap::new())
}

/// [`contribute`] with other answers, and with folders of packages: `name/folder` to names.
pub(crate) fn contribute_with(
    program: &Program,
    table: &str,
    others: &Contribution,
    package: &dyn Fn(&str) -> Option<StorePath>,
    folders: &BTreeMap<&str, Vec<&str>>,
) -> (Contribution, Vec<OptionError>) {
    contribute_in("/home/alice", program, table, others, package, folders)
}

/// [`contribute_with`] in another home.
pub(crate) fn contribute_in(
    home: &str,
    program: &Program,
    table: &str,
    others: &Contribution,
    package: &dyn Fn(&str) -> Option<StorePath>,
    folders: &BTreeMap<&str, Vec<&str>>,
) -> (Contribution, Vec<OptionError>) {
    let table: toml::Table = table.parse().expect("TOML");
    let list = |path: &StorePath, folder: &crate::image::ImagePath| {
        let key = format!("{}/{}", path.name(), String::from_utf8_lossy(folder.as_bytes()));
        let names = folders.get(key.trim_end_matches('/')).cloned().unwrap_or_default();
        names.into_iter().map(ToOwned::to_owned).collect()
    };
    let context = Context { user: "alice", home, package, list: &list, others };
    (program.contribute)(&table, &context)
}

/// The text of a file that `table` gives, without any finding.
pub(crate) fn text(program: &Program, table: &str, path: &str) -> String {
    let (contribution, findings) = contribute(program, table, &Contribution::default());
    assert_eq!(findings, [], "findings");
    text_of(&contribution, path)
}

/// The text of a contribution's file.
pub(crate) fn text_of(contribution: &Contribution, path: &str) -> String {
    match contribution.files.get(path) {
        Some((Content::Text(text), false)) => text.clone(),
        other => panic!("{path}: {other:?} among {:?}", contribution.files.keys()),
    }
}

/// Says that a test ends here, for want of a shell.
#[expect(clippy::print_stderr, reason = "a test that skips itself says so")]
pub(crate) fn skipped(shell: &str) {
    eprintln!("skipped: no {shell} here");
}

/// Holds `text` against the shell's own reading of it. Says so and goes on where the shell isn't there.
pub(crate) fn assert_syntax(shell: &str, text: &str) {
    let child =
        Command::new(shell).arg("-n").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        skipped(shell);
        return;
    };
    std::io::Write::write_all(&mut child.stdin.take().expect("piped"), text.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("waited for");
    assert!(output.status.success(), "{shell}: {}\n{text}", String::from_utf8_lossy(&output.stderr));
}
