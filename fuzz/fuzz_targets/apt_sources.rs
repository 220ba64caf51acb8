//! apt's lists of archives, in both forms: reading ends, and every archive has an address and a suite to ask for.

#![no_main]

use dumbc::deb::{parse_deb822, parse_one_line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(sources) = parse_one_line(text) {
        assert!(sources.iter().all(|source| source.uris.len() == 1 && source.suites.len() == 1));
    }
    if let Ok(sources) = parse_deb822(text) {
        for source in sources {
            let words = source.uris.iter().chain(&source.suites).chain(&source.components);
            assert!(words.into_iter().all(|word| !word.is_empty() && !word.contains(char::is_whitespace)));
        }
    }
});
