//! Made-up archives, rule by rule; random ones, held against brute force.

mod explanations;
mod random;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Candidate, Problem, Relations, Wish};
use super::{Unsolvable, solve};
use crate::config::System;
use crate::deb::Paragraphs;
use crate::nix::Sha256;

/// An archive as one writes it: a line a package, `name version [Field: value; …]`. A line of a channel's name and a colon goes over to
/// that channel.
fn archive(text: &str) -> Vec<Candidate> {
    let mut channel = "debian";
    let mut candidates = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.strip_suffix(':') {
            Some(other) => channel = other,
            None => candidates.push(package(channel, line)),
        }
    }
    candidates
}

fn package(channel: &str, line: &str) -> Candidate {
    let mut words = line.splitn(3, ' ');
    let (name, version) = (words.next().unwrap(), words.next().unwrap());
    let fields = words.next().unwrap_or_default().replace("; ", "\n") + "\n";
    let mut paragraphs = Paragraphs::new(fields.as_bytes());
    let paragraph = paragraphs.next_paragraph().unwrap().cloned().unwrap_or_default();
    let field = |name: &str| paragraph.get(name).unwrap_or_default().to_owned();
    let or = |name: &str, default: &str| paragraph.get(name).unwrap_or(default).to_owned();
    Candidate {
        name: name.parse().unwrap(),
        version: version.parse().unwrap(),
        architecture: or("Architecture", "amd64"),
        source: name.parse().unwrap(),
        file: format!("pool/{name}_{version}.deb"),
        size: 1,
        sha256: Sha256::of(line.as_bytes()),
        installed_size: 1,
        description: None,
        homepage: None,
        priority: or("Priority", "optional"),
        multi_arch: paragraph.get("Multi-Arch").map(str::to_owned),
        relations: Relations {
            pre_depends: field("Pre-Depends"),
            depends: field("Depends"),
            recommends: field("Recommends"),
            conflicts: field("Conflicts"),
            breaks: field("Breaks"),
            provides: field("Provides"),
        },
        suite: or("Suite", "stable"),
        channel: channel.to_owned(),
    }
}

/// `debian#git@2.39`, `git` for short.
fn wish(text: &str) -> Wish {
    let (channel, rest) = text.split_once('#').unwrap_or(("debian", text));
    let (name, version) = rest.split_once('@').map_or((rest, None), |(name, version)| (name, Some(version.to_owned())));
    Wish { channel: channel.to_owned(), name: name.parse().unwrap(), version, written: text.to_owned() }
}

fn problem(wishes: &str) -> Problem {
    let wishes = wishes.split_whitespace().map(wish).collect();
    Problem { system: System::X86_64Linux, wishes, recommending: BTreeSet::new(), locked: BTreeMap::new() }
}

/// What is taken: `git 2 libc6 1`, by name.
fn solved(problem: &Problem, candidates: &[Candidate]) -> Result<String, Unsolvable> {
    let describe = |place: usize| format!("{} {}", candidates[place].name, candidates[place].version);
    let chosen = solve(problem, candidates)?;
    Ok(chosen.iter().map(|chosen| describe(chosen.candidate)).collect::<Vec<_>>().join(", "))
}

/// The same for an archive and wishes as text; the archive backwards must come to the same.
fn takes(text: &str, wishes: &str) -> String {
    let (mut candidates, problem) = (archive(text), problem(wishes));
    let forwards = solved(&problem, &candidates).map_err(|error| error.to_string());
    candidates.reverse();
    assert_eq!(solved(&problem, &candidates).map_err(|error| error.to_string()), forwards);
    forwards.unwrap_or_else(|error| error)
}
