//! `programs.starship`: `.config/starship.toml`, and the prompt of the shells.

use serde::Deserialize;
use toml::Table;

use super::findings::executable;
use super::options::{Package, options, wrong};
use super::shell::{DEFAULT_ORDER, FISH_LAST};
use super::{Content, Context, Contribution, OptionError, Program, ShellSnippets};

/// A prompt for any shell.
pub(super) const STARSHIP: Program =
    Program { name: "starship", package: "starship", requests: |_| Vec::new(), contribute, is_shell: false };

const FILE: &str = ".config/starship.toml";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "options are truth values")]
struct Starship {
    #[serde(rename = "enable")]
    _enable: bool,
    package: Option<Package>,
    settings: Table,
    presets: Vec<String>,
    enable_bash_integration: bool,
    enable_zsh_integration: bool,
    enable_fish_integration: bool,
    enable_interactive: bool,
    enable_transience: bool,
}

impl Default for Starship {
    fn default() -> Self {
        Self {
            _enable: false,
            package: None,
            settings: Table::new(),
            presets: Vec::new(),
            enable_bash_integration: true,
            enable_zsh_integration: true,
            enable_fish_integration: true,
            enable_interactive: true,
            enable_transience: false,
        }
    }
}

fn contribute(table: &Table, context: &Context<'_>) -> (Contribution, Vec<OptionError>) {
    let starship = match options::<Starship>("starship", table) {
        Ok(starship) => starship,
        Err(error) => return (Contribution::default(), vec![error]),
    };
    let mut contribution = Contribution { shells: snippets(&starship, context), ..Contribution::default() };
    match configuration(&starship, context) {
        Ok(Some(file)) => _ = contribution.files.insert(FILE.to_owned(), (file, false)),
        Ok(None) => {}
        Err(error) => return (Contribution::default(), vec![error]),
    }
    (contribution, Vec::new())
}

/// A preset is a file of the package, which nobody reads here: so it is one alone, and not one with changes.
fn configuration(starship: &Starship, context: &Context<'_>) -> Result<Option<Content>, OptionError> {
    match (starship.presets.as_slice(), starship.settings.is_empty()) {
        ([], true) => Ok(None),
        ([], false) => toml::to_string(&starship.settings)
            .map(|text| Some(Content::Text(text)))
            .map_err(|error| wrong("starship", &["settings"], &error.to_string())),
        ([preset], true) if super::shell::is_file_name(preset) => {
            let answer = Package::request(starship.package.as_ref(), STARSHIP.package).and_then(context.package);
            let path = answer.ok_or_else(|| wrong("starship", &["presets"], "a preset is in starship's package"))?;
            Ok(Some(Content::Link(format!("{path}/share/starship/presets/{preset}.toml"))))
        }
        _ => {
            let mut error = wrong("starship", &["presets"], "a preset can't be mixed with settings or other presets");
            error.help = Some("copy what `starship preset NAME` prints to `settings`".to_owned());
            Err(error)
        }
    }
}

fn snippets(starship: &Starship, context: &Context<'_>) -> ShellSnippets {
    let command = executable(context, starship.package.as_ref(), STARSHIP.package, "starship");
    let guarded = |init: &str| format!("if [[ $TERM != \"dumb\" ]]; then\n  eval \"$({command} init {init})\"\nfi\n");
    let transience = if starship.enable_transience { "  enable_transience\n" } else { "" };
    let fish = format!("if test \"$TERM\" != \"dumb\"\n  {command} init fish | source\n{transience}end\n");
    let fish_order = if starship.enable_interactive { DEFAULT_ORDER } else { FISH_LAST };
    ShellSnippets {
        bash: starship.enable_bash_integration.then(|| (1900, guarded("bash --print-full-init"))).into_iter().collect(),
        zsh: starship.enable_zsh_integration.then(|| (DEFAULT_ORDER, guarded("zsh"))).into_iter().collect(),
        fish: starship.enable_fish_integration.then_some((fish_order, fish)).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_syntax, contribute, made};
    use super::*;

    #[test]
    fn settings_are_written_as_toml() {
        let table = r#"
            [settings]
            add_newline = false
            format = "$line_break$package$line_break$character"
            scan_timeout = 10
            character.success_symbol = "➜"
            package.disabled = true
            memory_usage.threshold = -1
            aws = { style = "bold blue", disabled = true }
            battery = { charging_symbol = "⚡️", display = [ { threshold = 10, style = "bold red" } ] }
        "#;
        insta::assert_snapshot!(made(&STARSHIP, table, FILE), @r#"
        add_newline = false
        format = "$line_break$package$line_break$character"
        scan_timeout = 10

        [aws]
        disabled = true
        style = "bold blue"

        [battery]
        charging_symbol = "⚡️"

        [[battery.display]]
        style = "bold red"
        threshold = 10

        [character]
        success_symbol = "➜"

        [memory_usage]
        threshold = -1

        [package]
        disabled = true
        "#);
    }

    #[test]
    fn shells_start_it_unless_they_are_dumb() {
        let (contribution, findings) = contribute(&STARSHIP, "enableTransience = true", &Contribution::default());
        assert_eq!(findings, []);
        assert!(contribution.files.is_empty());
        for (shell, [(_, text)]) in [
            ("bash", contribution.shells.bash.as_slice().try_into().expect("one")),
            ("zsh", contribution.shells.zsh.as_slice().try_into().expect("one")),
            ("fish", contribution.shells.fish.as_slice().try_into().expect("one")),
        ] as [(&str, &[(u32, String); 1]); 3]
        {
            assert_syntax(shell, text);
        }
        insta::assert_debug_snapshot!(contribution.shells, @r#"
        ShellSnippets {
            bash: [
                (
                    1900,
                    "if [[ $TERM != \"dumb\" ]]; then\n  eval \"$(/nix/store/00000000000000000000000000000000-starship/bin/starship init bash --print-full-init)\"\nfi\n",
                ),
            ],
            zsh: [
                (
                    1000,
                    "if [[ $TERM != \"dumb\" ]]; then\n  eval \"$(/nix/store/00000000000000000000000000000000-starship/bin/starship init zsh)\"\nfi\n",
                ),
            ],
            fish: [
                (
                    1000,
                    "if test \"$TERM\" != \"dumb\"\n  /nix/store/00000000000000000000000000000000-starship/bin/starship init fish | source\n  enable_transience\nend\n",
                ),
            ],
        }
        "#);
    }

    #[test]
    fn integrations_can_be_left_out() {
        let table = "enableBashIntegration = false\nenableFishIntegration = false\nenableZshIntegration = false";
        let (contribution, _) = contribute(&STARSHIP, table, &Contribution::default());
        assert_eq!(contribution, Contribution::default());
    }

    #[test]
    fn a_preset_alone_is_the_packages_file() {
        let (contribution, _) = contribute(&STARSHIP, "presets = ['jetpack']", &Contribution::default());
        let Some((Content::Link(link), _)) = contribution.files.get(FILE) else { panic!("a link") };
        assert!(link.ends_with("-starship/share/starship/presets/jetpack.toml"), "{link}");
        for refused in ["presets = ['a', 'b']", "presets = ['../x']", "presets = ['a']\nsettings.x = 1"] {
            let (_, findings) = contribute(&STARSHIP, refused, &Contribution::default());
            assert_eq!(findings[0].path, ["presets"], "{refused}");
        }
    }
}
