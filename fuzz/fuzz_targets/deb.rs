//! Whatever stands in a package, reading it ends; what is kept of it is a tree without surprises, whose entries lie in folders of its own and
//! whose files are where its listing says.
//!
//! Input that begins as an ar archive is a package; any other is the files of a package that is good otherwise.

#![no_main]

use std::io::{self, Read};
use std::sync::LazyLock;

use dumbc::cache::DecoderBudget;
use dumbc::channel::debian::read_deb;
use dumbc::deb::DebSink;
use dumbc::image::codec::Codec;
use dumbc::image::tar::{BLOCK, Kind, TAIL, padding, write_header};
use dumbc::image::tree::Metadata;
use dumbc::nix::Sha256;
use dumbc::store::{DebIdentity, FragmentKey, LastMember, Pool, Store};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

const CONTROL: &[u8] = b"Package: ours\nVersion: 1\nArchitecture: all\n";

static POOL: LazyLock<Pool> = LazyLock::new(|| Pool::new(1));

static STORE: LazyLock<Store> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("dumbc-fuzz-{}", std::process::id()));
    Store::open(&folder, true).expect("a store of its own")
});

static BUDGET: LazyLock<DecoderBudget> = LazyLock::new(DecoderBudget::default);

// Headers have checksums, which mutation alone would never get past; some stay wrong.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let size = fuzzer_mutate(data, size, max_size);
    if seed % 8 != 0 && !data.starts_with(b"!<arch>") {
        data[..size].chunks_exact_mut(BLOCK).filter(|block| block[257..].starts_with(b"ustar")).for_each(mend);
    }
    size
});

/// Puts the checksum of a header right.
fn mend(header: &mut [u8]) {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
}

fuzz_target!(|input: &[u8]| {
    let identity = DebIdentity {
        name: "ours".parse().expect("a name"),
        version: "1".parse().expect("a version"),
        architecture: "all".to_owned(),
        installed_size: 0,
    };
    let mut writer = STORE.write_deb(&POOL, Codec::None, &identity).expect("the store works");
    let outcome = if input.starts_with(b"!<arch>") {
        read_deb(&mut &*input, &BUDGET, &mut writer).map_err(io::Error::other)
    } else {
        writer.control(&mut &control()[..]).and_then(|()| writer.data(&mut &*input))
    };
    if outcome.is_err() {
        return;
    }
    let fragment = writer.finish(&STORE, FragmentKey::deb(&Sha256::of(b"the same place"))).expect("the store works");
    STORE.facts(&fragment).expect("facts are readable");
    let listing = STORE.listing(&fragment).expect("a whole tree");
    let extents = STORE.extents(&fragment).expect("a listing");
    let mut last = LastMember::default();
    for (path, extent) in extents {
        let size = usize::try_from(extent.size).expect("what was read fits into memory");
        let bytes = STORE.read_at(&fragment, extent.offset, size, &mut last).expect("the fragment is whole");
        assert_eq!(bytes.len(), size, "{path}");
        assert!(listing.get(&path).is_some());
    }
});

/// A control archive that is good.
fn control() -> Vec<u8> {
    let mut tar = Vec::new();
    let size = CONTROL.len() as u64;
    write_header(&mut tar, b"control", Kind::File(size), Metadata::root(0o644));
    CONTROL.chain(padding(size)).chain(&TAIL[..]).read_to_end(&mut tar).expect("memory");
    tar
}
