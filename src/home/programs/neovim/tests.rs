use std::process::Command;

use super::super::testing::{HOME, Package as Stub, evaluated, evaluated_with, link, run, text};
use super::*;

const INIT: &str = ".config/nvim/init.lua";

const PACKAGES: [Stub; 3] = [
    Stub::plain("neovim", "neovim-0.11.5"),
    Stub::plain("vimPlugins.vim-nix", "vimplugin-vim-nix-2025-01-01"),
    Stub::plain("vimPlugins.vim-commentary", "vimplugin-vim-commentary-2024-04-08"),
];

fn with_packages(table: &str) -> (Contribution, Vec<OptionError>) {
    evaluated_with(&NEOVIM, table, &PACKAGES, &Contribution::default())
}

const EVERYTHING: &str = "
extraConfig = \"set sw=4\\n\"
extraLuaConfig = 'vim.opt.expandtab = false'
withRuby = false
[[plugins]]
plugin = 'vimPlugins.vim-nix'
config = 'let g:plugins = 1'
[[plugins]]
plugin = 'vimPlugins.vim-commentary'
type = 'lua'
config = 'vim.g.test_plugin2 = 1'
optional = true
runtime.'after/ftplugin/c.vim'.text = 'setlocal comments=://'
";

#[test]
fn configuration_is_in_two_languages() {
    let (contribution, findings) = with_packages(EVERYTHING);
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(
        text(&contribution, INIT),
        "vim.g.loaded_ruby_provider = 0\nvim.cmd.source(vim.fn.stdpath('config') .. '/dumbc.vim')\n\
         vim.opt.expandtab = false\nvim.g.test_plugin2 = 1\n"
    );
    assert_eq!(text(&contribution, ".config/nvim/dumbc.vim"), "let g:plugins = 1\nset sw=4\n");
    assert_eq!(text(&contribution, ".config/nvim/after/ftplugin/c.vim"), "setlocal comments=://");
}

#[test]
fn plugins_are_linked_where_neovim_looks() {
    let (contribution, _) = with_packages(EVERYTHING);
    let pack = ".local/share/nvim/site/pack/dumbc";
    assert_eq!(link(&contribution, &format!("{pack}/start/vim-nix")), PACKAGES[1].path().to_string());
    assert_eq!(link(&contribution, &format!("{pack}/opt/vim-commentary")), PACKAGES[2].path().to_string());
    let table = "plugins = ['a', { plugin = 'b' }]\nextraPackages = ['shfmt']".parse().unwrap();
    assert_eq!((NEOVIM.requests)(&table), ["a", "b", "shfmt"]);
}

#[test]
fn nothing_said_is_no_file() {
    let (contribution, findings) = evaluated(&NEOVIM, "enable = true");
    assert_eq!(contribution, Contribution::default());
    assert!(findings.is_empty());
}

#[test]
fn aliases_are_there_for_programs_too() {
    let (contribution, _) = with_packages("viAlias = true\nvimAlias = true\nvimdiffAlias = true\ndefaultEditor = true");
    let nvim = format!("{}/bin/nvim", PACKAGES[0].path());
    assert_eq!(link(&contribution, ".local/bin/vi"), nvim);
    assert_eq!(link(&contribution, ".local/bin/vim"), nvim);
    assert_eq!(contribution.session_path, [format!("{HOME}/.local/bin")]);
    assert_eq!(contribution.aliases["vimdiff"], "nvim -d");
    assert_eq!(contribution.session_variables["EDITOR"], "nvim");
    assert_eq!(contribution.session_variables["VISUAL"], "nvim");
    let (contribution, _) = with_packages("viAlias = true\npackage = false");
    assert_eq!(contribution.files[".local/bin/vi"], (Content::Text("#!/bin/sh\nexec nvim \"$@\"\n".to_owned()), true));
}

#[test]
fn what_needs_a_wrapper_is_refused() {
    for (table, path) in [
        ("coc.enable = true", &["coc"][..]),
        ("extraPython3Packages = ['jedi']", &["extraPython3Packages"]),
        ("extraWrapperArgs = []", &["extraWrapperArgs"]),
        ("plugins = ['missing']", &["plugins", "0"]),
        ("plugins = [{ plugin = 'neovim', runtime.'../x'.text = '' }]", &["plugins", "0", "runtime", "../x"]),
        ("plugins = [{ plugin = 'neovim', runtime.x.source = './y' }]", &["plugins", "0", "runtime", "x"]),
        ("extraConf = ''", &["extraConf"]),
    ] {
        let (contribution, findings) = with_packages(table);
        assert_eq!(contribution, Contribution::default(), "{table}");
        assert_eq!(findings[0].path, path, "{table}");
        assert!(!findings[0].warning && findings[0].help.is_some(), "{table}");
    }
    let (_, findings) =
        with_packages("withPerl = true\nplugins = [{ plugin = 'neovim', type = 'teal', config = 'x' }]");
    assert!(findings.len() == 2 && findings.iter().all(|finding| finding.warning));
}

#[test]
fn neovim_takes_it() {
    let home = tempfile::tempdir().unwrap();
    let (contribution, _) = with_packages(EVERYTHING);
    let folder = home.path().join(".config/nvim");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["init.lua", "dumbc.vim"] {
        std::fs::write(folder.join(name), text(&contribution, &format!(".config/nvim/{name}"))).unwrap();
    }
    let mut command = Command::new("nvim");
    command.args(["--headless", "-c", "echo &sw g:plugins g:test_plugin2", "-c", "qa!"]).env("HOME", home.path());
    for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
        command.env_remove(name);
    }
    let Some(output) = run(&mut command) else { return };
    assert_eq!(String::from_utf8_lossy(&output.stderr).trim(), "4 1 1");
}
