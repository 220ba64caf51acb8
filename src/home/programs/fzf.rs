//! `programs.fzf`: its variables, and the shells' key bindings.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Table;

use super::findings::executable;
use super::options::{Package, options};
use super::{Context, Contribution, OptionError, Program, ShellSnippets};

/// A fuzzy finder.
pub(super) const FZF: Program =
    Program { name: "fzf", package: "fzf", requests: |_| Vec::new(), contribute, is_shell: false };

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "options are truth values")]
struct Fzf {
    #[serde(rename = "enable")]
    _enable: bool,
    package: Option<Package>,
    default_command: Option<String>,
    default_options: Vec<String>,
    file_widget_command: Option<String>,
    file_widget_options: Vec<String>,
    change_dir_widget_command: Option<String>,
    change_dir_widget_options: Vec<String>,
    history_widget_command: Option<String>,
    history_widget_options: Vec<String>,
    colors: BTreeMap<String, String>,
    tmux: Tmux,
    enable_bash_integration: bool,
    enable_zsh_integration: bool,
    enable_fish_integration: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Tmux {
    enable_shell_integration: bool,
    shell_integration_options: Vec<String>,
}

impl Default for Fzf {
    fn default() -> Self {
        Self {
            _enable: false,
            package: None,
            default_command: None,
            default_options: Vec::new(),
            file_widget_command: None,
            file_widget_options: Vec::new(),
            change_dir_widget_command: None,
            change_dir_widget_options: Vec::new(),
            history_widget_command: None,
            history_widget_options: Vec::new(),
            colors: BTreeMap::new(),
            tmux: Tmux::default(),
            enable_bash_integration: true,
            enable_zsh_integration: true,
            enable_fish_integration: true,
        }
    }
}

fn contribute(table: &Table, context: &Context<'_>) -> (Contribution, Vec<OptionError>) {
    match options::<Fzf>("fzf", table) {
        Ok(fzf) => {
            let (session_variables, shells) = (variables(&fzf), snippets(&fzf, context));
            (Contribution { session_variables, shells, ..Contribution::default() }, Vec::new())
        }
        Err(error) => (Contribution::default(), vec![error]),
    }
}

fn variables(fzf: &Fzf) -> BTreeMap<String, String> {
    let mut default_options = fzf.default_options.clone();
    if !fzf.colors.is_empty() {
        let colors: Vec<_> = fzf.colors.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        default_options.push(format!("--color {}", colors.join(",")));
    }
    let words = |words: &[String]| (!words.is_empty()).then(|| words.join(" "));
    let all = [
        ("FZF_DEFAULT_COMMAND", fzf.default_command.clone()),
        ("FZF_DEFAULT_OPTS", words(&default_options)),
        ("FZF_CTRL_T_COMMAND", fzf.file_widget_command.clone()),
        ("FZF_CTRL_T_OPTS", words(&fzf.file_widget_options)),
        ("FZF_ALT_C_COMMAND", fzf.change_dir_widget_command.clone()),
        ("FZF_ALT_C_OPTS", words(&fzf.change_dir_widget_options)),
        ("FZF_CTRL_R_COMMAND", fzf.history_widget_command.clone()),
        ("FZF_CTRL_R_OPTS", words(&fzf.history_widget_options)),
        ("FZF_TMUX", fzf.tmux.enable_shell_integration.then(|| "1".to_owned())),
        ("FZF_TMUX_OPTS", words(&fzf.tmux.shell_integration_options)),
    ];
    all.into_iter().filter_map(|(name, value)| value.map(|value| (name.to_owned(), value))).collect()
}

/// It takes Ctrl-R without asking: early, so that others may take it from it; in zsh after oh-my-zsh, which takes it back.
fn snippets(fzf: &Fzf, context: &Context<'_>) -> ShellSnippets {
    const EARLY: u32 = 200;
    let command = executable(context, fzf.package.as_ref(), FZF.package, "fzf");
    let bash = || format!("if [[ :$SHELLOPTS: =~ :(vi|emacs): ]]; then\n  eval \"$({command} --bash)\"\nfi\n");
    let zsh = || format!("if [[ $options[zle] = on ]]; then\n  source <({command} --zsh)\nfi\n");
    ShellSnippets {
        bash: fzf.enable_bash_integration.then(|| (EARLY, bash())).into_iter().collect(),
        zsh: fzf.enable_zsh_integration.then(|| (910, zsh())).into_iter().collect(),
        fish: fzf
            .enable_fish_integration
            .then(|| (EARLY, format!("{command} --fish | source\n")))
            .into_iter()
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_syntax, contribute};
    use super::*;

    #[test]
    fn settings_are_variables() {
        let table = "
            defaultCommand = 'fd --type f'
            defaultOptions = ['--height 40%', '--border']
            fileWidgetCommand = 'fd --type f'
            fileWidgetOptions = [\"--preview 'head {}'\"]
            changeDirWidgetCommand = 'fd --type d'
            changeDirWidgetOptions = [\"--preview 'tree -C {} | head -200'\"]
            historyWidgetOptions = ['--sort', '--exact']
            colors = { fg = '#d4d4d4', bg = '#1e1e1e' }
            tmux = { enableShellIntegration = true, shellIntegrationOptions = ['-d 40%'] }";
        let (contribution, findings) = contribute(&FZF, table, &Contribution::default());
        assert_eq!(findings, []);
        insta::assert_debug_snapshot!(contribution.session_variables, @r#"
        {
            "FZF_ALT_C_COMMAND": "fd --type d",
            "FZF_ALT_C_OPTS": "--preview 'tree -C {} | head -200'",
            "FZF_CTRL_R_OPTS": "--sort --exact",
            "FZF_CTRL_T_COMMAND": "fd --type f",
            "FZF_CTRL_T_OPTS": "--preview 'head {}'",
            "FZF_DEFAULT_COMMAND": "fd --type f",
            "FZF_DEFAULT_OPTS": "--height 40% --border --color bg:#1e1e1e,fg:#d4d4d4",
            "FZF_TMUX": "1",
            "FZF_TMUX_OPTS": "-d 40%",
        }
        "#);
    }

    /// An empty command is one: fzf then leaves the key to others.
    #[test]
    fn a_key_can_be_left_to_others() {
        let table = "historyWidgetCommand = ''\nchangeDirWidgetCommand = ''";
        let (contribution, _) = contribute(&FZF, table, &Contribution::default());
        let expected = [("FZF_ALT_C_COMMAND", ""), ("FZF_CTRL_R_COMMAND", "")];
        assert_eq!(contribution.session_variables, expected.map(|(name, value)| (name.into(), value.into())).into());
    }

    #[test]
    fn shells_bind_its_keys() {
        let (contribution, _) = contribute(&FZF, "package = false", &Contribution::default());
        assert_eq!(contribution.session_variables, BTreeMap::new());
        assert_syntax("bash", &contribution.shells.bash[0].1);
        assert_syntax("zsh", &contribution.shells.zsh[0].1);
        insta::assert_debug_snapshot!(contribution.shells, @r#"
        ShellSnippets {
            bash: [
                (
                    200,
                    "if [[ :$SHELLOPTS: =~ :(vi|emacs): ]]; then\n  eval \"$(fzf --bash)\"\nfi\n",
                ),
            ],
            zsh: [
                (
                    910,
                    "if [[ $options[zle] = on ]]; then\n  source <(fzf --zsh)\nfi\n",
                ),
            ],
            fish: [
                (
                    200,
                    "fzf --fish | source\n",
                ),
            ],
        }
        "#);
    }
}
