//! Looks for all that is wrong with a cache on disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{WriteError, index, narinfo_files, read_narinfo};
use crate::cache::error::Error;
use crate::cache::{CacheSet, CacheSpec, Location, Settings, Wanted};
use crate::nix::nar::NarReader;
use crate::nix::{NarInfo, PublicKey, StorePath, TrustError, Unsigned};
use crate::progress::{Progress, Silent};

/// What a check found.
#[derive(Debug)]
pub struct Checked {
    /// Paths that the cache has.
    pub paths: usize,
    /// Bytes of their NARs.
    pub nar_bytes: u64,
    /// All that is wrong, by file.
    pub findings: Vec<Finding>,
}

/// Something that is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Finding {
    /// The narinfo can't be read.
    #[error("{}: {}", .file.display(), chain(.fault))]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        fault: Box<WriteError>,
    },
    /// The narinfo stands under another path's name.
    #[error("{} describes {path}, which belongs into another file", .file.display())]
    Misplaced {
        /// The file.
        file: PathBuf,
        /// What it describes.
        path: StorePath,
    },
    /// The narinfo is not believed.
    #[error("{0}")]
    Untrusted(
        /// Why.
        TrustError,
    ),
    /// The content is missing or wrong.
    #[error("{0}")]
    Content(
        /// What is wrong.
        Error,
    ),
    /// A reference that the cache lacks.
    #[error("{path} refers to {reference}, which the cache lacks")]
    Dangling {
        /// The path that refers.
        path: StorePath,
        /// What it refers to.
        reference: StorePath,
    },
    /// The index is malformed.
    #[error("{}", chain(.0))]
    Index(
        /// What is wrong.
        Box<WriteError>,
    ),
    /// A name whose package the cache lacks.
    #[error("the index names {path} as `{attribute}`, which the cache lacks")]
    Unnamed {
        /// The attribute.
        attribute: String,
        /// The path, as written.
        path: String,
    },
}

/// Checks the cache in `folder`: each narinfo is well formed, signed by one of `keys` (any if there are none) or true by its
/// content; each NAR has its sizes and hashes and is well formed; references and names lead somewhere.
pub fn check(folder: &Path, keys: &[PublicKey], progress: &dyn Progress) -> Result<Checked, WriteError> {
    let mut checked = Checked { paths: 0, nar_bytes: 0, findings: Vec::new() };
    let mut narinfos = Vec::new();
    for file in narinfo_files(folder)? {
        match read_narinfo(&file) {
            Ok(Some(narinfo)) if is_named_for(&file, &narinfo.info.path) => narinfos.push(narinfo),
            Ok(Some(NarInfo { info, .. })) => checked.findings.push(Finding::Misplaced { file, path: info.path }),
            Ok(None) => {}
            Err(fault) => checked.findings.push(Finding::Unreadable { file, fault: Box::new(fault) }),
        }
    }
    let present: BTreeSet<&StorePath> = narinfos.iter().map(|narinfo| &narinfo.info.path).collect();
    let set = reader(folder)?;
    progress.begin("checking", Some(narinfos.iter().map(|narinfo| narinfo.info.nar_size).sum()));
    for narinfo in &narinfos {
        checked.paths += 1;
        checked.nar_bytes += narinfo.info.nar_size;
        checked.findings.extend(check_trust(narinfo, keys));
        checked.findings.extend(check_content(narinfo, &set, progress));
        let path = &narinfo.info.path;
        let missing = narinfo.info.references.iter().filter(|reference| !present.contains(reference));
        let dangling = missing.map(|reference| Finding::Dangling { path: path.clone(), reference: reference.clone() });
        checked.findings.extend(dangling);
    }
    checked.findings.extend(check_index(folder, &present));
    Ok(checked)
}

fn is_named_for(file: &Path, path: &StorePath) -> bool {
    file.file_stem().is_some_and(|stem| stem == path.hash_part())
}

fn check_trust(narinfo: &NarInfo, keys: &[PublicKey]) -> Option<Finding> {
    let addressed = narinfo.info.content_address.is_some();
    if keys.is_empty() && !addressed {
        return None;
    }
    let trusted = narinfo.info.trust(keys, (&narinfo.info.path).into(), Unsigned::AcceptContentAddressed);
    match trusted {
        // Without keys, nobody knows about those whose address is of a kind that says nothing here.
        Err(_) if keys.is_empty() && !narinfo.info.signatures.is_empty() => None,
        Err(fault) => Some(Finding::Untrusted(fault)),
        Ok(_) => None,
    }
}

fn check_content(narinfo: &NarInfo, set: &CacheSet, progress: &dyn Progress) -> Option<Finding> {
    let info = &narinfo.info;
    let trusted = info.trust(&[], (&info.path).into(), Unsigned::AcceptContentAddressed);
    let content_address = match trusted {
        Ok(crate::nix::Trust::ContentAddressed(address)) => Some(address),
        _ => None,
    };
    let wanted = Wanted {
        path: info.path.clone(),
        nar_hash: info.nar_hash,
        nar_size: info.nar_size,
        content_address,
        source: None,
    };
    let told = Advancing(progress);
    let outcome = set.fetch_nar(&wanted, &told, &mut |nar| {
        let mut reader = NarReader::new(nar);
        while reader.next_entry()?.is_some() {}
        Ok(())
    });
    outcome.err().map(Finding::Content)
}

fn check_index(folder: &Path, present: &BTreeSet<&StorePath>) -> Vec<Finding> {
    let lines = match index::of_folder(folder) {
        Ok(lines) => lines,
        Err(fault) => return vec![Finding::Index(Box::new(fault))],
    };
    let known: BTreeSet<String> = present.iter().map(ToString::to_string).collect();
    let mut findings = Vec::new();
    for line in &lines {
        for path in line.paths().filter(|path| !known.contains(*path)) {
            let attribute = line.attribute().to_owned();
            findings.push(Finding::Unnamed { attribute, path: path.chars().take(300).collect() });
        }
    }
    findings
}

/// A set that reads this folder and nothing else.
fn reader(folder: &Path) -> Result<CacheSet, WriteError> {
    let spec = CacheSpec {
        name: folder.display().to_string(),
        location: Location::Directory(folder.to_owned()),
        keys: Vec::new(),
        allow_unsigned: true,
        priority: None,
    };
    // A folder on disk remembers nothing and asks no network.
    Ok(CacheSet::open(vec![spec], Settings::new(true, PathBuf::new()))?)
}

/// Passes bytes on, not warnings: what is wrong is in the findings.
struct Advancing<'a>(&'a dyn Progress);

impl Progress for Advancing<'_> {
    fn begin(&self, stage: &str, total: Option<u64>) {
        Silent.begin(stage, total);
    }

    fn advance(&self, bytes: u64) {
        self.0.advance(bytes);
    }

    fn note(&self, message: &str) {
        Silent.note(message);
    }

    fn warn(&self, message: &str) {
        Silent.warn(message);
    }
}

/// An error and its causes in one line.
fn chain(fault: &dyn std::error::Error) -> String {
    let mut text = fault.to_string();
    let mut cause = fault.source();
    while let Some(fault) = cause {
        text = format!("{text}: {fault}");
        cause = fault.source();
    }
    text
}
