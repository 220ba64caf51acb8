//! One request until it is answered: redirects, credentials, retries, and what a refusal means.

use ureq::Body;
use ureq::http::{Method, Response};

use crate::cache::http::{Url, header};

use super::super::{Error, Secret};
use super::Repository;
use super::answer::{self, Said};
use super::auth::Need;
use super::retry::{Fault, Patience};
use super::transport::{Outgoing, place};

const REDIRECTS: usize = 10;

/// What is going on, for messages.
#[derive(Debug, Clone)]
pub(super) struct Task {
    /// `reading`, `pushing`
    pub(super) verb: &'static str,
    /// `blob sha256:…`, `manifest latest`
    pub(super) what: String,
    /// Bytes that are brought, where there are some.
    pub(super) size: u64,
}

impl Task {
    pub(super) fn new(verb: &'static str, what: String) -> Self {
        Self { verb, what, size: 0 }
    }

    fn is_push(&self) -> bool {
        self.verb == "pushing"
    }
}

impl Repository<'_> {
    /// `pushing blob sha256:… (registry/name)`
    pub(super) fn action(&self, task: &Task) -> String {
        format!("{} {} ({}/{})", task.verb, task.what, self.host_name, self.name)
    }

    /// What is asked for with a request that reads.
    pub(super) fn need(&self) -> Need<'static> {
        if self.push { Need::Push } else { Need::Pull }
    }

    /// `https://host/v2/<name>/<path>`
    pub(super) fn address(&self, path: &str) -> Result<Url, Fault> {
        let base = self.base()?;
        let joined = base.join(&format!("/v2/{}/{path}", self.name));
        Ok(joined.map_err(|_| Error::Host { host: self.host_name.clone() })?)
    }

    /// Tries until it succeeds, is final, or patience ends.
    pub(super) fn with_retries<T>(&self, mut attempt: impl FnMut() -> Result<T, Fault>) -> Result<T, Error> {
        self.check_online()?;
        let mut patience = Patience::new(&*self.registry.settings.clock);
        loop {
            match attempt() {
                Ok(value) => return Ok(value),
                Err(fault) => self.wait(&mut patience, fault)?,
            }
        }
    }

    /// Fails where the network may not be used, or where nobody answers.
    pub(super) fn check_online(&self) -> Result<(), Error> {
        if self.registry.settings.offline {
            return Err(Error::Offline { registry: self.host_name.clone() });
        }
        self.host.check_reachable()
    }

    /// Waits before the next try, or gives back the error that ends them.
    pub(super) fn wait(&self, patience: &mut Patience<'_>, fault: Fault) -> Result<(), Error> {
        patience.wait(fault, self.host.is_known()).inspect_err(|error| self.host.give_up(error))
    }

    /// One try: the request with what the registry wants to be shown, and redirects. Any status may come back but 401 and those
    /// worth another try.
    pub(super) fn exchange(
        &self,
        task: &Task,
        url: &Url,
        request: &mut Outgoing<'_>,
        need: Need<'_>,
    ) -> Result<(Response<Body>, Url), Fault> {
        let mut challenged = false;
        loop {
            let shown = if self.is_own(url)? { self.access.authorization(self, need)? } else { None };
            let (mut response, place) = self.follow(task, url, request, shown.as_ref())?;
            let status = response.status().as_u16();
            if status == 401 && place.same_origin(url) && !challenged && self.is_own(url)? {
                let headers = response.headers().clone();
                // Read to its end, so that the connection can be used again.
                let said = answer::said(&mut response);
                self.access
                    .challenged(self, &headers, shown.as_ref(), url)
                    .map_err(|fault| self.with_words(fault, said))?;
                if !request.is_repeatable() {
                    return Err(Fault::Reauthorised);
                }
                challenged = true;
                continue;
            }
            return match status {
                401 | 408 | 429 | 500..=599 => Err(self.refuse(task, response)),
                _ => Ok((response, place)),
            };
        }
    }

    /// Whether an address is the registry's own: nobody else is shown credentials.
    fn is_own(&self, url: &Url) -> Result<bool, Fault> {
        Ok(self.base()?.same_origin(url))
    }

    fn with_words(&self, fault: Fault, said: Said) -> Fault {
        match fault {
            Fault::Final(Error::Unauthorized { shown, .. }) => {
                Fault::Final(self.unauthorized(shown, self.access.redact(said.text)))
            }
            other => other,
        }
    }

    fn follow(
        &self,
        task: &Task,
        url: &Url,
        request: &mut Outgoing<'_>,
        shown: Option<&Secret>,
    ) -> Result<(Response<Body>, Url), Fault> {
        let mut current = url.clone();
        for _ in 0..=REDIRECTS {
            let authorization = shown.filter(|_| current.same_origin(url));
            let mut response = self.registry.transport.send(&current, request, authorization)?;
            self.host.note_answer();
            let status = response.status().as_u16();
            if !matches!(status, 301 | 302 | 303 | 307 | 308) {
                return Ok((response, current));
            }
            let reads = matches!(request.method, Method::GET | Method::HEAD);
            if !request.is_repeatable() || !(reads || matches!(status, 307 | 308)) {
                return Err(self
                    .misled(task, format!("{} redirects what can't be sent twice", place(&current)))
                    .into());
            }
            let next = self.location(task, &response, &current)?;
            let _ = answer::said(&mut response);
            current = next;
        }
        Err(self.misled(task, format!("{} redirects more than {REDIRECTS} times", place(url))).into())
    }

    /// Where an answer's `Location` leads; never from an encrypted connection to an open one.
    pub(super) fn location(&self, task: &Task, response: &Response<Body>, asked: &Url) -> Result<Url, Fault> {
        let text = header(response.headers(), "location");
        let text = text.ok_or_else(|| self.misled(task, "it names no place".to_owned()))?;
        let next = asked.join(text).map_err(|fault| self.misled(task, fault.reason.to_owned()))?;
        if next.is_secure() || !asked.is_secure() {
            return Ok(next);
        }
        if next.host() == asked.host() {
            // A registry behind a proxy that ends TLS, and that was not told so: it means itself.
            let query = next.query().map_or(String::new(), |query| format!("?{query}"));
            let own = asked.join(&format!("{}{query}", next.path()));
            return own.map_err(|fault| self.misled(task, fault.reason.to_owned()).into());
        }
        Err(self.misled(task, format!("{} is not encrypted", place(&next))).into())
    }

    fn misled(&self, task: &Task, reason: String) -> Error {
        Error::Redirect { action: self.action(task), reason }
    }

    pub(super) fn malformed(&self, task: &Task, reason: impl Into<String>) -> Error {
        Error::Malformed { action: self.action(task), reason: reason.into() }
    }

    /// `error` with the registry's words: a HEAD is refused without any, so that GET asks the same again. Where nothing better is said,
    /// `error` stays.
    pub(super) fn told_why(&self, error: Error, task: &Task, path: &str, need: Need<'_>) -> Error {
        if !error.is_mute() {
            return error;
        }
        let asked = self.address(path).and_then(|url| self.exchange(task, &url, &mut Outgoing::new(Method::GET), need));
        let fault = match asked {
            Ok((response, _)) if matches!(response.status().as_u16(), 400..=403) => self.refuse(task, response),
            Ok(_) => return error,
            Err(fault) => fault,
        };
        match fault {
            Fault::Final(told) if told.is_same_refusal(&error) => told,
            _ => error,
        }
    }

    /// What an answer without success means.
    pub(super) fn refuse(&self, task: &Task, mut response: Response<Body>) -> Fault {
        let status = response.status().as_u16();
        let after = answer::retry_after(&response, self.now());
        let insufficient =
            header(response.headers(), "www-authenticate").is_some_and(|text| text.contains("insufficient_scope"));
        let mut said = answer::said(&mut response);
        said.text = self.access.redact(std::mem::take(&mut said.text));
        let quota = status == 507 || says_quota(&said);
        let (registry, repository, text) = (self.host_name.clone(), self.name.clone(), said.text.clone());
        let shown = self.access.is_somebody();
        let error = match status {
            429 => Error::RateLimited { registry, after, said: text },
            _ if quota => Error::Quota { registry, repository, said: text },
            401 if !(insufficient && shown) => self.unauthorized(shown, text),
            401 | 403 => Error::Denied { registry, repository, push: task.is_push() || self.push, shown, said: text },
            404 if task.is_push() => Error::UnknownRepository { registry, repository, said: text },
            413 => Error::RefusedSize { registry, what: task.what.clone(), size: task.size, said: text },
            _ if said.has("TOOMANYREQUESTS") => Error::RateLimited { registry, after, said: text },
            _ if said.has("NAME_UNKNOWN") => Error::UnknownRepository { registry, repository, said: text },
            _ if said.has("DENIED") => Error::Denied { registry, repository, push: task.is_push(), shown, said: text },
            400 if said.has("DIGEST_INVALID") => Error::Garbled { registry, what: task.what.clone(), said: text },
            _ => Error::Status { action: self.action(task), status, said: text },
        };
        match status {
            408 | 429 | 500..=599 if !quota => Fault::Temporary { error, after, connecting: false },
            _ if matches!(error, Error::Garbled { .. }) => Fault::temporary(error),
            _ => Fault::Final(error),
        }
    }
}

fn says_quota(said: &Said) -> bool {
    let text = said.text.to_ascii_lowercase();
    text.contains("quota") || text.contains("insufficient storage") || text.contains("no space left")
}
