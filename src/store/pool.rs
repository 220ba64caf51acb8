//! Threads that compress blocks, for all fragments together.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::image::codec::{Codec, CodecError, Encoder};

/// A block and what became of it. Its buffers go back to the pool: [`Pool::give_back`].
#[derive(Default)]
pub(super) struct Buffers {
    /// Bytes to compress.
    pub(super) block: Vec<u8>,
    /// The member that they became.
    pub(super) member: Vec<u8>,
}

struct Job {
    codec: Codec,
    buffers: Buffers,
    reply: Sender<Result<Buffers, CodecError>>,
}

/// Compresses blocks on threads of its own. Blocks wait in a short queue, so that memory stays bounded.
pub struct Pool {
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
    /// Buffers that wait to be used again: fresh memory costs a page fault for each of its pages.
    spare: Mutex<Vec<Buffers>>,
}

impl Pool {
    /// Starts `threads` threads, at least one.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        let threads = threads.max(1);
        let (jobs, queue) = bounded::<Job>(threads);
        let work = |queue: Receiver<Job>| move || work(&queue);
        let threads = (0..threads).map(|_| thread::spawn(work(queue.clone()))).collect();
        Self { jobs: Some(jobs), threads, spare: Mutex::default() }
    }

    /// How many threads compress.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads.len()
    }

    /// Buffers to fill, the block as long as the codec's; what it holds is left over from others.
    pub(super) fn buffers(&self, codec: Codec) -> Buffers {
        let mut buffers = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        buffers.block.resize(codec.block_size(), 0);
        buffers
    }

    /// Takes buffers back. No more are kept than the threads' fragments use at a time.
    pub(super) fn give_back(&self, buffers: Buffers) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < self.threads.len() {
            spare.push(buffers);
        }
    }

    /// Hands a block in; waits while the queue is full. The answer comes through the receiver.
    pub(super) fn encode(&self, codec: Codec, buffers: Buffers) -> Receiver<Result<Buffers, CodecError>> {
        let (reply, answer) = bounded(1);
        if let Some(jobs) = &self.jobs {
            // Fails only when no thread lives any more; then the reply's end tells the caller.
            let _ = jobs.send(Job { codec, buffers, reply });
        }
        answer
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn work(queue: &Receiver<Job>) {
    let mut encoders = BTreeMap::<Codec, Encoder>::new();
    // Large enough for whatever a block may become; what it became is copied out of it, and takes no more than it needs.
    let mut scratch = Vec::new();
    while let Ok(Job { codec, buffers, reply }) = queue.recv() {
        // Whoever dropped the receiver has failed already.
        let _ = reply.send(encode(&mut encoders, codec, buffers, &mut scratch));
    }
}

fn encode(
    encoders: &mut BTreeMap<Codec, Encoder>,
    codec: Codec,
    mut buffers: Buffers,
    scratch: &mut Vec<u8>,
) -> Result<Buffers, CodecError> {
    let encoder = match encoders.entry(codec) {
        Entry::Occupied(entry) => entry.into_mut(),
        Entry::Vacant(entry) => entry.insert(codec.encoder()?),
    };
    scratch.clear();
    encoder.encode(&buffers.block, scratch)?;
    buffers.member.clear();
    buffers.member.extend_from_slice(scratch);
    Ok(buffers)
}
