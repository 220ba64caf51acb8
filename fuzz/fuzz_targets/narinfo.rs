//! What is parsed prints to something that parses to the same, and nothing passes for signed that was not.

#![no_main]

use std::sync::LazyLock;

use dumbc::nix::{ContentAddress, NarInfo, PublicKey, SecretKey, Trust, Unsigned};
use libfuzzer_sys::fuzz_target;

/// The corpus is not signed by this key.
static KEY: LazyLock<PublicKey> =
    LazyLock::new(|| SecretKey::generate("fuzz-1", [1; 32]).expect("the name is good").public_key());

fuzz_target!(|text: &[u8]| {
    let Ok(info) = NarInfo::parse(text) else { return };
    let printed = info.print();
    let again = NarInfo::parse(printed.as_bytes()).expect("what was printed parses");
    assert_eq!(again, info);
    assert_eq!(again.print(), printed);
    let path = info.info.path.clone();
    let Ok(verified) = info.verify(std::slice::from_ref(&*KEY), &path, Unsigned::AcceptContentAddressed) else {
        return;
    };
    match verified.trust() {
        Trust::Signed(key) => panic!("{key} signed nothing"),
        Trust::ContentAddressed(address) => {
            let claimed: ContentAddress =
                verified.info().content_address.as_deref().expect("claimed").parse().expect("parsed before");
            assert_eq!(*address, claimed);
        }
    }
});
