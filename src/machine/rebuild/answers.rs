//! Requests of a home to store paths: by the image where it has them, by the lock beside the user's file, else by the channels.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::RebuildError;
use super::machine::plan_machine;
use crate::boot::{BootPlan, HomeBase};
use crate::channel::{Lock, LockedRequest, Sources, answer, request_key};
use crate::config::{Request, RequestKind, System};
use crate::nix::StorePath;
use crate::progress::Progress;

/// Store paths by the request's text, the first the one that `${pkgs.NAME}` stands for.
pub type Answers = BTreeMap<String, Vec<StorePath>>;

/// What is asked again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Update {
    /// Nothing that has an answer.
    #[default]
    Nothing,
    /// These requests, by their text or their name; all where none is named.
    Named(Vec<String>),
}

/// What answers are made of.
pub struct Asking<'a> {
    /// The machine.
    pub plan: &'a BootPlan,
    /// What the image has answered.
    pub base: &'a HomeBase,
    /// What was answered here before.
    pub lock: &'a Lock,
    /// Whom to ask.
    pub sources: &'a dyn Sources,
    /// Ask nobody.
    pub offline: bool,
    /// What to ask again.
    pub update: &'a Update,
}

impl Asking<'_> {
    /// Answers all requests; gives the lock that keeps those which are not the image's, too.
    pub fn answers(&self, requests: &[String], progress: &dyn Progress) -> Result<(Answers, Lock), RebuildError> {
        let default = self.plan.default_channel.as_deref();
        let system = System::from_name(&self.plan.system).unwrap_or(System::X86_64Linux);
        let (mut answers, mut lock, mut asked) = (Answers::new(), Lock::default(), Vec::new());
        for text in requests {
            if let Some(paths) = self.of_image(text)? {
                answers.insert(text.clone(), paths);
                continue;
            }
            let request = Request::parse(text, None)?;
            let key = request_key(&request, default);
            match self.lock.requests.get(&(system, key.clone())).filter(|_| !self.is_updated(&request)) {
                Some(kept) => {
                    answers.insert(text.clone(), outputs(kept));
                    lock.requests.insert((system, key), kept.clone());
                }
                None => asked.push((text, key, self.check(request)?)),
            }
        }
        if self.offline && !asked.is_empty() {
            return Err(RebuildError::Offline(asked.into_iter().map(|(text, _, _)| text.clone()).collect()));
        }
        let wanted: Vec<Request> = asked.iter().map(|(_, _, request)| request.clone()).collect();
        let found = if wanted.is_empty() {
            BTreeMap::new()
        } else {
            answer(&plan_machine(self.plan), &wanted, system, self.sources, progress)?
        };
        for (text, key, _) in asked {
            if let Some(answer) = found.get(&(system, key.clone())) {
                answers.insert(text.clone(), outputs(answer));
                lock.requests.insert((system, key), answer.clone());
            }
        }
        Ok((answers, lock))
    }

    fn of_image(&self, text: &str) -> Result<Option<Vec<StorePath>>, RebuildError> {
        let Some(paths) = self.base.packages.get(text) else { return Ok(None) };
        let parsed: Result<Vec<StorePath>, _> = paths.iter().map(|path| path.parse()).collect();
        let damaged = |error: crate::nix::ParseStorePathError| RebuildError::Damaged {
            path: crate::boot::HOMES_PATH.into(),
            reason: error.to_string(),
        };
        parsed.map(Some).map_err(damaged)
    }

    fn is_updated(&self, request: &Request) -> bool {
        let Update::Named(names) = self.update else { return false };
        let is_called = |name: &String| match &request.kind {
            RequestKind::Name { attribute, .. } => name == attribute || *name == request.text,
            _ => *name == request.text,
        };
        names.is_empty() || names.iter().any(is_called)
    }

    /// Refuses what no channel of the machine can answer inside of it.
    fn check(&self, request: Request) -> Result<Request, RebuildError> {
        if let RequestKind::Name { channel, .. } = &request.kind {
            let name = channel.as_ref().or(self.plan.default_channel.as_ref());
            match name.and_then(|name| self.plan.channels.get(name)) {
                None => return Err(RebuildError::NoChannel(request.text)),
                Some(channel) if channel.debian => return Err(RebuildError::Debian(request.text)),
                Some(_) => {}
            }
        }
        Ok(request)
    }
}

fn outputs(answer: &LockedRequest) -> Vec<StorePath> {
    answer.outputs.iter().map(|(_, path)| path.clone()).collect()
}

/// Reads the lock beside the user's file. One that can't be read is as good as none: its answers are asked again.
#[must_use]
pub fn read_lock(path: &Path, progress: &dyn Progress) -> Lock {
    match Lock::read(path) {
        Ok(lock) => lock.unwrap_or_default(),
        Err(error) => {
            progress.warn(&format!("{}: {error}; asking again", path.display()));
            Lock::default()
        }
    }
}
