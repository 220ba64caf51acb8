//! `dumbc.lock` and the archive: what is pinned, what is asked when, what moves.

use std::fs;

use super::{hello, lock, locked, locked_names, project, write_channel, write_system};
use crate::support::debian::{Deb, DebArchive};
use crate::support::image::Archive;
use crate::support::project::Project;
use crate::support::server::Server;

/// A project whose packages come over HTTP.
fn over_http(archive: &DebArchive, packages: &str) -> (Project, Server) {
    let (server, project) = (Server::start().folder(archive.path()), Project::new());
    write_channel(&project, archive, r#""bookworm""#, &server.url(""), packages);
    (project, server)
}

fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", dumbc::nix::Sha256::of(bytes).hex())
}

#[test]
fn everything_that_decides_an_image_is_pinned() {
    let daemon = Deb::new("daemon", "1-1")
        .file("./usr/lib/sysusers.d/daemon.conf", "u _daemon - \"A daemon\" /var/lib/daemon\n");
    let debs = [hello(), vec![daemon]].concat();
    let archive = DebArchive::of(&debs);
    let project = project(&archive, r#"["hello", "daemon"]"#, "");
    project.build("1.tar.gz", &[]);
    let package = locked(&project, "libgreet1");
    let bytes = fs::read(archive.path().join(hello()[1].file_name())).unwrap();
    assert_eq!(package["file"].as_str(), Some("pool/main/l/libgreet1/libgreet1_1.2-1_amd64.deb"));
    assert_eq!(package["size"].as_integer(), Some(bytes.len().try_into().unwrap()));
    assert_eq!(package["sha256"].as_str(), Some(&*sha256(&bytes)));
    assert_eq!((package["source"].as_str(), package["suite"].as_str()), (Some("greet"), Some("bookworm")));
    let depends: Vec<_> = locked(&project, "hello")["depends"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(depends, ["dash", "libgreet1"]);
    let lock = lock(&project);
    let pinned = &lock["channels"]["debian"]["archive"];
    assert_eq!(
        (pinned["origin"].as_str(), pinned["codename"].as_str(), pinned["version"].as_str()),
        (Some("Debian"), Some("bookworm"), Some("12.12"))
    );
    let digest = sha256(archive.index(&debs).as_bytes());
    assert_eq!(pinned["indices"]["bookworm/main/amd64"].as_str(), Some(&*digest));
    assert_eq!(lock["ids"]["user/_daemon"].as_integer(), Some(101));
}

#[test]
fn a_locked_build_asks_for_packages_only_and_a_warm_one_for_nothing() {
    let archive = DebArchive::of(&hello());
    let (project, server) = over_http(&archive, r#"["hello"]"#);
    let first = project.build("1.tar.gz", &[]);
    let asked = server.seen().len();
    project.build("2.tar.gz", &[]);
    project.build("3.tar.gz", &["--locked"]);
    project.build("4.tar.gz", &["--offline"]);
    assert_eq!(server.seen().len(), asked, "a warm build asks for nothing");

    fs::remove_dir_all(project.store()).unwrap();
    project.dumbc(&["build", "--offline"]).fails(5).says(&["offline"]);
    assert_eq!(server.seen().len(), asked);
    let again = project.build("5.tar.gz", &["--locked"]);
    let seen = server.seen();
    let later: Vec<_> = seen[asked..].iter().map(|seen| seen.path.as_str()).collect();
    assert!(later.len() == 3 && later.iter().all(|path| path.starts_with("/pool/main/")), "{later:?}");
    assert!(first.bytes() == again.bytes());
}

#[test]
fn a_warm_store_outlives_the_archive() {
    let archive = DebArchive::of(&hello());
    let (project, server) = over_http(&archive, r#"["hello"]"#);
    let first = project.build("1.tar.gz", &[]);
    drop((archive, server));
    assert!(project.build("2.tar.gz", &["--locked", "--offline"]).bytes() == first.bytes());
    assert!(project.build("3.tar.gz", &[]).bytes() == first.bytes());
    project.dumbc(&["plan"]).ok();
}

#[test]
fn a_package_that_left_the_archive_names_the_way_out() {
    let archive = DebArchive::of(&hello());
    let project = project(&archive, r#"["hello"]"#, "");
    project.dumbc(&["lock"]).ok();
    let newer = Deb::new("libgreet1", "1.2-2").field("Source", "greet").file("./lib/greet.sh", "echo Hi\n");
    let old = hello()[1].file_name();
    fs::remove_file(archive.path().join(&old)).unwrap();
    archive.publish("bookworm", &[hello()[0].clone(), newer, hello()[2].clone()]);
    let said = project.dumbc(&["build", "--locked"]).fails(5);
    said.says(&["the archive no longer has", &old, "package `libgreet1`", "run `dumbc update`", "`snapshot"]);
    let told = project.dumbc(&["update"]).ok();
    let all = format!("{}{}", told.text(), told.stderr);
    assert!(all.contains("libgreet1") && all.contains("1.2-1") && all.contains("1.2-2"), "{told}");
    project.build("1.tar.gz", &["--locked"]);
}

#[test]
fn updates_move_what_they_name_and_tell_from_and_to() {
    let old = [
        Deb::new("one", "1").depends("lib"),
        Deb::new("two", "1").depends("other"),
        Deb::new("lib", "1"),
        Deb::new("other", "1"),
    ];
    let new = [
        Deb::new("one", "2").depends("lib"),
        Deb::new("two", "2").depends("other"),
        Deb::new("lib", "2"),
        Deb::new("other", "2"),
    ];
    let archive = DebArchive::of(&old);
    let project = project(&archive, r#"["one", "two"]"#, "");
    project.dumbc(&["lock"]).ok();
    archive.publish("bookworm", &[&old[..], &new[..]].concat());
    project.dumbc(&["lock"]).ok();
    let versions =
        || ["one", "lib", "two", "other"].map(|name| locked(&project, name)["version"].as_str().unwrap().to_owned());
    assert_eq!(versions(), ["1", "1", "1", "1"], "nothing moves by itself");
    let document = project.dumbc(&["update", "one", "--dry-run", "--json"]).ok().json();
    assert_eq!(versions(), ["1", "1", "1", "1"]);
    let text = document.to_string();
    assert!(text.contains(r#""from":["1"]"#) && text.contains(r#""to":["2"]"#), "{text}");
    project.dumbc(&["update", "one"]).ok();
    assert_eq!(versions(), ["2", "2", "1", "1"]);
    project.dumbc(&["update"]).ok();
    assert_eq!(versions(), ["2", "2", "2", "2"]);
    project.dumbc(&["update", "three"]).fails(3).says(&["no request is called `three`"]);
}

#[test]
fn a_package_more_leaves_the_others_as_they_are_where_that_can_be() {
    let archive = DebArchive::of(&hello());
    let project = project(&archive, r#"["hello"]"#, "");
    project.dumbc(&["lock"]).ok();
    let newer = [
        Deb::new("hello", "3").depends("libgreet1"),
        Deb::new("libgreet1", "2"),
        Deb::new("extra", "1").depends("libgreet1"),
    ];
    archive.publish("bookworm", &[&hello()[..], &newer[..]].concat());
    write_system(&project, &archive, r#"["hello", "extra"]"#, "");
    project.dumbc(&["build", "--locked"]).fails(4).says(&[
        "dumbc.lock does not fit the files",
        "`extra`",
        "run `dumbc lock`",
    ]);
    project.dumbc(&["lock"]).ok();
    assert_eq!(locked(&project, "hello")["version"].as_str(), Some("2.10-3"));
    assert_eq!(locked(&project, "libgreet1")["version"].as_str(), Some("1.2-1"));
    // What is not offered any more has to move.
    archive.publish("bookworm", &[&newer[..], &hello()[2..], &[Deb::new("more", "1")]].concat());
    write_system(&project, &archive, r#"["hello", "extra", "more"]"#, "");
    project.dumbc(&["lock"]).ok();
    assert_eq!(locked(&project, "libgreet1")["version"].as_str(), Some("2"));
    write_system(&project, &archive, r#"["more"]"#, "");
    project.dumbc(&["build", "--locked"]).fails(4).says(&["`hello`"]);
    project.dumbc(&["lock"]).ok();
    assert_eq!(locked_names(&project), ["more"]);
}

#[test]
fn numbers_of_users_stay_with_their_names() {
    let daemon = |name: &str| {
        let user = format!("u {name} - \"{name}\" /var/lib/{name}\n");
        Deb::new(name, "1-1").file(&format!("./usr/lib/sysusers.d/{name}.conf"), &user)
    };
    let archive = DebArchive::of(&["alpha", "beta", "gamma"].map(daemon));
    let project = project(&archive, r#"["beta", "gamma"]"#, "");
    project.build("1.tar.gz", &[]);
    let id = |name: &str| lock(&project)["ids"][&*format!("user/{name}")].as_integer().unwrap();
    // The first that is free for users and groups: 100 is the group `users`.
    assert_eq!((id("beta"), id("gamma")), (101, 102));
    // One goes, one comes that would stand before: nobody's number moves, and none is given again.
    write_system(&project, &archive, r#"["alpha", "gamma"]"#, "");
    let built = project.build("2.tar.gz", &[]);
    assert_eq!((id("alpha"), id("beta"), id("gamma")), (103, 101, 102));
    let passwd = super::text(&Archive::read(&built.path), "etc/passwd");
    assert!(
        passwd.contains("\nalpha:x:103:103:") && passwd.contains("\ngamma:x:102:102:") && !passwd.contains("beta"),
        "{passwd}"
    );
    // A locked build has no say in numbers: the lock has them all.
    project.build("3.tar.gz", &["--locked"]);
}

#[test]
fn a_lock_that_was_tampered_with_is_refused() {
    let archive = DebArchive::of(&hello());
    let project = project(&archive, r#"["hello"]"#, "");
    project.dumbc(&["lock"]).ok();
    let text = fs::read_to_string(project.path("dumbc.lock")).unwrap();
    let escaped = text.replace("file = \"pool/main/h/", "file = \"../../../etc/h/");
    assert_ne!(escaped, text);
    project.file("dumbc.lock", escaped);
    let code = project.dumbc(&["build", "--locked"]).run();
    assert!(matches!(code.code, Some(4..=6)), "{code}");
    assert!(!code.stderr.contains("panicked"), "{code}");
}
