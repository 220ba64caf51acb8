//! Links, followed as the kernel would follow them inside the image.

use crate::image::ImagePath;

use super::canonical_path;

/// Most links that one path may lead through, as in Linux.
pub(super) const MOST_LINKS: usize = 40;

/// Where the absolute `path` leads, all links followed, the last one, too, and those from the root into `/usr`. `link_at` gives
/// a link's target. `None` for a circle.
pub(super) fn follow<'a>(link_at: impl Fn(&ImagePath) -> Option<&'a [u8]>, path: &[u8]) -> Option<ImagePath> {
    // Components still to walk, the next one last.
    let mut ahead: Vec<&[u8]> = path.split(|&byte| byte == b'/').rev().collect();
    let (mut reached, mut followed) = (ImagePath::default(), 0);
    while let Some(name) = ahead.pop() {
        if name.is_empty() || name == b"." {
            continue;
        }
        if name == b".." {
            reached = reached.parent().unwrap_or_default();
            continue;
        }
        let next = canonical_path(reached.join(name).ok()?.as_bytes()).ok()?;
        let Some(target) = link_at(&next) else {
            reached = next;
            continue;
        };
        followed += 1;
        if followed > MOST_LINKS {
            return None;
        }
        reached = if target.starts_with(b"/") { ImagePath::default() } else { next.parent().unwrap_or_default() };
        ahead.extend(target.split(|&byte| byte == b'/').rev());
    }
    Some(reached)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_walked_and_circles_end() {
        let links =
            [("usr/a", "../lib/x"), ("usr/lib/x/back", "/./usr//a"), ("loop", "loop/deeper"), ("up", "../../../etc")];
        let link_at = |path: &ImagePath| {
            let found = links.iter().find(|(at, _)| at.as_bytes() == path.as_bytes());
            found.map(|(_, target)| target.as_bytes())
        };
        let followed = |path: &str| follow(link_at, path.as_bytes()).map(|path| path.to_string());
        assert_eq!(followed("/usr/a/file").unwrap(), "/usr/lib/x/file");
        assert_eq!(followed("usr/a/back/../y").unwrap(), "/usr/lib/y");
        assert_eq!(followed("/bin/sh").unwrap(), "/usr/bin/sh");
        assert_eq!(followed("/up").unwrap(), "/etc");
        assert_eq!(followed("").unwrap(), "/");
        assert_eq!(followed("/loop"), None);
    }
}
