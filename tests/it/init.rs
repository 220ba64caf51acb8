//! First sets of files, by what the machine has.

use std::fs;
use std::process::Command;

use crate::support::command::Dumbc;
use crate::support::skipped;

/// A folder with apt's configuration, of one list.
fn apt(sources: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().display();
    fs::create_dir(folder.path().join("parts")).unwrap();
    fs::write(folder.path().join("keyring.gpg"), "keys").unwrap();
    fs::write(folder.path().join("parts/a.sources"), sources.replace('@', &root.to_string())).unwrap();
    let conf = format!(
        "Dir::Etc::sourcelist \"/dev/null\";\nDir::Etc::sourceparts \"{root}/parts\";\nDir::Etc::netrc \"/dev/null\";\n\
         Dir::Etc::netrcparts \"/dev/null\";\n#clear Acquire::http::Proxy;\n"
    );
    fs::write(folder.path().join("apt.conf"), conf).unwrap();
    folder
}

fn dumbc(folder: &tempfile::TempDir, arguments: &[&str]) -> Dumbc {
    let store = folder.path().join("store");
    Dumbc::new(folder.path(), &store, arguments).env("APT_CONFIG", folder.path().join("apt.conf"))
}

/// system.toml of `dumbc init` with these arguments, which passes the check.
fn system(folder: &tempfile::TempDir, arguments: &[&str]) -> String {
    dumbc(folder, &[&["init", "box"], arguments].concat()).ok();
    let checked = dumbc(folder, &["-C", "box", "check"]).ok();
    assert!(checked.text().ends_with("; no errors\n"), "{checked}");
    let text = fs::read_to_string(folder.path().join("box/system.toml")).unwrap();
    fs::remove_dir_all(folder.path().join("box")).unwrap();
    text
}

#[test]
fn the_archive_of_apt_is_written_down() {
    if Command::new("apt-config").arg("dump").output().is_err() {
        skipped::<()>("there is no apt here");
        return;
    }
    let list = "Types: deb\nURIs: https://example.org/debian\nSuites: forky forky-updates\nComponents: main universe\n\
                Signed-By: @/keyring.gpg\n";
    let written = apt(list);
    let text = system(&written, &[]);
    let keyring = written.path().join("keyring.gpg").display().to_string();
    for line in [
        "suite = [\"forky\", \"forky-updates\"]",
        "components = [\"main\", \"universe\"]",
        "mirror = \"https://example.org/debian\"",
        &format!("keyring = \"{keyring}\""),
        "name = \"box\"",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
    }
    let secret = apt(&list.replace("https://", "https://me:hidden@"));
    let text = system(&secret, &["--channel", "debian"]);
    assert!(text.contains("mirror = \"host\"") && !text.contains("hidden"), "{text}");
    let nothing = apt("");
    assert!(system(&nothing, &[]).contains("release = \"nixos-"));
    let broken = apt("nonsense\n");
    dumbc(&broken, &["init", "box"]).ok().says(&["can't be asked for its archive", "a.sources"]);
}

#[test]
fn without_apt_and_by_name() {
    let folder = apt("");
    let without = |arguments: &[&str]| dumbc(&folder, arguments).env("PATH", "/nonexistent");
    without(&["init", "box"]).ok();
    let read = |name: &str| fs::read_to_string(folder.path().join(name).join("system.toml")).unwrap();
    assert!(read("box").contains("[channels.nixos]"));
    without(&["init", "debian", "--channel", "debian"]).ok().says(&["there is no apt here"]);
    assert!(read("debian").contains("mirror = \"host\""));
    assert!(system(&folder, &["--channel", "nixos-unstable"]).contains("release = \"nixos-unstable\""));
    dumbc(&folder, &["init", "no", "--channel", "bookworm"]).fails(2).says(&["bookworm", "nixos-26.05"]);
    // Neither the lock nor the files are kept out of a repository.
    let ignored = fs::read_to_string(folder.path().join("box/.gitignore")).unwrap();
    assert!(!ignored.contains("lock") && !ignored.contains(".toml"), "{ignored}");
}
