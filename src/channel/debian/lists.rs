//! apt's lists of archives, its settings, and its credentials, as they lie on this machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::apt_conf::{AptConf, Credentials};
use super::error::ArchiveError;
use crate::deb::{AptSource, parse_deb822, parse_one_line};

/// What apt knows, as far as it concerns archives.
pub(super) struct Lists {
    /// Its settings.
    pub(super) conf: AptConf,
    /// Who may ask for what.
    pub(super) credentials: Credentials,
}

/// The settings of `apt-config`, which is found on the `PATH` and honours `APT_CONFIG`. `Err` says why there are none.
pub(super) fn ask_apt() -> Result<AptConf, String> {
    let answer = Command::new("apt-config").arg("dump").output();
    let answer = answer.map_err(|fault| format!("apt-config: {fault}"))?;
    if !answer.status.success() {
        return Err(format!("apt-config: {}", answer.status));
    }
    Ok(AptConf::parse(&String::from_utf8_lossy(&answer.stdout)))
}

impl Lists {
    /// apt as `conf` has it.
    pub(super) fn new(conf: AptConf) -> Result<Self, ArchiveError> {
        let mut credentials = Credentials::default();
        for path in files(&conf, "Dir::Etc::netrc", "Dir::Etc::netrcparts", &["conf"])? {
            // They are often for root alone; the archive says if it wants some.
            match fs::read_to_string(&path) {
                Ok(text) => credentials.add(&text),
                Err(fault) => tracing::debug!("cannot read {}: {fault}", path.display()),
            }
        }
        Ok(Self { conf, credentials })
    }

    /// Whether expired archives are refused, where a source does not say otherwise.
    pub(super) fn checks_valid_until(&self) -> bool {
        !self.conf.is_off("Acquire::Check-Valid-Until")
    }

    /// All archives of all lists, in the order that apt reads them.
    pub(super) fn sources(&self) -> Result<Vec<AptSource>, ArchiveError> {
        let mut sources = Vec::new();
        for path in files(&self.conf, "Dir::Etc::sourcelist", "Dir::Etc::sourceparts", &["list", "sources"])? {
            let text = fs::read_to_string(&path).map_err(|source| fault(&path, source))?;
            let paragraphs = path.extension().is_some_and(|extension| extension == "sources");
            let parsed = if paragraphs { parse_deb822(&text) } else { parse_one_line(&text) };
            sources.extend(parsed.map_err(|source| ArchiveError::AptList { path, source })?);
        }
        Ok(sources)
    }
}

/// The file and the files of the folder that two settings name, as far as they are there; the folder's sorted by name.
pub(super) fn files(
    conf: &AptConf,
    file: &str,
    folder: &str,
    extensions: &[&str],
) -> Result<Vec<PathBuf>, ArchiveError> {
    let mut found: Vec<PathBuf> = conf.path(file).filter(|path| path.is_file()).into_iter().collect();
    let Some(folder) = conf.path(folder) else { return Ok(found) };
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(fault(&folder, error)),
    };
    let mut parts = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| fault(&folder, error))?.path();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        // apt passes over a file without an ending in the folder of credentials no more than over one with it.
        let plain = extension.is_empty() && extensions == ["conf"];
        if (plain || extensions.contains(&extension)) && has_plain_name(&path) && path.is_file() {
            parts.push(path);
        }
    }
    parts.sort();
    found.extend(parts);
    Ok(found)
}

/// apt reads no file whose name has other characters, such as an editor's backup.
fn has_plain_name(path: &Path) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte);
    path.file_name().is_some_and(|name| name.as_encoded_bytes().iter().all(|&byte| plain(byte)))
}

fn fault(path: &Path, source: io::Error) -> ArchiveError {
    ArchiveError::File { path: path.to_owned(), source }
}
