//! Merged `/usr`: `/bin`, `/lib` and their like are links, and everything lies below `/usr`.

use crate::image::ImagePath;

/// Top folders that are links to folders of the same name below `/usr`, where those are.
pub const ALIASES: [&str; 7] = ["bin", "lib", "lib32", "lib64", "libo32", "libx32", "sbin"];

/// The aliases that every machine with Debian packages has, whatever lies below them.
pub(super) const ALWAYS: [&str; 3] = ["bin", "lib", "sbin"];

/// Where a file at `path` lies: `bin/sh` at `usr/bin/sh`; everything else where it says.
#[must_use]
pub fn canonical(path: &ImagePath) -> ImagePath {
    let first = path.as_bytes().split(|&byte| byte == b'/').next().unwrap_or_default();
    if ALIASES.iter().any(|alias| alias.as_bytes() == first) { below_usr(path) } else { path.clone() }
}

/// The same of an absolute path as packages write it; `None` where it is no path of an image.
#[must_use]
pub fn canonical_text(path: &str) -> Option<ImagePath> {
    path.strip_prefix('/').and_then(|path| ImagePath::new(path.as_bytes()).ok()).map(|path| canonical(&path))
}

/// Whether `path` is one of the links itself.
#[must_use]
pub fn is_alias(path: &ImagePath) -> bool {
    ALIASES.iter().any(|alias| alias.as_bytes() == path.as_bytes())
}

/// `usr/` and `path`.
pub(crate) fn below_usr(path: &ImagePath) -> ImagePath {
    ImagePath::new(b"usr").map(|usr| usr.append(path)).unwrap_or_default()
}

/// What the link at `path` says, where it is an alias: `usr/bin`.
#[must_use]
pub fn alias_target(path: &ImagePath) -> Option<&'static [u8]> {
    const TARGETS: [&str; 7] = ["usr/bin", "usr/lib", "usr/lib32", "usr/lib64", "usr/libo32", "usr/libx32", "usr/sbin"];
    let index = ALIASES.iter().position(|alias| alias.as_bytes() == path.as_bytes())?;
    TARGETS.get(index).map(|target| target.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lie_below_usr() {
        let canonical = |text: &str| canonical_text(text).map(|path| path.to_string());
        assert_eq!(canonical("/bin/sh").as_deref(), Some("/usr/bin/sh"));
        assert_eq!(canonical("/lib64/ld").as_deref(), Some("/usr/lib64/ld"));
        assert_eq!(canonical("/bin").as_deref(), Some("/usr/bin"));
        assert_eq!(canonical("/binary/x").as_deref(), Some("/binary/x"));
        assert_eq!(canonical("/usr/bin/x").as_deref(), Some("/usr/bin/x"));
        assert_eq!((canonical("bin/sh"), canonical("/bin/../x"), canonical("")), (None, None, None));
    }

    #[test]
    fn every_alias_leads_to_its_own_folder() {
        for alias in ALIASES {
            let path = ImagePath::new(alias.as_bytes()).unwrap();
            assert_eq!(alias_target(&path).unwrap(), format!("usr/{alias}").as_bytes());
            assert!(is_alias(&path));
            assert_eq!(below_usr(&path).to_string(), format!("/usr/{alias}"));
        }
        assert_eq!(alias_target(&ImagePath::new(b"etc").unwrap()), None);
    }
}
