//! Packages that mean harm, signed as they should be: refused, with package and path, and nothing of them kept.

use std::fs;

use tar::EntryType;

use super::{nothing_is_kept, project};
use crate::support::debian::{Deb, DebArchive};

fn evil() -> Deb {
    Deb::new("evil", "1").file("./usr/share/evil", "harmless so far")
}

/// Builds a machine of this package; that must fail with the package's name and all of this.
fn refused(deb: &Deb, says: &[&str]) {
    let archive = DebArchive::of(std::slice::from_ref(deb));
    let project = project(&archive, r#"["evil"]"#, "");
    let said = project.dumbc(&["build"]).fails(6);
    said.says(&["`evil`"]).says(says);
    nothing_is_kept(&project);
}

#[test]
fn paths_that_lead_out_are_refused() {
    for path in ["/etc/passwd", "./../etc/passwd", "../../x", ".//etc/passwd", "./usr/.."] {
        refused(&evil().file(path, "root::0:0"), &[path]);
    }
    // The folder before it is refused already.
    refused(&evil().file("./usr/../../x", "root::0:0"), &["`./usr/..`", "component"]);
    refused(&evil().file("./usr/./x", "root::0:0"), &["`./usr/.`", "component"]);
}

#[test]
fn names_that_mean_something_to_layers_are_refused() {
    for path in ["./usr/.wh.bin", "./.wh..wh..opq", "./usr/lib/.wh..wh..opq"] {
        refused(&evil().file(path, ""), &[&path[2..]]);
    }
}

#[test]
fn devices_and_pipes_are_refused() {
    for kind in [EntryType::Block, EntryType::Char, EntryType::Fifo] {
        refused(&evil().entry("./dev/sda", kind, 0o666, (0, 0)), &["dev/sda", "device, FIFO or socket"]);
    }
}

#[test]
fn links_that_climb_out_are_refused() {
    refused(&evil().link("./usr/lib/out -> ../../../etc"), &["usr/lib/out", "climbs out of the root"]);
    refused(&evil().link("./lib -> ../elsewhere"), &["lib"]);
    refused(&evil().link("./bin -> tmp"), &["bin", "leads elsewhere than into /usr"]);
    refused(
        &evil().hard_link("./usr/shadow -> ./etc/shadow"),
        &["usr/shadow", "etc/shadow", "no file that the package has brought before"],
    );
    refused(&evil().hard_link("./usr/x -> ../../etc/shadow"), &["usr/x"]);
}

#[test]
fn nothing_is_written_through_a_package_s_own_links() {
    refused(&evil().link("./usr/share/out -> /etc").file("./usr/share/out/passwd", "root::0:0"), &["usr/share/out"]);
    refused(&evil().file("./usr/share/evil/below", "x"), &["usr/share/evil"]);
    refused(&evil().file("./usr/share/evil", "twice"), &["usr/share/evil"]);
    // The alias and the folder behind it are one place.
    refused(&evil().file("./lib/one", "a").file("./usr/lib/one", "b"), &["usr/lib/one"]);
    refused(&evil().file("./var/lib/dpkg/info/evil.list", "lies"), &["var/lib/dpkg/info/evil.list"]);
}

#[test]
fn more_than_a_package_says_is_not_unpacked() {
    let archive = DebArchive::of(&[]);
    let bomb = evil().sparse("./usr/share/zeros", 300 << 20);
    archive.publish("bookworm", &[bomb.field("Installed-Size", "1")]);
    let project = project(&archive, r#"["evil"]"#, "");
    project.dumbc(&["build"]).fails(6).says(&["`evil`", "MiB unpacked"]);
    nothing_is_kept(&project);
}

#[test]
fn broken_packages_are_refused() {
    let whole = evil().build();
    let at = |text: &[u8]| whole.windows(text.len()).position(|window| window == text).unwrap();
    let renamed = |from: &str, to: &str| {
        let (mut bytes, start) = (whole.clone(), at(from.as_bytes()));
        bytes[start..start + to.len()].copy_from_slice(to.as_bytes());
        bytes
    };
    let cases: [(Vec<u8>, &str); 9] = [
        (whole[..whole.len() - 20].to_vec(), "data.tar.xz"),
        (whole[..at(b"data.tar.xz")].to_vec(), "ar"),
        (b"!<arch>\n".to_vec(), "debian-binary"),
        (b"PK\x03\x04 another archive".to_vec(), "ar archive"),
        (renamed("2.0\n", "3.0\n"), "its format is `3.0`"),
        (renamed("control.tar.gz", "control.tar.xy"), "control.tar.xy"),
        (renamed("data.tar.xz", "date.tar.xz"), "date.tar.xz"),
        ([&whole[..], b"more than there is"].concat(), "ar"),
        (Vec::new(), "ar"),
    ];
    for (bytes, says) in cases {
        let archive = DebArchive::of(&[]);
        archive.publish_index("bookworm", &archive.index_of(&evil(), &bytes), "");
        let project = project(&archive, r#"["evil"]"#, "");
        project.dumbc(&["build"]).fails(6).says(&["`evil`", says]);
        nothing_is_kept(&project);
    }
}

#[test]
fn an_index_does_not_lead_out_of_its_mirror() {
    for file in [
        "../../../../etc/passwd",
        "/etc/passwd",
        "pool/../../x.deb",
        "http://example.org/x.deb",
        "pool/%2e%2e/x.deb",
        "",
    ] {
        let archive = DebArchive::of(&[]);
        let index = archive.index(&[evil()]).replace(&evil().file_name(), file);
        archive.publish_index("bookworm", &index, "");
        let project = project(&archive, r#"["evil"]"#, "");
        let said = project.dumbc(&["build"]).run();
        assert!(matches!(said.code, Some(5 | 6)), "{file}: {said}");
        nothing_is_kept(&project);
    }
}

#[test]
fn scripts_are_never_run() {
    let archive = DebArchive::of(&[]);
    let witness = archive.path().join("ran");
    let script = format!("#!/bin/sh\ntouch {0}\n$(touch {0})\necho `touch {0}`\n", witness.display());
    let deb = evil()
        .member("preinst", &script)
        .member("postinst", &script)
        .member("prerm", &script)
        .member("config", &script);
    archive.publish("bookworm", &[deb]);
    let project = project(&archive, r#"["evil"]"#, "");
    project.dumbc(&["build"]).run();
    assert!(!fs::exists(&witness).unwrap());
}
