//! Text with packages in it: `${pkgs.NAME}`, and `$${pkgs.NAME}` for those very characters.

use std::ops::Range;

use super::{Part, Place, Template};

const OPENING: &str = "${pkgs.";

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// Bytes of its text.
    pub span: Range<usize>,
    /// What is wrong.
    pub reason: &'static str,
}

impl Template {
    /// Parses `text`; `place` is where it stands.
    pub fn parse(text: &str, place: Option<Place>) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut at = 0;
        while let Some(found) = text[at..].find(OPENING).map(|offset| at + offset) {
            let name_start = found + OPENING.len();
            if text[at..found].ends_with('$') {
                literal += &text[at..found - 1];
                literal += OPENING;
                at = name_start;
                continue;
            }
            let unterminated = TemplateError { span: found..text.len(), reason: "`${pkgs.` has no closing `}`" };
            let end = text[name_start..].find('}').map(|offset| name_start + offset).ok_or(unterminated)?;
            let name = &text[name_start..end];
            if name.is_empty() || name.contains(char::is_whitespace) {
                return Err(TemplateError { span: found..end + 1, reason: "`${pkgs.NAME}` needs a package's name" });
            }
            literal += &text[at..found];
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(Part::Package(name.to_owned()));
            at = end + 1;
        }
        literal += &text[at..];
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self { parts, place })
    }

    /// The names of its packages.
    pub fn packages(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Package(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<Part> {
        Template::parse(text, None).unwrap_or_else(|error| panic!("{error:?}")).parts
    }

    fn literal(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn package(name: &str) -> Part {
        Part::Package(name.to_owned())
    }

    #[test]
    fn packages_stand_in_text() {
        assert_eq!(parts("${pkgs.git}/bin/git"), [package("git"), literal("/bin/git")]);
        assert_eq!(parts("a${pkgs.x#y}b${pkgs.z}"), [literal("a"), package("x#y"), literal("b"), package("z")]);
        assert_eq!(parts("$HOME ${HOME} $(x)"), [literal("$HOME ${HOME} $(x)")]);
        assert_eq!(parts(""), []);
    }

    #[test]
    fn a_doubled_dollar_is_text() {
        assert_eq!(parts("x $${pkgs.git} y"), [literal("x ${pkgs.git} y")]);
        assert_eq!(parts("$${pkgs.${pkgs.a}"), [literal("${pkgs."), package("a")]);
    }

    #[test]
    fn broken_packages_are_pointed_at() {
        assert_eq!(Template::parse("a ${pkgs.git", None).expect_err("unterminated").span, 2..12);
        assert_eq!(Template::parse("é ${pkgs.}", None).expect_err("empty").span, 3..11);
    }
}
