//! The services that names of nixpkgs come from: all addresses in one place.

use std::env;

use crate::cache::http::{ParseUrlError, Url};

/// Where the services are. Each may be another one's, for mirrors and for tests; so may the binary cache that a release
/// implies (`DUMBC_NIXOS_CACHE`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    /// Redirects a channel's name to its newest release: `DUMBC_NIXOS_CHANNELS`.
    pub channels: Url,
    /// Folders of releases: `DUMBC_NIXOS_RELEASES`.
    pub releases: Url,
    /// Lists the folders of releases, as S3 does: `DUMBC_NIXOS_LISTING`.
    pub listing: Url,
    /// Tells which store paths a job of an evaluation made: `DUMBC_HYDRA`.
    pub hydra: Url,
    /// Tells which revision had which version of a package: `DUMBC_NIX_SEARCH`.
    pub search: Url,
}

/// A variable of the environment that holds no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the variable {variable}: {fault}")]
pub struct HostError {
    /// Its name.
    pub variable: &'static str,
    /// What is wrong with its value.
    pub fault: ParseUrlError,
}

impl Hosts {
    /// The public services, but for those that the environment names.
    pub fn from_environment() -> Result<Self, HostError> {
        Self::find(&|variable| env::var(variable).ok())
    }

    fn find(variable: &dyn Fn(&'static str) -> Option<String>) -> Result<Self, HostError> {
        let host = |name: &'static str, public: &str| {
            let text = variable(name).filter(|text| !text.is_empty());
            let url: Result<Url, _> = text.as_deref().unwrap_or(public).parse();
            url.map(|url| url.as_directory()).map_err(|fault| HostError { variable: name, fault })
        };
        Ok(Self {
            channels: host("DUMBC_NIXOS_CHANNELS", "https://channels.nixos.org")?,
            releases: host("DUMBC_NIXOS_RELEASES", "https://releases.nixos.org")?,
            listing: host("DUMBC_NIXOS_LISTING", "https://nix-releases.s3.amazonaws.com")?,
            hydra: host("DUMBC_HYDRA", "https://hydra.nixos.org")?,
            search: host("DUMBC_NIX_SEARCH", "https://www.nixsearch.com")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_other_hosts() {
        let public = Hosts::find(&|_| None).unwrap();
        assert_eq!(public.hydra.to_string(), "https://hydra.nixos.org/");
        let ours = |name| (name == "DUMBC_HYDRA").then(|| "http://127.0.0.1:1/hydra".to_owned());
        let other = Hosts::find(&ours).unwrap();
        assert_eq!(other.hydra.to_string(), "http://127.0.0.1:1/hydra/");
        assert_eq!(other.search, public.search);
        assert_eq!(Hosts::find(&|_| Some("ftp://x".to_owned())).unwrap_err().variable, "DUMBC_NIXOS_CHANNELS");
    }
}
