//! Root files: what every machine has in `/etc`, its top folders, and the links that programs expect.
//!
//! Whatever the user declares at one of these paths wins ([`overlay`](overlay::overlay)).

pub mod accounts;
pub mod overlay;
pub mod owners;
mod text;
mod variables;

use std::collections::BTreeMap;

use crate::config::{Diagnostic, Machine, Severity};
use crate::image::tree::{Metadata, Node, Tree};
use crate::image::{ImagePath, ParseImagePathError};
use crate::nix::StorePath;

use super::supplies::{DEBIAN_CERTIFICATES, DEBIAN_ZONEINFO, SYSTEM_PROFILE, Supplies};
use accounts::Accounts;
use owners::unknown_names;
pub use variables::environment_variables;
pub(crate) use variables::unknown_package;

/// Where the bundle of certificates is linked to, without the leading slash.
const CERTIFICATES: &str = "etc/ssl/certs/ca-bundle.crt";

/// Debian's group that may read shadow.
const SHADOW: u32 = 42;

/// Folders that are there, empty, in every machine.
const FOLDERS: [(&str, u32); 14] = [
    ("dev", 0o755),
    ("etc/profile.d", 0o755),
    ("home", 0o755),
    ("proc", 0o555),
    ("root", 0o700),
    ("run", 0o755),
    ("sys", 0o555),
    ("tmp", 0o1777),
    ("usr", 0o755),
    ("var/cache", 0o755),
    ("var/empty", 0o555),
    ("var/lib", 0o755),
    ("var/log", 0o755),
    ("var/tmp", 0o1777),
];

/// The root files as a unit of their own.
#[derive(Debug, Clone)]
pub struct RootFiles {
    /// From the image's root, folders that it shares with other units included.
    pub tree: Tree,
    /// What the machine asks for and no package brings.
    pub diagnostics: Vec<Diagnostic>,
}

/// The root files of `machine`, whose system environment is `environment`; `variables` are those of the image.
#[must_use]
pub fn root_files(
    machine: &Machine,
    environment: Option<&StorePath>,
    supplies: &Supplies,
    variables: &BTreeMap<String, String>,
) -> RootFiles {
    let accounts = Accounts::of(machine, supplies);
    let mut builder = Builder::default();
    for (path, mode) in FOLDERS {
        builder.folder(path, Metadata::root(mode));
    }
    builder.folder(&machine.persist.volume, Metadata::root(0o755));
    for account in accounts.users.iter().filter(|account| accounts.homes.contains(&account.name)) {
        builder.folder(&account.home, Metadata { mode: 0o700, uid: account.uid, gid: account.gid });
    }
    builder.file("etc/passwd", 0o644, &accounts.passwd());
    builder.file("etc/group", 0o644, &accounts.group());
    // Debian's checkers of passwords read these as the group `shadow`.
    let secret = match supplies.debian {
        Some(_) => Metadata { mode: 0o640, uid: 0, gid: SHADOW },
        None => Metadata::root(0o600),
    };
    builder.put("etc/shadow", secret, Node::File(accounts.shadow().into_bytes()));
    builder.put("etc/gshadow", secret, Node::File(accounts.gshadow().into_bytes()));
    builder.file("etc/shells", 0o644, &text::shells(&accounts, supplies));
    builder.file("etc/nsswitch.conf", 0o644, text::NSSWITCH);
    builder.file("etc/hosts", 0o644, text::HOSTS);
    builder.file("etc/resolv.conf", 0o644, "");
    builder.file("etc/hostname", 0o644, &format!("{}\n", machine.hostname));
    builder.file("etc/machine-id", 0o444, "");
    builder.file("etc/os-release", 0o644, &text::os_release(machine, supplies.debian.as_ref()));
    if let Some((path, text)) = supplies.debian.as_ref().and_then(|base| text::release(&base.origin)) {
        builder.file(path, 0o644, &text);
    }
    builder.file("etc/profile", 0o644, &text::profile(variables));
    builder.file("etc/locale.conf", 0o644, &format!("LANG={}\n", machine.locale));
    builder.file("etc/timezone", 0o644, &format!("{}\n", machine.timezone));
    if supplies.debian.is_some() {
        // Sessions that PAM opens read the locale there.
        builder.file("etc/default/locale", 0o644, &format!("LANG={}\n", machine.locale));
    }
    if let Some(environment) = environment {
        builder.link(SYSTEM_PROFILE, &environment.to_string());
    }
    builder.link("var/run", "/run");
    builder.supplies(machine, supplies);
    builder.diagnostics.extend(unknown_names(machine, &accounts));
    match &supplies.base {
        // Which locales it has is its own affair.
        Some(base) => builder.diagnostics.extend(base.clashes(machine)),
        None => builder.diagnostics.extend(missing_locale(machine, supplies)),
    }
    RootFiles { tree: builder.tree, diagnostics: builder.diagnostics }
}

#[derive(Default)]
struct Builder {
    tree: Tree,
    diagnostics: Vec<Diagnostic>,
}

impl Builder {
    fn put(&mut self, path: &str, metadata: Metadata, node: Node) {
        match ImagePath::new(path.as_bytes()) {
            Ok(path) => {
                for parent in std::iter::successors(path.parent(), ImagePath::parent).filter(|parent| !parent.is_root())
                {
                    self.tree.entry(parent).or_insert((Metadata::root(0o755), Node::Directory));
                }
                self.tree.insert(path, (metadata, node));
            }
            Err(error) => self.diagnostics.push(impossible_path(&error)),
        }
    }

    fn folder(&mut self, path: &str, metadata: Metadata) {
        self.put(path, metadata, Node::Directory);
    }

    fn file(&mut self, path: &str, mode: u32, content: &str) {
        self.put(path, Metadata::root(mode), Node::File(content.as_bytes().to_vec()));
    }

    fn link(&mut self, path: &str, target: &str) {
        self.put(path, Metadata::root(0o777), Node::Symlink(target.as_bytes().to_vec()));
    }

    /// Links to what the packages bring.
    fn supplies(&mut self, machine: &Machine, supplies: &Supplies) {
        // What stands in its place already needs no link.
        if let Some(sh) = supplies.sh.as_ref().filter(|sh| *sh != "/usr/bin/sh") {
            self.link("bin/sh", sh);
        }
        if let Some(env) = supplies.env.as_ref().filter(|env| *env != "/usr/bin/env") {
            self.link("usr/bin/env", env);
        }
        if let Some(bundle) = &supplies.ca_bundle {
            self.link(CERTIFICATES, bundle);
            if bundle != DEBIAN_CERTIFICATES {
                self.link(DEBIAN_CERTIFICATES, bundle);
            }
        } else if let Some(bundle) = &supplies.made_bundle {
            self.put(CERTIFICATES, Metadata::root(0o644), Node::File(bundle.clone()));
            self.link(DEBIAN_CERTIFICATES, "ca-bundle.crt");
        }
        let timezone = &machine.timezone;
        match &supplies.zoneinfo {
            Some(zoneinfo) => {
                if zoneinfo != DEBIAN_ZONEINFO {
                    self.link("etc/zoneinfo", zoneinfo);
                }
                self.link("etc/localtime", &format!("{zoneinfo}/{timezone}"));
            }
            None if matches!(timezone.as_str(), "UTC" | "Etc/UTC") => {
                self.put("etc/localtime", Metadata::root(0o644), Node::File(text::utc()));
            }
            None => self.diagnostics.push(Diagnostic {
                severity: Severity::Error,
                message: format!("no package has the time zone `{timezone}` (share/zoneinfo/{timezone})"),
                place: None,
                label: String::new(),
                help: Some("add \"tzdata\" to `packages`, or correct `timezone` below `[machine]`".to_owned()),
            }),
        }
    }
}

fn impossible_path(error: &ParseImagePathError) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        message: error.to_string(),
        place: None,
        label: String::new(),
        help: Some("write an absolute path without `.`, `..` and empty parts".to_owned()),
    }
}

/// glibc has these few built in; for all others it needs the archive or, in Debian, a folder.
fn missing_locale(machine: &Machine, supplies: &Supplies) -> Option<Diagnostic> {
    let is_utf8 = matches!(machine.locale.as_str(), "C.UTF-8" | "C.utf8");
    let has_folder = supplies.debian.as_ref().is_some_and(|base| base.has_locale);
    // Debian has the locale C.UTF-8 as data of a package.
    let (place, package, other) = match supplies.debian {
        Some(_) if is_utf8 => ("usr/lib/locale", "libc-bin", "C"),
        Some(_) => ("usr/lib/locale", "locales-all", "C.UTF-8"),
        None => ("lib/locale/locale-archive", "glibcLocales", "C.UTF-8"),
    };
    let built_in = matches!(machine.locale.as_str(), "C" | "POSIX") || (is_utf8 && supplies.debian.is_none());
    (!built_in && !has_folder && supplies.locale_archive.is_none()).then(|| {
        let message = format!("no package has the locale `{}` ({place})", machine.locale);
        Diagnostic::warning(message, None).help(format!("add \"{package}\" to `packages`, or take \"{other}\""))
    })
}

#[cfg(test)]
mod tests;
