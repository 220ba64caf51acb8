//! `mirror = "host"`: what an apt says of archives. Not this machine's: one whose configuration the tests write.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{hello, locked, project};
use crate::support::command::{Dumbc, Outcome};
use crate::support::debian::{Deb, DebArchive, key};
use crate::support::openpgp::Key;
use crate::support::project::Project;
use crate::support::skipped;

/// A project whose channel asks apt, and a configuration of apt in `etc` beside it; `None` where there is no apt.
fn asking(packages: &str, more: &str) -> Option<Project> {
    if Command::new("apt-config").arg("--version").output().is_err() {
        return skipped("no apt-config");
    }
    let project = Project::new();
    let image = "[image]\nname = \"it\"\n";
    project.file(
        "system.toml",
        format!("packages = {packages}\n[channels.debian]\nsuite = \"bookworm\"\n{more}\n{image}"),
    );
    let etc = project.beside("etc");
    fs::create_dir_all(etc.join("sources.list.d")).unwrap();
    fs::create_dir_all(etc.join("trusted.gpg.d")).unwrap();
    let conf =
        format!("Dir::Etc \"{}\";\nDir::Etc::Parts \"/dev/null\";\nAcquire::http::Proxy \"DIRECT\";\n", etc.display());
    fs::write(project.beside("apt.conf"), conf).unwrap();
    Some(project)
}

fn list(project: &Project, name: &str, text: &str) {
    fs::write(project.beside("etc").join("sources.list.d").join(name), text).unwrap();
}

fn dumbc(project: &Project, arguments: &[&str]) -> Dumbc {
    project.dumbc(arguments).env("APT_CONFIG", project.beside("apt.conf"))
}

fn locks(project: &Project) -> Outcome {
    dumbc(project, &["lock"]).ok()
}

/// A paragraph of a `.sources` file.
fn paragraph(folder: &Path, suites: &str, more: &str) -> String {
    format!("Types: deb\nURIs: file:{}\nSuites: {suites}\nComponents: main\n{more}\n", folder.display())
}

#[test]
fn lists_of_both_forms_are_read_with_the_keys_that_they_name() {
    let archive = DebArchive::of(&hello());
    archive.publish("bookworm-updates", &[Deb::new("hello", "2.10-4").depends("libgreet1")]);
    archive.publish("bookworm-security", &[Deb::new("libgreet1", "1.2-1+deb12u1")]);
    let (folder, keyring) = (archive.path(), archive.keyring());
    let Some(project) = asking(r#"["hello"]"#, "mirror = \"host\"") else { return };
    let embedded = key()
        .armored()
        .lines()
        .map(|line| if line.is_empty() { " .\n".to_owned() } else { format!(" {line}\n") })
        .collect::<String>();
    list(
        &project,
        "debian.sources",
        &paragraph(folder, "bookworm bookworm-updates", &format!("Signed-By:\n{embedded}")),
    );
    let options = format!("[signed-by={}]", keyring.display());
    list(
        &project,
        "security.list",
        &format!("# security\ndeb {options} file://{} bookworm-security main\n", folder.display()),
    );
    locks(&project);
    assert_eq!(locked(&project, "hello")["version"].as_str(), Some("2.10-4"));
    assert_eq!(locked(&project, "libgreet1")["version"].as_str(), Some("1.2-1+deb12u1"));
    let text = fs::read_to_string(project.path("dumbc.lock")).unwrap();
    assert!(!text.contains(&folder.display().to_string()), "the lock names no mirror");
    dumbc(&project, &["build", "--locked"]).ok();
}

#[test]
fn a_private_archive_stays_out_unless_it_is_named() {
    let (archive, private) = (DebArchive::of(&hello()), DebArchive::of(&[]));
    private.publish_as("bookworm", &[Deb::new("hello", "99-1")], "Ours");
    private.publish_as("bookworm-ours", &[Deb::new("hello", "100-1")], "Ours");
    let Some(project) = asking(r#"["hello"]"#, "") else { return };
    fs::copy(archive.keyring(), project.beside("etc").join("trusted.gpg.d/all.gpg")).unwrap();
    list(&project, "a.sources", &paragraph(private.path(), "bookworm bookworm-ours", ""));
    list(&project, "b.sources", &paragraph(archive.path(), "bookworm", ""));
    let outcome = locks(&project);
    outcome.says(&["is left out (of Ours)"]);
    assert_eq!(locked(&project, "hello")["version"].as_str(), Some("2.10-3"));
    let system = fs::read_to_string(project.path("system.toml")).unwrap();
    project.file("system.toml", system.replace("\"bookworm\"", "[\"bookworm\", \"bookworm-ours\"]"));
    dumbc(&project, &["update"]).ok();
    assert_eq!(locked(&project, "hello")["version"].as_str(), Some("100-1"));
}

#[test]
fn lists_that_are_switched_off_or_of_other_keys_do_not_count() {
    let archive = DebArchive::of(&hello());
    let Some(project) = asking(r#"["hello"]"#, "") else { return };
    list(&project, "a.sources", &paragraph(archive.path(), "bookworm", "Enabled: no\n"));
    list(&project, "b.sources.save", &paragraph(archive.path(), "bookworm", ""));
    let said = dumbc(&project, &["lock"]).fails(3);
    said.says(&["this machine's apt has no archive of the suite `bookworm` with `main`", "mirror = \"https://…\""]);
    let stranger = project.beside("stranger.gpg");
    fs::write(&stranger, Key::generate().public()).unwrap();
    fs::copy(archive.keyring(), project.beside("etc").join("trusted.gpg.d/all.gpg")).unwrap();
    list(
        &project,
        "a.sources",
        &paragraph(archive.path(), "bookworm", &format!("Signed-By: {}\n", stranger.display())),
    );
    dumbc(&project, &["lock"]).fails(6).says(&["is not to be trusted"]);
    list(&project, "a.sources", &paragraph(archive.path(), "bookworm", "Trusted: yes\n"));
    locks(&project);
}

#[test]
fn a_trusted_archive_must_be_signed_all_the_same() {
    let archive = DebArchive::of(&hello());
    let Some(project) = asking(r#"["hello"]"#, "") else { return };
    fs::copy(archive.keyring(), project.beside("etc").join("trusted.gpg.d/all.gpg")).unwrap();
    let release = archive.path().join("dists/bookworm/InRelease");
    fs::rename(&release, release.with_file_name("Release")).unwrap();
    list(&project, "a.list", &format!("deb [trusted=yes] file:{} bookworm main\n", archive.path().display()));
    dumbc(&project, &["lock"]).fails(6).says(&["is not signed", "here that does not count"]);
}

#[test]
fn without_apt_the_error_says_what_to_write() {
    let (archive, nothing) = (DebArchive::of(&hello()), tempfile::tempdir().unwrap());
    let project = project(&archive, r#"["hello"]"#, "");
    project.file(
        "system.toml",
        "packages = [\"hello\"]\n[channels.debian]\nsuite = \"bookworm\"\n[image]\nname = \"it\"\n",
    );
    let said = project.dumbc(&["build"]).env("PATH", nothing.path()).fails(2);
    said.says(&[
        "this machine has no apt to ask for the archive of channel `debian`",
        "mirror = \"https://…\"",
        "keyring = \"…\"",
    ]);
}
