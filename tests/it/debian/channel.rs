//! What a channel offers, and which of it a machine takes.

use super::{entry, hello, locked, locked_names, project, text, write_channel, write_system};
use crate::support::debian::{Deb, DebArchive};
use crate::support::image::{Archive, Content};
use crate::support::project::Project;
use crate::support::server::Server;

#[test]
fn a_machine_builds_with_all_that_it_depends_on() {
    let archive = DebArchive::of(&hello());
    let project = project(&archive, r#"["hello"]"#, "");
    let built = project.build("1.tar.gz", &[]);
    let image = Archive::read(&built.path);
    assert_eq!(text(&image, "usr/bin/hello"), "#!/bin/sh\n. /usr/lib/greet.sh\n");
    assert_eq!(entry(&image, "usr/bin/hello").mode, 0o755);
    assert_eq!(text(&image, "usr/lib/greet.sh"), "echo Hello\n");
    assert_eq!(locked_names(&project), ["dash", "hello", "libgreet1"]);
    assert_eq!(project.leftovers(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn the_newest_by_debian_s_order_of_all_suites_is_taken() {
    let archive = DebArchive::of(&[Deb::new("tool", "1.10~rc1-1"), Deb::new("other", "2:0.1-1")]);
    archive.publish("bookworm-updates", &[Deb::new("tool", "1.10-1"), Deb::new("other", "9.9-1")]);
    archive.publish("bookworm-security", &[Deb::new("tool", "1.9-1+deb12u1")]);
    let project = Project::new();
    let suites = r#"["bookworm", "bookworm-updates", "bookworm-security"]"#;
    write_channel(&project, &archive, suites, &archive.path().display().to_string(), r#"["tool", "other"]"#);
    project.dumbc(&["lock"]).ok();
    assert_eq!(locked(&project, "tool")["version"].as_str(), Some("1.10-1"));
    assert_eq!(locked(&project, "tool")["suite"].as_str(), Some("bookworm-updates"));
    assert_eq!(locked(&project, "other")["version"].as_str(), Some("2:0.1-1"));
}

#[test]
fn a_request_may_ask_for_a_version_or_its_beginning() {
    let archive =
        DebArchive::of(&[Deb::new("tool", "3.11.2-1"), Deb::new("tool", "3.12.0-1"), Deb::new("tool", "3.1-7")]);
    for (request, version) in [("tool", "3.12.0-1"), ("tool@3.11", "3.11.2-1"), ("debian#tool@3.1", "3.1-7")] {
        let project = project(&archive, &format!(r#"["{request}"]"#), "");
        project.dumbc(&["lock"]).ok();
        assert_eq!(locked(&project, "tool")["version"].as_str(), Some(version), "{request}");
    }
    let project = project(&archive, r#"["tool@4"]"#, "");
    project.dumbc(&["lock"]).fails(2).says(&["`tool@4` is not to be had", "3.12.0-1", "system.toml:1"]);
}

#[test]
fn a_virtual_package_of_one_provider_is_a_name() {
    let mailer = Deb::new("exim", "4.96-1").field("Provides", "mail-transport-agent, smtp (= 4)");
    let other = Deb::new("postfix", "3.7-1").field("Provides", "smtp (= 3)");
    let archive = DebArchive::of(&[mailer, other]);
    let one = project(&archive, r#"["mail-transport-agent"]"#, "");
    one.dumbc(&["lock"]).ok();
    assert_eq!(locked_names(&one), ["exim"]);
    let two = project(&archive, r#"["smtp"]"#, "");
    two.dumbc(&["lock"]).fails(2).says(&[
        "provided by exim, postfix",
        "name one of them, such as `exim`",
        "system.toml:1",
    ]);
}

#[test]
fn alternatives_are_taken_in_their_order_and_as_what_is_there_wants() {
    let archive = DebArchive::of(&[
        Deb::new("app", "1").depends("absent | second | third, virtual"),
        Deb::new("second", "1"),
        Deb::new("third", "1").field("Provides", "virtual (= 2)"),
        Deb::new("picky", "1").depends("third").field("Conflicts", "second"),
    ]);
    let alone = project(&archive, r#"["app"]"#, "");
    alone.dumbc(&["lock"]).ok();
    assert_eq!(locked_names(&alone), ["app", "second", "third"]);
    let both = project(&archive, r#"["app", "picky"]"#, "");
    both.dumbc(&["lock"]).ok();
    assert_eq!(locked_names(&both), ["app", "picky", "third"]);
}

#[test]
fn recommended_packages_come_where_the_channel_wants_them() {
    let app = Deb::new("app", "1").field("Recommends", "nice, absent").field("Suggests", "more");
    let archive = DebArchive::of(&[app, Deb::new("nice", "1"), Deb::new("more", "1")]);
    let project = project(&archive, r#"["app"]"#, "");
    project.dumbc(&["lock"]).ok();
    assert_eq!(locked_names(&project), ["app"]);
    project.file(
        "system.toml",
        format!("packages = [\"app\"]\n{}", archive.channel("recommends = true\n[image]\nname = \"it\"")),
    );
    project.dumbc(&["update"]).ok();
    assert_eq!(locked_names(&project), ["app", "nice"]);
}

#[test]
fn what_can_not_be_together_is_explained_at_its_place() {
    let archive = DebArchive::of(&[
        Deb::new("one", "1").depends("common (>= 2)"),
        Deb::new("two", "1").field("Breaks", "common (>= 2)"),
        Deb::new("common", "2"),
        Deb::new("stuck", "1").depends("nowhere (>= 7)"),
    ]);
    let clash = project(&archive, r#"["one", "two"]"#, "");
    let said = clash.dumbc(&["build"]).fails(2);
    said.says(&["`one` and `two` can't stand in one machine", "common 2", "system.toml:1:20", "leave one of them out"]);
    let stuck = project(&archive, r#"["stuck"]"#, "");
    stuck.dumbc(&["build"]).fails(2).says(&["`stuck` can't be installed", "nowhere (>= 7)", "system.toml:1:13"]);
    assert!(!stuck.path("dumbc.lock").exists() && !clash.path("dumbc.lock").exists());
}

#[test]
fn a_name_that_nobody_knows_has_a_place_and_a_guess() {
    let archive = DebArchive::of(&hello());
    let project = project(&archive, r#"["hello", "libgret1", "no-such-thing-at-all"]"#, "");
    let said = project.dumbc(&["build"]).fails(3);
    said.says(&[
        "no package `libgret1` in `debian`",
        "system.toml:1:22",
        "did you mean `libgreet1`?",
        "no-such-thing-at-all",
    ]);
    let document = project.dumbc(&["build", "--json"]).fails(3).json();
    assert_eq!(document["error"]["class"], "unknown-name");
}

#[test]
fn a_mirror_is_a_path_an_address_or_several() {
    let (archive, empty) = (DebArchive::of(&hello()), tempfile::tempdir().unwrap());
    let server = Server::start().folder(archive.path());
    let path = archive.path().display().to_string();
    let nothing = Server::start().folder(empty.path());
    let several = format!(r#"["{}", "{path}"]"#, nothing.url("/debian"));
    let mirrors = [path.clone(), format!("file://{path}"), server.url(""), server.url("/"), several];
    let made = |mirror: &String| {
        let project = Project::new();
        write_channel(&project, &archive, r#""bookworm""#, mirror, r#"["hello"]"#);
        (project.build("1.tar.gz", &[]).image_id(), std::fs::read(project.path("dumbc.lock")).unwrap())
    };
    let built: Vec<_> = mirrors.iter().map(made).collect();
    assert!(built.iter().all(|one| *one == built[0]), "the mirror decides nothing");
    assert!(server.count("/dists/bookworm/InRelease") == 2 && nothing.count("/debian/dists/bookworm/InRelease") == 1);
}

#[test]
fn each_suite_comes_from_the_first_mirror_that_has_it() {
    let (base, security) = (DebArchive::of(&hello()), DebArchive::of(&[]));
    security.publish("bookworm-security", &[Deb::new("hello", "2.10-3+deb12u1").depends("libgreet1")]);
    std::fs::remove_dir_all(security.path().join("dists/bookworm")).unwrap();
    let project = Project::new();
    let mirrors = format!(r#"["{}", "{}"]"#, base.path().display(), security.path().display());
    write_channel(&project, &base, r#"["bookworm", "bookworm-security"]"#, &mirrors, r#"["hello"]"#);
    let built = project.build("1.tar.gz", &[]);
    assert!(text(&Archive::read(&built.path), "var/lib/dpkg/status").contains("Version: 2.10-3+deb12u1\n"));
}

#[test]
fn a_snapshot_may_have_expired_and_a_mirror_may_not() {
    let archive = DebArchive::of(&[]);
    archive.publish_with("bookworm", &hello(), "Valid-Until: Sat, 08 Nov 2025 10:00:00 UTC\n");
    let project = project(&archive, r#"["hello"]"#, "");
    project.dumbc(&["build"]).fails(6).says(&["was valid until", "`snapshot = \"…\"`"]);
    let channel = archive.channel("[image]\nname = \"it\"").replace("mirror =", "snapshot =");
    project.file("system.toml", format!("packages = [\"hello\"]\n{channel}"));
    project.build("1.tar.gz", &[]);
}

#[test]
fn a_suite_that_is_nowhere_is_said() {
    let archive = DebArchive::of(&hello());
    let project = Project::new();
    write_channel(&project, &archive, r#""trixie""#, &archive.path().display().to_string(), r#"["hello"]"#);
    project.dumbc(&["build"]).fails(3).says(&["the suite `trixie` is not at", &archive.path().display().to_string()]);
    project.file(
        "system.toml",
        format!(
            "packages = [\"hello\"]\n{}",
            archive.channel("components = [\"main\", \"contrib\"]\n[image]\nname = \"it\"")
        ),
    );
    project.dumbc(&["build"]).fails(3).says(&["no component `contrib`", "it has main"]);
}

#[test]
fn a_home_s_request_goes_to_the_whole_machine_with_a_note() {
    let archive = DebArchive::of(&hello());
    let project = project(&archive, "[]", "");
    project.file("users.toml", "[alice]\nuid = 1000\n");
    project.file("home.toml", "packages = [\"hello\"]\n");
    let output = project.path("1.tar.gz");
    let outcome = project.dumbc(&["build", "-o", output.to_str().unwrap()]).ok();
    outcome.says(&["`hello` goes to the whole machine", "home.toml:1:13"]);
    let image = Archive::read(&output);
    assert!(matches!(entry(&image, "usr/bin/hello").content, Content::File(_)));
    write_system(&project, &archive, r#"["hello"]"#, "");
    project.dumbc(&["build", "--locked"]).ok();
}
