//! Merged `/usr` for an image's paths: `/bin`, `/lib` and their like are links, and everything lies below `/usr`.

use std::borrow::Cow;

use crate::deb;
use crate::image::{ImagePath, ParseImagePathError};
use crate::root::links::{self, Met};

/// The aliases that every machine with Debian packages has, whatever lies below them.
pub(in crate::root) const ALWAYS: [&str; 3] = ["bin", "lib", "sbin"];

/// Where a file at `path` lies: `bin/sh` at `usr/bin/sh`, `bin` itself at `usr/bin`; everything else where it says.
#[must_use]
pub fn canonical(path: &ImagePath) -> ImagePath {
    match deb::canonical(path.as_bytes()) {
        Cow::Owned(_) => below_usr(path),
        Cow::Borrowed(_) => path.clone(),
    }
}

/// The same of a path as packages write it, absolute or from the root.
pub fn canonical_path(path: &[u8]) -> Result<ImagePath, ParseImagePathError> {
    ImagePath::new(path).map(|path| canonical(&path))
}

/// The same of an absolute path; `None` where it is no path of an image.
#[must_use]
pub fn canonical_text(path: &str) -> Option<ImagePath> {
    path.strip_prefix('/').and_then(|path| canonical_path(path.as_bytes()).ok())
}

/// Whether `path` is one of the links itself.
#[must_use]
pub fn is_alias(path: &ImagePath) -> bool {
    deb::is_usr_alias(path.as_bytes())
}

/// `usr/` and `path`.
pub(crate) fn below_usr(path: &ImagePath) -> ImagePath {
    ImagePath::new(b"usr").map(|usr| usr.append(path)).unwrap_or_default()
}

/// What the link at `path` says, where it is an alias: `usr/bin`.
#[must_use]
pub fn alias_target(path: &ImagePath) -> Option<&'static [u8]> {
    deb::usr_alias_target(path.as_bytes()).map(str::as_bytes)
}

/// Where `path` leads, all links followed, the last one, too, and the aliases, whatever lies below them. `link_at` gives a link's
/// target; at any other path there may be something. `None` for a circle.
pub(in crate::root) fn follow<'a>(
    path: &'a [u8],
    link_at: impl Fn(&ImagePath) -> Option<&'a [u8]>,
) -> Option<ImagePath> {
    links::follow(path, |at| alias_target(at).or_else(|| link_at(at)).map_or(Met::Place, Met::Link))
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
        assert_eq!(canonical_path(b"lib64").unwrap().to_string(), "/usr/lib64");
        assert!(canonical_path(b"/bin/../etc").is_err());
    }

    #[test]
    fn links_lead_through_aliases() {
        let links = [("usr/a", "../lib/x"), ("usr/lib/x/back", "/usr/a"), ("bin", "never/asked")];
        let link_at = |path: &ImagePath| {
            let found = links.iter().find(|(at, _)| at.as_bytes() == path.as_bytes());
            found.map(|(_, target)| target.as_bytes())
        };
        let followed = |path: &'static str| follow(path.as_bytes(), link_at).map(|path| path.to_string());
        assert_eq!(followed("/usr/a/file").unwrap(), "/usr/lib/x/file");
        assert_eq!(followed("usr/a/back/../y").unwrap(), "/usr/lib/y");
        assert_eq!(followed("/bin/sh").unwrap(), "/usr/bin/sh");
    }

    #[test]
    fn every_alias_leads_to_its_own_folder() {
        for (alias, target) in deb::USR_ALIASES {
            let path = ImagePath::new(alias.as_bytes()).unwrap();
            assert_eq!(alias_target(&path), Some(target.as_bytes()));
            assert!(is_alias(&path));
            assert_eq!(below_usr(&path).as_bytes(), target.as_bytes());
        }
        assert_eq!(alias_target(&ImagePath::new(b"etc").unwrap()), None);
    }
}
