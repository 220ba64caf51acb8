//! Signs requests to a bucket, as its cloud wants them.

use std::fmt;

use reqsign_core::SigningCredential;
use ureq::http::Request;
use ureq::http::request::Parts;

use super::super::http::{Authorize, Head, HttpError, Refusal, Signed, Url, Verdict};
use super::credentials::Credentials;
use super::refusal::{self, Meaning, Said};

/// What clouds differ in.
pub(super) trait Cloud: fmt::Display + Send + Sync {
    /// What requests are signed with.
    type Credential: SigningCredential + Clone;

    /// Where an address of the bucket lies today.
    fn place(&self, url: &Url) -> Url {
        url.clone()
    }

    /// Whether `url` is in the bucket, and credentials may go there.
    fn covers(&self, url: &Url) -> bool;

    /// Who one is; `None` for nobody.
    fn ask(&self) -> Result<Option<Self::Credential>, HttpError>;

    /// The header by which the cloud names an object's version.
    fn version(&self) -> &'static str {
        "etag"
    }

    /// Whether both are the same to a server.
    fn is_same(one: &Self::Credential, other: &Self::Credential) -> bool;

    /// Headers of every request, signed or not.
    fn headers(&self, head: &Head<'_>) -> Vec<(&'static str, String)>;

    /// Signs. What goes wrong is not shown, since it may quote what is secret.
    fn sign(&self, parts: &mut Parts, credential: &Self::Credential) -> reqsign_core::Result<()>;

    /// Takes over what a refusal says of where the bucket lies; whether that is news.
    fn learn(&self, _said: &Said) -> bool {
        false
    }

    /// What a refusal means to somebody, or to nobody.
    fn meaning(&self, status: u16, said: &Said, is_nobody: bool) -> Meaning;
}

/// Signs requests to one bucket. Shows the bucket alone.
pub(super) struct Signer<C: Cloud> {
    cloud: C,
    credentials: Credentials<C::Credential>,
}

impl<C: Cloud> Signer<C> {
    pub(super) const fn new(cloud: C) -> Self {
        Self { cloud, credentials: Credentials::new() }
    }

    fn request(&self, head: &Head<'_>) -> Result<Parts, ureq::http::Error> {
        let mut request = Request::builder().method(head.method).uri(head.url.request_text());
        for (name, value) in head.headers {
            request = request.header(*name, *value);
        }
        for (name, value) in self.cloud.headers(head) {
            request = request.header(name, value);
        }
        let (parts, ()) = request.body(())?.into_parts();
        Ok(parts)
    }
}

impl<C: Cloud> Authorize for Signer<C> {
    fn place(&self, url: &Url) -> Url {
        self.cloud.place(url)
    }

    fn covers(&self, url: &Url) -> bool {
        self.cloud.covers(url)
    }

    fn sign(&self, head: &Head<'_>) -> Result<Signed, HttpError> {
        let failed = || HttpError::NoCredentials {
            place: self.cloud.to_string(),
            reason: "the request can't be signed".to_owned(),
            help: "check that the credentials are whole: keys and tokens are one line each",
        };
        let mut parts = self.request(head).map_err(|_| failed())?;
        if let Some(credential) = self.credentials.current(&|| self.cloud.ask())? {
            self.cloud.sign(&mut parts, &credential).map_err(|_| failed())?;
        }
        // The client writes these itself.
        let own = |name: &str| matches!(name, "host" | "content-length");
        let headers = parts.headers.iter().filter(|(name, _)| !own(name.as_str()));
        let headers = headers.map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
        let headers = headers.collect::<Option<_>>().ok_or_else(failed)?;
        Ok(Signed { target: parts.uri.to_string(), headers })
    }

    fn version(&self) -> &'static str {
        self.cloud.version()
    }

    fn judge(&self, url: &Url, refusal: &Refusal) -> Verdict {
        let said = refusal::read(refusal);
        if self.cloud.learn(&said) {
            return Verdict::Again;
        }
        let meaning = self.cloud.meaning(refusal.status, &said, self.credentials.is_nobody());
        let (reason, help) = match meaning {
            Meaning::Usual => return Verdict::Usual,
            Meaning::Expired(reason, help) => match self.credentials.renew(&|| self.cloud.ask(), C::is_same) {
                Ok(true) => return Verdict::Again,
                Ok(false) => (reason, help),
                Err(error) => return Verdict::Failed(error),
            },
            Meaning::Refused(reason, help) => (reason, help),
        };
        Verdict::Failed(HttpError::Refused { url: url.clone(), status: refusal.status, reason, help })
    }
}

impl<C: Cloud> fmt::Debug for Signer<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Signer({})", self.cloud)
    }
}
