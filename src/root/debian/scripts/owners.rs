//! `chown`, `chgrp`, `chmod`, `setcap`, `dpkg-statoverride`.

use super::super::Action;
use super::mode::symbolic;
use super::options::Options;
use super::run::Runner;
use super::state::Value;

impl Runner<'_> {
    pub(super) fn chown(&mut self, name: &str, arguments: &[Value]) -> Option<bool> {
        let Some(options) = Options::parse(arguments, &["--from"]) else { return self.unknown() };
        let rest = options.rest();
        let [who, paths @ ..] = &rest[..] else { return self.unknown() };
        if options.has(&["--reference"]) {
            return self.unknown();
        }
        let (user, group) = match who.split_once(':').or_else(|| who.split_once('.')) {
            _ if name == "chgrp" => ("", *who),
            Some((user, group)) => (user, group),
            None => (*who, ""),
        };
        // `user:` is the user's own group, of the same name by all that makes system users.
        let group = if group.is_empty() && who.ends_with(':') { user } else { group };
        let filled = |text: &str| match text {
            "" => None,
            "0" => Some("root".to_owned()),
            _ => Some(text.to_owned()),
        };
        let (user, group) = (filled(user), filled(group));
        let recursive = options.has(&["-R", "--recursive"]);
        self.each(paths, |runner, path| runner.change(path, user.as_deref(), group.as_deref(), None, recursive))
    }

    pub(super) fn chmod(&mut self, arguments: &[Value]) -> Option<bool> {
        // `chmod -x FILE` and `chmod go-w FILE` look like options, and `--reference` like neither.
        let texts = arguments.iter().map(Option::as_deref).collect::<Option<Vec<_>>>();
        let Some(texts) = texts else { return self.unknown() };
        let is_option =
            |text: &&&str| text.starts_with("--") || matches!(**text, "-R" | "-f" | "-v" | "-c" | "-Rf" | "-fR");
        let recursive = texts.iter().filter(is_option).any(|text| text.contains('R') || **text == *"--recursive");
        let rest = texts.iter().filter(|text| !is_option(text)).copied().collect::<Vec<_>>();
        let [mode, paths @ ..] = &rest[..] else { return self.unknown() };
        let (mode, is_number) = ((*mode).to_owned(), mode.starts_with(|c: char| c.is_ascii_digit()));
        if recursive && !is_number {
            return self.unknown();
        }
        self.each(paths, |runner, path| {
            if runner.stands(path) == Some(false) || path == super::explained::RNDC_KEY {
                return Some(runner.stands(path) == Some(true));
            }
            let own = runner.absolute(path).and_then(|path| runner.mode_of(&path));
            match symbolic(&mode, own.unwrap_or(0o644)) {
                Some(bits) if own.is_some() || is_number => runner.change(path, None, None, Some(bits), recursive),
                _ => runner.unknown(),
            }
        })
    }

    fn each(&mut self, paths: &[&str], mut change: impl FnMut(&mut Self, &str) -> Option<bool>) -> Option<bool> {
        let mut status = Some(true);
        for path in paths {
            let one = change(self, path);
            status = if one == Some(true) { status } else { one };
        }
        status
    }

    /// The permission bits that a file has at this moment of the script.
    pub(super) fn mode_of(&self, path: &str) -> Option<u32> {
        let changed = self.actions.iter().rev().find_map(|action| match action {
            Action::Metadata { path: of, mode, .. } if of == path => *mode,
            Action::Directory { path: of, mode, .. } if of == path => Some(mode.unwrap_or(0o755)),
            Action::File { path: of, mode, .. } if of == path => Some(mode.unwrap_or(0o644)),
            _ => None,
        });
        changed.or_else(|| self.own(path).map(|own| own.metadata.mode))
    }

    /// Whether an action changes whose a path is.
    pub(super) fn mentions(&self, path: &str) -> bool {
        self.actions.iter().any(|action| matches!(action, Action::Metadata { path: of, .. } if of == path))
    }

    /// Changes whose a path is and what may be done with it; with `recursive`, of all that the package has below it, too.
    pub(super) fn change(
        &mut self,
        path: &str,
        user: Option<&str>,
        group: Option<&str>,
        mode: Option<u32>,
        recursive: bool,
    ) -> Option<bool> {
        let Some(path) = self.absolute(path) else { return self.unknown() };
        if self.stands(&path) == Some(false) {
            return Some(false);
        }
        let mut paths = vec![path.clone()];
        if recursive {
            paths.extend(self.below(&path));
        }
        for path in paths {
            self.spend(1);
            self.metadata(path, user, group, mode);
        }
        Some(true)
    }

    fn below(&mut self, path: &str) -> Vec<String> {
        let prefix = path.trim_start_matches('/').to_owned() + "/";
        let entries = self.package.listing.entries();
        self.spend(entries.len() / 16);
        let paths = entries.iter().filter_map(|entry| std::str::from_utf8(entry.path.as_bytes()).ok());
        paths.filter(|path| path.starts_with(&prefix)).map(|path| format!("/{path}")).collect()
    }

    /// Says so of one path: to what the script made, if it did.
    pub(super) fn metadata(&mut self, path: String, user: Option<&str>, group: Option<&str>, mode: Option<u32>) {
        if super::paths::is_fleeting(&path) || path == super::explained::RNDC_KEY {
            return;
        }
        let mut places = self.actions.iter_mut().rev();
        let known = places.find_map(|action| match action {
            Action::Metadata { path: of, user, group, mode }
            | Action::Directory { path: of, user, group, mode }
            | Action::File { path: of, user, group, mode, .. }
                if *of == path =>
            {
                Some((user, group, mode))
            }
            _ => None,
        });
        if let Some((known_user, known_group, known_mode)) = known {
            *known_user = user.map(str::to_owned).or(known_user.take());
            *known_group = group.map(str::to_owned).or(known_group.take());
            *known_mode = mode.or(*known_mode);
            return;
        }
        let own = self.own(&path).map(|own| own.metadata);
        let is_roots = |name: Option<&str>| matches!(name, None | Some("root" | "0"));
        let is_so = own.is_some_and(|own| {
            let same_owner = (user.is_none() || own.uid == 0) && (group.is_none() || own.gid == 0);
            is_roots(user) && is_roots(group) && same_owner && mode.is_none_or(|mode| mode == own.mode)
        });
        if !is_so {
            let (user, group) = (user.map(str::to_owned), group.map(str::to_owned));
            self.emit(Action::Metadata { path, user, group, mode });
        }
    }

    pub(super) fn setcap(&mut self, arguments: &[Value]) -> Option<bool> {
        let texts = arguments.iter().map(Option::as_deref).collect::<Option<Vec<_>>>();
        let Some(texts) = texts else { return self.unknown() };
        match &texts.iter().copied().filter(|text| *text != "-q").collect::<Vec<_>>()[..] {
            ["-r" | "-v", ..] => Some(true),
            [capabilities, path] => {
                let Some(path) = self.absolute(path) else { return self.unknown() };
                if self.stands(&path) == Some(false) {
                    return Some(false);
                }
                self.emit(Action::Capability { path, capabilities: (*capabilities).to_owned() });
                Some(true)
            }
            _ => self.unknown(),
        }
    }

    pub(super) fn statoverride(&mut self, arguments: &[Value]) -> Option<bool> {
        let Some(options) = Options::parse(arguments, &["--admindir", "--root"]) else { return self.unknown() };
        if options.has(&["--list"]) {
            let rest = options.rest();
            return Some(rest.iter().any(|path| self.overrides.contains(*path)));
        }
        if options.has(&["--remove"]) {
            return Some(true);
        }
        let [user, group, mode, path] = &options.rest()[..] else { return self.unknown() };
        let (Some(mode), Some(absolute)) = (symbolic(mode, 0), self.absolute(path)) else { return self.unknown() };
        self.overrides.insert((*path).to_owned());
        let (user, group) = ((*user).to_owned(), (*group).to_owned());
        self.metadata(absolute.clone(), Some(&user), Some(&group), Some(mode));
        self.emit(Action::StatOverride { path: absolute, user, group, mode });
        Some(true)
    }
}
