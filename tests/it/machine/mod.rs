//! Machines that boot: in docker, and their parts alone.

mod bare;
mod container;
mod killed;
mod starts;
mod supervisor;
mod survives;
mod terminal;
mod whole;
