//! Debian's formats, pure: no network, no disk beyond what a caller hands in.
//!
//! What comes from an archive is hostile: names, versions and paragraphs are checked once, here, and trusted by their types.

mod accounts;
mod ar;
mod control;
mod facts;
mod name;
mod pool;
mod sink;
mod usr;
mod version;

pub use accounts::{static_group, static_user};
pub use ar::{ArError, ArMember, ArReader};
pub use control::{ControlError, Paragraph, Paragraphs};
pub use facts::{Conffile, Member, PackageFacts};
pub use name::{PackageName, ParsePackageNameError};
pub use pool::is_pool_path;
pub use sink::DebSink;
pub use usr::{USR_ALIASES, canonical, is_usr_alias};
pub use version::{ParseVersionError, Version};
