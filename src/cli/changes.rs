//! How the changes of a lock look.

#[cfg(feature = "build")]
pub(super) mod markdown;

use std::collections::BTreeSet;

use crate::channel::{BaseChange, Change, Changes, ChannelChange, Kind, Sizes};

use super::figures::{Align, bytes, counted, table};

/// So many changes in closures are listed.
const LISTED: usize = 40;

/// So many packages are named as what moved another one.
const NAMED: usize = 3;

/// What the sign of a rebuilt package means.
const REBUILT: &str = "rebuilt: the same version at a new path, as after a security fix in what it uses";

/// The changes as lines: requests, what changed in their closures, and the sum. Empty where nothing changed.
pub(super) fn text(changes: &Changes) -> String {
    let channels = changes.channels.iter().map(channel).collect();
    if changes.is_empty() {
        return channels;
    }
    let several =
        changes.requests.iter().chain(&changes.packages).map(|change| &change.system).collect::<BTreeSet<_>>();
    let requests: Vec<&Change> = changes.requests.iter().collect();
    let beside = beside(changes);
    let listed = &beside[..beside.len().min(LISTED)];
    let unlisted = beside.len() - listed.len();
    [
        channels,
        changes.base.as_ref().map(base).unwrap_or_default(),
        rows(&requests, several.len() > 1),
        if beside.is_empty() { String::new() } else { "in their closures:\n".to_owned() },
        rows(listed, several.len() > 1),
        if unlisted == 0 { String::new() } else { format!("… and {unlisted} more, which --json lists\n") },
        if has_rebuilt(changes) { format!("{REBUILT}\n") } else { String::new() },
        total(changes),
    ]
    .concat()
}

fn has_rebuilt(changes: &Changes) -> bool {
    changes.requests.iter().chain(&changes.packages).any(|change| change.kind == Kind::Rebuilt)
}

/// From release to release.
fn channel(ChannelChange { name, from, to, .. }: &ChannelChange) -> String {
    printable(&format!("~ channel {name}: {from} -> {to}\n"))
}

/// What a server says can't steer the terminal.
fn printable(line: &str) -> String {
    line.chars().map(|c| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Changes of packages that nobody asked for by name. A first lock's closures are new as a whole and not listed.
fn beside(changes: &Changes) -> Vec<&Change> {
    let asked: BTreeSet<_> = changes.requests.iter().map(|change| (&change.system, &change.name, &change.to)).collect();
    let is_asked = |change: &Change| asked.contains(&(&change.system, &change.name, &change.to));
    let first = changes.total.before == 0;
    changes.packages.iter().filter(|change| !first && !is_asked(change)).collect()
}

fn base(change: &BaseChange) -> String {
    let BaseChange { reference, from, to } = change;
    match (from, to) {
        (None, Some(to)) => format!("+ base image {reference}: {to}\n"),
        (Some(from), None) => format!("- base image {reference}: {from}\n"),
        (Some(from), Some(to)) => format!("~ base image {reference}: {from} -> {to}\n"),
        (None, None) => String::new(),
    }
}

/// A line for each change.
pub(super) fn rows(changes: &[&Change], with_system: bool) -> String {
    let row = |change: &&Change| {
        let system = if with_system { format!(" ({})", change.system) } else { String::new() };
        let because = because(change).map(|because| format!("  {because}")).unwrap_or_default();
        let size = format!("{}{because}", sizes(change.size));
        [sign(change.kind).to_owned(), format!("{}{system}", change.name), versions(change), size]
    };
    table([Align::Left; 4], &changes.iter().map(row).collect::<Vec<_>>())
}

/// What moved it, "with another glibc, openssl and 2 more"; who needs it, "for curl".
fn because(change: &Change) -> Option<String> {
    let (named, more) = change.because.split_at(change.because.len().min(NAMED));
    let rest = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    let how = if change.kind == Kind::Rebuilt { "with another" } else { "for" };
    (!named.is_empty()).then(|| format!("{how} {}{rest}", named.join(", ")))
}

/// A way to change, in a letter.
pub(super) fn sign(kind: Kind) -> &'static str {
    match kind {
        Kind::Added => "+",
        Kind::Removed => "-",
        Kind::Updated => "~",
        Kind::Rebuilt => "=",
    }
}

/// Versions before and after.
pub(super) fn versions(change: &Change) -> String {
    let (from, to) = (change.from.join(", "), change.to.join(", "));
    match change.kind {
        Kind::Added => to,
        Kind::Removed => from,
        Kind::Updated => format!("{from} -> {to}"),
        Kind::Rebuilt if to.is_empty() => "rebuilt".to_owned(),
        Kind::Rebuilt => format!("{to}, rebuilt"),
    }
}

/// Bytes before and after, once where they look the same.
pub(super) fn sizes(Sizes { before, after }: Sizes) -> String {
    match (before, after) {
        (0, 0) => String::new(),
        (0, only) | (only, 0) => bytes(only),
        (before, after) if bytes(before) == bytes(after) => bytes(after),
        (before, after) => format!("{} -> {}", bytes(before), bytes(after)),
    }
}

/// What all of it takes, and what is to be moved.
fn total(changes: &Changes) -> String {
    let Sizes { before, after } = changes.total;
    let was = if before == 0 || before == after { String::new() } else { format!(", was {}", bytes(before)) };
    let total = format!("{} in all{was}\n", bytes(after));
    if changes.new.count == 0 {
        return total;
    }
    let packed = changes.new.file_size.map(|size| format!(", {} compressed", bytes(size))).unwrap_or_default();
    format!(
        "{total}{}, {}{packed}: what a push and a pull move, beside what shares a layer with it\n",
        counted(changes.new.count, "new package"),
        bytes(changes.new.size)
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::channel::NewPackages;

    fn change(name: &str, kind: Kind, from: &[&str], to: &[&str], before: u64, after: u64) -> Change {
        let versions = |versions: &[&str]| versions.iter().map(|version| (*version).to_owned()).collect();
        Change {
            system: "x86_64-linux".to_owned(),
            name: name.to_owned(),
            kind,
            from: versions(from),
            to: versions(to),
            size: Sizes { before, after },
            because: Vec::new(),
        }
    }

    pub(super) fn sample() -> Changes {
        let git = change("git", Kind::Updated, &["2.39"], &["2.40"], 31_000_000, 31_200_000);
        let used = ["glibc", "openssl", "zlib", "zstd"].map(str::to_owned).to_vec();
        Changes {
            base: None,
            channels: vec![ChannelChange {
                name: "nixpkgs".to_owned(),
                from: "nixos-26.05.1".to_owned(),
                to: "nixos-26.05.2".to_owned(),
                together: true,
            }],
            requests: vec![
                Change { because: used, ..change("curl", Kind::Rebuilt, &["8"], &["8"], 500_000, 500_000) },
                git.clone(),
                change("jq", Kind::Added, &[], &["1.6"], 0, 90_000),
            ],
            packages: vec![
                git,
                change("glibc", Kind::Removed, &["2.36"], &[], 5_000_000, 0),
                Change { because: vec!["viewer".to_owned()], ..change("libx1", Kind::Added, &[], &["1-1"], 0, 70_000) },
            ],
            total: Sizes { before: 40_000_000, after: 38_000_000 },
            new: NewPackages { count: 3, size: 31_790_000, file_size: Some(9_000_000) },
        }
    }

    #[test]
    fn changes_are_a_line_each() {
        insta::assert_snapshot!(text(&sample()), @r"
        ~ channel nixpkgs: nixos-26.05.1 -> nixos-26.05.2
        =  curl  8, rebuilt    500.0 kB  with another glibc, openssl, zlib and 1 more
        ~  git   2.39 -> 2.40  31.0 MB -> 31.2 MB
        +  jq    1.6           90.0 kB
        in their closures:
        -  glibc  2.36  5.0 MB
        +  libx1  1-1   70.0 kB  for viewer
        rebuilt: the same version at a new path, as after a security fix in what it uses
        38.0 MB in all, was 40.0 MB
        3 new packages, 31.8 MB, 9.0 MB compressed: what a push and a pull move, beside what shares a layer with it
        ");
    }

    #[test]
    fn no_change_is_no_text_and_a_first_lock_lists_requests_only() {
        assert_eq!(text(&Changes::default()), "");
        let moved = Changes { channels: sample().channels, ..Changes::default() };
        assert_eq!(text(&moved), "~ channel nixpkgs: nixos-26.05.1 -> nixos-26.05.2\n");
        let first = Changes { total: Sizes { before: 0, after: 1_000 }, ..sample() };
        assert!(!text(&first).contains("closures"));
    }

    #[test]
    fn systems_are_named_where_there_are_several() {
        let mut changes = sample();
        changes.requests[0].system = "aarch64-linux".to_owned();
        assert!(text(&changes).contains("curl (aarch64-linux)"));
        assert!(text(&changes).contains("git (x86_64-linux)"));
    }
}
