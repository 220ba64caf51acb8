//! Who takes a package's two archives.

use std::io::{self, Read};

/// What helps where a package breaks the rules, whoever finds it out.
pub const REFUSED_HELP: &str =
    "do without this package, or take another version of it; who publishes the archive should know";

/// Takes the contents of a package as they stream by, decompressed: first what describes it, then its files.
///
/// Errors of kind [`io::ErrorKind::InvalidData`] say that the package is not what it should be; others that it could not be read, or
/// not be kept.
pub trait DebSink {
    /// The control archive, as tar. It need not be read to its end.
    fn control(&mut self, tar: &mut dyn Read) -> io::Result<()>;

    /// The archive of files, as tar. It need not be read to its end.
    fn data(&mut self, tar: &mut dyn Read) -> io::Result<()>;
}
