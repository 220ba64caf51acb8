//! The rooms' arrows: who may use whom. The sources are read, and every path into another room is held against the rules.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms by level; a room may use every lower level, and what [`ASIDE`] lists.
const LEVELS: [&[&str]; 5] = [
    &["config", "deb", "nix"],
    &["image", "root", "plan", "home", "boot", "emit", "sbom", "signing"],
    &["export", "origin", "registry", "store", "cache", "channel"],
    &["build", "import", "machine"],
    &["cli"],
];

/// Arrows within a level. Requests name store paths, so the files' types lean on Nix's.
const ASIDE: [(&str, &str); 17] = [
    ("channel", "cache"),
    // What adds requests to a list of packages is what `dumbc add` does inside a machine.
    ("import", "machine"),
    // A daemon is spoken to as every server is.
    ("export", "cache"),
    ("export", "store"),
    ("export", "registry"),
    ("origin", "registry"),
    ("origin", "cache"),
    ("origin", "channel"),
    ("registry", "cache"),
    ("root", "image"),
    ("home", "image"),
    ("home", "root"),
    ("home", "boot"),
    ("root", "boot"),
    ("emit", "boot"),
    ("config", "nix"),
    ("config", "deb"),
];

/// Rooms that everybody may use, and that use nobody but each other.
const COMMON: [&str; 2] = ["failure", "progress"];

fn level(room: &str) -> Option<usize> {
    LEVELS.iter().position(|rooms| rooms.contains(&room))
}

/// Whether `from` may use `to`.
fn is_allowed(from: &str, to: &str) -> bool {
    let downward = level(from) > level(to) && level(to).is_some();
    from == to || COMMON.contains(&to) || downward || ASIDE.contains(&(from, to))
}

/// Rooms that a source file names by `crate::…`, `crate::{…}`, or by so many `super` that they lead out of its own.
fn rooms_named(source: &str, depth: usize) -> BTreeSet<String> {
    let source = without_comments(source);
    let starts = ["crate::".to_owned(), "super::".repeat(depth)];
    let mut rooms = BTreeSet::new();
    for path in starts {
        for (start, _) in source.match_indices(&path) {
            let before = source[..start].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let rest = &source[start + path.len()..];
            match rest.strip_prefix('{') {
                Some(group) => rooms.extend(heads_of_group(group)),
                None => rooms.extend([identifier(rest)]),
            }
        }
    }
    // What an inner module says of its own room's parts looks alike, and is no arrow.
    rooms.retain(|name| level(name).is_some() || COMMON.contains(&name.as_str()));
    rooms
}

/// The first names of `a::b, c::{d, e}, f}`.
fn heads_of_group(group: &str) -> Vec<String> {
    let (mut depth, mut heads, mut at_head) = (0, Vec::new(), true);
    for (index, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => at_head = true,
            c if at_head && !c.is_whitespace() => {
                heads.push(identifier(&group[index..]));
                at_head = false;
            }
            _ => {}
        }
    }
    heads
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Line comments name what they like: links in documentation are no arrows.
fn without_comments(source: &str) -> String {
    source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Every source file of a room, with how deep below the crate its module lies.
fn files_of_rooms() -> Vec<(String, PathBuf, usize)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(&root).sort_by_file_name() {
        let path = entry.unwrap().into_path();
        let below = path.strip_prefix(&root).unwrap().with_extension("");
        let mut names = below.iter().map(|name| name.to_str().unwrap()).collect::<Vec<_>>();
        let is_source = path.extension().is_some_and(|extension| extension == "rs");
        if !is_source || ["lib", "main"].contains(&names[0]) {
            continue;
        }
        if names.last() == Some(&"mod") {
            names.pop();
        }
        files.push((names[0].to_owned(), path.clone(), names.len()));
    }
    files
}

#[test]
fn arrows_between_rooms_point_one_way() {
    let mut wrong = Vec::new();
    let mut arrows = BTreeSet::new();
    for (room, path, depth) in files_of_rooms() {
        for other in rooms_named(&fs::read_to_string(&path).unwrap(), depth) {
            if !is_allowed(&room, &other) {
                wrong.push(format!("{}: {room} -> {other}", path.display()));
            }
            arrows.insert((room.clone(), other));
        }
    }
    assert!(wrong.is_empty(), "arrows that must not be:\n{}", wrong.join("\n"));
    for (from, to) in [("cli", "build"), ("build", "store"), ("channel", "cache"), ("root", "nix")] {
        assert!(arrows.contains(&(from.to_owned(), to.to_owned())), "{from} -> {to} was not even seen");
    }
}

#[test]
fn every_room_has_its_level() {
    for (room, path, _) in files_of_rooms() {
        assert!(level(&room).is_some() || COMMON.contains(&room.as_str()), "{} is in no level", path.display());
    }
}

#[test]
fn paths_are_found_however_they_are_written() {
    let source = "use crate::{cache, channel::{self, Lock}, plan};\nuse super::super::store::Store;\nlet x = crate::nix::y;\n\
                  // crate::cli\nuse super::sibling;\npub(in crate::root) fn f() {}\n";
    let rooms = rooms_named(source, 2).into_iter().collect::<Vec<_>>();
    assert_eq!(rooms, ["cache", "channel", "nix", "plan", "root", "store"]);
    assert!(!is_allowed("nix", "cache") && !is_allowed("store", "cache") && !is_allowed("image", "root"));
    assert!(!is_allowed("failure", "cli") && !is_allowed("build", "cli") && is_allowed("cli", "nix"));
}
