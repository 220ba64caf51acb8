//! Requests of a home to store paths: by the image where it has them, by the lock beside the user's file, else by the channels.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::RebuildError;
use super::machine::plan_machine;
use super::own_home::base_requests;
use crate::boot::{BootPlan, HomeBase};
use crate::channel::{Lock, LockedRequest, Sources, answer, request_key};
use crate::config::{Outputs, Request, RequestKind, System};
use crate::nix::{StorePath, split_version};
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
    /// Answers all requests; gives the lock that keeps those of the user's own, too, whoever answered them.
    pub fn answers(&self, requests: &[String], progress: &dyn Progress) -> Result<(Answers, Lock), RebuildError> {
        let default = self.plan.default_channel.as_deref();
        let system = System::from_name(&self.plan.system).unwrap_or(System::X86_64Linux);
        let of_base = base_requests(self.plan, self.base);
        let (mut answers, mut lock, mut asked) = (Answers::new(), Lock::default(), Vec::new());
        for text in requests {
            let of_image = self.of_image(text)?;
            if let Some(paths) = &of_image {
                answers.insert(text.clone(), paths.clone());
            }
            if of_image.is_some() && of_base.contains(text) {
                continue;
            }
            let request = Request::parse(text, None)?;
            let key = request_key(&request, default);
            if let Some(paths) = of_image {
                // What the user asks for, the next image may not have.
                lock.requests.insert((system, key), locked(&request, default, &paths));
                continue;
            }
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

/// An answer of the image's as the lock keeps it. Only its paths are ever used: outputs that the request doesn't name are called as
/// their paths are.
fn locked(request: &Request, default: Option<&str>, paths: &[StorePath]) -> LockedRequest {
    let (channel, named) = match &request.kind {
        RequestKind::Name { channel, outputs: Outputs::Named(names), .. } => {
            (channel.as_deref().or(default), names.as_slice())
        }
        RequestKind::Name { channel, .. } => (channel.as_deref().or(default), [].as_slice()),
        RequestKind::StorePath(_) | RequestKind::Local(_) => (None, [].as_slice()),
    };
    let whole = paths.first().map(|path| path.name().to_owned()).unwrap_or_default();
    let (name, version) = split_version(&whole);
    let called = |index: usize, path: &StorePath| {
        let rest = path.name().strip_prefix(&*whole).and_then(|rest| rest.strip_prefix('-'));
        named.get(index).map_or_else(|| rest.unwrap_or("out").to_owned(), Clone::clone)
    };
    LockedRequest {
        channel: channel.map(str::to_owned),
        name: name.to_owned(),
        version: version.map(str::to_owned),
        outputs: paths.iter().enumerate().map(|(index, path)| (called(index, path), path.clone())).collect(),
        deb: None,
        origin: None,
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
