//! Mounts as data, and the kernel that makes them.

use std::io;
use std::path::{Path, PathBuf};

use ::nix::errno::Errno;
use ::nix::mount::{MsFlags, mount};

/// A mount, with paths as this process sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mount {
    /// `source` at `target`, with what is mounted below it.
    Bind {
        /// What is shown.
        source: PathBuf,
        /// Where.
        target: PathBuf,
    },
    /// `upper` over `lower`.
    Overlay {
        /// What is read; the target, too.
        lower: PathBuf,
        /// What is written.
        upper: PathBuf,
        /// The kernel's own folder, on the upper's file system.
        work: PathBuf,
    },
    /// Memory at `target`.
    Memory {
        /// Where.
        target: PathBuf,
        /// Permission bits of its root.
        mode: u32,
    },
    /// Memory at `target` in which devices work: `/dev`.
    Devices {
        /// Where.
        target: PathBuf,
    },
    /// The kernel's own file system `kind`: `proc`, `sysfs`, `devpts`.
    Own {
        /// Its name.
        kind: &'static str,
        /// Where.
        target: PathBuf,
    },
}

/// Who mounts.
pub trait Mounting: Send + Sync {
    /// Makes one mount.
    ///
    /// # Errors
    /// As mount(2); see [`is_refusal`].
    fn mount(&self, mount: &Mount) -> io::Result<()>;
}

/// Whether this machine may not mount at all: no capability (EPERM), a security module (EACCES), a filter (ENOSYS).
#[must_use]
pub(super) fn is_refusal(error: &io::Error) -> bool {
    let codes = [Errno::EPERM, Errno::EACCES, Errno::ENOSYS];
    error.raw_os_error().is_some_and(|code| codes.contains(&Errno::from_raw(code)))
}

/// The kernel.
pub struct Kernel;

impl Mounting for Kernel {
    fn mount(&self, asked: &Mount) -> io::Result<()> {
        let hard = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        let own = |kind: &'static str, target: &Path, flags: MsFlags, options: &str| {
            mount(Some(kind), target, Some(kind), flags, Some(options)).map_err(io::Error::from)
        };
        match asked {
            Mount::Bind { source, target } => {
                let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
                Ok(mount(Some(source), target, None::<&str>, flags, None::<&str>)?)
            }
            Mount::Overlay { lower, upper, work } => {
                own("overlay", lower, MsFlags::empty(), &overlay_options(lower, upper, work)?)
            }
            Mount::Memory { target, mode } => own("tmpfs", target, hard, &format!("mode={mode:o}")),
            Mount::Devices { target } => own("tmpfs", target, MsFlags::MS_NOSUID, "mode=755"),
            Mount::Own { kind: "devpts", target } => {
                own("devpts", target, MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620")
            }
            Mount::Own { kind, target } => own(kind, target, hard | MsFlags::MS_NOEXEC, ""),
        }
    }
}

/// With what makes an upper depend on its lower off: the next image is another lower.
fn overlay_options(lower: &Path, upper: &Path, work: &Path) -> io::Result<String> {
    let plain = |path: &Path| path.to_str().filter(|text| !text.contains([',', ':', '\\'])).map(str::to_owned);
    match (plain(lower), plain(upper), plain(work)) {
        (Some(lower), Some(upper), Some(work)) => Ok(format!(
            "lowerdir={lower},upperdir={upper},workdir={work},index=off,metacopy=off,redirect_dir=nofollow,xino=off"
        )),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "a comma, colon or backslash in the volume's path")),
    }
}

/// What stands in for the kernel in tests.
#[cfg(test)]
pub(crate) mod doubles {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Grants nothing, as a container without capabilities.
    pub(crate) struct Refusing;

    impl Mounting for Refusing {
        fn mount(&self, _: &Mount) -> io::Result<()> {
            Err(Errno::EPERM.into())
        }
    }

    /// Grants all, does nothing, and remembers.
    #[derive(Clone, Default)]
    pub(crate) struct Remembering(pub(crate) Arc<Mutex<Vec<Mount>>>);

    impl Mounting for Remembering {
        fn mount(&self, mount: &Mount) -> io::Result<()> {
            self.0.lock().unwrap().push(mount.clone());
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlays_options_keep_nothing_of_the_lower() {
        let options =
            overlay_options(Path::new("/nix/store"), Path::new("/data/nix/store"), Path::new("/data/nix/work"));
        insta::assert_snapshot!(options.unwrap(), @"lowerdir=/nix/store,upperdir=/data/nix/store,workdir=/data/nix/work,index=off,metacopy=off,redirect_dir=nofollow,xino=off");
        assert!(overlay_options(Path::new("/a"), Path::new("/b,upperdir=/c"), Path::new("/d")).is_err());
    }

    #[test]
    fn refusals_are_told_from_faults() {
        assert!(is_refusal(&Errno::EPERM.into()) && is_refusal(&Errno::EACCES.into()));
        assert!(!is_refusal(&Errno::EINVAL.into()) && !is_refusal(&Errno::ENOSPC.into()));
    }
}
