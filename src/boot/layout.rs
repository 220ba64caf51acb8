//! Where things lie in a running machine.

use std::path::{Path, PathBuf};

/// The runtime's own folder: sockets and what is true until the machine stops.
pub const RUN: &str = "/run/dumbc";

/// Paths on the volume, or on what stands in for it.
///
/// ```text
/// nix/store      store paths that outlive the image: an overlay's upper, or what is linked into /nix/store
/// nix/work       that overlay's work folder
/// nix/var        /nix/var, where Nix's daemon runs
/// homes/USER     /home/USER
/// state/PATH     `[persist] paths`
/// dumbc/version  the number of this layout; never lowered
/// dumbc/lock     held by the machine that runs
/// dumbc/registered/BASENAME          a valid store path: its narinfo
/// dumbc/users/USER/generations/N     a link to a store path: the user's generation N
/// dumbc/users/USER/current           the number of the one that is live; absent: the image's
/// dumbc/users/USER/activated         the generation that boot found or left whole in the home; absent: it has to look
/// dumbc/users/USER/pending/BASENAME  links to store paths that came for a generation that is still to be
/// dumbc/ssh      host keys
/// dumbc/logs     units' output, where it is kept
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    volume: PathBuf,
}

impl Layout {
    /// The number of this layout.
    pub const VERSION: u32 = 1;

    /// What stands in for a volume where nothing but memory can be written.
    pub const IN_MEMORY: &str = "/run/dumbc/volume";

    /// On the volume at `volume`.
    #[must_use]
    pub fn new(volume: impl Into<PathBuf>) -> Self {
        Self { volume: volume.into() }
    }

    /// Where the volume is.
    #[must_use]
    pub fn volume(&self) -> &Path {
        &self.volume
    }

    /// Store paths that outlive the image.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.volume.join("nix/store")
    }

    /// The overlay's work folder.
    #[must_use]
    pub fn work(&self) -> PathBuf {
        self.volume.join("nix/work")
    }

    /// `/nix/var`, where Nix's daemon runs.
    #[must_use]
    pub fn nix_var(&self) -> PathBuf {
        self.volume.join("nix/var")
    }

    /// A user's home.
    #[must_use]
    pub fn home(&self, user: &str) -> PathBuf {
        self.volume.join("homes").join(user)
    }

    /// What is kept of `path`, which is absolute.
    #[must_use]
    pub fn kept(&self, path: &str) -> PathBuf {
        self.volume.join("state").join(path.trim_start_matches('/'))
    }

    /// The machine's own state.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.volume.join("dumbc")
    }

    /// One file for each valid store path of the volume.
    #[must_use]
    pub fn registered(&self) -> PathBuf {
        self.state().join("registered")
    }

    /// A user's generations.
    #[must_use]
    pub fn generations(&self, user: &str) -> PathBuf {
        self.state().join("users").join(user).join("generations")
    }

    /// The number of a user's live generation.
    #[must_use]
    pub fn current(&self, user: &str) -> PathBuf {
        self.state().join("users").join(user).join("current")
    }

    /// Says which generation is whole in the user's home, as long as nobody changes it.
    #[must_use]
    pub fn activated(&self, user: &str) -> PathBuf {
        self.users().join(user).join("activated")
    }

    /// Store paths that came for a generation of the user that is still to be.
    #[must_use]
    pub fn pending(&self, user: &str) -> PathBuf {
        self.users().join(user).join("pending")
    }

    /// What is kept of every user who ever had a generation.
    #[must_use]
    pub fn users(&self) -> PathBuf {
        self.state().join("users")
    }
}
