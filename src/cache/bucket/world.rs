//! What the crate that knows of credentials needs of the world: files, variables, commands, and a client that is soon out of patience where
//! no metadata service answers.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use reqsign_core::{CommandExecute, CommandOutput, Context, Env, FileRead, HttpSend};
use ureq::Agent;
use ureq::http::{Request, Response};
use ureq::tls::TlsConfig;

use super::super::http::{Proxies, agent_config, root_certificates};

/// A machine of another cloud should not wait long to learn that.
const METADATA_PATIENCE: Duration = Duration::from_secs(2);

/// For token services on the internet.
const PATIENCE: Duration = Duration::from_secs(30);

/// More than any file or answer with credentials has.
const LIMIT: u64 = 1 << 20;

/// Where metadata services are.
const BESIDE: [&str; 6] = ["169.254.", "127.", "[fd00:ec2:", "[::1]", "localhost", "metadata.google.internal"];

/// A variable's value in the place of the environment's; `None` hides it.
pub(super) type Instead = (&'static str, Option<String>);

/// The world as it is, but for these variables.
pub(super) fn context(instead: &[Instead]) -> Context {
    Context::new()
        .with_file_read(Files)
        .with_http_send(Client)
        .with_env(Variables(instead.to_vec()))
        .with_command_execute(Commands)
}

/// What the environment says, if it says anything.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The environment, but for some variables. Shows none.
struct Variables(Vec<Instead>);

impl Env for Variables {
    fn var(&self, key: &str) -> Option<String> {
        if let Some((_, value)) = self.0.iter().find(|(name, _)| *name == key) {
            return value.clone();
        }
        let value = variable(key)?;
        Some(if key.ends_with("_ENDPOINT") { value.trim_end_matches('/').to_owned() } else { value })
    }

    fn vars(&self) -> HashMap<String, String> {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        let names = names.chain(self.0.iter().map(|(name, _)| (*name).to_owned()));
        names.filter_map(|name| Some((self.var(&name)?, name))).map(|(value, name)| (name, value)).collect()
    }

    fn home_dir(&self) -> Option<PathBuf> {
        std::env::var_os("HOME").map(PathBuf::from)
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Variables")
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
    let beside = BESIDE.iter().any(|start| host.starts_with(start));
    let proxies = Proxies::from_environment();
    let proxy = if beside || proxies.bypass(host, 0) { None } else { proxies.for_scheme(secure) };
    let patience = if beside { METADATA_PATIENCE } else { PATIENCE };
    let tls = TlsConfig::builder().root_certs(root_certificates()).build();
    agent_config().proxy(proxy).tls_config(tls).timeout_global(Some(patience)).build().into()
}
