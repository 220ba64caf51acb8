//! `/var/lib/dpkg/status`: each package's control file, in dpkg's order and spelling.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::deb::{Conffile, Paragraph, parse_groups, write_groups};
use crate::image::ImagePath;

use super::super::merge::Merge;
use super::super::{Package, canonical_path};
use super::DpkgError;

/// How dpkg writes a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// As it stands.
    Plain,
    /// Only `yes`.
    Flag,
    /// With a relation's blanks.
    Relations,
    /// By dpkg alone.
    Own,
}

/// dpkg's own order of the fields that it knows.
const ORDER: [(&str, Spelling); 28] = [
    ("Package", Spelling::Plain),
    ("Essential", Spelling::Flag),
    ("Protected", Spelling::Flag),
    ("Status", Spelling::Own),
    ("Priority", Spelling::Plain),
    ("Section", Spelling::Plain),
    ("Installed-Size", Spelling::Plain),
    ("Origin", Spelling::Plain),
    ("Maintainer", Spelling::Plain),
    ("Bugs", Spelling::Plain),
    ("Architecture", Spelling::Plain),
    ("Multi-Arch", Spelling::Plain),
    ("Source", Spelling::Plain),
    ("Version", Spelling::Plain),
    ("Config-Version", Spelling::Own),
    ("Replaces", Spelling::Relations),
    ("Provides", Spelling::Relations),
    ("Depends", Spelling::Relations),
    ("Pre-Depends", Spelling::Relations),
    ("Recommends", Spelling::Relations),
    ("Suggests", Spelling::Relations),
    ("Breaks", Spelling::Relations),
    ("Conflicts", Spelling::Relations),
    ("Enhances", Spelling::Relations),
    ("Conffiles", Spelling::Own),
    ("Description", Spelling::Plain),
    ("Triggers-Pending", Spelling::Own),
    ("Triggers-Awaited", Spelling::Own),
];

/// The whole file, for packages in the order of their names.
pub(super) fn status(sorted: &[&Package<'_>], merge: &Merge) -> Result<String, DpkgError> {
    let mut text = String::new();
    let conffiles = Conffiles::new(sorted, merge);
    for package in sorted {
        let unreadable = |source| DpkgError::Control { package: package.name.clone(), source };
        paragraph(&mut text, package, &package.facts.paragraph().map_err(unreadable)?, &conffiles);
        text.push('\n');
    }
    Ok(text)
}

fn paragraph(text: &mut String, package: &Package<'_>, control: &Paragraph, conffiles: &Conffiles<'_>) {
    for (name, spelling) in ORDER {
        match (name, spelling, control.get(name)) {
            ("Status", ..) => text.push_str("Status: install ok installed\n"),
            ("Conffiles", ..) => conffiles.append(text, package),
            (_, Spelling::Own, _) | (_, _, None | Some("")) => {}
            (_, Spelling::Flag, Some(value)) if !value.eq_ignore_ascii_case("yes") => {}
            (_, Spelling::Relations, Some(value)) => field(text, name, &relations(value)),
            ("Multi-Arch", _, Some("no")) => {}
            (_, _, Some(value)) => field(text, name, value),
        }
    }
    let known = |name: &str| ORDER.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
    for (name, value) in control.fields().filter(|(name, value)| !known(name) && !value.is_empty()) {
        field(text, name, value);
    }
}

/// A field with dpkg's blanks, on one line. What is no relationship field keeps its words.
fn relations(value: &str) -> String {
    match parse_groups(value) {
        Ok(groups) => write_groups(&groups),
        Err(_) => value.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

fn field(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "{name}: {value}");
}

/// Configuration files of all packages.
struct Conffiles<'a> {
    merge: &'a Merge,
    /// Digests of those that stand, by canonical paths.
    standing: BTreeMap<ImagePath, &'a str>,
}

impl<'a> Conffiles<'a> {
    fn new(sorted: &[&Package<'a>], merge: &'a Merge) -> Self {
        let mut standing = BTreeMap::new();
        for package in sorted {
            for Conffile { path, md5 } in &package.facts.conffiles {
                if let Some(path) =
                    canonical_path(path.as_bytes()).ok().filter(|path| !merge.is_replaced(package.name, path))
                {
                    standing.insert(path, md5.as_str());
                }
            }
        }
        Self { merge, standing }
    }

    /// The field `Conffiles`. A file that another package replaces is obsolete here and has the other one's digest, as dpkg
    /// holds what is there against every digest.
    fn append(&self, text: &mut String, package: &Package<'_>) {
        let mut lines = String::new();
        for Conffile { path, md5 } in &package.facts.conffiles {
            let canonical = canonical_path(path.as_bytes()).unwrap_or_default();
            if !self.merge.is_replaced(package.name, &canonical) {
                let _ = writeln!(lines, " {path} {md5}");
            } else if let Some(md5) = self.standing.get(&canonical) {
                let _ = writeln!(lines, " {path} {md5} obsolete");
            }
        }
        if !lines.is_empty() {
            let _ = write!(text, "Conffiles:\n{lines}");
        }
    }
}
