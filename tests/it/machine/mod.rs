//! Machines that boot, in docker.

mod container;
mod starts;
