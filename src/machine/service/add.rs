//! Parts of homes that users send: their store paths are computed here, from what they hold.

use std::io::{self, Read};

use super::error::ServiceError;
use super::unpack::{Limits, unpack};
use super::wire::{Answer, MAX_NAR};
use super::{Caller, Service};
use crate::home::generation::HOME_PATH;
use crate::nix::{ContentAddress, Hasher, PathInfo, ReferenceScanner, StorePath};

/// What a package is called that lies beside a user's own file.
pub const LOCAL_NAME: &str = "home-source";

/// Most references of a part of a home.
const MAX_REFERENCES: usize = 20_000;

impl Service {
    /// Reads a NAR of `size` bytes from `input` and puts it into the store as `name`. `references` is all that it may refer to; what
    /// it does refer to is looked for.
    pub(super) fn add(
        &self,
        caller: &Caller,
        name: &str,
        references: Vec<StorePath>,
        size: u64,
        input: impl Read,
    ) -> Result<Answer, ServiceError> {
        let user = may_add(caller, name, size)?;
        if references.len() > MAX_REFERENCES {
            return Err(ServiceError::Content(format!("it has more than {MAX_REFERENCES} references")));
        }
        let _gate = self.gate.enter();
        let _held = self.without_nix_collector()?;
        if let Some(path) = references.iter().find(|path| !self.volume.is_valid(path)) {
            return Err(ServiceError::Invalid(path.clone()));
        }
        let staging = self.volume.staging()?;
        let prepared = staging.path().join("x");
        let scanner = ReferenceScanner::new(references);
        let mut seen = Seen { input: input.take(size), hasher: Hasher::new(), scanner };
        let unpacked = unpack(&mut seen, &prepared, Limits::SENT).map_err(ServiceError::Nar);
        let added = unpacked.and_then(|()| {
            if seen.hasher.length() != size {
                return Err(ServiceError::Content("its size is not what was said".to_owned()));
            }
            let info = info(name, seen.hasher, seen.scanner)?;
            self.check_quota(&user, std::slice::from_ref(&info))?;
            self.take_in(&prepared, &info)?;
            self.remember(&user, std::slice::from_ref(&info.path))?;
            Ok(Answer::Added { path: info.path })
        });
        if added.is_err() {
            // Read-only folders are no temporary folder's business.
            let _ = super::unpack::discard(&prepared);
        }
        added
    }

    fn take_in(&self, prepared: &std::path::Path, info: &PathInfo) -> Result<(), ServiceError> {
        let claimed = self.claims.claim(&std::iter::once(info.path.clone()).collect());
        if self.volume.is_valid(&info.path) {
            return super::unpack::discard(prepared).map_err(ServiceError::io("remove", prepared));
        }
        if claimed.paths.is_empty() {
            return Err(ServiceError::Busy);
        }
        self.volume.install(prepared, &info.path)?;
        self.register(std::slice::from_ref(info))
    }
}

fn may_add(caller: &Caller, name: &str, size: u64) -> Result<String, ServiceError> {
    let Caller::User(user) = caller else {
        return Err(ServiceError::Request("root adds no homes: become the user whose home it is".to_owned()));
    };
    if ![HOME_PATH, LOCAL_NAME].contains(&name) && name.strip_prefix("home-") != Some(user) {
        return Err(ServiceError::Content(format!(
            "`{}` is no name for it",
            name.chars().take(80).collect::<String>()
        )));
    }
    if size > MAX_NAR {
        return Err(ServiceError::Content(format!("it has more than {MAX_NAR} bytes")));
    }
    Ok(user.clone())
}

fn info(name: &str, hasher: Hasher, scanner: ReferenceScanner) -> Result<PathInfo, ServiceError> {
    let (nar_size, nar_hash, references) = (hasher.length(), hasher.finish(), scanner.finish());
    let address = ContentAddress::Nar(nar_hash);
    let path = address.store_path(name, &references).map_err(|error| ServiceError::Content(error.to_string()))?;
    let content_address = Some(address.to_string());
    Ok(PathInfo { path, nar_hash, nar_size, references, signatures: Vec::new(), content_address })
}

/// Hashes and scans what goes by.
struct Seen<R> {
    input: R,
    hasher: Hasher,
    scanner: ReferenceScanner,
}

impl<R: Read> Read for Seen<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        let read = buffer.get(..count).unwrap_or_default();
        self.hasher.update(read);
        self.scanner.scan(read);
        Ok(count)
    }
}
