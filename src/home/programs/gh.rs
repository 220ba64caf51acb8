//! gh, GitHub's command line: its settings, extensions, and git's way to its credentials.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::{Table, Value};

use super::findings::{Findings, answer, contribute, executable, package_name, requests};
use super::options::{Package, renamed};
use super::{Content, Context, Contribution, OptionError, Program};
use crate::home::format::yaml;

const NAME: &str = "gh";

/// `programs.gh`.
pub(super) const GH: Program = Program {
    name: NAME,
    package: "gh",
    requests: |table| requests(NAME, &current(table).0, |gh: &TomlGh| gh.extensions.clone()),
    contribute: |table, context| evaluate(table, context),
    is_shell: false,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct TomlGh {
    #[serde(rename = "enable")]
    _enable: Option<IgnoredAny>,
    package: Option<Package>,
    #[serde(default)]
    settings: Table,
    #[serde(default)]
    hosts: Table,
    #[serde(default)]
    extensions: Vec<String>,
    #[serde(default)]
    git_credential_helper: TomlHelper,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TomlHelper {
    enable: bool,
    hosts: Vec<String>,
}

impl Default for TomlHelper {
    fn default() -> Self {
        Self { enable: true, hosts: ["https://github.com", "https://gist.github.com"].map(str::to_owned).into() }
    }
}

/// `table` in today's names, with a word on each older one.
fn current(table: &Table) -> (Table, Vec<OptionError>) {
    let moved = [
        ("aliases", &["settings", "aliases"][..]),
        ("editor", &["settings", "editor"]),
        ("gitProtocol", &["settings", "git_protocol"]),
        ("enableGitCredentialHelper", &["gitCredentialHelper", "enable"]),
    ];
    let mut table = table.clone();
    let mut findings = Vec::new();
    for (option, keys) in moved {
        let Some(value) = table.remove(option) else { continue };
        findings.push(renamed(NAME, &[option], &format!("programs.gh.{}", keys.join("."))));
        let [parent, key] = keys else { continue };
        if let Value::Table(parent) = table.entry(*parent).or_insert_with(|| Value::Table(Table::new())) {
            parent.entry(*key).or_insert(value);
        }
    }
    (table, findings)
}

fn evaluate(table: &Table, context: &Context<'_>) -> (Contribution, Vec<OptionError>) {
    let (table, older) = current(table);
    contribute(NAME, &table, |gh: &TomlGh, findings| {
        findings.extend(older);
        let mut files = BTreeMap::new();
        let hosts = Some(gh.hosts.clone()).filter(|hosts| !hosts.is_empty());
        for (option, data) in [("settings", Some(settings(&gh.settings))), ("hosts", hosts)] {
            if let Some(text) = data.and_then(|data| rendered(option, data, findings)) {
                let name = if option == "hosts" { "hosts" } else { "config" };
                files.insert(format!(".config/gh/{name}.yml"), (Content::Text(text), false));
            }
        }
        extensions(gh, context, &mut files, findings);
        Contribution { files, git: credentials(gh, context), ..Contribution::default() }
    })
}

/// The file's own version has gh leave it as it is: it can't be written.
fn settings(said: &Table) -> Table {
    let mut settings = toml::toml! {
        aliases = {}
        editor = ""
        git_protocol = "https"
        version = "1"
    };
    settings.extend(said.clone());
    settings
}

fn rendered(option: &str, data: Table, findings: &mut Findings) -> Option<String> {
    match yaml(&Value::Table(data)) {
        Ok(text) => Some(text),
        Err(error) => {
            let keys = error.path.iter().map(String::as_str);
            let path: Vec<&str> = std::iter::once(option).chain(keys).collect();
            findings.error(&path, error.reason, "write it as gh's file has it");
            None
        }
    }
}

/// Each lies where gh looks for it, under its name.
fn extensions(
    gh: &TomlGh,
    context: &Context<'_>,
    files: &mut BTreeMap<String, (Content, bool)>,
    findings: &mut Findings,
) {
    for (index, request) in gh.extensions.iter().enumerate() {
        let place = index.to_string();
        let Some(package) = answer(context, request, &["extensions", &place], findings) else { continue };
        let name = package_name(&package).to_owned();
        files.insert(format!(".local/share/gh/extensions/{name}"), (Content::Link(format!("{package}/bin")), false));
    }
}

/// git takes a helper that is no path for the end of a name, `git-credential-…`, unless a `!` says that it is a command.
fn credentials(gh: &TomlGh, context: &Context<'_>) -> BTreeMap<Vec<String>, String> {
    let command = executable(context, gh.package.as_ref(), "gh", "gh");
    let mark = if command.starts_with('/') { "" } else { "!" };
    let helper = format!("{mark}{command} auth git-credential");
    let hosts = gh.git_credential_helper.hosts.iter().filter(|_| gh.git_credential_helper.enable);
    hosts.map(|host| (vec!["credential".to_owned(), host.clone(), "helper".to_owned()], helper.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Package, evaluated, evaluated_with, link, text};
    use super::*;

    const FILE: &str = ".config/gh/config.yml";

    #[test]
    fn settings_have_home_managers_defaults() {
        let (contribution, findings) =
            evaluated(&GH, "settings = { aliases = { co = 'pr checkout' }, editor = 'vim' }");
        assert!(findings.is_empty());
        insta::assert_snapshot!(text(&contribution, FILE), @r#"
    aliases:
      co: pr checkout
    editor: vim
    git_protocol: https
    version: "1"
    "#);
        assert_eq!(contribution.files.len(), 1);
    }

    #[test]
    fn older_names_still_count() {
        let (contribution, findings) = evaluated(
            &GH,
            "aliases = { co = 'pr checkout' }\neditor = 'vim'\ngitProtocol = 'ssh'\nenableGitCredentialHelper = false",
        );
        insta::assert_snapshot!(text(&contribution, FILE), @r#"
    aliases:
      co: pr checkout
    editor: vim
    git_protocol: ssh
    version: "1"
    "#);
        assert!(contribution.git.is_empty());
        assert_eq!(findings.len(), 4);
        assert!(findings.iter().all(|finding| finding.warning));
    }

    #[test]
    fn git_asks_gh_for_credentials() {
        let packages = [Package::plain("gh", "gh-2.83.0")];
        let table = "gitCredentialHelper.hosts = ['https://github.com', 'https://github.example.com']";
        let (contribution, _) = evaluated_with(&GH, table, &packages, &Contribution::default());
        let helper = format!("{}/bin/gh auth git-credential", packages[0].path());
        let expected = ["https://github.com", "https://github.example.com"]
            .map(|host| (["credential", host, "helper"].map(str::to_owned).to_vec(), helper.clone()));
        assert_eq!(contribution.git, expected.into());
        let (contribution, _) = evaluated(&GH, "package = false");
        assert!(contribution.git.values().all(|helper| helper == "!gh auth git-credential"));
        assert_eq!(contribution.git.len(), 2);
    }

    #[test]
    fn extensions_lie_where_gh_looks() {
        let packages = [Package::plain("gh-eco", "gh-eco-0.1.3")];
        let table = "extensions = ['gh-eco']\nhosts.'github.com'.user = 'alice'";
        let (contribution, findings) = evaluated_with(&GH, table, &packages, &Contribution::default());
        assert!(findings.is_empty());
        let expected = format!("{}/bin", packages[0].path());
        assert_eq!(link(&contribution, ".local/share/gh/extensions/gh-eco"), expected);
        assert_eq!(text(&contribution, ".config/gh/hosts.yml"), "github.com:\n  user: alice\n");
        assert_eq!((GH.requests)(&table.parse().unwrap()), ["gh-eco"]);
        let (_, findings) = evaluated(&GH, table);
        assert_eq!(findings[0].path, ["extensions", "0"]);
    }
}
