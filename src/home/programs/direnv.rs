//! `programs.direnv`: `.config/direnv`, and the shells' hooks.

use serde::Deserialize;
use toml::{Table, Value};

use super::findings::executable;
use super::options::{Package, options, renamed, wrong};
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
    mise: Mise,
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

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Mise {
    enable: bool,
    package: Option<Package>,
}

impl Mise {
    const PACKAGE: &str = "mise";

    fn request(&self) -> Option<&str> {
        Package::request(self.package.as_ref(), Self::PACKAGE).filter(|_| self.enable)
    }
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
            mise: Mise::default(),
            enable_bash_integration: true,
            enable_zsh_integration: true,
            enable_fish_integration: true,
            silent: false,
        }
    }
}

fn requests(table: &Table) -> Vec<String> {
    let Ok(direnv) = options::<Direnv>("direnv", &current(table).0) else { return Vec::new() };
    let nix = direnv.nix.enable.then(|| direnv.nix.request());
    nix.into_iter().chain(direnv.mise.request()).map(str::to_owned).collect()
}

fn contribute(table: &Table, context: &Context<'_>) -> (Contribution, Vec<OptionError>) {
    let (table, mut findings) = current(table);
    match options::<Direnv>("direnv", &table).and_then(|direnv| made(&direnv, context)) {
        Ok(contribution) => (contribution, findings),
        Err(error) => {
            findings.push(error);
            (Contribution::default(), findings)
        }
    }
}

/// `table` in today's names, with a word on the older one.
fn current(table: &Table) -> (Table, Vec<OptionError>) {
    let mut table = table.clone();
    let Some(enable) = table.remove("enableNixDirenvIntegration") else { return (table, Vec::new()) };
    if let Value::Table(nix) = table.entry("nix-direnv").or_insert_with(|| Value::Table(Table::new())) {
        nix.entry("enable").or_insert(enable);
    }
    (table, vec![renamed("direnv", &["enableNixDirenvIntegration"], "programs.direnv.nix-direnv.enable")])
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
    if direnv.mise.enable {
        let command = executable(context, direnv.mise.package.as_ref(), Mise::PACKAGE, "mise");
        let text = format!("eval \"$({command} direnv activate)\"\n");
        files.insert(".config/direnv/lib/mise.sh".to_owned(), (Content::Text(text), false));
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

    /// Home Manager puts mise's function beside nix-direnv's, and takes the name that nix-direnv's option had.
    #[test]
    fn functions_of_others_lie_in_the_library() {
        let table = "mise.enable = true\nenableNixDirenvIntegration = true";
        let (contribution, findings) = contribute(&DIRENV, table, &Contribution::default());
        assert_eq!(findings[0].help.as_deref(), Some("write `programs.direnv.nix-direnv.enable`"));
        assert!(findings[0].warning && findings.len() == 1);
        assert_eq!((DIRENV.requests)(&table.parse().expect("TOML")), ["nix-direnv", "mise"]);
        let expected = format!("eval \"$({}/bin/mise direnv activate)\"\n", store_path("mise"));
        assert_eq!(text(&contribution, ".config/direnv/lib/mise.sh"), expected);
        assert!(contribution.files.contains_key(".config/direnv/lib/nix-direnv.sh"));
        let table = "mise = { enable = true, package = false }";
        let (contribution, findings) = evaluated(&DIRENV, table);
        assert_eq!(findings, []);
        assert_eq!(text(&contribution, ".config/direnv/lib/mise.sh"), "eval \"$(mise direnv activate)\"\n");
        assert!((DIRENV.requests)(&table.parse().expect("TOML")).is_empty());
    }

    /// Silence stands beside what is said of `global`, and of other tables.
    #[test]
    fn silence_leaves_the_rest_of_the_configuration() {
        let table =
            "silent = true\nconfig = { global.hide_env_diff = true, whitelist.prefix = ['/home/user/projects'] }";
        let (contribution, _) = contribute(&DIRENV, table, &Contribution::default());
        insta::assert_snapshot!(text(&contribution, ".config/direnv/direnv.toml"), @r#"
        [global]
        hide_env_diff = true
        log_filter = "^$"
        log_format = "-"

        [whitelist]
        prefix = ["/home/user/projects"]
        "#);
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
