//! Who one is to a host: by the address itself, by a signature over the request, by a token, or by netrc.

use std::ffi::OsString;
use std::fmt;
use std::io::Read as _;

use base64::Engine as _;
use ureq::Body;
use ureq::http::Response;

use super::Http;
use super::attempt::header;
use super::error::HttpError;
use super::retry::Fault;
use super::url::Url;

/// The most that is read of an answer that refuses.
const REFUSAL: u64 = 64 << 10;

/// What begins the name of a variable that holds a token.
const TOKEN: &str = "DUMBC_CACHE_TOKEN_";

/// Signs requests to one place, and knows what that place's refusals mean.
pub trait Authorize: fmt::Debug + Send + Sync {
    /// Where an address of the place lies today: its region may have turned out to be another one.
    fn place(&self, url: &Url) -> Url;

    /// Whether requests to `url` are signed: never outside the place.
    fn covers(&self, url: &Url) -> bool;

    /// A request, authorised; as it is where one is nobody.
    fn sign(&self, head: &Head<'_>) -> Result<Signed, HttpError>;

    /// The header by which the place names an object's version.
    fn version(&self) -> &'static str {
        "etag"
    }

    /// What an answer without success means.
    fn judge(&self, url: &Url, refusal: &Refusal) -> Verdict;
}

/// A request, but for its body.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// `GET`, `PUT`, …
    pub method: &'a str,
    /// Where it goes.
    pub url: &'a Url,
    /// Headers that are signed, too.
    pub headers: &'a [(&'a str, &'a str)],
    /// SHA-256 of the body, in hexadecimal; `None` where there is no body.
    pub digest: Option<&'a str>,
    /// Bytes of the body; `None` where there is no body.
    pub length: Option<u64>,
}

/// A request as it goes out. Not to be shown.
pub struct Signed {
    /// The whole address: some clouds have one's token in it.
    pub target: String,
    /// All headers.
    pub headers: Vec<(String, String)>,
}

/// An answer without success.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// Its status.
    pub status: u16,
    /// The region that a bucket says it is in.
    pub region: Option<String>,
    /// The beginning of its body.
    pub body: Vec<u8>,
}

/// What a refusal means.
#[derive(Debug)]
pub enum Verdict {
    /// What it means everywhere.
    Usual,
    /// Something was learnt: the same request again, signed anew.
    Again,
    /// This error.
    Failed(HttpError),
}

/// Tokens for hosts, which are shown as `Bearer`: `DUMBC_CACHE_TOKEN_CACHE_EXAMPLE_ORG` is for `cache.example.org`. Shows no token.
#[derive(Clone, Default)]
pub struct Tokens(Vec<(String, String)>);

impl Tokens {
    /// Reads the environment.
    #[must_use]
    pub fn from_environment() -> Self {
        let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        Self::from_variables(std::env::vars_os().filter_map(text))
    }

    /// Reads variables; empty ones say nothing.
    #[must_use]
    pub fn from_variables(variables: impl Iterator<Item = (String, String)>) -> Self {
        let tokens = variables.filter_map(|(name, value)| {
            let host = name.strip_prefix(TOKEN)?;
            let value = value.trim();
            (!value.is_empty()).then(|| (host.to_owned(), value.to_owned()))
        });
        Self(tokens.collect())
    }

    /// The token for exactly this host and port.
    fn lookup(&self, url: &Url) -> Option<&str> {
        if self.0.is_empty() {
            return None;
        }
        let wanted = Self::name(url)?;
        self.0.iter().find(|(name, _)| *name == wanted).map(|(_, token)| token.as_str())
    }

    /// What a variable's name ends in: `.` is `_`, `-` is `__`, and a port that is not the scheme's own follows a `_`. Hosts that would
    /// share a name with another one have none.
    fn name(url: &Url) -> Option<String> {
        if url.host().contains(['_', '[']) {
            return None;
        }
        let host = url.host().replace('-', "__").replace('.', "_").to_ascii_uppercase();
        let usual = if url.is_secure() { 443 } else { 80 };
        Some(if url.port() == usual { host } else { format!("{host}_{}", url.port()) })
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.0.iter().map(|(host, _)| host)).finish()
    }
}

impl Http {
    /// The `Authorization` header for `url`, which `from` led to: what is said of a host is shown to another of its ports only by somebody
    /// who asks for that port himself.
    pub(super) fn authorization(&self, url: &Url, from: &Url) -> Option<String> {
        if url.credentials().is_none()
            && let Some(token) = self.settings.tokens.lookup(url)
        {
            return Some(format!("Bearer {token}"));
        }
        let (user, password) = url.credentials().or_else(|| {
            let (login, password) = self.settings.netrc.lookup_from(url, from)?;
            Some((login.to_owned(), password.to_owned()))
        })?;
        let pair = format!("{user}:{password}");
        Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
    }

    /// A request, with what says who asks.
    pub(super) fn authorised(
        &self,
        head: &Head<'_>,
        from: &Url,
        signer: Option<&dyn Authorize>,
    ) -> Result<Signed, HttpError> {
        if let Some(signer) = signer.filter(|signer| signer.covers(head.url)) {
            return signer.sign(head);
        }
        let own = self.authorization(head.url, from).map(|value| ("authorization".to_owned(), value));
        let headers = head.headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Ok(Signed { target: head.url.request_text(), headers: headers.chain(own).collect() })
    }
}

/// Whether the request should be sent again, since its signer learnt something from the refusal.
pub(super) fn judged(signer: Option<&dyn Authorize>, response: &mut Response<Body>, url: &Url) -> Result<bool, Fault> {
    let status = response.status().as_u16();
    let Some(signer) = signer.filter(|signer| (300..500).contains(&status) && status != 304 && signer.covers(url))
    else {
        return Ok(false);
    };
    match signer.judge(url, &refusal(response)) {
        Verdict::Usual => Ok(false),
        Verdict::Again => Ok(true),
        Verdict::Failed(error) => Err(error.into()),
    }
}

fn refusal(response: &mut Response<Body>) -> Refusal {
    let status = response.status().as_u16();
    let region = header(response.headers(), "x-amz-bucket-region").map(str::to_owned);
    let mut body = Vec::new();
    // What can't be read explains nothing; the status stands.
    let _ = response.body_mut().as_reader().take(REFUSAL).read_to_end(&mut body);
    Refusal { status, region, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().expect("an address")
    }

    #[test]
    fn a_token_is_for_one_host_and_port() {
        let variables =
            [("DUMBC_CACHE_TOKEN_CACHE_EXAMPLE_ORG", "a"), ("DUMBC_CACHE_TOKEN_A__B_ORG_8080", " b\n"), ("HOME", "c")];
        let tokens =
            Tokens::from_variables(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        assert_eq!(tokens.lookup(&url("https://cache.example.org/x")), Some("a"));
        assert_eq!(tokens.lookup(&url("http://a-b.org:8080/")), Some("b"));
        for other in
            ["https://cache.example.org:8443/", "https://cache-example.org/", "http://a.b.org:8080/", "http://a_b.org/"]
        {
            assert_eq!(tokens.lookup(&url(other)), None, "{other}");
        }
        assert!(!format!("{tokens:?}").contains("\"a\""));
    }
}
