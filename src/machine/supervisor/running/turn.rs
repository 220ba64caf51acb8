//! One turn of the loop: waiting, and telling what happened.

use std::io::{ErrorKind, Read as _};
use std::os::fd::AsFd as _;
use std::time::Duration;

use ::nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use ::nix::sys::signal::Signal;
use ::nix::unistd::Pid;

use super::super::children::{self, Child, Reaped};
use super::super::core::{End, Role};
use super::{Reader, Running};

/// The longest sleep; whatever else is due comes before.
const LONGEST: Duration = Duration::from_mins(1);

/// How long a line without an end is waited for.
const PAUSE: Duration = Duration::from_secs(1);

/// How soon units are read again after our own reader was too slow.
const BUSY: Duration = Duration::from_millis(10);

/// Bytes of one stream in one turn, so that nobody waits long for others.
const AT_ONCE: usize = 64 << 10;

/// What has something to say.
#[derive(Debug, Clone, Copy)]
enum Source {
    Signals,
    Looks,
    Stream,
    Notify,
    Listener,
    Client(u64),
}

impl Running {
    /// Waits for something to happen, and tells it.
    pub(super) fn turn(&mut self) {
        let sources = self.wait();
        let now = self.now();
        for source in sources {
            match source {
                Source::Signals => self.take_signals(),
                Source::Looks => self.take_looks(),
                Source::Stream => self.read_streams(),
                Source::Notify => self.read_notifications(),
                Source::Listener => self.server.iter_mut().for_each(|server| server.accept(now)),
                Source::Client(id) => self.serve(id),
            }
        }
        self.tick();
        if let Some(server) = &mut self.server {
            server.write(|unit| self.output.ring(unit), now);
        }
    }

    fn wait(&self) -> Vec<Source> {
        let mut sources = vec![Source::Signals, Source::Looks];
        let mut waits = vec![
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.looks.as_fd(), PollFlags::POLLIN),
        ];
        let mut add = |source, descriptor, flags| {
            sources.push(source);
            waits.push(PollFd::new(descriptor, flags));
        };
        if !self.output.is_busy() {
            self.readers.iter().for_each(|reader| add(Source::Stream, reader.file.as_fd(), PollFlags::POLLIN));
        }
        self.sockets.values().for_each(|socket| add(Source::Notify, socket.as_fd(), PollFlags::POLLIN));
        if let Some(server) = &self.server {
            add(Source::Listener, server.listener(), PollFlags::POLLIN);
            for (id, descriptor, writes) in server.clients() {
                add(Source::Client(id), descriptor, if writes { PollFlags::POLLOUT } else { PollFlags::POLLIN });
            }
        }
        // A wait that fails is one that ends early.
        let _ = poll(&mut waits, self.timeout());
        let mut seen_stream = false;
        let ready = waits.iter().map(|wait| wait.any().unwrap_or(false));
        let ready = sources.into_iter().zip(ready).filter(|(_, ready)| *ready).map(|(source, _)| source);
        ready.filter(|source| !matches!(source, Source::Stream) || !std::mem::replace(&mut seen_stream, true)).collect()
    }

    fn timeout(&self) -> PollTimeout {
        let now = self.now();
        let busy = self.output.is_busy().then(|| now + BUSY);
        let due = self
            .core
            .next_due()
            .into_iter()
            .chain(self.readers.iter().filter_map(|reader| reader.flush_at))
            .chain(self.look_ends.values().copied())
            .chain(self.server.as_ref().and_then(super::Server::next_due))
            .chain(self.continue_at)
            .chain(busy)
            .min();
        let left = due.map_or(LONGEST, |due| due.saturating_sub(now).min(LONGEST));
        // Rounded up: waking before the time means waking again.
        let millis = u16::try_from(left.as_micros().div_ceil(1000)).unwrap_or(u16::MAX);
        PollTimeout::from(millis)
    }

    fn tick(&mut self) {
        let now = self.now();
        for reader in self.readers.iter_mut().filter(|reader| reader.flush_at.is_some_and(|at| at <= now)) {
            reader.flush_at = None;
            reader.lines.flush(|line| self.output.line(&reader.unit, reader.stream, line));
        }
        let late: Vec<Pid> = self.look_ends.iter().filter(|(_, end)| **end <= now).map(|(pid, _)| *pid).collect();
        for pid in late {
            self.look_ends.remove(&pid);
            children::kill_session(pid);
        }
        if self.continue_at.is_some_and(|at| at <= now) {
            self.continue_at = None;
            self.continue_foreground();
        }
        self.output.tell_lost();
        self.core.tick(now);
    }

    fn take_signals(&mut self) {
        while let Some(signal) = self.signals.next() {
            if signal == Signal::SIGCHLD {
                for reaped in children::reap() {
                    self.reaped(reaped);
                }
            } else {
                self.core.signalled(signal.as_str(), signal as i32, self.now());
            }
        }
    }

    fn reaped(&mut self, reaped: Reaped) {
        let (pid, end) = match reaped {
            Reaped::Stopped(pid, signal) => return self.stopped_itself(pid, signal),
            Reaped::Ended(pid, end) => (pid, end),
        };
        match self.children.remove(pid) {
            Some(Child::Unit(name)) => self.unit_ended(&name, pid, end),
            Some(Child::Look(name, run)) => {
                self.look_ends.remove(&pid);
                children::kill_session(pid);
                self.core.looked(&name, run, end.is_success(), &format!("its command ends with {end}"), self.now());
            }
            None => {}
        }
    }

    fn unit_ended(&mut self, name: &str, pid: Pid, end: End) {
        for look in self.children.looks(name) {
            children::kill_session(look);
        }
        let is_foreground = self.unit(name).is_some_and(|unit| unit.role == Role::Foreground);
        let stays = self.unit(name).is_some_and(|unit| unit.plan.oneshot) && end.is_success();
        match (is_foreground, stays) {
            (true, _) => self.terminal.take_back(),
            // What a oneshot has left behind was its purpose.
            (false, true) => self.leftovers.push(pid),
            (false, false) => children::kill_session(pid),
        }
        self.sockets.remove(name);
        self.read_streams();
        self.core.ended(name, end, self.now());
    }

    fn take_looks(&mut self) {
        for seen in self.looks.seen() {
            let (good, detail) = seen.outcome.map_or_else(|detail| (false, detail), |()| (true, String::new()));
            self.core.looked(&seen.unit, seen.run, good, &detail, self.now());
        }
    }

    fn read_notifications(&mut self) {
        let now = self.now();
        for (name, socket) in &self.sockets {
            let session = self.children.of_unit(name).map(Pid::as_raw);
            for message in std::iter::from_fn(|| socket.next(session)).take(64) {
                if let Some(status) = message.status {
                    self.says.insert(name.clone(), status);
                }
                if message.ready {
                    self.core.ready(name, now);
                }
            }
        }
    }

    pub(super) fn read_streams(&mut self) {
        let now = self.setup.started.elapsed();
        let output = &mut self.output;
        for reader in &mut self.readers {
            reader.read(now, |unit, stream, line| output.line(unit, stream, line));
        }
        self.readers.retain(|reader| !reader.ended);
    }
}

impl Reader {
    fn read(&mut self, now: Duration, mut line: impl FnMut(&str, super::Stream, &[u8])) {
        let (mut bytes, mut total) = ([0; 8 << 10], 0);
        let mut take = |text: &[u8]| line(&self.unit, self.stream, text);
        while total < AT_ONCE {
            match self.file.read(&mut bytes) {
                Ok(length) if length > 0 => {
                    total += length;
                    self.lines.push(bytes.get(..length).unwrap_or_default(), &mut take);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Ok(_) | Err(_) => {
                    self.lines.flush(&mut take);
                    self.ended = true;
                    break;
                }
            }
        }
        if total > 0 || self.ended {
            self.flush_at = self.lines.has_partial().then(|| now + PAUSE);
        }
    }
}
