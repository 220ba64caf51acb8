//! What Home Manager's tests expect of the same settings.

use super::super::ShellSnippets;
use super::super::testing::{
    Package, assert_syntax, contribute, evaluated, evaluated_with, link, made, store_path, text,
};
use super::*;

const CONFIG: &str = ".config/fish/config.fish";

fn config(table: &str) -> String {
    let text = made(&FISH, table, CONFIG);
    assert_syntax("fish", &text);
    text
}

#[test]
fn a_config_has_its_parts_in_order() {
    let others = Contribution {
        session_variables: BTreeMap::from([
            ("EDITOR".into(), "nvim".into()),
            ("CACHE".into(), "${XDG_CACHE_HOME:-$HOME/.cache}/x".into()),
        ]),
        session_path: vec!["$HOME/bin".into(), "/opt/bin".into()],
        aliases: BTreeMap::from([("ll".into(), "ls -l".into())]),
        shells: ShellSnippets {
            fish: vec![(1500, "direnv".into()), (200, "fzf".into()), (FISH_LAST, "last".into())],
            ..ShellSnippets::default()
        },
        ..Contribution::default()
    };
    let table = "shellInit = 'init'
        loginShellInit = 'login'
        interactiveShellInit = 'own'
        shellInitLast = 'end_of_all'
        shellAliases.g = 'git'
        shellAbbrs.l = 'less'
        functions.f = { body = 'x', onEvent = 'e' }";
    let (contribution, findings) = contribute(&FISH, table, &others);
    assert_eq!(findings, []);
    let text = text(&contribution, CONFIG);
    assert_syntax("fish", text);
    insta::assert_snapshot!(text, @r#"
    # Only execute this file once per shell.
    set -q __dumbc_fish_config_sourced; and exit
    set -g __dumbc_fish_config_sourced 1

    # Session variables, once
    if not set -q __DUMBC_FISH_VARIABLES_SOURCED
      set -gx __DUMBC_FISH_VARIABLES_SOURCED 1
      set -gx CACHE ""(begin; test -n "$XDG_CACHE_HOME"; and printf %s "$XDG_CACHE_HOME"; or printf %s "$HOME""/.cache"; end | string collect --allow-empty)"/x"
      set -gx EDITOR "nvim"
    end

    # Folders before PATH, the last one first
    for folder in /etc/profiles/per-user/alice/bin "/opt/bin" "$HOME""/bin"
      contains -- $folder $PATH; or set -gxp PATH $folder
    end

    # Source handler functions
    source ~/.config/fish/functions/f.fish

    init

    status is-login; and begin

    login

    end

    status is-interactive; and begin

    set -l profile ~/.local/state/dumbc/generation/path/share/fish
    if test -d $profile/vendor_completions.d
      set -p fish_complete_path $profile/vendor_completions.d
    end
    if test -d $profile/vendor_functions.d
      set -a fish_function_path $profile/vendor_functions.d
    end

    # Abbreviations
    abbr --add -- l less

    # Aliases
    alias g git
    alias ll 'ls -l'

    fzf

    own

    direnv

    end

    end_of_all

    last
    "#);
}

#[test]
fn abbreviations_have_their_forms() {
    let text = config(
        r#"
        [shellAbbrs]
        l = "less"
        gco = "git checkout"
        "-C" = { position = "anywhere", expansion = "--color" }
        L = { position = "anywhere", setCursor = true, expansion = "% | less" }
        "!!" = { position = "anywhere", function = "last_history_item" }
        vim_edit_texts = { position = "command", regex = '.+\.txt', function = "vim_edit" }
        "4DIRS" = { setCursor = "!", expansion = "for dir in */\n!\nend\n" }
        co = { command = "git", expansion = "checkout" }
        dotdot = { regex = '^\.\.+$', function = "multicd" }
    "#,
    );
    for line in [
        "abbr --add -- l less\n",
        "abbr --add -- gco 'git checkout'\n",
        "abbr --add --position anywhere -- -C --color\n",
        "abbr --add --position anywhere --set-cursor -- L '% | less'\n",
        "abbr --add --function last_history_item --position anywhere -- '!!'\n",
        "abbr --add --function vim_edit --position command --regex '.+\\.txt' -- vim_edit_texts\n",
        "abbr --add '--set-cursor=!' -- 4DIRS 'for dir in */\n!\nend\n'\n",
        "abbr --add --command git -- co checkout\n",
        "abbr --add --function multicd --regex '^\\.\\.+$' -- dotdot\n",
    ] {
        assert!(text.contains(line), "{line} in:\n{text}");
    }
}

#[test]
fn aliases_become_abbreviations_where_they_are_preferred() {
    let others = Contribution { aliases: BTreeMap::from([("ll".into(), "ls -l".into())]), ..Contribution::default() };
    let (contribution, _) = contribute(&FISH, "preferAbbrs = true\nshellAliases.g = 'git'", &others);
    let text = text(&contribution, CONFIG);
    assert!(text.contains("abbr --add -- ll 'ls -l'\n") && text.contains("alias g git\n"), "{text}");
    assert!(!text.contains("alias ll"));
}

#[test]
fn functions_are_files() {
    let table = r#"
        functions.func = 'echo "Hello"'
        functions.func-event = { body = 'echo "Not found!"', onEvent = "fish_command_not_found" }
        functions.many = { body = "x", description = "a b", argumentNames = ["a", "b"], onSignal = 1, onProcessExit = "$fish_pid", noScopeShadowing = true }
        completions.my-prog = "complete -c myprog -s o -l output"
    "#;
    let (contribution, findings) = contribute(&FISH, table, &Contribution::default());
    assert_eq!(findings, []);
    let function = |name: &str| {
        let text = text(&contribution, &format!(".config/fish/functions/{name}.fish"));
        assert_syntax("fish", text);
        text
    };
    assert_eq!(function("func"), "function func\n    echo \"Hello\"\nend\n");
    assert_eq!(
        function("func-event"),
        "function func-event --on-event=fish_command_not_found\n    echo \"Not found!\"\nend\n"
    );
    assert_eq!(
        function("many"),
        "function many --description='a b' --on-process-exit=$fish_pid --on-signal=1 --no-scope-shadowing \
         --argument-names a b\n    x\nend\n"
    );
    let config = text(&contribution, CONFIG);
    assert!(config.contains("source ~/.config/fish/functions/func-event.fish\n"), "{config}");
    assert!(!config.contains("functions/func.fish"));
    assert_eq!(text(&contribution, ".config/fish/completions/my-prog.fish"), "complete -c myprog -s o -l output\n");
}

#[test]
fn plugins_are_loaded_from_where_they_lie() {
    let table = "plugins = [{ name = 'foo', src = 'fishPlugins.foo' }]";
    let (contribution, findings) =
        evaluated_with(&FISH, table, &[Package::plain("fishPlugins.foo", "foo")], &Contribution::default());
    assert_eq!(findings, []);
    let text = text(&contribution, ".config/fish/conf.d/plugin-foo.fish");
    assert_syntax("fish", text);
    assert!(text.starts_with(&format!("# Plugin foo\nset -l plugin_dir {}\n", store_path("foo"))), "{text}");
    assert_eq!((FISH.requests)(&table.parse().expect("TOML")), ["fishPlugins.foo"]);
    let (_, findings) = evaluated(&FISH, table);
    assert_eq!(findings[0].path, ["plugins", "0", "src"]);
}

#[test]
fn themes_of_plugins_lie_where_fish_looks() {
    let folders: &[(&str, &[&str])] = &[("themes", &["README.md", "a.theme"]), ("share/fish/themes", &["b.theme"])];
    let package = Package { request: "fishPlugins.foo", name: "foo", folders };
    let table = "plugins = [{ name = 'foo', src = 'fishPlugins.foo' }, { name = 'bar', src = '/opt/bar' }]";
    let (contribution, findings) = evaluated_with(&FISH, table, &[package], &Contribution::default());
    assert_eq!(findings, []);
    let foo = store_path("foo");
    assert_eq!(link(&contribution, ".config/fish/themes/a.theme"), format!("{foo}/themes/a.theme"));
    assert_eq!(link(&contribution, ".config/fish/themes/b.theme"), format!("{foo}/share/fish/themes/b.theme"));
    assert_eq!(contribution.files.keys().filter(|path| path.contains("/themes/")).count(), 2);
}

#[test]
fn what_fish_cannot_say_is_named() {
    let others = Contribution {
        session_variables: BTreeMap::from([("A".into(), "$(id | wc)".into()), ("B".into(), "b".into())]),
        ..Contribution::default()
    };
    let (contribution, findings) = contribute(&FISH, "", &others);
    assert!(text(&contribution, CONFIG).contains("set -gx B \"b\""));
    assert_eq!(findings[0].message, "fish doesn't set `A`: a command with more than plain words stands in it");
    assert!(findings[0].warning);
}

#[test]
fn names_that_cannot_be_files_are_refused() {
    let (contribution, findings) = contribute(&FISH, "functions.'../x' = ''", &Contribution::default());
    assert_eq!(contribution, Contribution::default());
    assert_eq!(findings[0].path, ["functions", "../x"]);
    let (_, findings) = contribute(&FISH, "functions.x = { bdy = '' }", &Contribution::default());
    assert_eq!(findings[0].path, ["functions", "x", "bdy"]);
}

#[test]
fn keys_are_bound_when_fish_is_ready() {
    let table = "[binds]
        ctrl-d.command = 'exit'
        'visual_ctrl-d' = { name = 'ctrl-d', mode = 'visual', command = 'exit' }
        ctrl-c = { mode = 'insert', command = ['kill-whole-line', 'repaint'] }
        ctrl-g = { command = ['git diff'], repaint = true, silent = true, setsMode = 'default' }
        alt-s = { erase = true, operate = 'preset', command = 'fish_commandline_prepend sudo' }
        off = { enable = false, command = 'exit' }";
    let text = made(&FISH, table, ".config/fish/functions/fish_user_key_bindings.fish");
    insta::assert_snapshot!(text, @r"
    function fish_user_key_bindings
        bind -e --preset alt-s
        bind --preset alt-s 'fish_commandline_prepend sudo'
        bind --mode insert ctrl-c kill-whole-line repaint
        bind ctrl-d exit
        bind -s --sets-mode default ctrl-g 'git diff' repaint
        bind --mode visual ctrl-d exit
    end
    ");
    assert_syntax("fish", &text);
    let (_, findings) = contribute(&FISH, "binds.x.mode = 'insert'", &Contribution::default());
    assert_eq!(findings[0].message, "`programs.fish.binds.x`: it needs a `command`, or `erase = true`");
}
