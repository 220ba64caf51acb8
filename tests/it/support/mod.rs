//! What integration tests build their worlds with.

pub(crate) mod clock;
pub(crate) mod clouds;
pub(crate) mod command;
pub(crate) mod debian;
pub(crate) mod fly_registry;
pub(crate) mod image;
pub(crate) mod listener;
pub(crate) mod nixos;
pub(crate) mod openpgp;
pub(crate) mod packages;
pub(crate) mod project;
pub(crate) mod proxy;
pub(crate) mod runtime;
pub(crate) mod s3;
pub(crate) mod server;
pub(crate) mod token_server;

use std::path::PathBuf;
use std::sync::Mutex;

use dumbc::progress::Progress;

/// Where the real test data lies, or `None`, said aloud, where it is absent.
pub(crate) fn shared(below: &str) -> Option<PathBuf> {
    let root = std::env::var_os("DUMBC_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")), PathBuf::from);
    let path = root.join(below);
    if path.exists() { Some(path) } else { skipped(&format!("{} is absent", path.display())) }
}

/// Says that a test is skipped, and why.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn skipped<T>(reason: &str) -> Option<T> {
    eprintln!("skipped: {reason}");
    None
}

/// Keeps what is told.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) warnings: Mutex<Vec<String>>,
    pub(crate) bytes: Mutex<u64>,
}

impl Progress for Told {
    fn begin(&self, _stage: &str, _total: Option<u64>) {}

    fn advance(&self, bytes: u64) {
        *self.bytes.lock().unwrap() += bytes;
    }

    fn note(&self, _message: &str) {}

    fn warn(&self, message: &str) {
        self.warnings.lock().unwrap().push(message.to_owned());
    }
}
