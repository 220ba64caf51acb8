//! What a file is, by its name and content.

use std::path::Path;

use serde_json::Value;

/// What can be taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// devbox.lock
    Devbox,
    /// flox's manifest.lock
    Flox,
    /// Lines of `nix-eval-jobs`
    EvalJobs,
    /// Store paths, a line each
    Paths,
    /// A Nix file with literals
    Nix,
}

impl Kind {
    /// Every kind there is.
    pub const ALL: [Self; 5] = [Self::Devbox, Self::Flox, Self::EvalJobs, Self::Paths, Self::Nix];

    /// As `--from` has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Devbox => "devbox",
            Self::Flox => "flox",
            Self::EvalJobs => "eval-jobs",
            Self::Paths => "paths",
            Self::Nix => "nix",
        }
    }

    /// From what `--from` says.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What a file seems to be.
    #[must_use]
    pub fn of(name: &str, text: &str) -> Option<Self> {
        let path = Path::new(name);
        match path.file_name().and_then(|name| name.to_str()) {
            Some("devbox.lock") => return Some(Self::Devbox),
            Some("manifest.lock") => return Some(Self::Flox),
            _ if path.extension().is_some_and(|extension| extension == "nix") => return Some(Self::Nix),
            _ => {}
        }
        Self::of_content(text)
    }

    fn of_content(text: &str) -> Option<Self> {
        let text = text.trim_start();
        if text.lines().map(str::trim).any(|line| line.starts_with("/nix/store/")) && !text.starts_with('{') {
            return Some(Self::Paths);
        }
        if let Ok(Value::Object(whole)) = serde_json::from_str(text) {
            if whole.contains_key("lockfile_version") {
                return Some(Self::Devbox);
            }
            if whole.contains_key("lockfile-version") {
                return Some(Self::Flox);
            }
        }
        let first: Value = serde_json::from_str(text.lines().next()?).ok()?;
        let is_job = first.get("attr").is_some() || first.get("attrPath").is_some();
        is_job.then_some(Self::EvalJobs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_name_and_content() {
        let cases = [
            ("x/devbox.lock", "", Some(Kind::Devbox)),
            (".flox/env/manifest.lock", "", Some(Kind::Flox)),
            ("home.nix", "{ }", Some(Kind::Nix)),
            ("-", "{\"lockfile_version\": \"1\"}", Some(Kind::Devbox)),
            ("-", "{\n\"lockfile-version\": 1\n}", Some(Kind::Flox)),
            ("-", "{\"attr\":\"a\"}\n{\"attr\":\"b\"}\n", Some(Kind::EvalJobs)),
            ("-", "# mine\n/nix/store/00000000000000000000000000000000-a\n", Some(Kind::Paths)),
            ("-", "{ pkgs, ... }: { }", None),
            ("-", "", None),
        ];
        for (name, text, kind) in cases {
            assert_eq!(Kind::of(name, text), kind, "{name}: {text}");
        }
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
    }
}
