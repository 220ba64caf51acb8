//! Debian's formats, pure: no network, no disk beyond what a caller hands in.
//!
//! What comes from an archive is hostile: names, versions and paragraphs are checked once, here, and trusted by their types.

mod control;
mod facts;
mod name;
mod pool;
mod relation;
mod version;

pub use control::{ControlError, Paragraph, Paragraphs};
pub use facts::{Conffile, Member, PackageFacts};
pub use name::{PackageName, ParsePackageNameError};
pub use pool::is_pool_path;
pub use relation::{
    Operator, ParseRelationError, Provided, Qualifier, Target, parse_groups, parse_provided, parse_targets,
};
pub use version::{ParseVersionError, Version};
