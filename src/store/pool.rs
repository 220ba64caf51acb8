//! Threads that compress blocks, for all fragments together.

use std::collections::BTreeMap;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::image::codec::{Codec, CodecError, Encoder};

/// A block and what became of it.
pub(super) struct Encoded {
    /// The block's buffer, to be used again.
    pub(super) block: Vec<u8>,
    /// The member.
    pub(super) member: Vec<u8>,
}

struct Job {
    codec: Codec,
    block: Vec<u8>,
    reply: Sender<Result<Encoded, CodecError>>,
}

/// Compresses blocks on threads of its own. Blocks wait in a short queue, so that memory stays bounded.
pub struct Pool {
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Starts `threads` threads, at least one.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        let threads = threads.max(1);
        let (jobs, queue) = bounded::<Job>(threads);
        let work = |queue: Receiver<Job>| move || work(&queue);
        let threads = (0..threads).map(|_| thread::spawn(work(queue.clone()))).collect();
        Self { jobs: Some(jobs), threads }
    }

    /// How many threads compress.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads.len()
    }

    /// Hands a block in; waits while the queue is full. The answer comes through the receiver.
    pub(super) fn encode(&self, codec: Codec, block: Vec<u8>) -> Receiver<Result<Encoded, CodecError>> {
        let (reply, answer) = bounded(1);
        if let Some(jobs) = &self.jobs {
            // Fails only when no thread lives any more; then the reply's end tells the caller.
            let _ = jobs.send(Job { codec, block, reply });
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
    while let Ok(Job { codec, block, reply }) = queue.recv() {
        // Whoever dropped the receiver has failed already.
        let _ = reply.send(encode(&mut encoders, codec, block));
    }
}

fn encode(encoders: &mut BTreeMap<Codec, Encoder>, codec: Codec, block: Vec<u8>) -> Result<Encoded, CodecError> {
    if !encoders.contains_key(&codec) {
        encoders.insert(codec, codec.encoder()?);
    }
    let encoder = encoders.get_mut(&codec).expect("inserted above");
    let mut member = Vec::new();
    encoder.encode(&block, &mut member)?;
    member.shrink_to_fit();
    Ok(Encoded { block, member })
}
