//! `programs.eza`: aliases for `ls`, and a theme.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use toml::{Table, Value};

use super::options::{Package, options, wrong};
use super::shell::{DEFAULT_ORDER, quote};
use super::{Content, Context, Contribution, OptionError, Program, ShellSnippets};
use crate::home::format::yaml;

/// An `ls` with colours and icons.
pub(super) const EZA: Program =
    Program { name: "eza", package: "eza", requests: |_| Vec::new(), contribute, is_shell: false };

/// What the integration of a shell adds.
const ALIASES: [(&str, &str); 5] =
    [("la", "eza -a"), ("ll", "eza -l"), ("lla", "eza -la"), ("ls", "eza"), ("lt", "eza --tree")];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "options are truth values")]
struct Eza {
    #[serde(rename = "enable")]
    _enable: bool,
    #[serde(rename = "package")]
    _package: Option<Package>,
    icons: Option<Icons>,
    colors: Option<When>,
    git: bool,
    extra_options: Vec<String>,
    theme: Table,
    enable_bash_integration: bool,
    enable_zsh_integration: bool,
    enable_fish_integration: bool,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum When {
    Auto,
    Always,
    Never,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(untagged, expecting = "`auto`, `always`, `never`, `true` or `false`")]
enum Icons {
    When(When),
    Older(bool),
}

impl When {
    fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

impl Default for Eza {
    fn default() -> Self {
        Self {
            _enable: false,
            _package: None,
            icons: None,
            colors: None,
            git: false,
            extra_options: Vec::new(),
            theme: Table::new(),
            enable_bash_integration: true,
            enable_zsh_integration: true,
            enable_fish_integration: true,
        }
    }
}

fn contribute(table: &Table, _: &Context<'_>) -> (Contribution, Vec<OptionError>) {
    let eza = match options::<Eza>("eza", table) {
        Ok(eza) => eza,
        Err(error) => return (Contribution::default(), vec![error]),
    };
    let mut contribution = Contribution { aliases: aliases(&eza), shells: snippets(&eza), ..Contribution::default() };
    if !eza.theme.is_empty() {
        match theme(&eza.theme) {
            Ok(text) => {
                contribution.files.insert(".config/eza/theme.yml".to_owned(), (Content::Text(text), false));
            }
            Err(error) => return (Contribution::default(), vec![error]),
        }
    }
    (contribution, older(&eza))
}

fn older(eza: &Eza) -> Vec<OptionError> {
    let Some(Icons::Older(icons)) = eza.icons else { return Vec::new() };
    let mut finding = wrong("eza", &["icons"], "`true` and `false` are older values");
    finding.help = Some(if icons { "write `icons = \"auto\"`" } else { "leave it out" }.to_owned());
    finding.warning = true;
    vec![finding]
}

fn all_shells(eza: &Eza) -> bool {
    eza.enable_bash_integration && eza.enable_zsh_integration && eza.enable_fish_integration
}

fn aliases(eza: &Eza) -> BTreeMap<String, String> {
    let mut aliases = BTreeMap::new();
    let options = command_line_options(eza);
    if !options.is_empty() {
        aliases.insert("eza".to_owned(), format!("eza {}", options.join(" ")));
    }
    if all_shells(eza) {
        aliases.extend(ALIASES.map(|(name, command)| (name.to_owned(), command.to_owned())));
    }
    aliases
}

fn command_line_options(eza: &Eza) -> Vec<String> {
    let mut options = Vec::new();
    match eza.icons {
        Some(Icons::When(when)) => options.extend(["--icons", when.name()].map(str::to_owned)),
        Some(Icons::Older(true)) => options.extend(["--icons", "auto"].map(str::to_owned)),
        Some(Icons::Older(false)) | None => {}
    }
    if let Some(when) = eza.colors {
        options.extend(["--color", when.name()].map(str::to_owned));
    }
    if eza.git {
        options.push("--git".to_owned());
    }
    options.extend(eza.extra_options.iter().map(|option| quote(option)));
    options
}

/// Aliases of some shells only are theirs alone, where no other alias has the name.
fn snippets(eza: &Eza) -> ShellSnippets {
    if all_shells(eza) {
        return ShellSnippets::default();
    }
    let (mut posix, mut fish) = (String::new(), String::new());
    for (name, command) in ALIASES {
        _ = writeln!(posix, "alias {name} >/dev/null 2>&1 || alias -- {name}={}", quote(command));
        _ = writeln!(fish, "functions -q {name}; or alias {name} {}", quote(command));
    }
    let piece = |is_on: bool, text: &String| is_on.then(|| (DEFAULT_ORDER, text.clone())).into_iter().collect();
    ShellSnippets {
        bash: piece(eza.enable_bash_integration, &posix),
        zsh: piece(eza.enable_zsh_integration, &posix),
        fish: piece(eza.enable_fish_integration, &fish),
    }
}

fn theme(theme: &Table) -> Result<String, OptionError> {
    yaml(&Value::Table(theme.clone())).map_err(|error| wrong("eza", &["theme"], &error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_syntax, contribute, made};
    use super::*;

    #[test]
    fn aliases_have_the_options() {
        let table = "icons = 'auto'\ngit = true\nextraOptions = ['--group-directories-first', '--header']";
        let (contribution, findings) = contribute(&EZA, table, &Contribution::default());
        assert_eq!(findings, []);
        assert_eq!(contribution.shells, ShellSnippets::default());
        insta::assert_debug_snapshot!(contribution.aliases, @r#"
        {
            "eza": "eza --icons auto --git --group-directories-first --header",
            "la": "eza -a",
            "ll": "eza -l",
            "lla": "eza -la",
            "ls": "eza",
            "lt": "eza --tree",
        }
        "#);
    }

    #[test]
    fn a_shell_can_go_without() {
        let (contribution, _) = contribute(&EZA, "enableZshIntegration = false", &Contribution::default());
        assert_eq!(contribution.aliases, BTreeMap::new());
        assert_eq!(contribution.shells.zsh, []);
        assert_syntax("bash", &contribution.shells.bash[0].1);
        assert_syntax("fish", &contribution.shells.fish[0].1);
        assert!(contribution.shells.bash[0].1.contains("alias -- lla='eza -la'"));
        assert!(contribution.shells.fish[0].1.contains("alias lt 'eza --tree'"));
    }

    #[test]
    fn older_icons_are_taken_with_a_warning() {
        let (contribution, findings) = contribute(&EZA, "icons = true", &Contribution::default());
        assert_eq!(contribution.aliases["eza"], "eza --icons auto");
        assert!(findings[0].warning);
    }

    #[test]
    fn a_theme_is_a_file() {
        let table = "theme.colors = { background = '254', foreground = '237' }";
        insta::assert_snapshot!(made(&EZA, table, ".config/eza/theme.yml"), @r#"
        colors:
          background: "254"
          foreground: "237"
        "#);
    }
}
