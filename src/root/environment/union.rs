//! The union of packages as links: a folder that one package alone has is one link, shared folders are merged.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::image::ImagePath;
use crate::image::tree::{Metadata, Node, Tree};
use crate::nix::StorePath;

use super::super::view::{Kind, View, split_store_path};
use super::{Collision, EnvironmentError, FileRef, Shadowed};

/// Most entries that a union may have: links to folders can make a few hostile listings expand without end.
pub(super) const MAX_ENTRIES: usize = 1 << 20;

/// Compares the contents of two files; asked only where their sizes and executable bits agree.
pub(super) type Same<'a> = &'a mut dyn FnMut(&FileRef, &FileRef) -> io::Result<bool>;

/// A package's folder that takes part in a merge.
struct Folder<'a> {
    package: &'a StorePath,
    /// Below the package, as links in the union write it.
    path: ImagePath,
    /// Where it really lies, in the image.
    real: ImagePath,
    /// A link led here. Links further in are not followed, so circles end.
    behind_link: bool,
}

/// What one package has to offer for a name.
struct Candidate<'a> {
    package: &'a StorePath,
    path: ImagePath,
    /// Where it stands, the folder's links followed.
    at: ImagePath,
    resolved: Option<(ImagePath, Kind<'a>)>,
    behind_link: bool,
}

pub(super) struct Union<'a> {
    view: View<'a>,
    same: Same<'a>,
    limit: usize,
    pub(super) tree: Tree,
    pub(super) collisions: Vec<Collision>,
    shadowed: BTreeMap<(StorePath, StorePath), (ImagePath, usize)>,
}

impl<'a> Union<'a> {
    pub(super) fn new(view: View<'a>, same: Same<'a>, limit: usize) -> Self {
        Self { view, same, limit, tree: Tree::new(), collisions: Vec::new(), shadowed: BTreeMap::new() }
    }

    /// Merges `packages`, the first one first; yields those that are no folders and can't take part.
    pub(super) fn merge_packages(&mut self, packages: &[&'a StorePath]) -> Result<Vec<StorePath>, EnvironmentError> {
        let (mut folders, mut left_out, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        for package in packages.iter().copied().filter(|package| seen.insert(*package)) {
            match self.view.resolve(&ImagePath::from(package)) {
                Some((real, Kind::Directory)) => {
                    folders.push(Folder { package, path: ImagePath::default(), real, behind_link: false });
                }
                _ => left_out.push(package.clone()),
            }
        }
        self.merge(&ImagePath::default(), &folders)?;
        Ok(left_out)
    }

    /// Files that lost to another package's, a line for each pair of packages.
    pub(super) fn shadowed(&self) -> Vec<Shadowed> {
        let note = |((kept, dropped), (path, count)): (&(StorePath, StorePath), &(ImagePath, usize))| Shadowed {
            kept: kept.clone(),
            dropped: dropped.clone(),
            path: path.clone(),
            count: *count,
        };
        self.shadowed.iter().map(note).collect()
    }

    fn merge(&mut self, at: &ImagePath, folders: &[Folder<'a>]) -> Result<(), EnvironmentError> {
        self.insert(at.clone(), Node::Directory)?;
        let mut names: BTreeMap<ImagePath, Vec<Candidate<'a>>> = BTreeMap::new();
        for folder in folders {
            let Some((store_path, inner)) = split_store_path(&folder.real) else { continue };
            for name in self.view.packages.names(&store_path, &inner) {
                let join = |folder: &ImagePath| folder.join(&name).map_err(EnvironmentError::Name);
                let candidate = Candidate {
                    package: folder.package,
                    path: join(&folder.path)?,
                    at: join(&folder.real)?,
                    resolved: None,
                    behind_link: folder.behind_link,
                };
                names.entry(join(at)?).or_default().push(candidate);
            }
        }
        for (path, candidates) in names {
            if !is_ignored(&path) {
                self.place(path, candidates)?;
            }
        }
        Ok(())
    }

    fn place(&mut self, path: ImagePath, mut candidates: Vec<Candidate<'a>>) -> Result<(), EnvironmentError> {
        if candidates.len() > 1 {
            for candidate in &mut candidates {
                candidate.resolved = self.view.resolve(&candidate.at);
            }
            if candidates.iter().all(Candidate::may_be_merged) && !all_equal(&candidates) {
                let folders: Vec<_> = candidates.into_iter().map(Candidate::into_folder).collect();
                return self.merge(&path, &folders);
            }
        }
        let first = &candidates[0];
        for other in &candidates[1..] {
            if !self.agree(first, other)? {
                self.collide(&path, first.package, other.package);
            }
        }
        let target = format!("{}/", first.package).into_bytes();
        self.insert(path, Node::Symlink([target.as_slice(), first.path.as_bytes()].concat()))
    }

    fn agree(&mut self, first: &Candidate<'a>, other: &Candidate<'a>) -> Result<bool, EnvironmentError> {
        let (Some((first_path, first_kind)), Some((other_path, other_kind))) = (&first.resolved, &other.resolved)
        else {
            // Links that lead out of the packages: the same only if they say the same.
            let link = |candidate: &Candidate<'a>| self.view.get(&candidate.at);
            return Ok(first.resolved.is_none() && other.resolved.is_none() && link(first) == link(other));
        };
        if first_path == other_path {
            return Ok(true);
        }
        if first_kind != other_kind || *first_kind == Kind::Directory {
            return Ok(false);
        }
        match (FileRef::new(first_path), FileRef::new(other_path)) {
            (Some(one), Some(two)) => {
                (self.same)(&one, &two).map_err(|source| EnvironmentError::Compare { one, two, source })
            }
            _ => Ok(false),
        }
    }

    fn collide(&mut self, path: &ImagePath, kept: &StorePath, dropped: &StorePath) {
        let folder = path.as_bytes().split(|&byte| byte == b'/').next();
        if matches!(folder, Some(b"bin" | b"sbin")) {
            let (one, two) = (kept.clone(), dropped.clone());
            self.collisions.push(Collision { path: path.clone(), one, two });
        } else {
            let pair = self.shadowed.entry((kept.clone(), dropped.clone())).or_insert_with(|| (path.clone(), 0));
            pair.1 += 1;
        }
    }

    fn insert(&mut self, path: ImagePath, node: Node) -> Result<(), EnvironmentError> {
        if self.tree.len() >= self.limit {
            return Err(EnvironmentError::TooLarge { limit: self.limit });
        }
        let mode = if node == Node::Directory { 0o555 } else { 0o777 };
        self.tree.insert(path, (Metadata::root(mode), node));
        Ok(())
    }
}

impl<'a> Candidate<'a> {
    fn may_be_merged(&self) -> bool {
        matches!(&self.resolved, Some((real, Kind::Directory)) if *real == self.at || !self.behind_link)
    }

    fn into_folder(self) -> Folder<'a> {
        let real = self.resolved.map_or_else(|| self.at.clone(), |(real, _)| real);
        let behind_link = self.behind_link || real != self.at;
        Folder { package: self.package, path: self.path, real, behind_link }
    }
}

fn all_equal(candidates: &[Candidate<'_>]) -> bool {
    candidates.windows(2).all(|pair| pair[0].resolved == pair[1].resolved)
}

/// What concerns one package alone and would only collide: build inputs, logs, indices that list a single package.
fn is_ignored(path: &ImagePath) -> bool {
    const AT: [&[u8]; 6] = [
        b"nix-support",
        b"propagated-build-inputs",
        b"propagated-native-build-inputs",
        b"log",
        b"info/dir",
        b"share/info/dir",
    ];
    AT.contains(&path.as_bytes()) || path.name() == b"perllocal.pod"
}
