//! `programs.readline`: `.inputrc`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use toml::Table;

use super::options::{Package, Scalar, options};
use super::{Content, Context, Contribution, OptionError, Program};

/// The line editor of bash, gdb, psql and many more.
pub(super) const READLINE: Program =
    Program { name: "readline", package: "", requests: |_| Vec::new(), contribute, is_shell: false };

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Readline {
    #[serde(rename = "enable")]
    _enable: bool,
    #[serde(rename = "package")]
    _package: Option<Package>,
    bindings: BTreeMap<String, String>,
    variables: BTreeMap<String, Scalar>,
    include_system_config: bool,
    extra_config: String,
}

impl Default for Readline {
    fn default() -> Self {
        Self {
            _enable: false,
            _package: None,
            bindings: BTreeMap::new(),
            variables: BTreeMap::new(),
            include_system_config: true,
            extra_config: String::new(),
        }
    }
}

fn contribute(table: &Table, _: &Context<'_>) -> (Contribution, Vec<OptionError>) {
    let readline = match options::<Readline>("readline", table) {
        Ok(readline) => readline,
        Err(error) => return (Contribution::default(), vec![error]),
    };
    let mut contribution = Contribution::default();
    contribution.files.insert(".inputrc".to_owned(), (Content::Text(inputrc(&readline)), false));
    (contribution, Vec::new())
}

fn inputrc(readline: &Readline) -> String {
    let mut text = String::new();
    if readline.include_system_config {
        text += "$include /etc/inputrc\n";
    }
    for (name, value) in &readline.variables {
        _ = match value {
            Scalar::Bool(true) => writeln!(text, "set {name} on"),
            Scalar::Bool(false) => writeln!(text, "set {name} off"),
            value => writeln!(text, "set {name} {value}"),
        };
    }
    for (key, command) in &readline.bindings {
        _ = writeln!(text, "\"{key}\": {command}");
    }
    if !readline.extra_config.is_empty() {
        text += readline.extra_config.trim_end_matches('\n');
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::testing::made;
    use super::*;

    #[test]
    fn an_inputrc_has_variables_bindings_and_the_rest() {
        let table = r#"
            bindings = { '\C-h' = "backward-kill-word" }
            variables = { bell-style = "audible", completion-map-case = true, completion-prefix-display-length = 2 }
            extraConfig = '''
$if mode=emacs
"\e[1~": beginning-of-line
$endif
'''"#;
        insta::assert_snapshot!(made(&READLINE, table, ".inputrc"), @r#"
        $include /etc/inputrc
        set bell-style audible
        set completion-map-case on
        set completion-prefix-display-length 2
        "\C-h": backward-kill-word
        $if mode=emacs
        "\e[1~": beginning-of-line
        $endif
        "#);
        assert_eq!(made(&READLINE, "includeSystemConfig = false", ".inputrc"), "");
    }
}
