//! Homes as users meet them in a running machine.

use super::container::Machine;
use crate::support::project::{Cache, Project};

/// A script of a package of the test: `name` prints `said`.
fn tool(said: &str) -> Vec<u8> {
    format!("#!/bin/sh\necho {said}\n").into_bytes()
}

const HOME: &str = r#"
packages = ["extra"]
sessionPath = ["$HOME/.local/bin"]
sessionVariables = { EDITOR = "vim", TOOL = "${pkgs.git}/bin/git" }
shellAliases.ll = "ls -la"
file."notes/a.txt".text = "a\n"
file."notes/run" = { source = "./dots/run", executable = true }
file.dots = { source = "./dots", recursive = true }
file.folder.source = "./dots"
xdg.configFile."app.json".json = { theme = "dark" }
xdg.configFile."app.toml".toml.theme = "dark"
xdg.configFile."app.yaml".yaml = ["dark"]
xdg.configFile."app.ini".ini.theme.name = "dark"

[programs.bash]
enable = true
package = false
initExtra = "greeting=hello"

[programs.git]
enable = true
lfs.enable = true
settings.init.defaultBranch = "main"

[programs.gh]
enable = true

[programs.tmux]
enable = true
mouse = true
plugins = ["sensible"]
"#;

const USERS: &str = r#"
[alice]
uid = 1000
[bob]
uid = 1001
home.without = ["extra"]
home.programs.git.settings.init.defaultBranch = "trunk"
[carol]
uid = 1002
home = { inherit = false, sessionVariables.EDITOR = "ed" }
"#;

fn machine() -> Option<Machine> {
    let machine = Machine::new()?;
    machine.cache.add("extra", &[("bin/extra", &tool("extra"))]);
    machine.cache.add("git", &[("bin/git", &tool("git"))]);
    machine.cache.add("git-lfs", &[("bin/git-lfs", &tool("lfs"))]);
    machine.cache.add("gh", &[("bin/gh", &tool("gh"))]);
    machine.cache.add("tmux", &[("bin/tmux", &tool("tmux"))]);
    let sensible: (&str, &[u8]) = ("share/tmux-plugins/sensible/sensible.tmux", b"#!/bin/sh\n");
    machine.cache.add("sensible", &[sensible]);
    machine.system(&[], "");
    machine.file("users.toml", USERS).file("home.toml", HOME).file("dots/run", "#!/bin/sh\necho ran\n");
    Some(machine)
}

#[test]
fn are_what_the_files_say() {
    let Some(machine) = machine() else { return };
    let shown = machine.project.dumbc(&["home", "show", "bob"]).ok().text();
    for line in ["defaultBranch = \"trunk\"  # users.toml:7", "EDITOR = \"vim\"  # home.toml:4"] {
        assert!(shown.lines().any(|found| found == line), "`{line}` is missing from:\n{shown}");
    }
    assert!(!shown.contains("\"extra\""), "{shown}");
    let image = machine.load();
    let container = image.start(&[]);
    assert!(container.soon("dumbc machine status"));

    let script = "ls -1 ~; cat ~/notes/a.txt; ~/notes/run; sh ~/dots/run; cat ~/folder/run ~/.config/app.json ~/.config/app.toml \
                  ~/.config/app.yaml ~/.config/app.ini; extra; $TOOL; git-lfs; gh; tmux; echo $EDITOR";
    let told = container.shell("alice", script);
    let expected = "dots\nfolder\nnotes\na\nran\nran\n#!/bin/sh\necho ran\n{\n  \"theme\": \"dark\"\n}\ntheme = \"dark\"\n- dark\n[theme]\n\
                    name=dark\nextra\ngit\nlfs\ngh\ntmux\nvim\n";
    assert_eq!(told, expected);

    // git's file has what programs beside it bring, and tmux's runs the plugin where its package lies.
    let config = container.shell("alice", "cat ~/.config/git/config");
    assert!(config.contains("[credential \"https://github.com\"]\n\thelper = \"/nix/store/"), "{config}");
    assert!(config.contains("-gh/bin/gh auth git-credential\"\n"), "{config}");
    assert!(config.contains("-git-lfs/bin/git-lfs clean -- %f\"\n"), "{config}");
    let tmux = container.shell("alice", "cat ~/.config/tmux/tmux.conf");
    assert!(tmux.contains("set  -g mouse             on\n"), "{tmux}");
    assert!(tmux.contains("/share/tmux-plugins/sensible/sensible.tmux\n"), "{tmux}");

    // What the layers of users say.
    assert!(container.shell("bob", "cat ~/.config/git/config").contains("\tdefaultBranch = \"trunk\"\n"));
    assert_eq!(container.shell("bob", "command -v extra || echo none"), "none\n");
    assert_eq!(container.shell("carol", "echo $EDITOR; ls ~"), "ed\n");

    // A login shell within a session keeps the home's folders, and so does who comes in by docker.
    let path = "/home/alice/.local/bin:/etc/profiles/per-user/alice/bin:";
    assert!(container.shell("alice", "exec sh -lc 'echo $PATH'").starts_with(path));
    let by_docker = container.exec("alice", &["sh", "-lc", "echo $PATH"]);
    assert!(String::from_utf8_lossy(&by_docker.stdout).starts_with(path), "{by_docker:?}");

    let inside = container.shell("alice", "dumbc home show alice");
    assert!(inside.contains("theme = \"dark\"") && inside.contains("\"sensible\""), "{inside}");
}

/// Findings have their place, before anything is fetched.
#[test]
fn mistakes_are_found_where_they_stand() {
    let (cache, project) = (Cache::new(), Project::new());
    project.system(&cache, "[]", "[boot]\nenable = true\n");
    let home = "sessionVariables.A = \"${pkgs.gti}\"\n[programs.git]\nenable = true\nuserName = \"Alice\"\nsetings = {}\n\
                [programs.tmxu]\nenable = true\n";
    project.file("home.toml", home).file("users.toml", "[alice]\nuid = 1000\n");
    let outcome = project.dumbc(&["check"]).fails(2);
    for line in [
        "no package `gti` is requested",
        "--> home.toml:1:",
        "`programs.git` has no option `setings`",
        "--> home.toml:5:",
        "there is no program `tmxu` that dumbc configures",
        "--> home.toml:6:",
    ] {
        assert!(outcome.stderr.contains(line), "`{line}` is missing from:\n{}", outcome.stderr);
    }
}
