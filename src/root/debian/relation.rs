//! Relationship fields, as far as one tree of all packages needs them: who replaces whom, and dpkg's own spelling.

use std::cmp::Ordering;
use std::fmt;

use crate::deb::{PackageName, Version};

/// How a version is held against another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Earlier,
    EarlierOrEqual,
    Equal,
    LaterOrEqual,
    Later,
}

/// One name of a relationship field: `perl:any (>= 5.36)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relation {
    name: PackageName,
    qualifier: Option<String>,
    version: Option<(Operator, String)>,
}

impl Relation {
    /// Reads one name with what belongs to it; `None` where that is no relation.
    fn parse(text: &str) -> Option<Self> {
        let (head, version) = match text.split_once('(') {
            Some((head, rest)) => (head, Some(parse_version(rest.trim_end().strip_suffix(')')?)?)),
            None => (text, None),
        };
        let (name, qualifier) = match head.trim().split_once(':') {
            Some((name, qualifier)) => (name, Some(qualifier.to_owned())),
            None => (head.trim(), None),
        };
        Some(Self { name: name.parse().ok()?, qualifier, version })
    }

    /// Whether it is about the package `name` in `version`: a real package, not one that provides the name.
    pub(super) fn matches(&self, name: &PackageName, version: &str) -> bool {
        self.name == *name
            && self.version.as_ref().is_none_or(|(operator, bound)| {
                let order = match (version.parse::<Version>(), bound.parse::<Version>()) {
                    (Ok(version), Ok(bound)) => version.cmp(&bound),
                    _ => return false,
                };
                match operator {
                    Operator::Earlier => order == Ordering::Less,
                    Operator::EarlierOrEqual => order != Ordering::Greater,
                    Operator::Equal => order == Ordering::Equal,
                    Operator::LaterOrEqual => order != Ordering::Less,
                    Operator::Later => order == Ordering::Greater,
                }
            })
    }
}

/// `>= 1.0`. The single signs are what old packages have.
fn parse_version(text: &str) -> Option<(Operator, String)> {
    let text = text.trim();
    let version = text.trim_start_matches(['<', '>', '=']);
    let operator = match &text[..text.len() - version.len()] {
        "<<" => Operator::Earlier,
        "<=" | "<" => Operator::EarlierOrEqual,
        "=" | "" => Operator::Equal,
        ">=" | ">" => Operator::LaterOrEqual,
        ">>" => Operator::Later,
        _ => return None,
    };
    let version = version.trim();
    (!version.is_empty()).then(|| (operator, version.to_owned()))
}

impl fmt::Display for Relation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.name, formatter)?;
        if let Some(qualifier) = &self.qualifier {
            write!(formatter, ":{qualifier}")?;
        }
        let Some((operator, version)) = &self.version else { return Ok(()) };
        let sign = match operator {
            Operator::Earlier => "<<",
            Operator::EarlierOrEqual => "<=",
            Operator::Equal => "=",
            Operator::LaterOrEqual => ">=",
            Operator::Later => ">>",
        };
        write!(formatter, " ({sign} {version})")
    }
}

/// A whole field: alternatives of each name that is asked for. `None` where it is no relationship field.
pub(super) fn parse_field(text: &str) -> Option<Vec<Vec<Relation>>> {
    let wanted = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    wanted.map(|part| part.split('|').map(Relation::parse).collect()).collect()
}

/// A field as dpkg's status has it: on one line, with its blanks. What is no relationship field keeps its words.
pub(super) fn canonical_field(text: &str) -> String {
    let Some(field) = parse_field(text) else {
        return text.split_whitespace().collect::<Vec<_>>().join(" ");
    };
    let alternatives = |part: &Vec<Relation>| part.iter().map(Relation::to_string).collect::<Vec<_>>().join(" | ");
    field.iter().map(alternatives).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_with_their_versions() {
        let matches = |text: &str, version| Relation::parse(text).unwrap().matches(&"git".parse().unwrap(), version);
        assert!(matches("git", "1.0"));
        assert!(!matches("git-man", "1.0"));
        for (text, older, equal, newer) in [
            ("git (<< 1:2)", true, false, false),
            ("git (<= 1:2)", true, true, false),
            ("git(=1:2)", false, true, false),
            ("git (>= 1:2)", false, true, true),
            ("git:any (>> 1:2)", false, false, true),
        ] {
            assert_eq!([matches(text, "1:1.9"), matches(text, "1:2"), matches(text, "1:2.0.1")], [older, equal, newer]);
        }
        assert!(!matches("git (<< no version)", "1.0"));
        assert!(!matches("git (<< 2)", "no version"));
    }

    #[test]
    fn fields_are_spelt_as_dpkg_does() {
        let field = "libc6 (>=2.36),\n perl:any|perl5 ( >> 5 ) , zlib1g";
        assert_eq!(canonical_field(field), "libc6 (>= 2.36), perl:any | perl5 (>> 5), zlib1g");
        assert_eq!(canonical_field("a-b (>= 1), Not A Name\n x"), "a-b (>= 1), Not A Name x");
        for text in ["a", "git (1", "git (=> 1)", "git (>= )", "git | "] {
            assert!(parse_field(text).is_none(), "{text}");
        }
        assert_eq!(parse_field(""), Some(Vec::new()));
    }
}
