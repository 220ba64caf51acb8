//! A first set of files: the default machine of dumbc's own repository, with packages from where this machine has them.

use serde_json::json;

use crate::channel::debian::Distribution;
use crate::config::{self, ConfigFile};

const DEBIAN: &str = include_str!("../../../system.toml");
const NIXOS: &str = include_str!("nixos.toml");
const USERS: &str = include_str!("../../../users.toml");
const HOME: &str = include_str!("../../../home.toml");
const GITIGNORE: &str = include_str!("gitignore");

/// The release that is named where nobody names one.
pub(super) const NIXOS_RELEASE: &str = "nixos-26.05";

/// Where the packages come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    /// A Debian archive: the one of this machine's apt, or one that is to be named.
    Debian(Option<Distribution>),
    /// A NixOS release.
    Nixos(String),
}

impl Start {
    /// Every file, by its path below the project's folder.
    pub(super) fn files(&self, image: &str) -> serde_json::Result<Vec<(String, String)>> {
        let mut files = vec![
            ("system.toml".to_owned(), with_schema(ConfigFile::System, &self.system(image))),
            ("users.toml".to_owned(), with_schema(ConfigFile::Users, USERS)),
            ("home.toml".to_owned(), with_schema(ConfigFile::Home, HOME)),
            (".gitignore".to_owned(), GITIGNORE.to_owned()),
        ];
        for file in ConfigFile::ALL {
            let text = serde_json::to_string_pretty(&config::schema(file))? + "\n";
            files.push((format!(".dumbc/{}", schema_name(file)), text));
        }
        Ok(files)
    }

    fn system(&self, image: &str) -> String {
        let last = image.rsplit('/').next().unwrap_or_default();
        let text = match self {
            Self::Debian(None) => DEBIAN.to_owned(),
            Self::Debian(Some(distribution)) => with_archive(distribution),
            Self::Nixos(release) => {
                NIXOS.replace(&line("release", &json!(NIXOS_RELEASE)), &line("release", &json!(release)))
            }
        };
        let text = text.replace("writes machine.tar.gz", &format!("writes {last}.tar.gz"));
        let text = text.replace("\nname = \"machine\"", &format!("\nname = {}", json!(image)));
        text.replace("\nhostname = \"machine\"", &format!("\nhostname = {}", json!(last.replace(['_', '.'], "-"))))
    }
}

/// The default machine with an archive written down.
fn with_archive(distribution: &Distribution) -> String {
    let one_or_all = |values: &[String]| match values {
        [one] => json!(one),
        all => json!(all),
    };
    let mut lines = line("suite", &one_or_all(&distribution.suites));
    if distribution.components != ["main"] {
        lines += &line("components", &json!(distribution.components));
    }
    lines += &match distribution.places.as_slice() {
        [] => "mirror = \"host\"                          # this machine's apt knows where, and how to get there\n"
            .to_owned(),
        places => line("mirror", &one_or_all(places)),
    };
    if let Some(keyring) = &distribution.keyring {
        lines += &line("keyring", &json!(keyring));
    }
    let is_ours = |line: &&str| line.starts_with("suite = ") || line.starts_with("mirror = ");
    let (mut text, mut lines) = (String::new(), Some(lines));
    for line in DEBIAN.split_inclusive('\n') {
        if is_ours(&line) {
            text += &lines.take().unwrap_or_default();
        } else {
            text += line;
        }
    }
    text
}

/// A line of TOML. JSON's strings and lists are TOML's, too.
fn line(key: &str, value: &serde_json::Value) -> String {
    let spaced = value.to_string().replace("\",\"", "\", \"");
    format!("{key} = {spaced}\n")
}

/// With the line from which editors complete.
fn with_schema(file: ConfigFile, text: &str) -> String {
    format!("#:schema ./.dumbc/{}\n{text}", schema_name(file))
}

fn schema_name(file: ConfigFile) -> String {
    file.file_name().replace(".toml", ".schema.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive() -> Distribution {
        Distribution {
            suites: vec!["noble".to_owned(), "noble-security".to_owned()],
            components: vec!["main".to_owned(), "universe".to_owned()],
            places: vec!["https://example.org/a".to_owned(), "https://example.org/b".to_owned()],
            keyring: Some("/usr/share/keyrings/example.gpg".to_owned()),
        }
    }

    fn starts() -> [Start; 4] {
        let left_to_apt =
            Distribution { suites: vec!["sid".to_owned()], places: Vec::new(), keyring: None, ..archive() };
        let debian = [None, Some(archive()), Some(left_to_apt)].map(Start::Debian);
        let [one, two, three] = debian;
        [one, two, three, Start::Nixos("nixos-unstable".to_owned())]
    }

    fn sources(start: &Start) -> config::Sources {
        let mut files = start.files("team/my.box").unwrap().into_iter().map(|(_, text)| Some(text));
        let [system, users, home] = std::array::from_fn(|_| files.next().flatten());
        config::Sources { system, users, home }
    }

    #[test]
    fn every_start_is_a_machine_without_errors() {
        for start in starts() {
            let loaded = config::parse(&sources(&start));
            let machine = loaded.machine.unwrap_or_else(|| panic!("{start:?}: {:?}", loaded.diagnostics));
            assert_eq!(loaded.diagnostics, [], "{start:?}");
            assert_eq!((machine.image.name.as_str(), machine.hostname.as_str()), ("team/my.box", "my-box"));
        }
    }

    #[test]
    fn the_archive_is_written_down() {
        let machine = |start: &Start| config::parse(&sources(start)).machine.unwrap();
        let [plain, written, of_apt, nixos] = starts().map(|start| machine(&start).channels);
        let debian = |channels: &std::collections::BTreeMap<String, config::Channel>| match &channels["debian"].names {
            config::Names::Debian(archive) => archive.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(debian(&plain).mirror, config::Mirror::Host);
        let found = debian(&written);
        assert_eq!((found.suites, found.components), (archive().suites, archive().components));
        assert_eq!((found.mirror, found.keyring), (config::Mirror::Places(archive().places), archive().keyring));
        assert_eq!((debian(&of_apt).suites, debian(&of_apt).mirror), (vec!["sid".to_owned()], config::Mirror::Host));
        assert_eq!(
            nixos["nixos"].names,
            config::Names::NixosRelease { name: "nixos-unstable".to_owned(), revision: None }
        );
    }

    /// Lines that hold keys, without their `#`.
    fn uncommented(text: &str) -> String {
        let is_code = |line: &str| line.contains(" = ") || line.starts_with('[') || line.starts_with('"');
        let lines = text.lines().map(|line| match line.trim_start().strip_prefix("# ") {
            Some(code) if is_code(code) => code,
            _ => line,
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn commented_keys_are_right_when_they_are_uncommented() {
        for start in starts() {
            let plain = sources(&start);
            let uncommented = |text: &Option<String>| text.as_deref().map(uncommented);
            let mut all = config::Sources {
                system: uncommented(&plain.system),
                users: uncommented(&plain.users),
                home: uncommented(&plain.home),
            };
            // A path of the project, which `parse` has none of; and with a second channel plain names need the first one's.
            let channel = if matches!(start, Start::Nixos(_)) { "nixos" } else { "debian" };
            all.system = all.system.map(|text| format!("channel = \"{channel}\"\n{text}"));
            let loaded = config::parse(&all);
            let errors = loaded.diagnostics.iter().filter(|finding| finding.severity == config::Severity::Error);
            assert_eq!(errors.map(|finding| &finding.message).collect::<Vec<_>>(), Vec::<&String>::new(), "{all:?}");
            assert!(all.system.is_some_and(|text| !text.contains("\n# [") && !text.contains("\n# index")));
        }
    }

    #[test]
    fn the_lock_and_the_files_are_kept() {
        for file in ["dumbc.lock", "system.toml", "users.toml", "home.toml"] {
            assert!(GITIGNORE.lines().all(|line| line.starts_with('#') || !line.contains(file)), "{file}");
        }
    }
}
