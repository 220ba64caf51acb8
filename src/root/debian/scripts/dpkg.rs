//! dpkg's own tools, and what they say on a fresh machine.

use std::cmp::Ordering;

use crate::deb::Version;

use super::super::{Action, Alternative};
use super::options::Options;
use super::run::Runner;
use super::state::Value;

impl Runner<'_> {
    pub(super) fn dpkg(&mut self, arguments: &[Value]) -> Option<bool> {
        match arguments.first()?.as_deref()? {
            "--compare-versions" => {
                let [_, one, relation, other] = arguments else { return None };
                compare(one.as_deref()?, relation.as_deref()?, other.as_deref()?)
            }
            "--print-architecture" => {
                self.print(&Some(format!("{}\n", self.architecture)));
                Some(true)
            }
            "--print-foreign-architectures"
            | "--validate-version"
            | "--assert-multi-arch"
            | "--assert-support-predepends" => Some(true),
            // Nothing is installed yet, the package itself isn't either.
            "-L" | "--listfiles" => Some(self.dpkg_files(arguments.get(1)?.as_deref()?)),
            "-s" | "--status" | "-l" | "--list" | "-S" | "--search" => Some(false),
            _ => self.unknown(),
        }
    }

    /// `dpkg-vendor --query vendor`, `--is`, `--derives-from`.
    pub(super) fn dpkg_vendor(&mut self, arguments: &[Value]) -> Option<bool> {
        let vendor = self.vendor();
        let named = |value: Option<&Value>| Some(value?.as_deref()?.to_lowercase());
        match arguments.first()?.as_deref()? {
            "--is" => Some(named(arguments.get(1))? == vendor),
            "--derives-from" => {
                Some(matches!((named(arguments.get(1))?.as_str(), vendor), ("debian", _) | ("ubuntu", "ubuntu")))
            }
            "--query" => {
                self.print(&Some(if vendor == "ubuntu" { "Ubuntu\n" } else { "Debian\n" }.to_owned()));
                Some(true)
            }
            _ => None,
        }
    }

    /// What the package itself has: the others come in an order that isn't ours to know.
    fn dpkg_files(&mut self, name: &str) -> bool {
        if name.split(':').next() != Some(self.package.name.as_str()) {
            return false;
        }
        let entries = self.package.listing.entries();
        self.spend(entries.len());
        let paths = entries.iter().filter_map(|entry| std::str::from_utf8(entry.path.as_bytes()).ok());
        let lines = paths.flat_map(|path| ["/", path, "\n"]);
        self.print(&Some(lines.collect()));
        true
    }

    /// `update-alternatives`; only what is installed counts.
    pub(super) fn alternatives(&mut self, arguments: &[Value]) -> Option<bool> {
        let texts = arguments.iter().map(Option::as_deref).collect::<Option<Vec<_>>>();
        let Some(texts) = texts else { return self.unknown() };
        let position = |name| texts.iter().position(|text| *text == name);
        if let Some(at) = position("--install") {
            return match alternative(texts.get(at + 1..).unwrap_or_default()) {
                Some(alternative) => {
                    self.emit(Action::Alternative(alternative));
                    Some(true)
                }
                None => self.unknown(),
            };
        }
        let known = ["--list", "--display", "--query", "--get-selections"];
        if known.into_iter().any(|name| position(name).is_some()) {
            return Some(false);
        }
        let harmless = ["--remove", "--remove-all", "--auto", "--all"];
        if harmless.into_iter().any(|name| position(name).is_some()) { Some(true) } else { self.unknown() }
    }

    pub(super) fn divert(&mut self, arguments: &[Value]) -> Option<bool> {
        const VALUED: [&str; 5] = ["--package", "--divert", "--admindir", "--instdir", "--root"];
        let Some(options) = Options::parse(arguments, &VALUED) else { return self.unknown() };
        let path = options.rest().first().map(|path| (*path).to_owned());
        let Some(path) = path else {
            self.print(&Some(String::new()));
            return Some(true);
        };
        if options.has(&["--list"]) {
            return Some(true);
        }
        if options.has(&["--listpackage"]) {
            let owner = self.diverted.contains_key(&path).then(|| format!("{}\n", self.package.name));
            self.print(&Some(owner.unwrap_or_default()));
            return Some(true);
        }
        if options.has(&["--truename"]) {
            let to = self.diverted.get(&path).cloned().unwrap_or(path);
            self.print(&Some(to + "\n"));
            return Some(true);
        }
        let is_foreign = options.value(&["--package"]).is_some_and(|name| name != self.package.name.as_str());
        if options.has(&["--remove"]) {
            if !is_foreign && self.diverted.remove(&path).is_some() {
                self.actions.retain(|action| !matches!(action, Action::Diversion { path: of, .. } if *of == path));
            }
            return Some(true);
        }
        if is_foreign || options.has(&["--local"]) || !path.starts_with('/') {
            return self.unknown();
        }
        let to = options.value(&["--divert"]).map_or(format!("{path}.distrib"), str::to_owned);
        if self.diverted.insert(path.clone(), to.clone()).is_none() {
            self.emit(Action::Diversion { path, to });
        }
        Some(true)
    }

    /// `dpkg-query`-like questions about the machine.
    pub(super) fn dpkg_architecture(&mut self, arguments: &[Value]) -> Option<bool> {
        let options = Options::parse(arguments, &["-q", "--query", "-a", "--host-arch"])?;
        let triplet = match self.architecture {
            "amd64" => "x86_64-linux-gnu",
            "arm64" => "aarch64-linux-gnu",
            _ => return None,
        };
        let answer = match options.value(&["-q", "--query"])? {
            "DEB_HOST_ARCH" | "DEB_BUILD_ARCH" => Some(self.architecture.to_owned() + "\n"),
            "DEB_HOST_MULTIARCH" | "DEB_BUILD_MULTIARCH" | "DEB_HOST_GNU_TYPE" => Some(triplet.to_owned() + "\n"),
            _ => None,
        };
        self.print(&answer);
        Some(true)
    }
}

/// dpkg's rule: an empty version is older than all, and with `-nl` newer than all.
pub(super) fn compare(one: &str, relation: &str, other: &str) -> Option<bool> {
    let is_newest = relation.ends_with("-nl");
    let order = match (one.is_empty(), other.is_empty()) {
        (true, true) => Ordering::Equal,
        (true, false) => {
            if is_newest {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
        (false, true) => {
            if is_newest {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        (false, false) => Version::compare_texts(one, other),
    };
    match relation.strip_suffix("-nl").unwrap_or(relation) {
        "lt" | "<<" => Some(order.is_lt()),
        "le" | "<=" | "<" => Some(order.is_le()),
        "eq" | "=" => Some(order.is_eq()),
        "ne" => Some(order.is_ne()),
        "ge" | ">=" | ">" => Some(order.is_ge()),
        "gt" | ">>" => Some(order.is_gt()),
        _ => None,
    }
}

/// `LINK NAME PATH PRIORITY [--slave LINK NAME PATH]…`
fn alternative(arguments: &[&str]) -> Option<Alternative> {
    let [link, name, path, priority, rest @ ..] = arguments else { return None };
    let mut alternative = Alternative {
        link: (*link).to_owned(),
        name: (*name).to_owned(),
        path: (*path).to_owned(),
        priority: priority.parse().ok()?,
        followers: Vec::new(),
    };
    let mut rest = rest;
    while let [first, more @ ..] = rest {
        rest = match (*first, more) {
            ("--slave" | "--follower", [link, name, path, more @ ..]) => {
                alternative.followers.push([link, name, path].map(|text| (*text).to_owned()));
                more
            }
            ("--initscript", [_, more @ ..]) | ("--quiet" | "--force" | "--verbose", more) => more,
            _ => return None,
        };
    }
    let is_absolute = |path: &str| path.starts_with('/');
    let sound = is_absolute(&alternative.link) && is_absolute(&alternative.path) && !alternative.name.contains('/');
    sound.then_some(alternative)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_version_is_the_oldest_or_the_newest() {
        for (relation, holds) in
            [("lt", true), ("le", true), ("gt", false), ("lt-nl", false), ("ge-nl", true), ("eq", false)]
        {
            assert_eq!(compare("", relation, "1.0"), Some(holds), "{relation}");
        }
        assert_eq!(compare("1.0~rc1", "lt", "1.0"), Some(true));
        assert_eq!(compare("", "eq", ""), Some(true));
        assert_eq!(compare("1", "roughly", "1"), None);
    }

    #[test]
    fn alternatives_with_followers() {
        let words = "/usr/bin/awk awk /usr/bin/mawk 5 --slave /usr/bin/nawk nawk /usr/bin/mawk";
        let read = alternative(&words.split(' ').collect::<Vec<_>>()).unwrap();
        assert_eq!((read.link.as_str(), read.name.as_str(), read.priority), ("/usr/bin/awk", "awk", 5));
        assert_eq!(read.followers, [["/usr/bin/nawk", "nawk", "/usr/bin/mawk"].map(str::to_owned)]);
        assert_eq!(alternative(&["/usr/bin/awk", "awk", "mawk", "5"]), None);
        assert_eq!(alternative(&["/usr/bin/awk", "../awk", "/usr/bin/mawk", "5"]), None);
    }
}
