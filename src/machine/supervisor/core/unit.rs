//! A unit and the states that it goes through.

use std::collections::VecDeque;
use std::time::Duration;

use crate::boot::{PlanReady, PlanUnit};

/// What a unit is to the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Its end is the machine's.
    Foreground,
    /// It runs beside the foreground.
    Daemon,
    /// It is the machine's own: first to start, last to stop, never given up.
    Internal,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself, with this exit code.
    Code(i32),
    /// By a signal's number.
    Signal(i32),
}

impl End {
    /// As shells tell it: 128 + n for a signal.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Code(code) => u8::try_from(code & 0xff).unwrap_or(1),
            Self::Signal(signal) => u8::try_from(128 + signal).unwrap_or(255),
        }
    }

    /// Whether it ended well.
    #[must_use]
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(formatter, "exit code {code}"),
            Self::Signal(signal) => match ::nix::sys::signal::Signal::try_from(*signal) {
                Ok(signal) => formatter.write_str(signal.as_str()),
                Err(_) => write!(formatter, "signal {signal}"),
            },
        }
    }
}

/// What follows when a unit has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It stays down: the machine stops.
    Stay,
    /// It starts again at once.
    Start,
    /// It starts again as after a failure: it was unwell.
    Again,
    /// It is forgotten.
    Forget,
}

/// What a unit is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Others must be ready first.
    Waiting,
    /// Its process runs, and it is not ready yet.
    Starting,
    /// It runs and is ready.
    Up,
    /// It ran to its end, well.
    Done,
    /// It ended and is started again at this time.
    Again {
        /// When.
        at: Duration,
    },
    /// It was told to stop.
    Stopping {
        /// When it is killed.
        kill_at: Duration,
        /// It was killed, and is still there.
        killed: bool,
        /// What follows.
        next: Next,
    },
    /// It stays down, for this reason.
    Down(String),
}

/// What looking after a unit has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Nothing is known yet.
    Unknown,
    /// The last look succeeded.
    Well,
    /// So many looks in a row failed.
    Failing(u32),
}

/// A unit.
#[derive(Debug, Clone)]
pub struct Unit {
    /// What the plan says of it.
    pub plan: PlanUnit,
    /// What it is to the machine.
    pub role: Role,
    /// Why it can't be started at all: a missing secret, a user left out.
    pub obstacle: Option<String>,
    /// Changes when something else that the unit is started with does: its user's generation.
    pub stamp: String,
    /// What it is at.
    pub state: State,
    /// When that began.
    pub since: Duration,
    /// Counts its processes.
    pub run: u64,
    /// How often it was started again by itself.
    pub restarts: u64,
    /// How its last process ended.
    pub last: Option<End>,
    /// How it fares.
    pub health: Health,
    /// What keeps it from ever starting, as things are; said once.
    pub(super) hopeless: Option<String>,
    /// Starts within the window of the limit.
    pub(super) starts: VecDeque<Duration>,
    /// Failures since it last lived long.
    pub(super) failures: u32,
    /// When its process was started.
    pub(super) started: Duration,
    /// When to look again; `None` while a look is on its way.
    pub(super) look_at: Option<Duration>,
    /// When a start has taken too long, until that is said.
    pub(super) late_at: Option<Duration>,
    /// The description that it is started with next.
    pub(super) replacement: Option<Box<Unit>>,
}

impl Unit {
    /// A unit that was never started.
    #[must_use]
    pub fn new(plan: PlanUnit, role: Role) -> Self {
        Self {
            plan,
            role,
            obstacle: None,
            stamp: String::new(),
            state: State::Waiting,
            since: Duration::ZERO,
            run: 0,
            restarts: 0,
            last: None,
            health: Health::Unknown,
            hopeless: None,
            starts: VecDeque::new(),
            failures: 0,
            started: Duration::ZERO,
            look_at: None,
            late_at: None,
            replacement: None,
        }
    }

    /// It has a process.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        matches!(self.state, State::Starting | State::Up | State::Stopping { .. })
    }

    /// Those who wait for it need not wait.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        match self.state {
            State::Up => !self.plan.oneshot,
            State::Done => true,
            _ => false,
        }
    }

    /// What keeps it down, in words.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match &self.state {
            State::Down(why) => Some(why),
            State::Waiting => self.hopeless.as_deref(),
            _ => None,
        }
    }

    /// It has to say or show that it is ready.
    pub(super) fn must_show(&self) -> bool {
        self.plan.ready.is_some() && !self.plan.oneshot && self.role != Role::Foreground
    }

    /// It is looked at until it is ready.
    pub(super) fn is_looked_at(&self) -> bool {
        self.must_show() && self.plan.ready != Some(PlanReady::Notify)
    }

    pub(super) fn enter(&mut self, state: State, now: Duration) {
        self.state = state;
        self.since = now;
    }

    /// A stop that is on its way gets another end.
    pub(super) fn next_stop(&mut self, then: Next) {
        if let State::Stopping { next, .. } = &mut self.state {
            *next = then;
        }
    }

    pub(super) fn next_due(&self) -> Option<Duration> {
        match self.state {
            State::Again { at } => Some(at),
            State::Stopping { kill_at, .. } => Some(kill_at),
            State::Starting | State::Up => self.look_at.into_iter().chain(self.late_at).min(),
            State::Waiting | State::Done | State::Down(_) => None,
        }
    }
}
