//! ssh: `.ssh/config`.
//!
//! ssh takes the first value that it finds of an option, so the block `*`, which holds the defaults, comes last.

mod block;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::findings::{Findings, Place, contribute, one_line, ordered};
use super::options::{Package, Scalar, options};
use super::{Content, Context, Contribution, OptionError, Program};
use block::{TomlBlock, word};

const NAME: &str = "ssh";

/// The block of all hosts.
const EVERY_HOST: &str = "*";

/// Options that stood beside the blocks before there was one of all hosts.
const MOVED: [&str; 10] = [
    "forwardAgent",
    "addKeysToAgent",
    "compression",
    "serverAliveInterval",
    "serverAliveCountMax",
    "hashKnownHosts",
    "userKnownHostsFile",
    "controlMaster",
    "controlPath",
    "controlPersist",
];

/// `programs.ssh`. As in Home Manager, no package comes with it: `package = "openssh"` installs one.
pub(super) const SSH: Program = Program {
    name: NAME,
    package: "",
    requests: |_| Vec::new(),
    contribute: |table, context| evaluate(table, context),
    is_shell: false,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct TomlSsh {
    #[serde(rename = "enable")]
    _enable: Option<IgnoredAny>,
    #[serde(rename = "package")]
    _package: Option<Package>,
    #[serde(default)]
    extra_config: String,
    #[serde(default)]
    extra_option_overrides: BTreeMap<String, Scalar>,
    #[serde(default)]
    includes: Vec<String>,
    #[serde(default)]
    match_blocks: TomlBlocks,
    enable_default_config: Option<bool>,
}

/// Blocks by name, or in the order in which they stand.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a table of blocks, or a list of them")]
enum TomlBlocks {
    Named(toml::Table),
    Listed(Vec<toml::Table>),
}

impl Default for TomlBlocks {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

/// A block with the keys that lead to it.
struct Block {
    name: String,
    path: Vec<String>,
    options: TomlBlock,
}

fn evaluate(table: &toml::Table, _: &Context<'_>) -> (Contribution, Vec<OptionError>) {
    let (table, moved, warnings) = without_moved(table);
    let (contribution, mut findings) = contribute(NAME, &table, |ssh: &TomlSsh, findings| {
        findings.extend(warnings);
        let blocks = blocks(ssh, &moved, findings);
        check(ssh, findings);
        let text = text(ssh, &blocks, findings);
        let files = [(".ssh/config".to_owned(), (Content::Text(text), false))].into();
        Contribution { files, ..Contribution::default() }
    });
    findings.sort_by_key(|finding| finding.warning);
    (contribution, findings)
}

/// The table without the options that now stand in the block of all hosts, those, and a word on each.
fn without_moved(table: &toml::Table) -> (toml::Table, toml::Table, Vec<OptionError>) {
    let mut rest = table.clone();
    let mut moved = toml::Table::new();
    let mut findings = Vec::new();
    for option in MOVED {
        if let Some(value) = rest.remove(option) {
            let new = format!("programs.ssh.matchBlocks.\"*\".{option}");
            findings.push(super::options::renamed(NAME, &[option], &new));
            moved.insert(option.to_owned(), value);
        }
    }
    (rest, moved, findings)
}

/// All blocks in the order in which ssh is to read them.
fn blocks(ssh: &TomlSsh, moved: &toml::Table, findings: &mut Findings) -> Vec<Block> {
    let mut blocks = written(&ssh.match_blocks, findings);
    blocks.retain(|block| !block.is_default());
    let mut all = defaults(ssh.enable_default_config, findings);
    all.extend(moved.clone());
    let said = every_host(&ssh.match_blocks);
    all.extend(said.clone().unwrap_or_default());
    if said.is_some() || !all.is_empty() {
        let path = vec!["matchBlocks".to_owned(), EVERY_HOST.to_owned()];
        blocks.extend(read(EVERY_HOST, path, &all, findings));
    }
    blocks
}

/// The table of the block of all hosts, where one is written.
fn every_host(blocks: &TomlBlocks) -> Option<toml::Table> {
    match blocks {
        TomlBlocks::Named(named) => named.get(EVERY_HOST).and_then(toml::Value::as_table).cloned(),
        TomlBlocks::Listed(listed) => {
            listed.iter().find(|block| block.get("host").and_then(toml::Value::as_str) == Some(EVERY_HOST)).cloned()
        }
    }
}

/// What Home Manager says where nothing else does; it is ssh's own way, but for the place of control sockets.
fn defaults(enable: Option<bool>, findings: &mut Findings) -> toml::Table {
    if enable.is_none() {
        let help = "write `enableDefaultConfig = false`, and what you want to keep into `matchBlocks.\"*\"`";
        findings.warning(&["enableDefaultConfig"], "the default values are to go from Home Manager", help);
    }
    if enable == Some(false) {
        return toml::Table::new();
    }
    toml::toml! {
        forwardAgent = false
        addKeysToAgent = "no"
        compression = false
        serverAliveInterval = 0
        serverAliveCountMax = 3
        hashKnownHosts = false
        userKnownHostsFile = "~/.ssh/known_hosts"
        controlMaster = "no"
        controlPath = "~/.ssh/master-%r@%n:%p"
        controlPersist = "no"
    }
}

fn written(blocks: &TomlBlocks, findings: &mut Findings) -> Vec<Block> {
    let path = |key: String| vec!["matchBlocks".to_owned(), key];
    match blocks {
        TomlBlocks::Listed(listed) => {
            let numbered = listed.iter().enumerate();
            numbered.filter_map(|(index, table)| read("", path(index.to_string()), table, findings)).collect()
        }
        TomlBlocks::Named(named) => {
            let mut found = BTreeMap::new();
            for (name, value) in named {
                let Some(table) = value.as_table() else {
                    findings.error(&["matchBlocks", name], "a block is a table", "write its options below its name");
                    continue;
                };
                if let Some(block) = read(name, path(name.clone()), table, findings) {
                    found.insert(name.clone(), block);
                }
            }
            in_order(found, findings)
        }
    }
}

fn in_order(mut found: BTreeMap<String, Block>, findings: &mut Findings) -> Vec<Block> {
    let place = |block: &Block| Place { after: block.options.after.clone(), before: block.options.before.clone() };
    let places = found.iter().map(|(name, block)| (name.clone(), place(block))).collect();
    let order = ordered(&places).unwrap_or_else(|circle| {
        let help = "take one of their `after` or `before` out";
        findings.error(&["matchBlocks"], &format!("these wait for one another: {}", circle.join(", ")), help);
        Vec::new()
    });
    order.iter().filter_map(|name| found.remove(name)).collect()
}

fn read(name: &str, path: Vec<String>, table: &toml::Table, findings: &mut Findings) -> Option<Block> {
    match options::<TomlBlock>(&format!("ssh.{}", path.join(".")), table) {
        Ok(options) => Some(Block { name: name.to_owned(), path, options }),
        Err(mut error) => {
            error.path.splice(0..0, path);
            findings.extend([error]);
            None
        }
    }
}

impl Block {
    /// Whether it is the block of all hosts, which is made apart.
    fn is_default(&self) -> bool {
        self.name == EVERY_HOST || self.options.host.as_deref() == Some(EVERY_HOST) && self.name.is_empty()
    }
}

fn text(ssh: &TomlSsh, blocks: &[Block], findings: &mut Findings) -> String {
    let mut parts: Vec<String> =
        ssh.extra_option_overrides.iter().map(|(name, value)| format!("{name} {}", word(value))).collect();
    if !ssh.includes.is_empty() {
        parts.push(format!("Include {}\n", ssh.includes.join(" ")));
    }
    for block in blocks {
        let path: Vec<&str> = block.path.iter().map(String::as_str).collect();
        parts.push(block.options.text(&block.name, &path, findings) + "\n");
    }
    let text = parts.join("\n");
    if ssh.extra_config.is_empty() {
        return if blocks.is_empty() && !text.is_empty() { text + "\n" } else { text };
    }
    // Inside the block of all hosts, which is the last one.
    let lines = ssh.extra_config.lines();
    lines.fold(text, |text, line| text + "  " + line + "\n")
}

fn check(ssh: &TomlSsh, findings: &mut Findings) {
    let overrides = ssh.extra_option_overrides.iter().flat_map(|(name, value)| [name.clone(), value.to_string()]);
    if !overrides.chain(ssh.includes.iter().cloned()).all(|text| one_line(&text)) {
        findings.error(&["extraOptionOverrides"], "an option is one line", "take the line break out");
    }
    let default = ssh.enable_default_config != Some(false) || every_host(&ssh.match_blocks).is_some();
    if !ssh.extra_config.is_empty() && !default {
        let help = "write a block `matchBlocks.\"*\"`; the text follows it";
        findings.error(&["extraConfig"], "there is no block of all hosts for it", help);
    }
}

#[cfg(test)]
mod tests;
