//! Which packages `${pkgs.NAME}` may name, before any of them is there.

use crate::config::{self, Machine, Request, RequestKind, nearest, requests_named};
use crate::nix::StorePath;

use super::stand_in;

/// What a home finds requested around it.
#[derive(Debug, Clone, Default)]
pub struct Names<'a> {
    /// What the system requests, and for users' own files what the image's home does.
    pub requested: Vec<Request>,
    /// Where plain names come from.
    pub default_channel: Option<&'a str>,
    /// The default channel is a Debian archive: programs bring no packages of their own accord.
    pub debian_default: bool,
}

impl<'a> Names<'a> {
    /// Those of the project's files. Debian's packages have no folder that a text could name.
    pub(super) fn of_machine(machine: &'a Machine) -> Self {
        let default_channel = machine.default_channel.as_deref();
        let is_debian = |name: Option<&str>| {
            let channel = name.and_then(|name| machine.channels.get(name));
            channel.is_some_and(|channel| matches!(channel.names, config::Names::Debian(_)))
        };
        let has_folder = |request: &&Request| match &request.kind {
            RequestKind::Name { channel, .. } => !is_debian(channel.as_deref().or(default_channel)),
            RequestKind::StorePath(_) | RequestKind::Local(_) => false,
        };
        let requested = machine.packages.iter().filter(has_folder).cloned().collect();
        Self { requested, default_channel, debian_default: is_debian(default_channel) }
    }

    /// These, and what the home itself requests.
    pub(super) fn with(&self, texts: &[String]) -> Vec<Request> {
        let own = texts.iter().filter_map(|text| Request::parse(text, None).ok());
        self.requested.iter().cloned().chain(own).collect()
    }

    /// A stand-in for the path of a package that `requests` name; else the name that may have been meant.
    pub(super) fn look_up(&self, name: &str, requests: &[Request]) -> Result<StorePath, Option<String>> {
        let all: Vec<&Request> = requests.iter().collect();
        if !requests_named(name, &all, self.default_channel).is_empty() {
            return Ok(stand_in(name));
        }
        let known = requests.iter().filter_map(|request| match &request.kind {
            RequestKind::Name { attribute, .. } => Some(attribute.as_str()),
            RequestKind::StorePath(_) | RequestKind::Local(_) => None,
        });
        Err(nearest(name, known).map(str::to_owned))
    }
}
