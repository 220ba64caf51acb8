//! Bytes to lines.

/// The longest line, in bytes. Longer ones are split; all parts but the last end with [`SPLIT`].
pub const LONGEST: usize = 8 << 10;

/// Marks a line that goes on in the next one.
const SPLIT: &[u8] = " \u{21b5}".as_bytes();

/// Collects bytes until they are lines.
#[derive(Debug, Default)]
pub struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    /// Takes bytes, and gives the lines that they complete, without their ends.
    pub fn push(&mut self, bytes: &[u8], mut line: impl FnMut(&[u8])) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, is_whole) = part.strip_suffix(b"\n").map_or((part, false), |text| (text, true));
            self.extend(text, &mut line);
            if is_whole {
                let text = self.partial.strip_suffix(b"\r").unwrap_or(&self.partial);
                line(text);
                self.partial.clear();
            }
        }
    }

    fn extend(&mut self, mut text: &[u8], line: &mut impl FnMut(&[u8])) {
        while self.partial.len() + text.len() > LONGEST {
            let (head, tail) = text.split_at(LONGEST - self.partial.len());
            self.partial.extend_from_slice(head);
            self.partial.extend_from_slice(SPLIT);
            line(&self.partial);
            self.partial.clear();
            text = tail;
        }
        self.partial.extend_from_slice(text);
    }

    /// Whether something waits for its line's end.
    #[must_use]
    pub fn has_partial(&self) -> bool {
        !self.partial.is_empty()
    }

    /// Gives what waits for its line's end as a line.
    pub fn flush(&mut self, line: impl FnOnce(&[u8])) {
        if self.has_partial() {
            line(&self.partial);
            self.partial.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut found, mut splitter) = (Vec::new(), Lines::default());
        for chunk in chunks {
            splitter.push(chunk, |line| found.push(line.to_vec()));
        }
        splitter.flush(|line| found.push(line.to_vec()));
        found
    }

    #[test]
    fn lines_come_whole() {
        assert_eq!(lines(&[b"a\nb", b"c\r\n\n", b"d"]), [&b"a"[..], b"bc", b"", b"d"]);
    }

    #[test]
    fn long_lines_are_split_with_a_mark() {
        let long = vec![b'x'; LONGEST * 2 + 1];
        let found = lines(&[&long]);
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [LONGEST + SPLIT.len(), LONGEST + SPLIT.len(), 1]);
        assert_eq!(lines(&[&vec![b'x'; LONGEST], b"\n"]).len(), 1, "the longest line is no split one");
    }

    proptest! {
        #[test]
        fn how_bytes_arrive_does_not_matter(text in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..200), at in 0usize..200) {
            let (head, tail) = text.split_at(at.min(text.len()));
            let carriage = |lines: Vec<Vec<u8>>| lines.concat();
            prop_assert_eq!(carriage(lines(&[&text])), carriage(lines(&[head, tail])));
        }
    }
}
