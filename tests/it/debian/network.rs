//! Archives over HTTP: what breaks on the way, and what changes in between.

use std::fs;

use super::{hello, nothing_is_kept, write_channel};
use crate::support::debian::{Deb, DebArchive};
use crate::support::image::Archive;
use crate::support::project::{Project, noise};
use crate::support::server::{Fault, Server};

fn over(archive: &DebArchive, server: &Server, packages: &str) -> Project {
    let project = Project::new();
    write_channel(&project, archive, r#""bookworm""#, &server.url(""), packages);
    project
}

fn library() -> String {
    format!("/{}", hello()[1].file_name())
}

#[test]
fn a_download_that_breaks_off_is_taken_up_again() {
    let data = noise(7, 200_000);
    let large = Deb::new("large", "1").bytes("./usr/share/large", &data);
    let path = format!("/{}", large.file_name());
    let archive = DebArchive::of(&[large]);
    let server = Server::start().folder(archive.path()).fault(&path, Fault::CutAt(150_000)).fault(&path, Fault::Close);
    let project = over(&archive, &server, r#"["large"]"#);
    let image = Archive::read(&project.build("1.tar.gz", &[]).path);
    assert!(super::entry(&image, "usr/share/large").content == crate::support::image::Content::File(data));
    let ranges: Vec<_> = server.seen().into_iter().filter_map(|seen| seen.headers.get("range").cloned()).collect();
    assert!(ranges.contains(&"bytes=150000-".to_owned()), "{ranges:?}");
}

#[test]
fn a_byte_that_changes_on_the_way_is_noticed() {
    let archive = DebArchive::of(&hello());
    let server = Server::start().folder(archive.path()).fault(&library(), Fault::Flip(200));
    let project = over(&archive, &server, r#"["libgreet1"]"#);
    project.dumbc(&["build"]).fails(6).says(&["libgreet1", "is not what it must be"]);
    nothing_is_kept(&project);
    project.build("1.tar.gz", &[]);
}

#[test]
fn a_server_that_is_ill_or_gone_is_said() {
    let archive = DebArchive::of(&hello());
    let server = Server::start().folder(archive.path());
    let project = over(&archive, &server, r#"["hello"]"#);
    project.dumbc(&["lock"]).ok();
    let address = server.url("");
    drop(server);
    project.dumbc(&["build", "--locked"]).fails(5).says(&[address.trim_start_matches("http://")]);
    project.dumbc(&["update"]).fails(5);
    nothing_is_kept(&project);
    let wanting = Server::start().folder(archive.path()).password("user:secret");
    let project = over(&archive, &wanting, r#"["hello"]"#);
    let said = project.dumbc(&["build"]).fails(7);
    assert!(!said.stderr.contains("secret"));
    let (host, port) = ("127.0.0.1", wanting.port());
    write_channel(&project, &archive, r#""bookworm""#, &format!("http://user:secret@{host}:{port}"), r#"["hello"]"#);
    project.build("1.tar.gz", &[]);
    assert!(!fs::read_to_string(project.path("dumbc.lock")).unwrap().contains("secret"));
}

#[test]
fn indices_are_taken_by_their_digest_where_they_are_offered_so() {
    let archive = DebArchive::of(&[]);
    archive.publish_with("bookworm", &hello(), "Acquire-By-Hash: yes\n");
    let folder = archive.path().join("dists/bookworm/main/binary-amd64");
    let digest = dumbc::nix::Sha256::of(&fs::read(folder.join("Packages.xz")).unwrap()).hex();
    fs::create_dir_all(folder.join("by-hash/SHA256")).unwrap();
    fs::rename(folder.join("Packages.xz"), folder.join("by-hash/SHA256").join(&digest)).unwrap();
    // As a mirror has it that is in the middle of an update.
    fs::write(folder.join("Packages.xz"), "tomorrow's").unwrap();
    let server = Server::start().folder(archive.path());
    let project = over(&archive, &server, r#"["hello"]"#);
    project.build("1.tar.gz", &[]);
    assert_eq!(server.count(&format!("/dists/bookworm/main/binary-amd64/by-hash/SHA256/{digest}")), 1);
    // Where nothing changed, the index that is here already does.
    let asked = server.seen().len();
    project.dumbc(&["update"]).ok();
    let later: Vec<_> = server.seen()[asked..].iter().map(|seen| seen.path.clone()).collect();
    assert_eq!(later, ["/dists/bookworm/InRelease"]);
}

#[test]
fn names_with_all_their_letters_are_asked_for_as_they_are() {
    let odd = Deb::new("libstdc++6", "1:2.0+dfsg~rc1-1").file("./usr/share/odd", "odd\n");
    let archive = DebArchive::of(&[odd]);
    let server = Server::start().folder(archive.path());
    let project = over(&archive, &server, r#"["libstdc++6"]"#);
    let image = Archive::read(&project.build("1.tar.gz", &[]).path);
    assert_eq!(super::text(&image, "usr/share/odd"), "odd\n");
    assert!(super::text(&image, "var/lib/dpkg/info/libstdc++6.list").contains("/usr/share/odd\n"));
}
