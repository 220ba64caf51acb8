//! Where daemons may be: what the user's environment and docker's contexts say, else where they usually listen.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::emit::EngineKind;
use crate::nix::Sha256;

use super::DaemonError;
use super::endpoint::{Endpoint, Tls, Unusable};

/// What the environment may say of daemons.
const VARIABLES: [&str; 9] = [
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "DOCKER_TLS",
    "CONTAINER_HOST",
    "XDG_RUNTIME_DIR",
    "HOME",
];

/// Docker's files are small.
const LIMIT: u64 = 1 << 20;

/// The user's environment.
#[derive(Debug, Clone)]
pub struct Surroundings {
    variables: BTreeMap<&'static str, String>,
    /// `/`
    root: PathBuf,
}

/// One place to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Who should be there.
    pub(super) kind: EngineKind,
    pub(super) endpoint: Endpoint,
}

#[derive(Deserialize)]
struct ConfigFile {
    #[serde(rename = "currentContext", default)]
    current_context: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContextFile {
    endpoints: ContextEndpoints,
}

#[derive(Deserialize)]
struct ContextEndpoints {
    docker: ContextEndpoint,
}

#[derive(Deserialize)]
struct ContextEndpoint {
    #[serde(rename = "Host", default)]
    host: String,
    #[serde(rename = "SkipTLSVerify", default)]
    skip_tls_verify: bool,
}

impl Surroundings {
    /// Of this process.
    #[must_use]
    pub fn from_environment() -> Self {
        let value = |name| Some((name, std::env::var(name).ok().filter(|value| !value.is_empty())?));
        Self { variables: VARIABLES.into_iter().filter_map(value).collect(), root: "/".into() }
    }

    #[cfg(test)]
    pub(super) fn of(root: &Path, variables: &[(&'static str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { variables, root: root.to_owned() }
    }

    /// Places to try, in order. What the user names is the only one: an image must not end up where nobody looks for it.
    pub(super) fn places(&self, wanted: Option<EngineKind>) -> Result<Vec<Place>, DaemonError> {
        let mut places = Vec::new();
        if wanted != Some(EngineKind::Podman) {
            if let Some(endpoint) = self.docker_named()? {
                return Ok(vec![Place { kind: EngineKind::Docker, endpoint }]);
            }
            places.extend(self.docker_usual().map(|path| usual(EngineKind::Docker, path)));
        }
        if wanted != Some(EngineKind::Docker) {
            let named = self.variable("CONTAINER_HOST");
            let named = named.map(|text| endpoint(text, None, "CONTAINER_HOST", EngineKind::Podman)).transpose()?;
            match named {
                Some(endpoint) => places.push(Place { kind: EngineKind::Podman, endpoint }),
                None => places.extend(self.podman_usual().map(|path| usual(EngineKind::Podman, path))),
            }
        }
        Ok(places)
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    fn folder(&self, name: &str) -> Option<PathBuf> {
        self.variable(name).map(PathBuf::from)
    }

    fn docker_usual(&self) -> impl Iterator<Item = PathBuf> {
        let whole = Some(self.root.join("var/run/docker.sock"));
        let own = self.folder("XDG_RUNTIME_DIR").map(|folder| folder.join("docker.sock"));
        let desktop = self.folder("HOME").map(|home| home.join(".docker/run/docker.sock"));
        [whole, own, desktop].into_iter().flatten()
    }

    fn podman_usual(&self) -> impl Iterator<Item = PathBuf> {
        let own = self.folder("XDG_RUNTIME_DIR").map(|folder| folder.join("podman/podman.sock"));
        [own, Some(self.root.join("run/podman/podman.sock"))].into_iter().flatten()
    }

    fn docker_folder(&self) -> Option<PathBuf> {
        self.folder("DOCKER_CONFIG").or_else(|| Some(self.folder("HOME")?.join(".docker")))
    }

    /// The daemon that `DOCKER_HOST` names, else docker's context.
    fn docker_named(&self) -> Result<Option<Endpoint>, DaemonError> {
        if let Some(text) = self.variable("DOCKER_HOST") {
            return endpoint(text, self.tls(), "DOCKER_HOST", EngineKind::Docker).map(Some);
        }
        let Some(folder) = self.docker_folder() else { return Ok(None) };
        // Docker's own client looks past a broken file, too.
        let current = || read::<ConfigFile>(&folder.join("config.json")).ok()?.current_context;
        let name = self.variable("DOCKER_CONTEXT").map(str::to_owned).or_else(current);
        match name.filter(|name| !name.is_empty() && name != "default") {
            Some(name) => context(&folder.join("contexts"), &name).map(Some),
            None => Ok(None),
        }
    }

    /// As docker's client: any value counts, even `0`.
    fn tls(&self) -> Option<Tls> {
        let verify = self.variable("DOCKER_TLS_VERIFY").is_some();
        let folder = self.folder("DOCKER_CERT_PATH").or_else(|| self.docker_folder());
        (verify || self.variable("DOCKER_TLS").is_some()).then_some(Tls { folder: folder?, verify })
    }
}

fn usual(kind: EngineKind, path: PathBuf) -> Place {
    Place { kind, endpoint: Endpoint::Unix(path) }
}

fn endpoint(text: &str, tls: Option<Tls>, named_by: &str, kind: EngineKind) -> Result<Endpoint, DaemonError> {
    Endpoint::parse(text, tls).map_err(|unusable| {
        let (named_by, text) = (named_by.to_owned(), shown(text));
        match unusable {
            Unusable::Ssh => DaemonError::Ssh { named_by, host: text, program: kind.program() },
            Unusable::Other(reason) => DaemonError::Address { named_by, text, reason },
        }
    })
}

/// Docker keeps a context in a folder that is called by its name's digest.
fn context(folder: &Path, name: &str) -> Result<Endpoint, DaemonError> {
    let id = Sha256::of(name.as_bytes()).hex();
    let path = folder.join("meta").join(&id).join("meta.json");
    let file: ContextFile =
        read(&path).map_err(|source| DaemonError::Context { name: shown(name), path: path.clone(), source })?;
    let ContextEndpoint { host, skip_tls_verify } = file.endpoints.docker;
    let certificates = folder.join("tls").join(&id).join("docker");
    let tls = certificates.is_dir().then_some(Tls { folder: certificates, verify: !skip_tls_verify });
    endpoint(&host, tls, &format!("docker's context `{}`", shown(name)), EngineKind::Docker)
}

fn read<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    let mut text = Vec::new();
    fs::File::open(path)?.take(LIMIT).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

/// Fit for a message, and without a password.
fn shown(text: &str) -> String {
    let plain: String = text.chars().take(200).flat_map(char::escape_debug).collect();
    match plain.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?))) {
        Some((scheme, (who, host))) if who.contains(':') => format!("{scheme}://…@{host}"),
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(surroundings: &Surroundings, wanted: Option<EngineKind>) -> Vec<String> {
        match surroundings.places(wanted) {
            Ok(places) => places.iter().map(|place| format!("{} {}", place.kind.program(), place.endpoint)).collect(),
            Err(error) => vec![error.to_string()],
        }
    }

    #[test]
    fn sockets_are_where_they_usually_are() {
        let root = Path::new("/r");
        let surroundings = Surroundings::of(root, &[("XDG_RUNTIME_DIR", "/me"), ("HOME", "/nobody/home")]);
        let docker = [
            "docker unix:///r/var/run/docker.sock",
            "docker unix:///me/docker.sock",
            "docker unix:///nobody/home/.docker/run/docker.sock",
        ];
        let podman = ["podman unix:///me/podman/podman.sock", "podman unix:///r/run/podman/podman.sock"];
        assert_eq!(told(&surroundings, Some(EngineKind::Docker)), docker);
        assert_eq!(told(&surroundings, Some(EngineKind::Podman)), podman);
        assert_eq!(told(&surroundings, None), [&docker[..], &podman].concat());
        assert_eq!(told(&Surroundings::of(root, &[]), None).len(), 2);
    }

    #[test]
    fn who_names_a_daemon_means_it() {
        let root = Path::new("/r");
        let named = Surroundings::of(root, &[("DOCKER_HOST", "tcp://d:1"), ("CONTAINER_HOST", "unix:///p")]);
        assert_eq!(told(&named, None), ["docker tcp://d:1"]);
        assert_eq!(told(&named, Some(EngineKind::Podman)), ["podman unix:///p"]);
        let over_ssh = Surroundings::of(root, &[("DOCKER_HOST", "ssh://me:secret@there")]);
        assert_eq!(told(&over_ssh, None), ["DOCKER_HOST leads over ssh, to `ssh://…@there`"]);
        let odd = Surroundings::of(root, &[("CONTAINER_HOST", "nonsense")]);
        assert_eq!(told(&odd, None), ["CONTAINER_HOST says `nonsense`: it has no scheme"]);
        let tls = [("DOCKER_HOST", "tcp://d"), ("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", "/certs")];
        let places = Surroundings::of(root, &tls).places(None).unwrap();
        let expected = Some(Tls { folder: "/certs".into(), verify: true });
        assert!(
            matches!(&places[0].endpoint, Endpoint::Tcp { authority, tls } if *tls == expected && authority == "d:2376")
        );
    }

    #[test]
    fn docker_s_contexts_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        let id = Sha256::of(b"far").hex();
        let meta = folder.path().join("contexts/meta").join(&id);
        fs::create_dir_all(&meta).unwrap();
        let document =
            r#"{"Name":"far","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://far:9","SkipTLSVerify":true}}}"#;
        fs::write(meta.join("meta.json"), document).unwrap();
        fs::write(folder.path().join("config.json"), r#"{"currentContext":"far","auths":{}}"#).unwrap();
        let config = folder.path().to_str().unwrap();
        let with = |variables: &[(&'static str, &str)]| {
            Surroundings::of(Path::new("/r"), &[&[("DOCKER_CONFIG", config)], variables].concat())
        };
        assert_eq!(told(&with(&[]), None), ["docker tcp://far:9"]);
        assert_eq!(told(&with(&[("DOCKER_HOST", "unix:///d")]), None), ["docker unix:///d"]);
        assert_eq!(told(&with(&[("DOCKER_CONTEXT", "default")]), Some(EngineKind::Docker)).len(), 1);
        let missing = told(&with(&[("DOCKER_CONTEXT", "gone")]), None);
        assert!(missing[0].starts_with("can't read docker's context `gone` in "), "{missing:?}");
        fs::create_dir_all(folder.path().join("contexts/tls").join(&id).join("docker")).unwrap();
        let places = with(&[]).places(None).unwrap();
        assert!(matches!(&places[0].endpoint, Endpoint::Tcp { tls: Some(Tls { verify: false, .. }), .. }));
    }
}
