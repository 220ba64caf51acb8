//! What units say of themselves: the protocol of `sd_notify`.

use std::fs;
use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use ::nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixAddr, UnixCredentials, recvmsg, setsockopt, sockopt};

use super::children;

/// The longest message.
const LONGEST: usize = 4096;

/// How far up a sender's ancestors are looked at.
const ANCESTORS: usize = 32;

/// A unit's socket, which only its user may write to.
pub(super) struct Socket {
    path: PathBuf,
    socket: UnixDatagram,
}

/// What a message says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) ready: bool,
    pub(super) status: Option<String>,
}

impl Socket {
    /// Makes a unit's socket in `folder`.
    pub(super) fn new(folder: &Path, unit: &str, uid: u32) -> std::io::Result<Self> {
        fs::create_dir_all(folder)?;
        let path = folder.join(unit);
        let _ = fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path)?;
        socket.set_nonblocking(true)?;
        setsockopt(&socket, sockopt::PassCred, &true)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::lchown(&path, Some(uid), None)?;
        }
        Ok(Self { path, socket })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The next message that a process of the session `session` sent; others' are dropped. `None`: there is nothing more.
    pub(super) fn next(&self, session: Option<i32>) -> Option<Message> {
        loop {
            let mut bytes = [0; LONGEST];
            let (length, sender) = self.receive(&mut bytes)?;
            let text = bytes.get(..length).map(String::from_utf8_lossy).unwrap_or_default();
            if session.zip(sender).is_some_and(|(session, sender)| belongs(sender.pid(), session)) {
                return Some(parse(&text));
            }
        }
    }

    fn receive(&self, bytes: &mut [u8]) -> Option<(usize, Option<UnixCredentials>)> {
        let mut space = ::nix::cmsg_space!(UnixCredentials);
        let mut slices = [IoSliceMut::new(bytes)];
        // Descriptors that come along are closed: the space has no room for them.
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
        let received = recvmsg::<UnixAddr>(self.socket.as_raw_fd(), &mut slices, Some(&mut space), flags).ok()?;
        let sender = received.cmsgs().ok().and_then(|mut messages| {
            messages.find_map(|message| match message {
                ControlMessageOwned::ScmCredentials(credentials) => Some(credentials),
                _ => None,
            })
        });
        Some((received.bytes, sender))
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether a process is of the session, or descends from its leader. One that is gone already can't be asked; the socket is only its
/// user's to write to.
fn belongs(pid: i32, session: i32) -> bool {
    let Some(mut process) = children::process(pid) else { return true };
    for _ in 0..ANCESTORS {
        if process.session == session || process.pid == session {
            return true;
        }
        let Some(parent) = children::process(process.parent) else { return false };
        process = parent;
    }
    false
}

fn parse(text: &str) -> Message {
    let mut message = Message::default();
    for line in text.lines() {
        match line.split_once('=') {
            Some(("READY", "1")) => message.ready = true,
            Some(("STATUS", status)) => {
                message.status = Some(status.chars().filter(|c| !c.is_control()).take(200).collect());
            }
            _ => {}
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read() {
        let message = parse("STATUS=up \u{1b}[31m\nWATCHDOG=1\nREADY=1\n");
        assert_eq!(message, Message { ready: true, status: Some("up [31m".to_owned()) });
        assert_eq!(parse("READY=0\nREADY\n=\n"), Message::default());
    }

    #[test]
    fn only_the_units_own_session_is_heard() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let socket = Socket::new(folder.path(), "web", rustix::process::geteuid().as_raw())?;
        let own = children::process(i32::try_from(std::process::id()).unwrap()).unwrap();
        let sender = UnixDatagram::unbound()?;
        sender.send_to(b"READY=1", socket.path())?;
        assert_eq!(socket.next(Some(own.session)).map(|message| message.ready), Some(true));
        sender.send_to(b"READY=1", socket.path())?;
        assert_eq!(socket.next(Some(i32::MAX)), None);
        assert_eq!(socket.next(Some(own.session)), None);
        Ok(())
    }
}
