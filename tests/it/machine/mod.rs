//! Machines that boot: in docker, and their parts alone.

mod container;
mod outside;
mod starts;
mod supervisor;
