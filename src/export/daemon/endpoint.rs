//! Addresses of daemons: a socket's file, or a host with a port.

use std::fmt;
use std::path::{Path, PathBuf};

/// Ports that docker uses where an address has none.
const PORT: u16 = 2375;
const TLS_PORT: u16 = 2376;

/// Where a daemon listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    Unix(PathBuf),
    Tcp {
        /// `host:port`
        authority: String,
        tls: Option<Tls>,
    },
}

/// How an encrypted connection is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tls {
    /// A folder with `ca.pem`, `cert.pem` and `key.pem`.
    pub(super) folder: PathBuf,
    /// Whether the daemon's certificate must be one that `ca.pem` vouches for.
    pub(super) verify: bool,
}

/// Why an address leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unusable {
    Ssh,
    Other(&'static str),
}

impl Endpoint {
    /// Of `unix:///path`, `tcp://host:port` or what else tools take for that. `tls` counts where it is no socket's file.
    pub(super) fn parse(text: &str, tls: Option<Tls>) -> Result<Self, Unusable> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(Unusable::Other("it has no scheme"));
        };
        match scheme {
            "unix" if Path::new(rest).is_absolute() => Ok(Self::Unix(rest.into())),
            "unix" => Err(Unusable::Other("a socket is named by its whole path")),
            "tcp" | "http" | "https" => Ok(Self::Tcp { authority: authority(rest, tls.is_some())?, tls }),
            "ssh" => Err(Unusable::Ssh),
            _ => Err(Unusable::Other("its scheme is neither unix nor tcp")),
        }
    }
}

fn authority(rest: &str, secure: bool) -> Result<String, Unusable> {
    let rest = rest.trim_end_matches('/');
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    if rest.is_empty() || !rest.bytes().all(is_plain) {
        return Err(Unusable::Other("what follows the scheme is no host with a port"));
    }
    let after_host = rest.rsplit(']').next().unwrap_or(rest);
    let port = if secure { TLS_PORT } else { PORT };
    Ok(if after_host.contains(':') { rest.to_owned() } else { format!("{rest}:{port}") })
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(formatter, "unix://{}", path.display()),
            Self::Tcp { authority, .. } => write!(formatter, "tcp://{authority}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_sockets_or_hosts() {
        let shown = |text: &str, secure: bool| {
            let tls = secure.then(|| Tls { folder: "/certs".into(), verify: true });
            Endpoint::parse(text, tls).map(|endpoint| endpoint.to_string())
        };
        for (text, secure, expected) in [
            ("unix:///run/d.sock", false, "unix:///run/d.sock"),
            ("unix:///run/d.sock", true, "unix:///run/d.sock"),
            ("tcp://host:1234", true, "tcp://host:1234"),
            ("tcp://host", false, "tcp://host:2375"),
            ("tcp://host/", true, "tcp://host:2376"),
            ("tcp://[::1]", false, "tcp://[::1]:2375"),
            ("http://10.0.0.1:5", false, "tcp://10.0.0.1:5"),
        ] {
            assert_eq!(shown(text, secure).as_deref(), Ok(expected));
        }
        assert_eq!(shown("ssh://me@there", false), Err(Unusable::Ssh));
        for text in
            ["", "host:1", "unix://relative", "npipe:////./pipe/x", "fd://", "tcp://", "tcp://a b", "tcp://a/b?c"]
        {
            assert!(matches!(shown(text, false), Err(Unusable::Other(_))), "{text}");
        }
    }
}
