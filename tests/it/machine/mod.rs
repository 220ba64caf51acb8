//! Machines that boot: in docker, and their parts alone.

mod container;
mod hostile_user;
mod rebuild;
mod starts;
mod supervisor;
