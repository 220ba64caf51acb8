//! Debian's archives as channels, and requests for their packages.

use std::ops::Range;

use super::super::mirror::{Channel as ChannelTable, Either, WordsValue};
use super::super::source::At;
use super::super::{DebianArchive, Mirror, Outputs};
use super::scope::Scope;
use super::syntax::is_plain_name;
use crate::deb::PackageName;

/// `suite` and what belongs to it.
pub(super) fn archive(scope: &Scope<'_>, suite: &At<WordsValue>, table: &ChannelTable) -> DebianArchive {
    let suites = words(scope, suite, "suite");
    let components: Vec<_> = table.components.iter().flatten().map(|word| (word.to_string(), word.span())).collect();
    for (word, span) in suites.iter().chain(&components) {
        if !word.split('/').all(is_plain_name) {
            scope.error(span.clone(), format!("`{word}` can't name part of a Debian archive"), None);
        }
    }
    let components = if components.is_empty() { vec!["main".to_owned()] } else { texts(components) };
    DebianArchive {
        suites: texts(suites),
        components,
        mirror: mirror(scope, table),
        keyring: table.keyring.as_ref().map(ToString::to_string),
        recommends: table.recommends.as_ref().is_some_and(|recommends| **recommends),
    }
}

fn mirror(scope: &Scope<'_>, table: &ChannelTable) -> Mirror {
    if let (Some(mirror), Some(_)) = (&table.mirror, &table.snapshot) {
        let help = "`snapshot` stands in place of `mirror`: remove one".to_owned();
        scope.error(mirror.span(), "a channel has a mirror or a snapshot, not both", help);
    }
    let read = |value: &At<WordsValue>, key: &str| {
        let places = words(scope, value, key);
        for (place, span) in &places {
            check_place(scope, place, span.clone(), key);
        }
        texts(places)
    };
    match (&table.mirror, &table.snapshot) {
        (_, Some(snapshot)) => Mirror::Snapshots(read(snapshot, "snapshot")),
        (Some(mirror), None) if !matches!(&mirror.0, Either::Text(text) if text == "host") => {
            Mirror::Places(read(mirror, "mirror"))
        }
        _ => Mirror::Host,
    }
}

fn check_place(scope: &Scope<'_>, place: &str, span: Range<usize>, key: &str) {
    let well_formed = match place.split_once("://") {
        Some(("http" | "https", rest)) => !rest.is_empty() && !rest.starts_with('/'),
        Some(("file", rest)) => rest.starts_with('/'),
        Some(_) => false,
        None => place.contains('/'),
    };
    if !well_formed {
        let host = if key == "mirror" { "\"host\", " } else { "" };
        let help = format!("it can be {host}https://…, http://…, file:///…, or a path such as ./debian");
        scope.error(span, format!("`{place}` can't be a {key}"), help);
    }
}

/// A word or several, each with its place. Never empty.
fn words(scope: &Scope<'_>, value: &At<WordsValue>, key: &str) -> Vec<(String, Range<usize>)> {
    let words = match &value.0 {
        Either::Text(text) => vec![(text.clone(), value.span())],
        Either::List(list) => list.iter().map(|word| (word.to_string(), word.span())).collect(),
        _ => Vec::new(),
    };
    if words.is_empty() {
        scope.error(value.span(), format!("`{key}` is a string, or a list of strings"), None);
        return vec![("none".to_owned(), value.span())];
    }
    words
}

fn texts(words: Vec<(String, Range<usize>)>) -> Vec<String> {
    words.into_iter().map(|(word, _)| word).collect()
}

/// What a request of a Debian channel must keep to.
pub(super) fn check_request(scope: &Scope<'_>, attribute: &str, outputs: &Outputs, span: Range<usize>) {
    if attribute.parse::<PackageName>().is_err() {
        let help = "Debian's names have lower-case letters, digits, `+`, `-` and `.`".to_owned();
        scope.error(span, format!("`{attribute}` is not a Debian package's name"), help);
    } else if *outputs != Outputs::Default {
        let help = format!("remove `^…`; what belongs to it may be a package of its own: lib{attribute}-dev");
        scope.error(span, "Debian's packages have no outputs", help);
    }
}
