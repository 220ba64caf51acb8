//! Whatever an index holds, reading ends, and questions to it are answered or refused.

#![no_main]

use dumbc::channel::{Attribute, Index, Limits, LookupError};
use dumbc::config::{Outputs, System};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits { line: 1 << 12, size: 1 << 16, kept: 1 << 16 };

fuzz_target!(|text: &[u8]| {
    let Ok(index) = Index::read(text, LIMITS) else { return };
    for name in ["git", "python3", "a.b", ""] {
        let attribute = Attribute::parse(name);
        assert_eq!(Attribute::parse(&attribute.to_string()), attribute);
        for system in System::ALL {
            for version in [None, Some("3"), Some("3.12")] {
                match index.find(&attribute, version, system) {
                    Ok(package) => {
                        for outputs in [Outputs::Default, Outputs::All, Outputs::Named(vec!["dev".to_owned()])] {
                            assert!(package.choose(&outputs).map_or(true, |chosen| !chosen.is_empty()));
                        }
                    }
                    Err(LookupError::Unknown { nearest }) => assert!(nearest.len() <= 3),
                    Err(_) => {}
                }
            }
        }
    }
});
