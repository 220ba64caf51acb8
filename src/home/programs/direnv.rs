//! `programs.direnv`: `.config/direnv`, and the shells' hooks.

use serde::Deserialize;
use toml::{Table, Value};

use super::findings::executable;
use super::options::{Package, options, wrong};
use super::shell::{DEFAULT_ORDER, folder, unanswered};
use super::{Content, Context, Contribution, OptionError, Program, ShellSnippets};

/// Variables by folder.
pub(super) const DIRENV: Program = Program { name: "direnv", package: "direnv", requests, contribute, is_shell: false };

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "options are truth values")]
struct Direnv {
    #[serde(rename = "enable")]
    _enable: bool,
    package: Option<Package>,
    config: Table,
    stdlib: String,
    #[serde(rename = "nix-direnv")]
    nix: NixDirenv,
    enable_bash_integration: bool,
    enable_zsh_integration: bool,
    enable_fish_integration: bool,
    silent: bool,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct NixDirenv {
    enable: bool,
    package: Option<String>,
}

impl NixDirenv {
    fn request(&self) -> &str {
        self.package.as_deref().unwrap_or("nix-direnv")
    }
}

impl Default for Direnv {
    fn default() -> Self {
        Self {
            _enable: false,
            package: None,
            config: Table::new(),
            stdlib: String::new(),
            nix: NixDirenv::default(),
            enable_bash_integration: true,
            enable_zsh_integration: true,
            enable_fish_integration: true,
            silent: false,
        }
    }
}

fn requests(table: &Table) -> Vec<String> {
    match options::<Direnv>("direnv", table) {
        Ok(direnv) if direnv.nix.enable => vec![direnv.nix.request().to_owned()],
        _ => Vec::new(),
    }
}

fn contribute(table: &Table, context: &Context<'_>) -> (Contribution, Vec<OptionError>) {
    let made = options::<Direnv>("direnv", table).and_then(|direnv| made(&direnv, context));
    match made {
        Ok(contribution) => (contribution, Vec::new()),
        Err(error) => (Contribution::default(), vec![error]),
    }
}

fn made(direnv: &Direnv, context: &Context<'_>) -> Result<Contribution, OptionError> {
    let mut contribution = Contribution { shells: snippets(direnv, context), ..Contribution::default() };
    let files = &mut contribution.files;
    let config = configuration(direnv);
    if !config.is_empty() {
        let text = toml::to_string(&config).map_err(|error| wrong("direnv", &["config"], &error.to_string()))?;
        files.insert(".config/direnv/direnv.toml".to_owned(), (Content::Text(text), false));
    }
    if !direnv.stdlib.is_empty() {
        files.insert(".config/direnv/direnvrc".to_owned(), (Content::Text(direnv.stdlib.clone()), false));
    }
    if direnv.nix.enable {
        let request = direnv.nix.request();
        let package =
            folder(context, request).ok_or_else(|| unanswered("direnv", &["nix-direnv", "package"], request))?;
        let link = Content::Link(format!("{package}/share/nix-direnv/direnvrc"));
        files.insert(".config/direnv/lib/nix-direnv.sh".to_owned(), (link, false));
    }
    Ok(contribution)
}

/// Silence is a matter of two settings, from release 2.36 on.
fn configuration(direnv: &Direnv) -> Table {
    let mut config = direnv.config.clone();
    if direnv.silent {
        let global = config.entry("global").or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(global) = global {
            global.insert("log_format".to_owned(), Value::String("-".to_owned()));
            global.insert("log_filter".to_owned(), Value::String("^$".to_owned()));
        }
    }
    config
}

/// After other things that work on the prompt.
fn snippets(direnv: &Direnv, context: &Context<'_>) -> ShellSnippets {
    const LATE: u32 = 1500;
    let command = executable(context, direnv.package.as_ref(), DIRENV.package, "direnv");
    let hook = |shell: &str| format!("eval \"$({command} hook {shell})\"\n");
    ShellSnippets {
        bash: direnv.enable_bash_integration.then(|| (LATE, hook("bash"))).into_iter().collect(),
        zsh: direnv.enable_zsh_integration.then(|| (DEFAULT_ORDER, hook("zsh"))).into_iter().collect(),
        fish: direnv
            .enable_fish_integration
            .then(|| (LATE, format!("{command} hook fish | source\n")))
            .into_iter()
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{contribute, evaluated, store_path, text};
    use super::*;

    #[test]
    fn makes_its_files() {
        let table =
            "stdlib = 'layout_x() { :; }'\nsilent = true\nconfig.global.warn_timeout = '1m'\nnix-direnv.enable = true";
        let (contribution, findings) = contribute(&DIRENV, table, &Contribution::default());
        assert_eq!(findings, []);
        assert_eq!((DIRENV.requests)(&table.parse().expect("TOML")), ["nix-direnv"]);
        insta::assert_snapshot!(text(&contribution, ".config/direnv/direnv.toml"), @r#"
        [global]
        log_filter = "^$"
        log_format = "-"
        warn_timeout = "1m"
        "#);
        assert_eq!(text(&contribution, ".config/direnv/direnvrc"), "layout_x() { :; }");
        let link = format!("{}/share/nix-direnv/direnvrc", store_path("nix-direnv"));
        assert_eq!(contribution.files[".config/direnv/lib/nix-direnv.sh"], (Content::Link(link), false));
    }

    #[test]
    fn hooks_stand_late() {
        let (contribution, _) = contribute(&DIRENV, "package = false", &Contribution::default());
        assert_eq!(contribution.shells.bash, [(1500, "eval \"$(direnv hook bash)\"\n".to_owned())]);
        assert_eq!(contribution.shells.zsh, [(1000, "eval \"$(direnv hook zsh)\"\n".to_owned())]);
        assert_eq!(contribution.shells.fish, [(1500, "direnv hook fish | source\n".to_owned())]);
        assert!(contribution.files.is_empty());
    }

    #[test]
    fn a_missing_answer_is_said() {
        let (_, findings) = evaluated(&DIRENV, "nix-direnv = { enable = true, package = 'other' }");
        assert_eq!(findings[0].message, "`programs.direnv.nix-direnv.package`: nothing answers `other`");
    }
}
