//! Paragraphs of `Field: value` lines: control files, Packages, Release, apt's sources.

use std::io::{self, BufRead, Read as _};

/// A paragraph larger than this is refused. The largest of Debian's is a tenth of it.
const LARGEST: u64 = 4 << 20;

/// Text that is no sequence of paragraphs.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A line that is neither a field, its continuation, nor empty.
    #[error("line {line}: {reason}")]
    Malformed {
        /// From 1.
        line: u64,
        /// What is wrong.
        reason: &'static str,
    },
}

/// One paragraph. Fields are looked up by name, in any case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paragraph {
    text: String,
}

impl Paragraph {
    /// Reads text that is one paragraph, such as a package's control file.
    pub fn parse(text: &str) -> Result<Self, ControlError> {
        let mut paragraphs = Paragraphs::new(text.as_bytes());
        let first = paragraphs.next_paragraph()?.cloned().unwrap_or_default();
        if paragraphs.next_paragraph()?.is_some() {
            return Err(ControlError::Malformed { line: paragraphs.line, reason: "a second paragraph" });
        }
        Ok(first)
    }

    /// All fields with their values, in order; continuation lines keep their line ends and leading blanks.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut rest = self.text.as_str();
        std::iter::from_fn(move || {
            let (name, after) = rest.split_once(':')?;
            let ends = after.match_indices('\n').map(|(end, _)| end);
            let end = ends.into_iter().find(|&end| !after[end + 1..].starts_with([' ', '\t'])).unwrap_or(after.len());
            rest = after.get(end + 1..).unwrap_or_default();
            Some((name, after[..end].trim()))
        })
    }

    /// The value of the field `name`, without surrounding blanks.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The paragraph as it stood, each line ended.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Reads paragraphs one after the other, in memory of one.
pub struct Paragraphs<R> {
    input: R,
    paragraph: Paragraph,
    line: u64,
}

impl<R: BufRead> Paragraphs<R> {
    /// A reader at the beginning of `input`.
    pub fn new(input: R) -> Self {
        Self { input, paragraph: Paragraph::default(), line: 0 }
    }

    /// The next paragraph; `None` behind the last. Comment lines (`#`) are passed over.
    pub fn next_paragraph(&mut self) -> Result<Option<&Paragraph>, ControlError> {
        let text = &mut self.paragraph.text;
        text.clear();
        loop {
            let start = text.len();
            let room = LARGEST.saturating_sub(start as u64) + 1;
            // Bytes that are no UTF-8 are found by the reader, and are an error.
            let read = self.input.by_ref().take(room).read_line(text)?;
            self.line += 1;
            let fault = |reason| Err(ControlError::Malformed { line: self.line, reason });
            if text.len() as u64 > LARGEST {
                return fault("the paragraph is longer than 4 MiB");
            }
            let line = text[start..].trim_end_matches(['\n', '\r']);
            if line.trim().is_empty() {
                text.truncate(start);
                if read == 0 || start > 0 {
                    return Ok(if start > 0 { Some(&self.paragraph) } else { None });
                }
            } else if line.starts_with('#') {
                text.truncate(start);
            } else if let Some(reason) = odd(line, start == 0) {
                return fault(reason);
            } else {
                let end = start + line.len();
                text.truncate(end);
                text.push('\n');
            }
        }
    }
}

/// Why a line can't stand in a paragraph: it is neither a field nor goes on with one.
fn odd(line: &str, is_first: bool) -> Option<&'static str> {
    if line.starts_with([' ', '\t']) {
        return is_first.then_some("a continuation of no field");
    }
    let name = line.split_once(':').map(|(name, _)| name);
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_graphic());
    (!name.is_some_and(is_name)).then_some("no field: `Name: value`")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_with_continuations_in_any_case() {
        let text = "Package: git\nDescription: fast\n more\n .\n end\n# comment\nDepends:\n libc6,\n zlib1g\r\n\n\nPackage: less\n";
        let mut paragraphs = Paragraphs::new(text.as_bytes());
        let first = paragraphs.next_paragraph().unwrap().unwrap().clone();
        assert_eq!(first.get("package"), Some("git"));
        assert_eq!(first.get("Description"), Some("fast\n more\n .\n end"));
        assert_eq!(first.get("DEPENDS"), Some("libc6,\n zlib1g"));
        assert_eq!(first.get("absent"), None);
        assert_eq!(first.fields().count(), 3);
        assert_eq!(paragraphs.next_paragraph().unwrap().unwrap().get("Package"), Some("less"));
        assert!(paragraphs.next_paragraph().unwrap().is_none());
        assert!(paragraphs.next_paragraph().unwrap().is_none());
    }

    #[test]
    fn what_is_no_paragraph_is_refused_with_its_line() {
        let refused = |text: &[u8]| {
            let mut paragraphs = Paragraphs::new(text);
            loop {
                match paragraphs.next_paragraph() {
                    Err(error) => return error.to_string(),
                    Ok(None) => return String::new(),
                    Ok(Some(_)) => {}
                }
            }
        };
        assert_eq!(refused(b" x\n"), "line 1: a continuation of no field");
        assert_eq!(refused(b"A: 1\nnothing\n"), "line 2: no field: `Name: value`");
        assert_eq!(refused(b": 1\n"), "line 1: no field: `Name: value`");
        assert!(refused(b"A: \xff\n").contains("UTF-8"));
        let long = [b"A: ".to_vec(), vec![b'x'; 5 << 20]].concat();
        assert_eq!(refused(&long), "line 1: the paragraph is longer than 4 MiB");
        assert!(Paragraph::parse("A: 1\n\nB: 2\n").is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b':'), Just(b' '), any::<u8>()], 0..200)) {
            let mut paragraphs = Paragraphs::new(&bytes[..]);
            while let Ok(Some(paragraph)) = paragraphs.next_paragraph() {
                prop_assert!(paragraph.fields().count() > 0);
            }
        }
    }
}
