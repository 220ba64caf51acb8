//! From a user's own home.toml to the live home, inside the machine, as that user.
//!
//! [`rebuild`] is the whole way; [`HomeMaker`] is what the homes' room does on it.

mod answers;
mod changes;
mod error;
mod inside;
mod listing;
mod local;
mod machine;
mod own_home;
mod run;

pub use answers::{Answers, Asking, Update, read_lock};
pub use changes::Changes;
pub use error::RebuildError;
pub use inside::{Inside, STUB, read_plan};
pub use listing::listings;
pub use machine::plan_machine;
pub use own_home::{OwnHome, surroundings};
pub use run::{HomeMaker, MadeHome, Options, Outcome, has_own, is_outdated, rebuild, select};

#[cfg(test)]
mod tests;
