//! How a line looks: text with its unit before it, or a JSON document.

use serde::Serialize;

use super::Stream;

/// Names longer than this are not waited for by shorter ones.
const WIDEST: usize = 24;

/// Colours of names, as terminals number them: those that are readable on dark and on light.
const COLOURS: [u8; 6] = [36, 33, 32, 35, 34, 31];

/// Before this, in seconds since 1970, no clock is right.
const SANE: i64 = 1_735_689_600;

/// How lines look.
#[derive(Debug, Clone)]
pub struct Look {
    json: bool,
    /// Whether standard output and standard error are terminals.
    terminals: (bool, bool),
    width: usize,
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a str>,
    unit: &'a str,
    stream: Stream,
    message: std::borrow::Cow<'a, str>,
}

impl Look {
    /// `terminals`: whether standard output and standard error are some.
    #[must_use]
    pub fn new(json: bool, terminals: (bool, bool)) -> Self {
        Self { json, terminals, width: "dumbc".len() }
    }

    /// Makes room for these names.
    pub fn widen<'name>(&mut self, names: impl Iterator<Item = &'name str>) {
        self.width = names.map(str::len).filter(|width| *width <= WIDEST).fold(self.width, usize::max);
    }

    /// The bytes of a line, with its end.
    #[must_use]
    pub fn line(&self, unit: &str, stream: Stream, message: &[u8], time: Option<&str>) -> Vec<u8> {
        if self.json {
            let document = Document { time, unit, stream, message: String::from_utf8_lossy(message) };
            let mut line = serde_json::to_vec(&document).unwrap_or_default();
            line.push(b'\n');
            return line;
        }
        let is_terminal = if stream == Stream::Stdout { self.terminals.0 } else { self.terminals.1 };
        let name = format!("{unit:<width$} |", width = self.width);
        let mut line = if is_terminal { coloured(unit, &name) } else { name }.into_bytes();
        line.push(b' ');
        line.extend_from_slice(message);
        // A terminal in raw mode, as the foreground may set it, needs the return.
        line.extend_from_slice(if is_terminal { b"\r\n" } else { b"\n" });
        line
    }
}

fn coloured(unit: &str, name: &str) -> String {
    let sum = unit.bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let colour = COLOURS.get(sum % COLOURS.len()).copied().unwrap_or(36);
    format!("\u{1b}[{colour}m{name}\u{1b}[0m")
}

/// The time, where the clock may be believed: RFC 3339, in UTC.
pub(super) fn wall_clock() -> Option<String> {
    believed(jiff::Timestamp::now())
}

/// A machine without a battery begins in 1970, until somebody tells it the time.
fn believed(now: jiff::Timestamp) -> Option<String> {
    (now.as_second() > SANE).then(|| format!("{now:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(look: &Look, stream: Stream) -> String {
        String::from_utf8(look.line("web", stream, b"hi \xff", Some("2026-01-01T00:00:00Z"))).unwrap()
    }

    #[test]
    fn names_are_padded_and_coloured_on_terminals() {
        let mut look = Look::new(false, (true, false));
        look.widen(["web", "sync@alice", "a-name-that-is-much-too-long-to-wait-for"].into_iter());
        assert_eq!(look.line("web", Stream::Stderr, b"\xff", None), b"web        | \xff\n");
        let line = look.line("web", Stream::Stdout, b"hi", None);
        insta::assert_snapshot!(String::from_utf8_lossy(&line).escape_debug(), @r"\u{1b}[36mweb        |\u{1b}[0m hi\r\n");
    }

    #[test]
    fn a_clock_at_1970_is_not_believed() {
        let at = |second| believed(jiff::Timestamp::from_second(second).unwrap());
        assert_eq!((at(0), at(86_400)), (None, None));
        assert_eq!(at(1_767_225_600).as_deref(), Some("2026-01-01T00:00:00.000Z"));
        let line = Look::new(true, (false, false)).line("web", Stream::Stdout, b"hi", at(0).as_deref());
        assert_eq!(line, b"{\"unit\":\"web\",\"stream\":\"stdout\",\"message\":\"hi\"}\n");
    }

    #[test]
    fn documents_are_one_line_each() {
        let look = Look::new(true, (true, true));
        insta::assert_snapshot!(shown(&look, Stream::Stderr), @r#"{"time":"2026-01-01T00:00:00Z","unit":"web","stream":"stderr","message":"hi �"}"#);
    }
}
