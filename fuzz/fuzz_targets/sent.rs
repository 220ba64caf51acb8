//! A NAR that a user hands to the store service: it lies in its folder as it was sent, or nothing is left of it; and nothing lies
//! beside it.

#![no_main]

use std::fs;
use std::path::Path;

use dumbc::image::ImagePath;
use dumbc::image::nar::tree_nar_hash;
use dumbc::image::walk::{WalkOptions, walk};
use dumbc::machine::service::{discard, unpack_sent};
use dumbc::nix::Sha256;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a folder");
    let target = folder.path().join("x");
    let mut rest = input;
    let unpacked = unpack_sent(&mut rest, &target);
    let names: Vec<_> =
        fs::read_dir(folder.path()).expect("read").map(|entry| entry.expect("entry").file_name()).collect();
    assert!(names.iter().all(|name| name == "x"), "{names:?}");
    if unpacked.is_ok() {
        if let Ok(tree) = walk(&target, &ImagePath::default(), &WalkOptions::default()) {
            let read = &input[..input.len() - rest.len()];
            let (hash, size) = tree_nar_hash(&tree, &ImagePath::default()).expect("a NAR");
            assert_eq!((hash, size), (Sha256::of(read), read.len() as u64));
        }
    }
    if !names.is_empty() {
        discard(&target).expect("it can be removed");
    }
    assert!(!target.exists());
});
