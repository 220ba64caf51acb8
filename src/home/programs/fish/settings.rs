//! `programs.fish` as users write it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::super::options::{OneOrMany, Package};
use super::super::shell::Lines;
use super::binds::Bind;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Fish {
    #[serde(rename = "enable")]
    pub(super) _enable: bool,
    #[serde(rename = "package")]
    pub(super) _package: Option<Package>,
    pub(super) shell_aliases: BTreeMap<String, String>,
    pub(super) shell_abbrs: BTreeMap<String, Abbreviation>,
    pub(super) prefer_abbrs: bool,
    pub(super) binds: BTreeMap<String, Bind>,
    /// Pages of manuals are read by a program, and none runs when a home is made: fish does it itself, by `fish_update_completions`.
    #[serde(rename = "generateCompletions")]
    pub(super) _generate_completions: bool,
    pub(super) shell_init: Lines,
    pub(super) login_shell_init: Lines,
    pub(super) interactive_shell_init: Lines,
    pub(super) shell_init_last: Lines,
    pub(super) functions: BTreeMap<String, Function>,
    pub(super) completions: BTreeMap<String, Completion>,
    pub(super) plugins: Vec<Plugin>,
}

/// What a word becomes when it was typed.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a text or a table with `expansion`, `function`, `position`, `regex`, `command`, `setCursor`"
)]
pub(super) enum Abbreviation {
    Text(String),
    Table(AbbreviationTable),
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct AbbreviationTable {
    pub(super) name: Option<String>,
    pub(super) expansion: Option<String>,
    pub(super) position: Option<String>,
    pub(super) regex: Option<String>,
    pub(super) command: Option<OneOrMany>,
    pub(super) set_cursor: Option<Cursor>,
    pub(super) function: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "`true`, `false` or the cursor's mark")]
pub(super) enum Cursor {
    Default(bool),
    Mark(String),
}

/// A function: its body, or a table.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a text or a table with `body`")]
pub(super) enum Function {
    Text(String),
    Table(Box<FunctionTable>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct FunctionTable {
    pub(super) body: String,
    pub(super) argument_names: Option<OneOrMany>,
    pub(super) description: Option<String>,
    pub(super) wraps: Option<String>,
    pub(super) on_event: Option<OneOrMany>,
    pub(super) on_variable: Option<String>,
    pub(super) on_job_exit: Option<Word>,
    pub(super) on_process_exit: Option<Word>,
    pub(super) on_signal: Option<Word>,
    #[serde(default)]
    pub(super) no_scope_shadowing: bool,
    pub(super) inherit_variable: Option<String>,
}

/// A name or a number.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a text or a number")]
pub(super) enum Word {
    Number(i64),
    Text(String),
}

impl fmt::Display for Word {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Text(text) => formatter.write_str(text),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a text or a table with `body`")]
pub(super) enum Completion {
    Text(String),
    Table(Body),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    body: String,
}

impl Completion {
    pub(super) fn body(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Table(table) => &table.body,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plugin {
    pub(super) name: String,
    pub(super) src: String,
}

impl Function {
    pub(super) fn body(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Table(table) => &table.body,
        }
    }

    /// It waits for something, so it must be known from the start: fish loads other functions when they are called.
    pub(super) fn is_handler(&self) -> bool {
        let Self::Table(table) = self else { return false };
        table.on_event.is_some()
            || table.on_variable.is_some()
            || table.on_job_exit.is_some()
            || table.on_process_exit.is_some()
            || table.on_signal.is_some()
    }
}
