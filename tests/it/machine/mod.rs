//! Machines that boot: in docker, and their parts alone.

mod container;
mod homes;
mod starts;
mod supervisor;
