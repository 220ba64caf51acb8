//! Commands that make files, folders and links, or change whose they are.

use super::super::Action;
use super::mode::symbolic;
use super::options::Options;
use super::paths::canonical;
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
            self.explain(&path, super::explained::GENERATED);
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

    pub(super) fn make_file(&mut self, path: String, content: Value) {
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
    pub(super) fn is_folder(&self, path: &str) -> bool {
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

    /// What a command reads that has no files for arguments.
    pub(super) fn standard_input(&self) -> Value {
        match &self.input {
            Input::Unknown => None,
            Input::Text(text) => Some(text.clone()),
        }
    }
}
