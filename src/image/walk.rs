//! Files on the builder's disk as a [`Tree`].
//!
//! Deterministic: names in byte order, modes from the executable bit, no times, no owners of the disk's. What an image
//! can't hold (sockets, devices, names that mark deletions) is refused by name, never dropped.

use std::fs::Metadata as DiskMetadata;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use walkdir::WalkDir;

use crate::failure::{Class, Classified};

use super::tree::{Metadata, Node, Tree};
use super::{ImagePath, ParseImagePathError};

/// How a walk turns what lies on the disk into nodes.
#[derive(Debug, Clone, Default)]
pub struct WalkOptions {
    /// Permission bits of files; `None`: 0644, or 0755 by the owner's executable bit. Folders are 0755 always.
    pub mode: Option<u32>,
    /// Owner of everything.
    pub uid: u32,
    /// Group of everything.
    pub gid: u32,
    /// What stays out.
    pub exclude: Exclude,
}

/// Why a folder or file can't become a tree.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The source isn't there.
    #[error("`{}` does not exist", .0.display())]
    Missing(PathBuf),
    /// A relative source that a `..` or a link leads out of the project.
    #[error("`{written}` leaves the project: it is `{}`", .resolved.display())]
    LeavesProject {
        /// As the user wrote it.
        written: String,
        /// Where it leads.
        resolved: PathBuf,
    },
    /// A glob that can't be read.
    #[error("`{pattern}` is not a glob")]
    Glob {
        /// As the user wrote it.
        pattern: String,
        /// What is wrong with it.
        source: globset::Error,
    },
    /// A socket, a device, a named pipe.
    #[error("`{}` is {kind}, which an image can't hold", .path.display())]
    Special {
        /// Where it lies.
        path: PathBuf,
        /// "a socket", with its article.
        kind: &'static str,
    },
    /// A name that an image can't hold.
    #[error("`{}` can't go into an image", .path.display())]
    Name {
        /// Where it lies.
        path: PathBuf,
        /// What is wrong with it.
        source: ParseImagePathError,
    },
    /// The disk says no.
    #[error("can't read `{}`", .path.display())]
    Read {
        /// Where it lies.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Classified for WalkError {
    fn class(&self) -> Class {
        match self {
            Self::Read { .. } => Class::Other,
            _ => Class::Usage,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Missing(_) => Some("build it first, or correct the path".to_owned()),
            Self::LeavesProject { resolved, .. } => {
                Some(format!("write the absolute path, `{}`, if that is meant", resolved.display()))
            }
            Self::Special { .. } => Some("remove it, or leave it out with `exclude`".to_owned()),
            Self::Name { .. } => Some("rename it, or leave it out with `exclude`".to_owned()),
            Self::Glob { .. } | Self::Read { .. } => None,
        }
    }
}

/// What stays out of a tree: globs relative to its root.
///
/// A pattern without a slash matches names at any depth (`*.map`); one with a slash matches from the root (`dist/*.map`,
/// `cache/**`); one that ends in a slash matches folders only. A folder that is left out takes its contents with it.
#[derive(Debug, Clone, Default)]
pub struct Exclude {
    anything: GlobSet,
    folders: GlobSet,
}

impl Exclude {
    /// Reads `patterns`.
    pub fn new(patterns: &[String]) -> Result<Self, WalkError> {
        let (mut anything, mut folders) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        for written in patterns {
            let refused = |source| WalkError::Glob { pattern: written.clone(), source };
            let pattern = written.strip_prefix("./").unwrap_or(written);
            let (pattern, set) = match pattern.strip_suffix('/') {
                Some(folder) => (folder, &mut folders),
                None => (pattern, &mut anything),
            };
            let anchored = match pattern.strip_prefix('/') {
                Some(from_root) => from_root.to_owned(),
                None if pattern.contains('/') => pattern.to_owned(),
                None => format!("**/{pattern}"),
            };
            set.add(GlobBuilder::new(&anchored).literal_separator(true).build().map_err(refused)?);
        }
        let build = |set: GlobSetBuilder| {
            set.build().map_err(|source| WalkError::Glob { pattern: patterns.join(", "), source })
        };
        Ok(Self { anything: build(anything)?, folders: build(folders)? })
    }

    fn matches(&self, relative: &Path, is_folder: bool) -> bool {
        self.anything.is_match(relative) || (is_folder && self.folders.is_match(relative))
    }
}

/// Where `written` lies: absolute as it stands, else below `project`, which it must not leave. Links among its parents
/// are followed first; a link at its end is taken as a link.
pub fn locate(project: &Path, written: &str) -> Result<PathBuf, WalkError> {
    let path = Path::new(written);
    if path.is_absolute() {
        return Ok(path.to_owned());
    }
    let joined = project.join(path);
    let resolved = match (joined.parent(), joined.file_name()) {
        (Some(parent), Some(name)) if path != Path::new(".") => resolve(parent, &joined)?.join(name),
        _ => resolve(&joined, &joined)?,
    };
    stay(project, written, resolved)
}

/// The same, with a link at the end followed, too: for what is wanted for its content.
pub fn locate_content(project: &Path, written: &str) -> Result<PathBuf, WalkError> {
    let joined = project.join(written);
    let resolved = resolve(&joined, &joined)?;
    if Path::new(written).is_absolute() { Ok(resolved) } else { stay(project, written, resolved) }
}

fn stay(project: &Path, written: &str, resolved: PathBuf) -> Result<PathBuf, WalkError> {
    if resolved.starts_with(resolve(project, project)?) {
        Ok(resolved)
    } else {
        Err(WalkError::LeavesProject { written: written.to_owned(), resolved })
    }
}

fn resolve(path: &Path, named: &Path) -> Result<PathBuf, WalkError> {
    path.canonicalize().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => WalkError::Missing(named.to_owned()),
        _ => WalkError::Read { path: named.to_owned(), source },
    })
}

/// The file, link or folder at `source` as a tree whose root is `target`.
pub fn walk(source: &Path, target: &ImagePath, options: &WalkOptions) -> Result<Tree, WalkError> {
    let mut tree = Tree::new();
    let relative = |path: &Path| path.strip_prefix(source).map(Path::to_owned).unwrap_or_default();
    let wanted = |entry: &walkdir::DirEntry| {
        entry.depth() == 0 || !options.exclude.matches(&relative(entry.path()), entry.file_type().is_dir())
    };
    // A link at the root is a link too: walkdir follows only what is asked of it.
    for entry in WalkDir::new(source).follow_root_links(false).sort_by_file_name().into_iter().filter_entry(wanted) {
        let entry = entry.map_err(|error| read_error(source, error))?;
        let path = image_path(target, &relative(entry.path()), entry.path())?;
        let metadata = entry.metadata().map_err(|error| read_error(source, error))?;
        tree.insert(path, node(entry.path(), &metadata, options)?);
    }
    Ok(tree)
}

fn image_path(target: &ImagePath, relative: &Path, path: &Path) -> Result<ImagePath, WalkError> {
    relative.iter().try_fold(target.clone(), |parent, name| {
        parent.join(name.as_bytes()).map_err(|source| WalkError::Name { path: path.to_owned(), source })
    })
}

fn node(path: &Path, found: &DiskMetadata, options: &WalkOptions) -> Result<(Metadata, Node), WalkError> {
    let kind = found.file_type();
    let owned = |mode| Metadata { mode, uid: options.uid, gid: options.gid };
    if kind.is_dir() {
        Ok((owned(0o755), Node::Directory))
    } else if kind.is_symlink() {
        let link = std::fs::read_link(path).map_err(|source| WalkError::Read { path: path.to_owned(), source })?;
        Ok((owned(0o777), Node::Symlink(link.as_os_str().as_bytes().to_vec())))
    } else if kind.is_file() {
        // Known now, an unreadable file costs nothing; found while a layer is written, it costs the build.
        rustix::fs::access(path, rustix::fs::Access::READ_OK)
            .map_err(|errno| WalkError::Read { path: path.to_owned(), source: errno.into() })?;
        let executable = found.permissions().mode() & 0o100 != 0;
        let mode = options.mode.unwrap_or(if executable { 0o755 } else { 0o644 });
        Ok((owned(mode), Node::LocalFile { path: path.to_owned(), size: found.len() }))
    } else {
        let kind = match () {
            () if kind.is_socket() => "a socket",
            () if kind.is_fifo() => "a named pipe",
            () => "a device",
        };
        Err(WalkError::Special { path: path.to_owned(), kind })
    }
}

fn read_error(source: &Path, error: walkdir::Error) -> WalkError {
    let path = error.path().unwrap_or(source).to_owned();
    let missing = error.io_error().is_some_and(|error| error.kind() == io::ErrorKind::NotFound);
    if missing && error.depth() == 0 {
        return WalkError::Missing(path);
    }
    WalkError::Read { path, source: error.into() }
}

#[cfg(test)]
mod tests;
