//! PEM, as leniently as what reads keys elsewhere: lines of any length, other blocks before.

use data_encoding::BASE64;

use super::Error;

/// One block.
pub(super) struct Block {
    /// `PRIVATE KEY`
    pub(super) label: String,
    pub(super) content: Vec<u8>,
}

/// The first block whose label `wanted` takes; an error that names the first one where it takes none.
pub(super) fn block(text: &str, wanted: impl Fn(&str) -> bool) -> Result<Block, Error> {
    let (mut rest, mut other) = (text, None);
    while let Some((_, begun)) = rest.split_once("-----BEGIN ") {
        let (label, body) = begun.split_once("-----").ok_or(Error::NoPem)?;
        let (content, after) = body.split_once(&format!("-----END {label}-----")).ok_or(Error::NoPem)?;
        if wanted(label) {
            let plain = content.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<_>>();
            let content = BASE64.decode(&plain).map_err(|_| Error::Malformed)?;
            return Ok(Block { label: label.to_owned(), content });
        }
        other.get_or_insert_with(|| label.chars().filter(|c| !c.is_control()).take(60).collect());
        rest = after;
    }
    Err(other.map_or(Error::NoPem, Error::OtherPem))
}
