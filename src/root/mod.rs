//! Generated units: what an image holds beside its packages.
//!
//! Pure functions from plain data to [`Tree`](crate::image::tree::Tree)s: the same machine and listings give the same
//! bytes. [`local`] alone reads the disk, as the project's own files lie there.

pub mod addressed;
pub mod certificates;
pub mod check;
pub mod database;
pub mod debian;
pub mod environment;
pub mod files;
mod links;
pub mod local;
pub mod parents;
pub mod supplies;
pub mod view;

#[cfg(test)]
pub(crate) mod sample;
