//! Whatever another tool's file holds, reading ends, requests are requests, and what a Nix file becomes is TOML.

#![no_main]

use dumbc::config::Request;
use dumbc::import::{Kind, nix, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for kind in Kind::ALL {
        if let Ok(imported) = read(kind, text, "file") {
            assert!(imported.requests().iter().all(|(request, _)| Request::parse(request, None).is_ok()));
        }
    }
    for name in ["system.nix", "users.nix", "home.nix", "other.nix"] {
        if let Ok(converted) = nix::convert(text, name, "nixos-unstable") {
            assert!(converted.text.parse::<toml::Table>().is_ok(), "{}", converted.text);
        }
    }
});
