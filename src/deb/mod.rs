//! Debian's formats, pure: no network, no disk beyond what a caller hands in.
//!
//! What comes from an archive is hostile: names, versions and paragraphs are checked once, here, and trusted by their types.

#[cfg(feature = "build")]
pub mod accounts;
#[cfg(feature = "build")]
mod apt_sources;
#[cfg(feature = "build")]
mod ar;
#[cfg(feature = "build")]
mod control;
#[cfg(feature = "build")]
mod facts;
mod name;
mod pool;
#[cfg(feature = "build")]
mod relation;
#[cfg(feature = "build")]
mod release;
#[cfg(feature = "build")]
mod signed_text;
#[cfg(feature = "build")]
mod sink;
mod usr;
mod version;

#[cfg(feature = "build")]
pub use apt_sources::{AptSource, AptSourceError, SignedBy, parse_deb822, parse_one_line};
#[cfg(feature = "build")]
pub use ar::{ArError, ArMember, ArReader};
#[cfg(feature = "build")]
pub use control::{ControlError, Paragraph, Paragraphs};
#[cfg(feature = "build")]
pub use facts::{Conffile, Member, PackageFacts, qualified_name};
pub use name::{PackageName, ParsePackageNameError};
pub use pool::is_pool_path;
#[cfg(feature = "build")]
pub use relation::{
    Operator, ParseRelationError, Provided, Qualifier, Target, parse_groups, parse_provided, parse_targets,
    write_groups,
};
#[cfg(feature = "build")]
pub use release::{Release, ReleaseError, ReleaseFile};
#[cfg(feature = "build")]
pub use signed_text::{SignedText, SignedTextError};
#[cfg(feature = "build")]
pub use sink::{DebSink, REFUSED_HELP};
pub use usr::{USR_ALIASES, canonical, is_usr_alias, usr_alias_target};
pub use version::{ParseVersionError, Version};
