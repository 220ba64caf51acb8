//! The foreground's program, streams and terminal.

use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

use ::nix::unistd::{Pid, Uid, fchown, getpgrp, tcgetpgrp, tcsetpgrp};

use crate::boot::PlanAccount;
use crate::machine::process;

/// A program that can't be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFound {
    /// Why, in words.
    pub message: String,
    /// What a shell would give: 127 where there is no such program, 126 where it can't be executed.
    pub code: u8,
}

impl NotFound {
    /// What the system says of starting `command`.
    #[must_use]
    pub fn of(command: &[String], error: &io::Error) -> Self {
        let program = command.first().map(String::as_str).unwrap_or_default();
        let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
        Self { message: format!("`{program}`: {error}"), code }
    }
}

/// A command with its program looked up in the folders of `path`, as shells do it.
///
/// # Errors
///
/// There is no such program, or it can't be executed.
pub fn resolved(command: &[String], path: &str) -> Result<Vec<String>, NotFound> {
    let (program, rest) = command
        .split_first()
        .filter(|(program, _)| !program.is_empty())
        .ok_or_else(|| NotFound { message: "the command is empty".to_owned(), code: 127 })?;
    let mut arguments = vec![look_up(program, path)?];
    arguments.extend_from_slice(rest);
    Ok(arguments)
}

fn look_up(program: &str, path: &str) -> Result<String, NotFound> {
    if program.contains('/') {
        return Ok(program.to_owned());
    }
    let mut refused = None;
    for folder in path.split(':').filter(|folder| folder.starts_with('/')) {
        let candidate = format!("{folder}/{program}");
        match std::fs::metadata(&candidate) {
            Ok(data) if data.is_file() && data.mode() & 0o111 != 0 => return Ok(candidate),
            Ok(data) if data.is_file() => refused = refused.or(Some(candidate)),
            _ => {}
        }
    }
    Err(match refused {
        Some(candidate) => NotFound { message: format!("`{candidate}` is not executable"), code: 126 },
        None => NotFound { message: format!("there is no `{program}` in {path}"), code: 127 },
    })
}

/// Gives standard streams that are pipes or terminals to the foreground's user, who so may open `/dev/stdout` and the terminal.
pub fn give_streams(account: &PlanAccount) {
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    for stream in [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()] {
        let data = stream.try_clone_to_owned().and_then(|file| std::fs::File::from(file).metadata());
        let is_pipe = data.is_ok_and(|data| data.file_type().is_fifo());
        if is_pipe || stream.is_terminal() {
            // A machine that may not goes on as it is.
            let _ = fchown(stream, Some(Uid::from_raw(account.uid)), None);
        }
    }
}

/// The terminal, and who has it.
#[derive(Debug)]
pub struct Terminal {
    ours: bool,
    owner: Option<Pid>,
}

impl Terminal {
    /// Standard input, where it is a terminal whose foreground this process is in.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self { ours: process::has_terminal(), owner: None }
    }

    /// The foreground has taken it.
    pub fn given_to(&mut self, group: Pid) {
        self.owner = self.ours.then_some(group);
    }

    /// Who has it.
    #[must_use]
    pub fn owner(&self) -> Option<Pid> {
        self.owner
    }

    /// Gives it to its owner where we have it.
    pub fn give_again(&self) {
        if let Some(owner) = self.owner.filter(|_| tcgetpgrp(io::stdin()) == Ok(getpgrp())) {
            let _ = tcsetpgrp(io::stdin(), owner);
        }
    }

    /// Takes it back after the owner's end.
    pub fn take_back(&mut self) {
        if self.owner.take().is_some() {
            let _ = tcsetpgrp(io::stdin(), getpgrp());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn programs_are_looked_up_as_shells_do() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        for (place, mode) in [(&one, 0o644), (&two, 0o755)] {
            std::fs::create_dir(place)?;
            std::fs::write(place.join("tool"), "")?;
            std::fs::set_permissions(place.join("tool"), std::fs::Permissions::from_mode(mode))?;
        }
        let path = format!(":.:{}:{}", one.display(), two.display());
        let command = |program: &str| vec![program.to_owned(), "x".to_owned()];
        assert_eq!(resolved(&command("tool"), &path), Ok(vec![two.join("tool").display().to_string(), "x".to_owned()]));
        assert_eq!(resolved(&command("tool"), &one.display().to_string()).map_err(|error| error.code), Err(126));
        assert_eq!(resolved(&command("absent"), &path).map_err(|error| error.code), Err(127));
        assert_eq!(resolved(&command("./absent"), &path), Ok(command("./absent")));
        assert_eq!(resolved(&[], &path).map_err(|error| error.code), Err(127));
        Ok(())
    }
}
