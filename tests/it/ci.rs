//! The example workflow and the page on continuous integration: their commands exist, with their flags.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Lines that a workflow's `run:` gives to a shell: the same line's, or the block below it.
fn run_lines(workflow: &str) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let (mut lines, mut found) = (workflow.lines().peekable(), Vec::new());
    while let Some(line) = lines.next() {
        match line.trim_start().trim_start_matches("- ").strip_prefix("run: ") {
            Some("|") => {
                while let Some(below) = lines.next_if(|below| below.trim().is_empty() || indent(below) > indent(line)) {
                    found.push(below.trim().to_owned());
                }
            }
            Some(command) => found.push(command.to_owned()),
            None => {}
        }
    }
    found
}

/// The indented commands of a page, and those between backquotes.
fn page_lines(page: &str) -> Vec<String> {
    let indented = page.lines().filter_map(|line| line.strip_prefix("    "));
    let quoted = page.split('`').skip(1).step_by(2);
    indented.chain(quoted).map(str::to_owned).collect()
}

/// Words of calls of dumbc: verb and flags, without comments and what is after a redirection.
fn calls(lines: &[String]) -> Vec<Vec<String>> {
    let lines = lines.iter().filter_map(|line| line.strip_prefix("dumbc "));
    let words = lines.map(|line| line.split_whitespace().take_while(|word| !["#", ">", ">>", "|"].contains(word)));
    words.map(|words| words.map(str::to_owned).collect()).collect()
}

fn help(verb: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_dumbc")).args([verb, "--help"]).output().unwrap();
    assert!(output.status.success(), "there is no `dumbc {verb}`");
    String::from_utf8(output.stdout).unwrap()
}

fn hold(calls: &[Vec<String>]) {
    for call in calls {
        let (verb, rest) = call.split_first().unwrap();
        let help = help(verb);
        let known: BTreeSet<&str> = help.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).collect();
        for flag in rest.iter().filter(|word| word.starts_with('-')) {
            assert!(known.contains(flag.as_str()), "`dumbc {verb}` has no {flag}");
        }
    }
}

#[test]
fn the_example_workflow_calls_what_there_is() {
    let found = calls(&run_lines(&read("examples/ci/push.yml")));
    let verbs: Vec<_> = found.iter().map(|call| call[0].as_str()).collect();
    assert_eq!(verbs, ["check", "build", "verify", "diff", "push", "gc"]);
    hold(&found);
}

#[test]
fn the_page_calls_what_there_is() {
    let found = calls(&page_lines(&read("docs/ci.md")));
    assert!(found.len() >= 8, "{found:?}");
    hold(&found);
}

#[test]
#[should_panic(expected = "`dumbc push` has no --nonsense")]
fn a_flag_that_is_not_there_is_found() {
    hold(&calls(&["dumbc push --locked --nonsense".to_owned()]));
}
