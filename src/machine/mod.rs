//! What runs inside a machine: booting, supervising, homes and their store.
//!
//! [`crate::boot`] has the plan that all of this follows.

pub mod activation;
pub mod adopt;
pub mod boot;
pub mod computer;
pub mod generations;
pub mod plan;
pub mod prepared;
pub mod process;
pub mod rebuild;
pub mod service;
pub mod shell;
pub mod supervisor;
