//! Buckets of S3, and of servers that speak as S3 does: where they lie, who one is to them, what their refusals mean.
//!
//! What is read and written goes over [`super::http`]; this room signs it.

mod bucket;
mod credentials;
mod refusal;
mod signer;
mod upload;

use std::io::Write;

use super::http::{Http, HttpError, Named};

pub use bucket::Bucket;
pub(super) use signer::Signer;
pub(super) use upload::{Source, put};

/// Fetches the object of at most `limit` bytes that an address names, as if it were a folder, into `out`. Tells how many bytes were written.
pub fn fetch_object(http: &Http, object: &Bucket, limit: u64, out: &mut dyn Write) -> Result<u64, HttpError> {
    let signer = Signer::new(object.clone());
    let url = object.url().to_string().trim_end_matches('/').parse()?;
    http.fetch_named(&url, Named { signer: Some(&signer), from: None }, limit, out)
}
