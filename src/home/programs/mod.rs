//! Programs: from Home Manager's option names to files, variables and packages.
//!
//! A program is two pure functions of its table: what it requests, and, when that is there, what it makes. By the time the second one
//! runs, `${pkgs.NAME}` is put in everywhere.

mod bash;
mod bat;
mod direnv;
mod eza;
pub mod findings;
mod fish;
mod fzf;
mod gh;
mod git;
mod htop;
mod jq;
mod less;
mod neovim;
pub mod options;
mod readline;
pub mod shell;
mod ssh;
mod starship;
#[cfg(test)]
mod started;
#[cfg(test)]
mod testing;
mod tmux;
mod vim;
mod vim_plugins;
mod zoxide;
mod zsh;

use std::collections::BTreeMap;

use crate::image::ImagePath;
use crate::nix::StorePath;

/// Text of a home's file, or where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The file's text.
    Text(String),
    /// A path in a package, absolute: the home gets a link.
    Link(String),
}

/// A program's contribution to a home.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contribution {
    /// Files by their path below the home, with whether they are executable.
    pub files: BTreeMap<String, (Content, bool)>,
    /// Variables of sessions.
    pub session_variables: BTreeMap<String, String>,
    /// Folders that go before PATH.
    pub session_path: Vec<String>,
    /// Aliases of all shells.
    pub aliases: BTreeMap<String, String>,
    /// What shells run when they start, beside their own.
    pub shells: ShellSnippets,
    /// Requests whose packages go into the union beside the program's own. They are among [`Program::requests`].
    pub packages: Vec<String>,
    /// Settings that git takes from others, by their keys: `["credential", "https://example.org", "helper"]`. What
    /// `programs.git.settings` says itself goes before them.
    pub git: BTreeMap<Vec<String>, String>,
}

/// Text for shells' start files, with Home Manager's order (`mkOrder`; 1000 where nothing is said; less is earlier).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShellSnippets {
    /// For interactive bash: `.bashrc`.
    pub bash: Vec<(u32, String)>,
    /// For interactive zsh: `.zshrc`.
    pub zsh: Vec<(u32, String)>,
    /// For interactive fish: `config.fish`.
    pub fish: Vec<(u32, String)>,
}

/// What a program may know of the home that it is in.
pub struct Context<'a> {
    /// Login name.
    pub user: &'a str,
    /// Absolute.
    pub home: &'a str,
    /// The answer to a request, by its text: the path that `${pkgs.NAME}` stands for. `None`: nothing answered.
    pub package: &'a dyn Fn(&str) -> Option<StorePath>,
    /// Names in a folder of a package, sorted; empty where there is no such folder. `None`: the package isn't there yet, as when
    /// files are only checked.
    pub list: &'a dyn Fn(&StorePath, &ImagePath) -> Option<Vec<String>>,
    /// What all other programs and the home itself bring: for shells, which come last. Empty for the others.
    pub others: &'a Contribution,
}

/// Something in a program's table that can't be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionError {
    /// Keys below the program's table: `["settings", "user"]`.
    pub path: Vec<String>,
    /// What is wrong: "`programs.git` has no option `enabel`".
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// It is only odd, such as an option's older name.
    pub warning: bool,
}

/// A program that dumbc knows how to configure.
pub struct Program {
    /// Its name below `programs`: `git`.
    pub name: &'static str,
    /// The package that `enable = true` installs, where `package` says nothing else. Empty: none.
    pub package: &'static str,
    /// Requests beside the program's own package (plugins), by the table as written.
    pub requests: fn(&toml::Table) -> Vec<String>,
    /// What the table makes. Warnings come beside it; with an error there is no contribution.
    pub contribute: fn(&toml::Table, &Context<'_>) -> (Contribution, Vec<OptionError>),
    /// It is evaluated last, with what the others bring: shells, and git, to whose settings others add.
    pub is_shell: bool,
}

/// Every program that dumbc knows, by name.
#[must_use]
pub fn known() -> &'static [&'static Program] {
    &[
        &bash::BASH,
        &bat::BAT,
        &direnv::DIRENV,
        &eza::EZA,
        &fish::FISH,
        &fzf::FZF,
        &gh::GH,
        &git::GIT,
        &htop::HTOP,
        &jq::JQ,
        &less::LESS,
        &neovim::NEOVIM,
        &readline::READLINE,
        &ssh::SSH,
        &starship::STARSHIP,
        &tmux::TMUX,
        &vim::VIM,
        &zoxide::ZOXIDE,
        &zsh::ZSH,
    ]
}
