//! A small but real machine, file by file; then what is hostile.

use proptest::prelude::*;

use super::{Converted, Role, convert};
use crate::config;

const SYSTEM: &str = include_str!("tests/system.nix");
const USERS: &str = include_str!("tests/users.nix");
const HOME: &str = include_str!("tests/home.nix");

fn converted(text: &str, origin: &str) -> Converted {
    convert(text, origin, "nixos-unstable").unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_system() {
    insta::assert_snapshot!(converted(SYSTEM, "system.nix").text, @r#"
    packages = [
      "bashInteractive",
      "coreutils",
      "openssl^dev",
      "python3Packages.requests",
      "nodejs_20",
      "gnugrep",
      "gnused",
      "findutils",
      "gawk",
      "ripgrep",
      "fd",
      "openssh",
      "rsync",
    ]

    [boot]
    user-rebuild = false

    [channels.nixpkgs]
    release = "nixos-unstable"

    [daemons.cleanup]
    command = ["sh", "-c", "while true; do sleep 60; done"]

    [daemons.metrics]
    command = ["metrics", "--port", "9000"]
    user = ["alice", "bob"]

    [daemons.sshd]
    command = ["${pkgs.openssh}/bin/sshd", "-D", "-e"]

    [daemons.sync]
    command = ["${pkgs.rsync}/bin/rsync", "-a", "/data", "/backup"]
    user = "*"

    [entrypoint]
    command = ["python3", "-m", "http.server", "8080"]
    port = 8080
    user = "alice"

    [image]
    name = "lazycoder"

    # Not taken over from system.nix:
    #
    # line 4: nothing is evaluated: what `let` names is not put in
    #   port = 8080;
    #
    # line 14: functions are not called
    #   python3.withPackages (ps: [ ps.flask ])
    #
    # line 16: functions are not called
    #   lib.optionals stdenv.isLinux [ strace ]
    #
    # line 28: it names something else
    #   port = port;

    # Comments of system.nix:
    #
    # line 1: # The machine itself.
    # line 13: # for the scripts
    "#);
}

#[test]
fn users() {
    insta::assert_snapshot!(converted(USERS, "users.nix").text, @r#"
    [alice]
    shell = "zsh"
    uid = 1000

    [alice.home]
    packages = ["hello"]

    [alice.home.programs.git.settings.user]
    email = "alice@example.org"
    name = "Alice"

    [bob]
    uid = 1001

    # Not taken over from users.nix:
    #
    # line 10: a user of users.toml has no such key
    #   description = "Bob";
    #
    # line 10: import that file by itself, and put what comes of it below this user's `home`
    #   home = ./bob.nix;
    "#);
}

#[test]
fn a_home() {
    insta::assert_snapshot!(converted(HOME, "home.nix").text, @r#"
    packages = ["ripgrep", "fd", "jq", "less"]
    sessionPath = ["$HOME/.local/bin"]

    [file.".hushlogin"]
    text = ""

    [file.".tmux.local.conf"]
    source = "./dots/tmux.conf"

    [programs.bash]
    enable = true

    [programs.bash.shellAliases]
    g = "git"

    [programs.git]
    enable = true

    [programs.git.settings.init]
    defaultBranch = "main"

    [programs.neovim]
    enable = true
    package = false

    [programs.tmux]
    enable = true
    mouse = true
    plugins = ["tmuxPlugins.sensible", "tmuxPlugins.yank"]

    [sessionVariables]
    EDITOR = "nvim"
    PAGER = "${pkgs.less}/bin/less"

    [shellAliases]
    ll = "ls -la"

    [xdg.configFile."app/greeting"]
    text = """
    Hello,
      $${pkgs.world} is escaped, $HOME is not.
    """

    # Not taken over from home.nix:
    #
    # line 4: import those files by themselves
    #   imports = [ ./editor.nix ];
    #
    # line 7: nothing needs to be said of this
    #   home.username = "user";
    #
    # line 8: nothing needs to be said of this
    #   home.homeDirectory = "/home/user";
    #
    # line 9: nothing needs to be said of this
    #   home.stateVersion = "24.05";
    #
    # line 11: functions are not called
    #   writeShellScriptBin "hi" "echo hi"
    #
    # line 16: its text is put together
    #   CFG = "${config.xdg.configHome}/x";
    #
    # line 31: `programs.git.delta`: dumbc has no such option of git: put `delta` into `packages`, and write `settings.core.pager = "delta"`, `settings.interactive.diffFilter = "delta --color-only"` and delta's options below `settings.delta`
    #   delta.enable = true;
    #
    # line 32: `programs.git` has no option `nonsense`: its options are enable, package, settings, ignores, attributes, includes, signing, lfs, hooks
    #   nonsense = 3;
    #
    # line 36: functions are not called
    #   initExtra = lib.mkAfter "true";
    #
    # line 44: dumbc does not know the program `alacritty`: add its package and its files
    #   programs.alacritty.enable = true;
    #
    # line 45: nothing needs to be said of this
    #   programs.home-manager.enable = true;
    #
    # line 47: home.toml has no such option
    #   services.syncthing.enable = true;

    # Comments of home.nix:
    #
    # line 6: # Who we are is the machine's to say.
    "#);
}

#[test]
fn the_three_make_a_machine() {
    let text = |text: &str, origin: &str| Some(converted(text, origin).text);
    let sources = config::Sources {
        system: text(SYSTEM, "system.nix"),
        users: text(USERS, "users.nix"),
        home: text(HOME, "home.nix"),
    };
    let (machine, warnings) = config::parse(&sources).into_machine().unwrap_or_else(|invalid| panic!("{invalid:?}"));
    assert_eq!(warnings, []);
    assert_eq!(crate::home::generation::check(&machine), []);
    assert_eq!(machine.users.len(), 2);
    assert_eq!(machine.daemons.len(), 4);
}

#[test]
fn nothing_is_dropped() {
    for (text, origin) in [(SYSTEM, "system.nix"), (USERS, "users.nix"), (HOME, "home.nix")] {
        let made = converted(text, origin).text;
        for word in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() > 6) {
            let renamed = ["imageName", "userRebuild", "description", "authorizedKeys"].contains(&word);
            assert!(renamed || made.contains(word), "`{word}` of {origin} is nowhere in\n{made}");
        }
    }
}

#[test]
fn roles_by_content() {
    let role = |text: &str| convert(text, "machine.nix", "r").map(|converted| converted.role).ok();
    assert_eq!(role("{ imageName = \"x\"; }"), Some(Role::System));
    assert_eq!(role("{ pkgs, ... }: { programs.git.enable = true; }"), Some(Role::Home));
    assert_eq!(role("{ alice.uid = 1000; }"), Some(Role::Users));
    assert_eq!(role("{ }"), None);
    for wrong in ["", "3", "{ a = ; }", "{ a = 1; } }", "[ 1 ]", "x: y: z", "{ a = \"${b}"] {
        assert!(convert(wrong, "home.nix", "r").is_err(), "{wrong}");
    }
}

#[test]
fn names_are_what_nix_would_take_them_for() {
    let packages = |text: &str| {
        let table: toml::Table = converted(text, "home.nix").text.parse().unwrap();
        table.get("packages").map(ToString::to_string).unwrap_or_default()
    };
    assert_eq!(
        packages("{ pkgs, fd, ... }: { home.packages = with pkgs; [ fd jq ]; }"),
        "[\"jq\"]",
        "fd is an argument"
    );
    assert_eq!(packages("{ home.packages = with lib; [ git ]; }"), "[]", "of lib nothing is known");
    assert_eq!(packages("{ home.packages = [ pkgs.a.\"b.c\" pkgs.openssl.dev ]; }"), "['a.\"b.c\"', \"openssl^dev\"]");
    assert_eq!(
        packages("with pkgs; { home.packages = with python3Packages; [ requests ]; }"),
        "[\"python3Packages.requests\"]"
    );
    assert_eq!(packages("let jq = 1; in { home.packages = with pkgs; [ jq ] ++ [ fd ]; }"), "[\"fd\"]");
}

/// Text that looks like Nix more often than not.
fn nixish() -> impl Strategy<Value = String> {
    let words = [
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "a",
        "home",
        ".",
        "=",
        ";",
        ":",
        "packages",
        "pkgs",
        "with ",
        " ",
        "\"",
        "''",
        "${",
        "\n",
        "let ",
        " in ",
        "1",
        "-",
        "++",
        "//",
        "rec ",
        "inherit ",
        "# c\n",
        "./x",
        "programs",
        "git",
        "or ",
        "?",
        "@",
        ",",
        "...",
        "true",
        "é",
        "\\",
        "$",
        "!",
        "/* c */",
        "if ",
        " then ",
        " else ",
        "<",
        ">",
        "~/",
        "http://x.y",
    ];
    proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..60).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn whatever_the_text_the_file_is_toml(inner in nixish(), text in nixish()) {
        for text in [format!("{{ home.file.x.text = {inner}; programs.git = {{ {inner} }}; }}"), text] {
            for name in ["home.nix", "system.nix", "users.nix"] {
                if let Ok(converted) = convert(&text, name, "nixos-unstable") {
                    prop_assert!(converted.text.parse::<toml::Table>().is_ok(), "{}", converted.text);
                }
            }
        }
    }
}

#[test]
fn depth_is_refused_and_length_is_not() {
    let deep = |open: &str, close: &str| format!("{{ a = {}1{}; }}", open.repeat(20_000), close.repeat(20_000));
    for (open, close) in
        [("[", "]"), ("(", ")"), ("{ a = ", ";}"), ("- ", ""), ("f ", ""), ("\"${", "}\""), ("x: ", "")]
    {
        assert!(convert(&deep(open, close), "home.nix", "r").is_err(), "{open}");
    }
    let nested = format!("{{ home.file.x.text = {}1{}; }}", "[ ".repeat(200), " ]".repeat(200));
    assert!(converted(&nested, "home.nix").text.contains("too deep"));
    let long = format!("{{ home.packages = with pkgs; [ {} ]; }}", "git ".repeat(40_000));
    assert!(convert(&long, "home.nix", "r").is_ok());
    assert!(convert(&" ".repeat(300 << 10), "home.nix", "r").is_err(), "too long");
}
