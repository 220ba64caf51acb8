//! Runs a helper to its end, with a limit on its time and on what it may say.

use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

/// More than this of what a helper prints is not kept.
const SAID: usize = 4 << 20;

/// A helper that has ended.
pub(super) struct Ended {
    /// How.
    pub(super) status: ExitStatus,
    /// What it printed on stdout, up to a limit.
    pub(super) said: Vec<u8>,
}

/// Runs `command`, which leads a process group of its own. After `limit` the group is killed, and the error is
/// [`io::ErrorKind::TimedOut`].
pub(super) fn to_its_end(command: Command, limit: Duration) -> io::Result<Ended> {
    listening(command, limit, SAID)
}

/// The same for one who may print up to `most` bytes.
pub(super) fn listening(mut command: Command, limit: Duration, most: usize) -> io::Result<Ended> {
    let deadline = Instant::now() + limit;
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let end = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).ok();
    let mut said = Vec::new();
    let ended = match child.stdout.take() {
        Some(mut stdout) => listen(&mut stdout, end.as_ref(), (&mut said, most), deadline),
        None => Ok(()),
    };
    match ended.and_then(|()| wait(&mut child, deadline)) {
        Ok(status) => Ok(Ended { status, said }),
        Err(error) => {
            let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
            let _ = child.kill();
            child.wait()?;
            Err(error)
        }
    }
}

/// `exit code 3`, `killed by signal 9`.
pub(super) fn told(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => "an unknown end".to_owned(),
    }
}

/// Reads until the helper has ended, or until nobody can write any more.
fn listen(
    stdout: &mut ChildStdout,
    end: Option<&OwnedFd>,
    (said, most): (&mut Vec<u8>, usize),
    deadline: Instant,
) -> io::Result<()> {
    rustix::fs::fcntl_setfl(&stdout, rustix::fs::OFlags::NONBLOCK)?;
    loop {
        let ready = {
            let mut sources = vec![PollFd::new(&stdout, PollFlags::IN)];
            sources.extend(end.map(|end| PollFd::from_borrowed_fd(end.as_fd(), PollFlags::IN)));
            wait_for(&mut sources, deadline)?;
            sources.get(1).is_some_and(|end| !end.revents().is_empty())
        };
        if !drain(stdout, said, most)? || ready {
            return Ok(());
        }
    }
}

/// Reads what is there; says whether there may be more.
fn drain(stdout: &mut ChildStdout, said: &mut Vec<u8>, most: usize) -> io::Result<bool> {
    let mut buffer = [0; 16 << 10];
    loop {
        match stdout.read(&mut buffer) {
            Ok(0) => return Ok(false),
            Ok(length) if said.len() < most => said.extend_from_slice(buffer.get(..length).unwrap_or_default()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn wait_for(sources: &mut [PollFd<'_>], deadline: Instant) -> io::Result<()> {
    let left = deadline.saturating_duration_since(Instant::now());
    let left = Timespec::try_from(left).map_err(io::Error::other)?;
    match poll(sources, Some(&left)) {
        Ok(0) => Err(io::ErrorKind::TimedOut.into()),
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// It has ended, or has closed its stdout and is about to.
fn wait(child: &mut Child, deadline: Instant) -> io::Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() >= deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt as _;

    fn shell(script: &str, limit: Duration) -> io::Result<Ended> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).process_group(0);
        to_its_end(command, limit)
    }

    #[test]
    fn what_it_says_and_how_it_ends_is_known() {
        let ended = shell("echo said; exit 3", Duration::from_mins(1)).unwrap();
        assert_eq!((ended.said.as_slice(), told(ended.status).as_str()), (&b"said\n"[..], "exit code 3"));
        let ended = shell("kill -9 $$", Duration::from_mins(1)).unwrap();
        assert_eq!(told(ended.status), "killed by signal 9");
    }

    #[test]
    fn who_takes_too_long_is_killed() {
        let error = shell("sleep 1000", Duration::from_millis(20)).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn a_flood_is_not_kept() {
        let ended = shell("head -c 9000000 /dev/zero", Duration::from_mins(1)).unwrap();
        assert!(ended.said.len() <= SAID + (16 << 10), "{}", ended.said.len());
    }
}
