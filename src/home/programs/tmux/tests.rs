use std::process::Command;

use super::super::testing::{Package, evaluated, evaluated_with, run, text};
use super::*;

const FILE: &str = ".config/tmux/tmux.conf";

const PLUGINS: [Package; 4] = [
    Package {
        request: "tmuxPlugins.sensible",
        name: "tmuxplugin-sensible-unstable-2022-08-14",
        folders: &[(plugins_folder(), &["sensible"]), ("share/tmux-plugins/sensible", &["README.md", "sensible.tmux"])],
    },
    Package {
        request: "tmuxPlugins.prefix-highlight",
        name: "tmuxplugin-prefix-highlight-unstable-2021-03-30",
        folders: &[
            (plugins_folder(), &["prefix-highlight"]),
            ("share/tmux-plugins/prefix-highlight", &["other.tmux", "prefix_highlight.tmux"]),
        ],
    },
    Package {
        request: "tmuxPlugins.fzf-tmux-url",
        name: "tmuxplugin-fzf-tmux-url-unstable-2024",
        folders: &[(plugins_folder(), &["fzf-tmux-url"]), ("share/tmux-plugins/fzf-tmux-url", &["fzf-url.tmux"])],
    },
    Package {
        request: "strange",
        name: "strange-1",
        folders: &[(plugins_folder(), &["strange"]), ("share/tmux-plugins/strange", &["a.tmux", "b.tmux"])],
    },
];

const fn plugins_folder() -> &'static str {
    "share/tmux-plugins"
}

fn with_plugins(table: &str) -> (Contribution, Vec<OptionError>) {
    evaluated_with(&TMUX, table, &PLUGINS, &Contribution::default())
}

#[test]
fn defaults_are_home_managers() {
    let (contribution, findings) = evaluated(&TMUX, "enable = true");
    assert!(findings.is_empty());
    assert_eq!(
        text(&contribution, FILE),
        "\nset  -g default-terminal \"screen\"\nset  -g base-index      0\nsetw -g pane-base-index 0\n\n\n\n\n\n\
         set -g status-keys emacs\nset -g mode-keys   emacs\n\n\n\n\n\n\n\n\
         set  -g mouse             off\nset  -g focus-events      off\nsetw -g aggressive-resize off\n\
         setw -g clock-mode-style  12\nset  -s escape-time       500\nset  -g history-limit     2000\n\n"
    );
    assert_eq!(contribution.session_variables["TMUX_TMPDIR"], "${XDG_RUNTIME_DIR:-\"/run/user/$(id -u)\"}");
}

#[test]
fn everything_that_has_a_block() {
    let (contribution, findings) = with_plugins(
        "aggressiveResize = true\nbaseIndex = 1\nclock24 = true\ncustomPaneNavigationAndResize = true\n\
         disableConfirmationPrompt = true\nescapeTime = 10\nextraConfig = \"set -g status off\\n\"\n\
         focusEvents = true\nhistoryLimit = 5000\nkeyMode = 'vi'\nmouse = true\nnewSession = true\nprefix = 'C-a'\n\
         reverseSplit = true\nsecureSocket = false\nsensibleOnTop = true\nshell = '/usr/bin/myshell'\n\
         terminal = 'tmux-256color'",
    );
    assert!(findings.is_empty(), "{findings:?}");
    assert!(contribution.session_variables.is_empty());
    let sensible = PLUGINS[0].path().to_string();
    insta::assert_snapshot!(text(&contribution, FILE).replace(&sensible, "SENSIBLE"), @r##"
    # ============================================= #
    # Start with defaults from the Sensible plugin  #
    # --------------------------------------------- #
    run-shell SENSIBLE/share/tmux-plugins/sensible/sensible.tmux
    # ============================================= #

    set  -g default-terminal "tmux-256color"
    set  -g base-index      1
    setw -g pane-base-index 1
    # We need to set default-shell before calling new-session
    set  -g default-shell "/usr/bin/myshell"

    new-session

    bind -N "Split the pane into two, left and right" v split-window -h
    bind -N "Split the pane into two, top and bottom" s split-window -v


    set -g status-keys vi
    set -g mode-keys   vi

    bind -N "Select pane to the left of the active pane" h select-pane -L
    bind -N "Select pane below the active pane" j select-pane -D
    bind -N "Select pane above the active pane" k select-pane -U
    bind -N "Select pane to the right of the active pane" l select-pane -R

    bind -r -N "Resize the pane left by 5" \
      H resize-pane -L 5
    bind -r -N "Resize the pane down by 5" \
      J resize-pane -D 5
    bind -r -N "Resize the pane up by 5" \
      K resize-pane -U 5
    bind -r -N "Resize the pane right by 5" \
      L resize-pane -R 5


    # rebind main key: C-a
    unbind C-b
    set -g prefix C-a
    bind -N "Send the prefix key through to the application" \
      C-a send-prefix


    bind-key -N "Kill the current window" & kill-window
    bind-key -N "Kill the current pane" x kill-pane


    set  -g mouse             on
    set  -g focus-events      on
    setw -g aggressive-resize on
    setw -g clock-mode-style  24
    set  -s escape-time       10
    set  -g history-limit     5000

    set -g status off
    "##);
}

#[test]
fn a_shortcut_is_the_prefix_with_control() {
    let (contribution, _) = evaluated(&TMUX, "shortcut = 'a'");
    let expected = "# rebind main key: C-a\nunbind C-b\nset -g prefix C-a\n\
                    bind -N \"Send the prefix key through to the application\" \\\n  a send-prefix\n\
                    bind C-a last-window\n\n\n\n\nset  -g mouse";
    assert!(text(&contribution, FILE).contains(expected));
}

#[test]
fn plugins_run_after_their_own_text() {
    let table = "plugins = ['tmuxPlugins.prefix-highlight', \
                 { plugin = 'tmuxPlugins.fzf-tmux-url', extraConfig = 'set -g @fzf-url-bind x' }]\n\
                 extraConfig = 'set -g status off'";
    let (contribution, findings) = with_plugins(table);
    assert!(findings.is_empty(), "{findings:?}");
    let expected = format!(
        "set  -g history-limit     2000\n\n\
         # ============================================= #\n\
         # Load plugins with Home Manager                #\n\
         # --------------------------------------------- #\n\n\
         # tmuxplugin-prefix-highlight\n# ---------------------\n\n\
         run-shell {}/share/tmux-plugins/prefix-highlight/prefix_highlight.tmux\n\n\n\
         # tmuxplugin-fzf-tmux-url\n# ---------------------\nset -g @fzf-url-bind x\n\
         run-shell {}/share/tmux-plugins/fzf-tmux-url/fzf-url.tmux\n\n\
         # ============================================= #\n\nset -g status off",
        PLUGINS[1].path(),
        PLUGINS[2].path(),
    );
    assert!(text(&contribution, FILE).ends_with(&expected), "{}", text(&contribution, FILE));
    let requests = (TMUX.requests)(&table.parse().unwrap());
    assert_eq!(requests, ["tmuxPlugins.prefix-highlight", "tmuxPlugins.fzf-tmux-url"]);
}

#[test]
fn what_can_not_be_is_refused() {
    for (table, path) in [
        ("plugins = ['missing']", &["plugins", "0"][..]),
        ("plugins = ['strange']", &["plugins", "0"]),
        ("sensibleOnTop = true", &["sensibleOnTop"]),
        ("prefix = 'C-a C-b'", &["prefix"]),
        ("shell = 'a\"b'", &["shell"]),
        ("historyLimit = 0", &["historyLimit"]),
        ("keyMode = 'nano'", &["keyMode"]),
        ("mous = true", &["mous"]),
    ] {
        let table = table.to_owned();
        let known = if table.starts_with("sens") { &[][..] } else { &PLUGINS[..] };
        let (contribution, findings) = evaluated_with(&TMUX, &table, known, &Contribution::default());
        assert_eq!(contribution, Contribution::default(), "{table}");
        assert_eq!(findings[0].path, path, "{table}");
    }
}

#[test]
fn helpers_are_installed() {
    let (contribution, _) = evaluated(&TMUX, "tmuxp.enable = true\ntmuxinator.enable = false");
    assert_eq!(contribution.packages, ["tmuxp"]);
}

/// A server of its own, which ends with its folder: no session is made in it.
#[test]
fn tmux_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tmux.conf");
    let (contribution, _) = evaluated(
        &TMUX,
        "keyMode = 'vi'\ncustomPaneNavigationAndResize = true\nreverseSplit = true\nprefix = 'C-a'\nmouse = true\n\
         disableConfirmationPrompt = true\nfocusEvents = true\nclock24 = true\nbaseIndex = 1\nhistoryLimit = 5000",
    );
    std::fs::write(&file, text(&contribution, FILE)).unwrap();
    let mut command = Command::new("tmux");
    command.arg("-S").arg(folder.path().join("socket")).arg("-f").arg(&file).args(["start-server", ";"]);
    command.args(["show-options", "-g", "prefix", ";", "show-options", "-g", "history-limit", ";", "kill-server"]);
    command.env("TERM", "screen").env_remove("TMUX");
    let Some(output) = run(&mut command) else { return };
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "prefix C-a\nhistory-limit 5000\n");
}
