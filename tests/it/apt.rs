//! Dependencies as apt solves them: for packages drawn from this machine's archive, ours are held against those of
//! `apt-get install --no-install-recommends -s` in an empty root.
//!
//! Skipped where apt or its lists aren't there. `DUMBC_APT_PACKAGES=200` draws more packages than the usual handful.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use dumbc::channel::debian::{Candidate, Problem, Relations, Wish, solve};
use dumbc::config::System;
use dumbc::deb::{Paragraph, Paragraphs};
use dumbc::nix::Sha256;

use crate::support::skipped;

/// Names with versions.
type Taken = BTreeSet<(String, String)>;

#[test]
fn closures_are_those_of_apt() {
    let candidates = candidates();
    if candidates.is_empty() {
        skipped::<()>("apt has no lists here");
        return;
    }
    let apt = Apt::new();
    let count = std::env::var("DUMBC_APT_PACKAGES").ok().and_then(|count| count.parse().ok()).unwrap_or(5);
    let names = drawn(&candidates, count);
    let mut requests: Vec<Vec<&str>> = names.iter().map(|name| vec![*name]).collect();
    requests.extend(names.chunks(10).map(<[&str]>::to_vec));
    let differences: Vec<String> =
        requests.iter().filter_map(|names| difference(names, apt.takes(names), takes(names, &candidates))).collect();
    assert!(differences.is_empty(), "{} of {}:\n{}", differences.len(), requests.len(), differences.join("\n"));
}

fn difference(names: &[&str], apts: Option<Taken>, ours: Result<Taken, String>) -> Option<String> {
    let refuses = (apts.is_none(), ours.is_err());
    let (reason, mine) = ours.map_or_else(|error| (error, Taken::new()), |mine| (String::new(), mine));
    let theirs = apts.unwrap_or_default();
    if refuses.0 == refuses.1 && theirs == mine {
        return None;
    }
    let more: Vec<_> = mine.difference(&theirs).collect();
    let less: Vec<_> = theirs.difference(&mine).collect();
    Some(format!("{names:?}: ours alone {more:?}, apt's alone {less:?}; apt, we refuse: {refuses:?} {reason}"))
}

/// What we take.
fn takes(names: &[&str], candidates: &[Candidate]) -> Result<Taken, String> {
    let wish = |name: &&str| Wish {
        channel: "debian".to_owned(),
        name: name.parse().unwrap(),
        version: None,
        written: (*name).to_owned(),
    };
    let (recommending, locked) = (BTreeSet::new(), BTreeMap::new());
    let problem = Problem { system: system(), wishes: names.iter().map(wish).collect(), recommending, locked };
    let chosen = solve(&problem, candidates).map_err(|error| error.to_string())?;
    let taken = chosen.iter().map(|chosen| &candidates[chosen.candidate]);
    Ok(taken.map(|taken| (taken.name.to_string(), taken.version.to_string())).collect())
}

/// An apt that knows this machine's lists, and of no installed package.
struct Apt {
    directory: tempfile::TempDir,
}

impl Apt {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("status"), "").unwrap();
        Self { directory }
    }

    /// What apt takes; nothing where it refuses.
    fn takes(&self, names: &[&str]) -> Option<Taken> {
        let file = |option: &str, name: &str| format!("-o{option}={}", self.directory.path().join(name).display());
        let mut apt = Command::new("apt-get");
        apt.args([file("Dir::State::status", "status"), file("Dir::Cache::pkgcache", "packages")]);
        apt.args([file("Dir::Cache::srcpkgcache", "sources"), file("Dir::Etc::preferences", "none")]);
        apt.args(["-oDir::Etc::preferencesparts=/dev/null", "-oAPT::Install-Recommends=false", "-s", "install"]);
        let output = apt.args(names).env("LC_ALL", "C").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        // `Inst git (1:2.39.5-0+deb12u2 Debian:12.11/oldstable [amd64])`
        let taken = |line: &str| {
            let (name, rest) = line.strip_prefix("Inst ")?.split_once(" (")?;
            Some((name.to_owned(), rest.split(' ').next()?.to_owned()))
        };
        output.status.success().then(|| text.lines().filter_map(taken).collect())
    }
}

/// Packages drawn by a generator of our own, so that the same come out everywhere.
fn drawn(candidates: &[Candidate], count: usize) -> Vec<&str> {
    let names: BTreeSet<&str> = candidates.iter().map(|candidate| candidate.name.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let (mut state, mut drawn) = (20_260_101_u64, Vec::new());
    while drawn.len() < count.min(names.len()) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let name = names[usize::try_from(state >> 33).unwrap() % names.len()];
        if !drawn.contains(&name) {
            drawn.push(name);
        }
    }
    drawn
}

fn system() -> System {
    if cfg!(target_arch = "aarch64") { System::Aarch64Linux } else { System::X86_64Linux }
}

/// Everything in apt's lists; nothing where there is no apt.
fn candidates() -> Vec<Candidate> {
    let format = "--format=$(FILENAME)\t$(RELEASE)\t$(ARCHITECTURE)";
    let Ok(targets) = Command::new("apt-get").args(["indextargets", format, "Created-By: Packages"]).output() else {
        return Vec::new();
    };
    let targets = String::from_utf8(targets.stdout).unwrap();
    let rows = targets.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    rows.filter(|row| row[2] == system().architecture() && Path::new(row[0]).exists())
        .flat_map(|row| read(row[0], row[1]))
        .collect()
}

/// One Packages file, however apt keeps it compressed.
fn read(file: &str, suite: &str) -> Vec<Candidate> {
    let text = Command::new("/usr/lib/apt/apt-helper").args(["cat-file", file]).output().unwrap().stdout;
    let mut paragraphs = Paragraphs::new(text.as_slice());
    let mut candidates = Vec::new();
    while let Some(paragraph) = paragraphs.next_paragraph().unwrap() {
        candidates.push(candidate(paragraph, suite));
    }
    candidates
}

fn candidate(paragraph: &Paragraph, suite: &str) -> Candidate {
    let fields: BTreeMap<&str, &str> = paragraph.fields().collect();
    let text = |name: &str| fields.get(name).copied().unwrap_or_default().to_owned();
    let source = fields.get("Source").map_or(fields["Package"], |source| source.split(' ').next().unwrap());
    Candidate {
        name: fields["Package"].parse().unwrap(),
        version: fields["Version"].parse().unwrap(),
        architecture: text("Architecture"),
        source: source.parse().unwrap(),
        file: text("Filename"),
        size: 0,
        sha256: Sha256::of(b""),
        installed_size: 0,
        description: None,
        homepage: None,
        priority: text("Priority"),
        multi_arch: fields.get("Multi-Arch").map(|&multi_arch| multi_arch.to_owned()),
        relations: Relations {
            pre_depends: text("Pre-Depends"),
            depends: text("Depends"),
            recommends: text("Recommends"),
            conflicts: text("Conflicts"),
            breaks: text("Breaks"),
            provides: text("Provides"),
        },
        suite: suite.to_owned(),
        channel: "debian".to_owned(),
    }
}
