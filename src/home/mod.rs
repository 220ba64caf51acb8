//! Homes: from Home Manager's option names to a generation, and from one generation to the next.
//!
//! Pure: [`merge`] lays the layers of a home over each other, [`settings`] reads the result, [`programs`] turn their tables into
//! files, [`generation`] makes a store path of all, [`activation`] plans how a home gets from an old generation to a new one.
//! What carries plans out is in [`crate::machine`].

pub mod activation;
mod finding;
pub mod format;
pub mod generation;
pub mod manifest;
pub mod merge;
pub mod programs;
pub mod settings;
pub mod show;
