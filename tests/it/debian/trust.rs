//! What is not signed as it must be, or not what was signed: refused with exit code 6, and nothing of it kept.

use std::fs;

use super::{hello, nothing_is_kept, project, write_system};
use crate::support::debian::{Deb, DebArchive, key};
use crate::support::openpgp::Key;
use crate::support::project::Project;

/// An archive after something was done to its InRelease.
fn with_release(change: impl Fn(String) -> String) -> DebArchive {
    let archive = DebArchive::of(&hello());
    let path = archive.path().join("dists/bookworm/InRelease");
    let text = change(fs::read_to_string(&path).unwrap());
    fs::write(&path, text).unwrap();
    archive
}

/// The text inside of a cleartext signature.
fn signed_text(document: &str) -> String {
    let start = document.find("\n\n").unwrap() + 2;
    document[start..document.find("-----BEGIN PGP SIGNATURE-----").unwrap()].to_owned()
}

/// Builds; that must fail and say all of this.
fn refused(archive: &DebArchive, says: &[&str]) -> Project {
    let project = project(archive, r#"["hello"]"#, "");
    project.dumbc(&["build"]).fails(6).says(says);
    nothing_is_kept(&project);
    assert!(!project.path("dumbc.lock").exists());
    project
}

#[test]
fn an_archive_without_a_signature_is_refused() {
    let archive = with_release(|document| signed_text(&document));
    refused(&archive, &["`bookworm`", "is not"]);
    let plain = DebArchive::of(&hello());
    let release = plain.path().join("dists/bookworm/InRelease");
    let text = signed_text(&fs::read_to_string(&release).unwrap());
    fs::remove_file(&release).unwrap();
    fs::write(release.with_file_name("Release"), text).unwrap();
    refused(&plain, &["the suite `bookworm` at", "is not signed", "`keyring` must name the keys"]);
}

#[test]
fn a_detached_signature_is_as_good_and_must_hold_too() {
    let archive = DebArchive::of(&hello());
    let release = archive.path().join("dists/bookworm/InRelease");
    let text = signed_text(&fs::read_to_string(&release).unwrap());
    fs::remove_file(&release).unwrap();
    fs::write(release.with_file_name("Release"), &text).unwrap();
    fs::write(release.with_file_name("Release.gpg"), key().detached(text.as_bytes())).unwrap();
    project(&archive, r#"["hello"]"#, "").build("1.tar.gz", &[]);
    fs::write(release.with_file_name("Release"), text + "\n").unwrap();
    refused(&archive, &["is not to be trusted"]);
}

#[test]
fn a_signature_by_another_key_does_not_count() {
    let stranger = Key::generate();
    let archive = with_release(|document| stranger.clearsign(&signed_text(&document)));
    refused(&archive, &["the suite `bookworm` at", "is not to be trusted", "`keyring` must name the keys"]);
}

#[test]
fn a_changed_release_file_is_refused() {
    let archive = with_release(|document| document.replace("Version: 12.12", "Version: 12.13"));
    refused(&archive, &["is not to be trusted"]);
}

#[test]
fn text_outside_of_the_signature_is_refused() {
    let before = with_release(|document| format!("Origin: Evil\n{document}"));
    refused(&before, &["is not to be trusted"]);
    let after = with_release(|document| format!("{document}\nOrigin: Evil\n"));
    refused(&after, &["is not to be trusted"]);
    let header = with_release(|document| document.replacen("\n\n", "\nOrigin: Evil\n\n", 1));
    refused(&header, &["is not to be trusted"]);
}

#[test]
fn another_suite_than_the_one_asked_for_is_refused() {
    let archive = DebArchive::of(&[]);
    archive.publish("trixie", &hello());
    fs::rename(archive.path().join("dists/trixie"), archive.path().join("dists/gone")).unwrap();
    fs::remove_dir_all(archive.path().join("dists/bookworm")).unwrap();
    fs::rename(archive.path().join("dists/gone"), archive.path().join("dists/bookworm")).unwrap();
    refused(&archive, &["has another suite where `bookworm` should be", "trixie"]);
}

#[test]
fn a_suite_does_not_go_back_in_time() {
    let archive = DebArchive::of(&hello());
    let release = archive.path().join("dists/bookworm/InRelease");
    let (old, index) = (fs::read(&release).unwrap(), release.with_file_name("main/binary-amd64/Packages.xz"));
    let packed = fs::read(&index).unwrap();
    archive.publish_on("bookworm", &hello(), "Sun, 02 Nov 2025 10:00:00 UTC");
    let project = project(&archive, r#"["hello"]"#, "");
    project.dumbc(&["lock"]).ok();
    fs::write(&release, old).unwrap();
    fs::write(&index, packed).unwrap();
    project.dumbc(&["update"]).fails(6).says(&["went back in time", "2025-11-01", "2025-11-02"]);
}

#[test]
fn an_index_is_what_the_release_file_says() {
    let archive = DebArchive::of(&hello());
    let index = archive.path().join("dists/bookworm/main/binary-amd64/Packages.xz");
    let good = fs::read(&index).unwrap();
    let mut changed = good.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    for (bytes, says) in [
        (changed, "expected sha256:"),
        ([&good[..], b"x"].concat(), "found more"),
        (good[..9].to_vec(), "found 9 bytes"),
    ] {
        fs::write(&index, bytes).unwrap();
        refused(&archive, &["the index bookworm/main/amd64", "is not what it must be", says]);
    }
    fs::remove_file(&index).unwrap();
    refused(&archive, &["bookworm/main/amd64", "has no dists/bookworm/main/binary-amd64/Packages.xz"]);
}

#[test]
fn a_package_is_what_its_index_says() {
    let archive = DebArchive::of(&hello());
    let deb = archive.path().join(hello()[1].file_name());
    let good = fs::read(&deb).unwrap();
    let mut changed = good.clone();
    *changed.last_mut().unwrap() ^= 1;
    let longer = [&good[..], &good[..]].concat();
    for (bytes, says) in
        [(changed, "expected sha256:"), (longer, "found more"), (good[..100].to_vec(), "found 100 bytes")]
    {
        fs::write(&deb, bytes).unwrap();
        let project = project(&archive, r#"["libgreet1"]"#, "");
        let name = hello()[1].file_name();
        project.dumbc(&["build"]).fails(6).says(&[
            &name,
            "package `libgreet1`",
            "is not what it must be",
            says,
            "try again",
        ]);
        nothing_is_kept(&project);
        // The same with the right file goes well: nothing bad was remembered.
        fs::write(&deb, &good).unwrap();
        project.build("1.tar.gz", &[]);
    }
}

#[test]
fn a_mirror_with_a_bad_file_is_passed_over_for_one_with_a_good_one() {
    let (bad, good) = (DebArchive::of(&hello()), DebArchive::of(&hello()));
    let deb = bad.path().join(hello()[1].file_name());
    fs::write(&deb, "not a package").unwrap();
    let project = Project::new();
    let mirrors = format!(r#"["{}", "{}"]"#, bad.path().display(), good.path().display());
    super::write_channel(&project, &bad, r#""bookworm""#, &mirrors, r#"["hello"]"#);
    let built = project.build("1.tar.gz", &[]);
    write_system(&project, &good, r#"["hello"]"#, "");
    assert_eq!(project.build("2.tar.gz", &[]).image_id(), built.image_id());
}

#[test]
fn an_index_that_lies_about_a_package_is_caught() {
    let real = Deb::new("hello", "1.0").file("./usr/share/hello", "x");
    for (field, true_value, lie) in
        [("Package", "hello", "sudo"), ("Version", "1.0", "9.0"), ("Architecture", "amd64", "all")]
    {
        let archive = DebArchive::of(std::slice::from_ref(&real));
        let index = archive.index(std::slice::from_ref(&real));
        archive.publish_index(
            "bookworm",
            &index.replace(&format!("{field}: {true_value}\n"), &format!("{field}: {lie}\n")),
            "",
        );
        let name = if field == "Package" { lie } else { "hello" };
        let project = project(&archive, &format!("[\"{name}\"]"), "");
        let says = ["the index is wrong", field, lie, true_value, name];
        project.dumbc(&["build"]).fails(6).says(&says);
        nothing_is_kept(&project);
    }
}

#[test]
fn a_keyring_that_is_none_is_said() {
    let archive = DebArchive::of(&hello());
    let project = project(&archive, r#"["hello"]"#, "");
    fs::write(archive.keyring(), "no keys").unwrap();
    project.dumbc(&["build"]).fails(2).says(&["keyring.gpg", "can't be used as a keyring"]);
    fs::remove_file(archive.keyring()).unwrap();
    project.dumbc(&["build"]).fails(2).says(&["keyring.gpg"]);
}

#[test]
fn an_index_that_can_not_be_read_is_refused() {
    let archive = DebArchive::of(&hello());
    let good = archive.index(&hello());
    let cases = [
        good.replace("Version: 2.10-3\n", ""),
        good.replace("Version: 2.10-3\n", "Version: not a version\n"),
        good.replace("Package: hello\n", "Package: ../hello\n"),
        good.replace("SHA256: ", "MD5sum: "),
        good.replace("\nSize: ", "\nSize: -"),
        good.replace("Depends: libgreet1 (>= 1.0)", "Depends: libgreet1 (~~ 1.0"),
        "\u{1}\u{2} no paragraphs".to_owned(),
    ];
    for index in cases {
        assert_ne!(index, good);
        archive.publish_index("bookworm", &index, "");
        let project = project(&archive, r#"["hello"]"#, "");
        let said = project.dumbc(&["build"]).run();
        assert!(matches!(said.code, Some(2 | 3 | 6)) && !said.stderr.contains("panicked"), "{said}\n{index}");
        nothing_is_kept(&project);
    }
}

#[test]
fn a_release_file_that_can_not_be_used_is_refused() {
    let archive = DebArchive::of(&hello());
    let index = archive.index(&hello());
    for (field, says) in [("Date: once upon a time\n", "Date"), ("Valid-Until: never\n", "Valid-Until")] {
        archive.publish_index("bookworm", &index, field);
        refused(&archive, &["the Release file of `bookworm`", "can't be used", says]);
    }
}
