//! NixOS channels where none is asked: in a running machine.

use std::collections::BTreeMap;

use crate::config::System;
use crate::progress::Progress;

use super::answers::Faults;
use super::asking::Asking;
use super::error::Error;
use super::lock::{Lock, LockedRelease, LockedRequest};
use super::wanted::Wanted;

/// As where other revisions answer.
type Days = BTreeMap<(System, String), Option<String>>;

/// What NixOS channels answered: nothing.
#[derive(Default)]
pub(super) struct ReleaseAnswers {
    pub(super) requests: BTreeMap<(System, String), LockedRequest>,
    pub(super) releases: BTreeMap<String, LockedRelease>,
    pub(super) days: Days,
}

/// Nothing answers here from another revision.
pub(super) fn tell_costs(_: &Lock, _: &Days, _: &dyn Progress) {}

impl Asking<'_> {
    /// Nothing: requests for such names are told of where indexes are asked.
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "as where channels are asked")]
    pub(super) fn ask_releases(&self, _: &[(System, Wanted<'_>)], _: &mut Faults) -> Result<ReleaseAnswers, Error> {
        Ok(ReleaseAnswers::default())
    }
}
