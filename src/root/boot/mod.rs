//! What a machine that boots has beside its root files: the boot plan, the registration of its store paths, what its login
//! shells and its ssh read.

mod files;
mod folders;
mod plan;
mod registration;
#[cfg(test)]
mod tests;
mod units;

pub(super) use files::runs_sshd;
pub use files::{BootFiles, boot_files};
pub use folders::folders;
pub use plan::{PlanInputs, boot_plan, plan_account};
pub use registration::registration;

use crate::image::ImagePath;

/// Links to users' profiles, by login name.
pub const USER_PROFILES: &str = "/etc/profiles/per-user";

/// Folders of commands that `user` has: the own profile's, then `path`, as `PATH` has them. Nobody, `""`, has no profile.
#[must_use]
pub fn command_folders(user: &str, path: &str) -> Vec<ImagePath> {
    let own = format!("{USER_PROFILES}/{user}/bin");
    let own = Some(own.as_str()).filter(|_| !user.is_empty());
    let folders = own.into_iter().chain(path.split(':'));
    folders.filter_map(|folder| ImagePath::new(folder.as_bytes()).ok()).collect()
}
