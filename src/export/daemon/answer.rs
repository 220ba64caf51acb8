//! What daemons say, in JSON that nobody vouches for.

use serde::Deserialize;

/// A message is no longer than this.
const SHOWN: usize = 500;

/// One object of the stream by which a daemon tells how loading goes.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Told {
    error: Option<String>,
    #[serde(rename = "errorDetail")]
    detail: Option<Detail>,
    stream: Option<String>,
}

#[derive(Deserialize)]
struct Detail {
    message: String,
}

/// What a refusal says, as docker and podman put it; else its text.
pub(super) fn refusal(status: u16, body: &[u8]) -> String {
    let message = serde_json::from_slice::<Detail>(body).map(|detail| detail.message);
    let text = message.unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned());
    let text = shown(&text);
    if text.is_empty() { format!("status {status}") } else { text }
}

/// The failure that a stream of objects tells, which began with success; `Err`: it is no such stream.
pub(super) fn failure(body: &[u8]) -> Result<Option<String>, serde_json::Error> {
    for told in serde_json::Deserializer::from_slice(body).into_iter::<Told>() {
        let Told { error, detail, stream } = told?;
        // Over containerd, docker takes for success what it can't unpack.
        let stream = stream.filter(|text| text.starts_with("Error unpacking image"));
        if let Some(message) = detail.map(|detail| detail.message).or(error).or(stream) {
            return Ok(Some(shown(&message)));
        }
    }
    Ok(None)
}

/// Fit for a terminal.
fn shown(text: &str) -> String {
    text.trim().chars().take(SHOWN).map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_quoted() {
        assert_eq!(refusal(500, br#"{"message":"no\u001b[31m"}"#), "no [31m");
        assert_eq!(refusal(500, br#"{"cause":"x","message":"why","response":500}"#), "why");
        assert_eq!(refusal(502, b" a page\n"), "a page");
        assert_eq!(refusal(404, b""), "status 404");
        assert_eq!(refusal(500, &[b'x'; 10_000]).len(), SHOWN);
    }

    #[test]
    fn a_failure_may_come_in_the_middle() {
        let good = "{\"stream\":\"Loaded image: a:b\\n\"}\r\n{\"status\":\"x\",\"progressDetail\":{}}\n";
        assert_eq!(failure(good.as_bytes()).unwrap(), None);
        assert_eq!(failure(br#"{"Names":["docker.io/library/a:b"]}"#).unwrap(), None);
        assert_eq!(failure(b"").unwrap(), None);
        let bad = format!("{good}{{\"errorDetail\":{{\"message\":\"no space left\"}},\"error\":\"old\"}}");
        assert_eq!(failure(bad.as_bytes()).unwrap().as_deref(), Some("no space left"));
        assert_eq!(failure(br#"{"error":"old"}"#).unwrap().as_deref(), Some("old"));
        let unpacking = br#"{"stream":"Error unpacking image a:b: content not found\n"}"#;
        assert_eq!(failure(unpacking).unwrap().as_deref(), Some("Error unpacking image a:b: content not found"));
        assert!(failure(b"<html>").is_err());
        assert!(failure(good.as_bytes().split_last().unwrap().1.split_last().unwrap().1).is_err());
    }
}
