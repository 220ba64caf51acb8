//! What becomes of units, as data: something happens, and a list of what to do comes out.
//!
//! Pure: no processes, no clock. Times are durations since the machine's start; [`Core::next_due`] says when [`Core::tick`] has
//! something to do. [`super::running`] carries the actions out and tells what came of them.

mod order;
mod start;
mod stop;
#[cfg(test)]
mod tests;
mod unit;
mod watch;

use std::collections::BTreeMap;
use std::time::Duration;

pub use unit::{End, Health, Next, Role, State, Unit};

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Start the unit's process, then tell [`Core::started`] or [`Core::not_started`].
    Start(String),
    /// Send a signal to the unit's process group.
    Signal(String, String),
    /// Send SIGKILL to all of the unit's session.
    Kill(String),
    /// Look whether the unit is ready, then tell [`Core::looked`] with the number of its run.
    LookReady(String, u64),
    /// Look whether the unit is well, then tell [`Core::looked`] with the number of its run.
    LookWell(String, u64),
    /// Tell people about the unit.
    Say(String, String),
    /// The unit is no more: forget what is kept of it.
    Forget(String),
    /// All is stopped: end with this exit code.
    Finish(u8),
}

/// All units and what they are at.
#[derive(Debug, Default)]
pub struct Core {
    units: BTreeMap<String, Unit>,
    actions: Vec<Action>,
    /// The exit code, once the machine stops.
    stopping: Option<u8>,
    finished: bool,
    has_foreground: bool,
}

impl Core {
    /// A machine of these units. Nothing starts before [`Core::begin`].
    #[must_use]
    pub fn new(units: Vec<Unit>) -> Self {
        let has_foreground = units.iter().any(|unit| unit.role == Role::Foreground);
        let mut core = Self { has_foreground, ..Self::default() };
        core.insert(units);
        core
    }

    /// All units, by name.
    #[must_use]
    pub fn units(&self) -> &BTreeMap<String, Unit> {
        &self.units
    }

    /// The machine is on its way down.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// What there is to do now, in this order.
    pub fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// Starts what can start.
    pub fn begin(&mut self, now: Duration) {
        self.settle(now);
    }

    /// Adds units, or takes their new descriptions: a running one whose description differs is stopped and started.
    pub fn add(&mut self, units: Vec<Unit>, now: Duration) {
        let (known, new): (Vec<Unit>, Vec<Unit>) =
            units.into_iter().partition(|unit| self.units.contains_key(&unit.plan.name));
        for unit in known {
            self.replace(unit, now);
        }
        self.insert(new);
        self.settle(now);
    }

    /// Stops a unit, and forgets it.
    pub fn remove(&mut self, name: &str, now: Duration) {
        let Some(unit) = self.units.get(name) else { return };
        if unit.is_alive() {
            self.stop_unit(name, Next::Forget, now);
        } else {
            self.units.remove(name);
            self.actions.push(Action::Forget(name.to_owned()));
        }
        self.settle(now);
    }

    /// When [`Core::tick`] is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        self.units.values().filter_map(Unit::next_due).min()
    }

    /// Does what is due at `now`.
    pub fn tick(&mut self, now: Duration) {
        let due: Vec<String> = self
            .units
            .iter()
            .filter(|(_, unit)| unit.next_due().is_some_and(|at| at <= now))
            .map(|(name, _)| name.clone())
            .collect();
        for name in due {
            self.tick_unit(&name, now);
        }
        self.settle(now);
    }

    fn tick_unit(&mut self, name: &str, now: Duration) {
        match self.units.get(name).map(|unit| &unit.state) {
            Some(State::Again { .. }) => self.start(name, now),
            Some(State::Stopping { .. }) => self.kill_or_give_up(name, now),
            Some(State::Starting | State::Up) => self.watch(name, now),
            _ => {}
        }
    }

    fn insert(&mut self, units: Vec<Unit>) {
        for unit in units {
            self.units.insert(unit.plan.name.clone(), unit);
        }
        for name in order::circular(&self.units) {
            if let Some(unit) = self.units.get_mut(&name).filter(|unit| unit.obstacle.is_none()) {
                unit.obstacle = Some("its `after` leads back to itself".to_owned());
            }
        }
    }

    fn replace(&mut self, unit: Unit, now: Duration) {
        let name = unit.plan.name.clone();
        let Some(old) = self.units.get_mut(&name) else { return };
        let same = old.plan == unit.plan && old.obstacle == unit.obstacle && old.stamp == unit.stamp;
        if same && !matches!(old.state, State::Stopping { next: Next::Forget, .. }) {
            return;
        }
        if old.is_alive() {
            old.replacement = Some(Box::new(unit));
            self.stop_unit(&name, Next::Start, now);
        } else {
            self.insert(vec![unit]);
        }
    }

    fn say(&mut self, unit: &str, text: impl Into<String>) {
        self.actions.push(Action::Say(unit.to_owned(), text.into()));
    }
}
