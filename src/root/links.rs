//! Links, followed as the kernel would follow them inside the image.

use crate::image::ImagePath;

/// Most links that one path may lead through, as in Linux.
pub(super) const MOST_LINKS: usize = 40;

/// What a walk meets at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Met<'a> {
    /// A link, with its target.
    Link(&'a [u8]),
    /// Something that a path may end at or lead through.
    Place,
    /// Something that a path may only end at.
    End,
    /// Nothing.
    Nothing,
}

/// Where `written` leads from the image's root, all links followed, the last one, too; `None` where that is nowhere, or a
/// circle. It may have `//`, `.` and `..`, and so may targets.
pub(super) fn follow<'a>(written: &'a [u8], meet: impl Fn(&ImagePath) -> Met<'a>) -> Option<ImagePath> {
    // Components still to walk, the next one last.
    let mut ahead: Vec<&[u8]> = components(written).rev().collect();
    let (mut reached, mut links) = (ImagePath::default(), 0);
    while let Some(name) = ahead.pop() {
        if name == b".." {
            reached = reached.parent().unwrap_or_default();
            continue;
        }
        let next = reached.join(name).ok()?;
        match meet(&next) {
            Met::Nothing => return None,
            Met::End if !ahead.is_empty() => return None,
            Met::Place | Met::End => reached = next,
            Met::Link(target) => {
                links += 1;
                if links > MOST_LINKS {
                    return None;
                }
                if target.starts_with(b"/") {
                    reached = ImagePath::default();
                }
                ahead.extend(components(target).rev());
            }
        }
    }
    Some(reached)
}

/// The names in a path, without those that lead nowhere.
pub(super) fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|&byte| byte == b'/').filter(|component| !matches!(*component, b"" | b"."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_walked_and_circles_end() {
        let links =
            [("usr/a", "../lib/x"), ("lib/x/back", "/./usr//a"), ("loop", "loop/deeper"), ("up", "../../../etc")];
        let meet = |path: &ImagePath| match links.iter().find(|(at, _)| at.as_bytes() == path.as_bytes()) {
            Some((_, target)) => Met::Link(target.as_bytes()),
            None if path.as_bytes() == b"absent" => Met::Nothing,
            None if path.name() == b"file" => Met::End,
            None => Met::Place,
        };
        let followed = |path: &'static str| follow(path.as_bytes(), meet).map(|path| path.to_string());
        assert_eq!(followed("/usr/a/file").unwrap(), "/lib/x/file");
        assert_eq!(followed("usr/a/back/../y").unwrap(), "/lib/y");
        assert_eq!(followed("/up").unwrap(), "/etc");
        assert_eq!(followed("").unwrap(), "/");
        for nowhere in ["/loop", "/absent/x", "absent", "/usr/file/x"] {
            assert_eq!(followed(nowhere), None, "{nowhere}");
        }
    }
}
