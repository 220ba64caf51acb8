//! `programs.bash`: `.bashrc`, `.bash_profile`, `.profile`, `.bash_logout`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use toml::Table;

use super::options::{Package, Scalar, options};
use super::shell::{Lines, aliases, blocks, check_variables, in_order, lines, quote};
use super::{Content, Context, Contribution, OptionError, Program};
use crate::home::manifest::{LIVE, SESSION_VARIABLES};

/// GNU's shell.
pub(super) const BASH: Program = Program {
    name: "bash",
    package: "bash",
    requests: |table| match options::<Bash>("bash", table) {
        Ok(bash) if bash.enable_completion == Some(true) => vec![COMPLETION.to_owned()],
        _ => Vec::new(),
    },
    contribute,
    is_shell: true,
};

const COMPLETION: &str = "bash-completion";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Bash {
    #[serde(rename = "enable")]
    _enable: bool,
    #[serde(rename = "package")]
    _package: Option<Package>,
    enable_completion: Option<bool>,
    history_size: i64,
    history_file: Option<String>,
    history_file_size: i64,
    history_control: Vec<HistoryControl>,
    history_ignore: Vec<String>,
    shell_options: Vec<String>,
    session_variables: BTreeMap<String, Scalar>,
    shell_aliases: BTreeMap<String, String>,
    profile_extra: Lines,
    bashrc_extra: Lines,
    init_extra: Lines,
    logout_extra: Lines,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum HistoryControl {
    EraseDups,
    IgnoreDups,
    IgnoreSpace,
    IgnoreBoth,
}

impl HistoryControl {
    fn name(self) -> &'static str {
        match self {
            Self::EraseDups => "erasedups",
            Self::IgnoreDups => "ignoredups",
            Self::IgnoreSpace => "ignorespace",
            Self::IgnoreBoth => "ignoreboth",
        }
    }
}

impl Default for Bash {
    fn default() -> Self {
        Self {
            _enable: false,
            _package: None,
            enable_completion: None,
            history_size: 10_000,
            history_file: None,
            history_file_size: 100_000,
            history_control: Vec::new(),
            history_ignore: Vec::new(),
            shell_options: ["histappend", "extglob", "globstar", "checkjobs"].map(str::to_owned).to_vec(),
            session_variables: BTreeMap::new(),
            shell_aliases: BTreeMap::new(),
            profile_extra: Lines::default(),
            bashrc_extra: Lines::default(),
            init_extra: Lines::default(),
            logout_extra: Lines::default(),
        }
    }
}

fn contribute(table: &Table, context: &Context<'_>) -> (Contribution, Vec<OptionError>) {
    let bash = match options::<Bash>("bash", table) {
        Ok(bash) => bash,
        Err(error) => return (Contribution::default(), vec![error]),
    };
    let errors = check_variables("bash", "sessionVariables", bash.session_variables.keys());
    if !errors.is_empty() {
        return (Contribution::default(), errors);
    }
    let mut contribution = Contribution::default();
    let mut add = |path: &str, text: String| {
        contribution.files.insert(path.to_owned(), (Content::Text(text), false));
    };
    add(".bash_profile", PROFILE.to_owned());
    add(".profile", profile(&bash));
    add(".bashrc", bashrc(&bash, context));
    let logout = in_order(bash.logout_extra.pieces());
    if !logout.is_empty() {
        add(".bash_logout", logout);
    }
    (contribution, Vec::new())
}

const PROFILE: &str = "\
# include .profile if it exists
[[ -f ~/.profile ]] && . ~/.profile

# include .bashrc if it exists
[[ -f ~/.bashrc ]] && . ~/.bashrc
";

fn profile(bash: &Bash) -> String {
    let mut variables = String::new();
    for (name, value) in &bash.session_variables {
        _ = writeln!(variables, "export {name}=\"{value}\"");
    }
    let source = format!(". \"$HOME/{LIVE}/{SESSION_VARIABLES}\"");
    blocks([source.as_str(), &variables, &in_order(bash.profile_extra.pieces())])
}

fn bashrc(bash: &Bash, context: &Context<'_>) -> String {
    let mut all_aliases = context.others.aliases.clone();
    all_aliases.extend(bash.shell_aliases.clone());
    let mut pieces = vec![(100, completion(bash, context))];
    pieces.extend(context.others.shells.bash.clone());
    pieces.extend(bash.init_extra.pieces());
    blocks([
        in_order(bash.bashrc_extra.pieces()).as_str(),
        "# Commands that should be applied only for interactive shells.\n[[ $- == *i* ]] || return",
        &history(bash),
        &shell_options(&bash.shell_options),
        &aliases(&all_aliases, ""),
        &in_order(pieces),
    ])
}

fn history(bash: &Bash) -> String {
    let mut settings = BTreeMap::new();
    settings.insert("HISTFILESIZE", bash.history_file_size.to_string());
    settings.insert("HISTSIZE", bash.history_size.to_string());
    if let Some(file) = &bash.history_file {
        settings.insert("HISTFILE", format!("\"{file}\""));
    }
    if !bash.history_control.is_empty() {
        let names: Vec<_> = bash.history_control.iter().map(|control| control.name()).collect();
        settings.insert("HISTCONTROL", names.join(":"));
    }
    if !bash.history_ignore.is_empty() {
        settings.insert("HISTIGNORE", quote(&bash.history_ignore.join(":")));
    }
    let mut text = lines(settings.iter().map(|(name, value)| format!("{name}={value}")));
    if bash.history_file.is_some() {
        text += "mkdir -p \"$(dirname \"$HISTFILE\")\"\n";
    }
    text
}

/// `-name` takes an option away.
fn shell_options(options: &[String]) -> String {
    let line = |option: &String| match option.strip_prefix('-') {
        Some(option) => format!("shopt -u {}", quote(option)),
        None => format!("shopt -s {}", quote(option)),
    };
    lines(options.iter().map(line))
}

/// From the package where it was asked for; where nothing is said, from wherever a package or the system brought it.
fn completion(bash: &Bash, context: &Context<'_>) -> String {
    const SCRIPT: &str = "etc/profile.d/bash_completion.sh";
    if bash.enable_completion == Some(false) {
        return String::new();
    }
    if let Some(path) = bash.enable_completion.and_then(|_| (context.package)(COMPLETION)) {
        return format!("if [[ ! -v BASH_COMPLETION_VERSINFO ]]; then\n  . \"{path}/{SCRIPT}\"\nfi\n");
    }
    format!(
        "for completion in \"$HOME/{LIVE}/path\" \"\" /usr; do
  if [[ ! -v BASH_COMPLETION_VERSINFO && -r $completion/{SCRIPT} ]]; then
    . \"$completion/{SCRIPT}\"
  fi
done
unset completion
"
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_syntax, contribute, made, text};
    use super::*;

    fn check(table: &str, path: &str) -> String {
        let text = made(&BASH, table, path);
        assert_syntax("bash", &text);
        text
    }

    #[test]
    fn a_profile_has_the_sessions_variables_and_its_own() {
        insta::assert_snapshot!(check("sessionVariables = { V1 = 'v1', V2 = 'v2-v1' }", ".profile"), @r#"
        . "$HOME/.local/state/dumbc/generation/session-variables.sh"

        export V1="v1"
        export V2="v2-v1"
        "#);
    }

    #[test]
    fn a_bashrc_has_its_parts_in_order() {
        let others = Contribution {
            aliases: BTreeMap::from([("ll".into(), "ls -l".into()), ("g".into(), "hg".into())]),
            shells: super::super::ShellSnippets {
                bash: vec![(2000, "eval zoxide".into()), (200, "eval fzf".into())],
                ..Default::default()
            },
            ..Default::default()
        };
        let table = "enable = true
            enableCompletion = true
            bashrcExtra = 'always'
            initExtra = 'mine'
            shellAliases.g = 'git'
            shellOptions = ['extglob', '-cdspell']
            historyControl = ['erasedups', 'ignorespace']
            historyIgnore = ['ls', 'cd *']
            historyFile = '/home/alice/foo/history'";
        let (contribution, findings) = contribute(&BASH, table, &others);
        assert_eq!(findings, []);
        let bashrc = text(&contribution, ".bashrc");
        assert_syntax("bash", bashrc);
        insta::assert_snapshot!(bashrc, @r#"
        always

        # Commands that should be applied only for interactive shells.
        [[ $- == *i* ]] || return

        HISTCONTROL=erasedups:ignorespace
        HISTFILE="/home/alice/foo/history"
        HISTFILESIZE=100000
        HISTIGNORE='ls:cd *'
        HISTSIZE=10000
        mkdir -p "$(dirname "$HISTFILE")"

        shopt -s extglob
        shopt -u cdspell

        alias -- g=git
        alias -- ll='ls -l'

        if [[ ! -v BASH_COMPLETION_VERSINFO ]]; then
          . "/nix/store/00000000000000000000000000000000-bash-completion/etc/profile.d/bash_completion.sh"
        fi

        eval fzf

        mine

        eval zoxide
        "#);
    }

    #[test]
    fn without_a_word_completion_is_taken_where_it_is() {
        assert!(check("", ".bashrc").contains("-r $completion/etc/profile.d/bash_completion.sh"));
        assert!(!check("enableCompletion = false", ".bashrc").contains("completion"));
        assert_eq!((BASH.requests)(&"enableCompletion = true".parse().expect("TOML")), ["bash-completion"]);
        assert_eq!((BASH.requests)(&Table::new()), [""; 0]);
    }

    #[test]
    fn logout_is_there_when_something_stands_in_it() {
        assert_eq!(check("logoutExtra = 'clear-console'", ".bash_logout"), "clear-console\n");
        let (contribution, _) = contribute(&BASH, "", &Contribution::default());
        assert_eq!(contribution.files.keys().collect::<Vec<_>>(), [".bash_profile", ".bashrc", ".profile"]);
    }

    #[test]
    fn names_and_types_that_cannot_be_are_said() {
        let (contribution, findings) = contribute(&BASH, "sessionVariables.'a b' = 1", &Contribution::default());
        assert_eq!(contribution, Contribution::default());
        assert_eq!(findings[0].path, ["sessionVariables", "a b"]);
        let (_, findings) = contribute(&BASH, "initExtr = ''", &Contribution::default());
        assert_eq!(findings[0].help.as_deref(), Some("did you mean `initExtra`?"));
        let (_, findings) = contribute(&BASH, "historyControl = ['x']", &Contribution::default());
        assert_eq!(findings[0].path, ["historyControl", "0"]);
    }
}
