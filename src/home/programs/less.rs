//! less: its options and keys, in `.config/lesskey`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::findings::{Findings, contribute, one_line};
use super::options::{Package, Scalar};
use super::{Content, Context, Contribution, OptionError, Program};

const NAME: &str = "less";

/// `programs.less`.
pub(super) const LESS: Program = Program {
    name: NAME,
    package: "less",
    requests: |_| Vec::new(),
    contribute: |table, context| evaluate(table, context),
    is_shell: false,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlLess {
    #[serde(rename = "enable")]
    _enable: Option<IgnoredAny>,
    #[serde(rename = "package")]
    _package: Option<Package>,
    #[serde(default)]
    config: String,
    /// The older name of `config`.
    keys: Option<String>,
    #[serde(default)]
    options: TomlOptions,
}

/// Words for `LESS`, or options by their names.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a list of texts, or a table of options")]
enum TomlOptions {
    Words(Vec<String>),
    Named(BTreeMap<String, TomlValue>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TomlValue {
    One(Scalar),
    Many(Vec<Scalar>),
}

impl Default for TomlOptions {
    fn default() -> Self {
        Self::Words(Vec::new())
    }
}

fn evaluate(table: &toml::Table, _: &Context<'_>) -> (Contribution, Vec<OptionError>) {
    contribute(NAME, table, |less: &TomlLess, findings| {
        if less.keys.is_some() {
            findings.renamed(&["keys"], "config");
        }
        let config = [less.keys.as_deref().unwrap_or_default(), &less.config].concat();
        let parts = [environment(&less.options, findings), Some(config).filter(|config| !config.is_empty())];
        let text = parts.into_iter().flatten().collect::<Vec<_>>().join("\n");
        let file = (!text.is_empty()).then(|| (".config/lesskey".to_owned(), (Content::Text(text), false)));
        Contribution { files: file.into_iter().collect(), ..Contribution::default() }
    })
}

fn environment(options: &TomlOptions, findings: &mut Findings) -> Option<String> {
    let words = words(options);
    if words.iter().any(|word| !one_line(word)) {
        findings.error(&["options"], "an option is one line", "take the line break out");
    }
    (!words.is_empty()).then(|| format!("#env\nLESS = {}\n", words.join(" ")))
}

fn words(options: &TomlOptions) -> Vec<String> {
    match options {
        TomlOptions::Words(words) => words.clone(),
        TomlOptions::Named(named) => named.iter().flat_map(|(name, value)| option(name, value)).collect(),
    }
}

/// As GNU programs have it: `--name`, `--name value`; one for each value of a list; nothing for `false`.
fn option(name: &str, value: &TomlValue) -> Vec<String> {
    let flag = if name.chars().count() == 1 { format!("-{name}") } else { format!("--{name}") };
    let values = match value {
        TomlValue::One(value) => std::slice::from_ref(value),
        TomlValue::Many(values) => values,
    };
    let words = values.iter().flat_map(|value| match value {
        Scalar::Bool(false) => Vec::new(),
        Scalar::Bool(true) => vec![flag.clone()],
        value => vec![flag.clone(), value.to_string()],
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{evaluated, text};
    use super::*;

    #[test]
    fn options_come_before_keys() {
        let (contribution, findings) = evaluated(
            &LESS,
            "config = \"#command\\ns        back-line\\n\"\n\
             options = { RAW-CONTROL-CHARS = true, quiet = true, use-color = false, wheel-lines = [3, 1] }",
        );
        assert!(findings.is_empty());
        let expected = "#env\nLESS = --RAW-CONTROL-CHARS --quiet --wheel-lines 3 --wheel-lines 1\n\n\
                        #command\ns        back-line\n";
        assert_eq!(text(&contribution, ".config/lesskey"), expected);
    }

    /// A table has no order, and less reads some options by those before them: words keep theirs.
    #[test]
    fn words_keep_their_order() {
        let (contribution, _) =
            evaluated(&LESS, "options = ['--quiet', '--use-color', '--color HkK', '--color Mkb', '--prompt s%f']");
        let expected = "#env\nLESS = --quiet --use-color --color HkK --color Mkb --prompt s%f\n";
        assert_eq!(text(&contribution, ".config/lesskey"), expected);
    }

    #[test]
    fn options_alone_and_keys_alone() {
        let (contribution, _) = evaluated(&LESS, "options = ['-R', '--mouse']");
        assert_eq!(text(&contribution, ".config/lesskey"), "#env\nLESS = -R --mouse\n");
        let (contribution, findings) = evaluated(&LESS, "keys = \"t  forw-line\\n\"");
        assert_eq!(text(&contribution, ".config/lesskey"), "t  forw-line\n");
        assert_eq!(findings[0].help.as_deref(), Some("write `programs.less.config`"));
        assert!(findings[0].warning);
    }

    #[test]
    fn nothing_said_is_no_file() {
        let (contribution, _) = evaluated(&LESS, "enable = true");
        assert_eq!(contribution, Contribution::default());
    }
}
