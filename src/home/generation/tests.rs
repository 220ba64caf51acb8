use std::sync::Arc;

use super::super::merge::{Layer, merge};
use super::super::programs::{Content, Contribution, OptionError, ShellSnippets};
use super::*;
use crate::config::Places;
use crate::image::listing::Listing;
use crate::image::tree::{Metadata, Node};
use crate::root::sample;
use crate::root::view::NO_PACKAGES;

const TOOL: Program = Program {
    name: "tool",
    package: "tool",
    requests: |_| Vec::new(),
    contribute: |table, context| {
        let mut made = Contribution::default();
        if let Some(wrong) = table.get("wrong") {
            let (path, message) = (vec!["wrong".to_owned()], format!("{wrong} is wrong"));
            return (made, vec![OptionError { path, message, help: None, warning: false }]);
        }
        let text = table.get("text").and_then(toml::Value::as_str).unwrap_or("tool");
        made.files.insert(".toolrc".to_owned(), (Content::Text(text.to_owned()), false));
        if let Some(tool) = (context.package)("tool") {
            made.files.insert(".config/tool/theme".to_owned(), (Content::Link(format!("{tool}/share/theme")), false));
            made.shells.bash.push((1000, format!("eval \"$({tool}/bin/tool init)\"")));
        }
        made.aliases.insert("t".to_owned(), "tool".to_owned());
        made.session_variables.insert("EDITOR".to_owned(), "tool".to_owned());
        (made, Vec::new())
    },
    is_shell: false,
};

const OTHER: Program = Program {
    name: "other",
    package: "",
    contribute: |_, _| {
        let variables = BTreeMap::from([("EDITOR".to_owned(), "other".to_owned())]);
        (Contribution { session_variables: variables, ..Contribution::default() }, Vec::new())
    },
    ..TOOL
};

const SHELL: Program = Program {
    name: "shell",
    package: "",
    contribute: |_, context| {
        let ShellSnippets { bash, .. } = &context.others.shells;
        let aliases =
            context.others.aliases.iter().map(|(name, value)| format!("alias {name}={value}\n")).collect::<Vec<_>>();
        let text = bash.iter().map(|(order, text)| format!("# {order}\n{text}\n")).collect::<Vec<_>>().concat()
            + &aliases.concat();
        let files = BTreeMap::from([(".shellrc".to_owned(), (Content::Text(text), false))]);
        (Contribution { files, ..Contribution::default() }, Vec::new())
    },
    is_shell: true,
    ..TOOL
};

const KNOWN: [&Program; 3] = [&SHELL, &TOOL, &OTHER];

fn account() -> PlanAccount {
    PlanAccount {
        name: "alice".to_owned(),
        uid: 1000,
        gid: 1000,
        groups: vec![10],
        home: "/home/alice".to_owned(),
        shell: "/bin/bash".to_owned(),
    }
}

/// A world of one package, `tool`, and one local tree, `./dots`.
struct World {
    packages: BTreeMap<StorePath, Listing>,
    answers: BTreeMap<String, Vec<StorePath>>,
    sources: BTreeMap<String, Source>,
    dots: Addressed,
}

impl World {
    fn new() -> Self {
        let (tool, listing) = sample::package("tool", &[("bin/tool", "x"), ("share/theme", "t"), ("share/run", "#!x")]);
        let dots = Addressed::of("dots", sample::tree(&[("", "dir"), ("a", "A"), ("sub/b", "#!B")]), &[]).unwrap();
        let own = sample::tree(&[("", "dir"), ("mine", "m"), ("deep/er", "#!d")]);
        let sources = [("./dots".to_owned(), Source::Path(dots.path.clone())), ("/own".to_owned(), Source::Tree(own))];
        Self {
            answers: BTreeMap::from([("tool".to_owned(), vec![tool.clone()])]),
            packages: BTreeMap::from([(tool, listing)]),
            sources: sources.into(),
            dots,
        }
    }

    fn made(&self, text: &str) -> Result<Generation, HomeError> {
        let merged = merged(text);
        generate_with(
            &KNOWN,
            &Inputs {
                account: &account(),
                merged: &merged,
                default_channel: Some("c"),
                debian_default: false,
                answers: &self.answers,
                sources: &self.sources,
                view: View { trees: &[&self.dots.tree], packages: &self.packages, merged: &NO_PACKAGES },
                read: &|_, _, length| Ok(Some(vec![b'r'; length])),
                same: &|_, _| Ok(false),
                system: &|name| (name == "sleep").then(|| "/etc/profiles/system/bin/sleep".to_owned()),
            },
        )
    }

    fn said(&self, text: &str) -> String {
        let error = self.made(text).map(|made| made.manifest).unwrap_err();
        error.diagnostics().iter().map(|finding| finding.message.clone() + "\n").collect()
    }
}

fn merged(text: &str) -> Merged {
    let table = toml::from_str(text).unwrap();
    merge(&[Layer { file: "home.toml".to_owned(), table, places: Places::default() }])
}

/// The tree below the generation's own path, with contents.
fn shape(made: &Generation) -> String {
    let root = made.generation.root();
    let below = crate::image::tree::below(&made.generation.tree, &root);
    let line = |(path, (metadata, node)): (ImagePath, &(Metadata, Node))| match node {
        Node::Directory => format!("{path}/\n"),
        Node::File(content) => format!("{path} {:o} {:?}\n", metadata.mode, String::from_utf8_lossy(content)),
        Node::LocalFile { .. } => format!("{path} local\n"),
        Node::Symlink(target) => format!("{path} -> {}\n", String::from_utf8_lossy(target)),
    };
    below.filter(|(path, _)| path.to_string() != "/manifest.json").map(line).collect()
}

#[test]
fn a_generation_holds_files_packages_and_variables() {
    let world = World::new();
    let made = world
        .made(
            "sessionVariables = { A = \"$HOME/x\", B = \"${A}/y\" }\nsessionPath = ['$HOME/bin', 'relative']\n\
             shellAliases.l = 'ls'\nbackup-extension = 'old'\n\
             [file.'bin/hello']\ntext = '#!${pkgs.tool}/bin/tool'\nexecutable = true\n\
             [file.dots]\nsource = './dots'\n[file.single]\nsource = './dots/../dots'\n",
        )
        .unwrap_err();
    assert_eq!(made.diagnostics()[0].message, "home.toml: there is no `./dots/../dots`");
    let made = world
        .made(
            "sessionVariables = { A = \"$HOME/x\", B = \"${A}/y\" }\nsessionPath = ['$HOME/bin', 'relative']\n\
             shellAliases.l = 'ls'\nbackup-extension = 'old'\n\
             programs = { tool.enable = true, shell.enable = true }\n\
             [file.'bin/hello']\ntext = '#!${pkgs.tool}/bin/tool'\nexecutable = true\n\
             [file.dots]\nsource = './dots'\nforce = true\n\
             [file.one-by-one]\nsource = './dots'\nrecursive = true\n\
             [file.own]\nsource = '/own'\nrecursive = true\n[file.whole]\nsource = '/own'\n\
             [file.run]\nsource = '${pkgs.tool}/share/run'\nexecutable = false\n\
             [file.theme]\nsource = '${pkgs.tool}/share/theme'\nexecutable = false\n",
        )
        .unwrap();
    insta::assert_snapshot!(shape(&made), @r##"
        //
        /files/
        /files/.config/
        /files/.config/tool/
        /files/.config/tool/theme -> /nix/store/wpwdsd1wx53l5xd0ix77gyxkr5gbx6vw-tool/share/theme
        /files/.shellrc 444 "# 1000\neval \"$(/nix/store/wpwdsd1wx53l5xd0ix77gyxkr5gbx6vw-tool/bin/tool init)\"\nalias l=ls\nalias t=tool\n"
        /files/.toolrc 444 "tool"
        /files/bin/
        /files/bin/hello 555 "#!/nix/store/wpwdsd1wx53l5xd0ix77gyxkr5gbx6vw-tool/bin/tool"
        /files/dots -> /nix/store/fpmri4zik2qz801ncr7yw9w1ihkn6m94-dots
        /files/one-by-one/
        /files/one-by-one/a -> /nix/store/fpmri4zik2qz801ncr7yw9w1ihkn6m94-dots/a
        /files/one-by-one/sub/
        /files/one-by-one/sub/b -> /nix/store/fpmri4zik2qz801ncr7yw9w1ihkn6m94-dots/sub/b
        /files/own/
        /files/own/deep/
        /files/own/deep/er 555 "#!d"
        /files/own/mine 444 "m"
        /files/run 444 "rrr"
        /files/theme -> /nix/store/wpwdsd1wx53l5xd0ix77gyxkr5gbx6vw-tool/share/theme
        /files/whole/
        /files/whole/deep/
        /files/whole/deep/er 555 "#!d"
        /files/whole/mine 444 "m"
        /path -> /nix/store/jz4cv07z6q6wgjfxanqjiv29s2gklhsx-home-path
        /session-variables.sh 444 "# Only once in a session.\nif [ -z \"${__HM_SESS_VARS_SOURCED-}\" ]; then\nexport __HM_SESS_VARS_SOURCED=1\nexport A=\"$HOME/x\"\nexport B=\"${A}/y\"\nexport EDITOR=\"tool\"\nfi\ncase \":${PATH-}:\" in\n*\":relative:\"*) ;;\n*) export PATH=\"relative${PATH:+:}${PATH-}\" ;;\nesac\ncase \":${PATH-}:\" in\n*\":$HOME/bin:\"*) ;;\n*) export PATH=\"$HOME/bin${PATH:+:}${PATH-}\" ;;\nesac\n"
        "##);
    let manifest = &made.manifest;
    assert_eq!(manifest.session_variables["B"], "/home/alice/x/y");
    assert_eq!(manifest.session_variables["EDITOR"], "tool");
    assert_eq!(manifest.session_path, ["/home/alice/bin"]);
    assert_eq!(
        manifest.files.iter().filter(|(_, file)| file.force).map(|(path, _)| path).collect::<Vec<_>>(),
        ["dots"]
    );
    assert!(manifest.files.contains_key("one-by-one/sub/b") && !manifest.files.contains_key("one-by-one"));
    assert!(manifest.files.contains_key("whole") && manifest.files.contains_key("own/deep/er"));
    let home_path = made.home_path.unwrap();
    assert_eq!(home_path.path.name(), "home-path");
    let mut references = vec![home_path.path, world.dots.path.clone(), world.answers["tool"][0].clone()];
    references.sort();
    assert_eq!(made.generation.references, references);
    let text = serde_json::to_string_pretty(manifest).unwrap() + "\n";
    let at = made.generation.root().append(&ImagePath::new(b"manifest.json").unwrap());
    assert_eq!(made.generation.tree[&at].1, Node::File(text.into_bytes()));
}

#[test]
fn an_empty_home_is_a_generation_too() {
    let world = World::new();
    let made = world.made("").unwrap();
    assert!(made.home_path.is_none());
    assert_eq!(made.generation.path.name(), "home-alice");
    assert_eq!(made.generation.references, []);
    assert_eq!(made.generation.path, world.made("").unwrap().generation.path);
}

#[test]
fn daemons_become_units_with_programs_found() {
    let world = World::new();
    let home = "packages = ['tool']\n[daemons]\nd = { command = ['tool', 'sleep'], after = ['e'] }\n\
                e = { command = ['sleep', '9'], ready.command = ['tool'], health.command = ['./dots'] }\n";
    let daemons = world.made(home).unwrap().manifest.daemons;
    let tool = format!("{}/bin/tool", world.answers["tool"][0]);
    assert_eq!(daemons[0].name, "d@alice");
    assert_eq!(daemons[0].command, [tool.as_str(), "sleep"]);
    assert_eq!(daemons[0].after, ["e@alice"]);
    assert!(daemons[0].of_home && daemons[0].account == account());
    assert_eq!(daemons[1].command[0], "/etc/profiles/system/bin/sleep");
    assert_eq!(daemons[1].health.as_ref().unwrap().command, [world.dots.path.to_string()]);
    assert_eq!(daemons[1].ready, Some(crate::boot::PlanReady::Command(vec![tool])));
    let said = world.said("daemons.d.command = ['gone']\n");
    assert_eq!(said, "home.toml: no package of the home or the system has the command `gone`\n");
}

#[test]
fn what_can_not_be_is_said_all_at_once() {
    let said = World::new().said(
        "[programs]\ntool = { enable = true, text = 'x' }\nother.enable = true\ntol.enable = true\n\
         [file]\n'.toolrc'.text = 'y'\na.text = 'a'\n'a/b'.text = 'b'\ng.source = '${pkgs.tool}/gone'\n\
         h.source = '${pkgs.gone}'\n",
    );
    insta::assert_snapshot!(said, @r#"
        home.toml: no package `gone` is requested
        home.toml: there is no program `tol` that dumbc configures
        home.toml: `programs.tool` and `programs.other` both set the variable `EDITOR`
        home.toml: the package has no `/nix/store/wpwdsd1wx53l5xd0ix77gyxkr5gbx6vw-tool/gone`
        home.toml: `programs.tool` and `file.".toolrc"` both make `~/.toolrc`
        home.toml: `file."a"` makes `~/a`, and `file."a/b"` something in it
        "#);
    let said = World::new().said("programs.tool = { enable = true, wrong = 1 }\n");
    assert_eq!(said, "home.toml: 1 is wrong\n");
    // The same file twice is no clash, and what the home says of a variable stands.
    let home = "sessionVariables.EDITOR = 'vi'\nfile.'.toolrc'.text = 'x'\n\
                [programs]\ntool = { enable = true, text = 'x' }\nother.enable = true\n";
    assert_eq!(World::new().made(home).unwrap().manifest.session_variables["EDITOR"], "vi");
}

#[test]
fn checks_need_no_packages() {
    let home = "packages = ['a']\nfile.x.source = './gone'\nfile.y.text = '${pkgs.a}'\n\
                programs.tool = { enable = true, wrong = 1 }\n";
    let source: Arc<str> = home.into();
    let found = check_with(&KNOWN, "alice", &merged(&source), &Names::default());
    assert_eq!(found.iter().map(|finding| finding.message.as_str()).collect::<Vec<_>>(), ["home.toml: 1 is wrong"]);
    assert_eq!(local_paths(&merged(home)).into_iter().collect::<Vec<_>>(), ["./gone"]);
}

#[test]
fn programs_bring_packages_that_texts_may_name() {
    let home =
        "sessionVariables.T = '${pkgs.tool}/bin/tool'\nfile.y.text = '${pkgs.tol}'\nprograms.tool.enable = true\n";
    let said = |names: &Names<'_>| -> Vec<(String, Option<String>)> {
        let found = check_with(&KNOWN, "alice", &merged(home), names);
        found.into_iter().map(|finding| (finding.message, finding.help)).collect()
    };
    let meant = ("home.toml: no package `tol` is requested".to_owned(), Some("did you mean `tool`?".to_owned()));
    assert_eq!(said(&Names::default()), [meant]);
    // From a Debian archive programs bring nothing that has a folder.
    let debian = Names { debian_default: true, ..Names::default() };
    assert_eq!(said(&debian).len(), 2);
}

#[test]
fn plugins_are_looked_for_when_their_packages_are_there() {
    let home = "programs.tmux = { enable = true, plugins = ['tmuxPlugins.sensible'] }\n\
                programs.vim = { enable = true, plugins = ['vimPlugins.vim-nix'] }\n\
                programs.zsh = { enable = true, plugins = [{ name = 'x', src = 'zsh-x' }] }\n";
    assert_eq!(check_with(programs::known(), "alice", &merged(home), &Names::default()), []);
}
