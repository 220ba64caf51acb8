//! Threads that compress blocks, for all fragments together.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::image::codec::{Codec, CodecError, Encoders};

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

    /// Does `work` for all `items`, as many at a time as there are threads, and gives the results in the items' order. The first
    /// fault ends it. The work waits for the pool's own threads, so it has others.
    pub fn map<T: Sync, R: Send, E: Send + From<io::Error>>(
        &self,
        items: &[T],
        work: impl Fn(&T) -> Result<R, E> + Sync,
    ) -> Result<Vec<R>, E> {
        in_parallel(self.threads(), items, work)
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

/// Does `work` for all `items`, `threads` at a time, and gives the results in the items' order. The first fault ends it.
pub fn in_parallel<T: Sync, R: Send, E: Send + From<io::Error>>(
    threads: usize,
    items: &[T],
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let share = || -> Result<Vec<(usize, R)>, E> {
        let mut done = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { break };
            done.push((index, work(item).inspect_err(|_| failed.store(true, Ordering::Relaxed))?));
        }
        Ok(done)
    };
    let mut results = thread::scope(|scope| {
        let threads = (0..threads.min(items.len())).map(|_| scope.spawn(share)).collect::<Vec<_>>();
        let mut results = Vec::with_capacity(items.len());
        for thread in threads {
            results.extend(thread.join().map_err(|_| io::Error::other("a working thread panicked"))??);
        }
        Ok::<_, E>(results)
    })?;
    results.sort_unstable_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
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
    let mut encoders = Encoders::default();
    // Large enough for whatever a block may become; what it became is copied out of it, and takes no more than it needs.
    let mut scratch = Vec::new();
    while let Ok(Job { codec, buffers, reply }) = queue.recv() {
        // Whoever dropped the receiver has failed already.
        let _ = reply.send(encode(&mut encoders, codec, buffers, &mut scratch));
    }
}

fn encode(
    encoders: &mut Encoders,
    codec: Codec,
    mut buffers: Buffers,
    scratch: &mut Vec<u8>,
) -> Result<Buffers, CodecError> {
    scratch.clear();
    encoders.encode(codec, &buffers.block, scratch)?;
    buffers.member.clear();
    buffers.member.extend_from_slice(scratch);
    Ok(buffers)
}
