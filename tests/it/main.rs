//! The whole program, against servers in this process and real data.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

mod apt;
mod arrows;
mod base;
mod build;
mod cache;
mod ci;
mod clients;
mod deb;
mod debian;
mod debian_real;
mod edit;
mod emit;
mod examples;
mod import;
mod init;
mod inspect;
mod machine;
mod nixos;
mod odd;
mod readme;
mod registry;
mod robust;
mod runtime;
mod support;
