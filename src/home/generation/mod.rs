//! Makes a generation of a home: a store path with the files that the home gets, the union of its packages, what shells
//! read for the session's variables, and a manifest that says all of it to programs.
//!
//! ```text
//! files/.bashrc …          at their paths below the home
//! path -> …-home-path      the union of the packages, where there are some
//! session-variables.sh
//! manifest.json            a `home::manifest::Manifest`
//! ```

mod error;
mod evaluate;
mod files;
mod names;
mod tree;
mod units;
mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::boot::PlanAccount;
use crate::config::{Diagnostic, Machine, Request, Severity, requests_named};
use crate::image::ImagePath;
use crate::image::tree::Tree;
use crate::nix::StorePath;
use crate::root::addressed::Addressed;
use crate::root::environment::{Environment, FileRef, union_named};
use crate::root::view::{Kind, ReadContent, View, split_store_path};

use super::finding::{Finding, diagnostics};
use super::manifest::{Manifest, ManifestFile};
use super::merge::{self, Merged};
use super::programs::{self, Program};
use super::settings::{FileContent, Settings, requests_of, settings};
use evaluate::{Surroundings, evaluate};

pub use error::HomeError;
pub use names::Names;
pub use variables::expand;

/// The name of the union of a home's packages.
pub const HOME_PATH: &str = "home-path";

/// What lies at a local path that a home names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A store path of its own; its listing or its tree is in the view.
    Path(StorePath),
    /// Read from the user's own files; it becomes part of the generation. Its root is the empty path.
    Tree(Tree),
}

/// All that a generation follows from.
pub struct Inputs<'a> {
    /// Whose home it is.
    pub account: &'a PlanAccount,
    /// What the home's files say.
    pub merged: &'a Merged,
    /// Where plain names come from.
    pub default_channel: Option<&'a str>,
    /// The default channel is a Debian archive: programs bring no packages of their own accord.
    pub debian_default: bool,
    /// Outputs by the request's text, the first the one that `${pkgs.NAME}` stands for. Requests without an answer are left
    /// out: Debian's packages are the system's. May hold more than the home asks for.
    pub answers: &'a BTreeMap<String, Vec<StorePath>>,
    /// What local paths stand for, as written: those that [`local_paths`] names.
    pub sources: &'a BTreeMap<String, Source>,
    /// Listings of all packages, and trees of local store paths.
    pub view: View<'a>,
    /// Bytes of packages' files: for a source whose executable bit is to be another.
    pub read: &'a ReadContent<'a>,
    /// Whether two files of packages hold the same.
    pub same: &'a dyn Fn(&FileRef, &FileRef) -> io::Result<bool>,
    /// Where the system has a command, by its name: an absolute path.
    pub system: &'a dyn Fn(&str) -> Option<String>,
}

/// A home, made.
#[derive(Debug, Clone)]
pub struct Generation {
    /// The union of the packages; `None` where there are none.
    pub home_path: Option<Addressed>,
    /// The generation itself; it refers to the union.
    pub generation: Addressed,
    /// What its manifest says.
    pub manifest: Manifest,
    /// What is only odd, with its place.
    pub warnings: Vec<Diagnostic>,
    /// What was decided between packages.
    pub notes: Vec<String>,
}

/// Makes a generation.
pub fn generate(inputs: &Inputs<'_>) -> Result<Generation, HomeError> {
    generate_with(programs::known(), inputs)
}

fn generate_with(known: &[&'static Program], inputs: &Inputs<'_>) -> Result<Generation, HomeError> {
    let mut findings = Vec::new();
    let lookup = Answers::new(inputs);
    let home = settings(inputs.merged, &|name| lookup.named(name).ok_or(None), &mut findings);
    let surroundings = Surroundings {
        account: inputs.account,
        package: &|text| inputs.answers.get(text)?.first().cloned(),
        list: &|package, folder| Some(list(inputs.view, package, folder)),
    };
    let all = evaluate(known, &home, &surroundings, &mut findings);
    let requests = requests_of(known, inputs.merged, inputs.debian_default);
    let of_programs = all.packages.iter().filter(|text| !requests.installed.contains(text));
    let installed = lookup.installed(requests.installed.iter().chain(of_programs));
    let files = files::place(&home, &all, inputs, &mut findings);
    let command = |name: &str| units::command(name, &installed, inputs);
    let daemons = units::units(&home, inputs, &command, &mut findings);
    let warnings = checked(findings, inputs.merged)?;

    let union = union(&installed, inputs)?;
    let manifest = Manifest {
        version: Manifest::VERSION,
        user: inputs.account.name.clone(),
        files: files.iter().map(|file| (file.target.clone(), ManifestFile { force: file.force })).collect(),
        session_variables: variables::expanded(&all.session_variables, inputs.account),
        session_path: variables::folders(&all.session_path, &all.session_variables, inputs.account),
        backup_extension: home.backup_extension,
        daemons,
        packages: lookup.answered(&requests.all()),
    };
    let script = variables::script(&all.session_variables, &all.session_path);
    let home_path = union.as_ref().map(|union| &union.addressed.path);
    let tree = tree::tree(&files, home_path, &script, &manifest)?;
    let generation = Addressed::of(&tree::name(&manifest.user), tree, &candidates(inputs, home_path))?;
    let notes = union.as_ref().map(notes).unwrap_or_default();
    Ok(Generation { home_path: union.map(|union| union.addressed), generation, manifest, warnings, notes })
}

/// Store paths that a generation may refer to.
fn candidates(inputs: &Inputs<'_>, home_path: Option<&StorePath>) -> Vec<StorePath> {
    let sources = inputs.sources.values().filter_map(|source| match source {
        Source::Path(path) => Some(path),
        Source::Tree(_) => None,
    });
    let answers = inputs.answers.values().flatten();
    let all: BTreeSet<&StorePath> =
        inputs.view.packages.paths().chain(answers).chain(sources).chain(home_path).collect();
    all.into_iter().cloned().collect()
}

fn union(installed: &[StorePath], inputs: &Inputs<'_>) -> Result<Option<Environment>, HomeError> {
    if installed.is_empty() {
        return Ok(None);
    }
    let packages: Vec<&StorePath> = installed.iter().collect();
    Ok(Some(union_named(HOME_PATH, &packages, inputs.view, |one, two| (inputs.same)(one, two))?))
}

fn notes(union: &Environment) -> Vec<String> {
    let left_out = union.left_out.iter().map(|path| format!("{path} has nothing for the home's union of packages"));
    union.shadowed.iter().map(ToString::to_string).chain(left_out).collect()
}

/// The warnings, where there is nothing worse.
fn checked(findings: Vec<Finding>, merged: &Merged) -> Result<Vec<Diagnostic>, HomeError> {
    let diagnostics = diagnostics(findings, merged);
    if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(HomeError::Findings(diagnostics));
    }
    Ok(diagnostics)
}

/// Names in a folder of a package.
fn list(view: View<'_>, package: &StorePath, folder: &ImagePath) -> Vec<String> {
    let Some((real, Kind::Directory)) = view.resolve(&ImagePath::from(package).append(folder)) else {
        return Vec::new();
    };
    let Some((store_path, inner)) = split_store_path(&real) else { return Vec::new() };
    let names = view.packages.names(&store_path, &inner);
    names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

/// Who answers what.
struct Answers<'a> {
    outputs: &'a BTreeMap<String, Vec<StorePath>>,
    requests: Vec<Request>,
    default_channel: Option<&'a str>,
}

impl<'a> Answers<'a> {
    fn new(inputs: &Inputs<'a>) -> Self {
        let requests = inputs.answers.keys().filter_map(|text| Request::parse(text, None).ok()).collect();
        Self { outputs: inputs.answers, requests, default_channel: inputs.default_channel }
    }

    /// What `${pkgs.NAME}` stands for.
    fn named(&self, name: &str) -> Option<StorePath> {
        let requests: Vec<&Request> = self.requests.iter().collect();
        let named = requests_named(name, &requests, self.default_channel);
        named.iter().find_map(|request| self.outputs.get(&request.text)?.first().cloned())
    }

    /// The outputs of `requests`, each once.
    fn installed<'text>(&self, requests: impl Iterator<Item = &'text String>) -> Vec<StorePath> {
        let mut seen = BTreeSet::new();
        let outputs = requests.filter_map(|text| self.outputs.get(text)).flatten();
        outputs.filter(|path| seen.insert(*path)).cloned().collect()
    }

    /// Those of `requests` that have an answer, with it.
    fn answered(&self, requests: &[String]) -> BTreeMap<String, Vec<String>> {
        let texts = |paths: &Vec<StorePath>| paths.iter().map(ToString::to_string).collect();
        requests.iter().filter_map(|text| Some((text.clone(), texts(self.outputs.get(text)?)))).collect()
    }
}

/// Every local path that a home's files and daemons name, as written: what [`Inputs::sources`] has to answer.
#[must_use]
pub fn local_paths(merged: &Merged) -> BTreeSet<String> {
    // Which packages there are makes no difference to what is local.
    let home = settings(merged, &|name| Ok(stand_in(name)), &mut Vec::new());
    let files = home.files.into_iter().filter_map(|file| match file.content {
        FileContent::Source(source) if !source.starts_with("/nix/store/") => Some(source),
        _ => None,
    });
    let words = home.daemons.into_values().flat_map(|daemon| {
        let health = daemon.health.into_iter().flat_map(|health| health.command);
        let ready = daemon.ready.into_iter().flat_map(|ready| match ready {
            crate::boot::PlanReady::Command(command) => command,
            _ => Vec::new(),
        });
        daemon.command.into_iter().chain(health).chain(ready).collect::<Vec<_>>()
    });
    files.chain(words.filter(|word| crate::config::is_local_path(word))).collect()
}

/// A path for a package of which only the name is known.
fn stand_in(name: &str) -> StorePath {
    let allowed = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = std::iter::once('x').chain(name.chars().map(allowed)).take(200).collect();
    StorePath::from_parts([0; 20], &name).unwrap_or_else(|_| unreachable!("the name has letters only"))
}

/// What is wrong with the homes of all users, as far as that can be told without packages.
#[must_use]
pub fn check(machine: &Machine) -> Vec<Diagnostic> {
    let mut all: Vec<Diagnostic> = Vec::new();
    let names = Names::of_machine(machine);
    for name in machine.users.keys() {
        let merged = merge::merge(&merge::layers(machine, name));
        // What home.toml says is wrong for everyone, but said once. That `without` finds nothing was said by who read the files.
        let found = check_with(programs::known(), name, &merged, &names)
            .into_iter()
            .chain(units::twins(machine, name, &merged));
        for diagnostic in found {
            if !all.contains(&diagnostic) {
                all.push(diagnostic);
            }
        }
    }
    all
}

/// The same for one home, with what `without` does not find.
#[must_use]
pub fn check_home(user: &str, merged: &Merged, names: &Names<'_>) -> Vec<Diagnostic> {
    let unmatched = merged.unmatched.iter().map(|unmatched| {
        let message = format!("nothing before {} gives `{}` to take out", unmatched.origin.file, unmatched.name);
        Diagnostic::warning(message, unmatched.origin.place.clone()).help("remove it from `without`")
    });
    check_with(programs::known(), user, merged, names).into_iter().chain(unmatched).collect()
}

fn check_with(known: &[&'static Program], user: &str, merged: &Merged, names: &Names<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let requests = names.with(&requests_of(known, merged, names.debian_default).all());
    let lookup = |name: &str| names.look_up(name, &requests);
    let home: Settings = settings(merged, &lookup, &mut findings);
    let account = PlanAccount {
        name: user.to_owned(),
        uid: 0,
        gid: 0,
        groups: Vec::new(),
        home: format!("/home/{user}"),
        shell: String::new(),
    };
    let surroundings = Surroundings { account: &account, package: &|text| Some(stand_in(text)), list: &|_, _| None };
    let all = evaluate(known, &home, &surroundings, &mut findings);
    files::check_targets(&home, &all, &mut findings);
    diagnostics(findings, merged)
}

#[cfg(test)]
mod tests;
