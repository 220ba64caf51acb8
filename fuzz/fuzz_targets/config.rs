//! The three files, one NUL byte between them: whatever they hold, checking ends with a machine or with findings that
//! point into the text.

#![no_main]

use dumbc::config::{Diagnostic, Severity, Sources, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut files = text.splitn(3, '\0').map(str::to_owned);
    let sources = Sources { system: files.next(), users: files.next(), home: files.next() };
    let loaded = parse(&sources);
    let is_error = |finding: &Diagnostic| finding.severity == Severity::Error;
    assert_eq!(loaded.machine.is_none(), loaded.diagnostics.iter().any(is_error));
    for place in loaded.diagnostics.iter().chain(&loaded.inactive).filter_map(|finding| finding.place.as_ref()) {
        let (line, _) = place.line_column();
        assert!(line <= place.source.split('\n').count());
        assert!(place.source.get(place.clamped()).is_some(), "a place ends inside of a character");
    }
});
