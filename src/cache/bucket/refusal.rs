//! What a bucket says when it refuses. All clouds say it in a document of the same shape.

use jiff::Timestamp;
use serde::Deserialize;

use super::super::http::Refusal;

/// The document that comes with a refusal, as far as it matters. Its message may quote what was sent, so it is not read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Said {
    #[serde(default)]
    pub(super) code: String,
    pub(super) region: Option<String>,
    pub(super) server_time: Option<String>,
}

/// What a refusal means: its reason, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// What its status means everywhere.
    Usual,
    /// The credentials have run out.
    Expired(String, &'static str),
    /// No.
    Refused(String, &'static str),
}

/// Reads a refusal. The header's word on the region goes before the document's.
pub(super) fn read(refusal: &Refusal) -> Said {
    let text = String::from_utf8_lossy(&refusal.body);
    let mut said: Said = quick_xml::de::from_str(&text).unwrap_or_default();
    said.code.retain(|character| character.is_ascii_alphanumeric());
    said.code.truncate(64);
    said.region = refusal.region.clone().or(said.region);
    said
}

/// No, by a reason that is shown with the server's word for it.
pub(super) fn refused(said: &Said, reason: &str, help: &'static str) -> Meaning {
    Meaning::Refused(format!("{reason}{}", named(&said.code)), help)
}

/// The server's word, where it has one.
pub(super) fn named(code: &str) -> String {
    if code.is_empty() { String::new() } else { format!(" ({code})") }
}

/// This machine's clock is wrong.
pub(super) fn skew(said: &Said) -> Meaning {
    let theirs = said.server_time.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
    let reason = theirs.map_or_else(
        || "this machine's clock is wrong".to_owned(),
        |theirs| {
            let minutes = (Timestamp::now().as_second() - theirs.as_second()) / 60;
            let direction = if minutes < 0 { "behind" } else { "ahead of" };
            format!("this machine's clock is {} minutes {direction} the server's", minutes.abs())
        },
    );
    Meaning::Refused(reason, "set this machine's clock")
}
