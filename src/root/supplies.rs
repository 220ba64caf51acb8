//! What the packages bring that the root files lean on: a shell, `env`, certificates, time zones, locales.

use std::io;

use crate::image::ImagePath;
use crate::nix::StorePath;

use super::base::accounts::BaseAccounts;
use super::certificates;
use super::debian::base::DebianBase;
use super::view::{Kind, ReadContent, View};

/// Where the system environment stands, whatever its hash.
pub const SYSTEM_PROFILE: &str = "/etc/profiles/system";

/// Where packages put certificates that everybody trusts; the first one found is taken.
const CERTIFICATES: [&str; 4] = [
    "etc/ssl/certs/ca-bundle.crt",
    "etc/ssl/certs/ca-certificates.crt",
    "etc/pki/tls/certs/ca-bundle.crt",
    "etc/ssl/cert.pem",
];

/// Programs that are a POSIX shell when they are called `sh`, best first.
const SHELLS: [&str; 4] = ["sh", "dash", "bash", "busybox"];

/// Shells that people log in with.
pub(super) const LOGIN_SHELLS: [&str; 7] = ["bash", "dash", "fish", "nu", "sh", "xonsh", "zsh"];

/// Where ca-certificates puts the bundle, where Debian packages are.
pub(super) const DEBIAN_CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Where tzdata has its time zones, where Debian packages are.
pub(super) const DEBIAN_ZONEINFO: &str = "/usr/share/zoneinfo";

/// Absolute paths; `None` where no package has such a thing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Supplies {
    /// What `/bin/sh` links to.
    pub sh: Option<String>,
    /// What `/usr/bin/env` links to.
    pub env: Option<String>,
    /// Names of login shells in the system environment, sorted.
    pub login_shells: Vec<String>,
    /// The bundle of certificates.
    pub ca_bundle: Option<String>,
    /// A bundle made of single certificates, where no package has one ([`Supplies::make_bundle`]).
    pub made_bundle: Option<Vec<u8>>,
    /// The folder of time zones.
    pub zoneinfo: Option<String>,
    /// glibc's archive of locales.
    pub locale_archive: Option<String>,
    /// What Debian packages bring beside all that; `None` where there are none. [`Supplies::find`] leaves it empty.
    pub debian: Option<DebianBase>,
    /// Everybody whom the base image knows; `None` where the image stands on none. [`super::base::supply`] fills it in.
    pub base: Option<BaseAccounts>,
}

impl Supplies {
    /// Makes a bundle of `packages`' certificates, where none of them has one.
    pub fn make_bundle(&mut self, view: View<'_>, packages: &[&StorePath], read: &ReadContent<'_>) -> io::Result<()> {
        if self.ca_bundle.is_none() {
            self.made_bundle = certificates::bundle(view, packages, read)?;
        }
        Ok(())
    }

    /// Looks in `environment` for commands, and in `packages`, the first one first, then in everything else, for data.
    ///
    /// `timezone` is what the time zones must contain to count. Where `view` has Debian packages, what stands in their
    /// places goes before what store paths have.
    #[must_use]
    pub fn find(view: View<'_>, environment: Option<&StorePath>, packages: &[&StorePath], timezone: &str) -> Self {
        let command = |name: &str| {
            let path = ImagePath::new(format!("{}/bin/{name}", environment?).as_bytes()).ok()?;
            matches!(view.resolve(&path), Some((_, Kind::File { executable: true, .. })))
                .then(|| format!("{SYSTEM_PROFILE}/bin/{name}"))
        };
        let everything: Vec<&StorePath> = packages.iter().copied().chain(view.packages.paths()).collect();
        let first_with = |inner: &str, within: &[&StorePath]| {
            within.iter().find_map(|package| {
                let path = ImagePath::from(*package).append(&ImagePath::new(inner.as_bytes()).ok()?);
                let file = matches!(view.resolve(&path), Some((_, Kind::File { .. })));
                file.then(|| format!("{package}/{inner}"))
            })
        };
        let in_usr = InUsr { view };
        let zone = format!("share/zoneinfo/{timezone}");
        let zone = ImagePath::new(zone.as_bytes()).is_ok().then(|| first_with(&zone, &everything)).flatten();
        let zoneinfo =
            || zone.and_then(|file| file.strip_suffix(timezone).map(|folder| folder.trim_end_matches('/').to_owned()));
        let programs = |names: &[&str]| {
            let ours = names.iter().find_map(|name| in_usr.command(name));
            ours.or_else(|| names.iter().find_map(|name| command(name)))
        };
        Self {
            sh: programs(&SHELLS),
            env: programs(&["env", "busybox"]),
            login_shells: LOGIN_SHELLS.iter().filter(|name| command(name).is_some()).map(ToString::to_string).collect(),
            ca_bundle: in_usr
                .file(DEBIAN_CERTIFICATES)
                .or_else(|| CERTIFICATES.iter().find_map(|inner| first_with(inner, packages))),
            made_bundle: None,
            zoneinfo: in_usr
                .file(&format!("{DEBIAN_ZONEINFO}/{timezone}"))
                .map(|_| DEBIAN_ZONEINFO.to_owned())
                .or_else(zoneinfo),
            locale_archive: in_usr
                .file("/usr/lib/locale/locale-archive")
                .or_else(|| first_with("lib/locale/locale-archive", &everything)),
            debian: None,
            base: None,
        }
    }
}

/// What Debian packages have in their places.
struct InUsr<'a> {
    view: View<'a>,
}

impl InUsr<'_> {
    /// `path`, where a file is there.
    fn file(&self, path: &str) -> Option<String> {
        matches!(self.kind(path)?, Kind::File { .. }).then(|| path.to_owned())
    }

    /// The path of a command.
    fn command(&self, name: &str) -> Option<String> {
        let path = format!("/usr/bin/{name}");
        matches!(self.kind(&path)?, Kind::File { executable: true, .. }).then_some(path)
    }

    fn kind(&self, path: &str) -> Option<Kind<'_>> {
        let path = ImagePath::new(path.as_bytes()).ok().filter(|_| !self.view.merged.is_empty())?;
        self.view.resolve(&path).map(|(_, kind)| kind)
    }
}
