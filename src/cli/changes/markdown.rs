//! The changes of a lock as Markdown, for the text of a change request. What others named is text there, and nothing else.

use std::fmt::Write as _;

use crate::channel::{Change, Changes};

use super::{REBUILT, because, beside, has_rebuilt, sign, sizes, total, versions};

/// So many changes of one sort are told.
const LISTED: usize = 60;

/// Of `changes`; ends with a newline.
pub(in super::super) fn of(changes: &Changes) -> String {
    let mut text = String::new();
    for channel in &changes.channels {
        let (name, from, to) = (code(&channel.name), code(&channel.from), code(&channel.to));
        let _ = writeln!(text, "Channel {name}: {from} → {to}\n");
    }
    if let Some(base) = &changes.base {
        let digest = |digest: &Option<String>| digest.as_deref().map_or_else(|| "none".to_owned(), code);
        let (from, to) = (digest(&base.from), digest(&base.to));
        let _ = writeln!(text, "Base image {}: {from} → {to}\n", code(&base.reference));
    }
    if changes.is_empty() {
        return text + "No package changes.\n";
    }
    text += &table(&changes.requests.iter().collect::<Vec<_>>());
    let beside = beside(changes);
    if !beside.is_empty() {
        let _ = write!(text, "<details><summary>In their closures: {}</summary>\n\n", beside.len());
        text += &table(&beside);
        text += "</details>\n\n";
    }
    if has_rebuilt(changes) {
        let _ = writeln!(text, "{REBUILT}.\n");
    }
    // Two lines of a text are two paragraphs here.
    text + &total(changes).replace('\n', "\n\n").trim_end().replace('<', "&lt;") + "\n"
}

fn table(changes: &[&Change]) -> String {
    if changes.is_empty() {
        return "No request changed.\n\n".to_owned();
    }
    let mut text = "| | Package | Version | Size |\n|---|---|---|---|\n".to_owned();
    for change in changes.iter().take(LISTED) {
        let why = because(change);
        let versions = why.map_or_else(|| versions(change), |why| format!("{}, {why}", versions(change)));
        let sign = code(sign(change.kind));
        let _ = writeln!(text, "| {sign} | {} | {} | {} |", code(&change.name), cell(&versions), sizes(change.size));
    }
    match changes.len().saturating_sub(LISTED) {
        0 => text + "\n",
        more => format!("{text}\n… and {more} more\n\n"),
    }
}

/// Text that is nothing but text in a table of Markdown.
pub(in super::super) fn cell(text: &str) -> String {
    let mut safe = String::new();
    for character in text.chars() {
        match character {
            c if c.is_control() => safe.push(' '),
            '|' | '*' | '_' | '[' | ']' | '\\' | '`' | '#' | '!' | '~' => {
                safe.push('\\');
                safe.push(character);
            }
            '<' => safe += "&lt;",
            '&' => safe += "&amp;",
            '@' => safe += "&#64;",
            c => safe.push(c),
        }
    }
    safe
}

/// Text in the machine's letters.
pub(in super::super) fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let safe: String = text.chars().map(|c| if c.is_control() || c == '`' { ' ' } else { c }).collect();
    format!("`{}`", safe.replace('|', "\\|"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn a_change_request_can_show_it() {
        insta::assert_snapshot!(of(&sample()), @r"
        Channel `nixpkgs`: `nixos-26.05.1` → `nixos-26.05.2`

        | | Package | Version | Size |
        |---|---|---|---|
        | `=` | `curl` | 8, rebuilt, with another glibc, openssl, zlib and 1 more | 500.0 kB |
        | `~` | `git` | 2.39 -> 2.40 | 31.0 MB -> 31.2 MB |
        | `+` | `jq` | 1.6 | 90.0 kB |

        <details><summary>In their closures: 2</summary>

        | | Package | Version | Size |
        |---|---|---|---|
        | `-` | `glibc` | 2.36 | 5.0 MB |
        | `+` | `libx1` | 1-1, for viewer | 70.0 kB |

        </details>

        rebuilt: the same version at a new path, as after a security fix in what it uses.

        38.0 MB in all, was 40.0 MB

        3 new packages, 31.8 MB, 9.0 MB compressed: what a push and a pull move, beside what shares a layer with it
        ");
    }

    #[test]
    fn names_are_text_and_nothing_else() {
        let mut changes = sample();
        changes.requests[0].name = "a|b`<img>".to_owned();
        changes.requests[1].to = vec!["1 <b>@all".to_owned()];
        let text = of(&changes);
        assert!(text.contains("| `a\\|b <img>` |") && text.contains("1 &lt;b>&#64;all"), "{text}");
        assert!(of(&Changes::default()).contains("No package changes."));
    }
}
