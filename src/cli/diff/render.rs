//! How differences look: as lines, and as Markdown.

use std::fmt::Write as _;

use super::super::changes;
use super::super::changes::markdown::{cell, code};
use super::super::figures::{Align, bytes, counted, table};
use super::{Document, OfSystem};
use crate::channel::{Change, Kind};
use crate::origin::{ConfigChange, FileChange, FileEntry, FileKind, LayerChanges};

/// So many changes of one sort are told.
const LISTED: usize = 60;

/// Values longer than this are cut.
const LONGEST: usize = 120;

/// As lines; ends with a newline.
pub(super) fn text(document: &Document) -> String {
    if let Some(locks) = &document.locks {
        let text = changes::text(locks);
        return if text.is_empty() { "no difference\n".to_owned() } else { text };
    }
    let mut text = alone(document);
    for system in &document.systems {
        let _ = writeln!(text, "{}", system.platform);
        text += &of_system(system);
    }
    text.chars().map(|c| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn alone(document: &Document) -> String {
    let line = |platforms: &[String], side: &str| {
        if platforms.is_empty() { String::new() } else { format!("{} only in {side}\n", platforms.join(", ")) }
    };
    line(&document.only_before, &document.before) + &line(&document.only_after, &document.after)
}

fn of_system(OfSystem { difference, .. }: &OfSystem) -> String {
    if difference.is_empty() {
        return "no difference\n".to_owned();
    }
    let packages = difference.packages.iter().take(LISTED).collect::<Vec<_>>();
    let files = difference.files.iter().take(LISTED);
    let files = files.map(|file| [sign(file.kind), file.path.clone(), how(file)]).collect::<Vec<_>>();
    let config = difference.config.iter().map(|change| [config_sign(change), change.key.clone(), values(change)]);
    let config = config.collect::<Vec<_>>();
    [
        section("packages:", changes::rows(&packages, false), difference.packages.len()),
        section("files:", table([Align::Left; 3], &files), difference.files.len()),
        if difference.files_are_cut { "… more files than can be told\n".to_owned() } else { String::new() },
        section("configuration:", table([Align::Left; 3], &config), 0),
        difference.layers.as_ref().map(layers).unwrap_or_default(),
    ]
    .concat()
}

fn section(title: &str, rows: String, count: usize) -> String {
    let more = match count.saturating_sub(LISTED) {
        0 => String::new(),
        more => format!("… and {more} more, which --json lists\n"),
    };
    if rows.is_empty() { rows } else { format!("{title}\n{rows}{more}") }
}

fn layers(layers: &LayerChanges) -> String {
    let unread =
        if layers.unread == 0 { String::new() } else { format!("; {} of packages alone not opened", layers.unread) };
    format!(
        "layers: {} shared, {} removed, {} new{unread}\n{} to push\n",
        layers.shared,
        layers.removed.len(),
        layers.added.len(),
        bytes(layers.push_size)
    )
}

fn sign(kind: Kind) -> String {
    changes::sign(kind).to_owned()
}

fn config_sign(change: &ConfigChange) -> String {
    sign(match (&change.before, &change.after) {
        (None, _) => Kind::Added,
        (_, None) => Kind::Removed,
        _ => Kind::Updated,
    })
}

fn values(change: &ConfigChange) -> String {
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("{} -> {}", short(before), short(after)),
        (only, None) | (None, only) => only.as_deref().map(short).unwrap_or_default(),
    }
}

fn short(text: &str) -> String {
    let cut = text.chars().take(LONGEST).collect::<String>();
    if cut.len() < text.len() { cut + "…" } else { cut }
}

/// What of a file changed.
fn how(file: &FileChange) -> String {
    let (Some(before), Some(after)) = (&file.before, &file.after) else {
        let only = file.before.as_ref().or(file.after.as_ref());
        return only.map(what).unwrap_or_default();
    };
    let mut parts = Vec::new();
    if before.kind != after.kind {
        let (old, new) = (what(before), what(after));
        parts.push(if old == new { "content".to_owned() } else { format!("{old} -> {new}") });
    }
    if before.mode != after.mode {
        parts.push(format!("mode {:04o} -> {:04o}", before.mode, after.mode));
    }
    if (before.uid, before.gid) != (after.uid, after.gid) {
        parts.push(format!("owner {}:{} -> {}:{}", before.uid, before.gid, after.uid, after.gid));
    }
    parts.join(", ")
}

fn what(entry: &FileEntry) -> String {
    match &entry.kind {
        FileKind::Directory => "folder".to_owned(),
        FileKind::File { size, .. } => bytes(*size),
        FileKind::Link { target } => format!("link to {}", short(target)),
        FileKind::HardLink { target } => format!("same as {}", short(target)),
        FileKind::Special => "device".to_owned(),
        FileKind::Deleted => "deleted".to_owned(),
    }
}

/// As Markdown; ends with a newline.
pub(super) fn markdown(document: &Document) -> String {
    let mut text = format!("Image, from {} to {}\n\n", code(&document.before), code(&document.after));
    if let Some(locks) = &document.locks {
        text += &package_table(&locks.packages);
    }
    for line in alone(document).lines() {
        let _ = writeln!(text, "{}\n", cell(line));
    }
    for OfSystem { platform, difference } in &document.systems {
        let _ = writeln!(text, "### {}\n", cell(platform));
        if difference.is_empty() {
            text += "No difference.\n\n";
            continue;
        }
        text += &package_table(&difference.packages);
        let files = difference.files.iter();
        text += &rows("File", files.map(|file| (sign(file.kind), file.path.clone(), how(file))).collect());
        let config = difference.config.iter();
        text += &rows(
            "Configuration",
            config.map(|change| (config_sign(change), change.key.clone(), values(change))).collect(),
        );
        if let Some(layers) = &difference.layers {
            let (shared, new) = (layers.shared, counted(layers.added.len(), "new layer"));
            let _ = writeln!(text, "{new}, {shared} shared; **{}** to push\n", bytes(layers.push_size));
        }
    }
    text.trim_end().to_owned() + "\n"
}

fn package_table(packages: &[Change]) -> String {
    if packages.is_empty() {
        return "No package changed.\n\n".to_owned();
    }
    let mut text = "| | Package | Version | Size |\n|---|---|---|---|\n".to_owned();
    for change in packages.iter().take(LISTED) {
        let (versions, sizes) = (changes::versions(change), changes::sizes(change.size));
        let sign = changes::sign(change.kind);
        let _ = writeln!(text, "| {} | {} | {} | {} |", code(sign), code(&change.name), cell(&versions), cell(&sizes));
    }
    text + &more(packages.len())
}

fn rows(title: &str, rows: Vec<(String, String, String)>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let count = rows.len();
    let mut text = format!("| | {title} | Change |\n|---|---|---|\n");
    for (sign, name, how) in rows.into_iter().take(LISTED) {
        let _ = writeln!(text, "| {} | {} | {} |", code(&sign), code(&name), code(&how));
    }
    text + &more(count)
}

fn more(count: usize) -> String {
    match count.saturating_sub(LISTED) {
        0 => "\n".to_owned(),
        more => format!("\n… and {more} more\n\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Sizes;
    use crate::nix::Sha256;
    use crate::origin::Difference;

    fn sample() -> Document {
        let change = Change {
            system: "linux/amd64".to_owned(),
            name: "git|<b>".to_owned(),
            kind: Kind::Updated,
            from: vec!["2.39".to_owned()],
            to: vec!["2.40".to_owned()],
            size: Sizes { before: 31_000_000, after: 31_200_000 },
            because: Vec::new(),
        };
        let file = |content: &[u8], mode| {
            let kind = FileKind::File { size: 2, digest: Sha256::of(content) };
            Some(FileEntry { kind, mode, uid: 0, gid: 0 })
        };
        let motd = FileChange {
            path: "etc/motd".to_owned(),
            kind: Kind::Updated,
            before: file(b"a", 0o644),
            after: file(b"b", 0o600),
        };
        let config = ConfigChange { key: "env A".to_owned(), before: None, after: Some("`x`\u{1b}".to_owned()) };
        let difference = Difference {
            packages: vec![change],
            files: vec![motd],
            config: vec![config],
            layers: Some(LayerChanges { shared: 38, push_size: 12_300_000, unread: 1, ..LayerChanges::default() }),
            files_are_cut: false,
        };
        Document {
            version: 1,
            before: "app:1".to_owned(),
            after: "app:2".to_owned(),
            systems: vec![OfSystem { platform: "linux/amd64".to_owned(), difference }],
            only_before: vec!["linux/arm64".to_owned()],
            only_after: Vec::new(),
            locks: None,
        }
    }

    #[test]
    fn differences_are_a_line_each() {
        insta::assert_snapshot!(text(&sample()), @r"
        linux/arm64 only in app:1
        linux/amd64
        packages:
        ~  git|<b>  2.39 -> 2.40  31.0 MB -> 31.2 MB
        files:
        ~  etc/motd  content, mode 0644 -> 0600
        configuration:
        +  env A  `x`�
        layers: 38 shared, 0 removed, 0 new; 1 of packages alone not opened
        12.3 MB to push
        ");
    }

    #[test]
    fn markdown_is_tables_in_which_nothing_is_markup() {
        insta::assert_snapshot!(markdown(&sample()), @r"
        Image, from `app:1` to `app:2`

        linux/arm64 only in app:1

        ### linux/amd64

        | | Package | Version | Size |
        |---|---|---|---|
        | `~` | `git\|<b>` | 2.39 -> 2.40 | 31.0 MB -> 31.2 MB |

        | | File | Change |
        |---|---|---|
        | `~` | `etc/motd` | `content, mode 0644 -> 0600` |

        | | Configuration | Change |
        |---|---|---|
        | `+` | `env A` | ` x  ` |

        0 new layers, 38 shared; **12.3 MB** to push
        ");
    }
}
