//! Key bindings: `functions/fish_user_key_bindings.fish`, which fish calls when it is ready for them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use super::super::options::{OneOrMany, wrong};
use super::super::shell::lines;
use super::OptionError;
use super::quote::quote;

/// The function that fish calls.
pub(super) const FUNCTION: &str = "fish_user_key_bindings";

/// What a key does.
#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the options are Home Manager's")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Bind {
    /// The key, where the table's own name is another.
    name: Option<String>,
    #[serde(default = "yes")]
    enable: bool,
    mode: Option<String>,
    sets_mode: Option<String>,
    command: Option<OneOrMany>,
    #[serde(default)]
    erase: bool,
    #[serde(default)]
    silent: bool,
    #[serde(default)]
    repaint: bool,
    operate: Option<Operate>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Operate {
    Preset,
    User,
}

const fn yes() -> bool {
    true
}

/// The function's file; `None` where no key is bound.
pub(super) fn file(binds: &BTreeMap<String, Bind>) -> Option<String> {
    let enabled = binds.iter().filter(|(_, bind)| bind.enable);
    let text = lines(enabled.flat_map(|(key, bind)| bind.lines(key)));
    (!text.is_empty()).then(|| format!("function {FUNCTION}\n{text}end\n"))
}

/// Keys that nothing is said of.
pub(super) fn check(binds: &BTreeMap<String, Bind>) -> Vec<OptionError> {
    let silent = binds.iter().filter(|(_, bind)| bind.enable && bind.command.is_none() && !bind.erase);
    silent.map(|(key, _)| wrong("fish", &["binds", key], "it needs a `command`, or `erase = true`")).collect()
}

impl Bind {
    /// `bind -e …`, then `bind …`, as far as they are said.
    fn lines(&self, key: &str) -> Vec<String> {
        let key = quote(self.name.as_deref().unwrap_or(key));
        let options = self.options();
        let mut lines = Vec::new();
        if self.erase {
            lines.push(format!("    bind -e{options} {key}"));
        }
        if let Some(command) = &self.command {
            let words: Vec<String> = command.as_slice().iter().map(|word| quote(word)).collect();
            let repaint = if self.repaint { " repaint" } else { "" };
            lines.push(format!("    bind{options} {key} {}{repaint}", words.join(" ")));
        }
        lines
    }

    fn options(&self) -> String {
        let mut options = String::new();
        if self.silent {
            options += " -s";
        }
        options += match self.operate {
            Some(Operate::Preset) => " --preset",
            Some(Operate::User) => " --user",
            None => "",
        };
        for (option, mode) in [("mode", &self.mode), ("sets-mode", &self.sets_mode)] {
            if let Some(mode) = mode {
                _ = write!(options, " --{option} {}", quote(mode));
            }
        }
        options
    }
}
