//! Threads that compress blocks, for all fragments together.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::atomic::{AtomicUsize, Ordering};
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
    /// Blocks that fragments may have in work beyond their own few, so that one large fragment can keep all threads busy.
    extra: AtomicUsize,
}

/// Extra blocks that one fragment holds; they go back when it ends, however it ends.
pub(super) struct Extra<'a> {
    pool: &'a Pool,
    held: usize,
}

impl Extra<'_> {
    /// How many it holds.
    pub(super) const fn held(&self) -> usize {
        self.held
    }

    /// Takes one more, if there is one.
    pub(super) fn take(&mut self) -> bool {
        let left = self.pool.extra.fetch_update(Ordering::AcqRel, Ordering::Acquire, |extra| extra.checked_sub(1));
        self.held += usize::from(left.is_ok());
        left.is_ok()
    }
}

impl Drop for Extra<'_> {
    fn drop(&mut self) {
        self.pool.extra.fetch_add(self.held, Ordering::AcqRel);
    }
}

impl Pool {
    /// Starts `threads` threads, at least one.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        let threads = threads.max(1);
        let (jobs, queue) = bounded::<Job>(threads);
        // Two blocks in work are what every fragment may have anyway.
        let extra = AtomicUsize::new(threads.saturating_sub(2));
        let work = |queue: Receiver<Job>| move || work(&queue);
        let threads = (0..threads).map(|_| thread::spawn(work(queue.clone()))).collect();
        Self { jobs: Some(jobs), threads, spare: Mutex::default(), extra }
    }

    /// How many threads compress.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads.len()
    }

    /// What a fragment begins with: no extra blocks.
    pub(super) const fn extra(&self) -> Extra<'_> {
        Extra { pool: self, held: 0 }
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
