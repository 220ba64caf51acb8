//! Packages made by hand, good and bad.

use std::io::Write as _;

use super::*;

/// Keeps what it gets.
#[derive(Default)]
struct Kept(Vec<Vec<u8>>);

impl DebSink for Kept {
    fn control(&mut self, tar: &mut dyn Read) -> io::Result<()> {
        self.0.push(Vec::new());
        tar.read_to_end(&mut self.0[0]).map(drop)
    }

    fn data(&mut self, tar: &mut dyn Read) -> io::Result<()> {
        self.0.push(Vec::new());
        tar.read_to_end(&mut self.0[1]).map(drop)
    }
}

fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    for (name, content) in members {
        archive.extend_from_slice(format!("{name:<16}{:<32}{:<10}`\n", "0", content.len()).as_bytes());
        archive.extend_from_slice(content);
        archive.extend_from_slice(if content.len() % 2 == 1 { b"\n" } else { b"" });
    }
    archive
}

fn read(members: &[(&str, &[u8])]) -> Result<Vec<Vec<u8>>, DebError> {
    let mut kept = Kept::default();
    let archive = ar(members);
    let mut input = &archive[..];
    read_deb(&mut input, &DecoderBudget::default(), &mut kept)?;
    assert!(input.is_empty(), "the input is read to its end");
    Ok(kept.0)
}

fn pack(suffix: &str, content: &[u8]) -> Vec<u8> {
    let lzma = || {
        let options = liblzma::stream::LzmaOptions::new_preset(1).unwrap();
        liblzma::stream::Stream::new_lzma_encoder(&options).unwrap()
    };
    match suffix {
        ".gz" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(content).unwrap();
            encoder.finish().unwrap()
        }
        ".xz" | ".lzma" => {
            let mut encoder = match suffix {
                ".xz" => liblzma::write::XzEncoder::new(Vec::new(), 1),
                _ => liblzma::write::XzEncoder::new_stream(Vec::new(), lzma()),
            };
            encoder.write_all(content).unwrap();
            encoder.finish().unwrap()
        }
        ".zst" => zstd::encode_all(content, 1).unwrap(),
        ".bz2" => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            encoder.write_all(content).unwrap();
            encoder.finish().unwrap()
        }
        _ => content.to_vec(),
    }
}

#[test]
fn every_compression_of_dpkgs_is_read() {
    for control in ["", ".gz", ".xz", ".zst"] {
        for data in ["", ".gz", ".xz", ".zst", ".bz2", ".lzma"] {
            let (one, other) = (format!("control.tar{control}"), format!("data.tar{data}"));
            let members = [
                ("debian-binary", b"2.0\nand more\n".to_vec()),
                ("_signature", b"x".to_vec()),
                (&*one, pack(control, b"control")),
                ("_more", vec![]),
                (&*other, pack(data, b"the data")),
                ("_gpgorigin", b"xyz".to_vec()),
            ];
            let members = members.each_ref().map(|(name, content)| (*name, &content[..]));
            assert_eq!(read(&members).unwrap(), [&b"control"[..], b"the data"], "{control} {data}");
        }
    }
}

#[test]
fn anything_else_is_refused_by_name() {
    let binary = ("debian-binary", &b"2.0\n"[..]);
    let (control, data) = (("control.tar", &b"c"[..]), ("data.tar", &b"d"[..]));
    let refused = |members: &[(&str, &[u8])]| {
        let error = read(members).unwrap_err();
        assert_eq!((error.is_content(), error.class()), (true, Class::Trust));
        error.to_string()
    };
    let order = |found: &str, expected: &str| format!("no Debian package: `{found}` stands where {expected} should");
    assert_eq!(refused(&[]), order("the end", "debian-binary"));
    assert_eq!(refused(&[control, data]), order("control.tar", "debian-binary"));
    assert_eq!(refused(&[binary, data]), order("data.tar", "control.tar"));
    assert_eq!(refused(&[binary, control]), order("the end", "data.tar"));
    assert_eq!(refused(&[binary, control, control]), order("control.tar", "data.tar"));
    assert_eq!(refused(&[binary, control, data, data]), order("data.tar", "the end"));
    assert_eq!(refused(&[("debian-binary", b"3.0\n")]), "its format is `3.0`, and only 2.0 is known");
    assert_eq!(refused(&[("debian-binary", b"2.\n")]), "its format is `2.`, and only 2.0 is known");
    assert!(refused(&[binary, ("control.tar.bz2", b"")]).contains("`control.tar.bz2` is compressed in a way"));
    assert!(refused(&[binary, control, ("data.tar.br", b"")]).contains("`data.tar.br` is compressed in a way"));
    assert_eq!(refused(&[binary, ("control.tar.xz", b"no xz")]), "`control.tar.xz`");
}

#[test]
fn faults_of_the_sink_and_of_the_input_are_told_apart() {
    struct Full;
    impl DebSink for Full {
        fn control(&mut self, _tar: &mut dyn Read) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn data(&mut self, _tar: &mut dyn Read) -> io::Result<()> {
            Ok(())
        }
    }
    let archive = ar(&[("debian-binary", b"2.0\n"), ("control.tar", b"c"), ("data.tar", b"d")]);
    let budget = DecoderBudget::default();
    let error = read_deb(&mut &archive[..], &budget, &mut Full).unwrap_err();
    assert!(!error.is_content() && matches!(error, DebError::Content { ref member, .. } if member == "control.tar"));
    let mut cut = (&archive[..]).take(archive.len() as u64 - 2);
    assert!(read_deb(&mut cut, &budget, &mut Kept::default()).unwrap_err().is_content());
}
