//! Machines that boot: in docker, and their parts alone.

mod bare;
mod container;
mod homes;
mod hostile_user;
mod killed;
mod limits;
mod nix;
mod nixos;
mod outside;
mod programs;
mod rebuild;
mod secrets;
mod ssh;
mod starts;
mod supervisor;
mod survives;
mod terminal;
mod units;
mod vm;
mod whole;
