use std::io::Write as _;

use super::*;

const ALL: [Compression; 6] =
    [Compression::None, Compression::Xz, Compression::Zstd, Compression::Bzip2, Compression::Brotli, Compression::Gzip];

/// An uncompressed meta-block behind a header for a window of 64 KiB, then the end: brotli has no encoder here.
fn brotli_stored(content: &[u8]) -> Vec<u8> {
    let mut out = vec![];
    let mut bits: u32 = 0;
    let mut count = 0;
    let mut put = |out: &mut Vec<u8>, value: u32, width: u32| {
        bits |= value << count;
        count += width;
        while count >= 8 {
            out.push(u8::try_from(bits & 255).expect("masked"));
            bits >>= 8;
            count -= 8;
        }
        (bits, count)
    };
    put(&mut out, 0, 1);
    put(&mut out, 0, 1);
    put(&mut out, 0, 2);
    put(&mut out, u32::try_from(content.len() - 1).expect("short"), 16);
    let (_, left) = put(&mut out, 1, 1);
    put(&mut out, 0, (8 - left) % 8);
    out.extend_from_slice(content);
    out.push(3);
    out
}

fn encode(compression: Compression, content: &[u8]) -> Vec<u8> {
    match compression {
        Compression::None | Compression::Lzip | Compression::Lz4 => content.to_vec(),
        Compression::Xz => {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
            encoder.write_all(content).expect("written");
            encoder.finish().expect("finished")
        }
        Compression::Zstd => zstd::encode_all(content, 3).expect("encoded"),
        Compression::Bzip2 => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
            encoder.write_all(content).expect("written");
            encoder.finish().expect("finished")
        }
        Compression::Brotli => brotli_stored(content),
        Compression::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(content).expect("written");
            encoder.finish().expect("finished")
        }
    }
}

fn decode(compression: Compression, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let budget = DecoderBudget::default();
    let mut reader = decoder(compression, Box::new(bytes), 1 << 20, &budget).map_err(|fault| fault.to_string())?;
    let mut out = Vec::new();
    reader.read_to_end(&mut out).map_err(|fault| fault.to_string())?;
    Ok(out)
}

fn content() -> Vec<u8> {
    (0..60_000u32).flat_map(|number| [u8::try_from(number % 251).expect("small")]).collect()
}

#[test]
fn every_compression_decodes() {
    for compression in ALL {
        assert_eq!(decode(compression, &encode(compression, &content())), Ok(content()), "{compression:?}");
    }
}

#[test]
fn streams_may_follow_each_other() {
    for compression in [Compression::Xz, Compression::Zstd, Compression::Bzip2, Compression::Gzip] {
        let twice = [encode(compression, b"one"), encode(compression, &content())].concat();
        assert_eq!(decode(compression, &twice), Ok([b"one", content().as_slice()].concat()), "{compression:?}");
    }
}

#[test]
fn garbage_behind_a_stream_is_an_error() {
    for compression in ALL.into_iter().filter(|&compression| compression != Compression::None) {
        let mut bytes = encode(compression, &content());
        bytes.extend_from_slice(b"garbage!");
        assert!(decode(compression, &bytes).is_err(), "{compression:?}");
    }
}

#[test]
fn a_stream_cut_off_anywhere_is_an_error() {
    for compression in ALL.into_iter().filter(|&compression| compression != Compression::None) {
        let bytes = encode(compression, &content());
        for length in [0, 1, 5, 11, 13, bytes.len() / 2, bytes.len() - 1] {
            let decoded = decode(compression, &bytes[..length]);
            assert!(decoded.as_ref().map_or(true, |bytes| bytes.len() < content().len()), "{compression:?} {length}");
            if length > 0 {
                assert!(decoded.is_err(), "{compression:?} cut at {length} of {}", bytes.len());
            }
        }
    }
}

#[test]
fn too_wide_a_window_is_refused_by_name() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).expect("an encoder");
    encoder.window_log(29).expect("512 MiB");
    encoder.write_all(&[0; 1000]).expect("written");
    let bytes = encoder.finish().expect("finished");
    let budget = DecoderBudget::default();
    let fault = decoder(Compression::Zstd, Box::new(&bytes[..]), 3 << 30, &budget).err().expect("refused");
    assert!(fault.to_string().contains("needs a 512 MiB window"), "{fault}");
    let mut small = Vec::new();
    decoder(Compression::Zstd, Box::new(&bytes[..]), 1000, &budget)
        .expect("a small file never uses it")
        .read_to_end(&mut small)
        .expect("decoded");
    assert_eq!(small, [0; 1000]);
}

#[test]
fn unsupported_compressions_are_named() {
    let budget = DecoderBudget::default();
    let fault = decoder(Compression::Lzip, Box::new(&b"LZIP"[..]), 1, &budget).err().expect("refused");
    assert!(fault.to_string().contains("`lzip` is not supported"), "{fault}");
    assert!(super::content(Some("compress"), Box::new(&b""[..]), 1).is_err());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    /// Hostile bytes give an error or bytes, and never more of them than are asked for.
    #[test]
    fn damaged_streams_end(which in 0..ALL.len(), at in 0usize..400, bytes: [u8; 3], noise: Vec<u8>) {
        let mut damaged = encode(ALL[which], &content());
        let at = at.min(damaged.len() - 3);
        damaged[at..at + 3].copy_from_slice(&bytes);
        for input in [damaged, noise] {
            let budget = DecoderBudget::default();
            if let Ok(reader) = decoder(ALL[which], Box::new(&input[..]), 1 << 16, &budget) {
                let _ = reader.take(1 << 20).read_to_end(&mut Vec::new());
            }
        }
    }
}
