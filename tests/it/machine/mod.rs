//! Machines that boot: in docker, and their parts alone.

mod container;
mod limits;
mod secrets;
mod ssh;
mod starts;
mod supervisor;
mod units;
