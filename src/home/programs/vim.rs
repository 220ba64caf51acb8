//! vim: `.vimrc`, and plugins as a package in `.vim/pack`.
//!
//! Home Manager builds a vim of its own with its vimrc in it; here vim is the package's, and reads the home's files.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::{Table, Value};

use super::findings::{Findings, contribute, one_line, requests};
use super::options::Package;
use super::vim_plugins::Plugins;
use super::{Content, Context, Contribution, OptionError, Program};
use crate::config::nearest;

const NAME: &str = "vim";

/// The plugin that is always there.
const SENSIBLE: &str = "vimPlugins.vim-sensible";

/// `programs.vim`.
pub(super) const VIM: Program = Program {
    name: NAME,
    package: "vim",
    requests: |table| requests(NAME, table, requested),
    contribute: |table, context| evaluate(table, context),
    is_shell: false,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct TomlVim {
    #[serde(rename = "enable")]
    _enable: Option<IgnoredAny>,
    #[serde(rename = "package")]
    _package: Option<Package>,
    package_configurable: Option<String>,
    #[serde(default)]
    plugins: Vec<String>,
    #[serde(default)]
    settings: Table,
    #[serde(default)]
    extra_config: String,
    #[serde(default)]
    default_editor: bool,
}

/// What a setting may be.
#[derive(Clone, Copy)]
enum Kind {
    Flag,
    Number,
    List,
    OneOf(&'static [&'static str]),
}

/// Home Manager's settings; all others are written into `extraConfig`.
const SETTINGS: [(&str, Kind); 20] = [
    ("background", Kind::OneOf(&["dark", "light"])),
    ("backupdir", Kind::List),
    ("copyindent", Kind::Flag),
    ("directory", Kind::List),
    ("expandtab", Kind::Flag),
    ("hidden", Kind::Flag),
    ("history", Kind::Number),
    ("ignorecase", Kind::Flag),
    ("modeline", Kind::Flag),
    ("mouse", Kind::OneOf(&["n", "v", "i", "c", "h", "a", "r"])),
    ("mousefocus", Kind::Flag),
    ("mousehide", Kind::Flag),
    ("mousemodel", Kind::OneOf(&["extend", "popup", "popup_setpos"])),
    ("number", Kind::Flag),
    ("relativenumber", Kind::Flag),
    ("shiftwidth", Kind::Number),
    ("smartcase", Kind::Flag),
    ("tabstop", Kind::Number),
    ("undodir", Kind::List),
    ("undofile", Kind::Flag),
];

fn requested(vim: &TomlVim) -> Vec<String> {
    std::iter::once(SENSIBLE.to_owned()).chain(vim.plugins.iter().cloned()).collect()
}

fn evaluate(table: &Table, context: &Context<'_>) -> (Contribution, Vec<OptionError>) {
    contribute(NAME, table, |vim: &TomlVim, findings| {
        if vim.package_configurable.is_some() {
            findings.error(&["packageConfigurable"], "vim is not built anew here", "write the package into `package`");
        }
        let mut files = BTreeMap::new();
        let rc = format!("{}\n\n{}\n", settings(&vim.settings, findings).join("\n"), vim.extra_config);
        files.insert(".vimrc".to_owned(), (Content::Text(rc), false));
        let mut plugins = Plugins { context, files: &mut files, findings };
        let folder = ".vim/pack/dumbc/start";
        plugins.link(SENSIBLE, &["plugins"], folder);
        for (index, request) in vim.plugins.iter().enumerate() {
            plugins.link(request, &["plugins", &index.to_string()], folder);
        }
        let editor = vim.default_editor.then(|| ("EDITOR".to_owned(), "vim".to_owned()));
        Contribution { files, session_variables: editor.into_iter().collect(), ..Contribution::default() }
    })
}

/// `set` lines, by name.
fn settings(settings: &Table, findings: &mut Findings) -> Vec<String> {
    let sorted: BTreeMap<&String, &Value> = settings.iter().collect();
    let mut lines = Vec::new();
    for (name, value) in sorted {
        let path = ["settings", name.as_str()];
        let Some((_, kind)) = SETTINGS.iter().find(|(known, _)| known == name) else {
            let near = nearest(name, SETTINGS.iter().map(|(known, _)| *known));
            let help = near.map_or_else(
                || format!("write `set {name}` into `extraConfig`"),
                |near| format!("did you mean `{near}`? Others go into `extraConfig`"),
            );
            findings.error(&path, "Home Manager has no such setting", &help);
            continue;
        };
        match set(name, value, *kind) {
            Some(line) if one_line(&line) => lines.push(line),
            _ => findings.error(&path, &format!("it has to be {}", kind.words()), "see vim's `:help option-list`"),
        }
    }
    lines
}

fn set(name: &str, value: &Value, kind: Kind) -> Option<String> {
    let setting = match (kind, value) {
        (Kind::Flag, Value::Boolean(true)) => name.to_owned(),
        (Kind::Flag, Value::Boolean(false)) => format!("no{name}"),
        (Kind::Number, Value::Integer(number)) => format!("{name}={number}"),
        (Kind::List, Value::Array(values)) => {
            let texts: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
            format!("{name}={}", texts?.join(","))
        }
        (Kind::OneOf(words), Value::String(word)) if words.contains(&word.as_str()) => format!("{name}={word}"),
        _ => return None,
    };
    Some(format!("set {setting}"))
}

impl Kind {
    /// To follow "it has to be".
    fn words(self) -> String {
        match self {
            Self::Flag => "`true` or `false`".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::List => "a list of texts, each on one line".to_owned(),
            Self::OneOf(words) => format!("one of {}", words.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::super::testing::{Package, evaluated_with, link, run, skipped, text};
    use super::*;

    const PACKAGES: [Package; 4] = [
        Package::plain("vimPlugins.vim-sensible", "vimplugin-vim-sensible-2024-06-08"),
        Package {
            request: "vimPlugins.old",
            name: "vimplugin-old-1",
            folders: &[("share/vim-plugins", &["old-plugin"])],
        },
        Package::plain("vimPlugins.vim-nix", "vimplugin-vim-nix-2025-01-01"),
        Package::plain("unstable#vimPlugins.vim-nix", "vimplugin-vim-nix-2025-09-09"),
    ];

    fn evaluated(table: &str) -> (Contribution, Vec<OptionError>) {
        evaluated_with(&VIM, table, &PACKAGES, &Contribution::default())
    }

    #[test]
    fn settings_come_before_own_text() {
        let (contribution, findings) = evaluated(
            "settings = { number = true, expandtab = false, history = 1000, background = 'dark', \
             undodir = ['~/.undo', '/tmp'] }\nextraConfig = 'set nobackup'\ndefaultEditor = true",
        );
        assert!(findings.is_empty());
        assert_eq!(
            text(&contribution, ".vimrc"),
            "set background=dark\nset noexpandtab\nset history=1000\nset number\nset undodir=~/.undo,/tmp\n\n\
             set nobackup\n"
        );
        assert_eq!(contribution.session_variables["EDITOR"], "vim");
    }

    #[test]
    fn plugins_are_linked_where_vim_looks() {
        let table = "plugins = ['vimPlugins.old', 'vimPlugins.vim-nix']";
        let (contribution, findings) = evaluated(table);
        assert!(findings.is_empty());
        let start = ".vim/pack/dumbc/start";
        assert_eq!(link(&contribution, &format!("{start}/vim-sensible")), PACKAGES[0].path().to_string());
        let old = format!("{}/share/vim-plugins/old-plugin", PACKAGES[1].path());
        assert_eq!(link(&contribution, &format!("{start}/old-plugin")), old);
        assert_eq!(link(&contribution, &format!("{start}/vim-nix")), PACKAGES[2].path().to_string());
        let requests = (VIM.requests)(&table.parse().unwrap());
        assert_eq!(requests, ["vimPlugins.vim-sensible", "vimPlugins.old", "vimPlugins.vim-nix"]);
    }

    #[test]
    fn what_can_not_be_is_refused() {
        for (table, path) in [
            ("settings.nubmer = true", &["settings", "nubmer"][..]),
            ("settings.number = 3", &["settings", "number"]),
            ("settings.mouse = 'all'", &["settings", "mouse"]),
            ("settings.undodir = [\"a\\nb\"]", &["settings", "undodir"]),
            ("packageConfigurable = 'vim-full'", &["packageConfigurable"]),
            ("plugins = ['missing']", &["plugins", "0"]),
            ("plugins = ['vimPlugins.vim-nix', 'unstable#vimPlugins.vim-nix']", &["plugins", "1"]),
        ] {
            let (contribution, findings) = evaluated(table);
            assert_eq!(contribution, Contribution::default(), "{table}");
            assert_eq!(findings[0].path, path, "{table}");
        }
    }

    #[test]
    fn vim_takes_it() {
        let home = tempfile::tempdir().unwrap();
        let plugin = home.path().join(".vim/pack/dumbc/start/own/plugin");
        std::fs::create_dir_all(&plugin).unwrap();
        std::fs::write(plugin.join("own.vim"), "let g:own = 'loaded'\n").unwrap();
        let (contribution, _) = evaluated("settings = { tabstop = 3, number = true }\nextraConfig = 'let g:mine = 1'");
        std::fs::write(home.path().join(".vimrc"), text(&contribution, ".vimrc")).unwrap();
        let said = home.path().join("said");
        let mut command = Command::new("vim");
        command.args(["-e", "-s", "-u"]).arg(home.path().join(".vimrc")).env("HOME", home.path());
        let write = format!("call writefile([g:own, g:mine, &tabstop, &number], '{}')", said.display());
        command.args(["-c", "runtime! plugin/**/*.vim", "-c", "packloadall", "-c", &write, "-c", "qa!"]);
        let Some(_) = run(&mut command) else { return };
        let Ok(text) = std::fs::read_to_string(&said) else {
            skipped("this vim is too small for scripts");
            return;
        };
        assert_eq!(text, "loaded\n1\n3\n1\n");
    }
}
