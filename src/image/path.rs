//! Paths inside an image: relative, normalised, bytes.

use std::cmp::Ordering;
use std::fmt;

use crate::nix::StorePath;

/// A path below the image's root: no leading slash, no empty, `.` or `..` component, no NUL, no component beginning
/// `.wh.` (Docker would take it for a deletion). The empty path is the root itself.
///
/// Orders as a depth-first walk in byte order of names does, which is NAR order: `a`, `a/b`, `a-b`.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct ImagePath(Vec<u8>);

/// The bytes are no [`ImagePath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` can't be a path in an image: {reason}", String::from_utf8_lossy(.path).escape_debug())]
pub struct ParseImagePathError {
    /// What was given.
    pub path: Vec<u8>,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl ImagePath {
    /// Checks `path`; one leading slash is taken off.
    pub fn new(path: &[u8]) -> Result<Self, ParseImagePathError> {
        let relative = path.strip_prefix(b"/").unwrap_or(path);
        if !relative.is_empty() {
            for component in relative.split(|&byte| byte == b'/') {
                if let Some(reason) = refuse_component(component) {
                    return Err(ParseImagePathError { path: path.to_vec(), reason });
                }
            }
        }
        Ok(Self(relative.to_vec()))
    }

    /// `self` with one more component.
    pub fn join(&self, name: &[u8]) -> Result<Self, ParseImagePathError> {
        let mut path = self.0.clone();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name);
        match if name.contains(&b'/') { Some("a name has no `/`") } else { refuse_component(name) } {
            Some(reason) => Err(ParseImagePathError { path, reason }),
            None => Ok(Self(path)),
        }
    }

    /// The path's bytes, without a leading slash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The folder that holds it; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.0.is_empty() {
            return None;
        }
        let end = self.0.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
        Some(Self(self.0[..end].to_vec()))
    }

    /// The last component; empty for the root.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        let start = self.0.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
        &self.0[start..]
    }

    /// `self` with all of `relative` below it.
    #[must_use]
    pub fn append(&self, relative: &Self) -> Self {
        match (self.is_root(), relative.is_root()) {
            (true, _) => relative.clone(),
            (_, true) => self.clone(),
            _ => Self([self.as_bytes(), relative.as_bytes()].join(&b'/')),
        }
    }

    /// `self` as seen from `base`; `None` where it doesn't lie at `base` or below.
    #[must_use]
    pub fn strip_prefix(&self, base: &Self) -> Option<Self> {
        if !self.starts_with(base) {
            return None;
        }
        let rest = &self.0[base.0.len()..];
        Some(Self(rest.strip_prefix(b"/").unwrap_or(rest).to_vec()))
    }

    /// Whether `self` is `other` or lies below it.
    #[must_use]
    pub fn starts_with(&self, other: &Self) -> bool {
        other.is_root() || self.0.strip_prefix(other.as_bytes()).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
    }
}

fn refuse_component(component: &[u8]) -> Option<&'static str> {
    match component {
        b"" => Some("it has an empty component"),
        b"." | b".." => Some("it has a `.` or `..` component"),
        _ if component.contains(&0) => Some("it has a NUL byte"),
        _ if component.starts_with(b".wh.") => Some("names beginning `.wh.` mark deletions in image layers"),
        _ if component.len() > 255 => Some("it has a component of more than 255 bytes"),
        _ => None,
    }
}

impl From<&StorePath> for ImagePath {
    /// Where the store path lies: its name has nothing in it that an image path can't hold.
    fn from(store_path: &StorePath) -> Self {
        Self(store_path.to_string().split_off(1).into_bytes())
    }
}

impl Ord for ImagePath {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
        let (left, right) = without_shared_beginning(&self.0, &other.0);
        left.iter().map(key).cmp(right.iter().map(key))
    }
}

/// The two from a place on up to which they are the same. Neighbours in a tree share long beginnings, so most of a comparison is
/// done here, eight bytes at a time.
fn without_shared_beginning<'a>(mut left: &'a [u8], mut right: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    while let (Some((one, left_rest)), Some((two, right_rest))) =
        (left.split_first_chunk::<8>(), right.split_first_chunk::<8>())
        && one == two
    {
        (left, right) = (left_rest, right_rest);
    }
    (left, right)
}

impl PartialOrd for ImagePath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for ImagePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "/{}", String::from_utf8_lossy(&self.0).escape_debug())
    }
}

impl fmt::Debug for ImagePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_folder_comes_right_before_what_lies_in_it() {
        let mut paths = ["a", "a-b", "a.b/c", "a/b", "a/b/c", "usr/share/long-name", "usr/share/long-name/x"]
            .map(|text| ImagePath::new(text.as_bytes()).unwrap());
        paths.sort();
        let sorted = ["/a", "/a/b", "/a/b/c", "/a-b", "/a.b/c", "/usr/share/long-name", "/usr/share/long-name/x"];
        assert_eq!(paths.map(|path| path.to_string()), sorted);
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_components(one in "[a!é]{1,9}(/[a!-]{1,9}){0,4}", two in "[a!é]{1,9}(/[a!-]{1,9}){0,4}") {
            let order = one.split('/').map(str::as_bytes).cmp(two.split('/').map(str::as_bytes));
            let path = |text: &str| ImagePath::new(text.as_bytes()).unwrap();
            prop_assert_eq!(path(&one).cmp(&path(&two)), order);
        }
    }
}
