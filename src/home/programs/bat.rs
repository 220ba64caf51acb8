//! bat: its options, themes and syntaxes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::findings::{Findings, contribute, requests};
use super::options::{OneOrMany, Package};
use super::{Content, Context, Contribution, OptionError, Program};

const NAME: &str = "bat";

/// `programs.bat`.
pub(super) const BAT: Program = Program {
    name: NAME,
    package: "bat",
    requests: |table| requests(NAME, table, |bat: &TomlBat| bat.extra_packages.clone()),
    contribute: |table, context| evaluate(table, context),
    is_shell: false,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct TomlBat {
    #[serde(rename = "enable")]
    _enable: Option<IgnoredAny>,
    #[serde(rename = "package")]
    _package: Option<Package>,
    #[serde(default)]
    config: BTreeMap<String, TomlValue>,
    #[serde(default)]
    extra_packages: Vec<String>,
    #[serde(default)]
    themes: BTreeMap<String, TomlSource>,
    #[serde(default)]
    syntaxes: BTreeMap<String, TomlSource>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a text, a list of texts, `true` or `false`")]
enum TomlValue {
    Flag(bool),
    Text(OneOrMany),
}

/// The file's text, or where it lies.
#[derive(Deserialize)]
#[serde(untagged, expecting = "the file's text, or a table with `src` and `file`")]
enum TomlSource {
    Text(String),
    Place(TomlPlace),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlPlace {
    src: String,
    file: Option<String>,
}

fn evaluate(table: &toml::Table, _: &Context<'_>) -> (Contribution, Vec<OptionError>) {
    contribute(NAME, table, |bat: &TomlBat, findings| {
        let mut files = BTreeMap::new();
        let config: String = bat.config.iter().flat_map(|(name, value)| lines(name, value)).collect();
        if !config.is_empty() {
            files.insert(".config/bat/config".to_owned(), (Content::Text(config), false));
        }
        for (option, sources, extension) in
            [("themes", &bat.themes, "tmTheme"), ("syntaxes", &bat.syntaxes, "sublime-syntax")]
        {
            for (name, source) in sources {
                if let Some(content) = content(option, name, source, findings) {
                    files.insert(format!(".config/bat/{option}/{name}.{extension}"), (content, false));
                }
            }
        }
        if !bat.themes.is_empty() || !bat.syntaxes.is_empty() {
            let help = "run `bat cache --build` when they have changed";
            findings.warning(&["themes"], "bat sees new themes and syntaxes through its cache only", help);
        }
        Contribution { files, packages: bat.extra_packages.clone(), ..Contribution::default() }
    })
}

/// An option's lines in bat's file, which is read as a shell reads words.
fn lines(name: &str, value: &TomlValue) -> Vec<String> {
    match value {
        TomlValue::Flag(true) => vec![format!("--{name}\n")],
        TomlValue::Flag(false) => Vec::new(),
        TomlValue::Text(texts) => texts.as_slice().iter().map(|text| format!("--{name}={}\n", escaped(text))).collect(),
    }
}

/// As nixpkgs' `escapeShellArg` does it: bare where no shell would see more in it than its characters.
fn escaped(text: &str) -> String {
    let bare = |character: char| character.is_ascii_alphanumeric() || ",._+:@%/-".contains(character);
    if !text.is_empty() && text.chars().all(bare) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

fn content(option: &str, name: &str, source: &TomlSource, findings: &mut Findings) -> Option<Content> {
    if name.is_empty() || name.contains(['/', '\0']) {
        findings.error(&[option, name], "the name is a file's name", "take the `/` out");
        return None;
    }
    match source {
        TomlSource::Text(text) => Some(Content::Text(text.clone())),
        TomlSource::Place(place) if place.src.starts_with('/') => {
            let file = place.file.as_deref().map(|file| format!("/{}", file.trim_start_matches('/')));
            Some(Content::Link(format!("{}{}", place.src.trim_end_matches('/'), file.unwrap_or_default())))
        }
        TomlSource::Place(_) => {
            let help = "write `${pkgs.NAME}` for a package's path, or the file's text, or use `xdg.configFile`";
            findings.error(&[option, name, "src"], "it has to be an absolute path", help);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{evaluated, link, text};
    use super::*;

    #[test]
    fn options_are_flags_in_order() {
        let (contribution, findings) = evaluated(
            &BAT,
            "config = { theme = 'TwoDark', pager = 'less -FR', \
             map-syntax = ['*.jenkinsfile:Groovy', '*.props:Java Properties'], lessopen = true, diff = false }\n\
             extraPackages = ['bat-extras.batman']",
        );
        assert!(findings.is_empty());
        assert_eq!(contribution.packages, ["bat-extras.batman"]);
        let expected = "--lessopen\n--map-syntax='*.jenkinsfile:Groovy'\n--map-syntax='*.props:Java Properties'\n\
                        --pager='less -FR'\n--theme=TwoDark\n";
        assert_eq!(text(&contribution, ".config/bat/config"), expected);
    }

    #[test]
    fn themes_and_syntaxes_are_files() {
        let (contribution, findings) = evaluated(
            &BAT,
            "themes.one = \"This is a test theme.\\n\"\n\
             themes.two = { src = '/nix/store/x', file = 'a/Two.tmTheme' }\n\
             syntaxes.testsyntax = 'This is a test syntax.'",
        );
        assert_eq!(text(&contribution, ".config/bat/themes/one.tmTheme"), "This is a test theme.\n");
        assert_eq!(link(&contribution, ".config/bat/themes/two.tmTheme"), "/nix/store/x/a/Two.tmTheme");
        let syntax = text(&contribution, ".config/bat/syntaxes/testsyntax.sublime-syntax");
        assert_eq!(syntax, "This is a test syntax.");
        assert!(findings.iter().all(|finding| finding.warning) && !findings.is_empty());
    }

    #[test]
    fn places_that_can_not_be_are_refused() {
        for table in ["themes.a = { src = './theme' }", "themes.'../x' = 'text'", "syntaxes.a = { file = 'x' }"] {
            let (contribution, findings) = evaluated(&BAT, table);
            assert_eq!(contribution, Contribution::default(), "{table}");
            assert!(findings.iter().any(|finding| !finding.warning), "{table}");
        }
    }

    #[test]
    fn quotes_in_values_stay_in_them() {
        assert_eq!(escaped("it's"), r"'it'\''s'");
        assert_eq!(escaped(""), "''");
        assert_eq!(shlex::split(&escaped("a 'b' \"c\" $d")), Some(vec!["a 'b' \"c\" $d".to_owned()]));
    }
}
