//! Token servers. Source: <https://distribution.github.io/distribution/spec/auth/token/> and `…/oauth/`.

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use ureq::Body;
use ureq::http::{Method, Response};

use crate::cache::http::Url;

use super::super::super::{Credentials, Error, Secret};
use super::super::Repository;
use super::super::answer;
use super::super::retry::Fault;
use super::super::transport::{Outgoing, Payload, is_loopback, place};
use super::challenge::Challenge;
use super::{Need, basic};

/// A token that says nothing of its end has so long to live, and none has less.
const SHORTEST_LIFE: Duration = Duration::from_mins(1);

/// A token is not used in the last of its life: a request takes some time to arrive.
const MARGIN: Duration = Duration::from_secs(10);

/// Much more than any token has.
const ANSWER_LIMIT: u64 = 1 << 20;

/// Where tokens come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Realm {
    address: Url,
    service: Option<String>,
    /// Scopes that the registry named itself and that are of another kind than ours.
    others: Vec<String>,
}

/// A token that the registry takes.
pub(super) struct Token {
    text: Secret,
    until: SystemTime,
}

#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
    issued_at: Option<String>,
}

impl Realm {
    /// `None` where the challenge names no address. A realm on an open line is refused, but for what is allowed to be open.
    pub(super) fn of(challenge: &Challenge, asked: &Url, repository: &Repository<'_>) -> Option<Result<Self, Error>> {
        let address: Url = challenge.parameters.get("realm")?.parse().ok()?;
        let same = !asked.is_secure() && asked.host() == address.host();
        let open = repository.registry.settings.insecure || same || is_loopback(address.host());
        if !address.is_secure() && !open {
            let registry = repository.host_name.clone();
            return Some(Err(Error::OpenRealm { registry, realm: place(&address) }));
        }
        let scope = challenge.parameters.get("scope").map(String::as_str).unwrap_or_default();
        let others = scope.split_whitespace().filter(|scope| !scope.starts_with("repository:")).take(8);
        let others = others.map(str::to_owned).collect();
        Some(Ok(Self { address, service: challenge.parameters.get("service").cloned(), others }))
    }

    /// The scopes of a request, joined by spaces.
    pub(super) fn scopes(&self, repository: &str, need: Need<'_>) -> String {
        let mut scopes = vec![match need {
            Need::Pull => format!("repository:{repository}:pull"),
            Need::Push | Need::Mount(_) => format!("repository:{repository}:pull,push"),
        }];
        if let Need::Mount(from) = need {
            scopes.push(format!("repository:{from}:pull"));
        }
        scopes.extend(self.others.iter().cloned());
        scopes.join(" ")
    }

    /// Gets a token: with a password by Basic, with an identity token by OAuth 2, else as nobody.
    pub(super) fn fetch(
        &self,
        repository: &Repository<'_>,
        scopes: &str,
        credentials: Option<&Credentials>,
    ) -> Result<Token, Fault> {
        let asked = repository.now();
        let transport = &repository.registry.transport;
        let mut response = match credentials {
            Some(Credentials::Identity(identity)) => {
                let form = self.form(scopes, identity);
                let request = Outgoing::new(Method::POST).header("content-type", "application/x-www-form-urlencoded");
                let mut request = request.payload(Payload::Bytes(form.expose().as_bytes()));
                transport.send(&self.address, &mut request, None)?
            }
            Some(Credentials::Password { user, password }) => {
                let shown = basic(user, password);
                transport.send(&self.query(scopes)?, &mut Outgoing::new(Method::GET), Some(&shown))?
            }
            _ => transport.send(&self.query(scopes)?, &mut Outgoing::new(Method::GET), None)?,
        };
        if response.status().as_u16() != 200 {
            return Err(self.refused(repository, response, credentials.is_some()));
        }
        let limit = |limit| Error::TooLarge { registry: place(&self.address), what: "a token".to_owned(), limit };
        let bytes = answer::read(&mut response, ANSWER_LIMIT, &self.action())?.ok_or_else(|| limit(ANSWER_LIMIT))?;
        Token::parse(&bytes, asked).map_err(|reason| Error::Malformed { action: self.action(), reason }.into())
    }

    fn action(&self) -> String {
        format!("asking {} for a token", place(&self.address))
    }

    fn parameters(&self, scopes: &str) -> Vec<(&'static str, String)> {
        let service = self.service.iter().map(|service| ("service", service.clone()));
        service.chain(scopes.split(' ').map(|scope| ("scope", scope.to_owned()))).collect()
    }

    fn query(&self, scopes: &str) -> Result<Url, Error> {
        let parameters = answer::encode_form(&self.parameters(scopes));
        let before = self.address.query().map_or(String::new(), |query| format!("{query}&"));
        let joined = self.address.join(&format!("?{before}{parameters}"));
        joined.map_err(|fault| Error::Malformed { action: self.action(), reason: fault.to_string() })
    }

    fn form(&self, scopes: &str, identity: &Secret) -> Secret {
        let service = self.service.iter().map(|service| ("service", service.clone()));
        let fixed = [
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", "dumbc".to_owned()),
            ("scope", scopes.to_owned()),
            ("refresh_token", identity.expose().to_owned()),
        ];
        Secret::new(answer::encode_form(&service.chain(fixed).collect::<Vec<_>>()))
    }

    fn refused(&self, repository: &Repository<'_>, mut response: Response<Body>, shown: bool) -> Fault {
        let status = response.status().as_u16();
        let after = answer::retry_after(&response, repository.now());
        let said = answer::said(&mut response).text;
        let error = match status {
            400 | 401 | 403 => repository.unauthorized(shown, said),
            429 => Error::RateLimited { registry: place(&self.address), after, said },
            _ => Error::Status { action: self.action(), status, said },
        };
        match status {
            408 | 429 | 500..=599 => Fault::Temporary { error, after, connecting: false },
            _ => Fault::Final(error),
        }
    }
}

impl Token {
    /// Reads a token server's answer to a request that was made at `asked`.
    fn parse(bytes: &[u8], asked: SystemTime) -> Result<Self, String> {
        // What serde says of a wrong type may quote the value.
        let answer: Answer = serde_json::from_slice(bytes).map_err(|_| "it is no JSON with a token".to_owned())?;
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        let text = some(answer.token).or(some(answer.access_token)).ok_or("it has no token")?;
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("its token has characters that no header takes".to_owned());
        }
        let life = Duration::from_secs(answer.expires_in.unwrap_or(0)).clamp(SHORTEST_LIFE, Duration::from_hours(24));
        // A token that was kept there for a while is older than the answer. Clocks that differ by more than a life say nothing.
        let issued = answer.issued_at.and_then(|text| text.parse::<jiff::Timestamp>().ok());
        let age = issued.and_then(|moment| asked.duration_since(SystemTime::from(moment)).ok());
        let age = age.filter(|age| *age < life).unwrap_or_default();
        Ok(Self { text: Secret::new(text), until: asked + (life - age) })
    }

    pub(super) fn text(&self) -> &str {
        self.text.expose()
    }

    pub(super) fn is_fresh(&self, now: SystemTime) -> bool {
        now + MARGIN < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(json: &str) -> Result<u64, String> {
        let asked = SystemTime::UNIX_EPOCH + Duration::from_hours(1);
        Token::parse(json.as_bytes(), asked).map(|token| token.until.duration_since(asked).expect("later").as_secs())
    }

    #[test]
    fn lives() {
        assert_eq!(until(r#"{"token":"t"}"#), Ok(60));
        assert_eq!(until(r#"{"access_token":"t","token":"","expires_in":300}"#), Ok(300));
        assert_eq!(until(r#"{"token":"t","expires_in":5}"#), Ok(60));
        assert_eq!(until(r#"{"token":"t","expires_in":300,"issued_at":"1970-01-01T00:58:20Z"}"#), Ok(200));
        assert_eq!(until(r#"{"token":"t","expires_in":300,"issued_at":"1969-01-01T00:00:00Z"}"#), Ok(300));
        assert_eq!(until(r#"{"token":"t","expires_in":300,"issued_at":"1971-01-01T00:00:00Z"}"#), Ok(300));
        assert_eq!(until(r#"{"token":"t","expires_in":18446744073709551615}"#), Ok(86_400));
    }

    #[test]
    fn no_tokens() {
        for json in ["", "{}", r#"{"token":""}"#, r#"{"token":5}"#, "[]"] {
            assert!(until(json).is_err(), "{json}");
        }
        assert!(until("{\"token\":\"a\\r\\nb: c\"}").is_err());
    }
}
