//! Profiles that take a role: `role_arn`, with `source_profile`, `credential_source` or `web_identity_token_file`.

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use ini::{Ini, Properties};
use reqsign_aws_v4::{
    AssumeRoleGrant, AssumeRoleGranter, AssumeRoleWithWebIdentityCredentialProvider, Credential,
    DefaultCredentialProvider, ECSCredentialProvider, EnvCredentialProvider, IMDSv2CredentialProvider,
};
use reqsign_core::{Context, GrantCredential as _, ProvideCredentialDyn};

use super::super::super::http::HttpError;

/// Roles that lead to each other, at most.
const CHAIN: usize = 5;

/// What a session is called where the profile gives no name.
const SESSION: &str = "dumbc";

/// What to do where a role can't be had so.
const HELP: &str = "check the profile in ~/.aws/config, or set what `aws configure export-credentials` prints";

/// A role, and how to ask for it.
struct Role {
    arn: String,
    grant: AssumeRoleGrant,
    region: Option<String>,
    duration: Option<Duration>,
    source: Source,
}

/// Who asks for a role.
enum Source {
    Profile(String),
    Environment,
    Instance,
    Container,
    /// The file with the token that is exchanged for the role.
    WebIdentity(PathBuf),
}

/// The files of the AWS tools.
struct Profiles {
    config: Option<Ini>,
    credentials: Option<Ini>,
}

/// The credentials of the role that a profile takes; `None` if it takes none. `region` is where roles are asked for that say nothing else.
pub(super) fn take(profile: &str, region: &str, context: &Context) -> Result<Option<Credential>, HttpError> {
    let failed = |reason: String| missing(profile, reason);
    let profiles = Profiles::read(context).map_err(failed)?;
    let mut roles = Vec::new();
    let mut name = profile.to_owned();
    let source = loop {
        let Some(mut role) = profiles.role(&name).map_err(failed)? else { break Source::Profile(name) };
        if roles.len() == CHAIN {
            return Err(failed("its `source_profile` leads on and on".to_owned()));
        }
        let next = std::mem::replace(&mut role.source, Source::Environment);
        roles.push(role);
        match next {
            // One that names itself has keys, too.
            Source::Profile(next) if next != name => name = next,
            source => break source,
        }
    };
    let Some(first) = roles.last() else { return Ok(None) };
    let mut credential = source.ask(first, context).map_err(failed)?;
    if matches!(source, Source::WebIdentity(_)) {
        roles.pop();
    }
    for role in roles.iter().rev() {
        credential = role.ask(&credential, region, context).map_err(failed)?;
    }
    Ok(Some(credential))
}

fn missing(profile: &str, reason: String) -> HttpError {
    HttpError::NoCredentials { place: format!("the profile `{profile}`"), reason, help: HELP }
}

impl Profiles {
    fn read(context: &Context) -> Result<Self, String> {
        let read = |variable: &str, usual: &str| {
            let path = context.env_var(variable).unwrap_or_else(|| usual.to_owned());
            let path = if path.starts_with("~/") { context.expand_home_dir(&path) } else { Some(path) };
            // What can't be read is as good as absent, as for the crate that reads keys.
            let Some(text) = path.and_then(|path| pollster::block_on(context.file_read(&path)).ok()) else {
                return Ok(None);
            };
            let wrong = |fault: ini::ParseError| format!("{usual} is malformed at line {}", fault.line);
            Ini::load_from_str(&String::from_utf8_lossy(&text)).map(Some).map_err(wrong)
        };
        Ok(Self {
            config: read("AWS_CONFIG_FILE", "~/.aws/config")?,
            credentials: read("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")?,
        })
    }

    /// The role that a profile takes.
    fn role(&self, name: &str) -> Result<Option<Role>, String> {
        let section = if name == "default" { name.to_owned() } else { format!("profile {name}") };
        let places = [(&self.credentials, name), (&self.config, section.as_str())];
        let sections = places.into_iter().filter_map(|(file, section)| file.as_ref()?.section(Some(section)));
        let sections: Vec<&Properties> = sections.collect();
        let get = |key: &str| sections.iter().find_map(|section| section.get(key)).map(str::to_owned);
        get("role_arn").map(|arn| Role::parse(arn, &get)).transpose()
    }
}

impl Role {
    fn parse(arn: String, get: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        if get("mfa_serial").is_some() {
            return Err("its role asks for the code of a device (`mfa_serial`)".to_owned());
        }
        let source = match (get("web_identity_token_file"), get("source_profile"), get("credential_source").as_deref())
        {
            (Some(file), ..) => Source::WebIdentity(file.into()),
            (None, Some(profile), None) => Source::Profile(profile),
            (None, None, Some("Environment")) => Source::Environment,
            (None, None, Some("Ec2InstanceMetadata")) => Source::Instance,
            (None, None, Some("EcsContainer")) => Source::Container,
            _ => return Err("its role needs one good `source_profile` or `credential_source`".to_owned()),
        };
        let session = get("role_session_name").unwrap_or_else(|| SESSION.to_owned());
        let grant = AssumeRoleGrant::new(&arn, session);
        let grant = match get("external_id") {
            Some(id) => grant.with_external_id(id),
            None => grant,
        };
        let duration = get("duration_seconds").map(|text| text.parse().map(Duration::from_secs)).transpose();
        let duration = duration.map_err(|_| "its `duration_seconds` is no number".to_owned())?;
        Ok(Self { arn, grant, region: get("region"), duration, source })
    }

    /// Asks the token service for it.
    fn ask(&self, credential: &Credential, region: &str, context: &Context) -> Result<Credential, String> {
        let named = ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| context.env_var(name));
        let region = named.as_deref().or(self.region.as_deref()).unwrap_or(region);
        let granter = AssumeRoleGranter::new(region, self.grant.clone());
        // What the crate's errors quote may be secret; their kind says enough.
        pollster::block_on(granter.grant_credential(context, credential, self.duration))
            .map_err(|fault| format!("the role `{}` is not given: {}", self.arn, fault.kind()))
    }
}

impl Source {
    /// Who asks for `role`.
    fn ask(&self, role: &Role, context: &Context) -> Result<Credential, String> {
        let chain = DefaultCredentialProvider::builder().no_env().no_web_identity().no_ecs().no_imds();
        let (place, provider): (_, Box<dyn ProvideCredentialDyn<Credential = Credential>>) = match self {
            Self::Profile(name) => (format!("the profile `{name}`"), Box::new(chain.with_profile(name).build())),
            Self::Environment => ("the environment".to_owned(), Box::new(EnvCredentialProvider::new())),
            Self::Instance => ("the instance".to_owned(), Box::new(IMDSv2CredentialProvider::new())),
            Self::Container => ("the container".to_owned(), Box::new(ECSCredentialProvider::new())),
            Self::WebIdentity(file) => {
                let exchange = AssumeRoleWithWebIdentityCredentialProvider::with_config(role.arn.clone(), file.clone());
                ("`web_identity_token_file`".to_owned(), Box::new(exchange))
            }
        };
        let found = pollster::block_on(provider.provide_credential_dyn(context));
        let found =
            found.map_err(|fault| format!("{place}, which asks for its role, has no credentials: {}", fault.kind()))?;
        found.ok_or_else(|| format!("{place}, which asks for its role, has no credentials"))
    }
}
