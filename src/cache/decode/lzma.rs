//! LZMA's first container, which xz replaced: packages of the years between have it.

use std::io::{self, BufReader, Cursor, Read};

use super::{DecodeError, Decoded, DecoderBudget, LARGEST_WINDOW, OVERHEAD};

/// Properties, dictionary size, size of the content.
const HEADER: usize = 13;

/// Decodes `input`, a `.lzma` file. Waits for memory.
pub fn lzma_decoder<'a>(
    mut input: Box<dyn Read + 'a>,
    budget: &'a DecoderBudget,
) -> Result<Box<dyn Read + 'a>, DecodeError> {
    let mut head = Vec::with_capacity(HEADER);
    input.by_ref().take(HEADER as u64).read_to_end(&mut head)?;
    let [_, a, b, c, d, ..] = head[..] else { return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()) };
    let window = u64::from(u32::from_le_bytes([a, b, c, d]));
    if window > LARGEST_WINDOW {
        return Err(DecodeError::Window { name: "lzma", window });
    }
    let lease = budget.lease(window + OVERHEAD);
    let stream = liblzma::stream::Stream::new_lzma_decoder(window + OVERHEAD).map_err(io::Error::from)?;
    let input = BufReader::with_capacity(1 << 17, Cursor::new(head).chain(input));
    Ok(Box::new(Decoded { reader: Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream)), _lease: lease }))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn decode(bytes: &[u8]) -> Result<Vec<u8>, String> {
        let budget = DecoderBudget::default();
        let mut reader = lzma_decoder(Box::new(bytes), &budget).map_err(|error| error.to_string())?;
        let mut content = Vec::new();
        reader.read_to_end(&mut content).map(|_| content).map_err(|error| error.to_string())
    }

    #[test]
    fn content_comes_back_and_wide_windows_are_refused() {
        let options = liblzma::stream::LzmaOptions::new_preset(6).expect("a preset");
        let stream = liblzma::stream::Stream::new_lzma_encoder(&options).expect("an encoder");
        let mut encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
        let content = b"abc".repeat(10_000);
        encoder.write_all(&content).expect("written");
        let mut packed = encoder.finish().expect("finished");
        assert_eq!(decode(&packed), Ok(content));
        assert!(decode(&packed[..packed.len() - 1]).is_err());
        assert!(decode(&packed[..12]).is_err());
        packed[4] = 0x7f;
        assert!(decode(&packed).expect_err("too wide").contains("lzma stream needs a"));
    }
}
