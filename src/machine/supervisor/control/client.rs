//! Asking a running machine.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use super::{Answer, Request, SOCKET};
use crate::failure::{Class, Classified};

/// How long the machine may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a machine is asked that has too many connections to hear.
const TRIES: u32 = 5;

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest answer, in bytes.
const LONGEST: u64 = 16 << 20;

/// Why a machine gave no answer, or not the one that was hoped for.
#[derive(Debug, Error)]
pub enum ControlError {
    /// There is no socket, or nobody listens.
    #[error("no machine runs here: nobody listens at `{}`", path.display())]
    NoMachine {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The connection broke.
    #[error("the machine does not answer")]
    NoAnswer(#[source] io::Error),
    /// The machine says no.
    #[error("{0}")]
    Refused(String),
}

impl Classified for ControlError {
    fn class(&self) -> Class {
        Class::Other
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::NoMachine { .. } => {
                Some("run this inside a machine that `dumbc boot` has started, with its daemons".to_owned())
            }
            Self::NoAnswer(_) => {
                Some("the machine may be stopping, or have too many connections: try again".to_owned())
            }
            Self::Refused(_) => None,
        }
    }
}

/// An answer, and what follows it.
pub struct Reply {
    /// What was asked for.
    pub value: serde_json::Value,
    lines: BufReader<UnixStream>,
}

/// Asks the machine whose sockets are in `run`: [`crate::boot::RUN`].
pub fn ask(run: &Path, request: &Request) -> Result<Reply, ControlError> {
    let path = run.join(SOCKET);
    let connect =
        || UnixStream::connect(&path).map_err(|source| ControlError::NoMachine { path: path.clone(), source });
    let mut answer = exchange(&mut connect()?, request);
    for _ in 1..TRIES {
        if answer.as_ref().err().is_none_or(|error| error.kind() == io::ErrorKind::WouldBlock) {
            break;
        }
        std::thread::sleep(PAUSE);
        answer = exchange(&mut connect()?, request);
    }
    match answer.map_err(ControlError::NoAnswer)? {
        (Answer::Ok(value), lines) => Ok(Reply { value, lines }),
        (Answer::Error(message), _) => Err(ControlError::Refused(message)),
    }
}

fn exchange(stream: &mut UnixStream, request: &Request) -> io::Result<(Answer, BufReader<UnixStream>)> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut text = serde_json::to_vec(request)?;
    text.push(b'\n');
    stream.write_all(&text)?;
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut line = Vec::new();
    lines.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((serde_json::from_slice(&line)?, lines))
}

impl Reply {
    /// Hands on every line that follows, a JSON document each, until the machine ends the answer. It may take for ever.
    pub fn each_line(mut self, mut take: impl FnMut(&str) -> anyhow::Result<()>) -> anyhow::Result<()> {
        self.lines.get_ref().set_read_timeout(None)?;
        loop {
            let mut line = String::new();
            if self.lines.by_ref().take(LONGEST).read_line(&mut line)? == 0 {
                return Ok(());
            }
            take(line.trim_end())?;
        }
    }
}
