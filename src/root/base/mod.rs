//! Our files over another image's: through its links, beside its users, and without taking from it what nobody asked for.

pub mod accounts;
pub mod place;
#[cfg(test)]
mod tests;

use crate::image::ImagePath;
use crate::image::layered::{Layered, LayeredKind};
use crate::image::listing::ListingKind;

use super::merged::{Merged, Placed};
use super::supplies::{DEBIAN_CERTIFICATES, DEBIAN_ZONEINFO, LOGIN_SHELLS, Supplies};
use accounts::BaseAccounts;

pub use place::BaseConflict;

/// Where dpkg and its like keep what they know.
const DPKG: &str = "var/lib/dpkg/status";

/// The files of a base as whoever looks at the whole image sees them. What is no file, folder or link is left out.
#[must_use]
pub fn merged(base: &Layered) -> Merged {
    let placed = |(path, entry): (&ImagePath, &crate::image::layered::LayeredEntry)| {
        let kind = match &entry.kind {
            LayeredKind::Directory => ListingKind::Directory,
            LayeredKind::File(size) => ListingKind::File { executable: entry.metadata.mode & 0o111 != 0, size: *size },
            LayeredKind::Symlink(target) => ListingKind::Symlink { target: target.clone() },
            LayeredKind::Special => return None,
        };
        Some((path.clone(), Placed { package: 0, origin: path.clone(), metadata: entry.metadata, kind }))
    };
    base.entries().filter_map(placed).collect()
}

/// Whether Debian's packages can't be put over it: its own dpkg would know nothing of ours.
#[must_use]
pub fn has_dpkg(base: &Layered) -> bool {
    is_file(base, DPKG)
}

/// Whether it has a shell to fall back to.
#[must_use]
pub fn has_shell(base: &Layered) -> bool {
    is_file(base, "bin/sh")
}

/// Adds to `supplies` what only the base brings.
pub fn supply(base: &Layered, supplies: &mut Supplies, timezone: &str) -> Result<(), BaseConflict> {
    if supplies.ca_bundle.is_none() && supplies.made_bundle.is_none() && is_file(base, DEBIAN_CERTIFICATES) {
        supplies.ca_bundle = Some(DEBIAN_CERTIFICATES.to_owned());
    }
    if supplies.zoneinfo.is_none() && is_file(base, &format!("{DEBIAN_ZONEINFO}/{timezone}")) {
        supplies.zoneinfo = Some(DEBIAN_ZONEINFO.to_owned());
    }
    let mut accounts = BaseAccounts::of(base)?;
    for name in LOGIN_SHELLS {
        let place = ["/bin", "/usr/bin"].iter().map(|folder| format!("{folder}/{name}"));
        if let Some(path) = place.into_iter().find(|path| is_file(base, path)) {
            accounts.login_shells.insert(name.to_owned(), path);
        }
    }
    supplies.base = Some(accounts);
    Ok(())
}

/// Whether `path` leads to a file.
fn is_file(base: &Layered, path: &str) -> bool {
    let path = ImagePath::new(path.as_bytes()).ok().and_then(|path| base.lead(&path, true));
    path.and_then(|path| base.get(&path)).is_some_and(|entry| matches!(entry.kind, LayeredKind::File(_)))
}
