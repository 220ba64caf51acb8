//! The machine's ssh host key: made at first boot, kept on the volume. Where that can't be, a container has a key of its own.
//!
//! `openssh-key-v1`, unencrypted, as OpenSSH's PROTOCOL.key describes it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use data_encoding::BASE64;
use ed25519_dalek::SigningKey;

use crate::boot::BootPlan;

use super::folder::{self, Owner};
use super::ground::Ground;
use super::journal::Journal;
use super::small;
use super::volume::Volume;

const NAME: &str = "ssh_host_ed25519_key";
const SETTINGS: &str = "/etc/ssh";

/// Where the image has `/etc/ssh`: sees to it that the volume has a key, and that sshd finds it there.
pub(super) fn stand(ground: &Ground, volume: &Volume, plan: &BootPlan, journal: &mut Journal<'_>) {
    if !ground.at(SETTINGS).is_dir() {
        return;
    }
    let folder = volume.layout.state().join("ssh");
    let place = ground.at(&folder);
    if volume.writable && place.join(NAME).symlink_metadata().is_err() {
        let made = make(&place);
        journal.attempt("make the ssh host key", made);
    }
    if !place.join(NAME).is_file() {
        if runs_sshd(plan) {
            of_the_container(&ground.at(SETTINGS), journal);
        }
        return;
    }
    for name in [NAME.to_owned(), format!("{NAME}.pub")] {
        let link = ground.at(SETTINGS).join(&name);
        if link.symlink_metadata().is_err() {
            let linked = std::os::unix::fs::symlink(folder.join(&name), &link);
            journal.attempt(format_args!("link {SETTINGS}/{name}"), linked);
        }
    }
}

/// Nobody who knows the machine will know this key; but sshd starts.
fn of_the_container(settings: &Path, journal: &mut Journal<'_>) {
    if settings.join(NAME).symlink_metadata().is_ok() {
        return;
    }
    let made = make(settings);
    if journal.attempt("make an ssh host key", made).is_some() {
        journal.warn("the ssh host key can't be on the volume: it ends with this container");
    }
}

/// Whether somebody needs a key.
fn runs_sshd(plan: &BootPlan) -> bool {
    let mut programs = plan.entrypoint.iter().chain(&plan.daemons).filter_map(|unit| unit.command.first());
    programs.any(|program| program.rsplit('/').next() == Some("sshd"))
}

fn make(folder: &Path) -> io::Result<()> {
    folder::make(folder, Owner::ROOT, 0o755)?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(io::Error::other)?;
    let mut check = [0; 4];
    getrandom::fill(&mut check).map_err(io::Error::other)?;
    let key = SigningKey::from_bytes(&seed);
    small::write(&folder.join(format!("{NAME}.pub")), &public_line(&key))?;
    let fresh = folder.join("key.new");
    let _ = fs::remove_file(&fresh);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(private_text(&key, check).as_bytes())?;
    file.sync_all()?;
    // The private key last: it says that both are there.
    fs::rename(fresh, folder.join(NAME))
}

/// A string as SSH writes it: its length in four bytes, the highest first, and its bytes.
fn string(into: &mut Vec<u8>, bytes: &[u8]) {
    into.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    into.extend_from_slice(bytes);
}

fn public(key: &SigningKey) -> Vec<u8> {
    let mut blob = Vec::new();
    string(&mut blob, b"ssh-ed25519");
    string(&mut blob, key.verifying_key().as_bytes());
    blob
}

fn public_line(key: &SigningKey) -> String {
    format!("ssh-ed25519 {}\n", BASE64.encode(&public(key)))
}

/// `check` stands twice, so that whoever decrypts sees that it went well; nothing is encrypted here.
fn private_text(key: &SigningKey, check: [u8; 4]) -> String {
    let mut secret = [check, check].concat();
    secret.extend(public(key));
    string(&mut secret, &key.to_keypair_bytes());
    string(&mut secret, b"");
    secret.extend((1..=7).cycle().take(secret.len().next_multiple_of(8) - secret.len()).collect::<Vec<u8>>());

    let mut blob = b"openssh-key-v1\0".to_vec();
    for part in [b"none".as_slice(), b"none", b""] {
        string(&mut blob, part);
    }
    blob.extend_from_slice(&1_u32.to_be_bytes());
    string(&mut blob, &public(key));
    string(&mut blob, &secret);

    let text = BASE64.encode(&blob);
    let lines: Vec<_> = text.as_bytes().chunks(70).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::Layout;
    use crate::machine::boot::mounting::doubles::Refusing;
    use crate::machine::boot::volume::Kind;
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;

    fn stood(root: &Path, writable: bool) -> usize {
        let mut plan = crate::machine::boot::tests::plan();
        plan.daemons.push(crate::machine::boot::tests::unit("sshd", 0));
        plan.daemons[0].command = vec!["/usr/sbin/sshd".to_owned(), "-D".to_owned()];
        let volume = Volume { layout: Layout::new("/data"), kind: Kind::Mounted, writable, lock: None };
        let mut told = 0;
        let mut teller = |_: &crate::machine::prepared::Warning| told += 1;
        stand(&Ground::new(root, Refusing), &volume, &plan, &mut Journal::new(&mut teller));
        told
    }

    #[test]
    fn a_key_is_made_once_where_ssh_is() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(stood(root.path(), true), 0);
        assert!(!root.path().join("data").exists());
        fs::create_dir_all(root.path().join("etc/ssh")).unwrap();
        fs::create_dir_all(root.path().join("data/dumbc")).unwrap();
        assert_eq!(stood(root.path(), true), 0);
        let key = root.path().join("data/dumbc/ssh").join(NAME);
        let first = fs::read(&key).unwrap();
        assert_eq!(key.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(stood(root.path(), true), 0);
        assert_eq!(fs::read(&key).unwrap(), first);
        let link = root.path().join("etc/ssh").join(NAME).read_link().unwrap();
        assert_eq!(link, Path::new("/data/dumbc/ssh").join(NAME));
    }

    #[test]
    fn a_volume_without_a_key_leaves_the_container_one_of_its_own() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("etc/ssh")).unwrap();
        fs::create_dir_all(root.path().join("data/dumbc")).unwrap();
        assert_eq!((stood(root.path(), false), stood(root.path(), false)), (1, 0), "made and told of once");
        assert!(root.path().join("etc/ssh").join(NAME).is_file() && !root.path().join("data/dumbc/ssh").exists());
    }

    #[test]
    fn openssh_reads_the_key() {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path()).unwrap();
        let path = folder.path().join(NAME);
        let Ok(output) = Command::new("ssh-keygen").arg("-y").arg("-f").arg(&path).output() else {
            crate::root::sample::skipped("there is no ssh-keygen here");
            return;
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.stdout, fs::read(path.with_extension("pub")).unwrap());
    }
}
