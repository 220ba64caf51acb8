//! Keys that sign caches, in files as Nix has them.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::WriteError;
use crate::nix::{PublicKey, SecretKey};

/// More than a key file has.
const LIMIT: u64 = 4096;

/// Makes a key, writes it to `secret` (readable by its owner only) and its public part beside it, with `.pub` added.
/// Never overwrites. Answers the public key and its file.
pub fn write_key(name: &str, secret: &Path) -> Result<(PublicKey, PathBuf), WriteError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|fault| WriteError::Random(fault.to_string()))?;
    let key =
        SecretKey::generate(name, seed).map_err(|source| WriteError::KeyName { name: name.to_owned(), source })?;
    let mut public_name = secret.as_os_str().to_owned();
    public_name.push(".pub");
    let public_file = PathBuf::from(public_name);
    if public_file.exists() {
        return Err(WriteError::KeyExists(public_file));
    }
    create(secret, 0o600, &key.expose())?;
    create(&public_file, 0o644, &key.public_key().to_string())?;
    Ok((key.public_key(), public_file))
}

fn create(path: &Path, mode: u32, content: &str) -> Result<(), WriteError> {
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| writeln!(file, "{content}"));
    written.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => WriteError::KeyExists(path.to_owned()),
        _ => WriteError::Write { path: path.to_owned(), source },
    })
}

/// Reads a secret key.
pub fn read_secret_key(path: &Path) -> Result<SecretKey, WriteError> {
    read(path)?.trim().parse().map_err(|source| WriteError::Key { path: path.to_owned(), source })
}

/// Reads a public key.
pub fn read_public_key(path: &Path) -> Result<PublicKey, WriteError> {
    read(path)?.trim().parse().map_err(|source| WriteError::Key { path: path.to_owned(), source })
}

fn read(path: &Path) -> Result<String, WriteError> {
    let wrong = |source| WriteError::Read { path: path.to_owned(), source };
    let missing = || wrong(io::Error::from(io::ErrorKind::NotFound));
    let bytes = super::read_limited(path, LIMIT).map_err(wrong)?.ok_or_else(missing)?;
    String::from_utf8(bytes).map_err(|fault| wrong(io::Error::new(io::ErrorKind::InvalidData, fault.utf8_error())))
}
