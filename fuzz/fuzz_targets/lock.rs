//! What is read as a lock prints to a text that reads the same and prints the same; what is refused has a place in the text.

#![no_main]

use dumbc::channel::{Changes, Lock};
use dumbc::config::System;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let lock = match Lock::parse(text) {
        Ok(lock) => lock,
        Err(error) => {
            for place in error.diagnostics().iter().filter_map(|finding| finding.place.as_ref()) {
                assert!(place.source.get(place.clamped()).is_some(), "a place ends inside of a character");
            }
            return;
        }
    };
    let printed = lock.print();
    let again = Lock::parse(&printed).expect("what was printed is read");
    assert_eq!(again, lock);
    assert_eq!(again.print(), printed);
    assert!(Changes::between(&lock, &again).is_empty());
    for system in System::ALL {
        if let Ok(closure) = lock.closure(lock.roots(system)) {
            assert!(closure.iter().all(|path| lock.packages.contains_key(path)));
        }
    }
});
