//! Why an image can't be written.

use std::io;
use std::path::PathBuf;

use oci_spec::OciSpecError;

use crate::failure::{Class, Classified};
use crate::image::codec::Codec;
use crate::store;

use super::{DaemonError, Format, PushError};

/// Why an image can't be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Docker's part of an archive holds one system.
    #[error("`{0}` holds an image of one system, and there are {1}")]
    SeveralSystems(Format, usize),
    /// Docker can't read it.
    #[error("`{format}` can't be compressed with {codec}: Docker reads gzip or plain archives only")]
    Compression {
        /// What was to be written.
        format: Format,
        /// How.
        codec: Codec,
    },
    /// Docker's manifest has no name for layers that a base image, or `--compression`, has compressed with zstd.
    #[error("Docker's manifest can't name layers that are compressed with zstd")]
    DockerZstd,
    /// A folder can't go to stdout.
    #[error("`oci-dir` is a folder and can't go to stdout")]
    DirectoryToStdout,
    /// What is at the target is not ours to write to.
    #[error("`{0}` exists and is no OCI layout")]
    NotALayout(PathBuf),
    /// The disk refuses.
    #[error("can't write {path}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// To a registry.
    #[error(transparent)]
    Push(#[from] PushError),
    /// Into a daemon.
    #[error(transparent)]
    Daemon(#[from] DaemonError),
    /// From the store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A document that can't be.
    #[error(transparent)]
    Document(#[from] OciSpecError),
    /// Writing to a stream failed.
    #[error(transparent)]
    Stream(#[from] io::Error),
}

impl Classified for Error {
    fn class(&self) -> Class {
        match self {
            Self::SeveralSystems(..)
            | Self::Compression { .. }
            | Self::DockerZstd
            | Self::DirectoryToStdout
            | Self::NotALayout(_) => Class::Usage,
            Self::Push(error) => error.class(),
            Self::Daemon(error) => error.class(),
            Self::Store(error) => error.class(),
            _ => Class::Other,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::SeveralSystems(..) => {
                Some("choose one with `--system`, or `--format oci-archive` or `oci-dir` for all".to_owned())
            }
            Self::Compression { .. } => Some("use `--format oci-archive` or `oci-dir` for zstd".to_owned()),
            Self::DockerZstd => Some("use OCI's form, gzip, or a base image whose layers are gzipped".to_owned()),
            Self::DirectoryToStdout => Some("use `--format oci-archive`".to_owned()),
            Self::NotALayout(_) => Some("name another folder with `-o`".to_owned()),
            Self::Push(error) => error.help(),
            Self::Daemon(error) => error.help(),
            Self::Store(error) => error.help(),
            _ => None,
        }
    }
}
