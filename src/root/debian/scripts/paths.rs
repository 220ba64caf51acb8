//! Paths as scripts write them, and what stands there.

use crate::deb::is_usr_alias;
use crate::image::ImagePath;
use crate::image::listing::{ListingEntry, ListingKind};

use super::run::Runner;

/// Linux knows no longer ones.
const LONGEST_PATH: usize = 4096;

/// Where programs are looked for.
const PROGRAMS: [&str; 4] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin"];

/// What every machine has, whoever makes it.
const ALWAYS: [&str; 8] =
    ["/", "/etc", "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/dev/null", "/var/lib/dpkg/status"];

/// An absolute path through merged /usr, without doubled slashes and `.`.
pub(super) fn canonical(path: &str) -> String {
    let names: Vec<_> = path.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
    let is_alias = names.first().is_some_and(|first| is_usr_alias(first.as_bytes()));
    format!("{}/{}", if is_alias { "/usr" } else { "" }, names.join("/"))
}

/// Folders whose content no image keeps.
pub(super) fn is_fleeting(path: &str) -> bool {
    ["/tmp/", "/var/tmp/", "/proc/", "/sys/", "/dev/"].iter().any(|folder| path.starts_with(folder))
}

/// The folder above an absolute path.
pub(super) fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((parent, _)) => parent,
    }
}

impl Runner<'_> {
    /// `path` as an absolute one, canonical; `None` where that isn't known.
    pub(super) fn absolute(&self, path: &str) -> Option<String> {
        let path =
            if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", self.state.folder.as_ref()?) };
        let path = canonical(&path);
        if path.len() > LONGEST_PATH {
            return None;
        }
        (!path.split('/').any(|name| name == "..")).then_some(path)
    }

    /// What the package itself has at a canonical path.
    pub(super) fn own(&self, path: &str) -> Option<&ListingEntry> {
        let path = ImagePath::new(path.as_bytes()).ok()?;
        let entries = self.package.listing.entries();
        let index = entries.binary_search_by(|entry| entry.path.cmp(&path)).ok()?;
        entries.get(index)
    }

    /// Whether something stands at `path`; `None`: not known.
    pub(super) fn stands(&self, path: &str) -> Option<bool> {
        let path = self.absolute(path)?;
        if let Some(known) = self.state.changed.get(&path) {
            return *known;
        }
        if ALWAYS.contains(&path.as_str()) || super::explained::is_own_tool(&path) {
            return Some(true);
        }
        // A package's files come after its preinst.
        if self.script == "preinst" && self.own(&path).is_some_and(|own| own.kind != ListingKind::Directory) {
            return Some(false);
        }
        if is_fleeting(&path) {
            return if path.starts_with("/tmp/") || path.starts_with("/var/tmp/") { Some(false) } else { None };
        }
        Some(ImagePath::new(path.as_bytes()).is_ok_and(|path| (self.exists)(&path)))
    }

    /// Whether a folder stands at `path`; what others made is taken for whatever is asked for.
    pub(super) fn is_kind(&self, path: &str, folder: bool) -> Option<bool> {
        let absolute = self.absolute(path)?;
        let stands = self.stands(path)?;
        let own = self.own(&absolute).map(|own| &own.kind);
        Some(match own {
            Some(ListingKind::Directory) => stands && folder,
            Some(ListingKind::File { .. }) => stands && !folder,
            _ if self.state.contents.contains_key(&absolute) => stands && !folder,
            _ => stands,
        })
    }

    /// Whether a symbolic link stands at `path`.
    pub(super) fn is_link(&self, path: &str) -> Option<bool> {
        let absolute = self.absolute(path)?;
        if self.links.contains_key(&absolute) {
            return Some(true);
        }
        Some(
            self.stands(path)?
                && self.own(&absolute).is_some_and(|own| matches!(own.kind, ListingKind::Symlink { .. })),
        )
    }

    /// Where the program `name` may be, with whether it is.
    pub(super) fn program(&self, name: &str) -> (String, Option<bool>) {
        if name.contains('/') {
            return (name.to_owned(), self.stands(name));
        }
        let paths = PROGRAMS.map(|folder| format!("{folder}/{name}"));
        let found = paths.into_iter().map(|path| (self.stands(&path), path)).find(|(stands, _)| *stands != Some(false));
        found.map_or((name.to_owned(), Some(false)), |(stands, path)| (path, stands))
    }

    /// Notes that `path` was made or taken away.
    pub(super) fn note(&mut self, path: &str, stands: bool) {
        self.spend(1 + path.len() * path.matches('/').count() / 256);
        self.state.changed.insert(path.to_owned(), Some(stands));
        if stands {
            let mut above = parent(path).to_owned();
            while above != "/" && !self.state.changed.contains_key(&above) {
                self.state.changed.insert(above.clone(), Some(true));
                above = parent(&above).to_owned();
            }
        }
    }
}
