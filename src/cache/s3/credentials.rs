//! Who one is to S3: the environment, the files of the AWS tools, a container's or an instance's role; else nobody.
//!
//! A crate knows all of these; what it needs of the world is here: files, variables, commands, and a client that is soon out of patience
//! where no metadata service answers.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqsign_aws_v4::{Credential, DefaultCredentialProvider};
use reqsign_core::{
    CommandExecute, CommandOutput, Context, Env, FileRead, HttpSend, ProvideCredential as _, SigningCredential as _,
};
use ureq::Agent;
use ureq::http::{Request, Response};
use ureq::tls::TlsConfig;

use super::super::http::{HttpError, Proxies, root_certificates};

/// A machine that is none of Amazon's should not wait long to learn that.
const METADATA_PATIENCE: Duration = Duration::from_secs(2);

/// For token services on the internet.
const PATIENCE: Duration = Duration::from_secs(30);

/// More than any file or answer with credentials has.
const LIMIT: u64 = 1 << 20;

/// What is known of who one is.
enum Known {
    Unasked,
    Nobody,
    Somebody(Credential),
}

/// Who one is, asked once and again when it has run out. Shows nothing.
pub(super) struct Credentials {
    provider: DefaultCredentialProvider,
    context: Context,
    /// The profile that was named, in the address or the environment: it must be there.
    profile: Option<String>,
    known: Mutex<Known>,
}

impl Credentials {
    /// Those of a profile that the address names, else what the environment leads to.
    pub(super) fn new(profile: Option<&str>) -> Self {
        let chain = DefaultCredentialProvider::builder();
        let chain = match profile {
            Some(profile) => chain.no_env().with_profile(profile).no_web_identity().no_ecs().no_imds(),
            None => chain,
        };
        let context = Context::new()
            .with_file_read(Files)
            .with_http_send(Client)
            .with_env(Variables)
            .with_command_execute(Commands);
        let named = || Variables.var("AWS_PROFILE").filter(|_| Variables.var("AWS_ACCESS_KEY_ID").is_none());
        let profile = profile.map(str::to_owned).or_else(named);
        Self { provider: chain.build(), context, profile, known: Mutex::new(Known::Unasked) }
    }

    /// What to sign with now; `None` for nobody.
    pub(super) fn current(&self) -> Result<Option<Credential>, HttpError> {
        let mut known = self.lock();
        match &*known {
            Known::Somebody(credential) if credential.is_valid() => return Ok(Some(credential.clone())),
            Known::Nobody => return Ok(None),
            _ => {}
        }
        let found = self.ask()?;
        *known = found.clone().map_or(Known::Nobody, Known::Somebody);
        Ok(found)
    }

    /// Asks again, since a server says that what was used has run out. Whether there is something else now.
    pub(super) fn renew(&self) -> Result<bool, HttpError> {
        let mut known = self.lock();
        let Some(found) = self.ask()? else { return Ok(false) };
        let same =
            |old: &Credential| (&old.access_key_id, &old.session_token) == (&found.access_key_id, &found.session_token);
        let renewed = !matches!(&*known, Known::Somebody(old) if same(old));
        *known = Known::Somebody(found);
        Ok(renewed)
    }

    /// Whether requests are signed at all.
    pub(super) fn is_nobody(&self) -> bool {
        matches!(*self.lock(), Known::Nobody)
    }

    pub(super) const fn context(&self) -> &Context {
        &self.context
    }

    fn ask(&self) -> Result<Option<Credential>, HttpError> {
        let missing = |reason: String| {
            let place = self.profile.as_ref().map_or_else(|| "S3".to_owned(), |name| format!("the profile `{name}`"));
            HttpError::NoCredentials { place, reason }
        };
        // What the crate's errors quote may be secret; their kind says enough.
        let found = pollster::block_on(self.provider.provide_credential(&self.context))
            .map_err(|fault| missing(fault.kind().to_string()))?;
        match (found, &self.profile) {
            (None, Some(_)) => Err(missing("neither ~/.aws/credentials nor ~/.aws/config has its keys".to_owned())),
            (found, _) => Ok(found),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Variables that are about AWS.
#[derive(Debug)]
struct Variables;

impl Env for Variables {
    fn var(&self, key: &str) -> Option<String> {
        let value = std::env::var(key).ok().filter(|value| !value.is_empty())?;
        let value = if key.ends_with("_ENDPOINT") { value.trim_end_matches('/').to_owned() } else { value };
        Some(value)
    }

    fn vars(&self) -> HashMap<String, String> {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        names
            .filter(|name| name.starts_with("AWS_"))
            .filter_map(|name| Some((self.var(&name)?, name)))
            .map(|(value, name)| (name, value))
            .collect()
    }

    fn home_dir(&self) -> Option<PathBuf> {
        std::env::var_os("HOME").map(PathBuf::from)
    }
}

#[derive(Debug)]
struct Files;

impl FileRead for Files {
    async fn file_read(&self, path: &str) -> reqsign_core::Result<Vec<u8>> {
        let wrong = |reason: String| reqsign_core::Error::config_invalid(reason);
        let found =
            super::super::memory::read_limited(path.as_ref(), LIMIT).map_err(|fault| wrong(fault.to_string()))?;
        found.ok_or_else(|| wrong("there is no such file".to_owned()))
    }
}

/// Runs the `credential_process` of a profile.
#[derive(Debug)]
struct Commands;

impl CommandExecute for Commands {
    async fn command_execute<'a>(
        &'a self,
        program: &'a str,
        arguments: &'a [&'a str],
    ) -> reqsign_core::Result<CommandOutput> {
        let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
        let output = output.map_err(|fault| reqsign_core::Error::config_invalid(fault.to_string()))?;
        Ok(CommandOutput { status: output.status.code().unwrap_or(-1), stdout: output.stdout, stderr: output.stderr })
    }
}

#[derive(Debug)]
struct Client;

impl HttpSend for Client {
    async fn http_send(&self, request: Request<Bytes>) -> reqsign_core::Result<Response<Bytes>> {
        let failed = |fault: ureq::Error| reqsign_core::Error::unexpected(fault.to_string());
        let (parts, body) = request.into_parts();
        let agent = agent(parts.uri.host().unwrap_or_default(), parts.uri.scheme_str() == Some("https"));
        let response = agent.run(Request::from_parts(parts, body.as_ref())).map_err(failed)?;
        let (parts, mut body) = response.into_parts();
        let bytes = body.with_config().limit(LIMIT).read_to_vec().map_err(failed)?;
        Ok(Response::from_parts(parts, bytes.into()))
    }
}

/// A client for one request: metadata services lie beside the machine, not behind a proxy.
fn agent(host: &str, secure: bool) -> Agent {
    let beside = ["169.254.", "127.", "[fd00:ec2:", "[::1]", "localhost"].iter().any(|start| host.starts_with(start));
    let proxies = Proxies::from_environment();
    let proxy = if beside || proxies.bypass(host, 0) { None } else { proxies.for_scheme(secure) };
    let patience = if beside { METADATA_PATIENCE } else { PATIENCE };
    let tls = TlsConfig::builder().root_certs(root_certificates()).build();
    let config = Agent::config_builder()
        .proxy(proxy)
        .tls_config(tls)
        .user_agent(concat!("dumbc/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(patience));
    config.build().into()
}
