//! `channel` and `[channels]`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::mirror::{Channel as ChannelTable, SystemFile};
use super::super::nearest::suggestion;
use super::super::source::At;
use super::super::{Channel, Names as Kind};
use super::debian;
use super::scope::Scope;
use super::syntax::is_plain_name;

/// The channels, and the one that plain names come from.
pub(super) fn check(scope: &Scope<'_>, system: &SystemFile) -> (BTreeMap<String, Channel>, Option<String>) {
    let channels: BTreeMap<String, Channel> =
        system.channels.iter().map(|(name, table)| (name.to_string(), channel(scope, name, table))).collect();
    let default = match &system.channel {
        Some(name) => {
            if !channels.contains_key(name.as_str()) {
                let help = suggestion(name, "channel", channels.keys().map(String::as_str))
                    .unwrap_or_else(|| format!("add a table `[channels.{name}]`"));
                scope.error(name.span(), format!("no channel `{name}` is declared"), help);
            }
            Some(name.to_string())
        }
        None => only_named(&channels),
    };
    (channels, default)
}

/// The only channel with names; `None` where there are several, or none.
fn only_named(channels: &BTreeMap<String, Channel>) -> Option<String> {
    let mut named = channels.iter().filter(|(_, channel)| channel.names != Kind::None).map(|(name, _)| name);
    named.next().filter(|_| named.next().is_none()).cloned()
}

fn channel(scope: &Scope<'_>, name: &At<String>, table: &ChannelTable) -> Channel {
    if !is_plain_name(name) {
        let message = format!("`{name}` can't be a channel's name");
        scope.error(name.span(), message, "use letters, digits, `-`, `_` and `.`".to_owned());
    }
    let allow_unsigned = table.allow_unsigned.as_ref().is_some_and(|allow| **allow);
    let keys: Vec<String> = table.keys.iter().filter_map(|key| public_key(scope, key)).collect();
    if keys.is_empty() && table.keys.is_empty() && !allow_unsigned && table.index.is_some() {
        let help = "add `keys = [\"name:base64…\"]`; `allow-unsigned = true` takes content-addressed paths without one";
        scope.warn(name.span(), format!("nothing in channel `{name}` is trusted, as it has no keys"), help.to_owned());
    }
    for cache in &table.caches {
        check_cache(scope, cache);
    }
    Channel {
        names: kind(scope, table),
        caches: table.caches.iter().map(ToString::to_string).collect(),
        keys,
        allow_unsigned,
        place: Some(scope.place(name.span())),
    }
}

fn kind(scope: &Scope<'_>, table: &ChannelTable) -> Kind {
    let sources = [
        ("release", table.release.as_ref().map(At::span)),
        ("index", table.index.as_ref().map(At::span)),
        ("suite", table.suite.as_ref().map(At::span)),
    ];
    let given = sources.into_iter().filter_map(|(key, span)| Some((key, span?)));
    for (key, span) in given.skip(1) {
        let message = format!("a channel has one source of names: `{key}` stands beside another");
        scope.error(span, message, "make two channels of it".to_owned());
    }
    belongs_to(scope, table);
    match (&table.release, &table.index, &table.suite) {
        (Some(release), _, _) => {
            if !is_plain_name(release) {
                let help = "name it as NixOS does: nixos-26.05, nixos-unstable".to_owned();
                scope.error(release.span(), format!("`{release}` is no NixOS release"), help);
            }
            let revision = table.rev.as_ref().map(|rev| {
                if rev.len() < 7 || rev.len() > 40 || !rev.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    let help = "give 7 to 40 hexadecimal digits of a commit of nixpkgs".to_owned();
                    scope.error(rev.span(), format!("`{rev}` is no revision"), help);
                }
                rev.to_ascii_lowercase()
            });
            Kind::NixosRelease { name: release.to_string(), revision }
        }
        (None, Some(index), _) => index_kind(scope, index, table.index_hash.as_ref()),
        (None, None, Some(suite)) => Kind::Debian(debian::archive(scope, suite, table)),
        (None, None, None) => Kind::None,
    }
}

/// Keys that mean nothing without the source of names that they belong to.
fn belongs_to(scope: &Scope<'_>, table: &ChannelTable) {
    let debian = [
        ("components", table.components.as_ref().and_then(|components| components.first()).map(At::span)),
        ("mirror", table.mirror.as_ref().map(At::span)),
        ("snapshot", table.snapshot.as_ref().map(At::span)),
        ("keyring", table.keyring.as_ref().map(At::span)),
        ("recommends", table.recommends.as_ref().map(At::span)),
    ];
    let strays = debian.into_iter().filter(|_| table.suite.is_none()).map(|(key, span)| (key, span, "suite"));
    let rev = table.rev.as_ref().filter(|_| table.release.is_none()).map(At::span);
    let hash = table.index_hash.as_ref().filter(|_| table.index.is_none()).map(At::span);
    for (key, span, owner) in strays.chain([("index-hash", hash, "index"), ("rev", rev, "release")]) {
        if let Some(span) = span {
            let help = format!("add `{owner}`, or remove `{key}`");
            scope.error(span, format!("`{key}` says nothing without `{owner}`"), help);
        }
    }
}

fn index_kind(scope: &Scope<'_>, index: &At<String>, hash: Option<&At<String>>) -> Kind {
    match index.split_once("://") {
        Some(("http", _)) if hash.is_none() => scope.error(
            index.span(),
            "an index over plain http needs `index-hash`",
            "anybody on the way could change it: use https, or pin it with `index-hash = \"sha256:…\"`".to_owned(),
        ),
        Some(("http" | "https" | "file" | "s3" | "gs" | "azblob", rest)) if !rest.is_empty() => {}
        None if !index.is_empty() => {}
        _ => {
            let help = "it can be https://…, s3://…, gs://…, azblob://…, file:///…, or a path relative to the project"
                .to_owned();
            scope.error(index.span(), format!("`{index}` can't be an index"), help);
        }
    }
    let parsed = hash.and_then(|hash| {
        let parsed = hash.parse().ok();
        if parsed.is_none() {
            let help = "write `sha256:` and 64 hexadecimal digits, or 52 characters of nix32".to_owned();
            scope.error(hash.span(), format!("`{hash}` is no SHA-256"), help);
        }
        parsed
    });
    Kind::Index { location: index.to_string(), hash: parsed }
}

fn check_cache(scope: &Scope<'_>, cache: &At<String>) {
    let known =
        "it can be https://…, http://…, file:///…, s3://…, gs://…, azblob://…, or a path relative to the project"
            .to_owned();
    match cache.split_once("://") {
        Some(("s3" | "gs" | "azblob", rest)) if !rest.is_empty() && !rest.starts_with('/') => {}
        Some((scheme @ ("ssh" | "ssh-ng"), _)) => {
            let help =
                "behind ssh is a Nix daemon, not a cache: serve its packages over https://, or copy them".to_owned();
            scope.error(cache.span(), format!("caches at `{scheme}://` can't be read"), help);
        }
        Some(("https" | "http", rest)) if !rest.is_empty() && !rest.starts_with('/') => {}
        Some(("file", rest)) if rest.starts_with('/') => {}
        Some(("file", _)) => {
            let help = "file:// is followed by an absolute path; write a relative one without it".to_owned();
            scope.error(cache.span(), format!("`{cache}` can't be a cache"), help);
        }
        None if !cache.is_empty() => {}
        _ => scope.error(cache.span(), format!("`{cache}` can't be a cache"), known),
    }
}

/// `name:base64` of 32 bytes. One that is shortened with `…`, as documentation does it, trusts nothing.
fn public_key(scope: &Scope<'_>, key: &At<String>) -> Option<String> {
    if key.contains('…') {
        let help = "write the whole key; until then it trusts nothing".to_owned();
        scope.warn(key.span(), "the key is shortened", help);
        return None;
    }
    let well_formed = key.split_once(':').is_some_and(|(name, base64)| {
        !name.is_empty()
            && !name.contains(char::is_whitespace)
            && STANDARD.decode(base64).is_ok_and(|bytes| bytes.len() == 32)
    });
    if !well_formed {
        let help = "a key is `name:` and 32 bytes in base64 (44 characters), as `nix key convert-secret-to-public` and `dumbc cache keygen` print it";
        scope.error(key.span(), format!("`{key}` is no public key"), help.to_owned());
        return None;
    }
    Some(key.to_string())
}
