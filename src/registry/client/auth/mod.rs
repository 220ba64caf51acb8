//! Who we are to one repository: what the registry asked for, what is shown, and the tokens that were got for it.

mod challenge;
mod token;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use ureq::http::HeaderMap;

use crate::cache::http::Url;

use super::super::{Credentials, Error, Secret};
use super::retry::Fault;
use super::{Repository, answer};
use token::{Realm, Token};

/// What a request needs to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need<'a> {
    /// To read.
    Pull,
    /// To write.
    Push,
    /// To write what lies in another repository.
    Mount(&'a str),
}

/// What is known of the way into one repository.
#[derive(Default)]
pub(super) struct Access {
    /// Held while a token is fetched: who needs one as well waits for it.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    way: Option<Way>,
    /// Asked for once.
    credentials: Option<Option<Credentials>>,
    /// By scopes, joined by spaces.
    tokens: BTreeMap<String, Token>,
}

/// How the registry wants to be shown who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    Basic,
    Bearer(Realm),
}

impl Access {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The `Authorization` header for a request; `None` as long as the registry asks for none.
    pub(super) fn authorization(&self, repository: &Repository<'_>, need: Need<'_>) -> Result<Option<Secret>, Fault> {
        let mut known = self.lock();
        let Some(way) = known.way.clone() else { return Ok(None) };
        let credentials = known.credentials(repository)?;
        let realm = match (&credentials, way) {
            (Some(Credentials::Bearer(token)), _) => return Ok(Some(bearer(token.expose()))),
            (Some(Credentials::Password { user, password }), Way::Basic) => return Ok(Some(basic(user, password))),
            (_, Way::Basic) => return Ok(None),
            (_, Way::Bearer(realm)) => realm,
        };
        let scopes = realm.scopes(&repository.name, need);
        if let Some(token) = known.tokens.get(&scopes).filter(|token| token.is_fresh(repository.now())) {
            return Ok(Some(bearer(token.text())));
        }
        let token = realm.fetch(repository, &scopes, credentials.as_ref())?;
        let header = bearer(token.text());
        known.tokens.insert(scopes, token);
        Ok(Some(header))
    }

    /// Learns from a 401 what is asked for, and forgets the token that was refused. `Err` where nothing better can be shown.
    pub(super) fn challenged(
        &self,
        repository: &Repository<'_>,
        headers: &HeaderMap,
        shown: Option<&Secret>,
        url: &Url,
    ) -> Result<(), Fault> {
        let mut known = self.lock();
        let way = choose(headers, url, repository)?;
        let credentials = known.credentials(repository)?;
        known.tokens.retain(|_, token| Some(bearer(token.text())) != shown.cloned());
        let fixed = match (&credentials, &way) {
            (Some(Credentials::Bearer(_)), _) | (Some(Credentials::Password { .. }), Way::Basic) => shown.is_some(),
            (_, Way::Basic) => true,
            (_, Way::Bearer(_)) => false,
        };
        known.way = Some(way);
        if fixed {
            let said = String::new();
            return Err(repository.unauthorized(credentials.is_some(), said).into());
        }
        Ok(())
    }

    /// Whether the registry was told who we are.
    pub(super) fn is_somebody(&self) -> bool {
        matches!(self.lock().credentials, Some(Some(_)))
    }

    /// `text` without anything that is secret here.
    pub(super) fn redact(&self, text: String) -> String {
        let known = self.lock();
        known
            .secrets()
            .into_iter()
            .filter(|secret| secret.len() > 3)
            .fold(text, |text, secret| text.replace(secret, "…"))
    }
}

impl Known {
    fn credentials(&mut self, repository: &Repository<'_>) -> Result<Option<Credentials>, Error> {
        if let Some(known) = &self.credentials {
            return Ok(known.clone());
        }
        let found = repository.registry.credentials.find(&repository.host_name, &repository.name)?;
        self.credentials = Some(found.clone());
        Ok(found)
    }

    fn secrets(&self) -> Vec<&str> {
        let shown = match &self.credentials {
            Some(Some(Credentials::Password { password: secret, .. })) => Some(secret.expose()),
            Some(Some(Credentials::Identity(secret) | Credentials::Bearer(secret))) => Some(secret.expose()),
            _ => None,
        };
        self.tokens.values().map(Token::text).chain(shown).collect()
    }
}

/// Bearer where it can be had, else Basic.
fn choose(headers: &HeaderMap, url: &Url, repository: &Repository<'_>) -> Result<Way, Fault> {
    let texts: Vec<&str> = headers.get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok()).collect();
    let challenges: Vec<_> = texts.iter().flat_map(|text| challenge::parse(text)).collect();
    let basic = challenges.iter().any(|challenge| challenge.scheme == "basic");
    let realm = challenges
        .iter()
        .filter(|challenge| challenge.scheme == "bearer")
        .find_map(|challenge| Realm::of(challenge, url, repository));
    match realm {
        Some(Ok(realm)) => Ok(Way::Bearer(realm)),
        _ if basic => Ok(Way::Basic),
        Some(Err(error)) => Err(error.into()),
        None => {
            let said = answer::printable(&texts.join(", "), 200);
            Err(Error::Challenge { registry: repository.host_name.clone(), said }.into())
        }
    }
}

fn basic(user: &str, password: &Secret) -> Secret {
    let pair = format!("{user}:{}", password.expose());
    Secret::new(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
}

fn bearer(token: &str) -> Secret {
    Secret::new(format!("Bearer {token}"))
}
