//! The home's files: what stands at which path, and who put it there.

use std::collections::BTreeMap;

use crate::image::ImagePath;
use crate::image::listing::ListingKind;
use crate::image::tree::{Metadata, Node, Tree, below};
use crate::root::view::{Kind, View, split_store_path};

use super::super::finding::Finding;
use super::super::programs::Content;
use super::super::settings::{FileContent, FileSettings, Settings, target};
use super::evaluate::All;
use super::{Inputs, Source};

/// Most files that a recursive source may have.
const MOST: usize = 100_000;
/// Larger files keep the executable bit that they have.
const LARGEST: u64 = 64 << 20;

/// A link that the home gets, and what it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    /// Below the home.
    pub(super) target: String,
    pub(super) entry: Entry,
    pub(super) force: bool,
    /// Who wants it: `programs.git`, `file.".x"`.
    origin: String,
    /// Keys that lead to it.
    path: Vec<String>,
}

/// What stands in a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// A file, and whether it is executable.
    File(Vec<u8>, bool),
    /// A link to an absolute path.
    Link(Vec<u8>),
    /// A tree, whose root is the empty path.
    Tree(Tree),
}

/// All files, sorted by target; each target once, none below another.
pub(super) fn place(home: &Settings, all: &All, inputs: &Inputs<'_>, findings: &mut Vec<Finding>) -> Vec<Placed> {
    let mut placed = of_programs(all, findings);
    for file in &home.files {
        match of_setting(file, inputs) {
            Ok(more) => placed.extend(more),
            Err(finding) => findings.push(finding),
        }
    }
    unique(placed, findings)
}

/// Finds who is in whose way, as far as that can be told without packages.
pub(super) fn check_targets(home: &Settings, all: &All, findings: &mut Vec<Finding>) {
    let mut placed = of_programs(all, findings);
    placed.extend(home.files.iter().filter(|file| !file.recursive).map(|file| {
        let entry = match &file.content {
            FileContent::Text(text) => Entry::File(text.clone().into_bytes(), file.executable == Some(true)),
            FileContent::Source(source) => Entry::Link(source.clone().into_bytes()),
        };
        placed_at(file, file.target.clone(), entry)
    }));
    unique(placed, findings);
}

fn of_programs(all: &All, findings: &mut Vec<Finding>) -> Vec<Placed> {
    let mut placed = Vec::new();
    for (written, program, content, executable) in &all.files {
        let entry = match content {
            Content::Text(text) => Entry::File(text.clone().into_bytes(), *executable),
            Content::Link(path) => Entry::Link(path.clone().into_bytes()),
        };
        let path = vec!["programs".to_owned(), (*program).to_owned()];
        match target(written) {
            Ok(target) => {
                let origin = format!("programs.{program}");
                placed.push(Placed { target, entry, force: false, origin, path });
            }
            Err(reason) => {
                let message = format!("`programs.{program}` makes a file at `{written}`, which {reason}");
                findings.push(Finding::error(&["programs", program], message, None));
            }
        }
    }
    placed
}

fn placed_at(file: &FileSettings, target: String, entry: Entry) -> Placed {
    let mut origin = file.path.clone();
    if let Some(last) = origin.last_mut() {
        *last = format!("{last:?}");
    }
    Placed { target, entry, force: file.force, origin: origin.join("."), path: file.path.clone() }
}

fn of_setting(file: &FileSettings, inputs: &Inputs<'_>) -> Result<Vec<Placed>, Finding> {
    let source = match &file.content {
        FileContent::Text(text) => {
            let entry = Entry::File(text.clone().into_bytes(), file.executable == Some(true));
            return Ok(vec![placed_at(file, file.target.clone(), entry)]);
        }
        FileContent::Source(source) => source,
    };
    let keys: Vec<&str> = file.path.iter().map(String::as_str).chain(["source"]).collect();
    let refused = |message: String, help: Option<String>| Finding::error(&keys, message, help);
    match inputs.sources.get(source) {
        Some(Source::Tree(tree)) => Ok(of_tree(file, tree)),
        Some(Source::Path(path)) => of_path(file, &path.to_string(), inputs, &refused),
        None if source.starts_with("/nix/store/") => of_path(file, source, inputs, &refused),
        // That the package is not there was said when it was to be put in.
        None if source.contains("${pkgs.") => Ok(Vec::new()),
        None => Err(refused(format!("there is no `{source}`"), Some("correct the path, or make the file".to_owned()))),
    }
}

type Refused<'a> = dyn Fn(String, Option<String>) -> Finding + 'a;

fn of_path(
    file: &FileSettings,
    path: &str,
    inputs: &Inputs<'_>,
    refused: &Refused<'_>,
) -> Result<Vec<Placed>, Finding> {
    let Some((real, kind)) = inputs.view.follow(path.as_bytes()) else {
        return Err(refused(format!("the package has no `{path}`"), None));
    };
    let whole = |entry| Ok(vec![placed_at(file, file.target.clone(), entry)]);
    match kind {
        Kind::Directory if file.recursive => {
            let inner = files_below(inputs.view, &real)
                .ok_or_else(|| refused(format!("`{path}` has too many files to be linked one by one"), None))?;
            let link = |inner: ImagePath| {
                let inner = String::from_utf8_lossy(inner.as_bytes()).into_owned();
                let entry = Entry::Link(format!("{path}/{inner}").into_bytes());
                placed_at(file, format!("{}/{inner}", file.target), entry)
            };
            Ok(inner.into_iter().map(link).collect())
        }
        Kind::File { executable, size } if file.executable.is_some_and(|wanted| wanted != executable) => {
            let content = usize::try_from(size).ok().filter(|_| size <= LARGEST);
            let content = content.and_then(|size| inputs.view.read(&real, 0, size, inputs.read).ok().flatten());
            let content = content.filter(|content| content.len() as u64 == size);
            let help = "remove `executable`".to_owned();
            let content = content
                .ok_or_else(|| refused(format!("`{path}` can't be read to change its executable bit"), Some(help)))?;
            whole(Entry::File(content, !executable))
        }
        _ => whole(Entry::Link(path.as_bytes().to_vec())),
    }
}

/// Everything below a folder but folders; `None` where that is too much. Links are not followed.
fn files_below(view: View<'_>, folder: &ImagePath) -> Option<Vec<ImagePath>> {
    let (store_path, inner) = split_store_path(folder)?;
    let files: Vec<ImagePath> = if view.packages.contains(&store_path) {
        let files = view.packages.below(&store_path, &inner).into_iter();
        let files = files.filter(|(_, kind)| *kind != ListingKind::Directory);
        files.filter_map(|(path, _)| path.strip_prefix(&inner)).take(MOST + 1).collect()
    } else {
        let all = view.trees.iter().flat_map(|tree| below(tree, folder));
        let files = all.filter(|(_, (_, node))| *node != Node::Directory).map(|(path, _)| path);
        files.take(MOST + 1).collect()
    };
    (files.len() <= MOST).then_some(files)
}

/// A tree of the user's own.
fn of_tree(file: &FileSettings, tree: &Tree) -> Vec<Placed> {
    let root = ImagePath::default();
    if let Some((metadata, node)) = tree.get(&root).filter(|(_, node)| *node != Node::Directory) {
        let mode = match file.executable {
            Some(true) => 0o755,
            Some(false) => 0o644,
            None => metadata.mode,
        };
        let tree = Tree::from([(root, (Metadata::root(mode), node.clone()))]);
        return vec![placed_at(file, file.target.clone(), Entry::Tree(tree))];
    }
    if !file.recursive {
        return vec![placed_at(file, file.target.clone(), Entry::Tree(tree.clone()))];
    }
    let files = tree.iter().filter(|(_, (_, node))| *node != Node::Directory).take(MOST);
    let one = |(path, entry): (&ImagePath, &(Metadata, Node))| {
        let target = format!("{}/{}", file.target, String::from_utf8_lossy(path.as_bytes()));
        placed_at(file, target, Entry::Tree(Tree::from([(ImagePath::default(), entry.clone())])))
    };
    files.map(one).collect()
}

/// One for each target. Two that are the same are one; two that differ are nobody's, and said.
fn unique(placed: Vec<Placed>, findings: &mut Vec<Finding>) -> Vec<Placed> {
    let mut by_target: BTreeMap<String, Placed> = BTreeMap::new();
    for file in placed {
        match by_target.get_mut(&file.target) {
            Some(other) if other.entry == file.entry => other.force |= file.force,
            Some(other) => findings.push(clash(other, &file)),
            None => {
                by_target.insert(file.target.clone(), file);
            }
        }
    }
    for file in by_target.values() {
        let mut folders = file.target.match_indices('/').map(|(at, _)| &file.target[..at]);
        if let Some(outer) = folders.find_map(|folder| by_target.get(folder)) {
            findings.push(clash(outer, file));
        }
    }
    by_target.into_values().collect()
}

fn clash(one: &Placed, two: &Placed) -> Finding {
    let path: Vec<&str> = two.path.iter().map(String::as_str).collect();
    let message = if one.target == two.target {
        format!("`{}` and `{}` both make `~/{}`", one.origin, two.origin, two.target)
    } else {
        format!("`{}` makes `~/{}`, and `{}` something in it", one.origin, one.target, two.origin)
    };
    let help = if one.target == two.target { "keep one of them" } else { "keep one, or use `recursive = true`" };
    Finding::error(&path, message, help.to_owned())
}
