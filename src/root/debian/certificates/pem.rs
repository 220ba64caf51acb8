//! Certificates as text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN ";
/// What OpenSSL takes for a certificate; the last one has more behind the certificate itself.
const LABELS: [&str; 3] = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"];
/// No file of one authority has as many.
const MAX_CERTIFICATES: usize = 1000;

/// The certificates of a file as DER, in order; those whose base64 is damaged as `None`.
pub(super) fn certificates(text: &[u8]) -> Vec<Option<Vec<u8>>> {
    let text = String::from_utf8_lossy(text);
    let mut certificates = Vec::new();
    let mut rest: &str = &text;
    while let Some((label, body)) = next_block(&mut rest) {
        if LABELS.contains(&label) && certificates.len() < MAX_CERTIFICATES {
            let encoded: String = body.chars().filter(|character| !character.is_ascii_whitespace()).collect();
            certificates.push(STANDARD.decode(encoded).ok());
        }
    }
    certificates
}

/// The next block's label and what stands between its lines; `rest` goes on behind it.
fn next_block<'a>(rest: &mut &'a str) -> Option<(&'a str, &'a str)> {
    let (_, begun) = rest.split_once(BEGIN)?;
    let (label, inner) = begun.split_once("-----")?;
    // A block that nothing ends is damaged, and ends where the next one begins.
    let end = inner.find("-----").unwrap_or(inner.len());
    let (body, behind) = inner.split_at(end);
    *rest = behind;
    Some((label, body))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blocks_are_found_among_anything() {
        let text = "# An authority\r\n-----BEGIN CERTIFICATE-----\r\nAQI\nD\r\n-----END CERTIFICATE-----\n\
            -----BEGIN RSA PRIVATE KEY-----\nAQID\n-----END RSA PRIVATE KEY-----\n\
            -----BEGIN TRUSTED CERTIFICATE-----\nBA==\n-----END TRUSTED CERTIFICATE-----\n\
            -----BEGIN CERTIFICATE-----\n?\n";
        assert_eq!(certificates(text.as_bytes()), [Some(vec![1, 2, 3]), Some(vec![4]), None]);
        assert_eq!(certificates(b"-----BEGIN CERTIFICATE"), [] as [Option<Vec<u8>>; 0]);
    }

    proptest! {
        #[test]
        fn nothing_panics(pieces in prop::collection::vec("(-----(BEGIN|END) CERTIFICATE-----|[A-Z=-]{0,8}|\n)", 0..20)) {
            certificates(pieces.concat().as_bytes());
        }
    }
}
