//! Putting blobs: skipped where they are, mounted where another repository has them, sent else.

mod sending;
mod session;
mod source;

use ureq::http::Method;

use crate::cache::http::header;

use super::super::Error;
use super::auth::Need;
use super::exchange::Task;
use super::retry::Fault;
use super::transport::{Outgoing, Payload};
use super::{BlobSource, Repository, Uploaded, answer};
use sending::Sending;
use session::Session;

/// So many repositories are tried to mount a blob from.
const MOUNTS: usize = 3;

/// What came of asking for an upload.
enum Begun {
    /// The registry took the blob from the other repository.
    Mounted,
    /// It wants the bytes.
    Session(Session),
}

impl Repository<'_> {
    /// Puts a blob: skips it where it is there, mounts it from one of `from` (repositories of this registry), else sends it.
    /// `sent` hears how many bytes more went out, repeated ones included.
    pub fn upload(
        &self,
        blob: &dyn BlobSource,
        from: &[String],
        sent: &(dyn Fn(u64) + Sync),
    ) -> Result<Uploaded, Error> {
        let digest = blob.digest();
        if self.has_blob_for(&digest, Need::Push)? {
            return Ok(Uploaded::Skipped);
        }
        let task = Task { verb: "pushing", what: format!("blob {}", digest.oci()), size: blob.size() };
        let mut session: Option<Session> = None;
        for other in from.iter().filter(|other| **other != self.name).take(MOUNTS) {
            match self.with_retries(|| self.begin(&task, Some((&digest.oci(), other)))) {
                Ok(Begun::Mounted) => {
                    session.iter().for_each(|session| self.cancel(&task, session));
                    return Ok(Uploaded::Mounted(other.clone()));
                }
                Ok(Begun::Session(new)) => {
                    let former = session.replace(new);
                    former.iter().for_each(|session| self.cancel(&task, session));
                }
                Err(error) if is_about_other(&error) => tracing::debug!("{other} is not mounted from: {error}"),
                Err(error) => return Err(error),
            }
        }
        Sending::new(self, task, blob, sent).run(session).map(Uploaded::Sent)
    }

    /// Asks for an upload: of a blob that another repository may have, or of whatever will be sent.
    fn begin(&self, task: &Task, mount: Option<(&str, &str)>) -> Result<Begun, Fault> {
        let (path, need) = match mount {
            Some((digest, from)) => {
                let pairs = [("mount", digest.to_owned()), ("from", from.to_owned())];
                (format!("blobs/uploads/?{}", answer::encode_form(&pairs)), Need::Mount(from))
            }
            None => ("blobs/uploads/".to_owned(), Need::Push),
        };
        let url = self.address(&path)?;
        let mut request = Outgoing::new(Method::POST).payload(Payload::Bytes(&[]));
        let (mut response, place) = self.exchange(task, &url, &mut request, need)?;
        match response.status().as_u16() {
            201 if mount.is_some() => {
                let said = header(response.headers(), "docker-content-digest").map(str::to_owned);
                let _ = answer::said(&mut response);
                self.check_said(task, said.as_deref(), mount.map_or("", |(digest, _)| digest))?;
                Ok(Begun::Mounted)
            }
            202 => {
                let location = self.location(task, &response, &place)?;
                let minimum = header(response.headers(), "oci-chunk-min-length").and_then(|digits| digits.parse().ok());
                let _ = answer::said(&mut response);
                Ok(Begun::Session(Session { location, offset: 0, minimum }))
            }
            _ => Err(self.refuse(task, response)),
        }
    }

    /// The digest that the registry says a blob has must be ours.
    fn check_said(&self, task: &Task, said: Option<&str>, expected: &str) -> Result<(), Error> {
        let Some(said) = said.map(str::trim).filter(|said| *said != expected) else { return Ok(()) };
        let (registry, what, expected) = (self.host_name.clone(), task.what.clone(), expected.to_owned());
        Err(Error::Digest { registry, what, expected, found: answer::printable(said, 100) })
    }
}

/// Whether an error may be the other repository's, and the blob can be sent all the same.
fn is_about_other(error: &Error) -> bool {
    match error {
        Error::Unauthorized { .. } | Error::Denied { .. } | Error::UnknownRepository { .. } => true,
        Error::Status { status, .. } => (400..500).contains(status),
        _ => false,
    }
}
