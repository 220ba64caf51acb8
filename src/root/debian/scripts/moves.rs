//! Commands that copy, move and remove.

use crate::image::listing::ListingKind;

use super::super::Action;
use super::options::Options;
use super::paths::{canonical, is_fleeting, parent};
use super::run::Runner;
use super::state::Value;

impl Runner<'_> {
    pub(super) fn cp(&mut self, arguments: &[Value]) -> Option<bool> {
        let Some(options) = Options::parse(arguments, &["-t", "-S", "--suffix"]) else { return self.unknown() };
        let [sources @ .., to] = &options.rest()[..] else { return self.unknown() };
        let keeps = options.has(&["-n", "--no-clobber", "--update=none", "-u"]);
        for from in sources {
            if options.has(&["-r", "-R", "-a"]) && self.is_folder(&self.absolute(from)?) {
                return self.unknown();
            }
            self.copy(from, to, !keeps)?;
        }
        Some(true)
    }

    /// Copies a file; into `to` where that is a folder.
    pub(super) fn copy(&mut self, from: &str, to: &str, replaces: bool) -> Option<bool> {
        let (Some(source), Some(mut to)) = (self.absolute(from), self.absolute(to)) else { return self.unknown() };
        if self.is_folder(&to) {
            to = canonical(&format!("{to}/{}", source.rsplit('/').next().unwrap_or_default()));
        }
        if self.stands(&source) == Some(false) && source != "/dev/null" {
            return Some(false);
        }
        if self.stands(&to) == Some(true) && !replaces {
            return Some(true);
        }
        self.note(&to, true);
        let origin = self.copies.get(&source).cloned().unwrap_or_else(|| source.clone());
        if is_fleeting(&to) && !self.state.contents.contains_key(&source) {
            self.state.contents.remove(&to);
            self.copies.insert(to, origin);
            return Some(true);
        }
        let content =
            if source == "/dev/null" { Some(Some(String::new())) } else { self.state.contents.get(&source).cloned() };
        if let Some(content) = content {
            self.state.contents.insert(to.clone(), content.clone());
            self.make_file(to, content);
        } else if let Some(target) = self.own_link(&source).or_else(|| self.links.get(&source).cloned()) {
            self.symlink(to, target);
        } else {
            self.emit(Action::Copy { from: origin, to });
        }
        Some(true)
    }

    fn own_link(&self, path: &str) -> Option<String> {
        match &self.own(path)?.kind {
            ListingKind::Symlink { target } => String::from_utf8(target.clone()).ok(),
            _ => None,
        }
    }

    pub(super) fn mv(&mut self, arguments: &[Value]) -> Option<bool> {
        let Some(options) = Options::parse(arguments, &["-t", "-S"]) else { return self.unknown() };
        let [from, to] = &options.rest()[..] else { return self.unknown() };
        let (Some(from), Some(to)) = (self.absolute(from), self.absolute(to)) else { return self.unknown() };
        match self.stands(&from) {
            Some(false) => return Some(false),
            Some(true) if self.state.changed.contains_key(&from) => {}
            _ => return self.unknown(),
        }
        self.note(&from, false);
        self.note(&to, true);
        if let Some(content) = self.state.contents.remove(&from) {
            self.state.contents.insert(to.clone(), content.clone());
            self.actions.retain(|action| !matches!(action, Action::File { path, .. } if *path == from));
            self.make_file(to, content);
            return Some(true);
        }
        if let Some(origin) = self.copies.remove(&from) {
            self.emit(Action::Copy { from: origin, to });
            return Some(true);
        }
        if let Some(target) = self.links.remove(&from) {
            self.actions.retain(|action| !matches!(action, Action::Symlink { path, .. } if *path == from));
            self.symlink(to, target);
            return Some(true);
        }
        for action in &mut self.actions {
            match action {
                Action::Copy { to: path, .. } | Action::Directory { path, .. } if *path == from => path.clone_from(&to),
                _ => {}
            }
        }
        Some(true)
    }

    pub(super) fn rm(&mut self, arguments: &[Value]) -> Option<bool> {
        let Some(options) = Options::parse(arguments, &[]) else { return self.unknown() };
        for path in options.rest() {
            let Some(path) = self.absolute(path) else { return self.unknown() };
            let is_made = self.state.changed.get(&path) == Some(&Some(true));
            // At the time of its preinst nothing of the package stands there.
            let comes_later = self.script == "preinst" && self.own(&path).is_some();
            if self.stands(&path) == Some(false) || is_fleeting(&path) || comes_later {
                continue;
            }
            if is_made {
                self.unmake(&path);
            } else if self.own(&path).is_none() || is_cache(&path) {
                // What another package has, a fresh installation hasn't to clear away.
            } else {
                self.unknown();
            }
            self.note(&path, false);
        }
        Some(true)
    }

    fn unmake(&mut self, gone: &str) {
        self.state.contents.remove(gone);
        self.links.remove(gone);
        self.actions.retain(|action| match action {
            Action::File { path, .. } | Action::Symlink { path, .. } | Action::Directory { path, .. } => path != gone,
            Action::Copy { to, .. } => to != gone,
            _ => true,
        });
    }

    pub(super) fn rmdir(&mut self, arguments: &[Value]) -> Option<bool> {
        let Some(options) = Options::parse(arguments, &[]) else { return self.unknown() };
        for path in options.rest() {
            if let Some(path) = self.absolute(path) {
                let is_empty = self.own(&path).is_some_and(|own| {
                    let path = own.path.clone();
                    self.package.listing.children(&path).next().is_none()
                });
                if is_empty {
                    self.note(&path, false);
                }
            }
        }
        Some(true)
    }
}

fn is_cache(path: &str) -> bool {
    path.starts_with("/var/cache/") || path.starts_with("/run/") || parent(path) == "/var/lib/dpkg/info"
}
