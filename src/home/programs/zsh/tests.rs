//! What Home Manager's tests expect of the same settings.

use std::collections::BTreeMap;

use super::super::ShellSnippets;
use super::super::testing::{Package, assert_syntax, contribute, evaluated, evaluated_with, made, store_path, text};
use super::*;

fn zshrc(table: &str) -> String {
    let text = made(&ZSH, table, ".zshrc");
    assert_syntax("zsh", &text);
    text
}

/// Whether `lines` stand in `text` in this order.
fn assert_order(text: &str, lines: &[&str]) {
    let mut rest = text;
    for line in lines {
        let Some((_, after)) = rest.split_once(line) else { panic!("no {line:?} in order in:\n{text}") };
        rest = after;
    }
}

#[test]
fn a_zshrc_of_defaults() {
    insta::assert_snapshot!(zshrc(""), @r#"
    typeset -U path cdpath fpath manpath

    for profile in ${(z)NIX_PROFILES} "$HOME/.local/state/dumbc/generation/path" /usr; do
      fpath+=($profile/share/zsh/site-functions $profile/share/zsh/$ZSH_VERSION/functions $profile/share/zsh/vendor-completions)
    done

    HELPDIR="/nix/store/00000000000000000000000000000000-zsh/share/zsh/$ZSH_VERSION/help"

    autoload -U compinit && compinit

    # History options should be set after oh-my-zsh, which has its own.
    HISTSIZE="10000"
    SAVEHIST="10000"
    HISTFILE="/home/alice/.zsh_history"
    mkdir -p "$(dirname "$HISTFILE")"

    setopt HIST_FCNTL_LOCK
    unsetopt APPEND_HISTORY
    unsetopt EXTENDED_HISTORY
    unsetopt HIST_EXPIRE_DUPS_FIRST
    unsetopt HIST_FIND_NO_DUPS
    unsetopt HIST_IGNORE_ALL_DUPS
    setopt HIST_IGNORE_DUPS
    setopt HIST_IGNORE_SPACE
    unsetopt HIST_SAVE_NO_DUPS
    setopt SHARE_HISTORY
    "#);
}

#[test]
fn aliases_are_quoted_where_they_need_it() {
    let table = "shellAliases = { test1 = 'alias', test2 = 'a b' }\nshellGlobalAliases.G = '| grep'";
    let text = zshrc(table);
    assert!(text.ends_with("alias -- test1=alias\nalias -- test2='a b'\nalias -g -- G='| grep'\n"), "{text}");
}

#[test]
fn variables_are_exported_once() {
    let table =
        "sessionVariables = { IS_EMPTY = '', IS_FALSE = false, IS_TRUE = true, PATH = '$HOME/bin:$PATH', V1 = 'v1' }
        envExtra = 'last=1'";
    let text = made(&ZSH, table, ".zshenv");
    assert_syntax("zsh", &text);
    insta::assert_snapshot!(text, @r#"
    # Environment variables
    . "$HOME/.local/state/dumbc/generation/session-variables.sh"

    # Only source this once
    if [[ -z "$__DUMBC_ZSH_VARIABLES_SOURCED" ]]; then
      export __DUMBC_ZSH_VARIABLES_SOURCED=1
      export IS_EMPTY=""
      export IS_FALSE=false
      export IS_TRUE=true
      export PATH="$HOME/bin:$PATH"
      export V1="v1"
    fi

    last=1
    "#);
}

#[test]
fn a_folder_of_its_own() {
    let (contribution, findings) =
        contribute(&ZSH, "dotDir = '.config/zsh'\nloginExtra = 'x'\nlogoutExtra = 'y'", &Contribution::default());
    assert_eq!(findings, []);
    assert_eq!(
        contribution.files.keys().collect::<Vec<_>>(),
        [".config/zsh/.zlogin", ".config/zsh/.zlogout", ".config/zsh/.zshenv", ".config/zsh/.zshrc", ".zshenv"]
    );
    assert_eq!(text(&contribution, ".zshenv"), "source /home/alice/.config/zsh/.zshenv\n");
    assert!(text(&contribution, ".config/zsh/.zshenv").contains("export ZDOTDIR=/home/alice/.config/zsh\n"));
    assert!(text(&contribution, ".config/zsh/.zshrc").contains("HISTFILE=\"/home/alice/.config/zsh/.zsh_history\"\n"));
    let (_, findings) = contribute(&ZSH, "dotDir = '/etc'", &Contribution::default());
    assert_eq!(findings[0].path, ["dotDir"]);
}

#[test]
fn history_settings_are_variables_and_options() {
    let text = zshrc(
        "autocd = true
        history = { size = 5, save = 7, path = '~/h', ignorePatterns = ['echo *', 'rm *'], share = false, extended = true }",
    );
    assert_order(
        &text,
        &[
            "HISTSIZE=\"5\"\nSAVEHIST=\"7\"\nHISTORY_IGNORE='(echo *|rm *)'\nHISTFILE=\"$HOME/h\"\n",
            "unsetopt APPEND_HISTORY\nsetopt EXTENDED_HISTORY\n",
            "unsetopt SHARE_HISTORY\nsetopt autocd\n",
        ],
    );
}

#[test]
fn pieces_have_home_managers_order() {
    let others = Contribution {
        aliases: BTreeMap::from([("ll".into(), "ls -l".into())]),
        shells: ShellSnippets {
            zsh: vec![(851, "eval zoxide".into()), (1000, "eval direnv".into())],
            ..Default::default()
        },
        ..Contribution::default()
    };
    let table = "
        zprof.enable = true
        cdpath = ['~/src']
        defaultKeymap = 'emacs'
        localVariables.V1 = true
        setOptions = ['NO_BEEP']
        dirHashes.docs = '$HOME/Documents'
        autosuggestion = { enable = true, strategy = ['history', 'match_prev_cmd'], highlight = 'fg=#ff00ff' }
        syntaxHighlighting = { enable = true, highlighters = ['brackets'], styles.comment = 'fg=#6c6c6c', patterns.'rm -rf *' = 'bold' }
        historySubstringSearch = { enable = true, searchUpKey = ['^[[A', '\\eOA'] }
        initContent = ['own', { order = 500, text = 'first' }, { order = 1500, text = 'last' }]";
    let (contribution, findings) = contribute(&ZSH, table, &others);
    assert_eq!(findings, []);
    let text = text(&contribution, ".zshrc");
    assert_syntax("zsh", text);
    let expected = format!(
        "zmodload zsh/zprof|first|typeset -U path|cdpath+=(~/src)|for profile in|HELPDIR|bindkey -e|V1=true|compinit|\
         source {}/share/zsh-autosuggestions/zsh-autosuggestions.zsh|ZSH_AUTOSUGGEST_STRATEGY=(history match_prev_cmd)|\
         ZSH_AUTOSUGGEST_HIGHLIGHT_STYLE=\"fg=#ff00ff\"|eval zoxide|HISTSIZE|setopt NO_BEEP|eval direnv|own|\
         alias -- ll='ls -l'|hash -d docs=\"$HOME/Documents\"|\
         source {}/share/zsh-syntax-highlighting/zsh-syntax-highlighting.zsh|ZSH_HIGHLIGHT_HIGHLIGHTERS+=(brackets)|\
         ZSH_HIGHLIGHT_STYLES[comment]='fg=#6c6c6c'|ZSH_HIGHLIGHT_PATTERNS+=('rm -rf *' bold)|\
         zsh-history-substring-search.zsh|bindkey '^[[A' history-substring-search-up\nbindkey '\\eOA'|\
         bindkey '^[[B' history-substring-search-down|zprof|last",
        store_path("zsh-autosuggestions"),
        store_path("zsh-syntax-highlighting"),
    );
    assert_order(text, &expected.split('|').collect::<Vec<_>>());
}

#[test]
fn plugins_are_linked_and_sourced() {
    let table = "plugins = [{ name = 'mock', src = 'zsh-mock', completions = ['share/zsh/site-functions'] },
        { name = 'said', src = '/opt/said', file = 'init.sh' }]";
    let folders: &[(&str, &[&str])] = &[("share", &["doc", "mock"]), ("share/mock", &["mock.zsh"])];
    let mock = Package { request: "zsh-mock", name: "zsh-mock", folders };
    let (contribution, findings) = evaluated_with(&ZSH, table, &[mock], &Contribution::default());
    assert_eq!(findings, []);
    let link = Content::Link(store_path("zsh-mock").to_string());
    assert_eq!(contribution.files[".zsh/plugins/mock"], (link, false));
    assert_eq!(contribution.files[".zsh/plugins/said"], (Content::Link("/opt/said".into()), false));
    let text = text(&contribution, ".zshrc");
    assert_order(
        text,
        &[
            "path+=\"/home/alice/.zsh/plugins/mock\"\nfpath+=\"/home/alice/.zsh/plugins/mock\"\n\
             fpath+=(\"/home/alice/.zsh/plugins/mock/share/zsh/site-functions\")\n",
            "compinit",
            "source \"/home/alice/.zsh/plugins/mock/share/mock/mock.zsh\"\n",
            "source \"/home/alice/.zsh/plugins/said/init.sh\"\n",
        ],
    );
    assert_eq!((ZSH.requests)(&table.parse().expect("TOML")), ["zsh-mock"]);
    let (_, findings) =
        contribute(&ZSH, "plugins = [{ name = '../x', src = 'a', file = '\"; rm' }]", &Contribution::default());
    assert_eq!(findings.len(), 2);
}

#[test]
fn oh_my_zsh_starts_the_completion() {
    let table =
        "oh-my-zsh = { enable = true, theme = 'robbyrussell', plugins = ['git', 'sudo'], extraConfig = 'zstyle x' }";
    let (contribution, findings) = contribute(&ZSH, table, &Contribution::default());
    assert_eq!(findings, []);
    let zshenv = text(&contribution, ".zshenv");
    assert!(zshenv.contains(&format!("ZSH=\"{}/share/oh-my-zsh\"\n", store_path("oh-my-zsh"))), "{zshenv}");
    let text = text(&contribution, ".zshrc");
    assert!(!text.contains("compinit"));
    assert_order(
        text,
        &["zstyle x", "plugins=(git sudo)", "ZSH_THEME=\"robbyrussell\"", "source $ZSH/oh-my-zsh.sh", "HISTSIZE"],
    );
    assert!(contribution.files.contains_key(".cache/oh-my-zsh/.keep"));
}

#[test]
fn older_names_are_taken_with_a_warning() {
    let table =
        "initExtra = 'own'\ninitExtraFirst = 'first'\ninitExtraBeforeCompInit = 'before'\nenableAutosuggestions = true";
    let (contribution, findings) = contribute(&ZSH, table, &Contribution::default());
    assert!(findings.iter().all(|finding| finding.warning));
    assert_eq!(findings.len(), 4);
    assert_order(text(&contribution, ".zshrc"), &["first", "typeset", "before", "compinit", "HISTSIZE", "own"]);
    assert_eq!((ZSH.requests)(&table.parse().expect("TOML")), ["zsh-autosuggestions"]);
}

#[test]
fn what_is_not_answered_is_said() {
    let table = "syntaxHighlighting.enable = true\nplugins = [{ name = 'a', src = 'b' }]";
    let (contribution, findings) = evaluated(&ZSH, table);
    assert_eq!(contribution, Contribution::default());
    let messages: Vec<_> = findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "`programs.zsh.syntaxHighlighting.package`: nothing answers `zsh-syntax-highlighting`",
            "`programs.zsh.plugins.0.src`: nothing answers `b`"
        ]
    );
}

#[test]
fn functions_are_files_that_zsh_loads() {
    let (contribution, findings) =
        contribute(&ZSH, "siteFunctions.mkcd = 'mkdir -p \"$1\" && cd \"$1\"'", &Contribution::default());
    assert_eq!(findings, []);
    assert_eq!(text(&contribution, ".zsh/site-functions/mkcd"), "mkdir -p \"$1\" && cd \"$1\"\n");
    let text = text(&contribution, ".zshrc");
    assert!(text.contains("fpath+=(/home/alice/.zsh/site-functions)\nautoload -Uz -- mkcd\n"), "{text}");
    // Names that look like options, and those with blanks, are names.
    let (contribution, findings) =
        contribute(&ZSH, "siteFunctions = { '-hidden' = 'x', 'bad idea' = 'y' }", &Contribution::default());
    assert_eq!(findings, []);
    let text = self::text(&contribution, ".zshrc");
    assert_syntax("zsh", text);
    assert!(text.contains("autoload -Uz -- -hidden 'bad idea'\n"), "{text}");
    assert_eq!(self::text(&contribution, ".zsh/site-functions/bad idea"), "y\n");
}

#[test]
fn a_history_may_lie_where_a_variable_says() {
    for path in ["${XDG_STATE_HOME:-$HOME/.local/state}/zsh/history", "$ZDOTDIR/.zsh_history", "/srv/h"] {
        let text = zshrc(&format!("history.path = '{path}'"));
        assert!(text.contains(&format!("HISTFILE=\"{path}\"\n")), "{text}");
    }
    assert!(zshrc("history.path = 'some/subdir/h'").contains("HISTFILE=\"$HOME/some/subdir/h\"\n"));
}

#[test]
fn oh_my_zsh_takes_folders_and_themes_with_variables() {
    let table = "oh-my-zsh = { enable = true, custom = '$HOME/custom oh-my-zsh', theme = '$ZSH_THEME_NAME' }";
    let (contribution, _) = contribute(&ZSH, table, &Contribution::default());
    let text = text(&contribution, ".zshrc");
    assert_order(text, &["ZSH_CUSTOM=\"$HOME/custom oh-my-zsh\"\n", "ZSH_THEME=\"$ZSH_THEME_NAME\"\n"]);
}

/// Both names of a plugin's folders of functions.
#[test]
fn functions_of_plugins_are_found_by_zsh() {
    for name in ["completions", "functions"] {
        let table = format!("plugins = [{{ name = 'mock', src = 'zsh-mock', {name} = ['share/zsh/site-functions'] }}]");
        let text = zshrc(&table);
        assert!(text.contains("fpath+=(\"/home/alice/.zsh/plugins/mock/share/zsh/site-functions\")\n"), "{text}");
    }
}
