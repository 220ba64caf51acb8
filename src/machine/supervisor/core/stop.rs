//! Stopping: one unit, or the machine.

use std::time::Duration;

use super::{Action, Core, End, Next, Role, State, order};

/// How long a killed process may stay before nobody waits for it any more.
const UNKILLABLE: Duration = Duration::from_secs(5);

/// Signals that ask a machine without a foreground to stop.
const STOPS: [&str; 3] = ["SIGTERM", "SIGINT", "SIGQUIT"];

impl Core {
    /// The machine got a signal: the foreground gets it, too. SIGTERM and the foreground's own stop signal start its grace time;
    /// without a foreground, what asks to stop, stops.
    pub fn signalled(&mut self, signal: &str, number: i32, now: Duration) {
        let foreground = self.units.values().find(|unit| unit.role == Role::Foreground);
        let Some(unit) = foreground.filter(|unit| unit.is_alive()) else {
            let own = foreground.is_some_and(|unit| unit.plan.stop.signal == signal);
            if self.stopping.is_none() && (own || STOPS.contains(&signal)) {
                self.stop_all(if self.has_foreground { End::Signal(number).code() } else { 0 }, now);
            }
            return;
        };
        let name = unit.plan.name.clone();
        let is_stop = signal == "SIGTERM" || signal == unit.plan.stop.signal;
        let grace = Duration::from_millis(unit.plan.stop.grace);
        self.actions.push(Action::Signal(name.clone(), signal.to_owned()));
        if let Some(unit) = self.units.get_mut(&name).filter(|_| is_stop) {
            // A second SIGTERM does not begin the time anew.
            if !matches!(unit.state, State::Stopping { .. }) {
                unit.enter(State::Stopping { kill_at: now + grace, killed: false, next: Next::Stay }, now);
            }
        }
    }

    /// Everything stops, and the machine ends with `code`.
    pub fn stop_all(&mut self, code: u8, now: Duration) {
        if self.stopping.is_some() {
            return;
        }
        self.stopping = Some(code);
        for unit in self.units.values_mut() {
            unit.next_stop(Next::Stay);
            if matches!(unit.state, State::Waiting | State::Again { .. }) {
                unit.enter(State::Down("the machine stops".to_owned()), now);
            }
        }
        self.stop_more(now);
    }

    /// Stops those that nobody needs any more; when all are gone, the machine ends.
    pub(super) fn stop_more(&mut self, now: Duration) {
        let Some(code) = self.stopping else { return };
        let next: Vec<String> = self
            .units
            .values()
            .filter(|unit| unit.is_alive() && !matches!(unit.state, State::Stopping { .. }))
            .filter(|unit| order::may_stop(unit, &self.units))
            .map(|unit| unit.plan.name.clone())
            .collect();
        for name in next {
            self.stop_unit(&name, Next::Stay, now);
        }
        if !self.finished && !self.units.values().any(super::Unit::is_alive) {
            self.finished = true;
            self.actions.push(Action::Finish(code));
        }
    }

    pub(super) fn stop_unit(&mut self, name: &str, next: Next, now: Duration) {
        let Some(unit) = self.units.get_mut(name) else { return };
        if matches!(unit.state, State::Stopping { .. }) {
            return unit.next_stop(next);
        }
        let (signal, grace) = (unit.plan.stop.signal.clone(), Duration::from_millis(unit.plan.stop.grace));
        unit.enter(State::Stopping { kill_at: now + grace, killed: false, next }, now);
        self.actions.push(Action::Signal(name.to_owned(), signal));
    }

    pub(super) fn kill_or_give_up(&mut self, name: &str, now: Duration) {
        let Some(unit) = self.units.get_mut(name) else { return };
        let State::Stopping { killed, next, .. } = unit.state else { return };
        if killed {
            self.say(name, "can't be killed; nobody waits for it any more");
            self.stopped(name, End::Signal(9), next, now);
            return;
        }
        let grace = unit.plan.stop.grace;
        unit.state = State::Stopping { kill_at: now + UNKILLABLE, killed: true, next };
        self.say(name, format!("did not stop within {} s: killed", Duration::from_millis(grace).as_secs_f64()));
        self.actions.push(Action::Kill(name.to_owned()));
    }

    /// A unit that was told to stop is gone.
    pub(super) fn stopped(&mut self, name: &str, end: End, next: Next, now: Duration) {
        let Some(unit) = self.units.get_mut(name) else { return };
        let replacement = unit.replacement.take();
        if unit.role == Role::Foreground {
            unit.enter(State::Down(format!("ended: {end}")), now);
            return self.stop_all(end.code(), now);
        }
        match next {
            Next::Stay => unit.enter(State::Down("stopped".to_owned()), now),
            Next::Again => self.start_again(name, "was unwell", now),
            Next::Forget => {
                self.units.remove(name);
                self.actions.push(Action::Forget(name.to_owned()));
            }
            Next::Start => {
                unit.enter(State::Waiting, now);
                if let Some(mut fresh) = replacement {
                    (fresh.run, fresh.restarts) = (unit.run, unit.restarts);
                    self.insert(vec![*fresh]);
                }
            }
        }
    }
}
