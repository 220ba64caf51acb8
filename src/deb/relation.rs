//! Relationship fields of packages: `Depends`, `Conflicts`, `Provides` and their like.
//!
//! The grammar is that of binary packages: alternatives, versions, architecture qualifiers. Lists of architectures (`[…]`) and of build
//! profiles (`<…>`) belong to source packages and are refused, as dpkg does it.

use std::fmt;

use super::{PackageName, Version};

/// A longer field is refused. The largest of Debian's is a tenth of it.
const LONGEST: usize = 1 << 20;

/// A relationship field that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}`: {reason}", .part.escape_debug())]
pub struct ParseRelationError {
    /// The part that is wrong, at most 80 characters of it.
    pub part: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// How a version is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `<<`
    Earlier,
    /// `<=`
    EarlierOrEqual,
    /// `=`
    Equal,
    /// `>=`
    LaterOrEqual,
    /// `>>`
    Later,
}

/// What stands behind a name's colon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Qualifier {
    /// `:any`
    Any,
    /// `:native`
    Native,
    /// `:amd64`
    Architecture(String),
}

/// A package that a relation speaks of: `name[:qualifier] [(op version)]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// A package's name, or a virtual one's.
    pub name: PackageName,
    /// Of which architecture.
    pub qualifier: Option<Qualifier>,
    /// In which versions; all of them where absent.
    pub version: Option<(Operator, Version)>,
}

/// A name that a package provides, `name [(= version)]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provided {
    /// The name.
    pub name: PackageName,
    /// Of which architecture.
    pub qualifier: Option<Qualifier>,
    /// Without one it answers no relation that asks for a version.
    pub version: Option<Version>,
}

impl Operator {
    /// Whether `offered` stands in this relation to `wanted`: `offered >= wanted`.
    #[must_use]
    pub fn holds(self, offered: &Version, wanted: &Version) -> bool {
        match self {
            Self::Earlier => offered < wanted,
            Self::EarlierOrEqual => offered <= wanted,
            Self::Equal => offered == wanted,
            Self::LaterOrEqual => offered >= wanted,
            Self::Later => offered > wanted,
        }
    }

    /// The operator as it is written today.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Earlier => "<<",
            Self::EarlierOrEqual => "<=",
            Self::Equal => "=",
            Self::LaterOrEqual => ">=",
            Self::Later => ">>",
        }
    }

    /// Reads the operator that `text` begins with. A lone `<` and `>` mean `<=` and `>=`: so old packages have it.
    fn split(text: &str) -> (Self, &str) {
        let spellings = [
            ("<<", Self::Earlier),
            ("<=", Self::EarlierOrEqual),
            (">>", Self::Later),
            (">=", Self::LaterOrEqual),
            ("<", Self::EarlierOrEqual),
            (">", Self::LaterOrEqual),
            ("=", Self::Equal),
        ];
        let found =
            spellings.into_iter().find_map(|(spelling, operator)| Some((operator, text.strip_prefix(spelling)?)));
        // dpkg, too, takes a bare version for an exact one.
        found.unwrap_or((Self::Equal, text))
    }
}

impl Target {
    /// Whether a package or provided name of this name and `version` answers the version asked for.
    #[must_use]
    pub fn admits(&self, version: Option<&Version>) -> bool {
        match (&self.version, version) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some((operator, wanted)), Some(offered)) => operator.holds(offered, wanted),
        }
    }
}

impl fmt::Display for Qualifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Any => "any",
            Self::Native => "native",
            Self::Architecture(name) => name,
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.name)?;
        if let Some(qualifier) = &self.qualifier {
            write!(formatter, ":{qualifier}")?;
        }
        match &self.version {
            Some((operator, version)) => write!(formatter, " ({} {version})", operator.as_str()),
            None => Ok(()),
        }
    }
}

/// Reads `Depends`, `Pre-Depends`, `Recommends`: groups, of each of which one alternative is needed.
pub fn parse_groups(field: &str) -> Result<Vec<Vec<Target>>, ParseRelationError> {
    parts(field)?.map(|group| group.split('|').map(parse_target).collect()).collect()
}

/// Groups as dpkg writes them.
#[must_use]
pub fn write_groups(groups: &[Vec<Target>]) -> String {
    let alternatives = |group: &Vec<Target>| group.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ");
    groups.iter().map(alternatives).collect::<Vec<_>>().join(", ")
}

/// Reads `Conflicts` and `Breaks`: a list without alternatives.
pub fn parse_targets(field: &str) -> Result<Vec<Target>, ParseRelationError> {
    parts(field)?.map(parse_target).collect()
}

/// Reads `Provides`.
pub fn parse_provided(field: &str) -> Result<Vec<Provided>, ParseRelationError> {
    let provided = |part: &str| {
        let Target { name, qualifier, version } = parse_target(part)?;
        match version {
            Some((operator, _)) if operator != Operator::Equal => Err(fault(part, "only `=` may stand in Provides")),
            version => Ok(Provided { name, qualifier, version: version.map(|(_, version)| version) }),
        }
    };
    parts(field)?.map(provided).collect()
}

/// The parts between commas. Empty ones are passed over: a trailing comma is common.
fn parts(field: &str) -> Result<impl Iterator<Item = &str>, ParseRelationError> {
    if field.len() > LONGEST {
        return Err(fault(field, "the field is longer than 1 MiB"));
    }
    Ok(field.split(',').map(str::trim).filter(|part| !part.is_empty()))
}

fn parse_target(text: &str) -> Result<Target, ParseRelationError> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_ascii_whitespace() || "([<".contains(c)).unwrap_or(text.len());
    let (full, rest) = text.split_at(end);
    let (name, qualifier) = match full.split_once(':') {
        Some((name, qualifier)) => {
            (name, Some(parse_qualifier(qualifier).ok_or_else(|| fault(text, "a wrong architecture"))?))
        }
        None => (full, None),
    };
    let name = name.parse().map_err(|_| fault(text, "no package's name"))?;
    Ok(Target { name, qualifier, version: parse_version(text, rest.trim())? })
}

fn parse_qualifier(text: &str) -> Option<Qualifier> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    match text {
        "any" => Some(Qualifier::Any),
        "native" => Some(Qualifier::Native),
        name if !name.is_empty() && name.len() <= 64 && name.chars().all(plain) => {
            Some(Qualifier::Architecture(name.to_owned()))
        }
        _ => None,
    }
}

/// Reads `(op version)`, or nothing.
fn parse_version(part: &str, text: &str) -> Result<Option<(Operator, Version)>, ParseRelationError> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.contains(['[', ']']) || text.starts_with('<') {
        return Err(fault(part, "lists of architectures and profiles stand in source packages only"));
    }
    let inner = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    let inner = inner.ok_or_else(|| fault(part, "not `name (operator version)`"))?;
    let (operator, version) = Operator::split(inner.trim());
    let version = version.trim().parse().map_err(|_| fault(part, "no version"))?;
    Ok(Some((operator, version)))
}

fn fault(part: &str, reason: &'static str) -> ParseRelationError {
    ParseRelationError { part: part.chars().take(80).collect(), reason }
}

#[cfg(test)]
mod tests;
