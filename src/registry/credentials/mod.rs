//! Who one is to a registry.
//!
//! [`Stores`] reads what `docker login`, `podman login` and `flyctl auth login` keep; [`Given`] is what the command line says. Nothing is
//! ever written there, and no error, log or `Debug` shows a [`Secret`].

mod auth_file;
mod error;
mod fly;
mod given;
mod helper;
mod key;
mod stores;
mod variables;

use std::fmt;

use super::Error;

pub use error::CredentialsError;
pub use fly::{FLY_REGISTRY, fly_registry, is_fly_registry};
pub use given::{CREDENTIALS_VARIABLE, Given, Login};
pub use stores::Stores;
pub use variables::Variables;

/// Text that no log, error or `Debug` shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself: for the request that needs it, and nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("…")
    }
}

/// What is shown to a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Name and password: Basic, or for the token server.
    Password {
        /// Name.
        user: String,
        /// Password or token.
        password: Secret,
    },
    /// An identity token (OAuth2 refresh token), for the token server.
    Identity(Secret),
    /// A token that the registry itself takes as Bearer.
    Bearer(Secret),
}

impl Credentials {
    /// As docker's stores write a login: the user `<token>` has an identity token in place of a password.
    fn of_login(user: &str, secret: Secret) -> Self {
        if user == "<token>" {
            Self::Identity(secret)
        } else {
            Self::Password { user: user.to_owned(), password: secret }
        }
    }
}

/// Where credentials come from. Asked once for each registry, when it wants some.
pub trait CredentialSource: Send + Sync {
    /// The credentials for a registry (`host[:port]`) and a repository of it; `None`: be nobody.
    fn find(&self, registry: &str, repository: &str) -> Result<Option<Credentials>, Error>;
}

/// Nobody.
#[derive(Debug, Clone, Copy)]
pub struct NoCredentials;

impl CredentialSource for NoCredentials {
    fn find(&self, _registry: &str, _repository: &str) -> Result<Option<Credentials>, Error> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
