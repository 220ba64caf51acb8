//! Names to store paths, and the lock that keeps the answers.

mod lock;

pub use lock::{Lock, LockError, LockedChannel, LockedPackage, LockedRequest};
