//! tmux: `.config/tmux/tmux.conf`.

mod plugins;
mod text;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::findings::{Findings, contribute, one_line, requests};
use super::options::Package;
use super::{Content, Context, Contribution, OptionError, Program};
use plugins::TomlPlugin;

const NAME: &str = "tmux";

/// What `sensibleOnTop` asks for.
const SENSIBLE: &str = "tmuxPlugins.sensible";

/// `programs.tmux`.
pub(super) const TMUX: Program = Program {
    name: NAME,
    package: "tmux",
    requests: |table| requests(NAME, table, requested),
    contribute: |table, context| evaluate(table, context),
    is_shell: false,
};

/// Home Manager's options, with its defaults.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "Home Manager's options are what they are")]
struct TomlTmux {
    #[serde(rename = "enable")]
    _enable: IgnoredAny,
    #[serde(rename = "package")]
    _package: Option<Package>,
    aggressive_resize: bool,
    base_index: u32,
    clock24: bool,
    custom_pane_navigation_and_resize: bool,
    disable_confirmation_prompt: bool,
    escape_time: u32,
    extra_config: String,
    focus_events: bool,
    history_limit: u32,
    key_mode: KeyMode,
    mouse: bool,
    new_session: bool,
    plugins: Vec<TomlPlugin>,
    prefix: Option<String>,
    resize_amount: u32,
    reverse_split: bool,
    secure_socket: bool,
    sensible_on_top: bool,
    shell: Option<String>,
    shortcut: String,
    terminal: String,
    tmuxinator: TomlHelper,
    tmuxp: TomlHelper,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeyMode {
    Emacs,
    Vi,
}

/// A program beside tmux, which is only installed.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlHelper {
    enable: bool,
}

impl Default for TomlTmux {
    fn default() -> Self {
        Self {
            _enable: IgnoredAny,
            _package: None,
            aggressive_resize: false,
            base_index: 0,
            clock24: false,
            custom_pane_navigation_and_resize: false,
            disable_confirmation_prompt: false,
            escape_time: 500,
            extra_config: String::new(),
            focus_events: false,
            history_limit: 2000,
            key_mode: KeyMode::Emacs,
            mouse: false,
            new_session: false,
            plugins: Vec::new(),
            prefix: None,
            resize_amount: 5,
            reverse_split: false,
            secure_socket: true,
            sensible_on_top: false,
            shell: None,
            shortcut: "b".to_owned(),
            terminal: "screen".to_owned(),
            tmuxinator: TomlHelper::default(),
            tmuxp: TomlHelper::default(),
        }
    }
}

impl TomlTmux {
    /// Packages that are installed beside tmux.
    fn helpers(&self) -> Vec<String> {
        let helpers = [("tmuxinator", self.tmuxinator.enable), ("tmuxp", self.tmuxp.enable)];
        helpers.iter().filter(|(_, enable)| *enable).map(|(name, _)| (*name).to_owned()).collect()
    }
}

fn requested(tmux: &TomlTmux) -> Vec<String> {
    let sensible = tmux.sensible_on_top.then(|| SENSIBLE.to_owned());
    let plugins = tmux.plugins.iter().map(|plugin| plugin.request().to_owned());
    sensible.into_iter().chain(plugins).chain(tmux.helpers()).collect()
}

fn evaluate(table: &toml::Table, context: &Context<'_>) -> (Contribution, Vec<OptionError>) {
    contribute(NAME, table, |tmux: &TomlTmux, findings| {
        check(tmux, findings);
        let sensible = tmux.sensible_on_top.then(|| plugins::find(context, SENSIBLE, &["sensibleOnTop"], findings));
        let parts = [
            text::head(tmux, sensible.flatten().map(|plugin| plugin.script).as_deref()),
            plugins::text(&tmux.plugins, context, findings),
            tmux.extra_config.clone(),
        ];
        let parts: Vec<String> = [Some(&parts[0]), (!tmux.plugins.is_empty()).then_some(&parts[1]), Some(&parts[2])]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        let files = [(".config/tmux/tmux.conf".to_owned(), (Content::Text(parts.join("\n")), false))].into();
        let socket = tmux
            .secure_socket
            .then(|| ("TMUX_TMPDIR".to_owned(), "${XDG_RUNTIME_DIR:-\"/run/user/$(id -u)\"}".to_owned()));
        let session_variables = socket.into_iter().collect();
        Contribution { files, session_variables, packages: tmux.helpers(), ..Contribution::default() }
    })
}

/// Values that would be more than a word where they stand.
fn check(tmux: &TomlTmux, findings: &mut Findings) {
    let prefix = tmux.prefix.as_deref().unwrap_or("C-b");
    for (option, key) in [("prefix", prefix), ("shortcut", &tmux.shortcut)] {
        if key.is_empty() || key.contains(char::is_whitespace) {
            findings.error(&[option], "it is one key", "write a key as tmux names it: `C-a`");
        }
    }
    let shell = tmux.shell.as_deref().unwrap_or_default();
    for (option, text) in [("shell", shell), ("terminal", &tmux.terminal)] {
        if !one_line(text) || text.contains('"') {
            findings.error(&[option], "it stands between quotes on one line", "take quotes and line breaks out");
        }
    }
    for (option, number) in [("historyLimit", tmux.history_limit), ("resizeAmount", tmux.resize_amount)] {
        if number == 0 {
            findings.error(&[option], "it is at least 1", "write a greater number, or leave it out");
        }
    }
}

#[cfg(test)]
mod tests;
