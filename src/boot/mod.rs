//! The boot plan: what a machine does when it starts, as data.
//!
//! Pure: made when the image is ([`crate::build`]), read by what runs inside ([`crate::machine`]), told to people and to other
//! systems' files ([`crate::emit`]). Its JSON Schema is part of `dumbc schema`.

mod explain;
mod layout;
mod order;
mod plan;
#[cfg(test)]
mod sample;

pub use explain::explain;
pub use layout::{Layout, RUN};
pub use order::{Order, order, order_names};
pub use plan::*;
