//! Who one is to Fly's registry: user `x`, and a token as flyctl has it.

use serde::Deserialize;

use super::auth_file::read_bounded;
use super::{Credentials, CredentialsError, Secret, Variables};

/// Where Fly's images lie.
pub const FLY_REGISTRY: &str = "registry.fly.io";

/// Beginnings of macaroons.
const MACAROONS: [&str; 3] = ["fm1r_", "fm1a_", "fm2_"];

/// The host of Fly's registry: `FLY_REGISTRY_HOST`, else [`FLY_REGISTRY`].
#[must_use]
pub fn fly_registry() -> String {
    registry_host(&Variables::of_process())
}

/// Whether a host (`host[:port]`) is that of Fly's registry.
#[must_use]
pub fn is_fly_registry(registry: &str) -> bool {
    is_fly(registry, &Variables::of_process())
}

fn is_fly(registry: &str, variables: &Variables) -> bool {
    registry == FLY_REGISTRY || registry == registry_host(variables)
}

fn registry_host(variables: &Variables) -> String {
    variables.text("FLY_REGISTRY_HOST").unwrap_or_else(|| FLY_REGISTRY.to_owned())
}

/// What flyctl's config.yml has for us, among other things.
#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    access_token: Option<String>,
}

/// Credentials for `registry`, where that is Fly's and there is a token.
pub(super) fn find(registry: &str, variables: &Variables) -> Result<Option<Credentials>, CredentialsError> {
    if !is_fly(registry, variables) {
        return Ok(None);
    }
    let of_environment = ["FLY_ACCESS_TOKEN", "FLY_API_TOKEN"].into_iter();
    let mut tokens = of_environment.filter_map(|name| variables.text(name)).filter_map(|text| for_registry(&text));
    let token = match tokens.next() {
        Some(token) => Some(token),
        None => of_flyctl(variables)?,
    };
    Ok(token.map(|password| Credentials::Password { user: "x".to_owned(), password }))
}

/// The token of `flyctl auth login`.
fn of_flyctl(variables: &Variables) -> Result<Option<Secret>, CredentialsError> {
    let folder = variables.path("FLY_CONFIG_DIR").or_else(|| Some(variables.path("HOME")?.join(".fly")));
    let Some(path) = folder.map(|folder| folder.join("config.yml")) else { return Ok(None) };
    let Some(bytes) = read_bounded(&path)? else { return Ok(None) };
    if bytes.trim_ascii().is_empty() {
        return Ok(None);
    }
    // The parser's messages quote the file.
    let malformed = |reason: &str| CredentialsError::Malformed { path: path.clone(), reason: reason.to_owned() };
    let text = String::from_utf8(bytes).map_err(|_| malformed("it is no UTF-8"))?;
    let config: Option<Config> =
        serde_saphyr::from_str(&text).map_err(|_| malformed("it is no YAML with a text as `access_token`"))?;
    Ok(config.and_then(|config| config.access_token).and_then(|text| for_registry(&text)))
}

/// What the registry takes of a list of tokens: without a scheme before it; macaroons only, where there are any.
fn for_registry(text: &str) -> Option<Secret> {
    let tokens = without_scheme(text).split(',').map(str::trim).filter(|token| !token.is_empty());
    let tokens = tokens.collect::<Vec<_>>();
    let is_macaroon = |token: &&str| MACAROONS.iter().any(|beginning| token.starts_with(beginning));
    let macaroons = tokens.iter().copied().filter(is_macaroon).collect::<Vec<_>>();
    let taken = if macaroons.is_empty() { tokens } else { macaroons };
    (!taken.is_empty()).then(|| Secret::new(taken.join(",")))
}

/// Schemes may stand there several times, in any case.
fn without_scheme(text: &str) -> &str {
    let mut rest = text.trim();
    while let Some((scheme, below)) = rest.split_once(char::is_whitespace) {
        if !["bearer", "flyv1"].contains(&scheme.to_ascii_lowercase().as_str()) {
            break;
        }
        rest = below.trim();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_macaroons_are_sent_where_there_are_any() {
        let sent = |text| for_registry(text).map(|secret| secret.expose().to_owned());
        for (text, expected) in [
            ("plain", Some("plain")),
            ("Bearer plain", Some("plain")),
            ("FlyV1 fm2_a", Some("fm2_a")),
            ("  bearer  FLYV1\tfm2_a , fo1_user ,fm1r_b,fm1a_c, ", Some("fm2_a,fm1r_b,fm1a_c")),
            ("one,two", Some("one,two")),
            ("fm3_a,fm2_b", Some("fm2_b")),
            ("two words", Some("two words")),
            ("Bearer", Some("Bearer")),
            ("", None),
            (" , ", None),
        ] {
            assert_eq!(sent(text).as_deref(), expected, "{text:?}");
        }
    }
}
