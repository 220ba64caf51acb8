//! What a registry answers: bounded, made fit to show, and what its refusals mean.

use std::io::{ErrorKind, Read as _};
use std::time::{Duration, Instant, SystemTime};

use serde::Deserialize;
use ureq::Body;
use ureq::http::Response;

use crate::cache::http::{self, encoded, header};

use super::super::Error;
use super::retry::Fault;

/// A refusal is not read any further.
const REFUSAL_LIMIT: u64 = 64 << 10;

/// A registry's words are shown up to here, in characters.
const SHOWN: usize = 300;

/// A small body that takes longer drips on purpose, or its line is of no use.
const PATIENCE: Duration = Duration::from_mins(2);

/// What a refusal says.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// `NAME_UNKNOWN` and the like, in upper case.
    pub(super) codes: Vec<String>,
    /// Fit to show; secrets are still in it.
    pub(super) text: String,
}

impl Said {
    pub(super) fn has(&self, code: &str) -> bool {
        self.codes.iter().any(|known| known == code)
    }
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    errors: Vec<Entry>,
    /// What token servers and proxies say instead.
    message: Option<String>,
    details: Option<String>,
    error_description: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// Reads a small body; `None` where it is larger than `limit`.
pub(super) fn read(response: &mut Response<Body>, limit: u64, action: &str) -> Result<Option<Vec<u8>>, Fault> {
    if response.body().content_length().is_some_and(|length| length > limit) {
        return Ok(None);
    }
    let broken = |reason: String| Fault::temporary(Error::Interrupted { action: action.to_owned(), reason });
    let mut body = response.body_mut().with_config().limit(u64::MAX).reader().take(limit.saturating_add(1));
    let (mut bytes, mut buffer, start) = (Vec::new(), vec![0; 1 << 14], Instant::now());
    loop {
        match body.read(&mut buffer) {
            Ok(0) => return Ok((bytes.len() as u64 <= limit).then_some(bytes)),
            Ok(count) => bytes.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
            Err(fault) => return Err(broken(fault.to_string())),
        }
        if start.elapsed() > PATIENCE {
            return Err(broken("it comes too slowly".to_owned()));
        }
    }
}

/// What a refusal says, its body read to the end so that the connection can be used again.
pub(super) fn said(response: &mut Response<Body>) -> Said {
    let json = header(response.headers(), "content-type").is_some_and(|text| text.contains("json"));
    let bytes = read(response, REFUSAL_LIMIT, "").ok().flatten().unwrap_or_default();
    let Ok(refusal) = serde_json::from_slice::<Refusal>(&bytes) else {
        let plain = std::str::from_utf8(&bytes).ok().filter(|text| !json && !text.trim_start().starts_with('<'));
        return Said { codes: Vec::new(), text: printable(plain.unwrap_or_default().trim(), SHOWN) };
    };
    let codes = refusal.errors.iter().take(8).map(|entry| entry.code.to_ascii_uppercase()).collect();
    let mut words: Vec<String> = refusal.errors.iter().take(8).map(words_of).collect();
    let others = [refusal.message, refusal.details, refusal.error_description];
    words.extend(others.into_iter().flatten());
    if words.is_empty() {
        words.extend(refusal.error);
    }
    words.retain(|text| !text.is_empty());
    words.dedup();
    Said { codes, text: printable(&words.join("; "), SHOWN) }
}

fn words_of(entry: &Entry) -> String {
    if entry.message.is_empty() { entry.code.clone() } else { entry.message.clone() }
}

/// One line without control characters, of at most `limit` characters.
pub(super) fn printable(text: &str, limit: usize) -> String {
    let clean = |character: char| if character.is_control() || is_direction(character) { ' ' } else { character };
    let shown: String = text.chars().take(limit).map(clean).collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Marks that turn the direction of text around, and with it what a line seems to say.
fn is_direction(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// What `Retry-After` asks for.
pub(super) fn retry_after(response: &Response<Body>, now: SystemTime) -> Option<Duration> {
    header(response.headers(), "retry-after").and_then(|text| http::retry_after(text, now))
}

/// `application/x-www-form-urlencoded`.
pub(super) fn encode_form(parameters: &[(&str, String)]) -> String {
    let pairs = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}
