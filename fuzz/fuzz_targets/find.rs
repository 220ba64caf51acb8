//! An image that somebody wrote: looking for a file in it ends, twice the same.

#![no_main]

use std::io::Write as _;
use std::path::Path;

use dumbc::image::check::find_file;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let memory = Path::new("/dev/shm");
    let mut file =
        if memory.is_dir() { tempfile::NamedTempFile::new_in(memory) } else { tempfile::NamedTempFile::new() }
            .expect("a file");
    file.write_all(input).expect("written");
    let find = || find_file(file.path(), "etc/dumbc/boot.json").map_err(|error| error.to_string());
    assert_eq!(find(), find());
});
