//! `registry/repository:tag@digest`, as people write it.
//!
//! The grammar is the one that Docker's tools share. Source: <https://github.com/distribution/reference>.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use crate::failure::{Class, Classified};
use crate::nix::Sha256;

use super::client::Identifier;

/// The registry that is meant where none is named.
const DOCKER: &str = "docker.io";

/// Where an image is in a registry. Docker's short forms are written out: `alpine` is `docker.io/library/alpine:latest`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// Host, with a port where it is not the usual one: `registry.example.org:5000`.
    pub registry: String,
    /// `team/app`
    pub repository: String,
    /// `latest`
    pub tag: Option<String>,
    /// Of the manifest or index.
    pub digest: Option<Sha256>,
}

/// The text names no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` names no image: {reason}")]
pub struct ParseReferenceError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Classified for ParseReferenceError {
    fn class(&self) -> Class {
        Class::Usage
    }
}

impl Reference {
    /// Which manifest is meant: by digest where there is one, else by tag.
    #[must_use]
    pub fn identifier(&self) -> Identifier {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => Identifier::Digest(*digest),
            (None, Some(tag)) => Identifier::Tag(tag.clone()),
            (None, None) => Identifier::Tag("latest".to_owned()),
        }
    }

    /// Host and port that are spoken to: Docker's registry lives under another name.
    #[must_use]
    pub fn api_host(&self) -> &str {
        if self.registry == DOCKER { "registry-1.docker.io" } else { &self.registry }
    }

    /// Checks a tag that stands alone, as `--tag` takes it.
    pub fn check_tag(tag: &str) -> Result<(), ParseReferenceError> {
        tag_fault(tag).map_or(Ok(()), |reason| Err(ParseReferenceError { text: shown(tag), reason }))
    }
}

impl FromStr for Reference {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map_err(|reason| ParseReferenceError { text: shown(text), reason })
    }
}

/// Fit for a message, whatever it is.
fn shown(text: &str) -> String {
    text.chars().take(300).flat_map(char::escape_debug).collect()
}

fn parse(text: &str) -> Result<Reference, &'static str> {
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.contains("://") {
        return Err("it begins with a scheme; write `HOST/NAME:TAG` alone");
    }
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(parse_digest(digest)?)),
        None => (text, None),
    };
    let (name, tag) = split_tag(rest);
    if let Some(reason) = tag.and_then(tag_fault) {
        return Err(reason);
    }
    let (registry, path) = split_registry(name)?;
    check_repository(path)?;
    if registry.is_none() && path.len() == 64 && path.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("64 hexadecimal digits are an image's ID, not its name");
    }
    let registry = registry.unwrap_or_else(|| DOCKER.to_owned());
    let official = registry == DOCKER && !path.contains('/');
    let repository = if official { format!("library/{path}") } else { path.to_owned() };
    let tag = tag.map(str::to_owned).or_else(|| digest.is_none().then(|| "latest".to_owned()));
    Ok(Reference { registry, repository, tag, digest })
}

fn parse_digest(text: &str) -> Result<Sha256, &'static str> {
    let Some((algorithm, digits)) = text.split_once(':') else {
        return Err("what follows `@` is no digest (`sha256:` and 64 hexadecimal digits)");
    };
    if algorithm != "sha256" {
        return Err("its digest is of another kind than sha256, which alone is known here");
    }
    if digits.len() != 64 {
        return Err("its digest has not 64 hexadecimal digits");
    }
    text.parse().map_err(|_| "its digest has other characters than 0-9 and a-f")
}

/// A colon begins a tag where no slash follows: else it belongs to a port.
fn split_tag(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') && !tag.contains(']') => (name, Some(tag)),
        _ => (text, None),
    }
}

fn tag_fault(tag: &str) -> Option<&'static str> {
    let follows = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    match tag.as_bytes() {
        [] => Some("its tag is empty"),
        [_, rest @ ..] if rest.len() > 127 => Some("its tag is longer than 128 characters"),
        [b'.' | b'-', ..] => Some("its tag begins with a dot or hyphen"),
        bytes if !bytes.iter().all(|&byte| follows(byte)) => {
            Some("its tag has other characters than letters, digits, `_`, `.` and `-`")
        }
        _ => None,
    }
}

/// The first component is a registry where it looks like a host: Docker's rule.
fn split_registry(name: &str) -> Result<(Option<String>, &str), &'static str> {
    let Some((first, path)) = name.split_once('/') else { return Ok((None, name)) };
    let upper = first.bytes().any(|byte| byte.is_ascii_uppercase());
    if !(first.contains(['.', ':', '[']) || first == "localhost" || upper) {
        return Ok((None, name));
    }
    let host = parse_host(first)?;
    Ok((Some(if host == "index.docker.io" { DOCKER.to_owned() } else { host }), path))
}

/// `host[:port]` in lower case; `[address]` for IPv6.
fn parse_host(text: &str) -> Result<String, &'static str> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']').ok_or("its registry's address lacks a `]`")?;
            address.parse::<Ipv6Addr>().map_err(|_| "its registry is no IPv6 address")?;
            (
                text.get(..address.len() + 2).unwrap_or(text),
                after.strip_prefix(':').or((!after.is_empty()).then_some("")),
            )
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let valid = |label: &str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        inner && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    if !host.starts_with('[') && !host.split('.').all(valid) {
        return Err("its registry is no name of a host");
    }
    let is_port = |digits: &str| {
        digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok_and(|port| port > 0)
    };
    if port.is_some_and(|digits| !is_port(digits)) {
        return Err("its registry's port is no number from 1 to 65535");
    }
    Ok(text.to_ascii_lowercase())
}

fn check_repository(path: &str) -> Result<(), &'static str> {
    if path.is_empty() {
        return Err("its repository's name is empty");
    }
    if path.len() > 255 {
        return Err("its repository's name is longer than 255 characters");
    }
    if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err("a repository's name is written in lower case");
    }
    if !path.split('/').all(is_component) {
        return Err("a repository's name is of a-z and 0-9, joined by one of `.`, `_`, `__`, hyphens, or `/`");
    }
    Ok(())
}

/// Runs of a-z and 0-9, with one separator between each two.
fn is_component(text: &str) -> bool {
    let is_word = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    let separators = text.split(is_word).filter(|separator| !separator.is_empty());
    let known = |separator: &str| matches!(separator, "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-');
    text.starts_with(is_word) && text.ends_with(is_word) && separators.into_iter().all(known)
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(formatter, ":{tag}")?;
        }
        self.digest.as_ref().map_or(Ok(()), |digest| write!(formatter, "@{}", digest.oci()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written_out(text: &str) -> String {
        text.parse::<Reference>().map_or_else(|fault| fault.reason.to_owned(), |reference| reference.to_string())
    }

    #[test]
    fn short_forms_are_written_out() {
        let digest = Sha256::of(b"").oci();
        for (text, expected) in [
            ("alpine", "docker.io/library/alpine:latest"),
            ("alpine:3", "docker.io/library/alpine:3"),
            ("team/app", "docker.io/team/app:latest"),
            ("docker.io/app", "docker.io/library/app:latest"),
            ("index.docker.io/team/app:1", "docker.io/team/app:1"),
            ("localhost/app", "localhost/app:latest"),
            ("localhost:5000/a/b__c:v1", "localhost:5000/a/b__c:v1"),
            ("Registry.Fly.io/app", "registry.fly.io/app:latest"),
            ("[::1]:5000/app:x", "[::1]:5000/app:x"),
            ("[::1]/app", "[::1]/app:latest"),
            ("HOST/app", "host/app:latest"),
        ] {
            assert_eq!(written_out(text), expected, "{text}");
        }
        assert_eq!(written_out(&format!("r.io/a@{digest}")), format!("r.io/a@{digest}"));
        assert_eq!(written_out(&format!("r.io/a:t@{digest}")), format!("r.io/a:t@{digest}"));
    }

    #[test]
    fn what_names_no_image_is_told_why() {
        let reason = |text: &str| text.parse::<Reference>().expect_err(text).reason;
        let id = "a".repeat(64);
        let cases = [
            "",
            "https://r.io/a",
            "App",
            "r.io/App",
            "r.io/",
            "r.io/a:",
            "r.io/a:-x",
            "r.io/a:b c",
            "r.io/a..b",
            "a/-b",
            "r.io/a@sha512:00",
            "r.io/a@latest",
            "r.io/a@sha256:00",
            "r.io:x/a",
            "r.io:0/a",
            "[::1/a",
            "[::g]/a",
            "-r.io/a",
            "[::1]x/a",
            "a_b:5000/x",
            id.as_str(),
        ];
        let reasons: Vec<_> = cases.into_iter().map(|text| format!("{:.20}: {}", text, reason(text))).collect();
        insta::assert_snapshot!(reasons.join("\n"), @"");
        assert_eq!(reason(&format!("r.io/a:{}", "t".repeat(129))), "its tag is longer than 128 characters");
        assert!(format!("r.io/a:{}", "t".repeat(128)).parse::<Reference>().is_ok());
        assert_eq!(reason(&format!("r.io/{}", "a".repeat(256))), "its repository's name is longer than 255 characters");
        assert_eq!(reason(&format!("a@sha256:{}", "G".repeat(64))), "its digest has other characters than 0-9 and a-f");
    }

    #[test]
    fn dockers_registry_lives_elsewhere() {
        let host = |text: &str| text.parse::<Reference>().expect(text).api_host().to_owned();
        assert_eq!(host("alpine"), "registry-1.docker.io");
        assert_eq!(host("registry.fly.io/app"), "registry.fly.io");
    }

    proptest::proptest! {
        #[test]
        fn what_is_shown_means_the_same(
            text in "((localhost|[a-z0-9.-]{1,9}|\\[::1\\])(:[0-9]{1,5})?/)?[a-z0-9._/-]{1,12}(:[A-Za-z0-9._-]{1,9})?(@sha256:[0-9a-f]{64})?"
        ) {
            if let Ok(reference) = text.parse::<Reference>() {
                proptest::prop_assert_eq!(reference.to_string().parse(), Ok(reference));
            }
        }

        #[test]
        fn no_text_is_too_odd(text in ".{0,60}") {
            let _ = text.parse::<Reference>();
        }
    }
}
