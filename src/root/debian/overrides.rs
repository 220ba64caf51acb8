//! Owners, modes and capabilities that maintainer scripts give to packages' files.

use crate::deb::PackageName;
use crate::image::ImagePath;
use crate::image::listing::ListingKind;
use crate::image::tree::Metadata;

use super::aliases::follow;
use super::merge::Merge;
use super::{Action, Package, ParseCapabilityError, Placed, encode_capabilities};

/// Somebody's name, to be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner<'a> {
    /// A user.
    User(&'a str),
    /// A group.
    Group(&'a str),
}

/// A line of dpkg's statoverride.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatOverride {
    /// Absolute, as the script has it.
    pub path: String,
    /// A user's name, or `#` and its number.
    pub user: String,
    /// A group's name, or `#` and its number.
    pub group: String,
    /// Permission bits.
    pub mode: u32,
}

/// What a script wants and can't have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OverrideFinding {
    /// The path is no package's.
    #[error("{package} changes {path}, which no package brings")]
    Nobody {
        /// Whose script.
        package: PackageName,
        /// As the script has it.
        path: String,
    },
    /// A user who isn't there.
    #[error("{package} gives {path} to the user {name}, who is not in the image")]
    UnknownUser {
        /// Whose script.
        package: PackageName,
        /// As the script has it.
        path: String,
        /// The user.
        name: String,
    },
    /// A group that isn't there.
    #[error("{package} gives {path} to the group {name}, which is not in the image")]
    UnknownGroup {
        /// Whose script.
        package: PackageName,
        /// As the script has it.
        path: String,
        /// The group.
        name: String,
    },
    /// Capabilities that can't be read.
    #[error("{package} gives capabilities to {path}: {source}")]
    Capability {
        /// Whose script.
        package: PackageName,
        /// As the script has it.
        path: String,
        /// What is wrong.
        source: ParseCapabilityError,
    },
}

/// What came of the scripts' wishes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overrides {
    /// What `dpkg-statoverride` recorded, sorted by path: paths that no package brings, too, as dpkg keeps them.
    pub stat_overrides: Vec<StatOverride>,
    /// What can't be done, in the order of the actions.
    pub findings: Vec<OverrideFinding>,
}

/// Applies [`Action::Metadata`] and [`Action::Capability`] of `actions`, in their order, to `merge`: to its tree and, for files,
/// to its adjustments. `lookup` knows the image's accounts. Other actions are passed over.
///
/// As in Linux, another owner takes a file's setuid and setgid bits and its capabilities away, unless a mode comes with it.
pub fn override_files<'a>(
    merge: &mut Merge,
    packages: &[Package<'_>],
    actions: impl IntoIterator<Item = (&'a PackageName, &'a Action)>,
    lookup: &dyn Fn(Owner<'_>) -> Option<u32>,
) -> Overrides {
    let mut overrides = Overrides::default();
    for (package, action) in actions {
        let done = match action {
            Action::Metadata { path, user, group, mode } => {
                let wish = Wish { package, path, user: user.as_deref(), group: group.as_deref(), mode: *mode };
                wish.apply(merge, packages, lookup)
            }
            Action::StatOverride { path, user, group, mode } => {
                overrides.stat_overrides.extend(stat_override(path, (user, group), *mode, lookup));
                Ok(())
            }
            Action::Capability { path, capabilities } => give(merge, packages, package, path, capabilities),
            _ => Ok(()),
        };
        overrides.findings.extend(done.err());
    }
    // Of several for one path, dpkg keeps one; the last, where the script forces it.
    overrides.stat_overrides.reverse();
    overrides.stat_overrides.sort_by(|one, other| one.path.cmp(&other.path));
    overrides.stat_overrides.dedup_by(|one, other| one.path == other.path);
    overrides
}

/// What dpkg's file can hold: a line for each, with blanks between; on a name that nobody has, dpkg would fail.
fn stat_override(
    path: &str,
    (user, group): (&str, &str),
    mode: u32,
    lookup: &dyn Fn(Owner<'_>) -> Option<u32>,
) -> Option<StatOverride> {
    let path = path.trim_end_matches('/');
    let plain = |word: &str| !word.is_empty() && !word.contains(char::is_whitespace);
    let holds = plain(user) && plain(group) && path.starts_with('/') && !path.contains(['\n', '\r']);
    let known = id(Owner::User(user), lookup).is_some() && id(Owner::Group(group), lookup).is_some();
    (holds && known).then(|| StatOverride {
        path: path.to_owned(),
        user: user.to_owned(),
        group: group.to_owned(),
        mode: mode & 0o7777,
    })
}

struct Wish<'a> {
    package: &'a PackageName,
    path: &'a str,
    user: Option<&'a str>,
    group: Option<&'a str>,
    mode: Option<u32>,
}

impl Wish<'_> {
    fn apply(
        &self,
        merge: &mut Merge,
        packages: &[Package<'_>],
        lookup: &dyn Fn(Owner<'_>) -> Option<u32>,
    ) -> Result<(), OverrideFinding> {
        let (package, path) = (self.package.clone(), self.path.to_owned());
        let uid = match self.user.map(|name| (name, id(Owner::User(name), lookup))) {
            Some((name, None)) => return Err(OverrideFinding::UnknownUser { package, path, name: name.to_owned() }),
            found => found.and_then(|(_, uid)| uid),
        };
        let gid = match self.group.map(|name| (name, id(Owner::Group(name), lookup))) {
            Some((name, None)) => return Err(OverrideFinding::UnknownGroup { package, path, name: name.to_owned() }),
            found => found.and_then(|(_, gid)| gid),
        };
        let Some(found) = find(merge, self.path) else { return Err(OverrideFinding::Nobody { package, path }) };
        let Some(placed) = merge.merged.get_mut(&found) else { return Ok(()) };
        let before = placed.metadata;
        let after = changed(before, &placed.kind, (uid, gid, self.mode));
        placed.metadata = after;
        if let ListingKind::File { executable, .. } = &mut placed.kind {
            *executable = after.mode & 0o100 != 0;
            let (name, origin) = (packages[placed.package].name.clone(), placed.origin.clone());
            let adjustments = merge.adjustments.entry(name.clone()).or_default();
            if uid.is_some() || gid.is_some() {
                adjustments.capabilities.remove(&origin);
            }
            if before != after {
                adjustments.metadata.insert(origin, after);
            }
            if adjustments.is_empty() {
                merge.adjustments.remove(&name);
            }
        }
        Ok(())
    }
}

/// What `chown` and then `chmod` make of `metadata`.
fn changed(metadata: Metadata, kind: &ListingKind, to: (Option<u32>, Option<u32>, Option<u32>)) -> Metadata {
    let (uid, gid, mode) = to;
    let mut kept = metadata.mode;
    if matches!(kind, ListingKind::File { .. }) && (uid.is_some() || gid.is_some()) {
        kept &= !0o4000;
        // Without the group's executable bit it is no setgid bit but a mark for locks.
        if kept & 0o010 != 0 {
            kept &= !0o2000;
        }
    }
    let mode = mode.map_or(kept, |mode| mode & 0o7777);
    Metadata { mode, uid: uid.unwrap_or(metadata.uid), gid: gid.unwrap_or(metadata.gid) }
}

fn give(
    merge: &mut Merge,
    packages: &[Package<'_>],
    package: &PackageName,
    path: &str,
    capabilities: &str,
) -> Result<(), OverrideFinding> {
    let (whose, written) = (package.clone(), path.to_owned());
    let value = encode_capabilities(capabilities).map_err(|source| OverrideFinding::Capability {
        package: whose.clone(),
        path: written.clone(),
        source,
    })?;
    let found = find(merge, path).and_then(|found| merge.merged.get(&found));
    let Some(Placed { package, origin, kind: ListingKind::File { .. }, .. }) = found else {
        return Err(OverrideFinding::Nobody { package: whose, path: written });
    };
    let adjustments = merge.adjustments.entry(packages[*package].name.clone()).or_default();
    adjustments.capabilities.insert(origin.clone(), value);
    Ok(())
}

/// A number as it stands (`0`, dpkg's `#0`), or what `lookup` says.
fn id(owner: Owner<'_>, lookup: &dyn Fn(Owner<'_>) -> Option<u32>) -> Option<u32> {
    let (Owner::User(name) | Owner::Group(name)) = owner;
    lookup(owner).or_else(|| name.strip_prefix('#').unwrap_or(name).parse().ok())
}

/// What stands at the absolute `path`, all links followed.
fn find(merge: &Merge, path: &str) -> Option<ImagePath> {
    let link_at = |at: &ImagePath| match &merge.merged.get(at)?.kind {
        ListingKind::Symlink { target } => Some(target.as_slice()),
        _ => None,
    };
    follow(path.as_bytes(), link_at).filter(|found| merge.merged.contains_key(found))
}

#[cfg(test)]
mod tests;
