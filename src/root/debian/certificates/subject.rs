//! The number by which OpenSSL finds a certificate in a folder: a hash of its subject in canonical spelling.
//!
//! The canonical spelling (OpenSSL's `X509_NAME_hash`, from 1.0 on): every string as UTF-8, ASCII letters small, white space
//! trimmed and each run of it one space; the name's sets one after the other, without the sequence around them.

use der::{AnyRef, Decode as _, Reader as _, SliceReader, Tag, Tagged as _};
use sha1::{Digest as _, Sha1};

/// Parts of a name that are more than any real one's.
const MAX_PARTS: usize = 1000;
const UTF8_STRING: u8 = 0x0c;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

/// The first eight characters of the link's name: `a94d09e5`; `None` where `certificate` (DER) is none.
pub(super) fn hash(certificate: &[u8]) -> Option<String> {
    let mut reader = SliceReader::new(certificate).ok()?;
    let whole = inner(reader.tlv_bytes().ok()?, Tag::Sequence)?;
    let signed = inner(items(whole)?.first()?, Tag::Sequence)?;
    let mut fields = items(signed)?.into_iter().peekable();
    // A version stands only where it isn't 1, with a tag of its own.
    fields.next_if(|field| inner(field, Tag::Integer).is_none());
    // Serial number, algorithm, issuer, validity; the subject is fifth.
    let subject = inner(fields.nth(4)?, Tag::Sequence)?;
    let digest = Sha1::digest(canonical(subject)?);
    let first = digest.first_chunk::<4>()?;
    Some(format!("{:08x}", u32::from_le_bytes(*first)))
}

/// Whether nothing follows the certificate, as OpenSSL's own words of trust may.
pub(super) fn ends(certificate: &[u8]) -> bool {
    AnyRef::from_der(certificate).is_ok()
}

/// The values one after the other in `bytes`, each with its tag and length.
fn items(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut reader = SliceReader::new(bytes).ok()?;
    let mut items = Vec::new();
    while !reader.is_finished() {
        if items.len() == MAX_PARTS {
            return None;
        }
        items.push(reader.tlv_bytes().ok()?);
    }
    Some(items)
}

/// What a value holds, if it is a `tag`.
fn inner(value: &[u8], tag: Tag) -> Option<&[u8]> {
    AnyRef::from_der(value).ok().filter(|any| any.tag() == tag).map(AnyRef::value)
}

/// A name's sets in canonical spelling.
fn canonical(name: &[u8]) -> Option<Vec<u8>> {
    let mut canonical = Vec::new();
    for set in items(name)? {
        let parts = items(inner(set, Tag::Set)?)?;
        let mut parts: Vec<Vec<u8>> = parts.into_iter().map(part).collect::<Option<_>>()?;
        parts.sort();
        canonical.extend(encoded(SET, &parts.concat()));
    }
    Some(canonical)
}

/// One attribute: what it is, and its value.
fn part(part: &[u8]) -> Option<Vec<u8>> {
    let fields = items(inner(part, Tag::Sequence)?)?;
    let [kind, value] = fields.as_slice() else { return None };
    let value = canonical_value(value)?;
    Some(encoded(SEQUENCE, &[kind, value.as_slice()].concat()))
}

/// A value in canonical spelling, if it is text: with its tag and length. `None` where it is damaged.
fn canonical_value(value: &[u8]) -> Option<Vec<u8>> {
    let any = AnyRef::from_der(value).ok()?;
    let bytes = any.value();
    let text = match any.tag() {
        Tag::Utf8String => String::from_utf8(bytes.to_vec()).ok()?,
        Tag::BmpString => {
            let (units, rest) = bytes.as_chunks::<2>();
            let units = units.iter().map(|unit| u16::from_be_bytes(*unit));
            let text: Option<String> = char::decode_utf16(units).collect::<Result<_, _>>().ok();
            text.filter(|_| rest.is_empty())?
        }
        Tag::PrintableString | Tag::TeletexString | Tag::Ia5String | Tag::VisibleString => {
            bytes.iter().copied().map(char::from).collect()
        }
        _ => return Some(value.to_vec()),
    };
    Some(encoded(UTF8_STRING, spelled(&text).as_bytes()))
}

/// Trimmed, white space as single spaces, ASCII letters small.
fn spelled(text: &str) -> String {
    // Only ASCII's white space counts, with the vertical tab.
    let words = text.split(|character: char| character.is_ascii_whitespace() || character == '\u{b}');
    let words: Vec<String> = words.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect();
    words.join(" ")
}

/// A value with its tag and length.
fn encoded(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len().to_be_bytes();
    let length = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let mut bytes = vec![tag];
    match (value.len(), length.len()) {
        (short @ 0..=127, _) => bytes.push(u8::try_from(short).unwrap_or(0)),
        (_, count) => {
            bytes.push(0x80 | u8::try_from(count).unwrap_or(0));
            bytes.extend(length);
        }
    }
    bytes.extend(value);
    bytes
}
