//! Azure Blob Storage: requests are signed with the account's key, or show a token: a shared access signature, or one that an application,
//! a user's log-in or the machine's own identity is exchanged for.

mod place;
mod refusal;
#[cfg(test)]
mod tests;

use std::fmt;

use reqsign_azure_storage::{
    AzureCliCredentialProvider, AzurePipelinesCredentialProvider, ClientCertificateCredentialProvider,
    ClientSecretCredentialProvider, Credential, EnvCredentialProvider, ImdsCredentialProvider, RequestSigner,
    WorkloadIdentityCredentialProvider,
};
use reqsign_core::{Context, ProvideCredentialDyn, SignRequest as _};
use ureq::http::request::Parts;

use super::super::http::{Head, HttpError, Url};
use super::refusal::{Meaning, Said};
use super::{address, signer, world};

pub(super) use place::Place;

/// Whose hosts see tokens.
const HOSTS: [&str; 4] =
    ["core.windows.net", "core.usgovcloudapi.net", "core.chinacloudapi.cn", "blob.storage.azure.net"];

/// Names a server that may see tokens, as for Azure's own tools.
const ENDPOINT: &str = "AZURE_STORAGE_SERVICE_ENDPOINT";

/// The version of the service that is spoken.
const VERSION: &str = "2023-11-03";

type Provider = dyn ProvideCredentialDyn<Credential = Credential>;

/// A container of Azure's, and who one is to it.
pub(super) struct Cloud {
    place: Place,
    is_trusted: bool,
    /// Whether the environment's key is that of another account.
    is_anothers: bool,
    context: Context,
}

impl Cloud {
    pub(super) fn new(place: Place) -> Self {
        let is_trusted = address::is_trusted(place.url(), &HOSTS, world::variable(ENDPOINT));
        let is_anothers = world::variable("AZURE_STORAGE_ACCOUNT").is_some_and(|account| account != place.account());
        let context = world::context(&variables(&place));
        Self { place, is_trusted, is_anothers, context }
    }

    fn try_each(&self, providers: &[&Provider]) -> Result<Option<Credential>, HttpError> {
        // What the crate's errors quote may be secret; their kind says enough.
        let missing = |fault: reqsign_core::Error| HttpError::NoCredentials {
            place: format!("the account `{}`", self.place.account()),
            reason: format!("what the environment names leads to no token: {}", fault.kind()),
            help: "check AZURE_TENANT_ID, AZURE_CLIENT_ID, and the secret, certificate or token file that belong to them",
        };
        for provider in providers {
            let found = pollster::block_on(provider.provide_credential_dyn(&self.context)).map_err(missing)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

/// Names that Azure's own tools have for what the crate calls otherwise; and the account is the address's, whatever the environment says.
fn variables(place: &Place) -> Vec<world::Instead> {
    let key = world::variable("AZURE_STORAGE_KEY").or_else(|| world::variable("AZURE_STORAGE_ACCOUNT_KEY"));
    let token = world::variable("AZURE_STORAGE_SAS_TOKEN").map(|token| token.trim_start_matches('?').to_owned());
    vec![
        ("AZBLOB_ACCOUNT_NAME", None),
        ("AZBLOB_ACCOUNT_KEY", None),
        // The crate takes it for the metadata service's.
        ("AZBLOB_ENDPOINT", None),
        ("AZURE_STORAGE_ACCOUNT_NAME", Some(place.account().to_owned())),
        ("AZURE_STORAGE_ACCOUNT_KEY", key),
        ("AZURE_STORAGE_SAS_TOKEN", token),
    ]
}

impl signer::Cloud for Cloud {
    type Credential = Credential;

    fn covers(&self, url: &Url) -> bool {
        self.place.holds(url)
    }

    fn ask(&self) -> Result<Option<Credential>, HttpError> {
        let key = EnvCredentialProvider::new();
        if !self.is_anothers
            && let Some(found) = self.try_each(&[&key])?
            && (self.is_trusted || matches!(found, Credential::SharedKey { .. }))
        {
            return Ok(Some(found));
        }
        if !self.is_trusted {
            return Ok(None);
        }
        let named = self.try_each(&[
            &ClientCertificateCredentialProvider::new(),
            &ClientSecretCredentialProvider::new(),
            &AzurePipelinesCredentialProvider::new(),
            &WorkloadIdentityCredentialProvider::new(),
        ])?;
        if named.is_some() {
            return Ok(named);
        }
        // Nobody has to have logged in, or to be on a machine of Azure's: then one is nobody.
        let user = AzureCliCredentialProvider::new();
        let user = pollster::block_on(user.provide_credential_dyn(&self.context)).unwrap_or_default();
        let machine = || {
            let machine = ImdsCredentialProvider::new();
            pollster::block_on(machine.provide_credential_dyn(&self.context)).unwrap_or_default()
        };
        Ok(user.or_else(machine))
    }

    fn is_same(one: &Credential, other: &Credential) -> bool {
        match (one, other) {
            (Credential::BearerToken { token: one, .. }, Credential::BearerToken { token: other, .. })
            | (Credential::SasToken { token: one, .. }, Credential::SasToken { token: other, .. }) => one == other,
            (Credential::SharedKey { account_key: one, .. }, Credential::SharedKey { account_key: other, .. }) => {
                one == other
            }
            _ => false,
        }
    }

    fn headers(&self, head: &Head<'_>) -> Vec<(&'static str, String)> {
        let length = head.length.map(|length| ("content-length", length.to_string()));
        length.into_iter().chain([("x-ms-version", VERSION.to_owned())]).collect()
    }

    fn sign(&self, parts: &mut Parts, credential: &Credential) -> reqsign_core::Result<()> {
        let signer = RequestSigner::new();
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
