//! Plugins of vim and neovim: links in a folder of packages, where either looks by itself.

use std::collections::BTreeMap;

use super::findings::{Findings, answer, names_in, package_name};
use super::{Content, Context};

/// Files of a home that are being collected, with what is found.
pub(super) struct Plugins<'a, 'context> {
    pub(super) context: &'a Context<'context>,
    pub(super) files: &'a mut BTreeMap<String, (Content, bool)>,
    pub(super) findings: &'a mut Findings,
}

impl Plugins<'_, '_> {
    /// Links what answers `request` into `folder`: `share/vim-plugins/NAME` of its package, or all of it, as nixpkgs has
    /// them now. `place` leads to the request.
    pub(super) fn link(&mut self, request: &str, place: &[&str], folder: &str) {
        let Some(package) = answer(self.context, request, place, self.findings) else { return };
        let inner = names_in(self.context, &package, "share/vim-plugins").unwrap_or_default();
        if inner.is_empty() {
            let name = package_name(&package);
            let name = name.strip_prefix("vimplugin-").unwrap_or(name);
            self.insert(place, format!("{folder}/{name}"), package.to_string());
        }
        for name in inner {
            let target = format!("{package}/share/vim-plugins/{name}");
            self.insert(place, format!("{folder}/{name}"), target);
        }
    }

    fn insert(&mut self, place: &[&str], path: String, target: String) {
        let content = (Content::Link(target), false);
        if self.files.get(&path).is_some_and(|other| *other != content) {
            let reason = format!("another plugin lies at {path} already");
            self.findings.error(place, &reason, "take one of them out");
        }
        self.files.insert(path, content);
    }
}
