//! Generated units: what an image holds beside its packages.
//!
//! Pure functions from plain data to [`Tree`](crate::image::tree::Tree)s: the same machine and listings give the same
//! bytes. [`local`] alone reads the disk, as the project's own files lie there.

pub mod addressed;
pub mod aliases;
#[cfg(feature = "build")]
pub mod base;
#[cfg(feature = "build")]
pub mod boot;
#[cfg(feature = "build")]
pub mod certificates;
#[cfg(feature = "build")]
pub mod check;
#[cfg(feature = "build")]
pub mod database;
#[cfg(feature = "build")]
pub mod debian;
#[cfg(feature = "build")]
mod elf;
pub mod environment;
#[cfg(feature = "build")]
pub mod files;
mod links;
pub mod local;
pub mod merged;
#[cfg(feature = "build")]
pub mod parents;
#[cfg(feature = "build")]
pub mod runtime;
#[cfg(feature = "build")]
pub mod supplies;
pub mod view;

#[cfg(test)]
pub(crate) mod sample;
