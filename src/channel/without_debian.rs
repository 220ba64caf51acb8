//! Debian archives where none is read: in a running machine. Their packages are the system's, and come with its image.

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;

use crate::cache::Http;
use crate::config::{Diagnostic, Machine, System};
use crate::deb::PackageName;
use crate::failure::{Class, Classified};
use crate::progress::Progress;

use super::answers::Faults;
use super::asking::Asking;
use super::error::Error;
use super::lock::{LockedArchive, LockedDeb, LockedRequest};
use super::wanted::{Ask, Wanted};

const REMEDY: &str = "add it to `packages` of system.toml, and build the image again";

/// No archive is asked here.
#[derive(Debug, thiserror::Error)]
#[error("channel `{channel}` is a Debian archive, whose packages only an image brings")]
pub struct ArchiveError {
    channel: String,
}

impl Classified for ArchiveError {
    fn class(&self) -> Class {
        Class::Usage
    }

    fn help(&self) -> Option<String> {
        Some(REMEDY.to_owned())
    }
}

/// What an archive would have: never made.
#[derive(Debug, Clone, Copy)]
pub enum Offer {}

/// The archives of a machine, none of which is open.
pub struct Archives<'a>(PhantomData<&'a Machine>);

impl<'a> Archives<'a> {
    /// As where archives are read.
    #[must_use]
    pub fn new(_machine: &'a Machine, _http: Arc<Http>, _state: PathBuf) -> Self {
        Self(PhantomData)
    }

    /// Always an error.
    pub fn offer(&self, channel: &str, _: &BTreeSet<System>, _: &dyn Progress) -> Result<Offer, ArchiveError> {
        Err(ArchiveError { channel: channel.to_owned() })
    }
}

/// What archives answered: nothing.
#[derive(Default)]
pub(super) struct DebAnswers {
    pub(super) requests: BTreeMap<(System, String), LockedRequest>,
    pub(super) debs: BTreeMap<(System, PackageName), LockedDeb>,
    pub(super) archives: BTreeMap<String, LockedArchive>,
}

impl Asking<'_> {
    /// Adds a finding to `faults` for each request of an archive.
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "as where archives are read")]
    pub(super) fn ask_archives(
        &self,
        asked: &[(System, Wanted<'_>)],
        faults: &mut Faults,
    ) -> Result<DebAnswers, Error> {
        for (_, wanted) in asked {
            if let Ask::Deb { channel, name, .. } = &wanted.ask {
                let message =
                    format!("`{name}` of channel `{channel}` is a Debian package, which only an image brings");
                faults.add(Diagnostic::error(message, wanted.place.cloned()).help(REMEDY), Class::Usage);
            }
        }
        Ok(DebAnswers::default())
    }
}
