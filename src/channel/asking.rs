//! What answering requests needs, whoever answers them.

use std::collections::BTreeSet;

use crate::config::Machine;
use crate::progress::Progress;

use super::lock::Lock;
use super::sources::Sources;

/// Everything that asking archives and channels needs.
pub(super) struct Asking<'a> {
    pub(super) machine: &'a Machine,
    /// What was locked: versions and releases to keep where they are still offered.
    pub(super) old: &'a Lock,
    /// Keys of requests whose packages may move.
    pub(super) updated: &'a BTreeSet<String>,
    pub(super) sources: &'a dyn Sources,
    pub(super) progress: &'a dyn Progress,
}
