//! What a search needs of an index: a line a package, kept beside the index, so that a second search unpacks and checks nothing.
//!
//! Made of a verified index, and named by its digest: another index has another listing. What is installed is never taken from
//! here.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::super::kept::write_whole;
use super::Candidate;
use super::error::ArchiveError;
use super::index::Index;
use crate::progress::Progress;

/// Names the shape: another one is made anew.
const HEAD: &str = "packages 1";
/// Bytes of the largest listing: ten times Debian's.
const LARGEST: u64 = 128 << 20;

/// A package, as far as a search goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Bytes that it takes, as it says itself.
    pub installed_size: u64,
    /// The first line of its description.
    pub description: Option<String>,
}

impl From<Candidate> for Listed {
    fn from(candidate: Candidate) -> Self {
        let Candidate { name, version, installed_size, description, .. } = candidate;
        Self { name: name.to_string(), version: version.to_string(), installed_size, description }
    }
}

impl Index<'_> {
    /// The packages of the index: from its listing, else from itself. `is_trusted`: nobody else could have written listings.
    pub(super) fn listed(
        &self,
        channel: &str,
        state: &Path,
        is_trusted: bool,
        progress: &dyn Progress,
    ) -> Result<Vec<Listed>, ArchiveError> {
        let kept = state.join("listings").join(self.digest().hex());
        if let Some(listed) = Some(&kept).filter(|_| is_trusted).and_then(|kept| recall(kept)) {
            progress.advance(self.size());
            return Ok(listed);
        }
        let mut listed = Vec::new();
        self.read(channel, state, progress, &mut |candidate| listed.push(Listed::from(candidate)))?;
        // What can't be kept is made again.
        if let Err(fault) = keep(&kept, &listed) {
            tracing::debug!("{}: {fault}", kept.display());
        }
        Ok(listed)
    }
}

/// What is kept; `None`: nothing, or nothing whole.
fn recall(kept: &Path) -> Option<Vec<Listed>> {
    let mut text = String::new();
    File::open(kept).ok()?.take(LARGEST).read_to_string(&mut text).ok()?;
    let mut lines = text.lines();
    let count: usize = lines.next()?.strip_prefix(HEAD)?.trim().parse().ok()?;
    let listed = lines.map(package).collect::<Option<Vec<_>>>()?;
    (listed.len() == count).then_some(listed)
}

fn package(line: &str) -> Option<Listed> {
    let mut fields = line.splitn(4, '\t').map(str::to_owned);
    let (name, version, size) = (fields.next()?, fields.next()?, fields.next()?);
    let description = fields.next()?;
    let description = Some(description).filter(|text| !text.is_empty());
    Some(Listed { name, version, installed_size: size.parse().ok()?, description })
}

/// Names, versions and descriptions have no control characters, and so no line ends and tabs.
fn keep(kept: &Path, listed: &[Listed]) -> io::Result<()> {
    let mut text = format!("{HEAD} {}\n", listed.len());
    for Listed { name, version, installed_size, description } in listed {
        let description = description.as_deref().unwrap_or_default();
        writeln!(text, "{name}\t{version}\t{installed_size}\t{description}").map_err(io::Error::other)?;
    }
    write_whole(kept, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_kept_comes_back_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("below/listing");
        let listed = |name: &str, description: Option<&str>| Listed {
            name: name.to_owned(),
            version: "1:2.0~rc1-3+b1".to_owned(),
            installed_size: 1 << 40,
            description: description.map(str::to_owned),
        };
        let all = [listed("a", Some("Zeigt Bäume; \"all\"")), listed("b", None)];
        assert_eq!(recall(&kept), None);
        keep(&kept, &all).unwrap();
        assert_eq!(recall(&kept).as_deref(), Some(&all[..]));
        let text = fs::read_to_string(&kept).unwrap();
        for damaged in
            [&text[..text.len() - 30], "", "packages 2 0\n", "packages 1 1\na\tb\n", &text.replace("1 2", "1 3")]
        {
            fs::write(&kept, damaged).unwrap();
            assert_eq!(recall(&kept), None, "{damaged}");
        }
    }
}
