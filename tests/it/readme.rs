//! README and docs: their commands are run, and their links lead somewhere.
//!
//! Before a code block, `<!-- run -->` has its commands run and their output compared, and `<!-- file PATH -->` has it
//! written to a file. In what is expected, `…` stands for any text, and a line of nothing else for any lines. A page's
//! blocks are one session of a shell, in an empty folder. Other blocks are not run.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::runtime;

/// What separates the output of one command from the next.
const MARK: &str = "=== readme: next command ===";

enum Step {
    Write { path: String, text: String },
    Run { command: String, expected: Vec<String> },
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README and every page of docs/.
fn pages() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<_> = entries.filter(|path| path.extension().is_some_and(|kind| kind == "md")).collect();
    pages.push(root().join("README.md"));
    pages.sort();
    pages
}

/// The marked blocks of a page, in order.
fn steps(page: &str) -> Vec<Step> {
    let mut lines = page.lines();
    let mut steps = Vec::new();
    while let Some(line) = lines.next() {
        let Some(mark) = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")) else { continue };
        let is_block = lines.next().is_some_and(|fence| fence.starts_with("```"));
        assert!(is_block, "no block follows <!-- {mark} -->");
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        match mark.split_once(' ') {
            Some(("file", path)) => steps.push(Step::Write { path: path.to_owned(), text: block.join("\n") + "\n" }),
            None if mark == "run" => steps.extend(commands(&block)),
            _ => panic!("<!-- {mark} --> means nothing"),
        }
    }
    steps
}

fn commands(block: &[&str]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push(Step::Run { command: command.to_owned(), expected: Vec::new() }),
            (None, Some(Step::Run { expected, .. })) => expected.push((*line).to_owned()),
            (None, _) => panic!("output without a command: {line}"),
        }
    }
    steps
}

/// One script for all steps. A key that a page abbreviates is the one that was made in the file's folder.
fn script(steps: &[Step]) -> String {
    let mut script = "exec 2>&1\nset -e\ntop=$PWD\n".to_owned();
    for step in steps {
        match step {
            Step::Write { path, text } => {
                let (folder, _) = path.rsplit_once('/').unwrap_or((".", ""));
                writeln!(script, "cat >\"$top/{path}\" <<'END OF FILE'\n{text}END OF FILE").unwrap();
                writeln!(script, "sed -i \"s|ours-1:…|$(cat \"$top/{folder}/ours-1.key.pub\")|\" \"$top/{path}\"")
                    .unwrap();
            }
            Step::Run { command, .. } => writeln!(script, "{command}\necho '{MARK}'").unwrap(),
        }
    }
    script
}

fn run(script: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_dumbc"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("bash");
    shell.args(["-c", script]).current_dir(&folder).stdin(Stdio::null()).env("PATH", path);
    shell.env("DUMBC_STORE", folder.path().join(".store")).env_remove("CI").env_remove("SOURCE_DATE_EPOCH");
    shell.envs(runtime::idle().iter().map(|(name, path)| (name, path)));
    String::from_utf8(shell.output().unwrap().stdout).unwrap()
}

fn matches(expected: &[String], found: &[&str]) -> bool {
    match expected.split_first() {
        None => found.is_empty(),
        Some((line, rest)) if line == "…" => (0..=found.len()).any(|skipped| matches(rest, &found[skipped..])),
        Some((line, rest)) => {
            found.split_first().is_some_and(|(first, others)| line_matches(line, first) && matches(rest, others))
        }
    }
}

/// `…` in `pattern` stands for any text.
fn line_matches(pattern: &str, line: &str) -> bool {
    match pattern.split_once('…') {
        None => pattern == line,
        Some((start, rest)) => line.strip_prefix(start).is_some_and(|tail| {
            tail.char_indices().map(|(at, _)| at).chain([tail.len()]).any(|at| line_matches(rest, &tail[at..]))
        }),
    }
}

#[test]
fn commands_do_what_the_pages_say() {
    for page in pages() {
        let steps = steps(&std::fs::read_to_string(&page).unwrap());
        if steps.is_empty() {
            continue;
        }
        let output = run(&script(&steps));
        let mark = format!("{MARK}\n");
        let mut outputs = output.split(&mark);
        for step in &steps {
            let Step::Run { command, expected } = step else { continue };
            let found: Vec<&str> = outputs.next().unwrap_or_default().lines().collect();
            let (shown, wanted) = (found.join("\n"), expected.join("\n"));
            let page = page.display();
            assert!(matches(expected, &found), "{page}: $ {command}\n--- expected\n{wanted}\n--- found\n{shown}");
        }
        assert_eq!(outputs.next(), Some(""), "{}: the last command failed", page.display());
    }
}

#[test]
fn links_lead_to_files() {
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let file = link.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") {
                let target = page.parent().unwrap().join(file);
                assert!(target.exists(), "{}: {link} leads nowhere", page.display());
            }
        }
    }
}

#[test]
fn an_ellipsis_stands_for_any_text() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(matches(&lines("one …\n…\nlast"), &["one 1.0", "more", "and more", "last"]));
    assert!(matches(&lines("…\nlast"), &["last"]));
    assert!(!matches(&lines("one …"), &["one 1.0", "more"]));
    assert!(!matches(&lines("a…b…c"), &["a-c"]));
    assert!(!matches(&[], &["something"]));
}
