//! `/etc/ld.so.cache`: where the dynamic linker finds libraries, as glibc's `ldconfig` writes it.
//!
//! Byte for byte that of glibc 2.36 and later, with three exceptions: libraries whose own name holds a `/` are left out (the
//! linker never asks the cache for such names); the folders `tls`, `haswell` and so on, which glibc 2.37 dropped, are not
//! searched; and libraries of another machine never count, as on x86-64, while ARM's `ldconfig` doesn't look. Links that
//! lead nowhere stay, which `ldconfig` would delete.

mod bytes;
mod conf;
mod format;
mod library;
mod order;
mod scan;

#[cfg(test)]
mod tests;

use std::io;

use crate::config::System;
use crate::failure::{Class, Classified};
use crate::image::ImagePath;
use crate::root::view::{ReadContent, View};

/// A cache, and the links that it relies on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdCache {
    /// The content of `/etc/ld.so.cache`, mode 0644.
    pub bytes: Vec<u8>,
    /// Links beside libraries, by the names that these give themselves.
    pub links: Vec<Link>,
}

/// A link to a library that the image needs, in byte order of paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where.
    pub path: ImagePath,
    /// The file in the same folder that it leads to.
    pub target: Vec<u8>,
    /// Whether a link stands there that leads elsewhere, to an older library or to nothing.
    pub replaces: bool,
}

/// Why no cache can be made.
#[derive(Debug, thiserror::Error)]
pub enum LdCacheError {
    /// A file's content can't be had.
    #[error("`{path}` can't be read for the dynamic linker's cache")]
    Read {
        /// Which file.
        path: ImagePath,
        /// Why.
        source: io::Error,
    },
    /// `/etc/ld.so.conf` includes too much, or itself.
    #[error("`/etc/ld.so.conf` includes more than {limit} files")]
    TooManyFiles {
        /// How many are read.
        limit: usize,
    },
    /// There are too many libraries.
    #[error("the dynamic linker would have more than {limit} libraries to know")]
    TooManyLibraries {
        /// How many it can know here.
        limit: usize,
    },
}

impl Classified for LdCacheError {
    fn class(&self) -> Class {
        Class::Other
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Read { .. } => "build again; if it stays, `dumbc gc` and fetch the packages anew".to_owned(),
            Self::TooManyFiles { .. } => "look for a file in `/etc/ld.so.conf.d` that includes itself".to_owned(),
            Self::TooManyLibraries { .. } => {
                "take folders out of `/etc/ld.so.conf.d`, or packages out of the image".to_owned()
            }
        })
    }
}

/// What `ldconfig` would write for the image that `view` shows; alternatives' links must be among its trees. `generator` is
/// who made the cache, as `ldconfig -p` shows it. `None` where there is no library at all.
pub fn ld_cache(
    view: View<'_>,
    system: System,
    generator: &str,
    read: &ReadContent<'_>,
) -> Result<Option<LdCache>, LdCacheError> {
    let folders = scan::folders(view, system, &conf::folders(view, read)?);
    let mut found = scan::Found::default();
    for folder in &folders {
        scan::search(view, system, folder, read, &mut found)?;
    }
    if found.entries.is_empty() {
        return Ok(None);
    }
    let names = folders.into_iter().filter_map(|folder| folder.hwcaps).collect();
    let too_many = LdCacheError::TooManyLibraries { limit: scan::MAX_LIBRARIES };
    let bytes = format::encode(found.entries, &names, generator).ok_or(too_many)?;
    found.links.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(Some(LdCache { bytes, links: found.links }))
}

/// What the `ldconfig` of the C library's package `libc-bin`, in its `version`, calls itself.
#[must_use]
pub fn generator(version: &str) -> String {
    let distribution = if version.contains("ubuntu") { "Ubuntu" } else { "Debian" };
    let upstream = version.rsplit_once('-').map_or(version, |(upstream, _)| upstream);
    let upstream = upstream.split_once(':').map_or(upstream, |(_, upstream)| upstream);
    format!("ldconfig ({distribution} GLIBC {version}) stable release version {upstream}")
}
