//! Which of several packages' files stands.

use crate::deb::{ParseRelationError, Target, parse_targets};
use crate::image::ImagePath;

use super::super::Package;
use super::MergeError;
use super::claims::Claim;

/// All packages' declarations that they replace others, read once.
pub(super) struct Replacements<'a> {
    packages: &'a [Package<'a>],
    /// By package; what can't be read is an error only where it matters.
    fields: Vec<Result<Vec<Target>, ParseRelationError>>,
}

impl<'a> Replacements<'a> {
    /// Reads the packages' control files.
    pub(super) fn new(packages: &'a [Package<'a>]) -> Result<Self, MergeError> {
        let read = |package: &Package<'_>| {
            let unreadable = |source| MergeError::Control { package: package.name.clone(), source };
            let paragraph = package.facts.paragraph().map_err(unreadable)?;
            Ok(parse_targets(paragraph.get("Replaces").unwrap_or_default()))
        };
        Ok(Self { packages, fields: packages.iter().map(read).collect::<Result<_, MergeError>>()? })
    }

    /// Whose file or link stands at `path`: that of the one package that no other of them replaces. `None` without claims.
    pub(super) fn winner<'c>(&self, path: &ImagePath, claims: &[Claim<'c>]) -> Result<Option<Claim<'c>>, MergeError> {
        if claims.len() < 2 {
            return Ok(claims.first().copied());
        }
        let mut standing = Vec::new();
        for claim in claims {
            let mut replaced = false;
            for other in claims.iter().filter(|other| other.package != claim.package) {
                replaced |= self.replaces(other.package, claim.package)?;
            }
            if !replaced {
                standing.push(*claim);
            }
        }
        match (&standing[..], claims) {
            ([winner], _) => Ok(Some(*winner)),
            ([one, two, ..], _) => Err(self.twice(path, one, two, false)),
            (_, [one, two, ..]) => Err(self.twice(path, one, two, true)),
            _ => Ok(None),
        }
    }

    /// Whether `one` declares that it may replace files of `other`: by its real name, and in its version.
    fn replaces(&self, one: usize, other: usize) -> Result<bool, MergeError> {
        let unreadable = |source: &ParseRelationError| MergeError::Replaces {
            package: self.packages[one].name.clone(),
            source: source.clone(),
        };
        let targets = self.fields[one].as_ref().map_err(unreadable)?;
        Ok(targets.iter().any(|target| is_meant(target, &self.packages[other])))
    }

    fn twice(&self, path: &ImagePath, one: &Claim<'_>, two: &Claim<'_>, mutual: bool) -> MergeError {
        let name = |claim: &Claim<'_>| self.packages[claim.package].name.clone();
        MergeError::Twice { path: path.clone(), one: name(one), two: name(two), mutual }
    }
}

/// Whether `target` speaks of this package, in its version.
fn is_meant(target: &Target, package: &Package<'_>) -> bool {
    let admitted = || package.version.parse().is_ok_and(|version| target.admits(Some(&version)));
    target.name == *package.name && (target.version.is_none() || admitted())
}
