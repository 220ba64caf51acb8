//! A NAR that the reader accepts, laid into a layer as a store path, comes back from the layer with its hash and size.

#![no_main]

use std::io::{self, Read};
use std::sync::LazyLock;

use dumbc::image::invert::{FoundPath, find_store_paths};
use dumbc::image::tar::{Kind, TAIL, padding, write_header};
use dumbc::image::tree::Metadata;
use dumbc::nix::nar::{NarEntry, NarKind, NarReader};
use dumbc::nix::{Sha256, StorePath};
use libfuzzer_sys::fuzz_target;

static PATH: LazyLock<StorePath> =
    LazyLock::new(|| StorePath::from_parts([7; 20], "fuzzed-1.0").expect("the name is good"));

fuzz_target!(|archive: &[u8]| {
    let Ok(layer) = layer(archive) else { return };
    let mut found = Vec::new();
    find_store_paths(&*layer, |_, _| Ok(()), |path| found.push(path)).expect("a layer of ours can be inverted");
    let expected = FoundPath { path: PATH.clone(), nar_hash: Sha256::of(archive), nar_size: archive.len() as u64 };
    assert_eq!(found, [expected]);
});

/// The archive as the only store path of a layer.
fn layer(archive: &[u8]) -> io::Result<Vec<u8>> {
    let mut layer = Vec::new();
    let mut reader = NarReader::new(archive);
    while let Some(NarEntry { path, kind }) = reader.next_entry()? {
        let mut name = format!("nix/store/{}", PATH.base_name()).into_bytes();
        if !path.is_empty() {
            name.push(b'/');
            name.extend_from_slice(&path);
        }
        match kind {
            NarKind::Directory => write_header(&mut layer, &name, Kind::Directory, Metadata::root(0o555)),
            NarKind::Symlink { target } => {
                write_header(&mut layer, &name, Kind::Symlink(&target), Metadata::root(0o777));
            }
            NarKind::Regular { executable, size } => {
                let mode = if executable { 0o555 } else { 0o444 };
                write_header(&mut layer, &name, Kind::File(size), Metadata::root(mode));
                reader.read_to_end(&mut layer)?;
                layer.extend_from_slice(padding(size));
            }
        }
    }
    layer.extend_from_slice(&TAIL);
    Ok(layer)
}
