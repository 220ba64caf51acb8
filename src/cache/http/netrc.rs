//! Credentials by host, from a netrc file.

use std::fmt;
use std::path::{Path, PathBuf};

use super::url::Url;

/// What a netrc file says. Its `Debug` shows hosts only.
#[derive(Clone, Default)]
pub struct Netrc {
    entries: Vec<Entry>,
}

#[derive(Clone)]
struct Entry {
    /// `None`: the `default` entry.
    host: Option<String>,
    login: String,
    password: String,
}

impl Netrc {
    /// The file that `$NETRC` names, else `~/.netrc`, else `~/_netrc`. A missing or unreadable file has no entries.
    #[must_use]
    pub fn from_environment() -> Self {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let places = match std::env::var_os("NETRC") {
            Some(path) => vec![PathBuf::from(path)],
            None => home.iter().flat_map(|home| [home.join(".netrc"), home.join("_netrc")]).collect(),
        };
        places.iter().find_map(|path| Self::read(path)).unwrap_or_default()
    }

    fn read(path: &Path) -> Option<Self> {
        match std::fs::read_to_string(path) {
            Ok(text) => Some(Self::parse(&text)),
            Err(fault) => {
                if fault.kind() != std::io::ErrorKind::NotFound {
                    tracing::warn!("cannot read {}: {fault}", path.display());
                }
                None
            }
        }
    }

    /// Parses a netrc file; what it doesn't know it skips, as other readers do.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        let mut words = words(text).into_iter();
        while let Some(word) = words.next() {
            match (word.as_str(), entries.last_mut()) {
                ("machine", _) => entries.push(Entry::new(words.next().map(|host| host.to_ascii_lowercase()))),
                ("default", _) => entries.push(Entry::new(None)),
                ("login", Some(entry)) => entry.login = words.next().unwrap_or_default(),
                ("password", Some(entry)) => entry.password = words.next().unwrap_or_default(),
                ("account", Some(_)) => drop(words.next()),
                _ => {}
            }
        }
        Self { entries }
    }

    /// Login and password for `url`, which `from` led to. An entry `machine HOST:PORT` is for that port alone; one for the host is for the
    /// port that the user asked for, and the default entry for no host but that of `from`.
    pub(super) fn lookup_from(&self, url: &Url, from: &Url) -> Option<(&str, &str)> {
        let exact = format!("{}:{}", url.host(), url.port());
        let named = |name: &str| self.entries.iter().find(|entry| entry.host.as_deref() == Some(name));
        if let Some(entry) = named(&exact) {
            return Some((&entry.login, &entry.password));
        }
        if url.same_origin(from) {
            return self.lookup(url.host());
        }
        let entry = named(url.host()).filter(|_| url.host() != from.host())?;
        Some((&entry.login, &entry.password))
    }

    /// Login and password for `host`: its own entry, else the default one.
    #[must_use]
    pub fn lookup(&self, host: &str) -> Option<(&str, &str)> {
        let own = self.entries.iter().find(|entry| entry.host.as_deref() == Some(host));
        let entry = own.or_else(|| self.entries.iter().find(|entry| entry.host.is_none()))?;
        Some((&entry.login, &entry.password))
    }
}

impl Entry {
    fn new(host: Option<String>) -> Self {
        Self { host, login: String::new(), password: String::new() }
    }
}

impl fmt::Debug for Netrc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_list()
            .entries(self.entries.iter().map(|entry| entry.host.as_deref().unwrap_or("default")))
            .finish()
    }
}

/// Words of the file: comments and macro definitions left out, quotes and backslashes resolved.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut in_macro = false;
    for line in text.lines() {
        in_macro &= !line.trim().is_empty();
        if in_macro || line.trim_start().starts_with('#') {
            continue;
        }
        let line_words = split_words(line);
        in_macro = line_words.iter().any(|word| word == "macdef");
        words.extend(line_words.into_iter().take_while(|word| word != "macdef"));
    }
    words
}

fn split_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut characters = line.chars().peekable();
    loop {
        while characters.next_if(|character| character.is_whitespace()).is_some() {}
        let Some(&first) = characters.peek() else { return words };
        let quoted = first == '"' && characters.next().is_some();
        let mut word = String::new();
        while let Some(character) = characters.next() {
            match character {
                '"' if quoted => break,
                '\\' => word.extend(characters.next()),
                _ if !quoted && character.is_whitespace() => break,
                _ => word.push(character),
            }
        }
        words.push(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# a comment\nmachine cache.example.org login alice password \"p w\\\"d\"\n\
        machine other.org\n  login bob\n  password x#y\nmacdef init\n machine evil.org login x password y\n\n\
        default login anonymous password guest\n";

    #[test]
    fn finds_a_host_and_the_default() {
        let netrc = Netrc::parse(TEXT);
        assert_eq!(netrc.lookup("cache.example.org"), Some(("alice", "p w\"d")));
        assert_eq!(netrc.lookup("other.org"), Some(("bob", "x#y")));
        assert_eq!(netrc.lookup("evil.org"), Some(("anonymous", "guest")));
        assert_eq!(Netrc::parse("machine a login b password c").lookup("b"), None);
    }

    #[test]
    fn a_host_does_not_see_what_is_for_another_of_its_ports() {
        let netrc = Netrc::parse(
            "machine a.org:81 login x password y\nmachine a.org login b password c\ndefault login d password e",
        );
        let ask = |url: &str, from: &str| {
            let [url, from] = [url, from].map(|text| text.parse::<Url>().expect("an address"));
            netrc.lookup_from(&url, &from).map(|(login, _)| login)
        };
        assert_eq!(ask("http://a.org/", "http://a.org/"), Some("b"));
        assert_eq!(ask("http://a.org:82/", "http://a.org:82/"), Some("b"));
        assert_eq!(ask("http://a.org:81/", "http://z.org/"), Some("x"));
        assert_eq!(ask("http://a.org:82/", "http://a.org/"), None, "another port");
        assert_eq!(ask("http://a.org/", "http://z.org/"), Some("b"), "its own");
        assert_eq!((ask("http://q.org/", "http://q.org/"), ask("http://q.org/", "http://z.org/")), (Some("d"), None));
    }

    #[test]
    fn shows_hosts_only() {
        let shown = format!("{:?}", Netrc::parse(TEXT));
        assert!(shown.contains("other.org") && !shown.contains("x#y") && !shown.contains("bob"), "{shown}");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "(machine|login|password|default|macdef|account|#|\\\\|\"|[a-z ]|\n){0,40}") {
            let _ = Netrc::parse(&text).lookup("host");
        }
    }
}
