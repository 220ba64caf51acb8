//! Nix itself, where it runs: its database is the only one then, and its collector the only one that collects.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::error::ServiceError;
use super::registration::{load_db_text, parse_registration};
use super::unpack::discard;
use crate::boot::BootPlan;
use crate::nix::{PathInfo, StorePath};

/// Nix's state: `gcroots`, where it looks for what must stay, and `gc.lock`, which its collector holds alone.
const STATE: &str = "/nix/var/nix";

/// How much of what a program says is passed on.
const TAIL: usize = 2000;

/// Nix's own programs, as the plan has them.
#[derive(Debug, Clone)]
pub(super) struct Nix {
    package: PathBuf,
    path: String,
    state: PathBuf,
}

impl Nix {
    /// Nix in the machine of `plan`; `None`: it has none.
    pub(super) fn of(plan: &BootPlan) -> Option<Self> {
        let package = plan.nix.as_ref()?.into();
        Some(Self { package, path: plan.path.join(":"), state: PathBuf::from(STATE) })
    }

    fn roots(&self) -> PathBuf {
        self.state.join("gcroots/dumbc")
    }

    /// While this is held, nobody's collector runs: not `nix-collect-garbage` of a user's either.
    pub(super) fn hold(&self) -> Result<fs::File, ServiceError> {
        let path = self.state.join("gc.lock");
        let mut options = fs::File::options();
        let fault = || ServiceError::io("lock", &path);
        let file =
            options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(fault())?;
        let shared = rustix::fs::FlockOperation::LockShared;
        rustix::fs::flock(&file, shared).map_err(|error| fault()(error.into()))?;
        Ok(file)
    }

    /// Tells Nix's database of paths that are there, once they have roots.
    pub(super) fn load_db(&self, infos: &[PathInfo]) -> Result<(), ServiceError> {
        self.root(infos.iter().map(|info| &info.path))?;
        self.run(&["--load-db"], load_db_text(infos).as_bytes()).map(drop)
    }

    /// All that is valid for Nix.
    pub(super) fn valid(&self) -> Result<BTreeMap<StorePath, PathInfo>, ServiceError> {
        let said = self.run(&["--dump-db"], b"")?;
        parse_registration(&said.0).map_err(|reason| ServiceError::Nix { program: self.named(&["--dump-db"]), reason })
    }

    /// Lets Nix collect all that `roots` don't need. Gives the paths that went, as far as it says so.
    pub(super) fn collect(&self, roots: &BTreeSet<StorePath>) -> Result<Vec<StorePath>, ServiceError> {
        self.write_roots(roots)?;
        let (out, errors) = self.run(&["--gc"], b"")?;
        let lines = out.lines().chain(errors.lines());
        let deleted = lines.filter_map(|line| line.strip_prefix("deleting '")?.strip_suffix('\'')?.parse().ok());
        Ok(deleted.collect())
    }

    /// More paths that must stay.
    pub(super) fn root<'a>(&self, paths: impl IntoIterator<Item = &'a StorePath>) -> Result<(), ServiceError> {
        let folder = self.roots();
        fs::create_dir_all(&folder).map_err(ServiceError::io("write", &folder))?;
        for root in paths {
            match std::os::unix::fs::symlink(root.to_string(), folder.join(root.base_name())) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                made => made.map_err(ServiceError::io("write", &folder))?,
            }
        }
        Ok(())
    }

    /// All paths that must stay. At no time is one of them missing.
    pub(super) fn write_roots(&self, roots: &BTreeSet<StorePath>) -> Result<(), ServiceError> {
        self.root(roots)?;
        let folder = self.roots();
        let fault = || ServiceError::io("write", &folder);
        for entry in fs::read_dir(&folder).map_err(fault())?.flatten() {
            let is_root = entry.file_name().to_str().and_then(|name| StorePath::from_base_name(name).ok());
            if !is_root.is_some_and(|path| roots.contains(&path)) {
                discard(&entry.path()).map_err(fault())?;
            }
        }
        Ok(())
    }

    fn program(&self) -> PathBuf {
        self.package.join("bin/nix-store")
    }

    fn named(&self, arguments: &[&str]) -> String {
        format!("{} {}", self.program().display(), arguments.join(" "))
    }

    /// What it prints, and what it says beside.
    fn run(&self, arguments: &[&str], input: &[u8]) -> Result<(String, String), ServiceError> {
        let failed = |reason: String| ServiceError::Nix { program: self.named(arguments), reason };
        let mut child = Command::new(self.program())
            .args(arguments)
            .env_clear()
            .env("HOME", "/root")
            .env("PATH", &self.path)
            .env("NIX_REMOTE", "local")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let stdin = child.stdin.take();
        let output = std::thread::scope(|scope| {
            scope.spawn(move || {
                if let Some(mut stdin) = stdin {
                    // Who does not read to the end says why.
                    let _ = stdin.write_all(input);
                }
            });
            child.wait_with_output()
        });
        let output = output.map_err(|error| failed(error.to_string()))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, errors) = (text(&output.stdout), text(&output.stderr));
        if output.status.success() {
            return Ok((out, errors));
        }
        let said = out + &errors;
        let skipped = said.chars().count().saturating_sub(TAIL);
        Err(failed(said.chars().skip(skipped).collect::<String>().trim().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn roots_are_written_and_nix_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let (package, state) = (folder.path().join("nix"), folder.path().join("state"));
        fs::create_dir_all(package.join("bin")).unwrap();
        let path = |number| StorePath::from_parts([number; 20], "x").unwrap();
        let script = format!("#!/bin/sh\ntest $1 = --gc || exit 3\necho \"deleting '{}'\" >&2\n", path(9));
        fs::write(package.join("bin/nix-store"), script).unwrap();
        fs::set_permissions(package.join("bin/nix-store"), fs::Permissions::from_mode(0o755)).unwrap();
        let nix = Nix { package, path: "/usr/bin:/bin".to_owned(), state };
        nix.collect(&BTreeSet::from([path(1), path(2)])).unwrap();
        nix.root([&path(3)]).unwrap();
        assert_eq!(fs::read_dir(nix.roots()).unwrap().count(), 3);
        let gone = nix.collect(&BTreeSet::from([path(2)])).unwrap();
        assert_eq!(gone, [path(9)]);
        assert_eq!(fs::read_dir(nix.roots()).unwrap().count(), 1);
        assert!(matches!(nix.load_db(&[]), Err(ServiceError::Nix { .. })));
        assert!(matches!(nix.valid(), Err(ServiceError::Nix { .. })));
        let absent = Nix { package: "/absent".into(), ..nix };
        assert!(matches!(absent.load_db(&[]), Err(ServiceError::Nix { .. })));
    }

    #[test]
    fn who_holds_keeps_the_collector_out() {
        let state = tempfile::tempdir().unwrap();
        let nix = Nix { package: "/absent".into(), path: String::new(), state: state.path().to_owned() };
        let (one, two) = (nix.hold().unwrap(), nix.hold().unwrap());
        let alone = || {
            let file = fs::File::open(state.path().join("gc.lock")).unwrap();
            rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok()
        };
        assert!(!alone());
        drop((one, two));
        assert!(alone());
    }
}
