//! `programs.fish`: `.config/fish`.

mod binds;
mod parts;
mod quote;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use toml::Table;

use super::findings::names_in;
use super::options::{options, wrong};
use super::shell::{FISH_LAST, blocks, folder, in_order, is_file_name, is_plain, is_request, lines, unanswered};
use super::{Content, Context, Contribution, OptionError, Program};
use crate::home::manifest::{LIVE, PROFILE};
use quote::quote;
use settings::{Abbreviation, Fish};

/// The friendly interactive shell.
pub(super) const FISH: Program = Program { name: "fish", package: "fish", requests, contribute, is_shell: true };

const FOLDER: &str = ".config/fish";

fn requests(table: &Table) -> Vec<String> {
    let Ok(fish) = options::<Fish>("fish", table) else { return Vec::new() };
    fish.plugins.into_iter().map(|plugin| plugin.src).filter(|source| is_request(source)).collect()
}

fn contribute(table: &Table, context: &Context<'_>) -> (Contribution, Vec<OptionError>) {
    let fish = match options::<Fish>("fish", table) {
        Ok(fish) => fish,
        Err(error) => return (Contribution::default(), vec![error]),
    };
    let errors = check(&fish, context);
    if !errors.is_empty() {
        return (Contribution::default(), errors);
    }
    let mut contribution = Contribution::default();
    let mut add = |path: String, text: String| {
        contribution.files.insert(format!("{FOLDER}/{path}"), (Content::Text(text), false));
    };
    let (variables, warnings) = variables(context);
    add("config.fish".to_owned(), config(&fish, &variables, context));
    for (name, function) in &fish.functions {
        add(format!("functions/{name}.fish"), parts::function(name, function));
    }
    for (name, completion) in &fish.completions {
        add(format!("completions/{name}.fish"), blocks([completion.body()]));
    }
    if let Some(text) = binds::file(&fish.binds) {
        add(format!("functions/{}.fish", binds::FUNCTION), text);
    }
    for plugin in &fish.plugins {
        // What `check` found answered is answered.
        let folder = folder(context, &plugin.src).unwrap_or_default();
        add(format!("conf.d/plugin-{}.fish", plugin.name), parts::plugin(&plugin.name, &folder));
    }
    for (name, target) in fish.plugins.iter().flat_map(|plugin| themes(&plugin.src, context)) {
        contribution.files.insert(format!("{FOLDER}/themes/{name}"), (Content::Link(target), false));
    }
    (contribution, warnings)
}

/// A plugin's themes by their files' names, with where they lie: fish looks for them in its own folder only. Nobody can look into
/// a folder that only the machine has.
fn themes(source: &str, context: &Context<'_>) -> Vec<(String, String)> {
    let Some(package) = (context.package)(source) else { return Vec::new() };
    let mut found = Vec::new();
    for folder in ["themes", "share/fish/themes"] {
        let names = names_in(context, &package, folder).unwrap_or_default();
        let themes = names.into_iter().filter(|name| Path::new(name).extension().is_some_and(|end| end == "theme"));
        found.extend(themes.map(|name| (name.clone(), format!("{package}/{folder}/{name}"))));
    }
    found
}

fn check(fish: &Fish, context: &Context<'_>) -> Vec<OptionError> {
    let mut errors = binds::check(&fish.binds);
    if !fish.binds.is_empty() && fish.functions.contains_key(binds::FUNCTION) {
        errors.push(wrong("fish", &["functions", binds::FUNCTION], "`binds` make this function"));
    }
    for (option, name) in fish
        .functions
        .keys()
        .map(|name| ("functions", name))
        .chain(fish.completions.keys().map(|name| ("completions", name)))
    {
        if !is_file_name(name) {
            errors.push(wrong("fish", &[option, name], "its name is a file's name too"));
        }
    }
    for (index, plugin) in fish.plugins.iter().enumerate() {
        let index = index.to_string();
        if !is_file_name(&plugin.name) || !is_plain(&plugin.name) {
            errors.push(wrong("fish", &["plugins", &index, "name"], "it is part of a file's name"));
        }
        if folder(context, &plugin.src).is_none() {
            errors.push(unanswered("fish", &["plugins", &index, "src"], &plugin.src));
        }
    }
    errors
}

/// The sessions' variables in fish's own words, so that nobody has to translate a script when a shell starts. What can't be said
/// in them is left to the login, and named.
fn variables(context: &Context<'_>) -> (String, Vec<OptionError>) {
    let (mut text, mut warnings) = (String::new(), Vec::new());
    for (name, value) in &context.others.session_variables {
        match quote::from_sh(value) {
            Ok(value) => _ = writeln!(text, "  set -gx {name} {value}"),
            Err(reason) => warnings.push(unset(name, reason)),
        }
    }
    if text.is_empty() {
        return (path(context, &mut warnings), warnings);
    }
    let once = format!(
        "# Session variables, once\nif not set -q __DUMBC_FISH_VARIABLES_SOURCED\n  set -gx __DUMBC_FISH_VARIABLES_SOURCED 1\n{text}end\n"
    );
    (blocks([once.as_str(), &path(context, &mut warnings)]), warnings)
}

/// fish doesn't read `/etc/profile`, which brings the user's packages to others.
fn path(context: &Context<'_>, warnings: &mut Vec<OptionError>) -> String {
    let mut folders = vec![quote(&format!("/etc/profiles/per-user/{}/bin", context.user))];
    for folder in context.others.session_path.iter().rev() {
        match quote::from_sh(folder) {
            Ok(folder) => folders.push(folder),
            Err(reason) => warnings.push(unset(&format!("PATH ({folder})"), reason)),
        }
    }
    format!(
        "# Folders before PATH, the last one first\nfor folder in {}\n  contains -- $folder $PATH; or set -gxp PATH $folder\nend\n",
        folders.join(" ")
    )
}

fn unset(name: &str, reason: &str) -> OptionError {
    OptionError {
        path: Vec::new(),
        message: format!("fish doesn't set `{name}`: {reason}"),
        help: Some("set it in `programs.fish.shellInit`, in fish's own words".to_owned()),
        warning: true,
    }
}

fn config(fish: &Fish, variables: &str, context: &Context<'_>) -> String {
    let (last, mut interactive): (Vec<_>, Vec<_>) =
        context.others.shells.fish.iter().cloned().partition(|(order, _)| *order >= FISH_LAST);
    interactive.extend(fish.interactive_shell_init.pieces());
    let mut at_end = fish.shell_init_last.pieces();
    at_end.extend(last);
    let interactive = blocks([
        search_path().as_str(),
        &abbreviations(fish, context),
        &aliases(fish, context),
        &in_order(interactive),
    ]);
    blocks([
        "# Only execute this file once per shell.\nset -q __dumbc_fish_config_sourced; and exit\nset -g __dumbc_fish_config_sourced 1",
        variables,
        &handlers(fish),
        &in_order(fish.shell_init.pieces()),
        &when("is-login", &in_order(fish.login_shell_init.pieces())),
        &when("is-interactive", &interactive),
        &in_order(at_end),
    ])
}

fn when(state: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("status {state}; and begin\n\n{text}\nend\n") }
}

fn handlers(fish: &Fish) -> String {
    let handlers = fish.functions.iter().filter(|(_, function)| function.is_handler());
    let text = lines(handlers.map(|(name, _)| format!("source ~/{FOLDER}/functions/{}.fish", quote(name))));
    if text.is_empty() { text } else { format!("# Source handler functions\n{text}") }
}

/// Completions and functions of the home's packages.
fn search_path() -> String {
    format!(
        "\
set -l profile ~/{LIVE}/{PROFILE}/share/fish
if test -d $profile/vendor_completions.d
  set -p fish_complete_path $profile/vendor_completions.d
end
if test -d $profile/vendor_functions.d
  set -a fish_function_path $profile/vendor_functions.d
end
"
    )
}

/// Own ones, and the aliases of all shells where they are preferred so.
fn abbreviations(fish: &Fish, context: &Context<'_>) -> String {
    let mut all = BTreeMap::new();
    if fish.prefer_abbrs {
        all.extend(
            context
                .others
                .aliases
                .iter()
                .map(|(name, command)| (name, parts::abbreviation(name, &Abbreviation::Text(command.clone())))),
        );
    }
    all.extend(fish.shell_abbrs.iter().map(|(name, own)| (name, parts::abbreviation(name, own))));
    let text: String = all.into_values().collect();
    if text.is_empty() { text } else { format!("# Abbreviations\n{text}") }
}

fn aliases(fish: &Fish, context: &Context<'_>) -> String {
    let mut all = if fish.prefer_abbrs { BTreeMap::new() } else { context.others.aliases.clone() };
    all.extend(fish.shell_aliases.clone());
    let text = lines(all.iter().map(|(name, command)| format!("alias {} {}", quote(name), quote(command))));
    if text.is_empty() { text } else { format!("# Aliases\n{text}") }
}
