//! A signed text, or a bare Release file: reading ends, and what is signed is never more than what stands in the envelope.

#![no_main]

use dumbc::deb::{Release, SignedText};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(signed) = SignedText::parse(text) {
        assert!(signed.text.lines().all(|line| text.contains(line)));
        assert_eq!(signed.canonical.split(|&byte| byte == b'\n').count(), signed.text.lines().count().max(1));
        let _ = Release::parse(&signed.text);
    }
    if let Ok(release) = Release::parse(text) {
        assert_eq!(release.component_names().count(), release.components.len());
        assert!(!release.separate_all || release.architectures.iter().any(|name| name == "all"));
    }
});
