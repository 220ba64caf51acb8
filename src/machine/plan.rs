//! The plan of the machine that this process is in, read.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::boot::{BootPlan, PLAN_VERSION};
use crate::failure::{Class, Classified};

/// Most bytes of a plan.
const LIMIT: u64 = 64 << 20;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// This is no machine, or what it has can't be read.
    #[error("can't read the boot plan `{}`", .path.display())]
    Read {
        /// Where it should be.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is another dumbc's, or broken.
    #[error("the boot plan `{}` is not this dumbc's: {reason}", .path.display())]
    Content {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl PlanError {
    /// Whether there is nothing at all: no machine.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

impl Classified for PlanError {
    fn class(&self) -> Class {
        Class::Other
    }

    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Read { .. } => {
                "this is for the inside of a machine: `dumbc run` starts one, `docker exec -it CONTAINER …` goes into it"
            }
            Self::Content { .. } => {
                "use the dumbc of this image, /usr/bin/dumbc; if that is it, build the image again: plan and runtime \
                 come from one build"
            }
        };
        Some(help.to_owned())
    }
}

/// What every version of a plan says.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// Reads the plan at `path`: [`crate::boot::PLAN_PATH`] of the machine's root.
///
/// # Errors
/// It is missing, too large, broken or of another version.
pub fn read_plan(path: &Path) -> Result<BootPlan, PlanError> {
    let text = read(path).map_err(|source| PlanError::Read { path: path.to_owned(), source })?;
    let content = |reason: String| PlanError::Content { path: path.to_owned(), reason };
    // The version first: a later plan may have what this one doesn't know.
    let Versioned { version } = serde_json::from_slice(&text).map_err(|error| content(error.to_string()))?;
    if version != PLAN_VERSION {
        return Err(content(format!("it has version {version}, and not {PLAN_VERSION}")));
    }
    serde_json::from_slice(&text).map_err(|error| content(error.to_string()))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(LIMIT + 1).read_to_end(&mut text)?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > LIMIT {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {LIMIT} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_plan_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("boot.json");
        assert!(read_plan(&path).unwrap_err().is_absent());
        let mut told = Vec::new();
        for text in ["{", "{}", r#"{"version": 7, "new": 1}"#, r#"{"version": 1}"#] {
            std::fs::write(&path, text).unwrap();
            let error = read_plan(&path).unwrap_err();
            assert!(!error.is_absent() && error.help().is_some());
            told.push(error.to_string().replace(folder.path().to_str().unwrap(), ""));
        }
        insta::assert_snapshot!(told.join("\n"), @r"
        the boot plan `/boot.json` is not this dumbc's: EOF while parsing an object at line 1 column 1
        the boot plan `/boot.json` is not this dumbc's: missing field `version` at line 1 column 2
        the boot plan `/boot.json` is not this dumbc's: it has version 7, and not 1
        the boot plan `/boot.json` is not this dumbc's: missing field `image` at line 1 column 14
        ");
        File::options().write(true).open(&path).unwrap().set_len(LIMIT + 1).unwrap();
        assert!(matches!(read_plan(&path), Err(PlanError::Read { .. })));
    }
}
