//! What lies beside a package's fragment.

use std::fs;
use std::io;

use crate::deb::PackageFacts;
use crate::nix::Sha256;
use crate::store::{Context as _, Error, Fragment, Store};

impl Store {
    /// What a package says of itself. A fragment that is no package's has no facts, and is not what its record says.
    pub fn facts(&self, fragment: &Fragment) -> Result<PackageFacts, Error> {
        let bytes = self.attachment(fragment)?;
        serde_json::from_slice(&bytes).or_else(|_| self.damaged(fragment))
    }

    /// The bytes that lie beside a fragment.
    pub(in crate::store) fn attachment(&self, fragment: &Fragment) -> Result<Vec<u8>, Error> {
        let path = self.attachment_path(fragment.key);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.damaged(fragment),
            bytes => bytes.context("read", &path)?,
        };
        if fragment.record.attachment == Some(Sha256::of(&bytes)) { Ok(bytes) } else { self.damaged(fragment) }
    }
}
