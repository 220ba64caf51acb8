//! `programs.zsh`: `.zshenv`, `.zshrc`, `.zprofile`, `.zlogin`, `.zlogout`, plugins.

mod history;
mod place;
mod plugins;
mod settings;
#[cfg(test)]
mod tests;
mod value;
mod zshrc;

use std::fmt::Write as _;

use toml::Table;

use super::options::{options, wrong};
use super::shell::{blocks, folder, in_order, is_file_name, is_request, unanswered};
use super::{Content, Context, Contribution, OptionError, Program};
use crate::home::manifest::{LIVE, SESSION_VARIABLES};
use place::Place;
use settings::Zsh;

/// The Z shell.
pub(super) const ZSH: Program = Program { name: "zsh", package: "zsh", requests, contribute, is_shell: true };

fn requests(table: &Table) -> Vec<String> {
    let Ok(mut zsh) = options::<Zsh>("zsh", table) else { return Vec::new() };
    // Older names may turn parts on; what there is to say of them, `contribute` says.
    zsh.modernise();
    zsh.parts().into_iter().map(|(_, request)| request.to_owned()).filter(|request| is_request(request)).collect()
}

fn contribute(table: &Table, context: &Context<'_>) -> (Contribution, Vec<OptionError>) {
    let mut zsh = match options::<Zsh>("zsh", table) {
        Ok(zsh) => zsh,
        Err(error) => return (Contribution::default(), vec![error]),
    };
    let mut findings = zsh.modernise();
    match made(&zsh, context) {
        Ok(contribution) => (contribution, findings),
        Err(errors) => {
            findings.extend(errors);
            (Contribution::default(), findings)
        }
    }
}

fn made(zsh: &Zsh, context: &Context<'_>) -> Result<Contribution, Vec<OptionError>> {
    let place = Place::new(zsh.dot_dir.as_deref(), context).map_err(|error| vec![error])?;
    let errors = check(zsh, context);
    if !errors.is_empty() {
        return Err(errors);
    }
    // What `check` found answered is answered.
    let answer = |request: &str| folder(context, request).unwrap_or_default();
    let mut contribution = Contribution::default();
    let mut add = |path: String, text: String| {
        if !text.is_empty() {
            contribution.files.insert(path, (Content::Text(text), false));
        }
    };
    add(place.file(".zshenv"), zshenv(zsh, &place, &answer)?);
    add(place.file(".zshrc"), zshrc::zshrc(zsh, &place, context, &answer)?);
    add(place.file(".zprofile"), in_order(zsh.profile_extra.pieces()));
    add(place.file(".zlogin"), in_order(zsh.login_extra.pieces()));
    add(place.file(".zlogout"), in_order(zsh.logout_extra.pieces()));
    if !place.is_home() {
        add(".zshenv".to_owned(), format!("source {}/.zshenv\n", super::shell::quote(&place.absolute)));
    }
    for (name, body) in &zsh.site_functions {
        add(format!("{}/{name}", place.own("site-functions")), blocks([body.as_str()]));
    }
    for plugin in &zsh.plugins {
        let link = Content::Link(answer(&plugin.src));
        contribution.files.insert(format!("{}/{}", place.own("plugins"), plugin.name), (link, false));
    }
    if zsh.oh_my.enable {
        // Its plugins write to the cache without making it.
        contribution.files.insert(".cache/oh-my-zsh/.keep".to_owned(), (Content::Text(String::new()), false));
    }
    Ok(contribution)
}

fn check(zsh: &Zsh, context: &Context<'_>) -> Vec<OptionError> {
    let mut errors = plugins::check(&zsh.plugins);
    for (path, request) in zsh.parts() {
        if folder(context, request).is_none() {
            let path: Vec<_> = path.iter().map(String::as_str).collect();
            errors.push(unanswered("zsh", &path, request));
        }
    }
    for name in zsh.site_functions.keys().filter(|name| !is_file_name(name)) {
        errors.push(wrong("zsh", &["siteFunctions", name], "a function's name is a file's name too"));
    }
    errors
}

fn zshenv(zsh: &Zsh, place: &Place, answer: &dyn Fn(&str) -> String) -> Result<String, Vec<OptionError>> {
    let mut text = format!("# Environment variables\n. \"$HOME/{LIVE}/{SESSION_VARIABLES}\"\n");
    let exports = value::exports(&zsh.session_variables)?;
    if !exports.is_empty() {
        text += "\n# Only source this once\nif [[ -z \"$__DUMBC_ZSH_VARIABLES_SOURCED\" ]]; then\n";
        text += "  export __DUMBC_ZSH_VARIABLES_SOURCED=1\n";
        for line in exports.lines() {
            _ = writeln!(text, "  {line}");
        }
        text += "fi\n";
    }
    let mut rest = String::new();
    if !place.is_home() {
        _ = writeln!(rest, "export ZDOTDIR={}", super::shell::quote(&place.absolute));
    }
    if zsh.oh_my.enable {
        _ = writeln!(rest, "ZSH=\"{}/share/oh-my-zsh\"", answer(&zsh.oh_my.package));
        rest += "ZSH_CACHE_DIR=\"$HOME/.cache/oh-my-zsh\"\n";
    }
    Ok(blocks([text.as_str(), &rest, &in_order(zsh.env_extra.pieces())]))
}
