//! From files to a checked machine.

use std::io::{self, Read as _};
use std::path::Path;

use super::check::{self, Files};
use super::project::{Disk, NoProject, Project};
use super::source::{Findings, Source};
use super::{ConfigFile, Diagnostic, Invalid, Machine, Severity, schema, structure};

/// Longer files are refused.
const LONGEST: u64 = 4 << 20;

/// The texts of the three files; `None` where a file is absent.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// system.toml
    pub system: Option<String>,
    /// users.toml
    pub users: Option<String>,
    /// home.toml
    pub home: Option<String>,
}

/// What was read.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The machine; `None` where a finding is an error.
    pub machine: Option<Machine>,
    /// All findings of all files, in the order of files and lines.
    pub diagnostics: Vec<Diagnostic>,
    /// Keys that are checked, but not part of the image yet: one warning for each. They matter to who builds.
    pub inactive: Vec<Diagnostic>,
}

impl Loaded {
    /// The machine and the warnings, or everything that is wrong.
    pub fn into_machine(self) -> Result<(Machine, Vec<Diagnostic>), Invalid> {
        match self.machine {
            Some(machine) => Ok((machine, self.diagnostics)),
            None => Err(Invalid { diagnostics: self.diagnostics }),
        }
    }
}

/// Reads and checks the files of `project`, which is absolute; local paths have to exist.
#[must_use]
pub fn load(project: &Path) -> Loaded {
    load_with(project, &Sources::default())
}

/// The same if one of the files had another text.
#[cfg(feature = "build")]
#[must_use]
pub fn load_edited(project: &Path, edited: ConfigFile, text: &str) -> Loaded {
    let mut changed = Sources::default();
    let text = Some(text.to_owned());
    match edited {
        ConfigFile::System => changed.system = text,
        ConfigFile::Users => changed.users = text,
        ConfigFile::Home => changed.home = text,
    }
    load_with(project, &changed)
}

/// The text of one of the files; `None` where there is no such file.
#[cfg(feature = "build")]
pub fn read_text(project: &Path, file: ConfigFile) -> io::Result<Option<String>> {
    read_file(&project.join(file.file_name()))
}

/// The same, as though `changed` were written already; files that it has no text for are read.
#[must_use]
pub fn load_with(project: &Path, changed: &Sources) -> Loaded {
    let findings = Findings::default();
    let mut unreadable = Vec::new();
    let mut read = |file: ConfigFile, changed: &Option<String>| {
        changed
            .clone()
            .map_or_else(|| read_file(&project.join(file.file_name())), |text| Ok(Some(text)))
            .unwrap_or_else(|error| {
                unreadable.push(file);
                findings.push(Diagnostic::error(format!("can't read {}: {error}", file.file_name()), None));
                None
            })
    };
    let sources = Sources {
        system: read(ConfigFile::System, &changed.system),
        users: read(ConfigFile::Users, &changed.users),
        home: read(ConfigFile::Home, &changed.home),
    };
    assemble(&sources, &unreadable, project, &Disk(project.to_owned()), findings)
}

/// Checks texts alone: local paths are taken for granted. Never panics, whatever the texts.
#[must_use]
pub fn parse(sources: &Sources) -> Loaded {
    assemble(sources, &[], Path::new("/"), &NoProject, Findings::default())
}

/// Of files that are `unreadable` nothing is known; absent ones are empty.
fn assemble(
    sources: &Sources,
    unreadable: &[ConfigFile],
    folder: &Path,
    project: &dyn Project,
    findings: Findings,
) -> Loaded {
    let source =
        |file: ConfigFile, text: &Option<String>| Source::new(file.file_name(), text.as_deref().unwrap_or_default());
    let files = Files {
        system: source(ConfigFile::System, &sources.system),
        users: source(ConfigFile::Users, &sources.users),
        home: source(ConfigFile::Home, &sources.home),
    };
    let is_known = |file: ConfigFile| !unreadable.contains(&file);
    let known = |file| Some(file).filter(|file| is_known(*file));
    if sources.system.is_none() && is_known(ConfigFile::System) {
        let missing = Diagnostic::error("there is no system.toml", None);
        findings.push(missing.help("`dumbc init` writes a first one; -C names the folder that holds it"));
    }
    let system = known(ConfigFile::System).filter(|_| sources.system.is_some());
    let system = system.and_then(|file| structure::read(&schema(file), &files.system, &findings));
    let users = known(ConfigFile::Users).and_then(|file| structure::read(&schema(file), &files.users, &findings));
    let home = known(ConfigFile::Home).and_then(|file| structure::read(&schema(file), &files.home, &findings));
    let machine = check::machine(&files, system, users, home, folder, project, &findings);

    let (diagnostics, inactive) = findings.finish(&ConfigFile::ALL.map(ConfigFile::file_name));
    let wrong = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    Loaded { machine: if wrong { None } else { machine }, diagnostics, inactive }
}

/// `None` where there is no such file.
fn read_file(path: &Path) -> io::Result<Option<String>> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::other("it is longer than 4 MiB"));
    }
    String::from_utf8(bytes).map(Some).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.split(|byte| *byte == b'\n').count();
        io::Error::other(format!("line {line} is not UTF-8"))
    })
}
