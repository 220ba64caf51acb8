//! How verbs reach registries: as whom, and over which connections.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use crate::cache::http::{Proxies, SystemClock};
use crate::failure::Class;
use crate::registry::{
    CREDENTIALS_VARIABLE, CredentialSource, Credentials, Given, Login, Registry, Secret, Settings, Stores,
};

use super::context::Context;
use super::failure::Failure;

/// The longest password that is read from stdin.
const LONGEST_PASSWORD: u64 = 64 << 10;

/// Options of verbs that speak with a registry.
#[derive(clap::Args)]
#[group(id = "registry-access")]
pub(super) struct Args {
    /// Who to be to the registry, in place of what docker's, podman's and flyctl's logins say
    ///
    /// Everybody on this machine can see a password on a command line: give the user alone and `--password-stdin`, or USER:PASSWORD in the
    /// variable `DUMBC_REGISTRY_CREDS`.
    #[arg(long, value_name = "USER[:PASSWORD]")]
    creds: Option<Login>,

    /// Read the password for the user of `--creds` from stdin
    #[arg(long, requires = "creds")]
    password_stdin: bool,

    /// Speak plain http, and take any certificate; to this machine itself, plain http is tried anyway
    #[arg(long)]
    insecure: bool,

    /// Trust these certificate authorities (PEM), too; `SSL_CERT_FILE` names some that are trusted alone
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

/// The client of verbs that take no options of their own for registries: base images are read as whoever is logged in.
pub(super) fn anybody(offline: bool) -> Result<Registry, crate::registry::Error> {
    let settings = Settings {
        offline,
        insecure: false,
        ca_file: None,
        proxies: Proxies::from_environment(),
        clock: Arc::new(SystemClock),
    };
    Registry::new(settings, Arc::new(Stores::from_environment()))
}

impl Args {
    /// A client. Credentials that are given are for the first registry that asks for some, and no other.
    pub(super) fn client(&self, context: &Context, offline: bool) -> anyhow::Result<Registry> {
        self.connect(None, context, offline)
    }

    /// A client for a verb that may ask several registries: credentials that are given are for `registry` (`host[:port]`) alone.
    pub(super) fn client_for(&self, registry: &str, context: &Context, offline: bool) -> anyhow::Result<Registry> {
        self.connect(Some(registry), context, offline)
    }

    fn connect(&self, registry: Option<&str>, context: &Context, offline: bool) -> anyhow::Result<Registry> {
        let stores = Stores::from_environment();
        let source: Arc<dyn CredentialSource> = match self.given(context)? {
            Some(credentials) => Arc::new(Given::new(credentials, registry, stores)),
            None => Arc::new(stores),
        };
        let settings = Settings {
            offline,
            insecure: self.insecure,
            ca_file: self.ca_file.clone(),
            proxies: Proxies::from_environment(),
            clock: Arc::new(SystemClock),
        };
        Ok(Registry::new(settings, source)?)
    }

    /// The credentials of the command line, else of the variable.
    fn given(&self, context: &Context) -> anyhow::Result<Option<Credentials>> {
        if let Some(login) = &self.creds {
            if login.has_password() {
                let advice = "give USER alone, with `--password-stdin`";
                context.progress.note(&format!("the password of --creds is visible to all of this machine: {advice}"));
            }
            let read = self.password_stdin.then(password_from_stdin).transpose()?;
            return Ok(Some(login.clone().credentials(read, "--creds")?));
        }
        let Some(value) = std::env::var_os(CREDENTIALS_VARIABLE).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        let value = value.into_string().map_err(|_| {
            Failure::new(Class::Usage, format!("{CREDENTIALS_VARIABLE} is no text")).help("give it USER:PASSWORD")
        })?;
        let Ok(login) = value.parse::<Login>();
        Ok(Some(login.credentials(None, CREDENTIALS_VARIABLE)?))
    }
}

/// All of stdin, without the end of its line.
fn password_from_stdin() -> anyhow::Result<Secret> {
    let mut bytes = Vec::new();
    std::io::stdin().take(LONGEST_PASSWORD + 1).read_to_end(&mut bytes)?;
    let wrong = |what: &str| Failure::new(Class::Usage, format!("stdin holds no password: {what}"));
    if bytes.len() as u64 > LONGEST_PASSWORD {
        return Err(wrong("it is too long").into());
    }
    let Ok(text) = String::from_utf8(bytes) else { return Err(wrong("it is no UTF-8").into()) };
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Secret::new(text.strip_suffix('\r').unwrap_or(text)))
}
