//! `docker-credential-NAME get`: programs that keep credentials elsewhere.
//!
//! The server's name goes in on stdin; `{"ServerURL", "Username", "Secret"}` comes out. What a program says besides is never repeated:
//! it may be the secret.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{CREDENTIALS_VARIABLE, Credentials, CredentialsError, Secret, Variables};

/// The longest answer that is read; tokens have a few kilobytes.
const LONGEST_ANSWER: u64 = 256 << 10;

/// How often an ending program is looked at.
const POLL: Duration = Duration::from_millis(5);

/// A program that a store names.
pub(super) struct Helper<'a> {
    program: String,
    store: &'a Path,
    variables: &'a Variables,
    limit: Duration,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

impl<'a> Helper<'a> {
    /// The one called `name` in `store`, which may take as long as `limit`: some ask their user.
    pub(super) fn new(
        name: &str,
        store: &'a Path,
        variables: &'a Variables,
        limit: Duration,
    ) -> Result<Self, CredentialsError> {
        let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || !name.chars().all(is_fine) {
            return Err(CredentialsError::HelperName { path: store.to_owned() });
        }
        Ok(Self { program: format!("docker-credential-{name}"), store, variables, limit })
    }

    /// What it has for `server`; `None`: nothing.
    pub(super) fn get(&self, server: &str) -> Result<Option<Credentials>, CredentialsError> {
        let deadline = Instant::now() + self.limit;
        let mut child = self.start(server)?;
        let answer = self.converse(&mut child, server, deadline);
        let ended = answer.and_then(|answer| Ok((self.end(&mut child, server, deadline)?, answer)));
        if ended.is_err() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
        let (status, answer) = ended?;
        self.read(server, status, &answer)
    }

    fn start(&self, server: &str) -> Result<Child, CredentialsError> {
        let mut command = Command::new(&self.program);
        command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).env_remove(CREDENTIALS_VARIABLE);
        if let Some(path) = self.variables.path("PATH") {
            command.env("PATH", path);
        }
        command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => CredentialsError::NoHelper {
                path: self.store.to_owned(),
                program: self.program.clone(),
                server: server.to_owned(),
            },
            _ => self.io(server, error),
        })
    }

    /// Asks, and reads all that it answers.
    fn converse(&self, child: &mut Child, server: &str, deadline: Instant) -> Result<Vec<u8>, CredentialsError> {
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(self.io(server, ErrorKind::BrokenPipe.into()));
        };
        // A name is shorter than what a pipe holds; a program that doesn't want to know is no error.
        if let Err(error) = input.write_all(server.as_bytes())
            && error.kind() != ErrorKind::BrokenPipe
        {
            return Err(self.io(server, error));
        }
        drop(input);
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = output.take(LONGEST_ANSWER + 1).read_to_end(&mut bytes);
            sender.send(read.map(|_| bytes))
        });
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(error)) => Err(self.io(server, error)),
            Err(_) => Err(self.slow(server)),
        }
    }

    /// Waits for its end.
    fn end(&self, child: &mut Child, server: &str, deadline: Instant) -> Result<ExitStatus, CredentialsError> {
        loop {
            if let Some(status) = child.try_wait().map_err(|error| self.io(server, error))? {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                return Err(self.slow(server));
            }
            std::thread::sleep(POLL);
        }
    }

    fn read(&self, server: &str, status: ExitStatus, bytes: &[u8]) -> Result<Option<Credentials>, CredentialsError> {
        let (program, server) = (self.program.clone(), server.to_owned());
        if !status.success() {
            let knows_nothing = bytes.trim_ascii().starts_with(b"credentials not found");
            return if knows_nothing {
                Ok(None)
            } else {
                Err(CredentialsError::HelperFailed { program, server, status })
            };
        }
        let answer = Some(bytes).filter(|bytes| bytes.len() as u64 <= LONGEST_ANSWER);
        let answer = answer.and_then(|bytes| serde_json::from_slice::<Answer>(bytes).ok());
        let Some(Answer { username, secret }) = answer else {
            return Err(CredentialsError::HelperAnswer { program, server });
        };
        // Some say it so that they have nothing.
        Ok((!secret.is_empty()).then(|| Credentials::of_login(&username, Secret::new(secret))))
    }

    fn io(&self, server: &str, source: io::Error) -> CredentialsError {
        CredentialsError::HelperIo { program: self.program.clone(), server: server.to_owned(), source }
    }

    fn slow(&self, server: &str) -> CredentialsError {
        CredentialsError::HelperSlow { program: self.program.clone(), server: server.to_owned(), limit: self.limit }
    }
}
