//! Whole projects: what a machine is made of, what is on disk, and what hostile texts do.

use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;

use super::{findings, load};
use crate::config::{
    self, Argument, FileContent, Loaded, Names, Owner, Part, Ready, RequestKind, Restart, RunAs, SbomFormat, Severity,
    Sources, System,
};

/// The three files as users write them; `None` where they are not at hand.
fn sample() -> Option<Sources> {
    let shared = std::env::var_os("DUMBC_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")), PathBuf::from);
    let read = |name: &str| std::fs::read_to_string(shared.join("sample").join(name)).ok();
    Some(Sources {
        system: Some(read("system.toml")?),
        users: Some(read("users.toml")?),
        home: Some(read("home.toml")?),
    })
}

fn skipped() {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "skipped: no sample files");
}

fn messages(loaded: &Loaded) -> Vec<&str> {
    loaded.diagnostics.iter().map(|finding| finding.message.as_str()).collect()
}

#[test]
fn the_sample_makes_a_machine() {
    let Some(sources) = sample() else { return skipped() };
    let loaded = config::parse(&sources);
    // The sample's keys are shortened, which is worth a warning.
    assert_eq!(messages(&loaded), ["the key is shortened"; 2]);
    let machine = loaded.machine.expect("no errors");
    assert_eq!(machine.packages.len(), 8);
    assert_eq!(machine.packages[7].kind, RequestKind::Local("./dist".to_owned()));
    assert_eq!(
        machine.channels["nixpkgs"].names,
        Names::NixosRelease { name: "nixos-26.05".to_owned(), revision: None }
    );
    assert_eq!(machine.image.systems, [System::X86_64Linux]);
    assert_eq!((machine.hostname.as_str(), machine.timezone.as_str()), ("lazycoder", "Europe/Berlin"));
    assert_eq!(machine.groups.into_iter().collect::<Vec<_>>(), [("build".to_owned(), 2000), ("wheel".to_owned(), 1)]);
    let entrypoint = machine.entrypoint.expect("an entrypoint");
    assert_eq!(entrypoint.user, RunAs::User("alice".to_owned()));
    assert_eq!((entrypoint.ports.as_slice(), entrypoint.stop.grace), ([8080].as_slice(), Duration::from_secs(20)));
    assert!(matches!(&entrypoint.command[0], Argument::Local { path, .. } if path == "./bin/web"));
    assert_eq!(machine.daemons["sync"].user, RunAs::EveryUser);
    assert_eq!(machine.daemons["sync"].restart, Restart::OnFailure);
    assert_eq!(machine.daemons["tailscaled"].ready, Some(Ready::File("/run/tailscale/tailscaled.sock".to_owned())));
    assert_eq!(machine.files.len(), 2);
    assert_eq!((machine.files[0].target.as_str(), machine.files[0].mode), ("/etc/motd", Some(0o644)));
    assert_eq!(machine.files[1].owner, Owner { uid: 1000, gid: 1000 }.into());
    assert_eq!((machine.persist.paths[1].mode, machine.persist.store_limit), (0o700, Some(4 << 30)));
    assert!(machine.boot.enable && machine.boot.user_rebuild);
    assert_eq!(machine.users["bob"].home.without, ["fd"]);
    assert_eq!(
        machine.users["alice"].home.settings["programs"]["git"]["settings"]["user"]["name"].as_str(),
        Some("Alice")
    );
    assert_eq!(machine.home.packages.len(), 3);
    assert!(machine.home.settings.contains_key("sessionVariables") && !machine.home.settings.contains_key("packages"));
}

#[test]
fn a_build_is_told_once_of_each_key_that_is_not_honoured_yet() {
    let Some(mut sources) = sample() else { return skipped() };
    let keys = |loaded: &Loaded| -> Vec<String> {
        let keys = loaded.inactive.iter().filter_map(|note| note.message.split('`').nth(1));
        keys.map(str::to_owned).collect()
    };
    assert_eq!(keys(&config::parse(&sources)), [""; 0]);
    sources.system = sources.system.map(|text| text.replace("enable = true", "enable = false"));
    let loaded = config::parse(&sources);
    let keys: Vec<_> = loaded.inactive.iter().filter_map(|note| note.message.split('`').nth(1)).collect();
    let expected = [
        "secrets",
        "health",
        "stop.grace",
        "[daemons]",
        "ready",
        "after",
        "secret-files",
        "persist.paths",
        "persist.store-limit",
        "authorized-keys",
        "users.toml: home",
        "home.toml",
    ];
    assert_eq!(keys, expected);
    assert!(loaded.inactive.iter().all(|note| note.severity == Severity::Warning && note.place.is_some()));
}

#[test]
fn little_is_needed() {
    let loaded = load("[image]\nname = \"a/box_1\"\n[entrypoint]\ncommand = [\"sh\"]\nuser = 65532\n", "", "");
    assert_eq!((messages(&loaded), loaded.inactive.len()), (vec![], 0));
    let machine = loaded.machine.expect("no errors");
    assert_eq!(machine.entrypoint.map(|entrypoint| entrypoint.user), Some(RunAs::Uid(65532)));
    assert_eq!((machine.image.tag.as_str(), machine.image.layers), ("latest", 100));
    assert_eq!((machine.hostname.as_str(), machine.persist.volume.as_str()), ("box-1", "/data"));
    assert!(machine.boot.enable && machine.boot.user_rebuild && machine.nix.is_none());
}

#[test]
fn a_byte_order_mark_and_carriage_returns_do_not_shift_places() {
    let loaded = load("\u{feff}[image]\r\nname = \"box\"\r\nnmae = 1\r\n", "", "");
    let place = loaded.diagnostics[0].place.as_ref().map(config::Place::line_column);
    assert_eq!((messages(&loaded), place), (vec!["unknown key `nmae` in `image`"], Some((3, 1))));
}

#[test]
fn a_number_that_is_declared_is_its_user() {
    let loaded = load("[entrypoint]\ncommand = [\"x\"]\nuser = 1000\n", "[alice]\nuid = 1000\n", "");
    let entrypoint = loaded.machine.and_then(|machine| machine.entrypoint);
    assert_eq!(entrypoint.map(|entrypoint| entrypoint.user), Some(RunAs::User("alice".to_owned())));
}

#[test]
fn modes_are_octal_and_targets_normal() {
    let loaded = load("[files.\"/etc//motd/\"]\ntext = \"a ${pkgs.x}\"\nmode = 0o600\n", "", "");
    assert_eq!(messages(&loaded), ["no package `x` is requested"]);
    let loaded = load("[files.\"/etc//motd/\"]\ntext = \"a $${pkgs.x}\"\nmode = 0o600\nowner = 7\n", "", "");
    let files = loaded.machine.expect("no errors").files;
    assert_eq!((files[0].target.as_str(), files[0].mode), ("/etc/motd", Some(0o600)));
    assert_eq!(files[0].owner, Owner { uid: 7, gid: 7 }.into());
    let FileContent::Text(text) = &files[0].content else { panic!("not text") };
    assert_eq!(text.parts, [Part::Text("a ${pkgs.x}".to_owned())]);
}

#[test]
fn what_another_broken_file_declares_is_not_missed() {
    let loaded = load("[entrypoint]\ncommand = [\"x\"]\nuser = \"alice\"\n", "[alice\n", "");
    assert_eq!(messages(&loaded), ["not TOML: unclosed table, expected `]`"]);
    let loaded = load("packages = [\n", "[alice]\nuid = 1\ngroups = ['build']\n", "packages = ['debian#x']\n");
    assert!(messages(&loaded).iter().all(|message| message.starts_with("not TOML")), "{:?}", messages(&loaded));
}

#[test]
fn an_absent_system_file_says_how_to_begin() -> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    let loaded = config::load(folder.path());
    assert_eq!(messages(&loaded), ["there is no system.toml"]);
    assert!(loaded.diagnostics[0].help.as_ref().is_some_and(|help| help.contains("dumbc init")));
    std::fs::write(folder.path().join("system.toml"), b"[image]\n\xff")?;
    assert_eq!(messages(&config::load(folder.path())), ["can't read system.toml: line 2 is not UTF-8"]);
    Ok(())
}

fn project(files: &[(&str, &str)]) -> std::io::Result<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir()?;
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        std::fs::write(&path, text)?;
        let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
    }
    Ok(folder)
}

#[test]
fn paths_of_the_project_have_to_be_there() -> std::io::Result<()> {
    let system = r#"
packages = ["./dist", "./gone", "/nonexistent", "../up", "."]
[image]
name = "box"
[entrypoint]
command = ["./bin/web", "./gone-too"]
[daemons.a]
command = ["./plain"]
[daemons.b]
command = ["./dist"]
[files."/srv"]
source = "./dist"
[files."/srv/x"]
text = "beside what the folder holds"
[files."/one"]
source = "./plain"
[files."/one/below"]
text = ""
[files."/link"]
source = "./link"
"#;
    let files = [("system.toml", system), ("bin/web", "#!/bin/sh\n"), ("plain", ""), ("dist/a", "")];
    let folder = project(&files)?;
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join("link"))?;
    let loaded = config::load(folder.path());
    let found: Vec<_> = loaded
        .diagnostics
        .iter()
        .map(|finding| (finding.place.as_ref().map(config::Place::line_column), finding.message.as_str()))
        .collect();
    let expected = [
        (Some((2, 23)), "there is no `./gone`"),
        (Some((2, 33)), "there is no `/nonexistent`"),
        (Some((2, 49)), "`../up` leads out of the project"),
        (Some((2, 58)), "the whole project can't be a package"),
        (Some((6, 25)), "there is no `./gone-too`"),
        (Some((8, 12)), "`./plain` is not executable"),
        (Some((10, 12)), "`./dist` is a folder"),
        (Some((17, 8)), "`/one/below` lies below `/one`, which is a file"),
    ];
    assert_eq!(found, expected);
    Ok(())
}

#[test]
fn the_sample_builds_on_its_project() -> std::io::Result<()> {
    let Some(sources) = sample() else {
        skipped();
        return Ok(());
    };
    let program = "#!/bin/sh\n";
    let folder = project(&[
        ("system.toml", sources.system.as_deref().unwrap_or_default()),
        ("users.toml", sources.users.as_deref().unwrap_or_default()),
        ("home.toml", sources.home.as_deref().unwrap_or_default()),
        ("dist/app", program),
        ("bin/web", program),
        ("bin/tailscale-up.sh", program),
        ("bin/sync.sh", program),
        ("site/index.html", ""),
        ("dots/tmux.conf", ""),
    ])?;
    let loaded = config::load(folder.path());
    assert_eq!(messages(&loaded), ["the key is shortened"; 2]);
    assert_eq!(loaded.machine.map(|machine| machine.project), Some(folder.path().to_owned()));
    Ok(())
}

/// A text with some pieces cut out, doubled, or replaced.
fn mangled(text: &str) -> impl Strategy<Value = String> + use<> {
    const PIECES: [&str; 16] =
        ["[", "]", "\"", "'", "=", "{", "}", "\n", ".", "\u{0}", "é", "[[", "\"\"\"", "0o9", "${pkgs.", "\\u0000"];
    let text = text.to_owned();
    let edit = (any::<prop::sample::Index>(), 0_usize..30, 0..PIECES.len(), any::<bool>());
    prop::collection::vec(edit, 0..8).prop_map(move |edits| {
        edits.into_iter().fold(text.clone(), |text, (at, length, piece, keep)| {
            let start = text.floor_char_boundary(at.index(text.len() + 1));
            let end = text.ceil_char_boundary((start + length).min(text.len()));
            let tail = if keep { &text[start..] } else { &text[end..] };
            format!("{}{}{tail}", &text[..start], PIECES[piece])
        })
    })
}

fn never_panics(sources: &Sources) {
    let loaded = config::parse(sources);
    let wrong = loaded.diagnostics.iter().any(|finding| finding.severity == Severity::Error);
    assert_eq!(loaded.machine.is_none(), wrong);
    for finding in loaded.diagnostics.iter().chain(&loaded.inactive) {
        assert!(!finding.message.contains('\n') && !finding.message.is_empty());
        if let Some(place) = &finding.place {
            let (line, column) = place.line_column();
            assert!(line > 0 && column > 0 && place.source.get(place.clamped()).is_some());
        }
    }
}

const SMALL: &str = "packages = ['a', './b']\n[image]\nname = 'x'\nenv = { A = '${pkgs.a}' }\n[entrypoint]\ncommand = ['x']\nuser = 5\nhealth = { http = '/' }\nport = 1\n[files.\"/a\"]\ntext = ''\nmode = 0o644\n[daemons.a]\ncommand = ['y']\nafter = ['a']\n";

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mangled_files_are_refused_without_panic(
        system in mangled(&sample().and_then(|sample| sample.system).unwrap_or_else(|| SMALL.to_owned())),
        users in mangled("[alice]\nuid = 1000\ngroups = ['wheel']\nhome.packages = ['x']\n"),
        home in mangled("packages = ['x']\n[programs.git]\nenable = true\n[file.a]\ntext = '${pkgs.x}'\n"),
    ) {
        never_panics(&Sources { system: Some(system), users: Some(users), home: Some(home) });
    }

    #[test]
    fn any_text_is_refused_without_panic(system in "(\\PC|[\\[\\]\"'=.{}\n])*", users in "\\PC*") {
        never_panics(&Sources { system: Some(system), users: Some(users), home: None });
    }
}

#[test]
fn deep_and_long_texts_are_refused_without_panic() {
    let deep = format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    let dotted = format!("{} = 1", vec!["a"; 50_000].join("."));
    let chain: String = (0..3000)
        .fold(String::new(), |text, n| text + &format!("[daemons.d{n}]\ncommand = ['x']\nafter = ['d{}']\n", n + 1));
    for text in [deep, dotted, chain] {
        never_panics(&Sources { system: Some(text), users: None, home: None });
    }
}

#[test]
fn an_image_tells_what_it_is_made_of_unless_told_not_to() {
    let sbom = |line: &str| load(&format!("[image]\nname = \"box\"\n{line}\n"), "", "").machine.unwrap().image.sbom;
    assert_eq!(sbom(""), Some(SbomFormat::Spdx));
    assert_eq!(sbom("sbom = \"spdx\""), Some(SbomFormat::Spdx));
    assert_eq!(sbom("sbom = \"cyclonedx\""), Some(SbomFormat::CycloneDx));
    assert_eq!(sbom("sbom = false"), None);
    let found = |line: &str| findings(&format!("[image]\nname = \"box\"\n{line}\n"), "", "");
    insta::assert_snapshot!(found("sbom = true") + &found("sbom = \"spdxx\"") + &found("sbom = 1"), @r#"
    system.toml:3:8 this is no format of an SBOM
        write sbom = "spdx", sbom = "cyclonedx", or sbom = false for none
    system.toml:3:8 `image.sbom` can't be `spdxx`
        did you mean `spdx`?
    system.toml:3:8 `image.sbom` has to be a string or true or false, not an integer
        write it in quotes: "1"
    "#);
}
