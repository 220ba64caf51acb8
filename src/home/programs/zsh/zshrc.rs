//! `.zshrc`: its pieces, with Home Manager's order.

use std::fmt::Write as _;

use super::super::options::Package;
use super::super::shell::{aliases, in_order, lines, quote};
use super::super::{Context, OptionError};
use super::place::Place;
use super::settings::{Autosuggestion, SyntaxHighlighting, Zsh};
use super::{ZSH, history, plugins, value};
use crate::home::manifest::{LIVE, PROFILE};

/// `answer` gives the folder of a part's package.
pub(super) fn zshrc(
    zsh: &Zsh,
    place: &Place,
    context: &Context<'_>,
    answer: &dyn Fn(&str) -> String,
) -> Result<String, Vec<OptionError>> {
    let mut pieces = early(zsh, context);
    pieces.push((540, value::definitions(&zsh.local_variables)?));
    pieces.extend(of_plugins(zsh, place, context, answer));
    pieces.push((910, history::settings(&zsh.history, zsh.autocd, place)));
    pieces.push((950, lines(zsh.set_options.iter().map(|option| format!("setopt {}", quote(option))))));
    pieces.extend(context.others.shells.zsh.clone());
    pieces.extend(zsh.init_content.pieces());
    pieces.extend(late(zsh, context, answer));
    Ok(in_order(pieces))
}

/// What stands before the completion's start.
fn early(zsh: &Zsh, context: &Context<'_>) -> Vec<(u32, String)> {
    let mut pieces = vec![(510, "typeset -U path cdpath fpath manpath\n".to_owned())];
    if zsh.zprof.enable {
        pieces.push((400, "zmodload zsh/zprof\n".to_owned()));
        pieces.push((1450, "zprof\n".to_owned()));
    }
    if !zsh.cdpath.is_empty() {
        pieces.push((510, format!("cdpath+=({})\n", zsh.cdpath.join(" "))));
    }
    pieces.push((520, function_path(zsh, context)));
    if let Some(keymap) = zsh.default_keymap {
        pieces.push((530, format!("{}\n", keymap.command())));
    }
    if zsh.enable_completion && !zsh.oh_my.enable {
        pieces.push((570, zsh.completion_init.clone()));
    }
    pieces
}

/// Functions of the home's packages, and of the system's.
fn function_path(zsh: &Zsh, context: &Context<'_>) -> String {
    let mut text = format!(
        "for profile in ${{(z)NIX_PROFILES}} \"$HOME/{LIVE}/{PROFILE}\" /usr; do
  fpath+=($profile/share/zsh/site-functions $profile/share/zsh/$ZSH_VERSION/functions $profile/share/zsh/vendor-completions)
done
"
    );
    if let Some(path) = Package::request(zsh.package.as_ref(), ZSH.package).and_then(context.package) {
        _ = writeln!(text, "\nHELPDIR=\"{path}/share/zsh/$ZSH_VERSION/help\"");
    }
    text
}

fn of_plugins(zsh: &Zsh, place: &Place, context: &Context<'_>, answer: &dyn Fn(&str) -> String) -> Vec<(u32, String)> {
    let folder = format!("{}/{}", context.home.trim_end_matches('/'), place.own("plugins"));
    let mut pieces =
        vec![(560, plugins::paths(&zsh.plugins, &folder)), (900, plugins::sources(&zsh.plugins, &folder, context))];
    if !zsh.site_functions.is_empty() {
        let folder = format!("{}/{}", context.home.trim_end_matches('/'), place.own("site-functions"));
        let names: Vec<_> = zsh.site_functions.keys().map(|name| quote(name)).collect();
        pieces.push((525, format!("fpath+=({})\nautoload -Uz -- {}\n", quote(&folder), names.join(" "))));
    }
    if zsh.autosuggestion.enable {
        pieces.push((700, autosuggestion(&zsh.autosuggestion, &answer(&zsh.autosuggestion.package))));
    }
    if zsh.oh_my.enable {
        pieces.push((800, plugins::oh_my_zsh(&zsh.oh_my)));
    }
    pieces
}

fn autosuggestion(settings: &Autosuggestion, package: &str) -> String {
    let mut text = format!("source {package}/share/zsh-autosuggestions/zsh-autosuggestions.zsh\n");
    if !settings.strategy.is_empty() {
        let names: Vec<_> = settings.strategy.iter().map(|strategy| strategy.name()).collect();
        _ = writeln!(text, "ZSH_AUTOSUGGEST_STRATEGY=({})", names.join(" "));
    }
    if let Some(style) = &settings.highlight {
        _ = writeln!(text, "ZSH_AUTOSUGGEST_HIGHLIGHT_STYLE=\"{style}\"");
    }
    text
}

/// What must know of all aliases and widgets.
fn late(zsh: &Zsh, context: &Context<'_>, answer: &dyn Fn(&str) -> String) -> Vec<(u32, String)> {
    let mut all_aliases = context.others.aliases.clone();
    all_aliases.extend(zsh.shell_aliases.clone());
    let mut pieces = vec![(1100, aliases(&all_aliases, "") + &aliases(&zsh.shell_global_aliases, "-g "))];
    if !zsh.dir_hashes.is_empty() {
        let hashes = lines(zsh.dir_hashes.iter().map(|(name, path)| format!("hash -d {name}=\"{path}\"")));
        pieces.push((1150, format!("# Named Directory Hashes\n{hashes}")));
    }
    if zsh.syntax_highlighting.enable {
        pieces.push((1200, highlighting(&zsh.syntax_highlighting, &answer(&zsh.syntax_highlighting.package))));
    }
    if zsh.history_substring_search.enable {
        let package = answer(&zsh.history_substring_search.package);
        pieces.push((1250, history::substring_search(&zsh.history_substring_search, &package)));
    }
    pieces
}

fn highlighting(settings: &SyntaxHighlighting, package: &str) -> String {
    let mut text = format!("source {package}/share/zsh-syntax-highlighting/zsh-syntax-highlighting.zsh\n");
    if !settings.highlighters.is_empty() {
        let names: Vec<_> = settings.highlighters.iter().map(|name| quote(name)).collect();
        _ = writeln!(text, "ZSH_HIGHLIGHT_HIGHLIGHTERS+=({})", names.join(" "));
    }
    for (name, style) in &settings.styles {
        _ = writeln!(text, "ZSH_HIGHLIGHT_STYLES[{}]={}", quote(name), quote(style));
    }
    for (pattern, style) in &settings.patterns {
        _ = writeln!(text, "ZSH_HIGHLIGHT_PATTERNS+=({} {})", quote(pattern), quote(style));
    }
    text
}
