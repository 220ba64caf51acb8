//! What boot's first steps hand to the supervisor.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::boot::{BootPlan, Layout, PlanAccount};
use crate::home::manifest::Manifest;

/// How store paths of the volume come into `/nix/store`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreWay {
    /// An overlay, its upper on the volume.
    Overlay,
    /// A link for each.
    Links,
}

/// A declared user's home.
#[derive(Debug, Clone, Default)]
pub struct HomeState {
    /// The store path of the generation that is live.
    pub generation: Option<String>,
    /// Its number; absent: the image's.
    pub number: Option<u64>,
    /// What it says of itself, where that can be read.
    pub manifest: Option<Manifest>,
    /// Files of the user's own that stood in the way.
    pub skipped: Vec<String>,
    /// Why the user is left out.
    pub left_out: Option<String>,
}

/// Values of secrets by name. Printing it does not show them.
#[derive(Clone, Default)]
pub struct Secrets(pub BTreeMap<String, String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// A step of the boot and what it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// `store`, `homes`.
    pub name: String,
    /// Its time.
    pub microseconds: u64,
}

/// Something that did not go as it should, and without which the machine goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What happened.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// A machine whose store and homes stand, ready for its processes.
#[derive(Debug)]
pub struct Prepared {
    /// What the image wants.
    pub plan: BootPlan,
    /// Where things lie.
    pub layout: Layout,
    /// State is written there: neither is the volume read-only, nor is this a process that may not.
    pub writable: bool,
    /// How the store was put together.
    pub store: StoreWay,
    /// Every declared user's home.
    pub users: BTreeMap<String, HomeState>,
    /// The container's environment, secrets taken out.
    pub environment: BTreeMap<String, String>,
    /// Values of secrets.
    pub secrets: Secrets,
    /// What was done, and how long it took.
    pub steps: Vec<Step>,
    /// What did not go well.
    pub warnings: Vec<Warning>,
    /// When the machine started.
    pub started: Instant,
    /// The image's name and tag.
    pub image: String,
}

/// What runs in the foreground.
#[derive(Debug, Clone)]
pub struct Foreground {
    /// The program as written, and its arguments.
    pub command: Vec<String>,
    /// As whom it runs.
    pub account: PlanAccount,
    /// Daemons run beside it.
    pub daemons: bool,
}
