//! apt's lists of archives: `sources.list` with an archive a line, and `*.sources` in paragraphs (sources.list(5)).

use super::{ControlError, Paragraph, Paragraphs};

/// An archive, as apt's files name it. Sources of source packages are left out, and so are those that are switched off.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AptSource {
    /// Of any scheme: `https://…`, `file:/…`, `cdrom:…`.
    pub uris: Vec<String>,
    /// `bookworm`; one that ends in a slash is a flat archive.
    pub suites: Vec<String>,
    /// `main`; none for a flat archive.
    pub components: Vec<String>,
    /// Empty: all.
    pub architectures: Vec<String>,
    /// Whose signatures count, where it says so.
    pub signed_by: Option<SignedBy>,
    /// Whether apt would do without a signature.
    pub trusted: bool,
    /// Whether an expired archive is refused, where it says so.
    pub check_valid_until: Option<bool>,
}

/// Whose signatures count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignedBy {
    /// Absolute paths of keyrings.
    pub files: Vec<String>,
    /// Fingerprints of keys in the keyrings that apt trusts, in upper case.
    pub fingerprints: Vec<String>,
    /// A key that stands in the list itself, armoured.
    pub key: Option<String>,
}

/// A list that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum AptSourceError {
    /// It is not made of paragraphs.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A line names no archive.
    #[error("line {line}: expected `deb [options] URI suite component…`")]
    Line {
        /// From 1.
        line: usize,
    },
    /// A paragraph names no archive.
    #[error("paragraph {paragraph} has no `{field}`")]
    Field {
        /// From 1.
        paragraph: usize,
        /// Which is missing.
        field: &'static str,
    },
}

/// Reads a list with an archive a line.
pub fn parse_one_line(text: &str) -> Result<Vec<AptSource>, AptSourceError> {
    let mut sources = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let mut words = words(line).into_iter().peekable();
        match words.next().as_deref() {
            None | Some("deb-src") => continue,
            Some("deb") => {}
            Some(_) => return Err(AptSourceError::Line { line: number }),
        }
        let mut source = AptSource::default();
        if let Some(options) = words.next_if(|word| word.starts_with('[')) {
            for option in options.trim_matches(['[', ']']).split_whitespace() {
                let (name, value) = option.split_once('=').unwrap_or((option, ""));
                source.set(name, value, ',');
            }
        }
        let (Some(uri), Some(suite)) = (words.next(), words.next()) else {
            return Err(AptSourceError::Line { line: number });
        };
        (source.uris, source.suites, source.components) = (vec![uri], vec![suite], words.collect());
        sources.push(source);
    }
    Ok(sources)
}

/// Reads a list in paragraphs.
pub fn parse_deb822(text: &str) -> Result<Vec<AptSource>, AptSourceError> {
    let mut paragraphs = Paragraphs::new(text.as_bytes());
    let mut sources = Vec::new();
    let mut number = 0;
    while let Some(paragraph) = paragraphs.next_paragraph()? {
        number += 1;
        sources.extend(of_paragraph(paragraph, number)?);
    }
    Ok(sources)
}

fn of_paragraph(paragraph: &Paragraph, number: usize) -> Result<Option<AptSource>, AptSourceError> {
    let missing = |field| AptSourceError::Field { paragraph: number, field };
    let words = |field| -> Result<Vec<String>, AptSourceError> {
        let value = paragraph.get(field).ok_or_else(|| missing(field))?;
        Ok(value.split_whitespace().map(str::to_owned).collect())
    };
    let on = paragraph.get("Enabled").is_none_or(|value| truth(value) != Some(false));
    if !on || !words("Types")?.iter().any(|kind| kind == "deb") {
        return Ok(None);
    }
    let mut source = AptSource { uris: words("URIs")?, suites: words("Suites")?, ..AptSource::default() };
    source.components = words("Components").unwrap_or_default();
    for (name, value) in paragraph.fields() {
        match name.to_ascii_lowercase().as_str() {
            "architectures" => source.set("arch", value, ' '),
            name => source.set(name, value, ' '),
        }
    }
    Ok(Some(source))
}

impl AptSource {
    /// Takes an option over; one that decides nothing here is passed over.
    fn set(&mut self, name: &str, value: &str, separator: char) {
        let is_separator = |character: char| character == separator || character.is_whitespace();
        let words = || value.split(is_separator).filter(|word| !word.is_empty());
        match name.to_ascii_lowercase().as_str() {
            "arch" => self.architectures = words().map(str::to_owned).collect(),
            "trusted" => self.trusted = truth(value) == Some(true),
            "check-valid-until" => self.check_valid_until = truth(value),
            "signed-by" => self.signed_by = Some(SignedBy::parse(value)),
            _ => {}
        }
    }
}

impl SignedBy {
    /// Paths and fingerprints, or a key in its armour, whose empty lines are written `.`.
    fn parse(value: &str) -> Self {
        if value.trim_start().starts_with("-----BEGIN") {
            let line = |line: &str| if line.trim() == "." { String::new() } else { line.trim().to_owned() };
            let key = value.lines().map(|text| line(text) + "\n").collect();
            return Self { key: Some(key), ..Self::default() };
        }
        let words = value.split([',', ' ', '\t', '\n', '\r']).filter(|word| !word.is_empty());
        let (files, fingerprints): (Vec<_>, Vec<_>) = words.partition(|word| word.starts_with('/'));
        Self {
            files: files.into_iter().map(str::to_owned).collect(),
            fingerprints: fingerprints.into_iter().map(|text| text.trim_end_matches('!').to_uppercase()).collect(),
            key: None,
        }
    }
}

/// apt's words for yes and no.
fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "yes" | "true" | "1" | "on" | "with" | "enable" => Some(true),
        "no" | "false" | "0" | "off" | "without" | "disable" => Some(false),
        _ => None,
    }
}

/// Words of a line, without its comment; brackets and quotes hold words together.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut bracket, mut quote) = (false, false);
    for character in line.chars() {
        match character {
            '#' if !bracket && !quote => break,
            '"' => quote = !quote,
            _ if character.is_whitespace() && !bracket && !quote => words.push(std::mem::take(&mut word)),
            _ => {
                bracket = (bracket || character == '[') && character != ']';
                word.push(character);
            }
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_archive_a_line() {
        let text = "# comment\n\ndeb https://example.org/debian bookworm main contrib # why\ndeb-src https://example.org x y\n\
            deb [ arch=amd64,arm64 signed-by=/etc/a.gpg,/etc/b.asc trusted=yes lang=en ] file:/srv/x bookworm-updates main\n\
            deb cdrom:[Debian 12 _Bookworm_ 2023]/ bookworm main\n\
            deb [signed-by=abcd0123!,CDEF check-valid-until=no] http://example.org/flat ./\n";
        let sources = parse_one_line(text).unwrap();
        assert_eq!(sources.len(), 4);
        assert_eq!(sources[0].components, ["main", "contrib"]);
        assert_eq!(sources[1].architectures, ["amd64", "arm64"]);
        assert_eq!(sources[1].signed_by.as_ref().unwrap().files, ["/etc/a.gpg", "/etc/b.asc"]);
        assert!(sources[1].trusted && !sources[0].trusted);
        assert_eq!(sources[2].uris, ["cdrom:[Debian 12 _Bookworm_ 2023]/"]);
        assert_eq!(sources[3].signed_by.as_ref().unwrap().fingerprints, ["ABCD0123", "CDEF"]);
        assert_eq!((sources[3].check_valid_until, sources[3].components.len()), (Some(false), 0));
        assert_eq!(
            parse_one_line("\ndeb x\n").unwrap_err().to_string(),
            "line 2: expected `deb [options] URI suite component…`"
        );
        assert!(parse_one_line("rpm x y\n").is_err());
    }

    #[test]
    fn archives_in_paragraphs() {
        let text = "Types: deb deb-src\n# comment\nURIs: https://example.org/debian\nSuites: bookworm bookworm-updates\n\
            Components: main\nSigned-By: /usr/share/keyrings/a.gpg\nArchitectures: amd64\n\nTypes: deb-src\n\n\
            Types: deb\nEnabled: no\n\nTypes: deb\nURIs: https://example.org/x\nSuites: y\nComponents: z\nTrusted: yes\nSigned-By:\n\
            \x20-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n -----END PGP PUBLIC KEY BLOCK-----\n";
        let sources = parse_deb822(text).unwrap();
        assert_eq!(sources.len(), 2);
        assert_eq!(sources[0].suites, ["bookworm", "bookworm-updates"]);
        assert_eq!(sources[0].architectures, ["amd64"]);
        let key = sources[1].signed_by.clone().unwrap().key.unwrap();
        assert_eq!(key, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n-----END PGP PUBLIC KEY BLOCK-----\n");
        assert!(sources[1].trusted);
        let missing = parse_deb822("Types: deb\nURIs: x\n\n").unwrap_err();
        assert_eq!(missing.to_string(), "paragraph 1 has no `Suites`");
        assert!(parse_deb822("nothing\n").is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(deb|deb-src|Types: deb|URIs: |Suites: |Signed-By: |\\[|\\]|=|,|\"|#|\n| |é){0,30}") {
            let _ = parse_one_line(&text);
            let _ = parse_deb822(&text);
        }
    }
}
