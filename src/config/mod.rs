//! The TOML files: parsed with places, checked, and converted to a [`Machine`].
//!
//! Everything that is wrong is found in one run, and every [`Diagnostic`] points at its line. The way of a file:
//! [`structure`] holds its text against the [`schema`] that [`mirror`]'s types make, takes out what is wrong, and reads
//! the rest into those types; [`check`] then looks at what the values mean, and yields the machine.

mod check;
mod diagnostic;
mod edit;
mod load;
mod machine;
mod mirror;
mod nearest;
mod own_home;
mod places;
mod project;
mod quantity;
pub mod reading;
mod reference;
mod request;
mod schema;
mod source;
mod structure;
mod template;

pub use diagnostic::{Diagnostic, Invalid, Place, Severity, count_errors};
pub use edit::{EditError, Edited, PackageList, add, remove};
pub use load::{Loaded, Sources, load, load_with, parse};
#[cfg(feature = "build")]
pub use load::{load_edited, read_text};
pub use machine::*;
pub use nearest::nearest;
pub use own_home::{HomeSurroundings, home_file};
pub use places::Places;
pub use quantity::parse_duration;
pub use reference::reference;
pub use request::{Outputs, ParseRequestError, Request, RequestKind, is_local_path, requests_named};
pub use schema::{ConfigFile, schema, schema_of};
pub use template::TemplateError;
