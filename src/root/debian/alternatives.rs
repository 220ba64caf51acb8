//! `update-alternatives`, done for all packages at once: links, and the database that it keeps.
//!
//! Every group is in automatic mode: the highest priority wins, of equal ones the first by path.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::config::Diagnostic;
use crate::deb::PackageName;
use crate::image::ImagePath;
use crate::image::listing::ListingKind;
use crate::image::tree::{Metadata, Node, Tree};
use crate::root::view::View;

use super::aliases::canonical_text;
use super::{Action, Alternative, Merged};

const LINKS: &str = "etc/alternatives";
const DATABASE: &str = "var/lib/dpkg/alternatives";

/// What [`alternatives`] yields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Alternatives {
    /// Links and database files, without the folders that they lie in.
    pub tree: Tree,
    /// Choices and links that can't be.
    pub findings: Vec<Diagnostic>,
}

/// A group of alternatives, as its file in the database has it.
#[derive(Debug, Default)]
struct Group<'a> {
    link: &'a str,
    /// Followers' links by their names.
    followers: BTreeMap<&'a str, &'a str>,
    /// By path: priority, and followers' paths by their names.
    choices: BTreeMap<&'a str, (i64, BTreeMap<&'a str, &'a str>)>,
}

/// All groups that the packages' `actions` make, over the files of `merged`.
///
/// A choice that no package brings is left out, and a link gives way to a package's own file; both are told.
#[must_use]
pub fn alternatives(actions: &BTreeMap<PackageName, Vec<Action>>, merged: &Merged) -> Alternatives {
    let packages = BTreeMap::new();
    let mut maker = Maker {
        view: View { trees: &[], packages: &packages, merged },
        merged,
        managed: BTreeSet::new(),
        made: Alternatives::default(),
    };
    let groups = maker.groups(actions);
    for (name, group) in &groups {
        maker.group(name, group);
    }
    maker.made
}

struct Maker<'a> {
    view: View<'a>,
    merged: &'a Merged,
    /// Links that a group has already.
    managed: BTreeSet<ImagePath>,
    made: Alternatives,
}

impl Maker<'_> {
    fn groups<'b>(&mut self, actions: &'b BTreeMap<PackageName, Vec<Action>>) -> BTreeMap<&'b str, Group<'b>> {
        let mut groups = BTreeMap::<&str, Group<'b>>::new();
        for (package, actions) in actions {
            for action in actions {
                let Action::Alternative(alternative) = action else { continue };
                match self.refuse(alternative) {
                    Some(reason) => {
                        self.find(format!("{package}: the alternative {} {reason}", shown(&alternative.path)));
                    }
                    None => add(groups.entry(&alternative.name).or_default(), alternative),
                }
            }
        }
        groups
    }

    /// Why a choice can't be.
    fn refuse(&self, alternative: &Alternative) -> Option<String> {
        let followers = || alternative.followers.iter();
        let names = followers().map(|[_, name, _]| name).chain([&alternative.name]);
        let paths = followers().flat_map(|[link, _, path]| [link, path]);
        if let Some(name) = names.into_iter().find(|name| !is_name(name)) {
            return Some(format!("has the impossible name {}", shown(name)));
        }
        if let Some(path) = paths.chain([&alternative.link, &alternative.path]).find(|path| !is_path(path)) {
            return Some(format!("names the impossible path {}", shown(path)));
        }
        (!self.exists(&alternative.path)).then(|| "is not in the image".to_owned())
    }

    fn exists(&self, path: &str) -> bool {
        canonical_text(path).is_some_and(|path| self.view.resolve(&path).is_some())
    }

    fn group(&mut self, name: &str, group: &Group<'_>) {
        // Later choices win over earlier ones of the same priority in `max_by_key`.
        let Some((path, (_, followers))) = group.choices.iter().rev().max_by_key(|(_, (priority, _))| *priority) else {
            return;
        };
        self.link(name, group.link, path);
        for (name, link) in &group.followers {
            if let Some(path) = followers.get(name).filter(|path| self.exists(path)) {
                self.link(name, link, path);
            }
        }
        self.put(&format!("{DATABASE}/{name}"), Metadata::root(0o644), Node::File(print(group).into_bytes()));
    }

    /// `link` → `/etc/alternatives/name` → `path`
    fn link(&mut self, name: &str, link: &str, path: &str) {
        let Some(place) = canonical_text(link) else { return };
        let target = format!("/{LINKS}/{name}");
        match self.merged.get(&place).map(|placed| &placed.kind) {
            Some(ListingKind::Symlink { target: own }) if *own == target.as_bytes() => {}
            Some(_) => {
                self.find(format!("{link} is a file of a package, and does not become the alternative `{name}`"));
            }
            None if !self.managed.insert(place.clone()) => {
                self.find(format!("{link} is another alternative already, and does not become `{name}`"));
            }
            None => _ = self.made.tree.insert(place, symlink(&target)),
        }
        self.put(&target, Metadata::root(0o777), Node::Symlink(path.as_bytes().to_vec()));
    }

    fn put(&mut self, path: &str, metadata: Metadata, node: Node) {
        if let Ok(path) = ImagePath::new(path.as_bytes()) {
            self.made.tree.insert(path, (metadata, node));
        }
    }

    fn find(&mut self, message: String) {
        self.made.findings.push(Diagnostic::warning(message, None));
    }
}

fn symlink(target: &str) -> (Metadata, Node) {
    (Metadata::root(0o777), Node::Symlink(target.as_bytes().to_vec()))
}

/// The first package by name decides where a group's links stand; `update-alternatives` takes the last that was installed.
fn add<'a>(group: &mut Group<'a>, alternative: &'a Alternative) {
    if group.link.is_empty() {
        group.link = &alternative.link;
    }
    for [link, name, _] in &alternative.followers {
        group.followers.entry(name).or_insert(link);
    }
    let followers = alternative.followers.iter().map(|[_, name, path]| (name.as_str(), path.as_str())).collect();
    group.choices.insert(&alternative.path, (alternative.priority, followers));
}

/// The file in the database, to the byte: mode, link, followers, choices.
fn print(group: &Group<'_>) -> String {
    let mut text = format!("auto\n{}\n", group.link);
    for (name, link) in &group.followers {
        // Writing into a string can't fail.
        let _ = writeln!(text, "{name}\n{link}");
    }
    text.push('\n');
    for (path, (priority, followers)) in &group.choices {
        let _ = writeln!(text, "{path}\n{priority}");
        for name in group.followers.keys() {
            let _ = writeln!(text, "{}", followers.get(name).copied().unwrap_or_default());
        }
    }
    text.push('\n');
    text
}

fn is_name(name: &str) -> bool {
    let odd = |character: char| character.is_control() || character.is_whitespace() || character == '/';
    !matches!(name, "" | "." | "..") && name.len() <= 200 && !name.contains(odd) && !name.starts_with(".wh.")
}

fn is_path(path: &str) -> bool {
    path.len() <= 4096 && !path.contains(char::is_control) && canonical_text(path).is_some_and(|path| !path.is_root())
}

fn shown(text: &str) -> String {
    format!("`{}`", text.chars().take(80).collect::<String>().escape_debug())
}

#[cfg(test)]
mod tests;
