//! The files as they are written: a type per table, with spans. Their documentation is the schema's and the manual's.
//!
//! Nothing is required here: `structure` has reported what is missing or of a wrong type and taken it out, so that what
//! is left can be read and checked in the same run.

mod home;
mod scalar;
mod system;
mod unit;
mod users;

pub(super) use home::*;
pub(super) use scalar::*;
pub(super) use system::*;
pub(super) use unit::*;
pub(super) use users::*;
