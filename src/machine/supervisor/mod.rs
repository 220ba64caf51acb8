//! Runs what a machine runs: the foreground, daemons, and what looks after them.
//!
//! [`setup`] makes units of what boot has prepared; [`core`] decides what becomes of them, without effects; [`running`] is the loop
//! around it, which has them. [`control`] is how to ask a machine that runs.

mod banner;
mod children;
pub mod control;
pub mod core;
pub mod environment;
pub mod foreground;
pub mod live;
mod notify;
pub mod output;
mod probe;
mod running;
pub mod setup;
mod signals;

use std::io;

use setup::Setup;

use super::prepared::{Foreground, Prepared};

/// Runs the machine until its foreground ends, or, without one, until it is told to stop; gives its exit code.
///
/// # Errors
///
/// The kernel has no descriptors or threads left for it.
pub fn run(prepared: Prepared, foreground: Option<Foreground>) -> io::Result<u8> {
    run_setup(Setup::new(prepared, foreground))
}

/// The same, of everything that is to be known.
///
/// # Errors
///
/// As [`run`].
pub fn run_setup(setup: Setup) -> io::Result<u8> {
    Ok(running::Running::new(setup)?.run())
}
