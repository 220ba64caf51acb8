//! tmux's plugins: which of a package's files tmux has to run.

use std::path::Path;

use serde::Deserialize;

use super::super::Context;
use super::super::findings::{Findings, answer, names_in, package_name};
use crate::nix::StorePath;

/// Where nixpkgs has them in a package.
const FOLDER: &str = "share/tmux-plugins";

#[derive(Deserialize)]
#[serde(untagged, expecting = "a package request, or a table with `plugin` and `extraConfig`")]
pub(super) enum TomlPlugin {
    Request(String),
    Configured(TomlConfigured),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct TomlConfigured {
    plugin: String,
    #[serde(default)]
    extra_config: String,
}

impl TomlPlugin {
    pub(super) fn request(&self) -> &str {
        match self {
            Self::Request(request) => request,
            Self::Configured(configured) => &configured.plugin,
        }
    }

    fn extra_config(&self) -> &str {
        match self {
            Self::Request(_) => "",
            Self::Configured(configured) => &configured.extra_config,
        }
    }
}

/// A plugin that was found.
pub(super) struct Plugin {
    name: String,
    /// What tmux runs, absolute.
    pub(super) script: String,
}

/// The part of tmux.conf that loads them, each with its own text before it.
pub(super) fn text(plugins: &[TomlPlugin], context: &Context<'_>, findings: &mut Findings) -> String {
    let mut parts = Vec::new();
    for (index, plugin) in plugins.iter().enumerate() {
        let place = index.to_string();
        let Some(found) = find(context, plugin.request(), &["plugins", &place], findings) else { continue };
        let Plugin { name, script } = found;
        let config = plugin.extra_config();
        parts.push(format!("# {name}\n# ---------------------\n{config}\nrun-shell {script}\n"));
    }
    format!(
        "# ============================================= #\n\
         # Load plugins with Home Manager                #\n\
         # --------------------------------------------- #\n\n\
         {}\n\
         # ============================================= #\n",
        parts.join("\n\n")
    )
}

/// What answers `request`, and the file in it that tmux runs.
pub(super) fn find(context: &Context<'_>, request: &str, place: &[&str], findings: &mut Findings) -> Option<Plugin> {
    let package = answer(context, request, place, findings)?;
    let name = package_name(&package).to_owned();
    match script(context, &package) {
        Ok(script) => Some(Plugin { name, script: format!("{package}/{script}") }),
        Err(reason) => {
            let help = "give a package of `tmuxPlugins`, or a `run-shell` of its file in `extraConfig`";
            findings.error(place, &format!("`{request}` {reason}"), help);
            None
        }
    }
}

/// `share/tmux-plugins/<folder>/<file>.tmux`: the file is named as its folder is, with `_` for `-`, or it is the only one.
fn script(context: &Context<'_>, package: &StorePath) -> Result<String, String> {
    let Some(folders) = names_in(context, package, FOLDER) else {
        // The package isn't there yet, and nothing is made of this: any name does.
        let name = package_name(package);
        return Ok(format!("{FOLDER}/{name}/{name}.tmux"));
    };
    let folder = match folders.as_slice() {
        [] => return Err(format!("has no {FOLDER}")),
        [only] => only,
        several => {
            let name = package_name(package);
            let named = several.iter().find(|folder| name.ends_with(folder.as_str()));
            named.ok_or_else(|| format!("has several plugins: {}", several.join(", ")))?
        }
    };
    let mut files = names_in(context, package, &format!("{FOLDER}/{folder}")).unwrap_or_default();
    files.retain(|file| Path::new(file).extension().is_some_and(|extension| extension == "tmux"));
    let own = |name: String| files.iter().find(|file| **file == name);
    let found = own(format!("{}.tmux", folder.replace('-', "_"))).or_else(|| own(format!("{folder}.tmux")));
    match (found, files.as_slice()) {
        (Some(file), _) | (None, [file]) => Ok(format!("{FOLDER}/{folder}/{file}")),
        (None, []) => Err(format!("has no `.tmux` file in {FOLDER}/{folder}")),
        (None, several) => Err(format!("has several files for tmux: {}", several.join(", "))),
    }
}
