//! The socket: who may connect, how long, and what is answered.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use super::error::ServiceError;
use super::unpack::discard;
use super::volume::TEMPORARY;
use super::wire::{self, Answer, Refusal, Reply, Request};
use super::{Caller, Service, native_paths};
use crate::failure::Classified;
use crate::progress::Progress;

/// How long a client may take for a document once it is connected, or since the last answer.
const IDLE: Duration = Duration::from_mins(2);

/// How long a NAR may take to come.
const SENDING: Duration = Duration::from_mins(10);

/// How long an answer may take to be read.
const ANSWERING: Duration = Duration::from_secs(30);

/// Bytes of stack of a connection's thread.
const STACK: usize = 2 << 20;

/// Fewer bytes than this are not worth a message.
const STEP: u64 = 1 << 20;

/// Listens, and serves until the process ends. Whatever ends it, nothing is left half-done.
pub fn serve(service: &Arc<Service>) -> Result<(), ServiceError> {
    let places = service.volume.places().clone();
    let lock_path = places.run.join("store.lock");
    let lock = fs::File::create(&lock_path).map_err(ServiceError::io("write", &lock_path))?;
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive)
        .map_err(|error| ServiceError::io("lock", &lock_path)(error.into()))?;
    clean(service)?;
    native_paths::attend(service);
    let listener = listen(service)?;
    // Who connects meanwhile waits, and finds all of it.
    if let Err(error) = service.volume.link_rest() {
        tracing::warn!("not all packages of the volume are in the store: {error}");
    }
    tracing::debug!("the store service listens at {}", places.socket().display());
    loop {
        match listener.accept() {
            Ok((stream, _)) => accept(service, stream),
            Err(error) => {
                // No descriptors or no memory left: whoever waits is served when some are.
                tracing::warn!("the store service can't accept a connection: {error}");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

/// Removes what a service that was killed had begun.
fn clean(service: &Service) -> Result<(), ServiceError> {
    let places = service.volume.places();
    for folder in [places.staging(), places.store.clone(), places.layout.state()] {
        let entries = fs::read_dir(&folder).map_err(ServiceError::io("read", &folder))?;
        for entry in entries.flatten() {
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(TEMPORARY)) {
                discard(&entry.path()).map_err(ServiceError::io("remove", entry.path()))?;
            }
        }
    }
    Ok(())
}

/// The socket has its mode before anybody sees it.
fn listen(service: &Service) -> Result<UnixListener, ServiceError> {
    let socket = service.volume.places().socket();
    let new = socket.with_extension("sock.new");
    let fault = || ServiceError::io("listen at", &socket);
    discard(&new).map_err(fault())?;
    let listener = UnixListener::bind(&new).map_err(fault())?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o666)).map_err(fault())?;
    fs::rename(&new, &socket).map_err(fault())?;
    Ok(listener)
}

fn accept(service: &Arc<Service>, stream: UnixStream) {
    let Ok(credentials) = getsockopt(&stream, PeerCredentials) else { return };
    let uid = credentials.uid();
    let service = service.clone();
    let builder = std::thread::Builder::new().name("store".to_owned()).stack_size(STACK);
    if !service.connections.enter(uid) {
        let _ = stream.set_nonblocking(true);
        let refusal = Refusal {
            class: "other".to_owned(),
            message: "too many connections to the store service".to_owned(),
            help: Some("try again when others have ended".to_owned()),
        };
        let _ = wire::write(&mut &stream, &Reply::Refused(refusal));
        return;
    }
    let other = service.clone();
    let spawned = builder.spawn(move || {
        let leaving = Leaving { service, uid };
        if let Err(error) = converse(&leaving.service, uid, &stream) {
            tracing::debug!("a connection of user {uid} ended: {error}");
        }
    });
    if let Err(error) = spawned {
        tracing::warn!("no thread for a connection: {error}");
        drop(Leaving { service: other, uid });
    }
}

/// A connection's end, however it comes.
struct Leaving {
    service: Arc<Service>,
    uid: u32,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.service.connections.leave(self.uid);
    }
}

fn converse(service: &Service, uid: u32, stream: &UnixStream) -> io::Result<()> {
    stream.set_write_timeout(Some(ANSWERING))?;
    loop {
        let mut input = Timed { stream, until: Instant::now() + IDLE };
        let request = match wire::read::<Request>(&mut input) {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                let refused = ServiceError::Request(format!("the request makes no sense: {error}"));
                return wire::write(&mut &*stream, &Reply::Refused(refusal(&refused)));
            }
            Err(error) => return Err(error),
        };
        let is_add = matches!(request, Request::Add { .. });
        let told = Told::new(stream);
        let answer = handle(service, uid, request, stream, &told);
        let refused = answer.is_err();
        let reply = answer.map_or_else(|error| Reply::Refused(refusal(&error)), Reply::Done);
        wire::write(&mut &*stream, &reply)?;
        if refused && is_add {
            // The rest of the archive may be on its way: nothing that follows is a request.
            return Ok(());
        }
    }
}

fn handle(
    service: &Service,
    uid: u32,
    request: Request,
    stream: &UnixStream,
    progress: &dyn Progress,
) -> Result<Answer, ServiceError> {
    let caller = service.caller(uid)?;
    let changes = !matches!(request, Request::List {} | Request::Collect { .. });
    if changes && caller != Caller::Root && !service.plan.user_rebuild {
        return Err(ServiceError::TurnedOff);
    }
    if let (true, Caller::User(name)) = (changes, &caller) {
        service.unsettle(name)?;
    }
    match request {
        Request::Fetch { paths } => service.fetch(&caller, &paths, progress),
        Request::Add { name, references, size } => {
            let input = Timed { stream, until: Instant::now() + SENDING };
            service.add(&caller, &name, references, size, input)
        }
        Request::Keep { generation } => service.keep(&generation),
        Request::Commit { generation, user } => service.commit(&caller, &generation, user.as_deref()),
        Request::Select { target } => service.select(&caller, target),
        Request::List {} => service.list(&caller),
        Request::Collect { dry_run } => service.collect(&caller, dry_run),
    }
}

fn refusal(error: &ServiceError) -> Refusal {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !message.contains(&said) {
            message = format!("{message}: {said}");
        }
        cause = inner.source();
    }
    let message = message.chars().take(16_000).collect();
    Refusal { class: error.class().name().to_owned(), message, help: error.help() }
}

/// Reads until a moment, and no longer, however slowly it comes.
struct Timed<'a> {
    stream: &'a UnixStream,
    until: Instant,
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        let mut stream = self.stream;
        stream.read(buffer)
    }
}

/// Tells the client how it goes. One who doesn't listen misses it.
struct Told<'a> {
    output: Mutex<Option<&'a UnixStream>>,
    bytes: AtomicU64,
}

impl<'a> Told<'a> {
    fn new(stream: &'a UnixStream) -> Self {
        Self { output: Mutex::new(Some(stream)), bytes: AtomicU64::new(0) }
    }

    fn tell(&self, reply: &Reply) {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stream) = *output
            && wire::write(&mut &*stream, reply).is_err()
        {
            *output = None;
        }
    }
}

impl Progress for Told<'_> {
    fn begin(&self, stage: &str, total: Option<u64>) {
        self.bytes.store(0, Ordering::Relaxed);
        self.tell(&Reply::Begin { stage: stage.to_owned(), total });
    }

    fn advance(&self, bytes: u64) {
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes >= STEP {
            self.tell(&Reply::Advance(self.bytes.swap(0, Ordering::Relaxed)));
        }
    }

    fn note(&self, message: &str) {
        self.tell(&Reply::Note(message.chars().take(4000).collect()));
    }

    fn warn(&self, message: &str) {
        self.tell(&Reply::Warn(message.chars().take(4000).collect()));
    }
}
