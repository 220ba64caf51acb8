//! The ground that a machine stands on: a root folder, and who mounts.

use std::path::{Component, Path, PathBuf};

use super::mounting::{Kernel, Mounting};

/// Where a machine is put together: `/` in a container, a folder in tests.
///
/// Paths in plans, layouts and links are those of the machine; [`Ground::at`] says where they are from here.
pub struct Ground {
    root: PathBuf,
    mounting: Box<dyn Mounting>,
}

impl Ground {
    /// This process's own root.
    #[must_use]
    pub fn system() -> Self {
        Self::new("/", Kernel)
    }

    /// A folder in the root's place.
    pub fn new(root: impl Into<PathBuf>, mounting: impl Mounting + 'static) -> Self {
        Self { root: root.into(), mounting: Box::new(mounting) }
    }

    /// Where the machine's `path` is. `..` in it is ignored.
    #[must_use]
    pub fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        let mut place = self.root.clone();
        place.extend(path.as_ref().components().filter(|part| matches!(part, Component::Normal(_))));
        place
    }

    /// As [`Self::at`], of what `path` leads to where it is a link itself, as a store path may be.
    #[must_use]
    pub fn behind(&self, path: impl AsRef<Path>) -> PathBuf {
        let place = self.at(path);
        match place.read_link() {
            Ok(target) if target.is_absolute() => self.at(target),
            _ => place,
        }
    }

    /// Who mounts.
    #[must_use]
    pub fn mounting(&self) -> &dyn Mounting {
        self.mounting.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::boot::mounting::doubles::Refusing;

    #[test]
    fn paths_stay_below_the_root() {
        let ground = Ground::new("/there", Refusing);
        assert_eq!(ground.at("/etc/dumbc"), Path::new("/there/etc/dumbc"));
        assert_eq!(ground.at("/../../etc"), Path::new("/there/etc"));
        assert_eq!(Ground::new("/", Refusing).at("/data"), Path::new("/data"));
    }
}
