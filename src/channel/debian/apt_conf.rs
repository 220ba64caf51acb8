//! apt's configuration, as `apt-config dump` prints it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cache::http::encoded;

/// apt's settings by their names in lower case.
#[derive(Debug, Clone, Default)]
pub(super) struct AptConf {
    values: BTreeMap<String, String>,
}

impl AptConf {
    /// Parses lines of `Name "value";`.
    pub(super) fn parse(text: &str) -> Self {
        let setting = |line: &str| {
            let (name, value) = line.strip_suffix("\";")?.split_once(" \"")?;
            Some((name.to_ascii_lowercase(), value.to_owned()))
        };
        Self { values: text.lines().filter_map(setting).collect() }
    }

    /// A setting's value, unless it is empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let value = self.values.get(&name.to_ascii_lowercase())?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// Whether a setting is switched off.
    pub(super) fn is_off(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| ["false", "no", "0", "off"].contains(&value.to_ascii_lowercase().as_str()))
    }

    /// A file or folder: relative to the setting above it, up to `Dir`. `None` where it is `/dev/null`.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        let mut path = PathBuf::from(self.get(name)?);
        let mut parent = name;
        while !path.is_absolute() {
            parent = parent.rsplit_once("::")?.0;
            path = Path::new(self.get(parent).unwrap_or_default()).join(path);
            if parent == "Dir" && !path.is_absolute() {
                path = Path::new("/").join(path);
            }
        }
        let root = self.get("RootDir").unwrap_or_default();
        let path = if root.is_empty() { path } else { Path::new(root).join(path.strip_prefix("/").ok()?) };
        (path != Path::new("/dev/null")).then_some(path)
    }

    /// The proxy for a host: an address, `DIRECT`, or `None` where apt leaves it to the environment.
    pub(super) fn proxy(&self, secure: bool, host: &str) -> Option<&str> {
        let schemes = if secure { &["https", "http"][..] } else { &["http"] };
        schemes.iter().find_map(|scheme| {
            let own = self.get(&format!("Acquire::{scheme}::Proxy::{host}"));
            own.or_else(|| self.get(&format!("Acquire::{scheme}::Proxy")))
        })
    }
}

/// Credentials of `auth.conf`, as the manual page `apt_auth.conf` has it.
#[derive(Default)]
pub(super) struct Credentials {
    entries: Vec<Entry>,
}

#[derive(Default)]
struct Entry {
    /// `example.org`, `example.org/debian`, `http://example.org:8080/`
    machine: String,
    login: String,
    password: String,
}

impl Credentials {
    /// Adds a file's entries.
    pub(super) fn add(&mut self, text: &str) {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let mut words = lines.flat_map(str::split_whitespace);
        while let Some(word) = words.next() {
            let mut value = || words.next().unwrap_or_default().to_owned();
            match (word, self.entries.last_mut()) {
                ("machine", _) => {
                    let machine = value();
                    self.entries.push(Entry { machine, ..Entry::default() });
                }
                ("login", Some(entry)) => entry.login = value(),
                ("password", Some(entry)) => entry.password = value(),
                _ => {}
            }
        }
    }

    /// `address` with the credentials that are meant for it. Entries that name no scheme are for https alone.
    pub(super) fn apply(&self, address: &str) -> String {
        let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
        let authority = rest.split('/').next().unwrap_or_default();
        let entry = self.entries.iter().find(|entry| {
            let (wanted, machine) = entry.machine.split_once("://").unwrap_or(("https", &entry.machine));
            wanted == scheme && covers(machine, rest)
        });
        match entry {
            Some(entry) if !authority.contains('@') => {
                format!("{scheme}://{}:{}@{rest}", encoded(&entry.login), encoded(&entry.password))
            }
            _ => address.to_owned(),
        }
    }
}

/// Whether `machine` is the host of `rest`, or a path above it.
fn covers(machine: &str, rest: &str) -> bool {
    let (host, path) = machine.split_once('/').unwrap_or((machine, ""));
    let (authority, below) = rest.split_once('/').unwrap_or((rest, ""));
    let without_port = authority.rsplit_once(':').map_or(authority, |(name, _)| name);
    let same = host.eq_ignore_ascii_case(authority) || host.eq_ignore_ascii_case(without_port);
    let rest = below.strip_prefix(path.trim_end_matches('/'));
    same && rest.is_some_and(|rest| path.is_empty() || rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "RootDir \"\";\nDir \"/\";\nDir::Etc \"etc/apt\";\nDir::Etc::sourcelist \"sources.list\";\n\
        Dir::Etc::sourceparts \"/srv/parts\";\nDir::Etc::trusted \"/dev/null\";\nAcquire::Check-Valid-Until \"false\";\n\
        Acquire::http::Proxy \"http://proxy.example.org:3128/?a=b\";\nAcquire::http::Proxy::own.example.org \"DIRECT\";\n";

    #[test]
    fn paths_and_switches() {
        let conf = AptConf::parse(DUMP);
        assert_eq!(conf.path("Dir::Etc::sourcelist"), Some("/etc/apt/sources.list".into()));
        assert_eq!(conf.path("Dir::Etc::sourceparts"), Some("/srv/parts".into()));
        assert_eq!(conf.path("Dir::Etc::trusted"), None);
        assert_eq!(conf.path("Dir::Etc::netrc"), None);
        assert!(conf.is_off("acquire::check-valid-until") && !conf.is_off("Acquire::Check-Date"));
        let rooted = AptConf::parse(&DUMP.replace("RootDir \"\"", "RootDir \"/target\""));
        assert_eq!(rooted.path("Dir::Etc::sourcelist"), Some("/target/etc/apt/sources.list".into()));
    }

    #[test]
    fn proxies_by_host() {
        let conf = AptConf::parse(DUMP);
        assert_eq!(conf.proxy(false, "example.org"), Some("http://proxy.example.org:3128/?a=b"));
        assert_eq!(conf.proxy(true, "example.org"), Some("http://proxy.example.org:3128/?a=b"));
        assert_eq!(conf.proxy(true, "own.example.org"), Some("DIRECT"));
        assert_eq!(AptConf::default().proxy(true, "example.org"), None);
    }

    #[test]
    fn credentials_go_where_they_are_meant_to() {
        let mut credentials = Credentials::default();
        credentials.add("# all\nmachine example.org/private login me password p@ss\nmachine http://plain.example.org login a password b\n");
        let apply = |address| credentials.apply(address);
        assert_eq!(apply("https://example.org/private/debian"), "https://me:p%40ss@example.org/private/debian");
        assert_eq!(apply("https://example.org:8443/private/"), "https://me:p%40ss@example.org:8443/private/");
        for address in
            ["https://example.org/privateer", "http://example.org/private", "https://x@example.org/private", "/a"]
        {
            assert_eq!(apply(address), address);
        }
        assert_eq!(apply("http://plain.example.org/x"), "http://a:b@plain.example.org/x");
    }
}
