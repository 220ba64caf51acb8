//! Machines of Debian packages, from archives that the tests make and sign themselves; and, where this machine has one, from its
//! own.


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

/// `hello`, which says so by the library that it depends on.
fn hello() -> Vec<Deb> {
    vec![
        Deb::new("hello", "2.10-3")
            .depends("libgreet1 (>= 1.0), sh-any | dash")
            .field("Section", "misc")
            .program("./usr/bin/hello", ". /usr/lib/greet.sh")
            .file("./usr/share/doc/hello/copyright", "free\n"),
        Deb::new("libgreet1", "1.2-1").field("Source", "greet (1.2-1)").file("./lib/greet.sh", "echo Hello\n"),
        Deb::new("dash", "0.5.12-2").mode_file("./bin/dash", 0o755, (0, 0), "not a real shell\n").link("./bin/sh -> dash"),
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
