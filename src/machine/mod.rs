//! What runs inside a machine: booting, supervising, homes and their store.
//!
//! [`crate::boot`] has the plan that all of this follows.

pub mod activation;
pub mod process;
