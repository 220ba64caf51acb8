//! Requests for packages: `channel#attribute@version^out,dev`, a store path, or a path of the project.

use crate::nix::StorePath;

use super::Place;

/// One entry of a `packages` list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// As the user wrote it; identifies the request in the lock.
    pub text: String,
    /// What it asks for.
    pub kind: RequestKind,
    /// Where it stands.
    pub place: Option<Place>,
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestKind {
    /// A name in a channel.
    Name {
        /// Before `#`; `None`: the default channel.
        channel: Option<String>,
        /// The attribute, dots kept: `python3Packages.requests`.
        attribute: String,
        /// After `@`: a version or a prefix of one.
        version: Option<String>,
        /// After `^`.
        outputs: Outputs,
    },
    /// A store path that the user named.
    StorePath(StorePath),
    /// A path of the project: begins with `./`, `../` or `/`.
    Local(String),
}

/// Which outputs of a package are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Outputs {
    /// What the package says is installed.
    #[default]
    Default,
    /// `^*`
    All,
    /// `^out,dev`, in the order given.
    Named(Vec<String>),
}

/// The text is no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a package request: {reason}")]
pub struct ParseRequestError {
    /// What was to be parsed.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Request {
    /// Parses one entry of a `packages` list.
    pub fn parse(text: &str, place: Option<Place>) -> Result<Self, ParseRequestError> {
        match parse_kind(text) {
            Ok(kind) => Ok(Self { text: text.to_owned(), kind, place }),
            Err(reason) => Err(ParseRequestError { text: text.chars().take(300).collect(), reason }),
        }
    }
}

/// The requests that `${pkgs.NAME}` can mean; one where it is well used. `channel#attribute` names a channel; a plain
/// attribute means the default channel's package where that is requested, else any channel's.
#[must_use]
pub fn requests_named<'request>(
    name: &str,
    requests: &[&'request Request],
    default_channel: Option<&str>,
) -> Vec<&'request Request> {
    let answers = |wanted_channel: Option<&str>, wanted: &str| -> Vec<&'request Request> {
        let matches = |request: &&&Request| match &request.kind {
            RequestKind::Name { channel, attribute, .. } => {
                let channel = channel.as_deref().or(default_channel);
                attribute == wanted && (wanted_channel.is_none() || channel == wanted_channel)
            }
            RequestKind::StorePath(_) | RequestKind::Local(_) => false,
        };
        requests.iter().filter(matches).copied().collect()
    };
    if let Ok((channel, Some(attribute))) = split_unquoted(name, '#') {
        return answers(Some(channel), attribute);
    }
    let preferred = default_channel.map(|default| answers(Some(default), name)).unwrap_or_default();
    if preferred.is_empty() { answers(None, name) } else { preferred }
}

/// Whether `text` names a path of the project, or an absolute one, rather than a package.
#[must_use]
pub fn is_local_path(text: &str) -> bool {
    text == "." || text == ".." || text.starts_with("./") || text.starts_with("../")
}

fn parse_kind(text: &str) -> Result<RequestKind, &'static str> {
    if text.starts_with("/nix/store/") {
        let path =
            text.parse().map_err(|_| "it does not name a whole store path: /nix/store/<32 characters>-<name>")?;
        return Ok(RequestKind::StorePath(path));
    }
    if text.contains('\0') {
        return Err("it has a NUL character");
    }
    if text.starts_with('/') || is_local_path(text) {
        return Ok(RequestKind::Local(text.to_owned()));
    }
    let (channel, rest) = match split_unquoted(text, '#')? {
        (channel, Some(rest)) => (Some(parse_channel(channel)?), rest),
        (rest, None) => (None, rest),
    };
    let (name, outputs) = split_unquoted(rest, '^')?;
    let outputs = outputs.map_or(Ok(Outputs::Default), parse_outputs)?;
    let (attribute, version) = split_unquoted(name, '@')?;
    parse_attribute(attribute)?;
    let version = version.map(parse_version).transpose()?;
    Ok(RequestKind::Name { channel, attribute: attribute.to_owned(), version, outputs })
}

/// Splits at the first `separator` outside of quotes.
fn split_unquoted(text: &str, separator: char) -> Result<(&str, Option<&str>), &'static str> {
    let mut quoted = false;
    for (index, character) in text.char_indices() {
        if character == '"' {
            quoted = !quoted;
        } else if character == separator && !quoted {
            return Ok((&text[..index], Some(&text[index + separator.len_utf8()..])));
        }
    }
    if quoted { Err("a quote is not closed") } else { Ok((text, None)) }
}

fn parse_channel(channel: &str) -> Result<String, &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match channel {
        "" => Err("no channel stands before its `#`"),
        _ if channel.chars().all(allowed) => Ok(channel.to_owned()),
        _ => Err("its channel has characters other than letters, digits, `-`, `_` and `.`"),
    }
}

fn parse_attribute(attribute: &str) -> Result<(), &'static str> {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '\'');
    if attribute.is_empty() {
        return Err("it has no name");
    }
    let mut rest = Some(attribute);
    while let Some(text) = rest {
        let (segment, following) = split_unquoted(text, '.')?;
        let quoted = segment.strip_prefix('"').and_then(|inner| inner.strip_suffix('"'));
        match quoted {
            Some(inner) if inner.is_empty() || inner.contains(['"', '\n']) => return Err("a quoted part is malformed"),
            None if segment.is_empty() => return Err("a part between two dots is empty"),
            None if segment.contains(char::is_whitespace) => return Err("it has a space"),
            None if !segment.chars().all(bare) => {
                return Err("it has a character that needs quotes: `set.\"odd name\"`");
            }
            _ => {}
        }
        rest = following;
    }
    Ok(())
}

fn parse_version(version: &str) -> Result<String, &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '~' | ':');
    match version {
        "" => Err("no version stands after its `@`"),
        _ if version.chars().all(allowed) => Ok(version.to_owned()),
        _ => Err("its version has a character that versions do not have; outputs stand last: name@version^outputs"),
    }
}

fn parse_outputs(outputs: &str) -> Result<Outputs, &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '.');
    if outputs == "*" {
        return Ok(Outputs::All);
    }
    let mut named: Vec<String> = Vec::new();
    for output in outputs.split(',') {
        if output.is_empty() {
            return Err("an output's name is empty after its `^`");
        }
        if output.contains('@') {
            return Err("its version stands after its outputs; write name@version^outputs");
        }
        if !output.chars().all(allowed) {
            return Err("an output's name has a character that outputs do not have");
        }
        if named.iter().any(|known| known == output) {
            return Err("it names an output twice");
        }
        named.push(output.to_owned());
    }
    Ok(Outputs::Named(named))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> RequestKind {
        Request::parse(text, None).unwrap_or_else(|error| panic!("{error}")).kind
    }

    fn name(channel: Option<&str>, attribute: &str, version: Option<&str>, outputs: Outputs) -> RequestKind {
        let owned = |text: &str| text.to_owned();
        RequestKind::Name {
            channel: channel.map(owned),
            attribute: attribute.to_owned(),
            version: version.map(owned),
            outputs,
        }
    }

    #[test]
    fn names_have_channel_version_and_outputs() {
        let dev = Outputs::Named(vec!["bin".to_owned(), "dev".to_owned()]);
        assert_eq!(kind("git"), name(None, "git", None, Outputs::Default));
        assert_eq!(kind("unstable#neovim"), name(Some("unstable"), "neovim", None, Outputs::Default));
        assert_eq!(kind("openssl@3.0^bin,dev"), name(None, "openssl", Some("3.0"), dev));
        assert_eq!(kind("x#a.b@1^*"), name(Some("x"), "a.b", Some("1"), Outputs::All));
        assert_eq!(kind("aspellDicts.\"or\""), name(None, "aspellDicts.\"or\"", None, Outputs::Default));
        assert_eq!(kind("set.\"a#b@c^d.e\"@2"), name(None, "set.\"a#b@c^d.e\"", Some("2"), Outputs::Default));
        assert_eq!(kind("libstdc++6"), name(None, "libstdc++6", None, Outputs::Default));
    }

    #[test]
    fn paths_are_of_the_store_or_local() {
        let path = "/nix/store/00000000000000000000000000000000-hello-1.0";
        assert_eq!(kind(path), RequestKind::StorePath(path.parse().expect("a store path")));
        for local in ["./dist", "../dist", "/opt/dist", "."] {
            assert_eq!(kind(local), RequestKind::Local(local.to_owned()));
        }
    }

    #[test]
    fn names_in_text_mean_the_default_channel_first() {
        let requests: Vec<Request> = ["git", "b#git", "b#jq", "x@1", "x@2", "./git"]
            .into_iter()
            .map(|text| Request::parse(text, None).unwrap_or_else(|error| panic!("{error}")))
            .collect();
        let requests: Vec<&Request> = requests.iter().collect();
        let texts = |name: &str| -> Vec<&str> {
            requests_named(name, &requests, Some("a")).into_iter().map(|request| request.text.as_str()).collect()
        };
        assert_eq!(texts("git"), ["git"]);
        assert_eq!(texts("a#git"), ["git"]);
        assert_eq!(texts("b#git"), ["b#git"]);
        assert_eq!(texts("jq"), ["b#jq"]);
        assert_eq!(texts("x"), ["x@1", "x@2"]);
        assert_eq!(texts("c#git"), [""; 0]);
    }

    #[test]
    fn malformed_requests_say_why() {
        let cases = [
            ("", "it has no name"),
            ("#git", "no channel stands"),
            ("nixpkgs#", "it has no name"),
            ("git@", "no version stands"),
            ("git^", "an output's name is empty"),
            ("git^out,out", "names an output twice"),
            ("git^out@1", "its version stands after its outputs"),
            ("a..b", "a part between two dots is empty"),
            ("git hub", "it has a space"),
            ("a.\"b", "a quote is not closed"),
            ("a.\"\"", "a quoted part is malformed"),
            ("a.\"x\"y\"z\"", "a quoted part is malformed"),
            ("/nix/store/short", "whole store path"),
            ("git!", "needs quotes"),
        ];
        for (text, reason) in cases {
            let error = Request::parse(text, None).expect_err(text);
            assert!(error.reason.contains(reason), "{text}: {}", error.reason);
        }
    }
}
