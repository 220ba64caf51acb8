//! Keys that sign and check images: out of files or variables, opened with a password.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::AsFd as _;

use anyhow::Context as _;
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

use crate::failure::Class;
use crate::signing::{Envelope, PrivateKey, PrivateKeyFile, PublicKey};

use super::failure::Failure;

/// No key is longer, and no password.
const LONGEST: u64 = 64 << 10;

/// Where a password stands, as for cosign.
const PASSWORD: &str = "COSIGN_PASSWORD";

/// The private key that `place` names: a file, or `env://VARIABLE`. Asks for its password where it has one and `COSIGN_PASSWORD`
/// isn't set.
pub(super) fn private_key(place: &str) -> anyhow::Result<PrivateKey> {
    let unusable = || format!("can't sign with the key {place}");
    match PrivateKeyFile::parse(&text(place)?).with_context(unusable)? {
        PrivateKeyFile::Plain(key) => Ok(key),
        PrivateKeyFile::Encrypted(envelope) => open(&envelope, place).with_context(unusable),
    }
}

/// The public key that `place` names: a file, or `env://VARIABLE`.
pub(super) fn public_key(place: &str) -> anyhow::Result<PublicKey> {
    PublicKey::parse(&text(place)?).with_context(|| format!("can't check signatures with the key {place}"))
}

fn text(place: &str) -> anyhow::Result<String> {
    let failure = |message: String| anyhow::Error::from(Failure::new(Class::Usage, message));
    if let Some(name) = place.strip_prefix("env://") {
        return std::env::var(name).map_err(|_| failure(format!("the variable {name} holds no key")));
    }
    let cannot = || format!("can't read the key {place}");
    let mut text = String::new();
    let read = File::open(place).and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text));
    match read {
        Ok(length) if length as u64 > LONGEST => Err(failure(format!("{place} is too long for a key"))),
        Ok(_) => Ok(text),
        Err(error) => Err(failure(format!("{}: {error}", cannot()))),
    }
}

fn open(envelope: &Envelope, place: &str) -> anyhow::Result<PrivateKey> {
    let password = match std::env::var(PASSWORD) {
        Ok(password) => password,
        Err(_) => ask(place)?,
    };
    Ok(envelope.open(password.as_bytes())?)
}

/// Asks on the terminal, whatever stdin and stdout are.
fn ask(place: &str) -> anyhow::Result<String> {
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").map_err(|_| {
        Failure::new(Class::Usage, format!("the key {place} needs its password, and there is no terminal to ask on"))
            .help(format!("set {PASSWORD}"))
    })?;
    let silence = Silence::over(terminal.try_clone()?)?;
    write!(terminal, "Password for {place}: ")?;
    let mut password = String::new();
    let read = BufReader::new(&terminal).take(LONGEST).read_line(&mut password);
    drop(silence);
    // What was typed did not end the line that anybody sees.
    writeln!(terminal)?;
    read?;
    Ok(password.trim_end_matches(['\r', '\n']).to_owned())
}

/// A terminal that doesn't show what is typed, as long as this lives.
struct Silence {
    terminal: File,
    before: Termios,
}

impl Silence {
    fn over(terminal: File) -> anyhow::Result<Self> {
        let before = tcgetattr(terminal.as_fd())?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(terminal.as_fd(), SetArg::TCSAFLUSH, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that went away.
        let _ = tcsetattr(self.terminal.as_fd(), SetArg::TCSAFLUSH, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_not_there_is_named() {
        for place in ["/nonexistent/cosign.key", "env://DUMBC_NO_SUCH_VARIABLE"] {
            let error = private_key(place).unwrap_err();
            assert!(format!("{error:#}").contains(place.trim_start_matches("env://")), "{error:#}");
            assert!(public_key(place).is_err());
        }
    }

    #[test]
    fn what_is_no_key_says_which_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "no key").unwrap();
        let place = file.path().to_str().unwrap();
        assert!(format!("{:#}", private_key(place).unwrap_err()).contains(place));
        std::fs::write(file.path(), vec![b'-'; 70 << 10]).unwrap();
        assert!(private_key(place).unwrap_err().to_string().ends_with("is too long for a key"));
    }
}
