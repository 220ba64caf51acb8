//! docker's `config.json` and containers' `auth.json`: one format, read alike.
//!
//! serde's own messages quote values, so none of them goes further than line and column.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

use super::key::fit;
use super::{Credentials, CredentialsError, Secret};

/// No program writes larger ones.
pub(super) const LIMIT: u64 = 1 << 20;

/// Padding and bits behind the end are as programs left them.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A store. Go writes `null` for what is empty.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AuthFile {
    auths: Option<BTreeMap<String, Option<Entry>>>,
    cred_helpers: Option<BTreeMap<String, Option<String>>>,
    creds_store: Option<String>,
}

/// What a store has for a registry or a namespace of it.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

impl AuthFile {
    /// Reads a store; `None`: it isn't there.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, CredentialsError> {
        let Some(bytes) = read_bounded(path)? else { return Ok(None) };
        if bytes.trim_ascii().is_empty() {
            return Ok(Some(Self::default()));
        }
        let file = serde_json::from_slice(&bytes).map_err(|error| {
            let reason = format!("line {}, column {}: not what its format has there", error.line(), error.column());
            CredentialsError::Malformed { path: path.to_owned(), reason }
        })?;
        Ok(Some(file))
    }

    /// What it has itself for a repository. An error is what is wrong with it.
    pub(super) fn login(&self, registry: &str, repository: &str) -> Result<Option<Credentials>, String> {
        let entries = self.auths.iter().flatten().filter_map(|(key, entry)| Some((key, entry.as_ref()?)));
        let entries = entries.filter(|(_, entry)| !entry.is_empty());
        match best(entries, registry, repository) {
            Some((key, entry)) => entry.credentials().map(Some).map_err(|reason| format!("`{key}` {reason}")),
            None => Ok(None),
        }
    }

    /// The helper that has it for a repository.
    pub(super) fn helper(&self, registry: &str, repository: &str) -> Option<&str> {
        let helpers = self.cred_helpers.iter().flatten().filter_map(|(key, name)| Some((key, name.as_deref()?)));
        let own = best(helpers, registry, repository).map(|(_, name)| name);
        own.or(self.creds_store.as_deref()).filter(|name| !name.is_empty())
    }
}

/// The value whose key fits best.
fn best<'a, T>(
    entries: impl Iterator<Item = (&'a String, T)>,
    registry: &str,
    repository: &str,
) -> Option<(&'a str, T)> {
    let fitting = entries.filter_map(|(key, value)| Some((fit(key, registry, repository)?, key, value)));
    fitting.max_by_key(|(fit, ..)| *fit).map(|(_, key, value)| (key.as_str(), value))
}

/// A file of at most [`LIMIT`] bytes; `None`: it isn't there.
pub(super) fn read_bounded(path: &Path) -> Result<Option<Vec<u8>>, CredentialsError> {
    let unreadable = |source| CredentialsError::Unreadable { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let mut bytes = Vec::new();
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LIMIT {
        return Err(CredentialsError::TooLarge { path: path.to_owned(), limit: LIMIT });
    }
    Ok(Some(bytes))
}

/// What is set to something.
fn set(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|text| !text.is_empty())
}

impl Entry {
    /// Where a helper has the secret, an entry stays that says nothing.
    fn is_empty(&self) -> bool {
        let secrets = [&self.auth, &self.password, &self.identitytoken, &self.registrytoken];
        secrets.into_iter().all(|value| set(value.as_ref()).is_none())
    }

    fn credentials(&self) -> Result<Credentials, &'static str> {
        if let Some(token) = set(self.registrytoken.as_ref()) {
            return Ok(Credentials::Bearer(Secret::new(token)));
        }
        if let Some(token) = set(self.identitytoken.as_ref()) {
            return Ok(Credentials::Identity(Secret::new(token)));
        }
        if let Some(auth) = set(self.auth.as_ref()) {
            return decode(auth);
        }
        match (set(self.username.as_ref()), set(self.password.as_ref())) {
            (Some(user), Some(password)) => Ok(Credentials::of_login(user, Secret::new(password))),
            _ => Err("has a password and no `username`"),
        }
    }
}

/// Base64 of `user:password`, in either alphabet.
fn decode(auth: &str) -> Result<Credentials, &'static str> {
    let standard = auth.trim().replace('-', "+").replace('_', "/");
    let bytes = BASE64.decode(standard).map_err(|_| "has an `auth` that is no base64")?;
    let text = String::from_utf8(bytes).map_err(|_| "has an `auth` that is no text")?;
    let (user, password) = text.split_once(':').ok_or("has an `auth` without a colon")?;
    // Some programs pad the password.
    let password = password.trim_end_matches('\0');
    if user.is_empty() || password.is_empty() {
        return Err("has an `auth` without a user or without a password");
    }
    Ok(Credentials::of_login(user, Secret::new(password)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> AuthFile {
        serde_json::from_str(text).expect("JSON")
    }

    fn password(user: &str, password: &str) -> Credentials {
        Credentials::Password { user: user.into(), password: Secret::new(password) }
    }

    #[test]
    fn auth_is_read_in_either_alphabet_padded_or_not() {
        // `x:` and bytes that make `+` and `/`, `-` and `_`.
        let expected = Ok(password("x", "ûïÿ>?~"));
        for auth in
            ["eDrDu8Ovw78+P34=", "eDrDu8Ovw78-P34=", "eDrDu8Ovw78+P34", "eDrDu8Ovw78-P34", " eDrDu8Ovw78-P34=\n"]
        {
            assert_eq!(decode(auth), expected, "{auth}");
        }
        assert_eq!(decode("eDp5AAA="), Ok(password("x", "y")), "padded with NUL");
        assert_eq!(decode("eDp5Onp6"), Ok(password("x", "y:zz")));
        for (auth, reason) in [
            ("é", "has an `auth` that is no base64"),
            ("eDp5Onp6=====", "has an `auth` that is no base64"),
            ("//8=", "has an `auth` that is no text"),
            ("eHk=", "has an `auth` without a colon"),
            ("eDo=", "has an `auth` without a user or without a password"),
        ] {
            assert_eq!(decode(auth), Err(reason), "{auth}");
        }
    }

    #[test]
    fn every_kind_of_entry_is_known() {
        let file = file(
            r#"{"auths": {
                "a": {"auth": "eDp5"},
                "b": {"username": "alice", "password": "pw", "email": "x@example.org"},
                "c": {"auth": "eDp5", "identitytoken": "refresh"},
                "d": {"registrytoken": "bearer"},
                "e": {}, "f": null, "g": {"auth": ""},
                "h": {"username": "<token>", "password": "refresh"},
                "i": {"password": "pw"}
            }, "HttpHeaders": {"X": "y"}, "credHelpers": null, "detachKeys": "ctrl-e"}"#,
        );
        let found = |host| file.login(host, "app");
        assert_eq!(found("a"), Ok(Some(password("x", "y"))));
        assert_eq!(found("b"), Ok(Some(password("alice", "pw"))));
        assert_eq!(found("c"), Ok(Some(Credentials::Identity(Secret::new("refresh")))));
        assert_eq!(found("d"), Ok(Some(Credentials::Bearer(Secret::new("bearer")))));
        for host in ["e", "f", "g", "z"] {
            assert_eq!(found(host), Ok(None), "{host}");
        }
        assert_eq!(found("h"), Ok(Some(Credentials::Identity(Secret::new("refresh")))));
        assert_eq!(found("i"), Err("`i` has a password and no `username`".to_owned()));
    }

    #[test]
    fn the_most_specific_key_wins() {
        let file = file(
            r#"{"auths": {
                "quay.io": {"auth": "aG9zdDp4"},
                "https://quay.io/v1/": {"auth": "b2xkOng="},
                "quay.io/team": {"auth": "dGVhbTp4"},
                "quay.io/team/app": {"auth": "YXBwOng="},
                "quay.io/team/empty": {}
            }, "credHelpers": {"quay.io": "general", "quay.io/team/app": "special"}, "credsStore": "store"}"#,
        );
        for (repository, user, helper) in [
            ("team/app", "app", "special"),
            ("team/app/more", "app", "special"),
            ("team/application", "team", "general"),
            ("team/empty", "team", "general"),
            ("other", "host", "general"),
        ] {
            assert_eq!(file.login("quay.io", repository), Ok(Some(password(user, "x"))), "{repository}");
            assert_eq!(file.helper("quay.io", repository), Some(helper), "{repository}");
        }
        assert_eq!(file.helper("registry.example.org", "app"), Some("store"));
    }
}
