//! What a home gives its programs, read by the programs themselves: Debian's, in a machine, with plugins from a cache.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::container::{Container, Machine};
use crate::clients::has;
use crate::support::project::Cache;
use crate::support::skipped;

const HOME: &str = include_str!("programs/home.toml");

/// A release that has all the programs.
const TABLES: &str = "\n[machine]\nhostname = \"haystack\"\n[channels.debian]\nsuite = \"trixie\"\nmirror = \"host\"\n";

/// Debian's packages: the programs, and what a machine has beside them.
const PACKAGES: &str = "base-files base-passwd libc-bin coreutils findutils grep sed ncurses-base bsdutils bash zsh \
                        zsh-autosuggestions zsh-syntax-highlighting fish starship direnv fzf zoxide eza git gh tmux vim neovim \
                        openssh-client bat less htop jq";

/// What alice runs, and what that prints.
const JOBS: [(&str, &str, &str); 24] = [
    ("bash", "bash -ic 'echo $own, $HISTSIZE; alias ll'", "bash itself, 77\nalias ll='ls -la'\n"),
    (
        "bash starts what was asked of it",
        "bash -ic 'type -t go __fzf_history__ _direnv_hook starship_precmd'",
        "function\nfunction\nfunction\nfunction\n",
    ),
    (
        "zsh",
        "zsh -ic 'print $mark; marked; hay; \"-odd one\"; print -l $LIST; alias ll'",
        "zsh plugin\nmarked by zsh\nneedle\nodd\na\nb c\nll='ls -la'\n",
    ),
    (
        "zsh at a terminal starts what was asked of it",
        "script -qec \"zsh -ic 'whence -w go fzf-history-widget _direnv_hook prompt_starship_precmd _zsh_highlight _zsh_autosuggest_start; \
         print \\$ZSH_HIGHLIGHT_HIGHLIGHTERS'\" /dev/null | tr -d '\\r'",
        "go: function\nfzf-history-widget: function\n_direnv_hook: function\nprompt_starship_precmd: function\n\
         _zsh_highlight: function\n_zsh_autosuggest_start: function\nmain brackets\n",
    ),
    (
        "fish",
        "fish -ic 'echo $mark; marked; hay; abbr --show | string match \"*gco*\"; functions -q ll go; and echo both'",
        "fish plugin\nmarked by fish\nneedle\nabbr -a -- gco 'git checkout'\nboth\n",
    ),
    (
        "fish reads sessions' variables",
        "env -u XDG_RUNTIME_DIR -u TMUX_TMPDIR fish -c 'echo $TMUX_TMPDIR'",
        "/run/user/1000\n",
    ),
    ("fish finds a plugin's theme", "fish -c 'fish_config theme list' | grep -x straw", "straw\n"),
    (
        "readline",
        "bash -ic 'bind -v; bind -q backward-kill-word' | grep -e ignore-case -e bell-style -e kill",
        "set completion-ignore-case on\nset bell-style none\nbackward-kill-word can be invoked via \"\\C-h\", \"\\e\\C-h\", \"\\e\\C-?\".\n",
    ),
    ("starship", "starship prompt; starship print-config add_newline | grep add", "ready> add_newline = false\n"),
    (
        "direnv",
        "mkdir trusted && cd trusted && echo 'layout hay' > .envrc && direnv exec . sh -c 'echo $HAY'",
        "needle\n",
    ),
    ("fzf", "printf 'a1\\na2\\nb\\n' | fzf --filter a", "a2\na1\n"),
    ("zoxide", "mkdir far && zoxide add far && bash -ic 'go far && pwd'", "/home/alice/far\n"),
    ("eza", "mkdir -p barn/hay barn/straw && bash -ic 'ls barn'", "hay\nstraw\n"),
    ("eza's theme", "mkdir -p shed && eza --color=always -d shed | grep -o '31mshed'", "31mshed\n"),
    (
        "git",
        "git init -q work/r && cd work/r && touch a.hay b && git status --short && git add b && git commit -qm one \
         && git log --format='%an %ae' && git symbolic-ref HEAD && cat ~/asked && git a",
        "?? b\nAlice work@example.org\nrefs/heads/trunk\nasked\na\\tb",
    ),
    (
        "git asks gh",
        "printf 'protocol=https\nhost=github.com\n' | git credential fill",
        "protocol=https\nhost=github.com\nusername=alice\npassword=straw\n",
    ),
    ("gh", "gh config get git_protocol; gh alias list", "ssh\nco: pr checkout\n"),
    (
        "tmux",
        "tmux new-session -d 'sleep 99'; tmux show -gv @mark; tmux show -gv prefix; tmux show -gv mouse; \
         tmux list-windows -F '#I'; tmux kill-server; ls -d $TMUX_TMPDIR/tmux-1000",
        "tmux plugin\nC-a\non\n1\n/run/user/1000/tmux-1000\n",
    ),
    (
        "vim",
        "vim.basic --not-a-term -c 'call writefile([g:mark, g:sensible, g:own, &tabstop, &number, fnamemodify(&undodir, \":t\")], \"told\")' -c qa! \
         > /dev/null 2>&1 < /dev/null; cat told",
        "vim plugin\nsensible plugin\nvim itself\n3\n1\n.undo\n",
    ),
    (
        "neovim",
        "nvim --headless -c 'echo g:mark g:own g:told &sw' -c qa! 2>&1",
        "vim plugin nvim itself nvim itself! 7",
    ),
    (
        "ssh",
        "ssh -G work | grep -E '^(hostname|user|port|localforward|visualhostkey) '",
        "user al\nhostname work.example.org\nport 2222\nvisualhostkey yes\nlocalforward [localhost]:8080 [10.0.0.1]:80\n",
    ),
    ("bat", "echo '{}' > a.hay && batcat a.hay", "   1 {}\n"),
    (
        "less",
        "echo straw > text && tmux new-session -d 'less text; echo left > left' && soon shown hay && tmux send-keys x \
         && soon test -e left && grep straw screen",
        "      1 straw\n",
    ),
    ("jq", "echo '[null, 1]' | jq -cC . | grep -o -e '1;35mnull' -e '0;36m1'", "1;35mnull\n0;36m1\n"),
];

/// What scripts wait with: until a command succeeds, and until the terminal shows what matches.
const WAITS: &str = "soon() { for i in $(seq 300); do \"$@\" && return; sleep 0.1; done; cat screen >&2; return 1; }; \
                     shown() { tmux capture-pane -p > screen; grep -q \"$1\" screen; }";

const HTOP: &str = "tmux new-session -d -x 80 -y 20 htop && soon shown 'PID *USER *Command' && grep -o 'Hostname: haystack' screen; \
                    tmux send-keys q";

/// A package of the cache under the name that nixpkgs has for it: `set.name`.
fn add(cache: &Cache, set: &str, name: &str, files: &[(&str, &str)]) {
    let (folder, own) = (tempfile::tempdir().unwrap(), format!("{set}-{name}"));
    for (path, content) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        let mode = if content.starts_with("#!") { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    cache.add_tree(&own, folder.path());
    let index = cache.folder().join("index.jsonl");
    let text = fs::read_to_string(&index).unwrap();
    let line = |line: &str| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        if line["attr"] == *own {
            line["attr"] = format!("{set}.{name}").into();
            line["attrPath"] = vec![set, name].into();
        }
        format!("{line}\n")
    };
    fs::write(&index, text.lines().map(line).collect::<String>()).unwrap();
}

fn add_plugins(cache: &Cache) {
    let marked = |shell: &str| format!("echo marked by {shell}");
    add(cache, "vimPlugins", "vim-sensible", &[("plugin/sensible.vim", "let g:sensible = 'sensible plugin'\n")]);
    add(cache, "vimPlugins", "mark", &[("plugin/mark.vim", "let g:mark = 'vim plugin'\n")]);
    let script = "#!/bin/sh\ntmux set -g @mark 'tmux plugin'\n";
    add(cache, "tmuxPlugins", "mark", &[("share/tmux-plugins/mark/mark.tmux", script)]);
    let function = format!("function marked; {}; end\n", marked("fish"));
    let fish = [
        ("conf.d/mark.fish", "set -g mark 'fish plugin'\n"),
        ("functions/marked.fish", function.as_str()),
        ("themes/straw.theme", "fish_color_normal 575279\n"),
    ];
    add(cache, "fishPlugins", "mark", &fish);
    let zsh = format!("mark='zsh plugin'\nmarked() {{ {} }}\n", marked("zsh"));
    cache.add("zsh-mark", &[("share/zsh-mark/mark.plugin.zsh", zsh.as_bytes())]);
}

/// The machine; `None`, said aloud, where something to make it of is missing.
fn machine() -> Option<Machine> {
    has("apt-config")?;
    let machine = Machine::new()?;
    add_plugins(&machine.cache);
    let packages: Vec<String> = PACKAGES.split(' ').map(|name| format!("debian#{name}")).collect();
    machine.system(&packages.iter().map(String::as_str).collect::<Vec<_>>(), TABLES).file("home.toml", HOME);
    machine.file("users.toml", "[alice]\nuid = 1000\nshell = \"bash\"\n");
    let locked = machine.project.dumbc(&["lock"]).run();
    if matches!(locked.code, Some(3 | 5)) {
        return skipped(&format!("this machine's archive has not all of the programs: {}", locked.stderr));
    }
    assert_eq!(locked.code, Some(0), "{locked}");
    Some(machine)
}

fn prints(container: &Container, script: &str) -> String {
    container.shell("alice", &format!("{WAITS}; cd && export TERM=screen && {script}"))
}

#[test]
fn read_what_the_home_gives_them() {
    let Some(machine) = machine() else { return };
    let image = machine.load();
    let container = image.start(&["--hostname", "haystack"]);
    assert!(container.soon("dumbc machine status"));
    let mut wrong = Vec::new();
    for (program, script, expected) in JOBS {
        let printed = prints(&container, script);
        if printed != expected {
            wrong.push(format!("{program}: {script}\nexpected {expected:?}\nprinted  {printed:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "{}", wrong.join("\n\n"));
    let htop = prints(&container, HTOP);
    assert_eq!(htop, "Hostname: haystack\n");
}
