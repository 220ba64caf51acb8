//! Machines that boot: in docker, and their parts alone.

mod bare;
mod container;
mod homes;
mod hostile_user;
mod killed;
mod nix;
mod rebuild;
mod starts;
mod supervisor;
mod survives;
mod terminal;
mod whole;
