//! neovim: `.config/nvim/init.lua`, and plugins as a package in `.local/share/nvim/site/pack`.
//!
//! Home Manager builds a wrapper around neovim; here neovim is the package's, and reads the home's files. What only a
//! wrapper could do is refused with what to do instead.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Table;

use super::findings::{Findings, contribute, executable, requests};
use super::options::{Package, wrong};
use super::vim_plugins::Plugins;
use super::{Content, Context, Contribution, OptionError, Program};

const NAME: &str = "neovim";

/// The script that `init.lua` sources. neovim itself reads no file of this name.
const SCRIPT: &str = "dumbc.vim";

/// Options that ask for a neovim built anew, with what to do instead.
const REFUSED: [(&str, &str); 12] = [
    ("autowrapRuntimeDeps", "put what plugins need into `extraPackages`"),
    (
        "coc",
        "put `vimPlugins.coc-nvim` into `plugins`, `nodejs` into `extraPackages`, and its settings into `xdg.configFile.\"nvim/coc-settings.json\".json`",
    ),
    ("configure", "write `plugins`, `extraConfig` and `extraLuaConfig`"),
    ("extraLuaPackages", "give a `package` that has them"),
    ("extraName", "give a `package` of this name"),
    ("extraPython3Packages", "give a `package` that has them, or set `vim.g.python3_host_prog` in `extraLuaConfig`"),
    ("extraWrapperArgs", "set the variables in `extraLuaConfig` with `vim.env`, or in `sessionVariables`"),
    ("extraPythonPackages", "neovim has no Python 2 any more: take it out"),
    ("finalPackage", "write the package into `package`"),
    ("generatedConfigs", "write `plugins`, `extraConfig` and `extraLuaConfig`"),
    ("waylandSupport", "put `wl-clipboard` into `extraPackages`"),
    ("withPython", "neovim has no Python 2 any more: take it out"),
];

/// `programs.neovim`.
pub(super) const NEOVIM: Program = Program {
    name: NAME,
    package: "neovim",
    requests: |table| requests(NAME, table, TomlNeovim::requests),
    contribute: |table, context| evaluate(table, context),
    is_shell: false,
};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "Home Manager's options are what they are")]
struct TomlNeovim {
    #[serde(rename = "enable")]
    _enable: IgnoredAny,
    package: Option<Package>,
    extra_config: String,
    extra_lua_config: String,
    /// What later releases call `extraLuaConfig`.
    init_lua: String,
    plugins: Vec<TomlPlugin>,
    extra_packages: Vec<String>,
    vi_alias: bool,
    vim_alias: bool,
    vimdiff_alias: bool,
    default_editor: bool,
    with_node_js: Option<bool>,
    with_perl: Option<bool>,
    with_python3: Option<bool>,
    with_ruby: Option<bool>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a package request, or a table with `plugin`, `config`, `type`, `optional`, `runtime`")]
enum TomlPlugin {
    Request(String),
    Configured(TomlConfigured),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlConfigured {
    plugin: String,
    #[serde(default)]
    config: String,
    #[serde(default)]
    r#type: Language,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    runtime: BTreeMap<String, TomlRuntime>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Language {
    #[default]
    Viml,
    Lua,
    Fennel,
    Teal,
}

/// A file below `.config/nvim`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlRuntime {
    text: Option<String>,
    source: Option<String>,
}

impl TomlPlugin {
    fn request(&self) -> &str {
        match self {
            Self::Request(request) => request,
            Self::Configured(configured) => &configured.plugin,
        }
    }

    fn configured(&self) -> Option<&TomlConfigured> {
        match self {
            Self::Request(_) => None,
            Self::Configured(configured) => Some(configured),
        }
    }
}

impl TomlNeovim {
    fn requests(&self) -> Vec<String> {
        let plugins = self.plugins.iter().map(|plugin| plugin.request().to_owned());
        plugins.chain(self.extra_packages.iter().cloned()).collect()
    }

    /// What plugins say in this language, one after the other.
    fn configs(&self, language: Language) -> Vec<&str> {
        let configured = self.plugins.iter().filter_map(TomlPlugin::configured);
        configured.filter(|plugin| plugin.r#type == language).map(|plugin| plugin.config.as_str()).collect()
    }
}

fn evaluate(table: &Table, context: &Context<'_>) -> (Contribution, Vec<OptionError>) {
    let refused = refused(table);
    if !refused.is_empty() {
        return (Contribution::default(), refused);
    }
    contribute(NAME, table, |neovim: &TomlNeovim, findings| {
        let mut contribution = Contribution { packages: neovim.extra_packages.clone(), ..Contribution::default() };
        configuration(neovim, &mut contribution.files, findings);
        let mut plugins = Plugins { context, files: &mut contribution.files, findings };
        for (index, plugin) in neovim.plugins.iter().enumerate() {
            let optional = plugin.configured().is_some_and(|plugin| plugin.optional);
            let folder = format!(".local/share/nvim/site/pack/dumbc/{}", if optional { "opt" } else { "start" });
            plugins.link(plugin.request(), &["plugins", &index.to_string()], &folder);
        }
        aliases(neovim, context, &mut contribution);
        contribution
    })
}

/// A word on each option that asks for a wrapper.
fn refused(table: &Table) -> Vec<OptionError> {
    let asked = REFUSED.iter().filter(|(option, _)| table.contains_key(*option));
    let error = |(option, help): &(&str, &str)| {
        let error = wrong(NAME, &[option], "dumbc builds no wrapper around neovim");
        OptionError { help: Some((*help).to_owned()), ..error }
    };
    asked.map(error).collect()
}

/// `init.lua`, the script in vim's language beside it, and plugins' own files.
fn configuration(neovim: &TomlNeovim, files: &mut BTreeMap<String, (Content, bool)>, findings: &mut Findings) {
    let mut script = neovim.configs(Language::Viml);
    script.push(&neovim.extra_config);
    let script = joined(&script);
    let mut lua = providers(neovim, findings);
    if !script.is_empty() {
        let _ = writeln!(lua, "vim.cmd.source(vim.fn.stdpath('config') .. '/{SCRIPT}')");
        files.insert(format!(".config/nvim/{SCRIPT}"), (Content::Text(script), false));
    }
    let own = [neovim.extra_lua_config.as_str(), neovim.init_lua.as_str()];
    lua += &joined(&[&own[..], &neovim.configs(Language::Lua)].concat());
    if !lua.is_empty() {
        files.insert(".config/nvim/init.lua".to_owned(), (Content::Text(lua), false));
    }
    for (index, plugin) in neovim.plugins.iter().enumerate() {
        let Some(plugin) = plugin.configured() else { continue };
        let place = index.to_string();
        if matches!(plugin.r#type, Language::Fennel | Language::Teal) && !plugin.config.is_empty() {
            let help = "write it in Lua, with `type = \"lua\"`";
            findings.warning(&["plugins", &place, "type"], "neovim reads no such configuration by itself", help);
        }
        runtime(plugin, &place, files, findings);
    }
}

/// Texts that are there, each from a line of its own.
fn joined(texts: &[&str]) -> String {
    let lines = |text: &&str| if text.ends_with('\n') { (*text).to_owned() } else { format!("{text}\n") };
    texts.iter().filter(|text| !text.is_empty()).map(lines).collect()
}

/// A provider is turned off by a variable, which must be set before plugins look; none can be turned on from here.
fn providers(neovim: &TomlNeovim, findings: &mut Findings) -> String {
    let mut lua = String::new();
    for (option, name, wanted) in [
        ("withNodeJs", "node", neovim.with_node_js),
        ("withPerl", "perl", neovim.with_perl),
        ("withPython3", "python3", neovim.with_python3),
        ("withRuby", "ruby", neovim.with_ruby),
    ] {
        if wanted == Some(false) {
            let _ = writeln!(lua, "vim.g.loaded_{name}_provider = 0");
        }
        if wanted == Some(true) && matches!(name, "node" | "perl") {
            let help = format!("give a `package` that has it, or set `vim.g.{name}_host_prog` in `extraLuaConfig`");
            findings.warning(&[option], "the provider is the package's own, if it has one", &help);
        }
    }
    lua
}

fn runtime(
    plugin: &TomlConfigured,
    place: &str,
    files: &mut BTreeMap<String, (Content, bool)>,
    findings: &mut Findings,
) {
    for (name, file) in &plugin.runtime {
        let path = ["plugins", place, "runtime", name];
        let content = match (&file.text, &file.source) {
            (Some(text), None) => Content::Text(text.clone()),
            (None, Some(source)) if source.starts_with('/') => Content::Link(source.clone()),
            _ => {
                findings.error(&path, "it has neither text nor an absolute path", "write its `text`, or `source`");
                continue;
            }
        };
        if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
            findings.error(&path, "it does not lie below `.config/nvim`", "write a path such as `ftplugin/c.vim`");
        }
        files.insert(format!(".config/nvim/{name}"), (content, false));
    }
}

/// `vi` and `vim` are there for programs too, not for shells only: links to nvim in a folder on PATH.
fn aliases(neovim: &TomlNeovim, context: &Context<'_>, contribution: &mut Contribution) {
    let nvim = executable(context, neovim.package.as_ref(), "neovim", "nvim");
    for (name, _) in [("vi", neovim.vi_alias), ("vim", neovim.vim_alias)].iter().filter(|(_, wanted)| *wanted) {
        let file = if nvim.starts_with('/') {
            (Content::Link(nvim.clone()), false)
        } else {
            (Content::Text("#!/bin/sh\nexec nvim \"$@\"\n".to_owned()), true)
        };
        contribution.files.insert(format!(".local/bin/{name}"), file);
        contribution.session_path = vec![format!("{}/.local/bin", context.home)];
    }
    if neovim.vimdiff_alias {
        contribution.aliases.insert("vimdiff".to_owned(), "nvim -d".to_owned());
    }
    if neovim.default_editor {
        let variables = ["EDITOR", "VISUAL"].map(|name| (name.to_owned(), "nvim".to_owned()));
        contribution.session_variables.extend(variables);
    }
}

#[cfg(test)]
mod tests;
