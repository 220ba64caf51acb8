//! Machines of Debian packages, from archives that the tests make and sign themselves.

mod channel;
mod host;
mod hostile;
mod image;
mod lock;
mod names;
mod network;
mod scripts;
mod together;
mod trust;

use crate::support::debian::{Deb, DebArchive};
use crate::support::image::{Archive, Content, Entry};
use crate::support::project::Project;

/// A project with one request or more from `archive`.
fn project(archive: &DebArchive, packages: &str, tables: &str) -> Project {
    let project = Project::new();
    write_system(&project, archive, packages, tables);
    project
}

fn write_system(project: &Project, archive: &DebArchive, packages: &str, tables: &str) {
    let image = if tables.contains("[image]") { "" } else { "[image]\nname = \"it\"\n" };
    let channel = archive.channel("");
    project.file("system.toml", format!("packages = {packages}\n{channel}\n{image}{tables}"));
}

/// system.toml with suites and mirror as they stand in TOML, the mirror quoted unless it is a list.
fn write_channel(project: &Project, archive: &DebArchive, suites: &str, mirror: &str, packages: &str) {
    let keyring = archive.keyring().display().to_string();
    let mirror = if mirror.starts_with('[') { mirror.to_owned() } else { format!("\"{mirror}\"") };
    let channel = format!("[channels.debian]\nsuite = {suites}\nmirror = {mirror}\nkeyring = \"{keyring}\"\n");
    project.file("system.toml", format!("packages = {packages}\n{channel}\n[image]\nname = \"it\"\n"));
}

/// The lock, parsed by another reader than the program's own.
fn lock(project: &Project) -> toml::Table {
    std::fs::read_to_string(project.path("dumbc.lock")).unwrap().parse().unwrap()
}

/// What the lock has of a package.
fn locked(project: &Project, name: &str) -> toml::Table {
    let debs = lock(project)["deb"].as_array().unwrap().clone();
    let found = debs.iter().find(|deb| deb["name"].as_str() == Some(name));
    found.unwrap_or_else(|| panic!("no {name} in {debs:?}")).as_table().unwrap().clone()
}

/// The names of all packages in the lock, sorted.
fn locked_names(project: &Project) -> Vec<String> {
    let debs = lock(project)["deb"].as_array().unwrap().clone();
    debs.iter().map(|deb| deb["name"].as_str().unwrap().to_owned()).collect()
}

/// `hello`, which says so by the library that it depends on.
fn hello() -> Vec<Deb> {
    vec![
        Deb::new("hello", "2.10-3")
            .depends("libgreet1 (>= 1.0), sh-any | dash")
            .field("Section", "misc")
            .program("./usr/bin/hello", ". /usr/lib/greet.sh")
            .file("./usr/share/doc/hello/copyright", "free\n"),
        Deb::new("libgreet1", "1.2-1").field("Source", "greet (1.2-1)").file("./lib/greet.sh", "echo Hello\n"),
        Deb::new("dash", "0.5.12-2")
            .mode_file("./bin/dash", 0o755, (0, 0), "not a real shell\n")
            .link("./bin/sh -> dash"),
    ]
}

/// What stands at a path of an image's merged root.
fn entry(image: &Archive, path: &str) -> Entry {
    let root = image.root();
    root.get(path.as_bytes()).unwrap_or_else(|| panic!("no {path} in {}", paths(image).join(" "))).clone()
}

fn text(image: &Archive, path: &str) -> String {
    match entry(image, path).content {
        Content::File(bytes) => String::from_utf8(bytes).unwrap(),
        other => panic!("{path} is {other:?}"),
    }
}

fn paths(image: &Archive) -> Vec<String> {
    image.root().keys().map(|path| String::from_utf8_lossy(path).into_owned()).collect()
}

/// Nothing of a refused build lies anywhere: no lock, no image, no package in the store.
fn nothing_is_kept(project: &Project) {
    let kept = walkdir::WalkDir::new(project.store().join("fragments")).into_iter().flatten();
    let kept: Vec<_> = kept.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect();
    assert!(kept.is_empty(), "{kept:?}");
    assert!(project.leftovers().is_empty(), "{:?}", project.leftovers());
    let images = std::fs::read_dir(project.directory()).unwrap().map(|entry| entry.unwrap().file_name());
    let images: Vec<_> = images.filter(|name| name.to_string_lossy().contains(".tar")).collect();
    assert!(images.is_empty(), "{images:?}");
}
