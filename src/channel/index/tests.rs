use proptest::prelude::*;

use super::*;
use crate::config::Outputs;

const X86: System = System::X86_64Linux;
const ARM: System = System::Aarch64Linux;

fn store(letter: char, name: &str) -> String {
    format!("/nix/store/{}-{name}", letter.to_string().repeat(32))
}

fn read(lines: &[String]) -> Index {
    Index::read(lines.join("\n").as_bytes(), Limits::default()).expect("an index")
}

fn line(attribute: &str, name: &str, system: &str, letter: char) -> String {
    let path = store(letter, name);
    format!(
        r#"{{"attr":"{attribute}","name":"{name}","outputs":{{"out":"{path}"}},"system":"{system}","drvPath":"x"}}"#
    )
}

fn find(index: &Index, attribute: &str, version: Option<&str>) -> Result<Package, LookupError> {
    index.find(&Attribute::parse(attribute), version, X86).cloned()
}

fn chosen(package: &Package, outputs: &Outputs) -> Vec<String> {
    package.choose(outputs).expect("outputs").into_iter().map(|(name, _)| name).collect()
}

#[test]
fn names_lead_to_store_paths() {
    let index =
        read(&[line("git", "git-2.39.5", "x86_64-linux", 'a'), line("git", "git-2.39.5", "aarch64-linux", 'b')]);
    let git = index.find(&Attribute::parse("git"), None, ARM).expect("git");
    assert_eq!((git.name.as_str(), git.version.as_deref()), ("git", Some("2.39.5")));
    let (output, path) = git.choose(&Outputs::Default).expect("outputs").remove(0);
    assert_eq!((output.as_str(), path.to_string()), ("out", store('b', "git-2.39.5")));
}

#[test]
fn outputs_come_in_every_shape() {
    let with = |outputs: &str| {
        let text = format!(r#"{{"attrPath":["p"],"name":"p-1","system":"x86_64-linux","outputs":{outputs}}}"#);
        find(&read(&[text]), "p", None).expect("p").choose(&Outputs::Default)
    };
    let out = store('a', "p-1");
    assert_eq!(with(&format!(r#"{{"out":"{out}"}}"#)).expect("a path")[0].1.to_string(), out);
    assert_eq!(with(&format!(r#"{{"out":{{"x86_64-linux":"{out}"}}}}"#)).expect("a path")[0].1.to_string(), out);
    let unplaced = Err(LookupError::NoPath { output: "out".to_owned() });
    assert_eq!(with(r#"["out","dev"]"#), unplaced);
    assert_eq!(with(r#"{"out":null}"#), unplaced);
    assert_eq!(with(r#"{"out":{"aarch64-linux":"/nix/store/x"}}"#), unplaced);
    assert_eq!(with("null"), unplaced);
    assert!(matches!(with(r#"{"out":"/etc/passwd"}"#), Err(LookupError::BadPath { .. })));
}

#[test]
fn what_is_installed_is_what_the_package_says() {
    let outputs =
        ["bin", "dev", "man", "out"].map(|output| format!(r#""{output}":"{}""#, store('a', output))).join(",");
    let line = |meta: &str| {
        format!(r#"{{"attr":"jq","name":"jq-1.7","system":"x86_64-linux","outputs":{{{outputs}}},"meta":{meta}}}"#)
    };
    let jq = find(&read(&[line(r#"{"outputsToInstall":["bin","man"]}"#)]), "jq", None).expect("jq");
    assert_eq!(chosen(&jq, &Outputs::Default), ["bin", "man"]);
    assert_eq!(chosen(&jq, &Outputs::All), ["bin", "dev", "man", "out"]);
    assert_eq!(chosen(&jq, &Outputs::Named(vec!["out".into(), "dev".into()])), ["out", "dev"]);
    let missing = jq.choose(&Outputs::Named(vec!["doc".into()]));
    assert!(matches!(missing, Err(LookupError::NoOutput { output, outputs }) if output == "doc" && outputs.len() == 4));
    let plain = find(&read(&[line("null")]), "jq", None).expect("jq");
    assert_eq!(chosen(&plain, &Outputs::Default), ["out"]);
}

#[test]
fn versions_are_exact_or_begin_the_same() {
    let several: Vec<String> = [("3.11.2", 'a'), ("3.12", 'b'), ("3.12.7", 'c'), ("3.120", 'd')]
        .map(|(version, letter)| line("python3", &format!("python3-{version}"), "x86_64-linux", letter))
        .into();
    let index = read(&several);
    let version = |wanted| find(&index, "python3", Some(wanted)).map(|package| package.version.unwrap_or_default());
    assert_eq!(version("3.11"), Ok("3.11.2".to_owned()));
    assert_eq!(version("3.12"), Ok("3.12".to_owned()));
    let all = BTreeSet::from(["3.11.2", "3.12", "3.12.7", "3.120"].map(str::to_owned));
    assert_eq!(version("3"), Ok("3.120".to_owned()));
    assert_eq!(version("3.13"), Err(LookupError::OtherVersion { versions: all, attributes: Vec::new() }));
    assert_eq!(find(&index, "python3", None).map(|package| package.version), Ok(Some("3.120".to_owned())));
}

#[test]
fn another_attribute_may_have_the_version() {
    let other = line("python312", "python3-3.12.7", "x86_64-linux", 'b');
    let index = read(&[line("python3", "python3-3.13.1", "x86_64-linux", 'a'), other]);
    let versions = BTreeSet::from(["3.13.1".to_owned()]);
    let expected = LookupError::OtherVersion { versions, attributes: vec!["python312".to_owned()] };
    assert_eq!(find(&index, "python3", Some("3.12")), Err(expected));
}

#[test]
fn the_same_line_twice_is_one_answer_and_another_build_is_none() {
    let first = line("git", "git-1", "x86_64-linux", 'a');
    assert!(find(&read(&[first.clone(), first.clone()]), "git", None).is_ok());
    let rebuilt = find(&read(&[first, line("git", "git-1", "x86_64-linux", 'b')]), "git", None);
    assert_eq!(rebuilt, Err(LookupError::Repeated { version: "1".to_owned() }));
}

#[test]
fn failures_and_other_systems_are_told_apart() {
    let failed =
        r#"{"attr":"broken","attrPath":["broken"],"error":"\u001b[31;1merror:\u001b[0m\n  is marked as broken\n"}"#;
    let index = read(&[
        failed.to_owned(),
        line("ours", "ours-1", "aarch64-linux", 'a'),
        line("mac", "mac-1", "aarch64-darwin", 'a'),
        String::new(),
    ]);
    let message = "is marked as broken".to_owned();
    assert_eq!(find(&index, "broken", None), Err(LookupError::NotEvaluated { message }));
    assert_eq!(find(&index, "ours", None), Err(LookupError::OtherSystem { systems: BTreeSet::from([ARM]) }));
    assert!(matches!(find(&index, "mac", None), Err(LookupError::Unknown { .. })));
    assert_eq!(index.len(), 2);
}

#[test]
fn nearest_names_come_first() {
    let names = ["ripgrep", "ripgrep-all", "grep", "python3", "python311", "Xorg", "sqlite3"];
    let lines: Vec<_> = names.map(|name| line(name, "x-1", "x86_64-linux", 'a')).into();
    let index = read(&lines);
    assert_eq!(index.nearest("ripgerp"), ["ripgrep"]);
    assert_eq!(index.nearest("python"), ["python3", "python311"]);
    assert_eq!(index.nearest("sqlite"), ["sqlite3"]);
    assert_eq!(index.nearest("xorg"), ["Xorg"]);
    assert!(index.nearest("nothing-like-it").is_empty());
}

#[test]
fn hostile_input_has_limits() {
    let limits = Limits { line: 100, size: 250, kept: 600 };
    let read = |text: &str| Index::read(text.as_bytes(), limits).map(|index| index.len());
    assert!(matches!(read(&" ".repeat(101)), Err(ReadError::LongLine { line: 1, .. })));
    assert!(matches!(read(&format!("{}\n", " ".repeat(99)).repeat(3)), Err(ReadError::TooLarge(250))));
    let small = r#"{"attr":"a","error":"b"}"#;
    assert!(matches!(read(&format!("{small}\n").repeat(10)), Err(ReadError::TooMuch(600))));
    assert!(matches!(read(&format!("{small}\n{{")), Err(ReadError::Line { line: 2, .. })));
    assert!(matches!(read("{}"), Err(ReadError::Line { line: 1, .. })));
    let nested = format!("{{\"attr\":\"a\",\"meta\":{}", "[".repeat(1 << 16));
    assert!(matches!(Index::read(nested.as_bytes(), Limits::default()), Err(ReadError::Line { .. })));
    let many = (0..65).map(|number| format!("\"o{number}\":null")).collect::<Vec<_>>().join(",");
    let many = format!(r#"{{"attr":"a","name":"a","system":"x86_64-linux","outputs":{{{many}}}}}"#);
    assert!(matches!(Index::read(many.as_bytes(), Limits::default()), Err(ReadError::Line { .. })));
}

proptest! {
    #[test]
    fn no_line_panics(text in "\\PC{0,60}", attribute in "\\PC{0,12}") {
        let _ = Index::read(text.as_bytes(), Limits::default());
        let line = format!(r#"{{"attr":{},"name":{},"system":"x86_64-linux"}}"#, serde_json::json!(attribute), serde_json::json!(text));
        if let Ok(index) = Index::read(line.as_bytes(), Limits::default()) {
            prop_assert!(index.nearest(&text).len() <= 3);
            prop_assert!(!attribute.is_empty());
        }
    }
}
