//! Why a daemon gets no image.

use std::io;
use std::path::PathBuf;

use crate::failure::{Class, Classified};

/// Why a daemon gets no image.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Nobody listens where daemons usually do, or where the user says that one is.
    #[error("no daemon answers: {}", .tried.join("; "))]
    NoneAnswers {
        /// Each place, with the reason.
        tried: Vec<String>,
    },
    /// What names the daemon is nothing that can be connected to.
    #[error("{named_by} says `{text}`: {reason}")]
    Address {
        /// `DOCKER_HOST`, or a context in words.
        named_by: String,
        /// What it says.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A daemon on another machine, which only its own client reaches.
    #[error("{named_by} leads over ssh, to `{host}`")]
    Ssh {
        /// `DOCKER_HOST`, …
        named_by: String,
        /// `ssh://somebody@somewhere`
        host: String,
        /// `docker` or `podman`
        program: &'static str,
    },
    /// A docker context that can't be read.
    #[error("can't read docker's context `{name}` in {path}")]
    Context {
        /// Its name.
        name: String,
        /// Its file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of certificates or keys.
    #[error("can't use {path} for the connection to the daemon")]
    Certificates {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The connection broke.
    #[error("{daemon}: {action} broke off")]
    Lost {
        /// `docker at unix:///…`
        daemon: String,
        /// `loading the image`
        action: &'static str,
        /// Why.
        source: io::Error,
    },
    /// An answer without success, or a failure in the middle of one.
    #[error("{daemon}: {action} failed: {said}")]
    Refused {
        /// `docker at unix:///…`
        daemon: String,
        /// `loading the image`
        action: &'static str,
        /// The daemon's words.
        said: String,
    },
    /// An answer that makes no sense.
    #[error("{daemon}: the answer to {action} makes no sense: {reason}")]
    Malformed {
        /// `docker at unix:///…`
        daemon: String,
        /// `loading the image`
        action: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// It has taken the image, and has another one under its name.
    #[error("{daemon} took the image, but what it calls `{name}` is {found}, not {expected}")]
    OtherImage {
        /// `docker at unix:///…`
        daemon: String,
        /// `name:tag`
        name: String,
        /// `nothing`, or an ID.
        found: String,
        /// The image's ID.
        expected: String,
    },
}

impl Classified for DaemonError {
    fn class(&self) -> Class {
        match self {
            Self::NoneAnswers { .. } | Self::Lost { .. } | Self::Malformed { .. } => Class::Network,
            Self::Address { .. } | Self::Ssh { .. } | Self::Context { .. } | Self::Certificates { .. } => Class::Usage,
            Self::Refused { .. } => Class::Other,
            Self::OtherImage { .. } => Class::Differs,
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::NoneAnswers { tried } if tried.iter().any(|one| one.contains("ermission denied")) => {
                "the socket belongs to others: become a member of its group, or use a daemon of your own".to_owned()
            }
            Self::NoneAnswers { .. } => {
                "start docker, or `systemctl --user start podman.socket`; DOCKER_HOST and CONTAINER_HOST say where else a \
                 daemon is. Podman needs none: `dumbc build -o - | podman load`"
                    .to_owned()
            }
            Self::Address { .. } => "give unix:///path/to/socket or tcp://host:port".to_owned(),
            Self::Ssh { host, program: "podman", .. } => {
                format!("let podman bring it there: `dumbc build -o - | podman --url {host} load`")
            }
            Self::Ssh { host, .. } => format!("let docker bring it there: `dumbc build -o - | docker -H {host} load`"),
            Self::Context { .. } => "`docker context ls` lists contexts; DOCKER_HOST overrides them".to_owned(),
            Self::Certificates { .. } => {
                "DOCKER_CERT_PATH is a folder with ca.pem, and with cert.pem and key.pem where the daemon wants to know \
                 who you are"
                    .to_owned()
            }
            Self::Refused { said, .. } if said.contains("no space left") => {
                "make room where the daemon keeps images: `docker system df` tells what takes it".to_owned()
            }
            Self::Lost { .. } | Self::Refused { .. } => return None,
            Self::Malformed { .. } => "is it docker's or podman's socket?".to_owned(),
            Self::OtherImage { .. } => "somebody else may be loading or removing images: try again".to_owned(),
        })
    }
}
