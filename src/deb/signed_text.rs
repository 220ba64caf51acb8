//! Text with a signature around it (RFC 9580, section 7), such as InRelease.
//!
//! Strict: nothing may stand outside of the envelope, so that nobody takes for signed what is not.

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const BEGIN_SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";
const END_SIGNATURE: &str = "-----END PGP SIGNATURE-----";

/// A text, and the signatures that are claimed for it. Nothing is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedText {
    /// What is signed: lines without blanks at their ends, each ended by one newline.
    pub text: String,
    /// The same as signatures are made over it: line ends are CR and LF, none behind the last line.
    pub canonical: Vec<u8>,
    /// The armoured signatures.
    pub signatures: String,
}

/// The text is no signed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignedTextError {
    /// It does not begin as one.
    #[error("it does not begin with `{BEGIN}`")]
    Beginning,
    /// What stands before the text says more than which digests were used.
    #[error("its head has a line that is none of `Hash: …`")]
    Head,
    /// A line of the text could be taken for the end of it.
    #[error("line {0} begins with a dash that is not escaped")]
    Dash(
        /// From 1.
        usize,
    ),
    /// A carriage return within a line: to signatures that is the end of the line, and to us it is not.
    #[error("line {0} has a carriage return within")]
    Return(
        /// From 1.
        usize,
    ),
    /// It ends too early.
    #[error("it ends before its signature does")]
    End,
    /// There is something behind the signature.
    #[error("something stands behind its signature, in line {0}")]
    Behind(
        /// From 1.
        usize,
    ),
}

impl SignedText {
    /// Takes the envelope off.
    pub fn parse(text: &str) -> Result<Self, SignedTextError> {
        let mut lines = text.lines().map(|line| line.trim_end_matches([' ', '\t', '\r'])).zip(1..);
        if lines.next().is_none_or(|(line, _)| line != BEGIN) {
            return Err(SignedTextError::Beginning);
        }
        loop {
            match lines.next().ok_or(SignedTextError::End)? {
                ("", _) => break,
                (line, _) if line.starts_with("Hash: ") => {}
                _ => return Err(SignedTextError::Head),
            }
        }
        let mut signed = String::with_capacity(text.len());
        loop {
            let (line, number) = lines.next().ok_or(SignedTextError::End)?;
            match line.strip_prefix("- ") {
                _ if line == BEGIN_SIGNATURE => break,
                _ if line.contains('\r') => return Err(SignedTextError::Return(number)),
                None if line.starts_with('-') => return Err(SignedTextError::Dash(number)),
                escaped => signed.extend([escaped.unwrap_or(line), "\n"]),
            }
        }
        let signatures = signatures(&mut lines)?;
        let canonical = signed.strip_suffix('\n').unwrap_or_default().replace('\n', "\r\n").into_bytes();
        Ok(Self { text: signed, canonical, signatures })
    }
}

/// The armour, to its end, which is the file's.
fn signatures<'a>(lines: &mut impl Iterator<Item = (&'a str, usize)>) -> Result<String, SignedTextError> {
    let mut armor = format!("{BEGIN_SIGNATURE}\n");
    loop {
        let (line, _) = lines.next().ok_or(SignedTextError::End)?;
        armor.extend([line, "\n"]);
        if line == END_SIGNATURE {
            break;
        }
    }
    match lines.find(|(line, _)| !line.is_empty()) {
        Some((_, number)) => Err(SignedTextError::Behind(number)),
        None => Ok(armor),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nOrigin: X  \r\n- -dash\n\n\
        -----BEGIN PGP SIGNATURE-----\n\nabcd\n-----END PGP SIGNATURE-----\n";

    #[test]
    fn the_envelope_comes_off() {
        let signed = SignedText::parse(TEXT).unwrap();
        assert_eq!(signed.text, "Origin: X\n-dash\n\n");
        assert_eq!(signed.canonical, b"Origin: X\r\n-dash\r\n");
        assert_eq!(signed.signatures, "-----BEGIN PGP SIGNATURE-----\n\nabcd\n-----END PGP SIGNATURE-----\n");
    }

    #[test]
    fn nothing_stands_outside() {
        let parse = |text: &str| SignedText::parse(text).unwrap_err();
        assert_eq!(parse(&format!("Origin: Evil\n{TEXT}")), SignedTextError::Beginning);
        assert_eq!(parse(&format!("\n{TEXT}")), SignedTextError::Beginning);
        assert_eq!(parse(&format!("{TEXT}Origin: Evil\n")), SignedTextError::Behind(11));
        assert_eq!(parse(&format!("{TEXT}{TEXT}")), SignedTextError::Behind(11));
        assert_eq!(parse(&TEXT.replace("Hash: SHA256", "Origin: Evil")), SignedTextError::Head);
        assert_eq!(parse(&TEXT.replace("- -dash", "-dash")), SignedTextError::Dash(5));
        assert_eq!(parse(&TEXT.replace("Origin: X", "Origin: X\rSuite: y")), SignedTextError::Return(4));
        assert_eq!(parse(&TEXT.replace("-----END", "----END")), SignedTextError::End);
        assert_eq!(parse(""), SignedTextError::Beginning);
        assert_eq!(SignedText::parse(&format!("{TEXT}\n \n")).unwrap(), SignedText::parse(TEXT).unwrap());
    }

    proptest! {
        #[test]
        fn any_text_comes_back(lines in proptest::collection::vec("[ -~]{0,20}", 0..20)) {
            let text: String = lines.iter().flat_map(|line| [line.trim_end(), "\n"]).collect();
            let escape = |line| if str::starts_with(line, '-') { "- " } else { "" };
            let escaped: String = text.lines().flat_map(|line| [escape(line), line, "\n"]).collect();
            let whole = format!("{BEGIN}\nHash: SHA512\n\n{escaped}{BEGIN_SIGNATURE}\n\n{END_SIGNATURE}\n");
            prop_assert_eq!(SignedText::parse(&whole).unwrap().text, text);
        }

        #[test]
        fn nothing_panics(text in "(-----BEGIN PGP SIGNED MESSAGE-----|Hash: |-----(BEGIN|END) PGP SIGNATURE-----|- |-|\r|\n| |x){0,30}") {
            let _ = SignedText::parse(&text);
        }
    }
}
