//! Credentials that the command line gives.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use super::{CredentialSource, Credentials, CredentialsError, Secret};
use crate::registry::Error;

/// The variable that holds `USER:PASSWORD`. Programs that are started from here don't get it.
pub const CREDENTIALS_VARIABLE: &str = "DUMBC_REGISTRY_CREDS";

/// `USER` or `USER:PASSWORD`. Any text is taken: a refusal would have to quote it.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    user: String,
    password: Option<Secret>,
}

impl FromStr for Login {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.split_once(':') {
            Some((user, password)) => Self { user: user.to_owned(), password: Some(Secret::new(password)) },
            None => Self { user: text.to_owned(), password: None },
        })
    }
}

/// Neither part: who takes a token for a name gives it away otherwise.
impl fmt::Debug for Login {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Login")
    }
}

impl Login {
    /// Whether it has a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// The credentials, with the password that was `read` elsewhere, where one was. `origin` is named by errors.
    pub fn credentials(self, read: Option<Secret>, origin: &'static str) -> Result<Credentials, CredentialsError> {
        let wrong = |reason| Err(CredentialsError::Login { origin, reason });
        let password = match (self.password, read) {
            (Some(_), Some(_)) => return wrong("there are two passwords"),
            (None, None) => return wrong("there is no password"),
            (Some(password), None) | (None, Some(password)) => password,
        };
        if self.user.is_empty() {
            return wrong("there is no user");
        }
        if password.expose().is_empty() {
            return wrong("the password is empty");
        }
        // Both become one line of a request's header.
        if self.user.chars().chain(password.expose().chars()).any(char::is_control) {
            return wrong("there is a control character in it");
        }
        Ok(Credentials::Password { user: self.user, password })
    }
}

/// Credentials for one registry, and a source for every other one: a password goes only where it belongs.
pub struct Given<S> {
    credentials: Credentials,
    registry: OnceLock<String>,
    otherwise: S,
}

impl<S> Given<S> {
    /// For the registry `registry` (`host[:port]`); without one, for the first that asks.
    pub fn new(credentials: Credentials, registry: Option<&str>, otherwise: S) -> Self {
        let bound = registry.map(|registry| OnceLock::from(registry.to_owned()));
        Self { credentials, registry: bound.unwrap_or_default(), otherwise }
    }
}

impl<S: CredentialSource> CredentialSource for Given<S> {
    fn find(&self, registry: &str, repository: &str) -> Result<Option<Credentials>, Error> {
        if self.registry.get_or_init(|| registry.to_owned()) == registry {
            return Ok(Some(self.credentials.clone()));
        }
        self.otherwise.find(registry, repository)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::NoCredentials;

    fn login(text: &str) -> Login {
        let Ok(login) = text.parse();
        login
    }

    #[test]
    fn a_password_is_given_once() {
        let password = |login: Login, read: Option<&str>| {
            login.credentials(read.map(Secret::new), "--creds").map_err(|error| error.to_string())
        };
        let alice = |password: &str| Credentials::Password { user: "alice".into(), password: Secret::new(password) };
        assert_eq!(password(login("alice:a:b"), None), Ok(alice("a:b")));
        assert_eq!(password(login("alice"), Some("stdin")), Ok(alice("stdin")));
        for (text, read, reason) in [
            ("alice:a", Some("b"), "there are two passwords"),
            ("alice", None, "there is no password"),
            (":a", None, "there is no user"),
            ("alice:", None, "the password is empty"),
            ("alice:a\nb", None, "there is a control character in it"),
        ] {
            let said = format!("the credentials from --creds make no sense: {reason}");
            assert_eq!(password(login(text), read), Err(said), "{text:?}");
        }
    }

    #[test]
    fn a_password_goes_to_one_registry_only() {
        let credentials = || login("alice:a").credentials(None, "--creds").expect("good");
        let asked = |given: &Given<NoCredentials>, registry| given.find(registry, "app").expect("no error").is_some();
        let bound = Given::new(credentials(), Some("one.example.org"), NoCredentials);
        assert!(!asked(&bound, "two.example.org") && asked(&bound, "one.example.org"));
        let first = Given::new(credentials(), None, NoCredentials);
        assert!(asked(&first, "two.example.org") && !asked(&first, "one.example.org"));
    }
}
