//! Nix itself, where it runs: its database is the only one then, and its collector the only one that collects.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::ServiceError;
use super::registration::load_db_text;
use super::unpack::discard;
use crate::nix::{PathInfo, StorePath};

/// Where Nix looks for what must stay.
pub(super) const ROOTS: &str = "/nix/var/nix/gcroots/dumbc";

/// How much of what a program says is passed on.
const TAIL: usize = 2000;

/// Tells Nix's database of paths that are there.
pub(super) fn load_db(package: &str, infos: &[PathInfo]) -> Result<(), ServiceError> {
    run(package, &["--load-db"], load_db_text(infos).as_bytes()).map(drop)
}

/// Lets Nix collect all that `roots` don't need. Gives the paths that went, as far as it says so.
pub(super) fn collect(
    package: &str,
    folder: &Path,
    roots: &BTreeSet<StorePath>,
) -> Result<Vec<StorePath>, ServiceError> {
    write_roots(folder, roots)?;
    let said = run(package, &["--gc"], b"")?;
    let deleted = said.lines().filter_map(|line| line.strip_prefix("deleting '")?.strip_suffix('\'')?.parse().ok());
    Ok(deleted.collect())
}

/// The folder as a whole is put in the place of the one before: at no time is a root missing.
fn write_roots(folder: &Path, roots: &BTreeSet<StorePath>) -> Result<(), ServiceError> {
    let fault = || ServiceError::io("write", folder);
    fs::create_dir_all(folder).map_err(fault())?;
    for root in roots {
        match std::os::unix::fs::symlink(root.to_string(), folder.join(root.base_name())) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            made => made.map_err(fault())?,
        }
    }
    for entry in fs::read_dir(folder).map_err(fault())?.flatten() {
        let is_root = entry.file_name().to_str().and_then(|name| StorePath::from_base_name(name).ok());
        if !is_root.is_some_and(|path| roots.contains(&path)) {
            discard(&entry.path()).map_err(fault())?;
        }
    }
    Ok(())
}

fn run(package: &str, arguments: &[&str], input: &[u8]) -> Result<String, ServiceError> {
    let program = PathBuf::from(package).join("bin/nix-store");
    let named = || format!("{} {}", program.display(), arguments.join(" "));
    let failed = |reason: String| ServiceError::Nix { program: named(), reason };
    let mut child = Command::new(&program)
        .args(arguments)
        .env_clear()
        .env("HOME", "/root")
        .env("NIX_REMOTE", "local")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            if let Some(mut stdin) = stdin {
                // Who does not read to the end says why.
                let _ = stdin.write_all(input);
            }
        });
        child.wait_with_output()
    });
    let output = output.map_err(|error| failed(error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        return Ok(said);
    }
    let skipped = said.chars().count().saturating_sub(TAIL);
    Err(failed(said.chars().skip(skipped).collect::<String>().trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn roots_are_written_and_nix_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let (package, roots) = (folder.path().join("nix"), folder.path().join("roots"));
        fs::create_dir_all(package.join("bin")).unwrap();
        let path = |number| StorePath::from_parts([number; 20], "x").unwrap();
        let script = format!("#!/bin/sh\ntest $1 = --gc || exit 3\necho \"deleting '{}'\" >&2\n", path(9));
        fs::write(package.join("bin/nix-store"), script).unwrap();
        fs::set_permissions(package.join("bin/nix-store"), fs::Permissions::from_mode(0o755)).unwrap();
        let package = package.to_str().unwrap();
        collect(package, &roots, &BTreeSet::from([path(1), path(2)])).unwrap();
        let gone = collect(package, &roots, &BTreeSet::from([path(2)])).unwrap();
        assert_eq!(gone, [path(9)]);
        assert_eq!(fs::read_dir(&roots).unwrap().count(), 1);
        assert!(matches!(load_db(package, &[]), Err(ServiceError::Nix { .. })));
        assert!(matches!(load_db("/absent", &[]), Err(ServiceError::Nix { .. })));
    }
}
