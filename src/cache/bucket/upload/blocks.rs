//! Parts as Azure has them: blocks, of which a list makes an object. Blocks in no list are gone after a week.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::super::http::{Answered, HttpError, Payload, encoded};
use super::Large;

/// Puts an object in blocks.
pub(super) fn put(large: &Large<'_>, headers: &[(&str, &str)]) -> Result<Answered, HttpError> {
    let mut list = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
    for (number, block) in large.parts() {
        // All names of an object's blocks are of one length.
        let name = STANDARD.encode(format!("{number:09}"));
        large.request("PUT", &format!("comp=block&blockid={}", encoded(&name)), block, &[])?;
        let _ = write!(list, "<Latest>{name}</Latest>");
    }
    list.push_str("</BlockList>");
    // A header without the prefix is about the list, not about what it makes.
    let headers: Vec<_> = headers.iter().map(|&header| about_object(header)).collect();
    large.request("PUT", "comp=blocklist", Payload::Bytes(list.as_bytes()), &headers)
}

fn about_object<'a>((name, value): (&'a str, &'a str)) -> (&'a str, &'a str) {
    (if name == "content-type" { "x-ms-blob-content-type" } else { name }, value)
}
