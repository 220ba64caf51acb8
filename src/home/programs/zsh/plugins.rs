//! zsh's plugins: packages that are linked below the home, and oh-my-zsh.

use std::fmt::Write as _;

use super::super::options::wrong;
use super::super::shell::{is_file_name, is_plain};
use super::super::{Context, OptionError};
use super::settings::{OhMyZsh, Plugin};
use crate::image::ImagePath;
use crate::nix::StorePath;

/// Names stand in quotes in `.zshrc`, and paths' parts in the home.
pub(super) fn check(plugins: &[Plugin]) -> Vec<OptionError> {
    let mut errors = Vec::new();
    for (index, plugin) in plugins.iter().enumerate() {
        let index = index.to_string();
        if !is_file_name(&plugin.name) || !is_plain(&plugin.name) {
            let reason = format!("`{}` is no name for a plugin's folder", plugin.name.escape_debug());
            errors.push(wrong("zsh", &["plugins", &index, "name"], &reason));
        }
        let files = plugin.file.iter().map(|file| ("file", file));
        for (option, path) in files.chain(plugin.completions.iter().map(|path| ("completions", path))) {
            if !is_plain(path) {
                errors.push(wrong("zsh", &["plugins", &index, option], &format!("`{path}` is no path in a plugin")));
            }
        }
    }
    errors
}

/// Folders of functions and commands: before the completion's start. `folder` is where plugins lie, absolute.
pub(super) fn paths(plugins: &[Plugin], folder: &str) -> String {
    let mut text = String::new();
    for plugin in plugins {
        let name = &plugin.name;
        _ = writeln!(text, "path+=\"{folder}/{name}\"\nfpath+=\"{folder}/{name}\"");
        if !plugin.completions.is_empty() {
            let paths: Vec<_> = plugin.completions.iter().map(|path| format!("\"{folder}/{name}/{path}\"")).collect();
            _ = writeln!(text, "fpath+=({})", paths.join(" "));
        }
    }
    text
}

/// The plugins themselves.
pub(super) fn sources(plugins: &[Plugin], folder: &str, context: &Context<'_>) -> String {
    let mut text = String::new();
    for plugin in plugins {
        let file = format!("{folder}/{}/{}", plugin.name, file(plugin, context));
        _ = writeln!(text, "if [[ -f \"{file}\" ]]; then\n  source \"{file}\"\nfi");
    }
    text
}

/// What a plugin is started by: as said, or `NAME.plugin.zsh`, which packages have in folders of their own below `share`.
fn file(plugin: &Plugin, context: &Context<'_>) -> String {
    let default = format!("{}.plugin.zsh", plugin.name);
    if let Some(file) = &plugin.file {
        return file.clone();
    }
    let Some(path) = (context.package)(&plugin.src) else { return default };
    let names = [default.clone(), format!("{}.zsh", plugin.name), format!("{}.zsh-theme", plugin.name)];
    let found = names
        .iter()
        .find_map(|name| folders(&path, context).into_iter().find_map(|folder| holds(&path, &folder, name, context)));
    found.unwrap_or(default)
}

fn folders(path: &StorePath, context: &Context<'_>) -> Vec<String> {
    let mut folders = vec![String::new()];
    for parent in ["share", "share/zsh/plugins"] {
        let Ok(folder) = ImagePath::new(parent.as_bytes()) else { continue };
        folders.extend((context.list)(path, &folder).into_iter().flatten().map(|name| format!("{parent}/{name}/")));
    }
    folders
}

fn holds(path: &StorePath, folder: &str, name: &str, context: &Context<'_>) -> Option<String> {
    let listed = ImagePath::new(folder.trim_end_matches('/').as_bytes()).ok()?;
    let file = format!("{folder}{name}");
    ((context.list)(path, &listed).iter().flatten().any(|entry| entry == name) && is_plain(&file)).then_some(file)
}

/// oh-my-zsh's own start, which starts the completion too.
pub(super) fn oh_my_zsh(settings: &OhMyZsh) -> String {
    let mut text = format!("# oh-my-zsh extra settings for plugins\n{}\n", settings.extra_config.trim_end());
    text += "# oh-my-zsh configuration\n";
    if !settings.plugins.is_empty() {
        let names: Vec<_> = settings.plugins.iter().map(|name| super::super::shell::quote(name)).collect();
        _ = writeln!(text, "plugins=({})", names.join(" "));
    }
    if !settings.custom.is_empty() {
        _ = writeln!(text, "ZSH_CUSTOM=\"{}\"", settings.custom);
    }
    if !settings.theme.is_empty() {
        _ = writeln!(text, "ZSH_THEME=\"{}\"", settings.theme);
    }
    text += "source $ZSH/oh-my-zsh.sh\n";
    text
}
