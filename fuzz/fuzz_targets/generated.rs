//! What generators read of packages' files: whatever stands there, they end, twice the same, and write below their own folders.
//!
//! The input is four files, `\n==\n` between them: a control file, `ld.so.conf`, a certificate, a library.

#![no_main]

use std::collections::BTreeMap;

use dumbc::config::System;
use dumbc::deb::{Paragraphs, parse_groups, parse_provided, parse_targets, write_groups};
use dumbc::image::ImagePath;
use dumbc::image::tree::{Metadata, Node, Tree};
use dumbc::root::debian::certificates::certificates;
use dumbc::root::debian::ld_cache::ld_cache;
use dumbc::root::debian::{Action, sysusers, tmpfiles};
use dumbc::root::view::{NO_PACKAGES, View};
use libfuzzer_sys::fuzz_target;

const BETWEEN: &[u8] = b"\n==\n";

fuzz_target!(|input: &[u8]| {
    let (control, rest) = split(input);
    let (conf, rest) = split(rest);
    let (certificate, library) = split(rest);
    relations(control);
    declarations(&String::from_utf8_lossy(control));
    let tree = tree(conf, certificate, library);
    let packages = BTreeMap::new();
    let trees = [&tree];
    let view = View { trees: &trees, packages: &packages, merged: &NO_PACKAGES };
    let read = |_: &ImagePath, _: u64, _: usize| Ok(None);
    for system in [System::X86_64Linux, System::Aarch64Linux] {
        let make = || ld_cache(view, system, "fuzzer", &read).map_err(|error| error.to_string());
        let made = make();
        assert_eq!(made, make());
        if let Ok(Some(cache)) = made {
            assert!(cache.bytes.starts_with(b"glibc-ld.so.cache1.1"));
        }
    }
    let make = || certificates(view, &read).map_err(|error| error.to_string());
    let made = make();
    assert_eq!(made, make());
    for path in made.ok().flatten().into_iter().flat_map(|made| made.tree.into_keys()) {
        let text = path.as_bytes();
        assert!(text.starts_with(b"etc/ssl/certs") || text == b"etc/ca-certificates.conf", "{path}");
    }
});

/// What stands before and behind the first mark.
fn split(input: &[u8]) -> (&[u8], &[u8]) {
    match input.windows(BETWEEN.len()).position(|window| window == BETWEEN) {
        Some(at) => (&input[..at], &input[at + BETWEEN.len()..]),
        None => (input, b""),
    }
}

/// Relations that are read print to what reads the same.
fn relations(control: &[u8]) {
    let mut paragraphs = Paragraphs::new(control);
    while let Ok(Some(paragraph)) = paragraphs.next_paragraph() {
        for (_, value) in paragraph.fields() {
            if let Ok(groups) = parse_groups(value) {
                assert_eq!(parse_groups(&write_groups(&groups)), Ok(groups));
            }
            let _ = (parse_targets(value), parse_provided(value));
        }
    }
}

/// The same text as `sysusers.d` and `tmpfiles.d`.
fn declarations(text: &str) {
    for action in sysusers::parse(text).into_iter().chain(tmpfiles::actions(text)) {
        match action {
            Action::Metadata { path, .. }
            | Action::Directory { path, .. }
            | Action::File { path, .. }
            | Action::Symlink { path, .. } => assert!(path.starts_with('/'), "{path}"),
            _ => {}
        }
    }
}

fn tree(conf: &[u8], certificate: &[u8], library: &[u8]) -> Tree {
    let files: [(&str, &[u8]); 6] = [
        ("etc/ld.so.conf", conf),
        ("usr/lib/libours.so.1", library),
        ("usr/sbin/update-ca-certificates", b"#!/bin/sh\n"),
        ("usr/share/ca-certificates/theirs.crt", certificate),
        ("usr/share/ca-certificates-java/readme", b""),
        ("usr/local/share/ca-certificates/ours.crt", certificate),
    ];
    let file = |(path, content): (&str, &[u8])| {
        let path = ImagePath::new(path.as_bytes()).expect("a path");
        (path, (Metadata::root(0o644), Node::File(content.to_vec())))
    };
    files.into_iter().map(file).collect()
}
