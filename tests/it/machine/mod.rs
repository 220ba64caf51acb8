//! Machines that boot: in docker, and their parts alone.

mod container;
mod starts;
mod supervisor;
