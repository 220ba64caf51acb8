use std::fs::{self, Permissions};
use std::path::PathBuf;

use super::*;
use crate::failure::{Class, Classified as _};
use crate::root::elf::tests::program;

const HERE: System = System::X86_64Linux;
const OTHER: System = System::Aarch64Linux;

/// A folder of programs.
struct Shelf(tempfile::TempDir);

impl Shelf {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: &[u8], mode: u32) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    fn program(&self, name: &str, machine: u16) -> PathBuf {
        self.file(name, &[program(machine, None), name.into()].concat(), 0o755)
    }
}

fn told(error: &RuntimeError, shelf: &Shelf) -> String {
    let text = format!("{error}; {}", error.help().unwrap_or_default());
    text.replace(&format!("{}/", shelf.0.path().display()), "")
}

#[test]
fn a_named_file_goes_before_a_variable_and_that_before_the_program_itself() {
    let shelf = Shelf::new();
    let [own, named, by_variable] = ["own", "named", "variable"].map(|name| shelf.program(name, 62));
    let mut choice = RuntimeChoice {
        files: vec![shelf.program("named-arm", 183), named.clone()],
        variables: [(HERE, by_variable.clone())].into(),
        own: Some(own.clone()),
    };
    let chosen = |choice: &RuntimeChoice, system| runtime(system, choice).unwrap().origin;
    assert_eq!(chosen(&choice, HERE), Origin::Named(named));
    choice.check(&[OTHER, HERE]).unwrap();
    let error = choice.check(&[HERE]).unwrap_err();
    assert_eq!(
        told(&error, &shelf),
        "`named-arm` is for aarch64-linux, and no image for that is made; \
         add \"aarch64-linux\" to `systems` of [image], or leave this `--runtime` out"
    );
    choice.files.pop();
    assert_eq!(chosen(&choice, HERE), Origin::Variable(HERE, by_variable));
    choice.variables.clear();
    assert_eq!(chosen(&choice, HERE), Origin::Own(own));
    assert!(chosen(&choice, OTHER).is_named());
}

#[test]
fn the_store_path_has_the_program_under_all_its_names() {
    let shelf = Shelf::new();
    let choice = RuntimeChoice { own: Some(shelf.program("dumbc", 62)), ..RuntimeChoice::default() };
    let unit = runtime(HERE, &choice).unwrap().unit;
    assert_eq!(unit.path.name(), NAME);
    let root = unit.root();
    let told = unit.tree.iter().map(|(path, (metadata, node))| {
        let below = path.strip_prefix(&root).unwrap_or_default().to_string();
        let what = match node {
            Node::Symlink(target) => format!("-> {}", String::from_utf8_lossy(target)),
            Node::LocalFile { size, .. } => size.to_string(),
            _ => "folder".to_owned(),
        };
        format!("{below} {:o} {what}", metadata.mode)
    });
    insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @r"
    / 555 folder
    /bin 555 folder
    /bin/dumbc 555 125
    /bin/rebuild 777 -> dumbc
    ");
    assert!(unit.references.is_empty());
    let again = RuntimeChoice { own: Some(shelf.program("dumbc", 62)), ..RuntimeChoice::default() };
    assert_eq!(runtime(HERE, &again).unwrap().unit, unit, "the same content gives the same path");
}

#[test]
fn what_can_not_boot_a_machine_is_named() {
    let shelf = Shelf::new();
    let dynamic = program(62, Some("/lib64/ld.so"));
    let mut object = program(62, None);
    object[16] = 1;
    let files = [
        ("a script", shelf.file("script", b"#!/bin/sh", 0o755)),
        ("empty", shelf.file("empty", b"", 0o755)),
        ("cut off", shelf.file("cut", &dynamic[..70], 0o755)),
        ("dynamic", shelf.file("dynamic", &dynamic, 0o755)),
        ("an object", shelf.file("object", &object, 0o755)),
        ("another machine's", shelf.program("riscv", 243)),
        ("for another system", shelf.program("arm", 183)),
        ("not executable", shelf.file("plain", &program(62, None), 0o644)),
        ("a folder", shelf.0.path().join(".")),
        ("absent", shelf.0.path().join("absent")),
    ];
    let tell = |(what, path): (&str, PathBuf)| {
        let choice = RuntimeChoice { variables: [(HERE, path)].into(), ..RuntimeChoice::default() };
        let error = runtime(HERE, &choice).unwrap_err();
        assert_eq!(error.class(), Class::Usage, "{what}");
        format!("{what}: {error}").replace(&format!("{}/", shelf.0.path().display()), "")
    };
    insta::assert_snapshot!(files.map(tell).join("\n"), @r"
    a script: `script` (DUMBC_RUNTIME_X86_64_LINUX) can't be the runtime: it is no ELF program
    empty: `empty` (DUMBC_RUNTIME_X86_64_LINUX) can't be the runtime: it is no ELF program
    cut off: `cut` (DUMBC_RUNTIME_X86_64_LINUX) can't be the runtime: it is not whole: its ELF header is damaged: it is cut off
    dynamic: `dynamic` (DUMBC_RUNTIME_X86_64_LINUX) can't be the runtime: it is not static, and needs /lib64/ld.so
    an object: `object` (DUMBC_RUNTIME_X86_64_LINUX) can't be the runtime: it is no ELF program
    another machine's: `riscv` (DUMBC_RUNTIME_X86_64_LINUX) can't be the runtime: it is for ELF machine 243
    for another system: `arm` (DUMBC_RUNTIME_X86_64_LINUX) can't be the runtime: it is for aarch64-linux
    not executable: `plain` (DUMBC_RUNTIME_X86_64_LINUX) can't be the runtime: it is not executable
    a folder: `.` (DUMBC_RUNTIME_X86_64_LINUX) can't be the runtime: it is no file
    absent: `absent` (DUMBC_RUNTIME_X86_64_LINUX) can't be the runtime: it can't be read: No such file or directory (os error 2)
    ");
}

#[test]
fn a_missing_one_is_told_with_the_remedy() {
    let shelf = Shelf::new();
    let choice = RuntimeChoice { own: Some(shelf.program("dumbc", 62)), ..RuntimeChoice::default() };
    let unknown = RuntimeChoice::default();
    let dynamic = shelf.file("dynamic", &program(62, Some("/lib64/ld.so")), 0o755);
    let dynamic = RuntimeChoice { own: Some(dynamic), ..RuntimeChoice::default() };
    let tell = |choice, system| told(&runtime(system, choice).unwrap_err(), &shelf);
    insta::assert_snapshot!([tell(&choice, OTHER), tell(&unknown, HERE), tell(&dynamic, HERE)].join("\n"), @r"
    there is no runtime for aarch64-linux: this program is for x86_64-linux; give one with `--runtime FILE` or DUMBC_RUNTIME_AARCH64_LINUX; `just runtime` makes one for each system
    there is no runtime for x86_64-linux; give one with `--runtime FILE` or DUMBC_RUNTIME_X86_64_LINUX; `just runtime` makes one for each system
    there is no runtime for x86_64-linux: this program is not static, and needs /lib64/ld.so; give one with `--runtime FILE` or DUMBC_RUNTIME_X86_64_LINUX; `just runtime` makes one for each system
    ");
    let twice = RuntimeChoice { files: vec![shelf.program("a", 62), shelf.program("b", 62)], ..choice };
    assert_eq!(
        told(&runtime(OTHER, &twice).unwrap_err(), &shelf),
        "`a` and `b` are both for x86_64-linux; give `--runtime` once for each system"
    );
}

#[test]
fn the_variable_is_named_after_the_system() {
    assert_eq!(System::ALL.map(variable), ["DUMBC_RUNTIME_X86_64_LINUX", "DUMBC_RUNTIME_AARCH64_LINUX"]);
}

#[test]
fn this_process_can_be_looked_at() {
    let choice = RuntimeChoice::of_process(Vec::new());
    assert!(choice.own.is_some_and(|own| own.exists()));
}
