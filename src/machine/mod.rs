//! What runs inside a machine: booting, supervising, homes and their store.
//!
//! [`crate::boot`] has the plan that all of this follows.

pub mod activation;
pub mod generations;
pub mod process;
pub mod rebuild;
pub mod service;
