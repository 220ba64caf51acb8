//! Names to store paths, and the lock that keeps the answers.

mod index;
mod lock;
mod name;

pub use index::{Chosen, Index, Limits, LookupError, Package, ReadError};
pub use lock::{Lock, LockError, LockedChannel, LockedPackage, LockedRequest};
pub use name::{Attribute, package_key, split_version, version_matches};
