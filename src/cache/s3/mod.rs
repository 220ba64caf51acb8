//! Buckets of S3, and of servers that speak as S3 does: where they lie, who one is to them, what their refusals mean.
//!
//! What is read and written goes over [`super::http`]; this room signs it.

mod bucket;
mod credentials;
mod refusal;
mod signer;
mod upload;

pub use bucket::Bucket;
pub(super) use signer::Signer;
pub(super) use upload::{Source, put};
