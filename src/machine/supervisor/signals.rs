//! Signals as events.

use std::os::fd::{AsFd, BorrowedFd};

use ::nix::sys::signal::{SigSet, Signal};
use ::nix::sys::signalfd::{SfdFlags, SignalFd};

/// What the foreground gets, too.
const FORWARDED: [Signal; 7] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGWINCH,
];

/// The signals that came.
pub(super) struct Signals(SignalFd);

impl Signals {
    /// Takes all signals that matter, and `stop` beside them, from this thread and those that it starts. SIGTTOU is blocked: who
    /// hands the terminal over is not in its foreground.
    pub(super) fn take(stop: Option<Signal>) -> ::nix::Result<Self> {
        let mut mask = SigSet::empty();
        for signal in FORWARDED.into_iter().chain([Signal::SIGCHLD]).chain(stop) {
            mask.add(signal);
        }
        let mut blocked = mask;
        for signal in [Signal::SIGTTOU, Signal::SIGTTIN, Signal::SIGTSTP] {
            blocked.add(signal);
        }
        blocked.thread_block()?;
        Ok(Self(SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?))
    }

    /// The next one that is pending. SIGCHLD is one of them.
    pub(super) fn next(&self) -> Option<Signal> {
        let information = self.0.read_signal().ok().flatten()?;
        Signal::try_from(i32::try_from(information.ssi_signo).ok()?).ok()
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
