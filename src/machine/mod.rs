//! What runs inside a machine: booting, supervising, homes and their store.
//!
//! [`crate::boot`] has the plan that all of this follows.

pub mod prepared;
pub mod process;
pub mod shell;
pub mod supervisor;
