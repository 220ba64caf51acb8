//! Reads narinfos.

use std::fmt::Display;

use super::{Compression, NarInfo, NarInfoError};
use crate::nix::{ParseStorePathError, PathInfo, Sha256, Signature, StorePath};

/// Every field as far as it has been seen.
#[derive(Default)]
struct Fields {
    store_path: Option<StorePath>,
    url: Option<String>,
    compression: Option<Compression>,
    file_hash: Option<Sha256>,
    file_size: Option<u64>,
    nar_hash: Option<Sha256>,
    nar_size: Option<u64>,
    references: Option<Vec<StorePath>>,
    deriver: Option<Deriver>,
    system: Option<String>,
    signatures: Vec<Signature>,
    content_address: Option<String>,
}

/// A derivation, or the statement that it is unknown.
struct Deriver(Option<StorePath>);

pub(super) fn parse(text: &[u8]) -> Result<NarInfo, NarInfoError> {
    if text.len() > NarInfo::MAX_SIZE {
        return Err(NarInfoError::TooLarge { size: text.len() });
    }
    let mut fields = Fields::default();
    for (index, bytes) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let line = index + 1;
        let bytes = bytes.strip_suffix(b"\n").ok_or(NarInfoError::Truncated { line })?;
        let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains(char::is_control));
        let (field, value) =
            split(text.ok_or(NarInfoError::NotText { line })?).ok_or(NarInfoError::NoField { line })?;
        fields.set(line, field, value)?;
    }
    fields.finish()
}

fn split(line: &str) -> Option<(&str, &str)> {
    let (field, value) = line.split_once(':')?;
    if field.is_empty() {
        return None;
    }
    Some((field, if value.is_empty() { value } else { value.strip_prefix(' ')? }))
}

impl Fields {
    fn set(&mut self, line: usize, field: &str, value: &str) -> Result<(), NarInfoError> {
        match field {
            "StorePath" => once(&mut self.store_path, line, "StorePath", value.parse()),
            "URL" => once(&mut self.url, line, "URL", word(value)),
            "Compression" => once(&mut self.compression, line, "Compression", value.parse()),
            "FileHash" => once(&mut self.file_hash, line, "FileHash", value.parse()),
            "FileSize" => once(&mut self.file_size, line, "FileSize", number(value)),
            "NarHash" => once(&mut self.nar_hash, line, "NarHash", value.parse()),
            "NarSize" => once(&mut self.nar_size, line, "NarSize", number(value).and_then(not_zero)),
            "References" => once(&mut self.references, line, "References", references(value)),
            "Deriver" => once(&mut self.deriver, line, "Deriver", deriver(value)),
            "System" => once(&mut self.system, line, "System", word(value)),
            "CA" => once(&mut self.content_address, line, "CA", word(value)),
            "Sig" => {
                let signature = value.parse().map_err(|error| malformed(line, "Sig", &error))?;
                self.signatures.push(signature);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn finish(self) -> Result<NarInfo, NarInfoError> {
        let missing = NarInfoError::Missing;
        Ok(NarInfo {
            info: PathInfo {
                path: self.store_path.ok_or(missing("StorePath"))?,
                nar_hash: self.nar_hash.ok_or(missing("NarHash"))?,
                nar_size: self.nar_size.ok_or(missing("NarSize"))?,
                references: self.references.unwrap_or_default(),
                signatures: self.signatures,
                content_address: self.content_address,
            },
            url: self.url.ok_or(missing("URL"))?,
            compression: self.compression.unwrap_or(Compression::Bzip2),
            file_hash: self.file_hash,
            // Nix writes 0 for what it doesn't know.
            file_size: self.file_size.filter(|&size| size > 0),
            deriver: self.deriver.and_then(|Deriver(path)| path),
            system: self.system,
        })
    }
}

fn once<T, E: Display>(
    slot: &mut Option<T>,
    line: usize,
    field: &'static str,
    value: Result<T, E>,
) -> Result<(), NarInfoError> {
    if slot.is_some() {
        return Err(NarInfoError::Duplicate { line, field });
    }
    *slot = Some(value.map_err(|error| malformed(line, field, &error))?);
    Ok(())
}

fn malformed(line: usize, field: &'static str, reason: &dyn Display) -> NarInfoError {
    NarInfoError::Malformed { line, field, reason: reason.to_string() }
}

fn word(value: &str) -> Result<String, &'static str> {
    if value.is_empty() {
        Err("it is empty")
    } else if value.contains(char::is_whitespace) {
        Err("it holds a space")
    } else {
        Ok(value.to_owned())
    }
}

fn number(value: &str) -> Result<u64, &'static str> {
    // `parse` would take a sign.
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|_| digits).ok_or("it is not a number of bytes")
}

fn not_zero(size: u64) -> Result<u64, &'static str> {
    if size == 0 { Err("it is zero, and no NAR is empty") } else { Ok(size) }
}

fn references(value: &str) -> Result<Vec<StorePath>, ParseStorePathError> {
    value.split(' ').filter(|name| !name.is_empty()).map(StorePath::from_base_name).collect()
}

fn deriver(value: &str) -> Result<Deriver, ParseStorePathError> {
    if value == "unknown-deriver" {
        return Ok(Deriver(None));
    }
    StorePath::from_base_name(value).map(|path| Deriver(Some(path)))
}
