//! Sending a blob until it is there: whole, or in parts that can be taken up again.

use super::super::super::Error;
use super::super::auth::Need;
use super::super::exchange::Task;
use super::super::retry::{Fault, Patience};
use super::super::{BlobSource, Repository};
use super::Begun;
use super::session::Session;
use super::source::Source;

/// Blobs up to here go in one request; larger ones in parts of this size, in bytes.
pub(super) const PART: u64 = 64 << 20;

/// Interruptions that one blob survives as long as each time something more arrived.
const INTERRUPTIONS: u32 = 200;

/// One blob on its way.
pub(super) struct Sending<'a> {
    repository: &'a Repository<'a>,
    task: Task,
    source: Source<'a>,
    /// Whether this registry takes parts.
    parts: bool,
    /// A connection broke while something was sent: the registry may have refused it, and shall say so before we send it again.
    expect: bool,
    reauthorised: bool,
    /// Most bytes that the registry has had of it.
    most: u64,
}

impl<'a> Sending<'a> {
    pub(super) fn new(
        repository: &'a Repository<'a>,
        task: Task,
        blob: &'a dyn BlobSource,
        heard: &'a (dyn Fn(u64) + Sync),
    ) -> Self {
        let source = Source::new(blob, heard);
        Self { repository, task, source, parts: true, expect: false, reauthorised: false, most: 0 }
    }

    /// Sends it by `session`, else by one of its own; bytes that went out.
    pub(super) fn run(mut self, mut session: Option<Session>) -> Result<u64, Error> {
        let repository = self.repository;
        let mut patience = Patience::new(&*repository.registry.settings.clock);
        for interruptions in 0.. {
            let mut current = match session.take() {
                Some(session) => session,
                None => self.begin()?,
            };
            let Err(fault) = self.go(&mut current) else { return Ok(self.source.sent()) };
            if self.most < current.offset {
                self.most = current.offset;
                patience.renew();
            }
            let fault = self.look_at(fault);
            let spoilt = matches!(fault, Fault::Temporary { error: Error::Garbled { .. }, .. });
            let given_up = interruptions >= INTERRUPTIONS && matches!(fault, Fault::Temporary { .. });
            let fault = if given_up { last(fault) } else { fault };
            if let Err(error) = repository.wait(&mut patience, fault) {
                repository.cancel(&self.task, &current);
                return Err(error);
            }
            if spoilt {
                repository.cancel(&self.task, &current);
                continue;
            }
            session = repository.resume(&self.task, &current, self.source.size());
            match &session {
                Some(session) if session.offset > self.most => {
                    self.most = session.offset;
                    patience.renew();
                }
                Some(_) => {}
                // The answer may be all that was lost.
                None if repository.has_blob_for(&self.source.digest(), Need::Push)? => return Ok(self.source.sent()),
                None => {}
            }
        }
        Ok(self.source.sent())
    }

    fn begin(&self) -> Result<Session, Error> {
        match self.repository.with_retries(|| self.repository.begin(&self.task, None))? {
            Begun::Session(session) => Ok(session),
            Begun::Mounted => Err(self.repository.malformed(&self.task, "it has a blob that was not sent")),
        }
    }

    /// All requests of one session, if nothing happens.
    fn go(&mut self, session: &mut Session) -> Result<(), Fault> {
        let size = self.source.size();
        let part = PART.max(session.minimum.unwrap_or(0));
        let large = size > PART || session.minimum.is_some();
        while self.parts && large && session.offset < size {
            let end = size.min(session.offset.saturating_add(part));
            self.repository.send_part(&self.task, session, &mut self.source, (end, self.expect))?;
            (self.expect, self.reauthorised) = (false, false);
        }
        self.repository.finish(&self.task, session, &mut self.source, self.expect)
    }

    /// What a fault means for the next try.
    fn look_at(&mut self, fault: Fault) -> Fault {
        match fault {
            Fault::Reauthorised if self.reauthorised => self.repository.unauthorized(true, String::new()).into(),
            Fault::Reauthorised => {
                self.reauthorised = true;
                fault
            }
            Fault::Temporary { error: Error::Interrupted { .. }, .. } => {
                self.expect = true;
                fault
            }
            // Some registries know no parts.
            Fault::Temporary { error: Error::Status { status: 400 | 404 | 416, .. }, .. }
            | Fault::Final(Error::Status { status: 405 | 411 | 501, .. })
                if self.parts && self.most == 0 =>
            {
                self.parts = false;
                match fault {
                    Fault::Final(error) => Fault::temporary(error),
                    other => other,
                }
            }
            other => other,
        }
    }
}

fn last(fault: Fault) -> Fault {
    match fault {
        Fault::Temporary { error, .. } => Fault::Final(error),
        other => other,
    }
}
