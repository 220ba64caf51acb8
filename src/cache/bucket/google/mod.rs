//! Google Cloud Storage: requests show a token, which a service account, a user's log-in or the machine's own account is exchanged for.

mod place;
mod refusal;
#[cfg(test)]
mod tests;

use std::fmt;

use reqsign_core::{Context, ProvideCredential, SignRequest as _};
use reqsign_google::{
    Credential, DefaultCredentialProvider, EnvCredentialProvider, RequestSigner, ServiceAccountTokenCredentialProvider,
    VmMetadataCredentialProvider,
};
use ureq::http::request::Parts;

use super::super::http::{Head, HttpError, Url};
use super::refusal::{Meaning, Said};
use super::{address, signer, world};

pub(super) use place::Place;

/// Whose hosts see tokens.
const HOSTS: [&str; 1] = ["googleapis.com"];

/// Names the file with one's credentials.
const FILE: &str = "GOOGLE_APPLICATION_CREDENTIALS";

/// Names a server that may see tokens, as for Google's own tools.
const ENDPOINT: &str = "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE";

/// A program that makes credentials is run by a library that needs a runtime, which there is none of here.
const PROGRAMS: &str = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES";

/// A bucket of Google's, and who one is to it.
pub(super) struct Cloud {
    place: Place,
    is_trusted: bool,
    context: Context,
}

impl Cloud {
    pub(super) fn new(place: Place) -> Self {
        let is_trusted = address::is_trusted(place.url(), &HOSTS, world::variable(ENDPOINT));
        Self { place, is_trusted, context: world::context(&[(PROGRAMS, None)]) }
    }

    /// A token, for somebody whose file may hold a key instead.
    fn token(
        &self,
        file: &impl ProvideCredential<Credential = Credential>,
    ) -> reqsign_core::Result<Option<Credential>> {
        let Some(credential) = pollster::block_on(file.provide_credential(&self.context))? else { return Ok(None) };
        let Some(account) = credential.service_account else { return Ok(Some(credential)) };
        let exchange = ServiceAccountTokenCredentialProvider::new(account);
        pollster::block_on(exchange.provide_credential(&self.context))
    }
}

impl signer::Cloud for Cloud {
    type Credential = Credential;

    fn covers(&self, url: &Url) -> bool {
        self.is_trusted && self.place.holds(url)
    }

    fn ask(&self) -> Result<Option<Credential>, HttpError> {
        // What the crate's errors quote may be secret; their kind says enough.
        let missing = |fault: reqsign_core::Error, file: &str| HttpError::NoCredentials {
            place: "Google".to_owned(),
            reason: format!("{file} leads to no token: {}", fault.kind()),
            help: "check that the file is whole, and that its key or log-in was not taken back",
        };
        if self.context.env_var(FILE).is_some() {
            return self.token(&EnvCredentialProvider::new()).map_err(|fault| missing(fault, FILE));
        }
        let user = DefaultCredentialProvider::builder().no_env().no_vm_metadata().build();
        if let Some(user) =
            self.token(&user).map_err(|fault| missing(fault, "gcloud's application_default_credentials.json"))?
        {
            return Ok(Some(user));
        }
        // Machines of others have no such service: then one is nobody.
        let machine = VmMetadataCredentialProvider::new();
        Ok(pollster::block_on(machine.provide_credential(&self.context)).unwrap_or_default())
    }

    fn version(&self) -> &'static str {
        "x-goog-generation"
    }

    fn is_same(one: &Credential, other: &Credential) -> bool {
        let token = |credential: &Credential| credential.token.as_ref().map(|token| token.access_token.clone());
        token(one) == token(other)
    }

    fn headers(&self, _head: &Head<'_>) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn sign(&self, parts: &mut Parts, credential: &Credential) -> reqsign_core::Result<()> {
        let signer = RequestSigner::new("storage");
        pollster::block_on(signer.sign_request(&self.context, parts, Some(credential), None))
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
