//! Debian's formats, pure: no network, no disk beyond what a caller hands in.
//!
//! What comes from an archive is hostile: names, versions and paragraphs are checked once, here, and trusted by their types.

pub mod accounts;
mod apt_sources;
mod ar;
mod control;
mod facts;
mod name;
mod pool;
mod relation;
mod release;
mod signed_text;
mod sink;
mod usr;
mod version;

pub use apt_sources::{AptSource, AptSourceError, SignedBy, parse_deb822, parse_one_line};
pub use ar::{ArError, ArMember, ArReader};
pub use control::{ControlError, Paragraph, Paragraphs};
pub use facts::{Conffile, Member, PackageFacts, qualified_name};
pub use name::{PackageName, ParsePackageNameError};
pub use pool::is_pool_path;
pub use relation::{
    Operator, ParseRelationError, Provided, Qualifier, Target, parse_groups, parse_provided, parse_targets,
    write_groups,
};
pub use release::{Release, ReleaseError, ReleaseFile};
pub use signed_text::{SignedText, SignedTextError};
pub use sink::{DebSink, REFUSED_HELP};
pub use usr::{USR_ALIASES, canonical, is_usr_alias, usr_alias_target};
pub use version::{ParseVersionError, Version};
