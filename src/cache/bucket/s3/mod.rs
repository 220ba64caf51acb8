//! S3, and servers that speak as S3 does: requests are signed with `SigV4`.

mod place;
mod refusal;
mod role;

use std::fmt;
use std::sync::{Mutex, PoisonError};

use reqsign_aws_v4::{Credential, DefaultCredentialProvider, EMPTY_STRING_SHA256, RequestSigner};
use reqsign_core::{Context, ProvideCredential as _, SignRequest as _};
use ureq::http::request::Parts;

use super::super::http::{Head, HttpError, Url};
use super::refusal::{Meaning, Said};
use super::{signer, world};

pub(super) use place::Place;

/// What to do where a profile leads to nothing.
const HELP: &str = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile that ~/.aws/credentials has";

/// A bucket of S3, and who one is to it.
pub(super) struct Cloud {
    place: Place,
    /// Where the bucket lies, as it says itself.
    region: Mutex<String>,
    provider: DefaultCredentialProvider,
    context: Context,
    /// The profile that was named, in the address or the environment: it must be there.
    profile: Option<String>,
}

impl Cloud {
    /// Credentials are those of a profile that the address names, else what the environment leads to.
    pub(super) fn new(place: Place) -> Self {
        let chain = DefaultCredentialProvider::builder();
        let chain = match place.profile() {
            Some(profile) => chain.no_env().with_profile(profile).no_web_identity().no_ecs().no_imds(),
            None => chain,
        };
        let named = || world::variable("AWS_PROFILE").filter(|_| world::variable("AWS_ACCESS_KEY_ID").is_none());
        let profile = place.profile().map(str::to_owned).or_else(named);
        let region = Mutex::new(place.region().to_owned());
        Self { place, region, provider: chain.build(), context: world::context(&[]), profile }
    }

    fn region(&self) -> String {
        self.region.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lies_at(&self, url: &Url, region: &str) -> bool {
        let origin = self.place.origin(region).parse::<Url>();
        origin.is_ok_and(|origin| origin.same_origin(url)) && url.path().starts_with(&self.place.root())
    }
}

impl signer::Cloud for Cloud {
    type Credential = Credential;

    fn place(&self, url: &Url) -> Url {
        let region = self.region();
        if region == self.place.region() || !self.lies_at(url, self.place.region()) {
            return url.clone();
        }
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let moved = format!("{}{}{query}", self.place.origin(&region), url.path());
        moved.parse().unwrap_or_else(|_| url.clone())
    }

    fn covers(&self, url: &Url) -> bool {
        self.lies_at(url, &self.region())
    }

    fn ask(&self) -> Result<Option<Credential>, HttpError> {
        let missing = |reason: String| {
            let place = self.profile.as_ref().map_or_else(|| "S3".to_owned(), |name| format!("the profile `{name}`"));
            HttpError::NoCredentials { place, reason, help: HELP }
        };
        // Keys in the environment go before a profile that only the environment names, or nobody.
        if self.place.profile().is_some() || self.context.env_var("AWS_ACCESS_KEY_ID").is_none() {
            let profile = self.profile.as_deref().unwrap_or("default");
            if let Some(found) = role::take(profile, self.place.region(), &self.context)? {
                return Ok(Some(found));
            }
        }
        // What the crate's errors quote may be secret; their kind says enough.
        let found = pollster::block_on(self.provider.provide_credential(&self.context))
            .map_err(|fault| missing(fault.kind().to_string()))?;
        match (found, &self.profile) {
            (None, Some(_)) => Err(missing("neither ~/.aws/credentials nor ~/.aws/config has its keys".to_owned())),
            (found, _) => Ok(found),
        }
    }

    fn is_same(one: &Credential, other: &Credential) -> bool {
        (&one.access_key_id, &one.session_token) == (&other.access_key_id, &other.session_token)
    }

    fn headers(&self, head: &Head<'_>) -> Vec<(&'static str, String)> {
        vec![("x-amz-content-sha256", head.digest.unwrap_or(EMPTY_STRING_SHA256).to_owned())]
    }

    fn sign(&self, parts: &mut Parts, credential: &Credential) -> reqsign_core::Result<()> {
        let signer = RequestSigner::new("s3", &self.region());
        pollster::block_on(signer.sign_request(&self.context, parts, Some(credential), None))
    }

    /// Takes over the region that an answer names.
    fn learn(&self, said: &Said) -> bool {
        let Some(region) = said.region.as_deref().filter(|region| place::is_region(region)) else { return false };
        let mut known = self.region.lock().unwrap_or_else(PoisonError::into_inner);
        let new = *known != region;
        region.clone_into(&mut known);
        new
    }

    fn meaning(&self, status: u16, said: &Said, is_nobody: bool) -> Meaning {
        refusal::meaning(status, said, is_nobody)
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.place, formatter)
    }
}
