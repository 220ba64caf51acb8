use super::super::merge::{Layer, merge};
use super::super::programs::{Contribution, Program};
use super::*;
use crate::config::Places;

fn merged(text: &str) -> Merged {
    let table = toml::from_str(text).unwrap();
    merge(&[Layer { file: "home.toml".to_owned(), table, places: Places::default() }])
}

fn git(name: &str) -> Result<StorePath, Option<String>> {
    (name == "git").then(|| StorePath::from_parts([1; 20], "git-2").unwrap()).ok_or(None)
}

fn read(text: &str) -> (Settings, Vec<String>) {
    let mut findings = Vec::new();
    let settings = settings(&merged(text), &git, &mut findings);
    (settings, findings.into_iter().map(|finding| format!("{}: {}", finding.path.join("."), finding.message)).collect())
}

#[test]
fn everything_is_read_with_packages_put_in() {
    let (home, findings) = read(
        "packages = ['git', 'jq']\nsessionPath = ['$HOME/bin']\nbackup-extension = 'old'\n\
         [sessionVariables]\nA = '${pkgs.git}/x'\nB = true\nC = 3\nD = '$${pkgs.git}'\n\
         [shellAliases]\nll = 'ls -l'\n\
         [file.'a//./b']\ntext = 'x ${pkgs.git}'\nexecutable = true\n\
         [xdg.configFile.'app/c.json']\njson = { git = '${pkgs.git}' }\nforce = true\n\
         [programs.git]\nenable = true\nsettings.core.pager = '${pkgs.git}/bin/p'\n\
         [daemons.d]\ncommand = ['${pkgs.git}/bin/git', 'daemon']\nhealth = { http = '/', grace = '1m' }\nports = [2000]\n",
    );
    assert_eq!(findings, Vec::<String>::new());
    let path = git("git").unwrap();
    assert_eq!(home.packages, ["git", "jq"]);
    assert_eq!(home.session_variables["A"], format!("{path}/x"));
    assert_eq!(home.session_variables["B"], "true");
    assert_eq!(home.session_variables["C"], "3");
    assert_eq!(home.session_variables["D"], "${pkgs.git}");
    assert_eq!(home.files[0].target, "a/b");
    assert_eq!(home.files[0].content, FileContent::Text(format!("x {path}")));
    assert_eq!(home.files[1].target, ".config/app/c.json");
    assert_eq!(home.files[1].content, FileContent::Text(format!("{{\n  \"git\": \"{path}\"\n}}\n")));
    assert!(home.files[1].force && home.files[0].executable == Some(true));
    assert_eq!(home.programs["git"]["settings"]["core"]["pager"].as_str(), Some(format!("{path}/bin/p").as_str()));
    let daemon = &home.daemons["d"];
    assert_eq!(daemon.command[0], format!("{path}/bin/git"));
    assert_eq!(daemon.health.as_ref().map(|health| (health.interval, health.grace)), Some((30_000, 60_000)));
    assert_eq!(home.backup_extension.as_deref(), Some("old"));
}

#[test]
fn each_mistake_is_said_and_the_rest_read() {
    let (home, findings) = read(
        "packages = 'git'\nsessionVariables = { A = [1], '1x' = 'y' }\n\
         file.a = { text = 'x', json = {} }\nfile.'../b'.text = 'x'\nfile.c.source = '${pkgs.jq}/c'\n\
         file.'.local/state/dumbc/generation'.text = 'x'\nfile.d = {}\nfile.e.ini = { a = 1 }\nfile.f.text = 'f'\n\
         daemons.d.command = []\ndaemons.e = { command = ['e'], after = ['x'] }\n\
         programs.exa.enable = true\n",
    );
    insta::assert_snapshot!(findings.join("\n"), @r#"
    programs.exa: `programs.exa` is an older name
    file.c.source: no package `jq` is requested
    packages: `packages` can't be read: invalid type: string "git", expected a sequence
    sessionVariables.1x: `1x` can't be a variable of a shell's
    sessionVariables.A: the variable `A` has to be a string, a number, true or false
    file.../b: the path `../b` has a `..`
    file..local/state/dumbc/generation: the path `.local/state/dumbc/generation` lies where the home's own state is
    file.a: a file has one content
    file.d: nothing says what `d` holds
    file.e.ini.a: INI can't hold `a`: it has to stand in a section
    daemons.d: daemon `d`: the command is empty
    daemons.e.after.0: there is no daemon `x` to wait for
    "#);
    assert_eq!(home.files.iter().map(|file| file.target.as_str()).collect::<Vec<_>>(), ["c", "f"]);
    assert!(home.programs.contains_key("eza"));
}

const TOOL: Program = Program {
    name: "tool",
    package: "tool-package",
    requests: |table| {
        table
            .get("plugins")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect()
    },
    contribute: |_, _| (Contribution::default(), Vec::new()),
    is_shell: false,
};

#[test]
fn programs_bring_their_packages() {
    let ask = |text: &str, debian| {
        let requests = requests_of(&[&TOOL], &merged(text), debian);
        (requests.installed.join(" "), requests.others.join(" "))
    };
    let said = |installed: &str, others: &str| (installed.to_owned(), others.to_owned());
    let on = "packages = ['git']\n[programs.tool]\nenable = true\nplugins = ['p', 'git', 'p']\n";
    assert_eq!(ask(on, false), said("git tool-package", "p git"));
    assert_eq!(ask(on, true), said("git", "p git"));
    assert_eq!(requests_of(&[&TOOL], &merged(on), false).all(), ["git", "tool-package", "p"]);
    assert_eq!(ask(&format!("{on}package = 'c#tool'\n"), true), said("git c#tool", "p git"));
    assert_eq!(ask(&format!("{on}package = false\n"), false), said("git", "p git"));
    assert_eq!(ask("[programs.tool]\nplugins = ['p']\n", false), said("", ""));
}
