//! The stores that other programs' logins keep, in the order in which skopeo reads them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::registry::Error;

use super::auth_file::AuthFile;
use super::helper::Helper;
use super::key::servers;
use super::{CredentialSource, Credentials, CredentialsError, Variables, fly};

/// How long a helper may take, its user's answer included.
const PATIENCE: Duration = Duration::from_secs(60);

/// What `flyctl auth login` (for Fly's registry), `podman login` and `docker login` keep. Read when asked, never written.
#[derive(Debug, Clone)]
pub struct Stores {
    variables: Variables,
    patience: Duration,
}

impl Stores {
    /// Where this process's environment says.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::new(Variables::of_process())
    }

    /// Where `variables` say.
    #[must_use]
    pub fn new(variables: Variables) -> Self {
        Self { variables, patience: PATIENCE }
    }

    /// With helpers that may take as long.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Files that may hold credentials, the first to be asked first.
    fn places(&self) -> Vec<PathBuf> {
        let variable = |name| self.variables.path(name);
        let home = |below: &str| variable("HOME").map(|home| home.join(below));
        let per_user = || PathBuf::from(format!("/run/containers/{}", rustix::process::getuid().as_raw()));
        let runtime = || variable("XDG_RUNTIME_DIR").map_or_else(per_user, |folder| folder.join("containers"));
        let config = variable("XDG_CONFIG_HOME").or_else(|| home(".config"));
        let docker = variable("DOCKER_CONFIG").or_else(|| home(".docker"));
        let places = [
            Some(variable("REGISTRY_AUTH_FILE").unwrap_or_else(|| runtime().join("auth.json"))),
            config.map(|folder| folder.join("containers/auth.json")),
            docker.map(|folder| folder.join("config.json")),
        ];
        places.into_iter().flatten().collect()
    }

    /// What one file has.
    fn ask(&self, path: &Path, registry: &str, repository: &str) -> Result<Option<Credentials>, CredentialsError> {
        let Some(file) = AuthFile::read(path)? else { return Ok(None) };
        let malformed = |reason| CredentialsError::Malformed { path: path.to_owned(), reason };
        let own = file.login(registry, repository).map_err(malformed)?;
        let Some(name) = file.helper(registry, repository) else { return Ok(own) };
        let helper = Helper::new(name, path, &self.variables, self.patience)?;
        for server in servers(registry) {
            match helper.get(server) {
                Ok(None) => {}
                // A login that was written beside a helper of another machine serves all the same.
                Err(CredentialsError::NoHelper { .. }) if own.is_some() => return Ok(own),
                other => return other,
            }
        }
        Ok(own)
    }
}

impl Stores {
    /// What the first store that has something has.
    pub(super) fn look(&self, registry: &str, repository: &str) -> Result<Option<Credentials>, CredentialsError> {
        if let Some(found) = fly::find(registry, &self.variables)? {
            tracing::debug!("credentials for {registry} are flyctl's");
            return Ok(Some(found));
        }
        for path in self.places() {
            if let Some(found) = self.ask(&path, registry, repository)? {
                tracing::debug!("credentials for {registry} are from {}", path.display());
                return Ok(Some(found));
            }
        }
        tracing::debug!("no store has credentials for {registry}");
        Ok(None)
    }
}

impl CredentialSource for Stores {
    fn find(&self, registry: &str, repository: &str) -> Result<Option<Credentials>, Error> {
        let named = |source| Error::CredentialStore { registry: registry.to_owned(), source: Box::new(source) };
        self.look(registry, repository).map_err(named)
    }
}
