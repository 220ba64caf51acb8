use std::collections::BTreeSet;
use std::fs;
use std::sync::Mutex;

use super::super::host_sites::HostSites;
use super::super::release::{Loader, Verified};
use super::super::sites::Sites;
use super::super::suites;
use super::super::test_archive::{TestArchive, armored, fields, http, key, now};
use super::*;
use crate::channel::test_support::machine;
use crate::config::{DebianArchive, Mirror};
use crate::progress::Progress;

/// Keeps what it is told.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Progress for Told {
    fn begin(&self, _stage: &str, _total: Option<u64>) {}
    fn advance(&self, _bytes: u64) {}

    fn note(&self, message: &str) {
        self.0.lock().unwrap().push(message.to_owned());
    }

    fn warn(&self, message: &str) {
        self.note(message);
    }
}

/// apt's configuration in a folder.
struct Apt(tempfile::TempDir);

impl Apt {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn host(&self, more: &str) -> Host {
        let text = format!(
            "Dir \"{}\";\nDir::Etc \"apt\";\nDir::Etc::sourcelist \"sources.list\";\nDir::Etc::sourceparts \"sources.list.d\";\n\
             Dir::Etc::trusted \"trusted.gpg\";\nDir::Etc::trustedparts \"trusted.gpg.d\";\nDir::Etc::netrc \"auth.conf\";\n{more}",
            self.0.path().display()
        );
        Host::new(AptConf::parse(&text), &http()).unwrap()
    }

    /// `suite at place` of each suite that is chosen, and what was told.
    fn chosen(&self, wanted: &[&str], more: &str) -> Result<(Vec<String>, Vec<String>), ArchiveError> {
        let archive = DebianArchive {
            suites: wanted.iter().map(|&suite| suite.to_owned()).collect(),
            components: vec!["main".to_owned()],
            mirror: Mirror::Host,
            keyring: None,
            recommends: false,
        };
        let (host, machine, told) = (self.host(more), machine(&[]), Told::default());
        let all = HostSites::new("debian", &archive, &machine, &host, None)?.sites(&told)?;
        let sites = Sites { archive, all, of_host: true };
        let loader = Loader { state: &self.0.path().join("state"), now: now(), progress: &told };
        let shown = |verified: &Verified<'_>| format!("{} at {}", verified.site.suite, verified.site.place);
        let chosen = suites::choose("debian", &sites, &loader)?.iter().map(shown).collect();
        Ok((chosen, told.0.into_inner().unwrap()))
    }
}

/// An archive with these suites, all of them empty.
fn archive(suites: &[&str]) -> TestArchive {
    let archive = TestArchive::new();
    for suite in suites {
        archive.suite(suite, &fields(suite), "", "");
    }
    archive
}

#[test]
fn a_suite_with_its_updates_and_no_private_ones() {
    let debian = archive(&["bookworm", "bookworm-updates", "bookworm-backports"]);
    let security = archive(&["bookworm-security"]);
    let private = TestArchive::new();
    private.suite("bookworm", &fields("bookworm").replace("Origin: Debian", "Origin: Example"), "", "");
    private.suite("bookworm-own", &fields("bookworm-own").replace("Origin: Debian", "Origin: Example"), "", "");
    let key = debian.path("key.asc").display().to_string();
    let lists = [
        ("apt/sources.list", format!("deb [signed-by={key}] file:{} bookworm main\n", private.text())),
        (
            "apt/sources.list.d/debian.sources",
            format!(
                "Types: deb deb-src\nURIs: file://{}\nSuites: bookworm bookworm-updates bookworm-backports\nComponents: main\n\
                 Signed-By: {key}\n\nTypes: deb\nURIs: copy:{}\nSuites: bookworm-security\nComponents: main\nSigned-By: {key}\n",
                debian.text(),
                security.text()
            ),
        ),
        ("apt/sources.list.d/own.list", format!("deb [signed-by={key}] file:{} bookworm-own main\n", private.text())),
        ("apt/sources.list.d/old.list.save", "deb nonsense\n".to_owned()),
        ("apt/sources.list.d/docker.list", "deb https://example.org/docker bookworm stable\n".to_owned()),
    ];
    let apt = Apt::new(&lists.each_ref().map(|(name, text)| (*name, text.as_str())));
    let (chosen, told) = apt.chosen(&["bookworm"], "").unwrap();
    let at = |suite: &str, archive: &TestArchive| format!("{suite} at {}", archive.text());
    let expected = [at("bookworm", &debian), at("bookworm-updates", &debian), at("bookworm-security", &security)];
    assert_eq!(chosen, expected);
    assert_eq!(told, [format!("bookworm at {} is left out (of Example)", private.text())]);
    let (chosen, _) = apt.chosen(&["bookworm", "bookworm-own"], "").unwrap();
    assert_eq!(chosen.last(), Some(&at("bookworm-own", &private)));
    let fault = |suite: &str| apt.chosen(&[suite], "").unwrap_err().to_string();
    let unlisted = fault("trixie-updates");
    assert!(
        unlisted.contains("no archive of the suite `trixie-updates`") && unlisted.contains("bookworm-own"),
        "{unlisted}"
    );
    let asked = fault("trixie");
    assert!(asked.contains("the suite `trixie` is not at") && asked.contains(&debian.text()), "{asked}");
}

#[test]
fn suites_by_names_that_wander() {
    let debian = TestArchive::new();
    for (path, name) in [("stable", "bookworm"), ("stable-updates", "bookworm-updates"), ("testing", "trixie")] {
        debian.suite(path, &fields(name), "", "");
    }
    let key = debian.path("key.asc").display().to_string();
    let list = format!(
        "deb [signed-by={key}] file:{0} stable main\ndeb [signed-by={key}] file:{0} stable-updates main\ndeb [signed-by={key}] file:{0} testing main\n",
        debian.text()
    );
    let apt = Apt::new(&[("apt/sources.list", &list)]);
    let (chosen, _) = apt.chosen(&["bookworm"], "").unwrap();
    assert_eq!(chosen, ["bookworm", "bookworm-updates"].map(|suite| format!("{suite} at {}", debian.text())));
    let (chosen, _) = apt.chosen(&["trixie"], "").unwrap();
    assert_eq!(chosen, [format!("trixie at {}", debian.text())]);
    assert!(matches!(apt.chosen(&["sid"], "").unwrap_err(), ArchiveError::NoSuite { .. }));
}

#[test]
fn keys_that_apt_trusts() {
    let debian = archive(&["bookworm"]);
    let own = format!("deb file:{} bookworm main\n", debian.text());
    let (good, other) = (armored(&debian.key), armored(&key(2, true)));
    let chosen = |files: &[(&str, &str)]| Apt::new(files).chosen(&["bookworm"], "");
    let trusted = ("apt/trusted.gpg.d/archive.asc", good.as_str());
    chosen(&[("apt/sources.list", &own), trusted]).unwrap();
    assert!(matches!(chosen(&[("apt/sources.list", &own)]).unwrap_err(), ArchiveError::NoKeyring { .. }));
    let fault = chosen(&[("apt/sources.list", &own), ("apt/trusted.gpg", &other)]).unwrap_err();
    assert!(matches!(&fault, ArchiveError::Signature { .. }), "{fault}");
    // An embedded key, and fingerprints.
    let escaped: String = good.lines().flat_map(|line| [" ", if line.is_empty() { "." } else { line }, "\n"]).collect();
    let paragraph = format!("Types: deb\nURIs: file:{}\nSuites: bookworm\nComponents: main\n", debian.text());
    chosen(&[("apt/sources.list.d/a.sources", &format!("{paragraph}Signed-By:\n{escaped}"))]).unwrap();
    let print = super::super::keyring::fingerprint(&debian.key.to_public_key());
    chosen(&[("apt/sources.list.d/a.sources", &format!("{paragraph}Signed-By: {print}\n")), trusted]).unwrap();
    let wrong = format!("{paragraph}Signed-By: {}\n", "A".repeat(40));
    assert!(chosen(&[("apt/sources.list.d/a.sources", &wrong), trusted]).is_err());
}

#[test]
fn dates_that_apt_does_not_mind() {
    let debian = TestArchive::new();
    let old = format!("{}Valid-Until: Sun, 18 May 2025 00:00:00 UTC\n", fields("bookworm"));
    debian.suite("bookworm", &old, "", "");
    let list = |options: &str| {
        let key = debian.path("key.asc").display().to_string();
        Apt::new(&[(
            "apt/sources.list",
            &format!("deb [signed-by={key} {options}] file:{} bookworm main\n", debian.text()),
        )])
    };
    assert!(matches!(list("").chosen(&["bookworm"], "").unwrap_err(), ArchiveError::Expired { .. }));
    let (_, told) = list("").chosen(&["bookworm"], "Acquire::Check-Valid-Until \"false\";\n").unwrap();
    assert!(told[0].starts_with("bookworm has expired (2025-05-18T00:00:00Z)"), "{told:?}");
    list("check-valid-until=no").chosen(&["bookworm"], "").unwrap();
    let off = "Acquire::Check-Valid-Until \"false\";\n";
    assert!(list("check-valid-until=yes").chosen(&["bookworm"], off).is_err());
}

#[test]
fn what_is_not_signed_or_not_spoken() {
    let debian = archive(&["bookworm"]);
    let text = fs::read_to_string(debian.path("dists/bookworm/InRelease")).unwrap();
    fs::remove_file(debian.path("dists/bookworm/InRelease")).unwrap();
    debian.write("dists/bookworm/Release", text.as_bytes());
    let (key, text) = (armored(&debian.key), debian.text());
    let chosen = |list: &str| {
        let apt = Apt::new(&[("apt/sources.list", list), ("apt/trusted.gpg.d/a.asc", &key)]);
        apt.chosen(&["bookworm"], "").unwrap_err()
    };
    let fault = chosen(&format!("deb [trusted=yes] file:{text} bookworm main\n"));
    assert!(matches!(&fault, ArchiveError::Unsigned { trusted: true, .. }), "{fault}");
    let fault = chosen("deb cdrom:[Debian 12]/ bookworm main\ndeb tor+http://me:pw@example.onion/ bookworm main\n");
    assert!(matches!(&fault, ArchiveError::Schemes { places, .. } if places.len() == 2), "{fault}");
    assert!(!fault.to_string().contains("pw"), "{fault}");
    let fault = chosen("deb\n");
    assert!(matches!(&fault, ArchiveError::AptList { .. }), "{fault}");
}

#[test]
fn proxies_and_credentials_of_apts() {
    let apt = Apt::new(&[("apt/auth.conf", "machine example.org/private login me password secret\n")]);
    let host = apt.host("Acquire::http::Proxy \"http://proxy.example.org:3128\";\nAcquire::https::Proxy::direct.example.org \"DIRECT\";\n");
    let url = |text: &str| text.parse::<Url>().unwrap();
    let through = host.client(&url("http://example.org/"));
    assert!(!Arc::ptr_eq(&through, &host.http));
    assert!(Arc::ptr_eq(&through, &host.client(&url("https://other.example.org/"))));
    assert!(!Arc::ptr_eq(&through, &host.client(&url("https://direct.example.org/"))));
    let plain = Apt::new(&[]).host("");
    assert!(Arc::ptr_eq(&plain.http, &plain.client(&url("http://example.org/"))));
    let shown: BTreeSet<String> = ["https://example.org/private/debian", "https://example.org/debian"]
        .into_iter()
        .map(|uri| host.place("debian", uri).unwrap().unwrap().to_string())
        .collect();
    assert!(shown.iter().all(|place| !place.contains("secret")), "{shown:?}");
}
