//! Signs requests to a bucket (`SigV4`), wherever it turns out to lie.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use reqsign_aws_v4::{EMPTY_STRING_SHA256, RequestSigner};
use reqsign_core::SignRequest as _;
use ureq::http::Request;

use super::super::http::{Authorize, Head, HttpError, Refusal, Url, Verdict};
use super::Bucket;
use super::bucket::is_region;
use super::credentials::Credentials;
use super::refusal::{self, Meaning};

/// Signs requests to one bucket. Shows the bucket alone.
pub(in crate::cache) struct Signer {
    bucket: Bucket,
    /// Where the bucket lies, as it says itself.
    region: Mutex<String>,
    credentials: Credentials,
}

impl Signer {
    pub(in crate::cache) fn new(bucket: Bucket) -> Self {
        let region = Mutex::new(bucket.region().to_owned());
        let credentials = Credentials::new(bucket.profile());
        Self { bucket, region, credentials }
    }

    fn region(&self) -> String {
        self.region.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes over the region that an answer names; whether that is news.
    fn learn(&self, region: Option<&str>) -> bool {
        let Some(region) = region.filter(|region| is_region(region)) else { return false };
        let mut known = self.region.lock().unwrap_or_else(PoisonError::into_inner);
        let new = *known != region;
        region.clone_into(&mut known);
        new
    }

    fn lies_at(&self, url: &Url, region: &str) -> bool {
        let origin = self.bucket.origin(region).parse::<Url>();
        origin.is_ok_and(|origin| origin.same_origin(url)) && url.path().starts_with(&self.bucket.root())
    }
}

impl Authorize for Signer {
    fn place(&self, url: &Url) -> Url {
        let region = self.region();
        if region == self.bucket.region() || !self.lies_at(url, self.bucket.region()) {
            return url.clone();
        }
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let moved = format!("{}{}{query}", self.bucket.origin(&region), url.path());
        moved.parse().unwrap_or_else(|_| url.clone())
    }

    fn covers(&self, url: &Url) -> bool {
        self.lies_at(url, &self.region())
    }

    fn headers(&self, head: &Head<'_>) -> Result<Vec<(String, String)>, HttpError> {
        // What the crate's errors quote may be secret.
        let failed = || HttpError::NoCredentials {
            place: self.bucket.to_string(),
            reason: "the request can't be signed".to_owned(),
        };
        let Some(credential) = self.credentials.current()? else {
            return Ok(head.headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
        };
        let mut request = Request::builder().method(head.method).uri(head.url.request_text());
        for (name, value) in head.headers {
            request = request.header(*name, *value);
        }
        let digest = head.digest.unwrap_or(EMPTY_STRING_SHA256);
        let request = request.header("x-amz-content-sha256", digest).body(());
        let (mut parts, ()) = request.map_err(|_| failed())?.into_parts();
        let signer = RequestSigner::new("s3", &self.region());
        let signing = signer.sign_request(self.credentials.context(), &mut parts, Some(&credential), None);
        pollster::block_on(signing).map_err(|_| failed())?;
        let headers = parts.headers.iter().filter(|(name, _)| *name != "host");
        headers.map(|(name, value)| Ok((name.to_string(), value.to_str().map_err(|_| failed())?.to_owned()))).collect()
    }

    fn judge(&self, url: &Url, refusal: &Refusal) -> Verdict {
        let said = refusal::read(refusal);
        if self.learn(said.region.as_deref()) {
            return Verdict::Again;
        }
        let meaning = refusal::meaning(refusal.status, &said, self.credentials.is_nobody());
        let (reason, help) = match meaning {
            Meaning::Usual => return Verdict::Usual,
            Meaning::Expired(reason, help) => match self.credentials.renew() {
                Ok(true) => return Verdict::Again,
                Ok(false) => (reason, help),
                Err(error) => return Verdict::Failed(error),
            },
            Meaning::Refused(reason, help) => (reason, help),
        };
        Verdict::Failed(HttpError::Refused { url: url.clone(), status: refusal.status, reason, help })
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Signer({})", self.bucket)
    }
}
