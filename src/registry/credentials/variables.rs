//! The environment, as far as it says who one is.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Variables of the environment. Its `Debug` shows none.
#[derive(Clone)]
pub struct Variables(Arc<Lookup>);

/// A variable's value, by its name.
type Lookup = dyn Fn(&str) -> Option<OsString> + Send + Sync;

impl Variables {
    /// Those of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self::new(|name| std::env::var_os(name))
    }

    /// Those that a function knows.
    #[must_use]
    pub fn new(variable: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static) -> Self {
        Self(Arc::new(variable))
    }

    /// A path; empty is as good as unset.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.0(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// A text without the space around it; empty is as good as unset, and so is what is no text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let value = self.0(name)?.into_string().ok()?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Variables")
    }
}
