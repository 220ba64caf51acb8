//! The shells themselves, started in a home that the programs made. Each test says so and stops where its shell isn't there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::testing::{Folders, contribute_in, evaluated, skipped};
use super::{Content, Contribution, Program};
use crate::home::manifest::{LIVE, SESSION_VARIABLES};

const PROGRAMS: [(&Program, &str); 4] = [
    (&super::eza::EZA, "package = false\ngit = true"),
    (
        &super::direnv::DIRENV,
        "package = false\nenableBashIntegration = false\nenableZshIntegration = false\nenableFishIntegration = false",
    ),
    (
        &super::fzf::FZF,
        "package = false\ndefaultOptions = ['--height 40%']\nenableBashIntegration = false\nenableZshIntegration = false\nenableFishIntegration = false",
    ),
    (&super::readline::READLINE, "variables.bell-style = 'none'"),
];

/// What the other programs bring, and the home itself.
fn others() -> Contribution {
    let mut others = Contribution {
        session_variables: BTreeMap::from([("FROM_HOME".into(), "in $HOME${UNSET:+no}".into())]),
        session_path: vec!["$HOME/own/bin".into()],
        ..Contribution::default()
    };
    for (program, table) in PROGRAMS {
        let (contribution, findings) = evaluated(program, table);
        assert_eq!(findings, [], "{}", program.name);
        others.session_variables.extend(contribution.session_variables);
        others.aliases.extend(contribution.aliases);
        others.files.extend(contribution.files);
    }
    others
}

fn write(home: &Path, contribution: &Contribution) {
    for (path, (content, _)) in &contribution.files {
        let Content::Text(text) = content else { panic!("{path} is no text") };
        let path = home.join(path);
        fs::create_dir_all(path.parent().expect("below the home")).expect("made");
        fs::write(path, text).expect("written");
    }
}

/// What the shell prints when it runs `script` in a home with `table`; `None` where there is no such shell.
fn started(program: &Program, table: &str, script: &str) -> Option<String> {
    let home = tempfile::tempdir().expect("made");
    let others = others();
    let path = home.path().to_str().expect("UTF-8");
    let (contribution, findings) = contribute_in(path, program, table, &others, &|_| None, &Folders::new());
    assert_eq!(findings, [], "{}", program.name);
    write(home.path(), &others);
    write(home.path(), &contribution);
    let live = home.path().join(LIVE);
    fs::create_dir_all(&live).expect("made");
    let mut variables = String::from("export PATH=\"$HOME/own/bin:$PATH\"\n");
    for (name, value) in &others.session_variables {
        _ = writeln!(variables, "export {name}=\"{value}\"");
    }
    fs::write(live.join(SESSION_VARIABLES), variables).expect("written");
    let output = Command::new(program.name)
        .args(["-l", "-i", "-c", script])
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("TERM", "dumb")
        .current_dir(home.path())
        .output();
    let Ok(output) = output else {
        skipped(&format!("no {} here", program.name));
        return None;
    };
    let said = String::from_utf8_lossy(&output.stdout).replace(&home.path().display().to_string(), "HOME");
    let errors = String::from_utf8_lossy(&output.stderr);
    let errors: Vec<_> = errors.lines().filter(|line| !is_of_no_terminal(line)).collect();
    assert_eq!(errors, [""; 0], "{}", program.name);
    Some(said)
}

/// What shells say of a test's lack of a terminal.
fn is_of_no_terminal(line: &str) -> bool {
    ["terminal process group", "no job control", "can't set tty", "Inappropriate ioctl", "zle"]
        .iter()
        .any(|part| line.contains(part))
}

#[test]
fn bash_starts() {
    let table = "shellAliases.g = 'git'\nsessionVariables.V = 'v-$FROM_HOME'\ninitExtra = 'own=1'\nhistoryControl = ['ignoreboth']\nenableCompletion = false";
    let script = "echo \"$V|$FZF_DEFAULT_OPTS|$own|$HISTCONTROL|${PATH%%:*}\"; alias g eza ll; shopt globstar";
    let Some(said) = started(&super::bash::BASH, table, script) else { return };
    assert_eq!(
        said,
        "v-in HOME|--height 40%|1|ignoreboth|HOME/own/bin\nalias g='git'\nalias eza='eza --git'\nalias ll='eza -l'\nglobstar       \ton\n"
    );
}

#[test]
fn zsh_starts() {
    let table = "dotDir = '.config/zsh'\nshellAliases.g = 'git'\nsessionVariables.V = 'v-$FROM_HOME'\ninitContent = 'own=1'\nlocalVariables.L = ['a', 'b']
        dirHashes.d = '$HOME/x'\nsetOptions = ['NO_BEEP']\ncompletionInit = 'autoload -U compinit && compinit -u'";
    let script = "print -r -- \"$V|$own|$L[2]|$HISTSIZE|$HISTFILE|$path[1]\"; alias g eza; print -r -- ~d; setopt | grep -c nobeep";
    let Some(said) = started(&super::zsh::ZSH, table, script) else { return };
    assert_eq!(
        said,
        "v-in HOME|1|b|10000|HOME/.config/zsh/.zsh_history|HOME/own/bin\ng=git\neza='eza --git'\nHOME/x\n1\n"
    );
}

#[test]
fn fish_starts() {
    let table = "shellAliases.g = 'git'\nshellAbbrs.l = 'less -R'\nshellInit = 'set -g own 1'\nfunctions.hello = 'echo hello $argv'
        loginShellInit = 'set -g login 1'\nfunctions.seen = { body = 'echo seen', onEvent = 'seen' }\npreferAbbrs = true";
    let script = "echo \"$FROM_HOME|$FZF_DEFAULT_OPTS|$own|$login|$PATH[1]\"; hello you; emit seen; abbr --list | sort | string join ,; functions -q g; and echo alias";
    let Some(said) = started(&super::fish::FISH, table, script) else { return };
    assert_eq!(said, "in HOME|--height 40%|1|1|HOME/own/bin\nhello you\nseen\neza,l,la,ll,lla,ls,lt\nalias\n");
}
