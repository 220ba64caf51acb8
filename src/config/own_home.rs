//! A home's file alone: what a user of a running machine writes.

use std::collections::BTreeMap;
use std::path::Path;

use super::check::{self, Surroundings};
use super::project::{Disk, NoProject, Project};
use super::source::{Findings, Source};
use super::{Diagnostic, Home, Request, Severity, schema, structure};

/// Longer files are refused.
const LONGEST: usize = 4 << 20;

/// What a home's file stands in.
#[derive(Debug, Clone, Default)]
pub struct HomeSurroundings<'a> {
    /// The file's folder, absolute: local paths have to exist in it. `None`: they are taken for granted.
    pub folder: Option<&'a Path>,
    /// Declared channels, and whether one is a Debian archive.
    pub channels: BTreeMap<String, bool>,
    /// Where plain names come from.
    pub default_channel: Option<String>,
    /// Requests of the system and of what the home builds on, which `${pkgs.NAME}` may name.
    pub requested: Vec<Request>,
    /// What the home builds on.
    pub base: Option<&'a Home>,
}

/// Reads and checks `text`, a file as home.toml is one, called `file_name` in findings. `None` where a finding is an error.
#[must_use]
pub fn home_file(text: &str, file_name: &str, around: HomeSurroundings<'_>) -> (Option<Home>, Vec<Diagnostic>) {
    if text.len() > LONGEST {
        let message = format!("can't read {file_name}: it is longer than 4 MiB");
        return (None, vec![Diagnostic::error(message, None)]);
    }
    let (findings, source) = (Findings::default(), Source::new(file_name, text));
    let disk = around.folder.map(|folder| Disk(folder.to_owned()));
    let project: &dyn Project = disk.as_ref().map_or(&NoProject, |disk| disk);
    let home = structure::read(&schema::of_home(), &source, &findings).map(|structured| {
        let HomeSurroundings { channels, default_channel, requested, base, .. } = around;
        let around = Surroundings { channels, default_channel, requested, base, project };
        check::own_home(&source, structured, around, &findings)
    });
    let (diagnostics, _) = findings.finish(&[file_name]);
    let wrong = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    (home.filter(|_| !wrong), diagnostics)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around() -> HomeSurroundings<'static> {
        HomeSurroundings {
            channels: BTreeMap::from([("nixpkgs".to_owned(), false)]),
            default_channel: Some("nixpkgs".to_owned()),
            requested: vec![Request::parse("git", None).unwrap()],
            ..HomeSurroundings::default()
        }
    }

    #[test]
    fn a_users_own_file_is_read_as_home_toml_is() {
        let text = "inherit = false\npackages = [\"jq\"]\nsessionVariables.GIT = \"${pkgs.git}/bin/git\"\n";
        let (home, findings) = home_file(text, "home.toml", around());
        assert_eq!(findings, []);
        let home = home.unwrap();
        assert_eq!(home.packages[0].text, "jq");
        assert_eq!(home.settings["inherit"], toml::Value::Boolean(false));
    }

    #[test]
    fn mistakes_have_their_place() {
        let text = "packages = [\"other#jq\"]\nsesionPath = []\nfile.x.text = \"${pkgs.}\"\n";
        let (home, findings) = home_file(text, "own.toml", around());
        assert!(home.is_none());
        let said: Vec<_> = findings
            .iter()
            .map(|finding| (finding.place.as_ref().unwrap().line_column().0, finding.message.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                (1, "no channel `other` is declared"),
                (2, "unknown key `sesionPath`"),
                (3, "`${pkgs.NAME}` needs a package's name")
            ]
        );
    }
}
