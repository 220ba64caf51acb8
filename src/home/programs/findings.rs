//! What programs' evaluations have in common: findings on the way, packages' names and places, order between blocks.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;

use super::options::{Package, options, renamed, wrong};
use super::{Context, Contribution, OptionError};
use crate::image::ImagePath;
use crate::nix::StorePath;

/// What is found while a program's table is read.
#[derive(Debug)]
pub struct Findings {
    program: &'static str,
    list: Vec<OptionError>,
}

impl Findings {
    /// None yet.
    #[must_use]
    pub fn of(program: &'static str) -> Self {
        Self { program, list: Vec::new() }
    }

    /// The value at `path` can't be.
    pub fn error(&mut self, path: &[&str], reason: &str, help: &str) {
        self.list.push(OptionError { help: Some(help.to_owned()), ..wrong(self.program, path, reason) });
    }

    /// The value at `path` is odd.
    pub fn warning(&mut self, path: &[&str], reason: &str, help: &str) {
        let warning = OptionError { help: Some(help.to_owned()), ..wrong(self.program, path, reason) };
        self.list.push(OptionError { warning: true, ..warning });
    }

    /// `path` is an older name of `programs.<program>.<new>`.
    pub fn renamed(&mut self, path: &[&str], new: &str) {
        self.list.push(renamed(self.program, path, &format!("programs.{}.{new}", self.program)));
    }

    /// Findings made elsewhere.
    pub fn extend(&mut self, findings: impl IntoIterator<Item = OptionError>) {
        self.list.extend(findings);
    }

    /// What is handed back: with an error there is no contribution.
    #[must_use]
    pub fn with(self, contribution: Contribution) -> (Contribution, Vec<OptionError>) {
        let failed = self.list.iter().any(|finding| !finding.warning);
        (if failed { Contribution::default() } else { contribution }, self.list)
    }
}

/// Reads `table` as `T` and makes of it what `make` says.
pub fn contribute<T: DeserializeOwned>(
    program: &'static str,
    table: &toml::Table,
    make: impl FnOnce(&T, &mut Findings) -> Contribution,
) -> (Contribution, Vec<OptionError>) {
    let mut findings = Findings::of(program);
    match options::<T>(program, table) {
        Ok(options) => {
            let contribution = make(&options, &mut findings);
            findings.with(contribution)
        }
        Err(error) => (Contribution::default(), vec![error]),
    }
}

/// The requests of a table that [`contribute`] could read; none of any other, which is told there.
pub fn requests<T: DeserializeOwned>(
    program: &str,
    table: &toml::Table,
    list: impl FnOnce(&T) -> Vec<String>,
) -> Vec<String> {
    options::<T>(program, table).map(|options| list(&options)).unwrap_or_default()
}

/// `<package>/bin/<name>`, or `name` where the package is the system's or nothing answered.
#[must_use]
pub fn executable(context: &Context<'_>, package: Option<&Package>, default: &str, name: &str) -> String {
    let found = Package::request(package, default).and_then(|request| (context.package)(request));
    found.map_or_else(|| name.to_owned(), |path| format!("{path}/bin/{name}"))
}

/// The answer to a request in the list at `path`; a finding where there is none.
pub fn answer(context: &Context<'_>, request: &str, path: &[&str], findings: &mut Findings) -> Option<StorePath> {
    let found = (context.package)(request);
    if found.is_none() {
        let help = "write a package as in `packages`: `tmuxPlugins.resurrect`, `unstable#vimPlugins.vim-nix`";
        findings.error(path, &format!("no package answers `{request}`"), help);
    }
    found
}

/// The names in a package's folder, as far as they are UTF-8 and can be looked up. `None`: the package isn't there yet.
#[must_use]
pub fn names_in(context: &Context<'_>, package: &StorePath, folder: &str) -> Option<Vec<String>> {
    ImagePath::new(folder.as_bytes()).map_or(Some(Vec::new()), |folder| (context.list)(package, &folder))
}

/// A package's name without its version, as Nix splits it: at the first dash that no letter follows. What nixpkgs puts
/// before the versions of unreleased packages goes too.
#[must_use]
pub fn package_name(package: &StorePath) -> &str {
    let name = package.name();
    let version = name.char_indices().find(|&(index, character)| {
        character == '-' && name[index + 1..].chars().next().is_some_and(|next| !next.is_ascii_alphabetic())
    });
    let name = version.map_or(name, |(index, _)| &name[..index]);
    name.strip_suffix("-unstable").unwrap_or(name)
}

/// Whether `text` can be one line of a configuration file.
#[must_use]
pub fn one_line(text: &str) -> bool {
    !text.contains(['\n', '\r', '\0'])
}

/// What an entry says of its place among the others, by their names.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// It comes after these.
    pub after: Vec<String>,
    /// It comes before these.
    pub before: Vec<String>,
}

/// Names by their bytes, but every one after those that it names as before it. `Err` has those that wait for one another.
pub fn ordered(places: &BTreeMap<String, Place>) -> Result<Vec<String>, Vec<String>> {
    let mut waits: BTreeMap<&str, BTreeSet<&str>> =
        places.keys().map(|name| (name.as_str(), BTreeSet::new())).collect();
    for (name, place) in places {
        for earlier in place.after.iter().filter(|other| places.contains_key(*other)) {
            waits.entry(name).or_default().insert(earlier);
        }
        for later in place.before.iter().filter(|other| places.contains_key(*other)) {
            waits.entry(later).or_default().insert(name);
        }
    }
    let mut order = Vec::new();
    while !waits.is_empty() {
        let ready = waits.iter().find(|(_, waits)| waits.is_empty()).map(|(name, _)| *name);
        let Some(name) = ready else { return Err(waits.keys().map(ToString::to_string).collect()) };
        waits.remove(name);
        for earlier in waits.values_mut() {
            earlier.remove(name);
        }
        order.push(name.to_owned());
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(name: &str) -> StorePath {
        StorePath::from_parts([7; 20], name).expect("name")
    }

    #[test]
    fn versions_are_taken_off_names() {
        let names = [
            ("tmuxplugin-logging-unstable-2019-04-19", "tmuxplugin-logging"),
            ("vimplugin-vim-sensible-2024-06-08", "vimplugin-vim-sensible"),
            ("gh-eco-0.1.3", "gh-eco"),
            ("git-lfs", "git-lfs"),
        ];
        for (name, expected) in names {
            assert_eq!(package_name(&path(name)), expected);
        }
    }

    fn place(after: &[&str], before: &[&str]) -> Place {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Place { after: owned(after), before: owned(before) }
    }

    #[test]
    fn a_circle_is_named() {
        let places = [("a", place(&["b"], &[])), ("b", place(&["a"], &[])), ("c", Place::default())];
        let places = places.map(|(name, place)| (name.to_owned(), place)).into();
        assert_eq!(ordered(&places), Err(vec!["a".to_owned(), "b".to_owned()]));
    }

    proptest! {
        /// Whatever waits for what, without circles: all come once, and none before what it waits for.
        #[test]
        fn everything_comes_once_and_in_order(edges in prop::collection::vec((0..12_u8, 0..12_u8), 0..30)) {
            let name = |number: u8| format!("n{number:02}");
            let mut places: BTreeMap<String, Place> = (0..12).map(|number| (name(number), Place::default())).collect();
            for (one, other) in edges.iter().filter(|(one, other)| one != other) {
                // Edges go from greater to smaller, so that there is no circle.
                places.entry(name(*one.min(other))).or_default().after.push(name(*one.max(other)));
            }
            let order = ordered(&places).expect("no circle");
            prop_assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), 12);
            let position = |name: &String| order.iter().position(|other| other == name);
            for (name, place) in &places {
                prop_assert!(place.after.iter().all(|earlier| position(earlier) < position(name)));
            }
        }
    }
}
