//! Parts as S3 has them, and Google after it: begun, sent one by one, joined.

use std::fmt::Write as _;

use serde::Deserialize;

use super::super::super::http::{Answered, HttpError, Payload, encoded};
use super::Large;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Begun {
    upload_id: String,
}

#[derive(Deserialize)]
struct Completed {
    #[serde(rename = "Code")]
    code: Option<String>,
}

/// Puts an object in parts.
pub(super) fn put(large: &Large<'_>, headers: &[(&str, &str)]) -> Result<Answered, HttpError> {
    let begun = large.request("POST", "uploads=", Payload::Bytes(b""), headers)?;
    let Begun { upload_id } = parse(&begun.bytes).ok_or_else(|| large.odd("its answer names no upload"))?;
    let id = encoded(&upload_id);
    // An upload that is not ended takes room, and is paid for.
    send(large, &id).inspect_err(|_| drop(large.request("DELETE", &format!("uploadId={id}"), Payload::Bytes(b""), &[])))
}

fn send(large: &Large<'_>, id: &str) -> Result<Answered, HttpError> {
    let mut list = String::from("<CompleteMultipartUpload>");
    for (number, part) in large.parts() {
        let sent = large.request("PUT", &format!("partNumber={number}&uploadId={id}"), part, &[])?;
        let etag = sent.etag.filter(|etag| is_etag(etag)).ok_or_else(|| large.odd("a part has no ETag"))?;
        let _ = write!(list, "<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>");
    }
    list.push_str("</CompleteMultipartUpload>");
    let done = large.request("POST", &format!("uploadId={id}"), Payload::Bytes(list.as_bytes()), &[])?;
    // The status is said before the work is done, so that a failure stands in the body.
    match parse::<Completed>(&done.bytes) {
        Some(Completed { code: None }) => Ok(done),
        _ => Err(large.odd("the parts were not joined")),
    }
}

fn parse<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Option<T> {
    quick_xml::de::from_str(std::str::from_utf8(bytes).ok()?).ok()
}

/// Whether this can stand in the list of parts as it is.
fn is_etag(text: &str) -> bool {
    text.len() <= 200 && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>&".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_can_t_change_a_request() {
        assert!(is_etag("\"5d41402abc4b2a76b9719d911017c592-3\"") && !is_etag("</ETag>") && !is_etag("a b"));
        let begun: Begun = parse(b"<?xml version=\"1.0\"?><InitiateMultipartUploadResult xmlns=\"x\"><UploadId>a+b</UploadId></InitiateMultipartUploadResult>").expect("a document");
        assert_eq!(begun.upload_id, "a+b");
        let failed: Completed = parse(b"<Error><Code>InternalError</Code></Error>").expect("a document");
        assert_eq!(failed.code.as_deref(), Some("InternalError"));
    }
}
