//! Compression of layers in independent members, so that a blob is its pieces one after the other.
//!
//! Deterministic: a block's encoding depends on its bytes and the codec alone, not on threads or on what came before. That
//! holds for exact versions of the compressors, which `Cargo.toml` pins and [`Codec::id`] names.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::str::FromStr;

use libdeflater::{CompressionLvl, Compressor, Decompressor};

/// How layers are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// gzip members, at libdeflate's level 1 to 12.
    Gzip(u8),
    /// zstd frames, at level 1 to 19.
    Zstd(u8),
    /// As it is.
    None,
}

impl Default for Codec {
    fn default() -> Self {
        Self::Gzip(5)
    }
}

impl Codec {
    /// Bytes of tar that go into one member. Members cut by size alone, so that no thread count shows in the bytes.
    #[must_use]
    pub const fn block_size(self) -> usize {
        match self {
            Self::Gzip(_) | Self::None => 1 << 20,
            Self::Zstd(_) => 4 << 20,
        }
    }

    /// Names the codec, its level and the compressor's version: part of every fragment's key and file name.
    #[must_use]
    pub fn id(self) -> String {
        match self {
            Self::Gzip(level) => format!("gzip{level}-libdeflate1.26"),
            Self::Zstd(level) => format!("zstd{level}-1.5.7"),
            Self::None => "tar".to_owned(),
        }
    }

    /// An encoder of its own for one thread.
    pub fn encoder(self) -> Result<Encoder, CodecError> {
        Ok(Encoder(match self {
            Self::Gzip(level) => {
                let level = CompressionLvl::new(level.into()).map_err(|_| CodecError::Level(self))?;
                EncoderState::Gzip(Compressor::new(level))
            }
            Self::Zstd(level) => EncoderState::Zstd(Box::new(zstd::bulk::Compressor::new(level.into())?)),
            Self::None => EncoderState::None,
        }))
    }

    /// A decoder of its own for one thread.
    pub fn decoder(self) -> Result<Decoder, CodecError> {
        Ok(Decoder(match self {
            Self::Gzip(_) => DecoderState::Gzip(Decompressor::new()),
            Self::Zstd(_) => DecoderState::Zstd(Box::new(zstd::bulk::Decompressor::new()?)),
            Self::None => DecoderState::None,
        }))
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gzip(level) => write!(formatter, "gzip:{level}"),
            Self::Zstd(level) => write!(formatter, "zstd:{level}"),
            Self::None => formatter.write_str("none"),
        }
    }
}

/// How a layer of anybody's is compressed, whatever made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// gzip, in one member or several.
    Gzip,
    /// zstd, in one frame or several.
    Zstd,
}

impl Packing {
    /// What a layer's media type says, OCI's or Docker's; `None` where it is no layer's that can be read.
    #[must_use]
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        match media_type {
            "application/vnd.oci.image.layer.v1.tar" | "application/vnd.docker.image.rootfs.diff.tar" => {
                Some(Self::Plain)
            }
            "application/vnd.oci.image.layer.v1.tar+gzip" | "application/vnd.docker.image.rootfs.diff.tar.gzip" => {
                Some(Self::Gzip)
            }
            "application/vnd.oci.image.layer.v1.tar+zstd" | "application/vnd.docker.image.rootfs.diff.tar.zstd" => {
                Some(Self::Zstd)
            }
            _ => None,
        }
    }

    /// Whether a blob packed so can stand in a stream that `codec` makes: its members are the stream's then.
    #[must_use]
    pub const fn fits(self, codec: Codec) -> bool {
        matches!(
            (self, codec),
            (Self::Plain, Codec::None) | (Self::Gzip, Codec::Gzip(_)) | (Self::Zstd, Codec::Zstd(_))
        )
    }
}

impl From<Codec> for Packing {
    fn from(codec: Codec) -> Self {
        match codec {
            Codec::Gzip(_) => Self::Gzip,
            Codec::Zstd(_) => Self::Zstd,
            Codec::None => Self::Plain,
        }
    }
}

/// The text names no codec.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no compression: give gzip, gzip:1 to gzip:12, zstd, zstd:1 to zstd:19, or none")]
pub struct ParseCodecError(String);

impl FromStr for Codec {
    type Err = ParseCodecError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || ParseCodecError(text.to_owned());
        let (name, level) = text.split_once(':').map_or((text, None), |(name, level)| (name, Some(level)));
        let level = level.map(|digits| digits.parse::<u8>().map_err(|_| refused())).transpose()?;
        match (name, level) {
            ("gzip", None) => Ok(Self::default()),
            ("gzip", Some(level @ 1..=12)) => Ok(Self::Gzip(level)),
            ("zstd", None) => Ok(Self::Zstd(3)),
            ("zstd", Some(level @ 1..=19)) => Ok(Self::Zstd(level)),
            ("none", None) => Ok(Self::None),
            _ => Err(refused()),
        }
    }
}

/// What a compressor or decompressor refuses.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The compressor has no such level.
    #[error("no such compression level: {0}")]
    Level(Codec),
    /// A member does not decode to the bytes that were recorded.
    #[error("a compressed member is damaged")]
    Damaged,
    /// From zstd.
    #[error(transparent)]
    Zstd(#[from] std::io::Error),
}

/// Encodes blocks; one a thread.
pub struct Encoder(EncoderState);

enum EncoderState {
    Gzip(Compressor),
    Zstd(Box<zstd::bulk::Compressor<'static>>),
    None,
}

impl Encoder {
    /// Appends the member that encodes `block` to `out`.
    pub fn encode(&mut self, block: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
        let start = out.len();
        match &mut self.0 {
            EncoderState::Gzip(compressor) => {
                out.resize(start + compressor.gzip_compress_bound(block.len()), 0);
                let written = compressor.gzip_compress(block, &mut out[start..]).map_err(|_| CodecError::Damaged)?;
                out.truncate(start + written);
            }
            EncoderState::Zstd(compressor) => {
                out.resize(start + zstd::zstd_safe::compress_bound(block.len()), 0);
                let written = compressor.compress_to_buffer(block, &mut out[start..])?;
                out.truncate(start + written);
            }
            EncoderState::None => out.extend_from_slice(block),
        }
        Ok(())
    }
}

/// A thread's encoders, one for each codec that it meets: a new one costs half a megabyte of fresh memory.
#[derive(Default)]
pub struct Encoders(BTreeMap<Codec, Encoder>);

impl Encoders {
    /// Appends the member that encodes `block` to `out`.
    pub fn encode(&mut self, codec: Codec, block: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
        let encoder = match self.0.entry(codec) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(codec.encoder()?),
        };
        encoder.encode(block, out)
    }
}

/// Decodes members; one a thread.
pub struct Decoder(DecoderState);

enum DecoderState {
    Gzip(Decompressor),
    Zstd(Box<zstd::bulk::Decompressor<'static>>),
    None,
}

impl Decoder {
    /// Decodes one member, which must yield exactly `size` bytes, into `out` (replacing what it held).
    pub fn decode(&mut self, member: &[u8], size: usize, out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.resize(size, 0);
        let written = match &mut self.0 {
            DecoderState::Gzip(decompressor) => {
                decompressor.gzip_decompress(member, out).map_err(|_| CodecError::Damaged)?
            }
            DecoderState::Zstd(decompressor) => decompressor.decompress_to_buffer(member, &mut out[..])?,
            DecoderState::None => {
                if member.len() != size {
                    return Err(CodecError::Damaged);
                }
                out.copy_from_slice(member);
                size
            }
        };
        if written == size { Ok(()) } else { Err(CodecError::Damaged) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nix::Sha256;

    /// A block that compresses like a program: runs, repeats and noise, the same on every machine.
    fn block() -> Vec<u8> {
        let mut state = 1u32;
        (0..300_000u32)
            .map(|index| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if index % 7 < 4 { (index / 97).to_le_bytes()[0] } else { state.to_be_bytes()[0] }
            })
            .collect()
    }

    #[test]
    fn golden_digests_catch_a_compressor_that_changes() {
        let digest = |codec: Codec| {
            let mut out = Vec::new();
            codec.encoder().unwrap().encode(&block(), &mut out).unwrap();
            Sha256::of(&out).hex()[..16].to_owned()
        };
        assert_eq!(digest(Codec::Gzip(1)), "468edd0f8d72e0a7");
        assert_eq!(digest(Codec::Gzip(5)), "79e9a8f2a70a15d0");
        assert_eq!(digest(Codec::Gzip(9)), "353d2e18315adad8");
        assert_eq!(digest(Codec::Zstd(3)), "772bd090459593aa");
    }

    #[test]
    fn members_decode_to_what_they_encode() {
        for codec in [Codec::Gzip(1), Codec::Gzip(12), Codec::Zstd(3), Codec::Zstd(19), Codec::None] {
            let (mut encoder, mut decoder) = (codec.encoder().unwrap(), codec.decoder().unwrap());
            for block in [&b""[..], b"x", &block()] {
                let (mut member, mut back) = (Vec::new(), Vec::new());
                encoder.encode(block, &mut member).unwrap();
                decoder.decode(&member, block.len(), &mut back).unwrap();
                assert_eq!(back, block);
                assert!(decoder.decode(&member, block.len() + 1, &mut back).is_err());
            }
        }
    }

    #[test]
    fn an_encoder_keeps_no_state_between_blocks() {
        for codec in [Codec::Gzip(5), Codec::Zstd(3)] {
            let (mut fresh, mut used) = (Vec::new(), Vec::new());
            codec.encoder().unwrap().encode(&block(), &mut fresh).unwrap();
            let mut encoder = codec.encoder().unwrap();
            encoder.encode(b"something before", &mut Vec::new()).unwrap();
            encoder.encode(&block(), &mut used).unwrap();
            assert_eq!(fresh, used);
        }
    }

    #[test]
    fn names_parse_and_print() {
        assert_eq!("gzip".parse::<Codec>().unwrap().to_string(), "gzip:5");
        assert_eq!("zstd:19".parse::<Codec>().unwrap(), Codec::Zstd(19));
        assert_eq!("none".parse::<Codec>().unwrap(), Codec::None);
        for refused in ["", "gzip:0", "gzip:13", "zstd:20", "none:1", "xz", "gzip:-1"] {
            assert!(refused.parse::<Codec>().is_err(), "{refused}");
        }
    }
}
