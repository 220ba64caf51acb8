//! Which requests matter, and what identifies them in the lock.

use crate::config::{Machine, Names, Outputs, Place, Request, RequestKind, System};
use crate::deb::PackageName;
use crate::nix::StorePath;

use super::lock::{Lock, LockedRequest};
use super::name::Attribute;

/// Packages that bring `/etc/ssl/certs/ca-bundle.crt`, in the order of preference: nixpkgs' names and Debian's.
const BUNDLES: [&str; 3] = ["cacert", "ca-certificates", "nss-cacert"];

/// A request that matters, for one system.
#[derive(Debug, Clone)]
pub(super) struct Wanted<'machine> {
    /// Identifies it in the lock, together with the system.
    pub(super) key: String,
    pub(super) ask: Ask<'machine>,
    pub(super) place: Option<&'machine Place>,
}

/// What it asks.
#[derive(Debug, Clone)]
pub(super) enum Ask<'machine> {
    Name {
        channel: &'machine str,
        attribute: Attribute,
        version: Option<&'machine str>,
        outputs: &'machine Outputs,
    },
    /// A name of nixpkgs.
    Release {
        channel: &'machine str,
        attribute: Attribute,
        version: Option<&'machine str>,
        outputs: &'machine Outputs,
    },
    /// A Debian package.
    Deb {
        channel: &'machine str,
        name: PackageName,
        version: Option<&'machine str>,
    },
    StorePath(&'machine StorePath),
    /// Hashed at build: the lock only records that it was asked.
    Local(&'machine str),
    /// The default package with certificate authorities, where the channel has one.
    Bundle {
        channel: &'machine str,
    },
}

impl Wanted<'_> {
    /// The channel that answers.
    pub(super) fn channel(&self) -> Option<&str> {
        match &self.ask {
            Ask::Name { channel, .. }
            | Ask::Release { channel, .. }
            | Ask::Deb { channel, .. }
            | Ask::Bundle { channel } => Some(channel),
            Ask::StorePath(_) | Ask::Local(_) => None,
        }
    }

    /// Whether `answer` can be one to this request.
    pub(super) fn is_answered_by(&self, answer: &LockedRequest) -> bool {
        match &self.ask {
            Ask::Name { .. } | Ask::Release { .. } => !answer.outputs.is_empty(),
            Ask::Deb { .. } => answer.deb.is_some(),
            Ask::StorePath(path) => answer.outputs.iter().map(|(_, output)| output).eq([*path]),
            Ask::Local(_) => answer.outputs.is_empty() && answer.deb.is_none(),
            Ask::Bundle { .. } => true,
        }
    }

    /// Whether a user means this one by `name`: what identifies it, or the attribute in it.
    pub(super) fn is_called(&self, name: &str) -> bool {
        let attribute = match &self.ask {
            Ask::Name { attribute, .. } | Ask::Release { attribute, .. } => Some(attribute.to_string()),
            Ask::Deb { name, .. } => Some(name.to_string()),
            _ => None,
        };
        self.key == name || attribute.is_some_and(|attribute| attribute == name)
    }

    /// Attributes that answer a [`Ask::Bundle`], in the order of preference.
    pub(super) fn bundles() -> impl Iterator<Item = &'static str> {
        BUNDLES.into_iter()
    }
}

/// What identifies `request` in the lock: its text, normalised. A name from the default channel does not name the channel.
#[must_use]
pub fn request_key(request: &Request, default_channel: Option<&str>) -> String {
    match &request.kind {
        RequestKind::Name { channel, attribute, version, outputs } => {
            let channel = channel.as_deref().filter(|channel| Some(*channel) != default_channel);
            let channel = channel.map(|channel| format!("{channel}#")).unwrap_or_default();
            let version = version.as_ref().map(|version| format!("@{version}")).unwrap_or_default();
            let outputs = match outputs {
                Outputs::Default => String::new(),
                Outputs::All => "^*".to_owned(),
                Outputs::Named(names) => format!("^{}", names.join(",")),
            };
            format!("{channel}{}{version}{outputs}", Attribute::parse(attribute))
        }
        RequestKind::StorePath(path) => path.to_string(),
        RequestKind::Local(path) => path.clone(),
    }
}

/// The channel, where one is named, and the attribute of what [`request_key`] made.
#[cfg(feature = "build")]
pub(super) fn request_parts(key: &str) -> (Option<&str>, &str) {
    let (channel, rest) = key.split_once('#').map_or((None, key), |(channel, rest)| (Some(channel), rest));
    (channel, rest.split(['@', '^']).next().unwrap_or(rest))
}

/// The requests that matter for `system`: the system's packages, those of homes, and the default ones.
pub(super) fn wanted<'machine>(
    machine: &'machine Machine,
    of_homes: &'machine [Request],
    system: System,
    lock: &Lock,
) -> Vec<Wanted<'machine>> {
    let mut all: Vec<_> = machine.packages.iter().chain(of_homes).map(|request| asked(request, machine)).collect();
    all.extend(bundle(machine, system, lock, &all));
    all.sort_by(|one, other| one.key.cmp(&other.key));
    all.dedup_by(|later, earlier| later.key == earlier.key);
    all
}

pub(super) fn asked<'machine>(request: &'machine Request, machine: &'machine Machine) -> Wanted<'machine> {
    let default = machine.default_channel.as_deref();
    let ask = match &request.kind {
        RequestKind::Name { channel, attribute, version, outputs } => {
            let (channel, version) = (channel.as_deref().or(default).unwrap_or_default(), version.as_deref());
            let names = machine.channels.get(channel).map(|channel| &channel.names);
            match attribute.parse() {
                Ok(name) if matches!(names, Some(Names::Debian(_))) => Ask::Deb { channel, name, version },
                _ if cfg!(feature = "build") && matches!(names, Some(Names::NixosRelease { .. })) => {
                    Ask::Release { channel, attribute: Attribute::parse(attribute), version, outputs }
                }
                _ => Ask::Name { channel, attribute: Attribute::parse(attribute), version, outputs },
            }
        }
        RequestKind::StorePath(path) => Ask::StorePath(path),
        RequestKind::Local(path) => Ask::Local(path),
    };
    Wanted { key: request_key(request, default), ask, place: request.place.as_ref() }
}

/// The default package with certificate authorities: from the default channel, unless the files ask for one.
///
/// It goes by the name under which the lock has it.
fn bundle<'machine>(
    machine: &'machine Machine,
    system: System,
    lock: &Lock,
    asked: &[Wanted<'_>],
) -> Option<Wanted<'machine>> {
    let channel = machine.default_channel.as_deref()?;
    let names = machine.channels.get(channel).map(|channel| &channel.names)?;
    let is_bundle = |wanted: &Wanted<'_>| matches!(&wanted.ask, Ask::Name { attribute, .. } | Ask::Release { attribute, .. } if BUNDLES.contains(&attribute.to_string().as_str()));
    if !matches!(names, Names::Index { .. } | Names::NixosRelease { .. }) || asked.iter().any(is_bundle) {
        return None;
    }
    let locked = |name: &&str| lock.requests.contains_key(&(system, (*name).to_owned()));
    let key = BUNDLES.into_iter().find(locked).unwrap_or(BUNDLES[0]).to_owned();
    Some(Wanted { key, ask: Ask::Bundle { channel }, place: None })
}

impl Lock {
    /// The answer to a request of the files; `default_channel` is the machine's.
    #[must_use]
    pub fn answer(&self, system: System, request: &Request, default_channel: Option<&str>) -> Option<&LockedRequest> {
        self.requests.get(&(system, request_key(request, default_channel)))
    }

    /// What `${pkgs.NAME}` stands for: the first output of the request whose attribute, or `channel#attribute`, `name` is.
    #[must_use]
    pub fn package_path(&self, machine: &Machine, system: System, name: &str) -> Option<StorePath> {
        let default = machine.default_channel.as_deref();
        let (channel, attribute) = name.split_once('#').unwrap_or((default.unwrap_or_default(), name));
        let attribute = Attribute::parse(attribute);
        let means = |request: &&Request| match asked(request, machine).ask {
            Ask::Name { channel: of, attribute: asked, .. } => of == channel && asked == attribute,
            _ => false,
        };
        // A name without a channel also finds a request from another channel, if nothing nearer has that name.
        let named = |request: &&Request| match asked(request, machine).ask {
            Ask::Name { attribute: asked, .. } | Ask::Release { attribute: asked, .. } => {
                !name.contains('#') && asked == attribute
            }
            _ => false,
        };
        let request = machine.packages.iter().find(means).or_else(|| machine.packages.iter().find(named))?;
        self.answer(system, request, default)?.outputs.first().map(|(_, path)| path.clone())
    }
}
