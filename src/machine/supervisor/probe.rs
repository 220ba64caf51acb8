//! Looks at units that need no process: ports, files, HTTP. Each in a short thread, as any of them may take its time.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use ::nix::sys::eventfd::{EfdFlags, EventFd};
use ::nix::unistd::{Gid, Uid, setfsgid, setfsuid};

/// How long a look may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Look {
    /// A TCP port of this machine.
    Port(u16),
    /// A file, as this user and group can see it.
    File(String, u32, u32),
    /// A path to GET at this port.
    Http(u16, String),
}

/// What a look has shown.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) unit: String,
    pub(super) run: u64,
    /// What is wrong, in words.
    pub(super) outcome: Result<(), String>,
}

/// Looks that are on their way.
pub(super) struct Looks {
    sender: Sender<Seen>,
    receiver: Receiver<Seen>,
    wake: Arc<EventFd>,
}

impl Looks {
    pub(super) fn new() -> ::nix::Result<Self> {
        let wake = EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?;
        let (sender, receiver) = channel();
        Ok(Self { sender, receiver, wake: Arc::new(wake) })
    }

    /// Begins a look; [`Looks::seen`] tells what came of it.
    pub(super) fn begin(&self, unit: &str, run: u64, look: Look) {
        let (sender, wake, name) = (self.sender.clone(), Arc::clone(&self.wake), unit.to_owned());
        let thread = std::thread::Builder::new().name("look".to_owned()).stack_size(128 << 10);
        let begun = thread.spawn(move || {
            let outcome = look.carry_out();
            // With nobody left to tell, there is nothing left to do.
            let _ = sender.send(Seen { unit: name, run, outcome });
            let _ = wake.write(1);
        });
        if let Err(error) = begun {
            let _ = self.sender.send(Seen { unit: unit.to_owned(), run, outcome: Err(error.to_string()) });
            let _ = self.wake.write(1);
        }
    }

    /// What was seen since the last time.
    pub(super) fn seen(&self) -> Vec<Seen> {
        let _ = self.wake.read();
        self.receiver.try_iter().collect()
    }
}

impl AsFd for Looks {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

impl Look {
    fn carry_out(&self) -> Result<(), String> {
        match self {
            Self::Port(port) => connect(*port, PATIENCE).map(drop).map_err(|error| format!("port {port}: {error}")),
            Self::File(path, uid, gid) => {
                // In this thread only: nobody learns by us of files that he can't see.
                setfsgid(Gid::from_raw(*gid));
                setfsuid(Uid::from_raw(*uid));
                std::fs::symlink_metadata(path).map(drop).map_err(|error| format!("`{path}`: {error}"))
            }
            Self::Http(port, path) => match get(*port, path) {
                Ok(status) if (200..400).contains(&status) => Ok(()),
                Ok(status) => Err(format!("GET {path} gives {status}")),
                Err(error) => Err(format!("GET {path} at port {port}: {error}")),
            },
        }
    }
}

fn connect(port: u16, patience: Duration) -> io::Result<TcpStream> {
    let loopback = |address: IpAddr| TcpStream::connect_timeout(&SocketAddr::new(address, port), patience);
    loopback(Ipv4Addr::LOCALHOST.into()).or_else(|error| loopback(Ipv6Addr::LOCALHOST.into()).map_err(|_| error))
}

/// The status of a GET, without more of the answer than its first line.
fn get(port: u16, path: &str) -> io::Result<u16> {
    let until = Instant::now() + PATIENCE;
    let mut stream = connect(port, PATIENCE)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: dumbc\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let (mut line, mut byte) = (Vec::new(), [0]);
    while line.len() < 256 && !line.ends_with(b"\n") {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        if stream.read(&mut byte)? == 0 {
            break;
        }
        line.extend_from_slice(&byte);
    }
    status(&line).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is no HTTP"))
}

/// `HTTP/1.1 200 OK`
fn status(line: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(line).ok()?;
    text.strip_prefix("HTTP/")?.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn http_is_well_with_200_and_300() {
        assert_eq!(status(b"HTTP/1.1 204 No Content\r\n"), Some(204));
        assert_eq!(status(b"HTTP/1.0 503\r\n"), Some(503));
        assert_eq!(status(b"SSH-2.0-x\r\n"), None);
    }

    #[test]
    fn a_server_is_asked() -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let server = std::thread::spawn(move || {
            for answer in ["", "HTTP/1.1 302 Found\r\n\r\n", "HTTP/1.1 500 Oh\r\n\r\n", "what?\r\n"] {
                let (mut stream, _) = listener.accept().unwrap();
                let mut text = [0; 512];
                let _ = stream.read(&mut text).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        let http = Look::Http(port, "/healthz".to_owned());
        let outcomes: Vec<_> = (0..4).map(|_| http.carry_out()).collect();
        assert!(outcomes[0].is_err() && outcomes[1].is_ok() && outcomes[3].is_err());
        assert_eq!(outcomes[2], Err("GET /healthz gives 500".to_owned()));
        server.join().unwrap();
        assert!(Look::Port(port).carry_out().is_err());
        Ok(())
    }
}
