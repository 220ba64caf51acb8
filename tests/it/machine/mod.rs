//! Machines that boot: in docker, and their parts alone.

mod container;
mod nix;
mod starts;
mod supervisor;
