//! Which package a request means: one of the release, or one of another revision.

use crate::config::{Diagnostic, System};

use super::super::answers::explain;
use super::super::index::LookupError;
use super::super::name::{Attribute, version_matches};
use super::super::wanted::{Ask, Wanted};
use super::{Catalog, Elsewhere, Entry, Nixos, NixosError, Release, suggestions};

/// A channel's release, open.
pub(super) struct Open {
    pub(super) release: Release,
    pub(super) catalog: Catalog,
}

/// The package that a request means.
pub(super) enum Meant {
    /// One of the release.
    Here(Box<Entry>),
    /// One of another revision of nixpkgs.
    Elsewhere {
        /// Its name without version.
        pname: String,
        /// The rest.
        found: Box<Elsewhere>,
    },
}

impl Meant {
    /// The release's package.
    pub(super) fn here(&self) -> Option<&Entry> {
        match self {
            Self::Here(entry) => Some(entry),
            Self::Elsewhere { .. } => None,
        }
    }

    /// What it is called where it is from.
    pub(super) fn attribute(&self) -> &str {
        match self {
            Self::Here(entry) => &entry.attribute,
            Self::Elsewhere { found, .. } => &found.attribute,
        }
    }
}

/// A package, none (of default packages, which a release may lack), or why there is none.
type Answer = Result<Option<Meant>, Box<Diagnostic>>;

impl Open {
    /// The package that a request means; `None`: a default one that there is not.
    pub(super) fn find(
        &self,
        nixos: &Nixos,
        channel: &str,
        system: System,
        wanted: &Wanted<'_>,
    ) -> Result<Answer, NixosError> {
        let Ask::Release { attribute, version, .. } = &wanted.ask else { return self.bundle().map(Ok) };
        let entry = match self.catalog.meant(attribute)? {
            Some(entry) if version.is_none_or(|version| version_matches(&entry.version, version)) => Some(entry),
            Some(_) => self.catalog.of_version(attribute, version.unwrap_or_default())?,
            None => None,
        };
        if let Some(entry) = entry {
            let hindered = hindered(&entry, system);
            return Ok(hindered.map_or(Ok(Some(Meant::Here(Box::new(entry)))), |finding| Err(Box::new(finding))));
        }
        if let Some(version) = version
            && let Some(meant) = self.elsewhere(nixos, attribute, version, system)?
        {
            return Ok(Ok(Some(meant)));
        }
        self.unknown(channel, attribute, *version, system).map(|finding| Err(Box::new(finding)))
    }

    /// The package with certificate authorities.
    fn bundle(&self) -> Result<Option<Meant>, NixosError> {
        for name in Wanted::bundles() {
            if let Some(entry) = self.catalog.find(&Attribute::parse(name))? {
                return Ok(Some(Meant::Here(Box::new(entry))));
            }
        }
        Ok(None)
    }

    /// A version that the release does not have.
    fn elsewhere(
        &self,
        nixos: &Nixos,
        attribute: &Attribute,
        version: &str,
        system: System,
    ) -> Result<Option<Meant>, NixosError> {
        let pname = self.catalog.meant(attribute)?.map(|entry| entry.pname);
        let name = attribute.to_string();
        let found = nixos.elsewhere(&self.release, (&name, pname.as_deref()), version, system)?;
        let pname = pname.unwrap_or(name);
        Ok(found.map(|found| Meant::Elsewhere { pname, found: Box::new(found) }))
    }

    fn unknown(
        &self,
        channel: &str,
        attribute: &Attribute,
        version: Option<&str>,
        system: System,
    ) -> Result<Diagnostic, NixosError> {
        let error = match self.catalog.meant(attribute)? {
            None => LookupError::Unknown { nearest: suggestions(&self.catalog, attribute, system)? },
            Some(entry) => {
                let family = self.catalog.family(&entry.pname)?;
                let versions = family.into_iter().map(|other| other.version).collect();
                LookupError::OtherVersion { versions, attributes: Vec::new() }
            }
        };
        Ok(explain(&error, channel, attribute, version, system))
    }
}

/// Why the public cache has no such package, where the list says so.
pub(in crate::channel) fn hindered(entry: &Entry, system: System) -> Option<Diagnostic> {
    let attribute = &entry.attribute;
    if let Some(hindrance) = entry.hindrance {
        let message = format!("`{attribute}` {hindrance}: no official cache has it");
        let help = "build it with Nix and put it into a cache of your own, whose index names it";
        return Some(Diagnostic::error(message, None).help(help));
    }
    let names: Vec<_> = entry.systems.iter().map(ToString::to_string).collect();
    (!entry.systems.contains(&system)).then(|| {
        let finding = Diagnostic::error(format!("`{attribute}` is not for {system}"), None);
        let there = format!("it is for {}", names.join(" and "));
        if names.is_empty() { finding } else { finding.help(there) }
    })
}
