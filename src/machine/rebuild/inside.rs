//! The machine around a user: its plan, what the image made the home of, and where the user's own part lies.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::error::RebuildError;
use crate::boot::{BootPlan, HOMES_PATH, HomeBase, PLAN_PATH, RUN};
use crate::channel::LOCK_FILE;
use crate::machine::plan;
use crate::nix::{STORE_DIR, Sha256};

/// What a first home.toml of one's own says.
pub const STUB: &str = "\
# Your own part of this home, on top of what the image gives. Then run: rebuild
#
# packages = [\"ripgrep\"]
# sessionVariables.EDITOR = \"vim\"
#
# [programs.git]
# enable = true
";

/// Most bytes of what the image says of a home.
const MAX_JSON: u64 = 64 << 20;

/// Most bytes of a user's own file.
const MAX_OWN: u64 = 1 << 20;

/// A user in a machine.
#[derive(Debug, Clone)]
pub struct Inside {
    /// The machine.
    pub plan: BootPlan,
    /// Whose home.
    pub user: String,
    /// The home's folder.
    pub home: PathBuf,
    /// What the image made the home of.
    pub base: HomeBase,
    /// The digest of that, to see when another image has another one.
    pub base_digest: Sha256,
    /// Where sockets are.
    pub run: PathBuf,
    /// `/nix/store`
    pub store: PathBuf,
}

/// The plan of the machine that this process is in; `None` outside of one.
pub fn read_plan() -> Result<Option<BootPlan>, RebuildError> {
    match plan::read_plan(Path::new(PLAN_PATH)) {
        Err(error) if error.is_absent() => Ok(None),
        read => Ok(Some(read?)),
    }
}

impl Inside {
    /// The user with this number in the machine that this process is in.
    pub fn of(uid: u32) -> Result<Self, RebuildError> {
        let plan = read_plan()?.ok_or_else(|| RebuildError::NoMachine(PLAN_PATH.into()))?;
        let found = plan.users.iter().find(|(_, user)| user.account.uid == uid);
        let found = found.map(|(name, user)| (name.clone(), PathBuf::from(&user.account.home)));
        let (user, home) = found.ok_or(RebuildError::NoUser(uid))?;
        let path = Path::new(HOMES_PATH).join(format!("{user}.json"));
        let (base, base_digest) = read_json(&path)?.ok_or_else(|| RebuildError::NoMachine(path))?;
        Ok(Self { plan, user, home, base, base_digest, run: RUN.into(), store: STORE_DIR.into() })
    }

    /// The user's own file.
    #[must_use]
    pub fn own_path(&self) -> PathBuf {
        self.home.join(".config/dumbc/home.toml")
    }

    /// The lock beside it.
    #[must_use]
    pub fn lock_path(&self) -> PathBuf {
        self.home.join(".config/dumbc").join(LOCK_FILE)
    }

    /// State of the home's.
    #[must_use]
    pub fn state(&self, name: &str) -> PathBuf {
        self.home.join(".local/state/dumbc").join(name)
    }

    /// The user's own part; empty where there is none.
    pub fn read_own(&self) -> Result<String, RebuildError> {
        let path = self.own_path();
        let mut text = String::new();
        match fs::File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(text),
            opened => {
                let read = opened.and_then(|file| file.take(MAX_OWN + 1).read_to_string(&mut text));
                read.map_err(RebuildError::io("read", &path))?;
            }
        }
        if text.len() as u64 > MAX_OWN {
            return Err(RebuildError::io("read", path)(io::ErrorKind::FileTooLarge.into()));
        }
        Ok(text)
    }

    /// Writes a commented file where there is none. Gives whether it did.
    pub fn write_stub(&self) -> Result<bool, RebuildError> {
        let path = self.own_path();
        if fs::symlink_metadata(&path).is_ok() {
            return Ok(false);
        }
        self.write_own(STUB).map(|()| true)
    }

    /// Writes the user's own part, whole or not at all. A link to where it is kept stays one.
    pub fn write_own(&self, text: &str) -> Result<(), RebuildError> {
        let path = self.own_path();
        replace(&fs::canonicalize(&path).unwrap_or(path), text.as_bytes())
    }
}

/// Writes a file of the user's, whole or not at all, with the mode that it has.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), RebuildError> {
    let fault = || RebuildError::io("write", path);
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder).map_err(fault())?;
    let mode = fs::metadata(path).map_or(0o644, |metadata| metadata.permissions().mode() & 0o777);
    let mut file = tempfile::Builder::new().prefix(".dumbc-").tempfile_in(folder).map_err(fault())?;
    file.write_all(content).map_err(fault())?;
    file.as_file().set_permissions(fs::Permissions::from_mode(mode)).map_err(fault())?;
    file.as_file().sync_all().map_err(fault())?;
    file.persist(path).map_err(|error| fault()(error.error))?;
    Ok(())
}

/// A document with its digest; `None` where there is none.
fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<(T, Sha256)>, RebuildError> {
    let mut text = Vec::new();
    match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => {
            let read = opened.and_then(|file| file.take(MAX_JSON).read_to_end(&mut text));
            read.map_err(RebuildError::io("read", path))?;
        }
    }
    let damaged = |error: serde_json::Error| RebuildError::Damaged { path: path.into(), reason: error.to_string() };
    Ok(Some((serde_json::from_slice(&text).map_err(damaged)?, Sha256::of(&text))))
}
