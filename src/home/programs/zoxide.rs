//! `programs.zoxide`: the shells' way to folders that were visited.

use serde::Deserialize;
use toml::Table;

use super::findings::executable;
use super::options::{Package, options};
use super::shell::DEFAULT_ORDER;
use super::{Context, Contribution, OptionError, Program, ShellSnippets};

/// A `cd` that remembers.
pub(super) const ZOXIDE: Program =
    Program { name: "zoxide", package: "zoxide", requests: |_| Vec::new(), contribute, is_shell: false };

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "options are truth values")]
struct Zoxide {
    #[serde(rename = "enable")]
    _enable: bool,
    package: Option<Package>,
    options: Vec<String>,
    enable_bash_integration: bool,
    enable_zsh_integration: bool,
    enable_fish_integration: bool,
}

impl Default for Zoxide {
    fn default() -> Self {
        Self {
            _enable: false,
            package: None,
            options: Vec::new(),
            enable_bash_integration: true,
            enable_zsh_integration: true,
            enable_fish_integration: true,
        }
    }
}

fn contribute(table: &Table, context: &Context<'_>) -> (Contribution, Vec<OptionError>) {
    match options::<Zoxide>("zoxide", table) {
        Ok(zoxide) => (Contribution { shells: snippets(&zoxide, context), ..Contribution::default() }, Vec::new()),
        Err(error) => (Contribution::default(), vec![error]),
    }
}

/// In bash after everything that sets the prompt's command, in zsh after the completion's start.
fn snippets(zoxide: &Zoxide, context: &Context<'_>) -> ShellSnippets {
    let command = executable(context, zoxide.package.as_ref(), ZOXIDE.package, "zoxide");
    let init = |shell: &str| {
        let mut words = vec![command.as_str(), "init", shell];
        words.extend(zoxide.options.iter().map(String::as_str));
        words.join(" ")
    };
    let eval = |shell: &str| format!("eval \"$({})\"\n", init(shell));
    let fish = || (DEFAULT_ORDER, format!("{} | source\n", init("fish")));
    ShellSnippets {
        bash: zoxide.enable_bash_integration.then(|| (2000, eval("bash"))).into_iter().collect(),
        zsh: zoxide.enable_zsh_integration.then(|| (851, eval("zsh"))).into_iter().collect(),
        fish: zoxide.enable_fish_integration.then(fish).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{contribute, store_path};
    use super::*;

    #[test]
    fn shells_start_it_with_its_options() {
        let table = "options = ['--cmd cd', '--no-cmd']\nenableFishIntegration = false";
        let (contribution, findings) = contribute(&ZOXIDE, table, &Contribution::default());
        assert_eq!(findings, []);
        let path = store_path("zoxide");
        let eval = |shell| format!("eval \"$({path}/bin/zoxide init {shell} --cmd cd --no-cmd)\"\n");
        assert_eq!(contribution.shells.bash, [(2000, eval("bash"))]);
        assert_eq!(contribution.shells.zsh, [(851, eval("zsh"))]);
        assert_eq!(contribution.shells.fish, []);
        let (contribution, _) = contribute(&ZOXIDE, "package = false", &Contribution::default());
        assert_eq!(contribution.shells.fish, [(1000, "zoxide init fish | source\n".to_owned())]);
    }
}
