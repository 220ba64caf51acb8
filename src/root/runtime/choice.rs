//! Which file is the runtime of which system.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::config::System;

use super::{RuntimeError, Unfit, inspect};

/// The very program that runs, even where its file is replaced meanwhile.
const OWN: &str = "/proc/self/exe";

/// Files that may be the runtime: named ones first, then those of variables, then the program that runs.
#[derive(Debug, Clone, Default)]
pub struct RuntimeChoice {
    /// Each is for the system that it says itself.
    pub files: Vec<PathBuf>,
    /// By system.
    pub variables: BTreeMap<System, PathBuf>,
    /// The program that runs.
    pub own: Option<PathBuf>,
}

/// Who chose a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line: `--runtime FILE`.
    Named(PathBuf),
    /// A variable of the environment.
    Variable(System, PathBuf),
    /// Nobody: it is the program that runs.
    Own(PathBuf),
}

/// The variable that names the runtime of `system`: `DUMBC_RUNTIME_X86_64_LINUX`.
#[must_use]
pub fn variable(system: System) -> String {
    format!("DUMBC_RUNTIME_{}", system.name().to_ascii_uppercase().replace('-', "_"))
}

impl RuntimeChoice {
    /// `files` of the command line, and what the environment and the running program add.
    #[must_use]
    pub fn of_process(files: Vec<PathBuf>) -> Self {
        let of_system = |system| Some((system, std::env::var_os(variable(system)).filter(|value| !value.is_empty())?));
        let variables = System::ALL.into_iter().filter_map(of_system).map(|(system, value)| (system, value.into()));
        let own = if Path::new(OWN).exists() { Some(OWN.into()) } else { std::env::current_exe().ok() };
        Self { files, variables: variables.collect(), own }
    }

    /// Refuses a named file that no image for `systems` would get: whoever named it expects it in one.
    pub fn check(&self, systems: &[System]) -> Result<(), RuntimeError> {
        for (system, origin) in self.named()? {
            if !systems.contains(&system) {
                return Err(RuntimeError::Unneeded { origin, system });
            }
        }
        Ok(())
    }

    /// The file for `system`, and its bytes.
    pub(super) fn file(&self, system: System) -> Result<(Origin, u64), RuntimeError> {
        if let Some(origin) = self.named()?.remove(&system) {
            return looked_at(origin, system);
        }
        if let Some(path) = self.variables.get(&system) {
            return looked_at(Origin::Variable(system, path.clone()), system);
        }
        let missing = |reason| RuntimeError::Missing { system, reason };
        let own = self.own.clone().ok_or_else(|| missing(None))?;
        match inspect(&own) {
            Ok((is_for, size)) if is_for == system => Ok((Origin::Own(own), size)),
            Ok((is_for, _)) => Err(missing(Some(Unfit::Machine(is_for.to_string())))),
            Err(unfit) => Err(missing(Some(unfit))),
        }
    }

    /// The files of the command line by their systems.
    fn named(&self) -> Result<BTreeMap<System, Origin>, RuntimeError> {
        let mut named = BTreeMap::new();
        for path in &self.files {
            let origin = Origin::Named(path.clone());
            let (system, _) = inspect(path).map_err(|unfit| RuntimeError::Unfit { origin: origin.clone(), unfit })?;
            if let Some(one) = named.insert(system, origin.clone()) {
                return Err(RuntimeError::Twice { system, one, other: origin });
            }
        }
        Ok(named)
    }
}

fn looked_at(origin: Origin, system: System) -> Result<(Origin, u64), RuntimeError> {
    match inspect(origin.path()) {
        Ok((is_for, size)) if is_for == system => Ok((origin, size)),
        Ok((is_for, _)) => Err(RuntimeError::Unfit { origin, unfit: Unfit::Machine(is_for.to_string()) }),
        Err(unfit) => Err(RuntimeError::Unfit { origin, unfit }),
    }
}

impl Origin {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Named(path) | Self::Variable(_, path) | Self::Own(path) => path,
        }
    }

    /// Whether somebody named it for this very command.
    #[must_use]
    pub const fn is_named(&self) -> bool {
        matches!(self, Self::Named(_))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(path) => write!(formatter, "`{}`", path.display()),
            Self::Variable(system, path) => write!(formatter, "`{}` ({})", path.display(), variable(*system)),
            Self::Own(_) => formatter.write_str("this program"),
        }
    }
}
