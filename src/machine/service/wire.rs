//! What goes over the service's socket: documents with their length before them, and after a request to add, a NAR.
//!
//! Lengths are 32 bits, big-endian. A request is answered by any number of [`Reply`]s, the last of which is an answer or a refusal.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::failure::Class;
use crate::nix::StorePath;

/// Most bytes of a document.
pub const MAX_DOCUMENT: usize = 1 << 20;

/// Most bytes of a NAR that is sent: its files, and what each entry costs.
pub const MAX_NAR: u64 = 256 << 20;

/// What a client asks. Who asks is what the kernel says of the socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Store paths with all that they need, from the machine's caches.
    Fetch {
        /// Which.
        paths: Vec<StorePath>,
    },
    /// A part of a home; its NAR follows.
    Add {
        /// `home-path`, `home-source`, or `home-` and the caller's name.
        name: String,
        /// What it may refer to: all in the store already.
        references: Vec<StorePath>,
        /// Bytes of the NAR.
        size: u64,
    },
    /// Puts everything that a generation needs on the volume.
    Keep {
        /// The generation.
        generation: StorePath,
    },
    /// Makes a generation the live one.
    Commit {
        /// The generation.
        generation: StorePath,
        /// Whose; the caller's where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
    },
    /// Makes an earlier generation the live one, or the image's.
    Select {
        /// Which.
        target: Target,
    },
    /// The caller's generations.
    List {},
    /// Drops what nothing needs.
    Collect {
        /// Says only what would go.
        dry_run: bool,
    },
}

/// An earlier generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Target {
    /// The one before the live one; before a user's first is the image's.
    Previous,
    /// The one with this number.
    Number(u64),
    /// The image's.
    Image,
}

/// What the service says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// A stage begins.
    Begin {
        /// What is done.
        stage: String,
        /// Bytes of it.
        total: Option<u64>,
    },
    /// So many more bytes of it are done.
    Advance(u64),
    /// Something to tell the user.
    Note(String),
    /// Something that may be wrong.
    Warn(String),
    /// The end: it is done.
    Done(Answer),
    /// The end: it is not.
    Refused(Refusal),
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// All paths are there.
    Fetched {
        /// How many came.
        paths: usize,
        /// Bytes of their NARs.
        bytes: u64,
    },
    /// It is in the store.
    Added {
        /// Here.
        path: StorePath,
    },
    /// It is on the volume.
    Kept {
        /// Paths of the image that were copied for it.
        copied: usize,
    },
    /// This generation is live.
    Live {
        /// Its number; `None`: the image's.
        number: Option<u64>,
        /// The generation.
        generation: StorePath,
    },
    /// The caller's generations.
    Generations {
        /// By number.
        all: std::collections::BTreeMap<u64, StorePath>,
        /// The live one; `None`: the image's.
        current: Option<u64>,
        /// The image's.
        image: StorePath,
    },
    /// What went, or would go.
    Collected(Collected),
}

/// What a collection removed, or would.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Collected {
    /// Generations that went, by user.
    pub generations: std::collections::BTreeMap<String, Vec<u64>>,
    /// Store paths that went.
    pub paths: usize,
    /// Bytes of their NARs.
    pub bytes: u64,
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
#[error("{message}")]
pub struct Refusal {
    /// [`Class::name`]
    pub class: String,
    /// A line.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl crate::failure::Classified for Refusal {
    fn class(&self) -> Class {
        let all = [
            Class::Usage,
            Class::UnknownName,
            Class::StaleLock,
            Class::Network,
            Class::Trust,
            Class::Credentials,
            Class::Differs,
        ];
        all.into_iter().find(|class| class.name() == self.class).unwrap_or(Class::Other)
    }

    fn help(&self) -> Option<String> {
        self.help.clone()
    }
}

/// Writes a document.
pub fn write(output: &mut impl Write, document: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_vec(document)?;
    let length = u32::try_from(text.len()).ok().filter(|length| *length as usize <= MAX_DOCUMENT);
    let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the document is too large"))?;
    let mut framed = length.to_be_bytes().to_vec();
    framed.extend(text);
    output.write_all(&framed)?;
    output.flush()
}

/// Reads a document; `None` where the other side has ended between two.
pub fn read<T: DeserializeOwned>(input: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match input.read(&mut length)? {
        0 => return Ok(None),
        count => input.read_exact(length.get_mut(count..).unwrap_or_default())?,
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_DOCUMENT {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a document of {length} bytes is too large")));
    }
    let mut text = Vec::new();
    input.take(length as u64).read_to_end(&mut text)?;
    if text.len() != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(serde_json::from_slice(&text)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_follow_each_other() {
        let mut bytes = Vec::new();
        let all = [Request::List {}, Request::Select { target: Target::Number(3) }, Request::Collect { dry_run: true }];
        for request in &all {
            write(&mut bytes, request).unwrap();
        }
        let mut input = &bytes[..];
        let back: Vec<Request> = std::iter::from_fn(|| read(&mut input).unwrap()).collect();
        assert_eq!(back, all);
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let refused = |bytes: &[u8]| read::<Request>(&mut &bytes[..]).is_err();
        assert!(refused(&u32::MAX.to_be_bytes()));
        assert!(refused(&[0, 0]) && refused(&[0, 0, 0, 9, b'{']) && refused(&[0, 0, 0, 2, b'{', b'}']));
        let deep = "[".repeat(100_000);
        let mut bytes = u32::try_from(deep.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend(deep.as_bytes());
        assert!(refused(&bytes));
        let outside = br#"{"fetch":{"paths":["/etc/shadow"]}}"#;
        let mut bytes = u32::try_from(outside.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend(outside);
        assert!(refused(&bytes));
    }
}
