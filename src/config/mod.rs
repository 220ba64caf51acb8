//! The TOML files: parsed with places, checked, and converted to a [`Machine`].
//!
//! Everything that is wrong is found in one run, and every [`Diagnostic`] points at its line.

mod diagnostic;
mod machine;
mod request;

pub use diagnostic::{Diagnostic, Invalid, Place, Severity, count_errors};
pub use machine::*;
pub use request::{Outputs, ParseRequestError, Request, RequestKind};
