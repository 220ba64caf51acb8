//! Commands that make files, folders and links, or change whose they are.

use super::super::Action;
use super::options::Options;
use super::paths::{canonical, parent};
use super::run::{Input, Runner};
use super::state::Value;

impl Runner<'_> {
    /// What a command writes into a file.
    pub(super) fn write(&mut self, path: Option<&str>, content: Value, append: bool) {
        let Some(path) = path.and_then(|path| self.absolute(path)) else {
            self.unknown();
            return;
        };
        if super::explained::is_generated(&path) {
            self.explain("passwd", super::explained::GENERATED);
            return;
        }
        let (before, stands) = (self.content(&path), self.stands(&path));
        let content = match (append, stands) {
            (false, _) | (_, Some(false)) => content,
            _ => before.zip(content).map(|(before, content)| before + &content),
        };
        self.spend(content.as_ref().map_or(0, String::len) / 256);
        self.state.contents.insert(path.clone(), content.clone());
        self.note(&path, true);
        self.make_file(path, content);
    }

    fn make_file(&mut self, path: String, content: Value) {
        if super::paths::is_fleeting(&path) || path.starts_with("/run/") || path.starts_with("/var/run/") {
            return;
        }
        self.actions.retain(|action| !matches!(action, Action::File { path: other, .. } if *other == path));
        match content {
            Some(content) => self.emit(Action::File { path, content, user: None, group: None, mode: None }),
            // What a tool says about its work is lost, and no loss.
            None if path.starts_with("/var/log/") => {}
            None => match super::known::origin(self.package, &path) {
                Some(from) => self.emit(Action::Copy { from: from.to_owned(), to: path }),
                None => _ = self.unknown(),
            },
        }
    }

    /// A file's content, if the script wrote it.
    pub(super) fn content(&self, path: &str) -> Value {
        if path == "/dev/null" {
            return Some(String::new());
        }
        let path = self.absolute(path)?;
        if let Some(written) = self.state.contents.get(&path) {
            return written.clone();
        }
        (path == "/etc/os-release" || path == "/usr/lib/os-release").then(|| format!("ID={}\n", self.vendor()))
    }

    /// Whose the machine's packages are.
    pub(super) fn vendor(&self) -> &'static str {
        if self.stands("/etc/dpkg/origins/ubuntu") == Some(true) { "ubuntu" } else { "debian" }
    }

    pub(super) fn mkdir(&mut self, arguments: &[Value]) -> Option<bool> {
        let Some(options) = Options::parse(arguments, &["-m", "--mode"]) else { return self.unknown() };
        let mode = options.value(&["-m", "--mode"]).map(str::to_owned);
        for path in options.rest() {
            self.folder(path, None, None, mode.as_deref())?;
        }
        Some(true)
    }

    /// A folder that is made; where it stands already, nothing.
    fn folder(&mut self, path: &str, user: Option<&str>, group: Option<&str>, mode: Option<&str>) -> Option<bool> {
        let (path, mode) = match (self.absolute(path), mode.map(|mode| symbolic(mode, 0o755))) {
            (Some(path), None) => (path, None),
            (Some(path), Some(Some(mode))) => (path, Some(mode)),
            _ => return self.unknown(),
        };
        if self.stands(&path) == Some(true) {
            return Some(true);
        }
        self.note(&path, true);
        let (user, group) = (user.map(str::to_owned), group.map(str::to_owned));
        self.emit(Action::Directory { path, user, group, mode });
        Some(true)
    }

    pub(super) fn install(&mut self, arguments: &[Value]) -> Option<bool> {
        const VALUED: [&str; 8] = ["-m", "--mode", "-o", "--owner", "-g", "--group", "-t", "--target-directory"];
        let Some(options) = Options::parse(arguments, &VALUED) else { return self.unknown() };
        let user = options.value(&["-o", "--owner"]);
        let group = options.value(&["-g", "--group"]);
        let mode = options.value(&["-m", "--mode"]);
        let mut paths = options.rest();
        if !options.has(&["-d", "--directory"]) {
            paths = match (&options.rest()[..], options.value(&["-t", "--target-directory"])) {
                ([from, to], None) => {
                    self.copy(from, to, true)?;
                    vec![to]
                }
                _ => return self.unknown(),
            };
        }
        for path in paths {
            if options.has(&["-d", "--directory"]) {
                self.folder(path, user, group, None)?;
            }
            let bits = mode.map_or(Some(0o755), |mode| symbolic(mode, 0o755));
            self.change(path, user, group, bits, false)?;
        }
        Some(true)
    }

    pub(super) fn touch(&mut self, arguments: &[Value]) -> Option<bool> {
        let Some(options) = Options::parse(arguments, &["-r", "--reference", "-d", "--date", "-t"]) else {
            return self.unknown();
        };
        for path in options.rest() {
            if self.stands(path) != Some(true) && !options.has(&["-c", "--no-create", "-h", "--no-dereference"]) {
                self.write(Some(path), Some(String::new()), true);
            }
        }
        Some(true)
    }

    pub(super) fn link(&mut self, arguments: &[Value]) -> Option<bool> {
        let Some(options) = Options::parse(arguments, &["-t", "-S"]) else { return self.unknown() };
        let rest = options.rest();
        let (target, path) = match &rest[..] {
            [target] => (*target, "."),
            [target, path] => (*target, *path),
            _ => return self.unknown(),
        };
        let Some(mut path) = self.absolute(path) else { return self.unknown() };
        let enters = !options.has(&["-n", "--no-dereference", "-T", "--no-target-directory"]);
        if enters && self.is_kind(&path, true)? && self.is_folder(&path) {
            path = canonical(&format!("{path}/{}", target.rsplit('/').next().unwrap_or_default()));
        }
        if self.stands(&path) == Some(true) && !options.has(&["-f", "--force"]) {
            return Some(false);
        }
        if !options.has(&["-s", "--symbolic"]) {
            return self.copy(target, &path, true);
        }
        if options.has(&["-r", "--relative"]) {
            return self.unknown();
        }
        self.symlink(path, target.to_owned());
        Some(true)
    }

    /// Whether the package has a folder there, or the script made one.
    fn is_folder(&self, path: &str) -> bool {
        let is_made = |action: &Action| matches!(action, Action::Directory { path: made, .. } if made == path);
        let own = self.own(path).map(|own| &own.kind);
        own == Some(&crate::image::listing::ListingKind::Directory) || self.actions.iter().any(is_made)
    }

    pub(super) fn symlink(&mut self, path: String, target: String) {
        self.note(&path, true);
        self.links.insert(path.clone(), target.clone());
        self.actions.retain(|action| !matches!(action, Action::Symlink { path: other, .. } if *other == path));
        self.emit(Action::Symlink { path, target });
    }

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
        if super::paths::is_fleeting(&to) && !self.state.contents.contains_key(&source) {
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
            crate::image::listing::ListingKind::Symlink { target } => String::from_utf8(target.clone()).ok(),
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
            if self.stands(&path) == Some(false) || super::paths::is_fleeting(&path) || comes_later {
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

    /// What a command reads that has no files for arguments.
    pub(super) fn standard_input(&self) -> Value {
        match &self.input {
            Input::Unknown => None,
            Input::Text(text) => Some(text.clone()),
        }
    }
}

fn is_cache(path: &str) -> bool {
    path.starts_with("/var/cache/") || path.starts_with("/run/") || parent(path) == "/var/lib/dpkg/info"
}

/// The permission bits that `mode` makes of `before`: `0755`, `u+s`, `g-w,o=`.
pub(super) fn symbolic(mode: &str, before: u32) -> Option<u32> {
    if mode.starts_with(|c: char| c.is_ascii_digit()) {
        return u32::from_str_radix(mode, 8).ok().filter(|mode| *mode <= 0o7777);
    }
    let mut bits = before;
    for clause in mode.split(',') {
        let at = clause.find(['+', '-', '='])?;
        let (who, what) = clause.split_at(at);
        let who = if who.is_empty() || who.contains('a') { "ugo" } else { who };
        let shift = |class| match class {
            'u' => Some(6),
            'g' => Some(3),
            'o' => Some(0),
            _ => None,
        };
        let sign = what.chars().next()?;
        for class in who.chars() {
            let shift = shift(class)?;
            let mut set = 0;
            for permission in what.chars().skip(1) {
                set |= match permission {
                    'r' => 4 << shift,
                    'w' => 2 << shift,
                    'x' => 1 << shift,
                    'X' if bits & 0o111 != 0 => 1 << shift,
                    'X' => 0,
                    's' => [0, 0o2000, 0o4000][shift / 3],
                    't' => 0o1000,
                    _ => return None,
                };
            }
            match sign {
                '+' => bits |= set,
                '-' => bits &= !set,
                _ => bits = (bits & !(7 << shift)) | set,
            }
        }
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::symbolic;

    #[test]
    fn modes_are_read_as_chmod_does() {
        for (mode, before, after) in [
            ("0755", 0, Some(0o755)),
            ("2755", 0o644, Some(0o2755)),
            ("u+s", 0o755, Some(0o4755)),
            ("g+s", 0o755, Some(0o2755)),
            ("go-rwx", 0o755, Some(0o700)),
            ("u=rw,g=r,o=", 0o777, Some(0o640)),
            ("+x", 0o644, Some(0o755)),
            ("a+rX", 0o600, Some(0o644)),
            ("o+t", 0o777, Some(0o1777)),
            ("nonsense", 0o777, None),
            ("77777", 0, None),
        ] {
            assert_eq!(symbolic(mode, before), after, "{mode}");
        }
    }
}
