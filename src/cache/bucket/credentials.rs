//! Who one is to a cloud: asked once, and again when it has run out.

use std::sync::{Mutex, MutexGuard, PoisonError};

use reqsign_core::SigningCredential;

use super::super::http::HttpError;

/// What is known of who one is.
enum Known<C> {
    Unasked,
    Nobody,
    Somebody(C),
}

/// Who one is. Shows nothing.
pub(super) struct Credentials<C>(Mutex<Known<C>>);

/// Asks the world who one is; `None` for nobody.
pub(super) type Ask<'a, C> = &'a dyn Fn() -> Result<Option<C>, HttpError>;

impl<C: SigningCredential + Clone> Credentials<C> {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Known::Unasked))
    }

    /// What to sign with now; `None` for nobody.
    pub(super) fn current(&self, ask: Ask<'_, C>) -> Result<Option<C>, HttpError> {
        let mut known = self.lock();
        match &*known {
            Known::Somebody(credential) if credential.is_valid() => return Ok(Some(credential.clone())),
            Known::Nobody => return Ok(None),
            _ => {}
        }
        let found = ask()?;
        *known = found.clone().map_or(Known::Nobody, Known::Somebody);
        Ok(found)
    }

    /// Asks again, since a server says that what was used has run out. Whether there is something else now.
    pub(super) fn renew(&self, ask: Ask<'_, C>, same: fn(&C, &C) -> bool) -> Result<bool, HttpError> {
        let mut known = self.lock();
        let Some(found) = ask()? else { return Ok(false) };
        let renewed = !matches!(&*known, Known::Somebody(old) if same(old, &found));
        *known = Known::Somebody(found);
        Ok(renewed)
    }

    /// Whether requests are not signed at all.
    pub(super) fn is_nobody(&self) -> bool {
        matches!(*self.lock(), Known::Nobody)
    }

    fn lock(&self) -> MutexGuard<'_, Known<C>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
