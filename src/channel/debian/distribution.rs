//! The archive of this machine's own distribution, as its apt has it: what `dumbc init` writes down.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::apt_conf::AptConf;
use super::error::ArchiveError;
use super::host_sites::names_of;
use super::lists::{Lists, ask_apt};
use crate::cache::http::Url;
use crate::deb::AptSource;

/// What every channel has unless it says otherwise.
const MAIN: &str = "main";

/// An archive, in the words of `[channels.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// The release's suite, then those that belong to it. The first one alone, where there are no [`places`](Self::places).
    pub suites: Vec<String>,
    /// Those that all of the suites have.
    pub components: Vec<String>,
    /// Addresses and absolute paths. None: apt alone can say where it lies, because of credentials, a proxy or a scheme of its own.
    pub places: Vec<String>,
    /// The file of keys that apt is told of, where it is one.
    pub keyring: Option<String>,
}

impl Distribution {
    /// Asks this machine's apt and `/etc/os-release`, and nothing of the network. `None`: there is no apt, or it has no archive.
    pub fn of_this_machine() -> Result<Option<Self>, ArchiveError> {
        let Ok(conf) = ask_apt() else { return Ok(None) };
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        Self::new(conf, codename(&release))
    }

    /// The archive of the release `codename`, or of the first that apt has.
    fn new(conf: AptConf, codename: Option<&str>) -> Result<Option<Self>, ArchiveError> {
        let lists = Lists::new(conf)?;
        let sources: Vec<AptSource> = lists.sources()?.into_iter().filter(is_ordinary).collect();
        let suites = suites(&sources, codename);
        let Some(first) = suites.first() else { return Ok(None) };
        let components = components(&suites);
        let main = first.sources.first();
        let written = places(&lists, &suites).and_then(|places| Some((places, keyring(main?).ok()?)));
        let distribution = match written {
            Some((places, keyring)) => {
                let suites = suites.into_iter().map(|suite| suite.name).collect();
                Self { suites, components, places, keyring }
            }
            None => Self { suites: vec![first.name.clone()], components, places: Vec::new(), keyring: None },
        };
        Ok(Some(distribution))
    }
}

/// A suite of the release.
struct Suite<'a> {
    /// As the release calls it: `bookworm-updates`.
    name: String,
    /// As apt's lists call it: `stable-updates`.
    path: String,
    sources: Vec<&'a AptSource>,
}

/// The suites of the release `codename`, or of the first release in the lists. None is without sources.
fn suites<'a>(sources: &'a [AptSource], codename: Option<&str>) -> Vec<Suite<'a>> {
    let known: BTreeSet<&str> = sources.iter().flat_map(|source| &source.suites).map(String::as_str).collect();
    let first = sources.first().and_then(|source| source.suites.first()).map(String::as_str);
    let own = codename.filter(|name| !names_of(name, &known).is_empty()).or(first);
    let names = own.map(|own| names_of(own, &known)).unwrap_or_default();
    let mut suites: Vec<Suite<'a>> = Vec::new();
    for (name, path) in names {
        let having = sources.iter().filter(|source| source.suites.contains(&path));
        // Other people's archives of the same release are signed with keys of their own.
        let main = suites.first().and_then(|suite| suite.sources.first()).copied().or_else(|| having.clone().next());
        let is_ours = |source: &&AptSource| main.is_some_and(|main| main.signed_by == source.signed_by);
        let ours: Vec<&AptSource> = having.filter(is_ours).collect();
        if !ours.is_empty() {
            suites.push(Suite { name, path, sources: ours });
        }
    }
    suites
}

/// An archive with suites and `main`, of this machine's architecture.
fn is_ordinary(source: &AptSource) -> bool {
    let own = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let fits = source.architectures.is_empty() || source.architectures.iter().any(|name| name == own);
    let plain = source.suites.iter().all(|suite| !suite.ends_with('/'));
    fits && plain && source.components.iter().any(|component| component == MAIN)
}

/// Where the suites lie, each place once; `None` where only apt gets there, or where what apt is told has no word in our files.
fn places(lists: &Lists, suites: &[Suite<'_>]) -> Option<Vec<String>> {
    let mut places = Vec::new();
    for (suite, source) in suites.iter().flat_map(|suite| suite.sources.iter().map(move |source| (suite, source))) {
        let expires = source.check_valid_until.unwrap_or_else(|| lists.checks_valid_until());
        if suite.name != suite.path || !expires {
            return None;
        }
        for uri in &source.uris {
            let place = place(lists, uri)?;
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }
    Some(places)
}

/// An address that any machine may ask, or a folder of this one.
fn place(lists: &Lists, uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once(':')?;
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => {
            let url: Url = uri.parse().ok()?;
            let secret = url.credentials().is_some() || lists.credentials.apply(uri) != uri;
            let open = !secret && lists.conf.proxy(url.is_secure(), url.host()).is_none();
            open.then(|| uri.trim_end_matches('/').to_owned())
        }
        "file" | "copy" => {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            path.starts_with('/').then(|| path.to_owned())
        }
        _ => None,
    }
}

/// Keys that no single file holds.
struct NoOneFile;

/// The file that a list names; `None` where it leaves it to apt.
fn keyring(source: &AptSource) -> Result<Option<String>, NoOneFile> {
    let Some(signed_by) = &source.signed_by else { return Ok(None) };
    match signed_by.files.as_slice() {
        [file] if signed_by.key.is_none() && signed_by.fingerprints.is_empty() && Path::new(file).is_file() => {
            Ok(Some(file.clone()))
        }
        _ => Err(NoOneFile),
    }
}

/// The components of the first suite that all others have, too.
fn components(suites: &[Suite<'_>]) -> Vec<String> {
    let has = |suite: &Suite<'_>, wanted| suite.sources.iter().any(|source| source.components.contains(wanted));
    let first = suites.iter().take(1).flat_map(|suite| &suite.sources).flat_map(|source| &source.components);
    let mut components = Vec::new();
    for component in first.filter(|component| suites.iter().all(|suite| has(suite, component))) {
        if !components.contains(component) {
            components.push(component.clone());
        }
    }
    components
}

/// `VERSION_CODENAME` of os-release.
fn codename(release: &str) -> Option<&str> {
    let value = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
    Some(value.trim_matches(['"', '\''])).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYRING: &str = "Signed-By: @/keyring.gpg\n";

    /// What is written down with this list, and these settings.
    fn of(sources: &str, settings: &str) -> Option<Distribution> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().display().to_string();
        fs::write(folder.path().join("keyring.gpg"), "keys").unwrap();
        fs::write(folder.path().join("auth.conf"), "machine secret.example.org login me password secret\n").unwrap();
        fs::create_dir(folder.path().join("parts")).unwrap();
        fs::write(folder.path().join("parts/a.sources"), sources.replace('@', &root)).unwrap();
        let conf = format!(
            "Dir::Etc \"{root}\";\nDir::Etc::sourceparts \"parts\";\nDir::Etc::netrc \"auth.conf\";\nDir \"/\";\n{settings}"
        );
        let found = Distribution::new(AptConf::parse(&conf), Some("bookworm")).unwrap();
        found.map(|found| Distribution { keyring: found.keyring.map(|keyring| keyring.replace(&root, "@")), ..found })
    }

    fn paragraph(uri: &str, suites: &str, more: &str) -> String {
        format!("Types: deb\nURIs: {uri}\nSuites: {suites}\nComponents: main contrib\n{more}\n")
    }

    fn usual() -> String {
        paragraph("https://example.org/debian/", "bookworm bookworm-updates bookworm-backports", KEYRING)
            + &paragraph("https://example.org/security", "bookworm-security", KEYRING).replace(" contrib", "")
    }

    fn of_apt_alone(sources: &str, settings: &str) {
        let found = of(sources, settings).unwrap();
        assert_eq!(
            (found.suites, found.places, found.keyring),
            (vec!["bookworm".to_owned()], vec![], None),
            "{sources}"
        );
    }

    #[test]
    fn a_release_with_what_belongs_to_it() {
        let own = paragraph("https://other.example.org/apt", "bookworm", "Signed-By: /other.gpg\n");
        let found = of(&(usual() + &own + &paragraph("https://example.org/x", "trixie", KEYRING)), "").unwrap();
        assert_eq!(found.suites, ["bookworm", "bookworm-updates", "bookworm-security"]);
        assert_eq!(found.components, ["main"]);
        assert_eq!(found.places, ["https://example.org/debian", "https://example.org/security"]);
        assert_eq!(found.keyring.as_deref(), Some("@/keyring.gpg"));
        let folder = of(&paragraph("file:/srv/debian", "bookworm", ""), "").unwrap();
        assert_eq!((folder.places, folder.keyring), (vec!["/srv/debian".to_owned()], None));
        assert_eq!(folder.components, ["main", "contrib"]);
    }

    #[test]
    fn what_can_not_be_written_down_is_left_to_apt() {
        of_apt_alone(&paragraph("https://me:secret@example.org/debian", "bookworm", ""), "");
        of_apt_alone(&paragraph("https://secret.example.org/debian", "bookworm", ""), "");
        of_apt_alone(&paragraph("mirror+file:/etc/apt/mirrors", "bookworm", ""), "");
        of_apt_alone(&paragraph("https://example.org/debian", "bookworm", "Signed-By: /a.gpg /b.gpg\n"), "");
        of_apt_alone(&paragraph("https://example.org/debian", "bookworm", "Signed-By: /missing.gpg\n"), "");
        of_apt_alone(&paragraph("https://example.org/debian", "bookworm", "Check-Valid-Until: no\n"), "");
        of_apt_alone(&paragraph("https://example.org/debian", "stable", ""), "");
        of_apt_alone(&usual(), "Acquire::http::Proxy \"http://proxy.example.org:3128\";\n");
    }

    #[test]
    fn the_first_release_where_the_own_one_is_not_known() {
        let found = of(&paragraph("https://example.org/debian", "sid", KEYRING), "").unwrap();
        assert_eq!(found.suites, ["sid"]);
        assert_eq!(of("", ""), None);
        assert_eq!(of(&paragraph("https://example.org/flat", "./", ""), ""), None);
        assert_eq!(codename("ID=debian\nVERSION_CODENAME=\"trixie\"\n"), Some("trixie"));
        assert_eq!(codename("VERSION_CODENAME=\n"), None);
    }
}
