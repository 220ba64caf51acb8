//! What resolving asks of the world: indexes, and the closures of store paths.

use std::collections::BTreeSet;

use crate::nix::StorePath;
use crate::progress::Progress;

use super::error::Error;
use super::index::Index;
use super::lock::LockedPackage;

/// The world, as far as names and closures go. Asked only for what the lock does not answer.
pub trait Sources {
    /// The index of a channel of the machine's.
    fn index(&self, channel: &str, progress: &dyn Progress) -> Result<Index, Error>;

    /// The whole closures of `roots`, each package vouched for by today's keys. `named_by_user` are roots that the files name
    /// themselves, which may be content-addressed without a signature.
    fn closure(
        &self,
        roots: &BTreeSet<StorePath>,
        named_by_user: &BTreeSet<StorePath>,
        progress: &dyn Progress,
    ) -> Result<Vec<(StorePath, LockedPackage)>, Error>;
}
