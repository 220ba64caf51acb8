//! Gives a home on the volume to the user who has its name now.
//!
//! What belonged to the home's former owner becomes the user's. What belongs to others stays theirs: the home may hold a second name
//! of anybody's file.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Stat};

use crate::boot::{BootPlan, Layout, PlanAccount};
use crate::failure::{Class, Classified};

use super::boot::{Ground, folder};

/// Deeper folders are not gone into: one descriptor is open for each level.
const DEPTH: usize = 256;

/// Whose what is, and whose it will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    /// The user.
    pub account: PlanAccount,
    /// The home on the volume, and the user's kept paths that belong to the home's former owner.
    pub paths: Vec<PathBuf>,
    /// The former owner; the user's own number: there is nothing to do.
    pub uid: u32,
    /// The former owner's group.
    pub gid: u32,
}

impl Adoption {
    /// The user's already.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.uid == self.account.uid
    }

    /// The home on the volume.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.paths.first().map_or_else(|| Path::new(&self.account.home), PathBuf::as_path)
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Adopted {
    /// Files, folders and links that are the user's now.
    pub changed: u64,
    /// Those that belong to others, and were left.
    pub others: u64,
}

/// Why a home can't be adopted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The plan has no such user.
    #[error("no user {user} is declared in this image")]
    Unknown {
        /// The name.
        user: String,
        /// Those that are.
        known: Vec<String>,
    },
    /// There is no home.
    #[error("there is no home of {user} at {}", path.display())]
    NoHome {
        /// The user.
        user: String,
        /// Where it would be.
        path: PathBuf,
        /// Why it can't be looked at.
        source: io::Error,
    },
    /// Only root gives files away.
    #[error("only root can give files to another user")]
    NotRoot,
    /// A path can't be given away.
    #[error("can't give all of {} away", path.display())]
    Give {
        /// It, or what holds it.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Classified for Error {
    fn class(&self) -> Class {
        match self {
            Self::Unknown { .. } => Class::UnknownName,
            Self::NotRoot => Class::Usage,
            Self::NoHome { .. } | Self::Give { .. } => Class::Other,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Unknown { known, .. } if known.is_empty() => Some("users.toml declares nobody".to_owned()),
            Self::Unknown { known, .. } => Some(format!("users.toml declares {}", known.join(", "))),
            Self::NoHome { .. } => Some("there is nothing to adopt: the next start makes a home".to_owned()),
            Self::NotRoot => Some("`docker exec -u 0 …`, or `fly ssh console`".to_owned()),
            Self::Give { .. } => Some("what was given stays given; once the cause is gone, do it again".to_owned()),
        }
    }
}

/// Looks at whose things are.
///
/// # Errors
/// No such user or home.
pub fn plan(ground: &Ground, plan: &BootPlan, user: &str) -> Result<Adoption, Error> {
    let known = || plan.users.keys().cloned().collect();
    let Some(declared) = plan.users.get(user) else {
        return Err(Error::Unknown { user: user.to_owned(), known: known() });
    };
    let (account, layout) = (declared.account.clone(), Layout::new(&plan.volume));
    let home = layout.home(user);
    let no_home = |source| Error::NoHome { user: user.to_owned(), path: home.clone(), source };
    let stat = folder::open(&ground.at(&home)).and_then(|home| Ok(rustix::fs::fstat(home)?)).map_err(no_home)?;
    let kept = plan.persist.iter().filter(|path| path.uid == account.uid).map(|path| layout.kept(&path.path));
    let is_formers = |path: &PathBuf| look(&ground.at(path)).is_some_and(|there| there.st_uid == stat.st_uid);
    let paths = std::iter::once(home.clone()).chain(kept.filter(is_formers)).collect();
    Ok(Adoption { account, paths, uid: stat.st_uid, gid: stat.st_gid })
}

/// Carries it out.
///
/// # Errors
/// Not root, or a file system that refuses.
pub fn adopt(ground: &Ground, adoption: &Adoption) -> Result<Adopted, Error> {
    if !rustix::process::geteuid().is_root() {
        return Err(Error::NotRoot);
    }
    let mut adopted = Adopted::default();
    for path in &adoption.paths {
        let given = tree(&ground.at(path), adoption, &mut adopted);
        given.map_err(|source| Error::Give { path: path.clone(), source })?;
    }
    Ok(adopted)
}

fn look(path: &Path) -> Option<Stat> {
    rustix::fs::statat(rustix::fs::CWD, path, AtFlags::SYMLINK_NOFOLLOW).ok()
}

/// Gives a tree away, its root last: so a run that was killed is followed by a whole one.
fn tree(root: &Path, adoption: &Adoption, adopted: &mut Adopted) -> io::Result<()> {
    let (Some(parent), Some(name)) = (root.parent(), root.file_name()) else { return Ok(()) };
    let parent = folder::open(parent)?;
    if look(root).is_some_and(|there| FileType::from_raw_mode(there.st_mode).is_dir()) {
        let top = folder::open_in(&parent, name)?;
        let mut levels = vec![(Dir::read_from(&top)?, top)];
        while let Some((entries, folder)) = levels.last_mut() {
            let Some(entry) = entries.next() else {
                levels.pop();
                continue;
            };
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." || !give(folder, name, adoption, adopted)? {
                continue;
            }
            if levels.len() == DEPTH {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "folders are nested too deep"));
            }
            let below = levels.last().map(|(_, folder)| folder::open_in(folder, name)).transpose()?;
            levels.extend(below.map(|below| Dir::read_from(&below).map(|entries| (entries, below))).transpose()?);
        }
    }
    give(&parent, name, adoption, adopted).map(drop)
}

/// Gives one thing away, if it was the former owner's; says whether it is a folder to go into.
fn give(folder: &OwnedFd, name: &OsStr, adoption: &Adoption, adopted: &mut Adopted) -> io::Result<bool> {
    let Some(stat) = folder::look(folder, name)? else { return Ok(false) };
    let is_folder = FileType::from_raw_mode(stat.st_mode).is_dir();
    if stat.st_uid != adoption.uid {
        adopted.others += u64::from(stat.st_uid != adoption.account.uid);
        return Ok(is_folder);
    }
    let group = (stat.st_gid == adoption.gid).then(|| rustix::fs::Gid::from_raw(adoption.account.gid));
    let user = Some(rustix::fs::Uid::from_raw(adoption.account.uid));
    rustix::fs::chownat(folder, name, user, group, AtFlags::SYMLINK_NOFOLLOW)?;
    adopted.changed += 1;
    Ok(is_folder)
}

#[cfg(test)]
mod tests;
