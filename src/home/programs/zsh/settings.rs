//! `programs.zsh` as users write it.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Value;

use super::super::OptionError;
use super::super::options::{OneOrMany, Package, renamed};
use super::super::shell::Lines;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Zsh {
    #[serde(rename = "enable")]
    pub(super) _enable: bool,
    pub(super) package: Option<Package>,
    pub(super) autocd: Option<bool>,
    pub(super) cdpath: Vec<String>,
    pub(super) dot_dir: Option<String>,
    pub(super) shell_aliases: BTreeMap<String, String>,
    pub(super) shell_global_aliases: BTreeMap<String, String>,
    pub(super) dir_hashes: BTreeMap<String, String>,
    pub(super) enable_completion: bool,
    pub(super) completion_init: String,
    pub(super) zprof: Switch,
    pub(super) syntax_highlighting: SyntaxHighlighting,
    pub(super) history_substring_search: HistorySubstringSearch,
    pub(super) autosuggestion: Autosuggestion,
    pub(super) history: History,
    pub(super) default_keymap: Option<Keymap>,
    pub(super) session_variables: BTreeMap<String, Value>,
    pub(super) local_variables: BTreeMap<String, Value>,
    pub(super) set_options: Vec<String>,
    pub(super) site_functions: BTreeMap<String, String>,
    pub(super) init_content: Lines,
    pub(super) env_extra: Lines,
    pub(super) profile_extra: Lines,
    pub(super) login_extra: Lines,
    pub(super) logout_extra: Lines,
    pub(super) plugins: Vec<Plugin>,
    #[serde(rename = "oh-my-zsh")]
    pub(super) oh_my: OhMyZsh,
    init_extra: Option<String>,
    init_extra_first: Option<String>,
    init_extra_before_comp_init: Option<String>,
    enable_autosuggestions: Option<bool>,
    enable_syntax_highlighting: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Switch {
    pub(super) enable: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct SyntaxHighlighting {
    pub(super) enable: bool,
    pub(super) package: String,
    pub(super) highlighters: Vec<String>,
    pub(super) patterns: BTreeMap<String, String>,
    pub(super) styles: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct HistorySubstringSearch {
    pub(super) enable: bool,
    pub(super) package: String,
    pub(super) search_up_key: OneOrMany,
    pub(super) search_down_key: OneOrMany,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Autosuggestion {
    pub(super) enable: bool,
    pub(super) package: String,
    pub(super) highlight: Option<String>,
    pub(super) strategy: Vec<Strategy>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(super) enum Strategy {
    History,
    Completion,
    MatchPrevCmd,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "options are truth values")]
pub(super) struct History {
    pub(super) append: bool,
    pub(super) size: i64,
    pub(super) save: Option<i64>,
    pub(super) path: Option<String>,
    pub(super) ignore_patterns: Vec<String>,
    pub(super) ignore_dups: bool,
    pub(super) ignore_all_dups: bool,
    pub(super) save_no_dups: bool,
    pub(super) find_no_dups: bool,
    pub(super) ignore_space: bool,
    pub(super) expire_duplicates_first: bool,
    pub(super) extended: bool,
    pub(super) share: bool,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(super) enum Keymap {
    Emacs,
    Viins,
    Vicmd,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plugin {
    pub(super) name: String,
    pub(super) src: String,
    pub(super) file: Option<String>,
    /// Later releases call it `functions`.
    #[serde(default, alias = "functions")]
    pub(super) completions: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct OhMyZsh {
    pub(super) enable: bool,
    pub(super) package: String,
    pub(super) plugins: Vec<String>,
    pub(super) custom: String,
    pub(super) theme: String,
    pub(super) extra_config: String,
}

impl Zsh {
    /// Takes older names for what they are today, and says so.
    pub(super) fn modernise(&mut self) -> Vec<OptionError> {
        let mut findings = Vec::new();
        let pieces = [
            ("initExtraFirst", 500, self.init_extra_first.take()),
            ("initExtraBeforeCompInit", 550, self.init_extra_before_comp_init.take()),
            ("initExtra", 1000, self.init_extra.take()),
        ];
        for (name, order, text) in pieces {
            let Some(text) = text else { continue };
            let instead = match order {
                1000 => "initContent = \"…\"".to_owned(),
                order => format!("initContent = [{{ order = {order}, text = \"…\" }}]"),
            };
            findings.push(renamed("zsh", &[name], &instead));
            self.init_content.push(order, text);
        }
        if let Some(enable) = self.enable_autosuggestions.take() {
            findings.push(renamed("zsh", &["enableAutosuggestions"], "autosuggestion.enable"));
            self.autosuggestion.enable |= enable;
        }
        if let Some(enable) = self.enable_syntax_highlighting.take() {
            findings.push(renamed("zsh", &["enableSyntaxHighlighting"], "syntaxHighlighting.enable"));
            self.syntax_highlighting.enable |= enable;
        }
        findings
    }

    /// Packages beside zsh's own, with the option that asks for each.
    pub(super) fn parts(&self) -> Vec<(Vec<String>, &str)> {
        let part = |option: &str, is_on: bool, package| {
            is_on.then(|| (vec![option.to_owned(), "package".to_owned()], package))
        };
        let mut parts: Vec<_> = [
            part("autosuggestion", self.autosuggestion.enable, self.autosuggestion.package.as_str()),
            part("oh-my-zsh", self.oh_my.enable, &self.oh_my.package),
            part("syntaxHighlighting", self.syntax_highlighting.enable, &self.syntax_highlighting.package),
            part(
                "historySubstringSearch",
                self.history_substring_search.enable,
                &self.history_substring_search.package,
            ),
        ]
        .into_iter()
        .flatten()
        .collect();
        for (index, plugin) in self.plugins.iter().enumerate() {
            parts.push((vec!["plugins".to_owned(), index.to_string(), "src".to_owned()], &plugin.src));
        }
        parts
    }
}

impl Strategy {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::Completion => "completion",
            Self::MatchPrevCmd => "match_prev_cmd",
        }
    }
}

impl Keymap {
    pub(super) fn command(self) -> &'static str {
        match self {
            Self::Emacs => "bindkey -e",
            Self::Viins => "bindkey -v",
            Self::Vicmd => "bindkey -a",
        }
    }
}

impl Default for Zsh {
    fn default() -> Self {
        Self {
            _enable: false,
            package: None,
            autocd: None,
            cdpath: Vec::new(),
            dot_dir: None,
            shell_aliases: BTreeMap::new(),
            shell_global_aliases: BTreeMap::new(),
            dir_hashes: BTreeMap::new(),
            enable_completion: true,
            completion_init: "autoload -U compinit && compinit".to_owned(),
            zprof: Switch::default(),
            syntax_highlighting: SyntaxHighlighting::default(),
            history_substring_search: HistorySubstringSearch::default(),
            autosuggestion: Autosuggestion::default(),
            history: History::default(),
            default_keymap: None,
            session_variables: BTreeMap::new(),
            local_variables: BTreeMap::new(),
            set_options: Vec::new(),
            site_functions: BTreeMap::new(),
            init_content: Lines::default(),
            env_extra: Lines::default(),
            profile_extra: Lines::default(),
            login_extra: Lines::default(),
            logout_extra: Lines::default(),
            plugins: Vec::new(),
            oh_my: OhMyZsh::default(),
            init_extra: None,
            init_extra_first: None,
            init_extra_before_comp_init: None,
            enable_autosuggestions: None,
            enable_syntax_highlighting: None,
        }
    }
}

impl Default for SyntaxHighlighting {
    fn default() -> Self {
        Self {
            enable: false,
            package: "zsh-syntax-highlighting".to_owned(),
            highlighters: Vec::new(),
            patterns: BTreeMap::new(),
            styles: BTreeMap::new(),
        }
    }
}

impl Default for HistorySubstringSearch {
    fn default() -> Self {
        Self {
            enable: false,
            package: "zsh-history-substring-search".to_owned(),
            search_up_key: OneOrMany::One("^[[A".to_owned()),
            search_down_key: OneOrMany::One("^[[B".to_owned()),
        }
    }
}

impl Default for Autosuggestion {
    fn default() -> Self {
        Self {
            enable: false,
            package: "zsh-autosuggestions".to_owned(),
            highlight: None,
            strategy: vec![Strategy::History],
        }
    }
}

impl Default for History {
    fn default() -> Self {
        Self {
            append: false,
            size: 10_000,
            save: None,
            path: None,
            ignore_patterns: Vec::new(),
            ignore_dups: true,
            ignore_all_dups: false,
            save_no_dups: false,
            find_no_dups: false,
            ignore_space: true,
            expire_duplicates_first: false,
            extended: false,
            share: true,
        }
    }
}

impl Default for OhMyZsh {
    fn default() -> Self {
        Self {
            enable: false,
            package: "oh-my-zsh".to_owned(),
            plugins: Vec::new(),
            custom: String::new(),
            theme: String::new(),
            extra_config: String::new(),
        }
    }
}
