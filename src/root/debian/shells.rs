//! `/etc/shells` as Debian's update-shells and add-shell make it.
//!
//! Packages name their shells in `/usr/share/debianutils/shells.d`, older ones by `add-shell` in their scripts. Each stands
//! there as the package writes it and, where that leads through a link to `/usr`, as it is.

use std::io;

use crate::image::ImagePath;
use crate::image::listing::ListingKind;
use crate::root::view::ReadContent;

use super::aliases::canonical_text;
use super::{Merged, Package};

/// What debianutils begins `/etc/shells` with.
const TEMPLATE: &str = "usr/share/debianutils/shells";
const FOLDER: &str = "usr/share/debianutils/shells.d";
/// The first line where that package isn't there.
const HEAD: &str = "# /etc/shells: valid login shells";
/// A larger file is no list of shells.
const LARGEST: u64 = 64 << 10;

/// The lines of `/etc/shells` that packages ask for, comments of debianutils' template first.
pub(super) fn shells(packages: &[Package<'_>], merged: &Merged, read: &ReadContent<'_>) -> io::Result<Vec<String>> {
    let template = text(TEMPLATE, merged, read)?.unwrap_or_else(|| format!("{HEAD}\n"));
    let mut lines: Vec<String> = template.lines().map(ToOwned::to_owned).collect();
    let mut add = |shell: &str| {
        let canonical = canonical_text(shell).map(|path| path.to_string());
        for shell in canonical.iter().flat_map(|canonical| [shell, canonical]) {
            if !lines.iter().any(|line| without_comment(line) == shell) {
                lines.push(shell.to_owned());
            }
        }
    };
    let folder = ImagePath::new(FOLDER.as_bytes()).unwrap_or_default();
    let files = merged.range(folder.clone()..).map(|(path, _)| path).take_while(|path| path.starts_with(&folder));
    let mut texts = vec![template];
    for file in files {
        texts.extend(text(&file.to_string(), merged, read)?);
    }
    texts.iter().flat_map(|text| text.lines()).map(without_comment).for_each(&mut add);
    let scripts = packages.iter().filter_map(|package| package.facts.text("postinst"));
    scripts.flat_map(added).for_each(add);
    lines.retain(|line| line.starts_with('#') || exists(merged, without_comment(line)));
    Ok(lines)
}

/// Shells that a script names in plain calls of `add-shell`.
fn added(script: &str) -> impl Iterator<Item = &str> {
    let calls = script.lines().filter_map(|line| line.trim_start().strip_prefix("add-shell "));
    calls.flat_map(|rest| rest.split_ascii_whitespace().take_while(|word| word.starts_with('/')))
}

fn without_comment(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim_end()
}

fn exists(merged: &Merged, shell: &str) -> bool {
    let placed = canonical_text(shell).and_then(|path| merged.get(&path));
    placed.is_some_and(|placed| placed.kind != ListingKind::Directory)
}

fn text(path: &str, merged: &Merged, read: &ReadContent<'_>) -> io::Result<Option<String>> {
    let Ok(path) = ImagePath::new(path.as_bytes()) else { return Ok(None) };
    let size = match merged.get(&path).map(|placed| &placed.kind) {
        Some(ListingKind::File { size, .. }) if *size <= LARGEST => usize::try_from(*size).unwrap_or_default(),
        _ => return Ok(None),
    };
    Ok(read(&path, 0, size)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deb::{Member, PackageFacts};
    use crate::root::sample;

    /// Lines for packages' files with their contents, and scripts.
    fn lines(files: &[(&str, &str)], postinst: &str) -> Vec<String> {
        let merged = sample::merged(files);
        let read = |path: &ImagePath, _: u64, _: usize| {
            let content = files.iter().find(|(file, _)| path.as_bytes() == file.as_bytes());
            Ok(content.map(|(_, content)| content.as_bytes().to_vec()))
        };
        let members = [("postinst".to_owned(), Member::Text(postinst.to_owned()))].into();
        let facts = PackageFacts { members, ..PackageFacts::default() };
        let (_, listing) = sample::package("any", &[]);
        let name = "any".parse().unwrap();
        let (architecture, version, requested) = ("all", "1", true);
        let package = Package { name: &name, architecture, version, requested, listing: &listing, facts: &facts };
        shells(&[package], &merged, &read).unwrap()
    }

    const BINARIES: [(&str, &str); 5] = [
        ("usr/bin/sh", "x"),
        ("usr/bin/bash", "x"),
        ("usr/bin/rbash", "-> bash"),
        ("usr/bin/dash", "x"),
        ("usr/bin/tmux", "x"),
    ];

    #[test]
    fn packages_shells_in_the_order_of_update_shells() {
        let mut files = BINARIES.to_vec();
        files.extend([
            ("usr/share/debianutils/shells", "# /etc/shells: valid login shells\n/bin/sh\n"),
            ("usr/share/debianutils/shells.d/bash", "/bin/bash\n/bin/rbash\n"),
            ("usr/share/debianutils/shells.d/dash", "/bin/dash # a comment\n/bin/absent\n"),
        ]);
        let found =
            lines(&files, "case $1 in\nconfigure)\n\tadd-shell /usr/bin/tmux || true\n\tadd-shell $other\n;;\nesac\n");
        let expected = "# /etc/shells: valid login shells|/bin/sh|/usr/bin/sh|/bin/bash|/usr/bin/bash|/bin/rbash|\
                        /usr/bin/rbash|/bin/dash|/usr/bin/dash|/usr/bin/tmux";
        assert_eq!(found.join("|"), expected);
    }

    #[test]
    fn without_debianutils_scripts_count_alone() {
        assert_eq!(lines(&BINARIES, "add-shell /bin/dash"), [HEAD, "/bin/dash", "/usr/bin/dash"]);
        assert_eq!(lines(&[], ""), [HEAD]);
    }
}
