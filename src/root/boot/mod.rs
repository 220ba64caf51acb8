//! What a machine that boots has beside its root files: the boot plan, the registration of its store paths, what its login
//! shells and its ssh read.

mod files;
mod folders;
mod plan;
mod registration;
mod units;

pub(super) use files::runs_sshd;
pub use files::{BootFiles, boot_files};
pub use folders::folders;
pub use plan::{PlanInputs, boot_plan};
pub use registration::registration;

/// Links to users' profiles, by login name.
pub const USER_PROFILES: &str = "/etc/profiles/per-user";
