//! Writes lines in threads of their own: whoever reads our output slowly holds up a thread, and not the machine.
//!
//! Standard output may be the foreground's, too, so it is not made non-blocking.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Stream;

/// Bytes that may wait for a reader.
const ROOM: usize = 1 << 20;

/// A reader that took nothing for so long is not waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Lines on their way to one of our streams.
#[derive(Default)]
struct Queue {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    lost: u64,
    /// A line is being written since.
    writing: Option<Instant>,
    ends: bool,
}

type Shared = Arc<(Mutex<Queue>, Condvar)>;

/// Standard output and standard error.
pub struct Writer {
    queues: [Shared; 2],
    terminals: (bool, bool),
}

fn lock(shared: &Shared) -> MutexGuard<'_, Queue> {
    // A queue is whole between any two of its changes.
    shared.0.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Writer {
    /// Writers to this process's standard output and error.
    ///
    /// # Errors
    ///
    /// There are no descriptors or threads left.
    pub fn start() -> std::io::Result<Self> {
        let stdout = File::from(std::io::stdout().as_fd().try_clone_to_owned()?);
        let stderr = File::from(std::io::stderr().as_fd().try_clone_to_owned()?);
        let terminals = (stdout.is_terminal(), stderr.is_terminal());
        Ok(Self { queues: [spawn(stdout)?, spawn(stderr)?], terminals })
    }

    /// Whether standard output and standard error are terminals.
    #[must_use]
    pub fn terminals(&self) -> (bool, bool) {
        self.terminals
    }

    /// Hands over a line; where there is no room, it is lost and counted.
    pub fn write(&self, stream: Stream, line: Vec<u8>) {
        let [stdout, stderr] = &self.queues;
        let shared = if stream == Stream::Stdout { stdout } else { stderr };
        let mut queue = lock(shared);
        if queue.bytes + line.len() > ROOM {
            queue.lost += 1;
            return;
        }
        queue.bytes += line.len();
        queue.lines.push_back(line);
        shared.1.notify_all();
    }

    /// Half of the room is taken, and the reader is not asleep.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.queues
            .iter()
            .map(lock)
            .any(|queue| queue.bytes > ROOM / 2 && queue.writing.is_none_or(|since| since.elapsed() < PATIENCE))
    }

    /// How many lines were lost since this was last asked; 0 while there is no room to say so.
    #[must_use]
    pub fn take_lost(&self) -> u64 {
        let queues = self.queues.iter().map(lock);
        queues.filter(|queue| queue.bytes < ROOM / 2).map(|mut queue| std::mem::take(&mut queue.lost)).sum()
    }

    /// Waits until all is written, or nobody reads it.
    pub fn finish(self) {
        let until = Instant::now() + PATIENCE;
        for shared in &self.queues {
            let mut queue = lock(shared);
            queue.ends = true;
            shared.1.notify_all();
            while queue.bytes > 0 {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                queue = shared.1.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}

fn spawn(file: File) -> std::io::Result<Shared> {
    let shared = Shared::default();
    let theirs = Arc::clone(&shared);
    std::thread::Builder::new().name("output".to_owned()).spawn(move || write_all(&theirs, file))?;
    Ok(shared)
}

fn write_all(shared: &Shared, mut file: File) {
    while let Some(line) = next(shared) {
        // Nobody reads any more: what the machine does goes on.
        let _ = file.write_all(&line);
        let mut queue = lock(shared);
        queue.bytes -= line.len();
        queue.writing = None;
        shared.1.notify_all();
    }
}

fn next(shared: &Shared) -> Option<Vec<u8>> {
    let mut queue = lock(shared);
    loop {
        if let Some(line) = queue.lines.pop_front() {
            queue.writing = Some(Instant::now());
            return Some(line);
        }
        if queue.ends {
            return None;
        }
        queue = shared.1.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
}
