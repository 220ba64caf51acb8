//! Starting, and starting again.

use std::time::Duration;

use super::{Action, Core, End, Next, Role, State, order};

/// The first wait before a unit is started again; it doubles with every failure.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// A unit that lived as long is taken to have started well: the next failure counts as the first.
const LONG_LIFE: Duration = Duration::from_mins(1);

/// So many starts within [`WINDOW`] are too many. The waits alone spread them over six minutes.
const LIMIT: usize = 15;

/// See [`LIMIT`].
const WINDOW: Duration = Duration::from_mins(10);

/// How long a unit may take to become ready before that is said.
const LATE: Duration = Duration::from_secs(90);

/// The wait after so many failures.
pub(super) fn wait_after(failures: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST_WAIT)
}

impl Core {
    /// Starts what can start, and says what can't.
    pub(super) fn settle(&mut self, now: Duration) {
        if self.stopping.is_some() {
            self.stop_more(now);
            return;
        }
        self.refuse_obstructed(now);
        // The machine's own parts first; names decide for the rest.
        let mut ready: Vec<(bool, String)> = self
            .units
            .values()
            .filter(|unit| unit.state == State::Waiting && order::may_start(unit, &self.units))
            .map(|unit| (unit.role != Role::Internal, unit.plan.name.clone()))
            .collect();
        ready.sort();
        for (_, name) in ready {
            self.start(&name, now);
        }
        self.tell_hopeless(now);
    }

    fn refuse_obstructed(&mut self, now: Duration) {
        let mut told = Vec::new();
        for unit in self.units.values_mut().filter(|unit| unit.state == State::Waiting) {
            if let Some(obstacle) = unit.obstacle.clone() {
                told.push((unit.plan.name.clone(), format!("stays down: {obstacle}")));
                unit.enter(State::Down(obstacle), now);
            }
        }
        for (name, text) in told {
            self.say(&name, text);
            self.end_with_foreground(&name, 1, now);
        }
    }

    fn tell_hopeless(&mut self, now: Duration) {
        let hopeless = order::hopeless(&self.units);
        let mut told = Vec::new();
        for (name, unit) in &mut self.units {
            let reason = hopeless.get(name).cloned();
            if reason.is_some() && unit.hopeless != reason {
                told.push((name.clone(), reason.clone().unwrap_or_default()));
            }
            unit.hopeless = reason;
        }
        for (name, text) in told {
            self.say(&name, text);
            self.end_with_foreground(&name, 1, now);
        }
    }

    /// The foreground that can't start is the end of the machine.
    fn end_with_foreground(&mut self, name: &str, code: u8, now: Duration) {
        if self.units.get(name).is_some_and(|unit| unit.role == Role::Foreground) {
            self.stop_all(code, now);
        }
    }

    pub(super) fn start(&mut self, name: &str, now: Duration) {
        let Some(unit) = self.units.get_mut(name) else { return };
        unit.starts.push_back(now);
        while unit.starts.front().is_some_and(|at| *at + WINDOW < now) {
            unit.starts.pop_front();
        }
        unit.run += 1;
        unit.started = now;
        unit.health = super::Health::Unknown;
        unit.hopeless = None;
        unit.enter(State::Starting, now);
        self.actions.push(Action::Start(name.to_owned()));
    }

    /// The unit's process runs.
    pub fn started(&mut self, name: &str, now: Duration) {
        let Some(unit) = self.units.get_mut(name) else { return };
        unit.late_at = unit.must_show().then_some(now + LATE);
        unit.look_at = unit.is_looked_at().then_some(now);
        if !unit.must_show() {
            self.ready(name, now);
        }
    }

    /// The unit's process could not be started; `code` is what a shell would give: 126, 127.
    pub fn not_started(&mut self, name: &str, reason: &str, code: u8, now: Duration) {
        let Some(unit) = self.units.get_mut(name) else { return };
        unit.last = Some(End::Code(code.into()));
        self.say(name, format!("can't be started: {reason}"));
        self.ended_by_itself(name, End::Code(code.into()), now);
        self.settle(now);
    }

    /// The unit is ready: it shows or says so, or needs not.
    pub fn ready(&mut self, name: &str, now: Duration) {
        let Some(unit) = self.units.get_mut(name).filter(|unit| unit.state == State::Starting) else { return };
        let was_late = unit.must_show() && unit.late_at.is_none();
        unit.late_at = None;
        unit.enter(State::Up, now);
        unit.look_at = unit.plan.health.as_ref().map(|health| unit.started + Duration::from_millis(health.interval));
        if was_late {
            self.say(name, "is ready at last");
        }
        self.settle(now);
    }

    /// The unit's process ended.
    pub fn ended(&mut self, name: &str, end: End, now: Duration) {
        let Some(unit) = self.units.get_mut(name) else { return };
        unit.last = Some(end);
        (unit.look_at, unit.late_at) = (None, None);
        match unit.state.clone() {
            State::Stopping { next, .. } => self.stopped(name, end, next, now),
            State::Starting | State::Up => self.ended_by_itself(name, end, now),
            _ => {}
        }
        self.settle(now);
    }

    fn ended_by_itself(&mut self, name: &str, end: End, now: Duration) {
        use crate::boot::PlanRestart::{Always, OnFailure};
        let Some(unit) = self.units.get_mut(name) else { return };
        if unit.role == Role::Foreground {
            unit.enter(if end.is_success() { State::Done } else { State::Down(format!("ended: {end}")) }, now);
            return self.stop_all(end.code(), now);
        }
        let again = match unit.plan.restart {
            _ if self.stopping.is_some() => false,
            Always => !(unit.plan.oneshot && end.is_success()),
            OnFailure => !end.is_success(),
            crate::boot::PlanRestart::No => false,
        };
        if again {
            self.start_again(name, &format!("ended: {end}"), now);
        } else if end.is_success() {
            let state = if unit.plan.oneshot { State::Done } else { State::Down("ended by itself".to_owned()) };
            unit.enter(state, now);
        } else {
            unit.enter(State::Down(format!("failed: {end}")), now);
            self.say(name, format!("failed: {end}"));
        }
    }

    /// Starts a unit again after a while that grows, unless it was too often.
    pub(super) fn start_again(&mut self, name: &str, reason: &str, now: Duration) {
        let Some(unit) = self.units.get_mut(name) else { return };
        unit.failures = if now.saturating_sub(unit.started) >= LONG_LIFE { 1 } else { unit.failures.saturating_add(1) };
        if unit.starts.len() >= LIMIT && unit.role != Role::Internal {
            let minutes = now.saturating_sub(unit.starts.front().copied().unwrap_or(now)).as_secs().div_ceil(60).max(1);
            let text = format!(
                "gave up after {} starts in {minutes} min, {reason}; dumbc machine restart {name}",
                unit.starts.len()
            );
            unit.enter(State::Down(text.clone()), now);
            return self.say(name, text);
        }
        let wait = wait_after(unit.failures);
        unit.restarts += 1;
        unit.enter(State::Again { at: now + wait }, now);
        self.say(name, format!("{reason}; starts again in {} s", wait.as_secs_f64()));
    }

    /// Starts a unit at somebody's wish: counts and waits begin anew.
    ///
    /// # Errors
    ///
    /// Why it can't be, in words.
    pub fn restart(&mut self, name: &str, now: Duration) -> Result<(), String> {
        if self.stopping.is_some() {
            return Err("the machine is stopping".to_owned());
        }
        let unit = self.units.get_mut(name).ok_or_else(|| format!("there is no unit `{name}`"))?;
        if unit.role == Role::Foreground {
            return Err("the machine lives as long as its entrypoint: restart the container".to_owned());
        }
        if let Some(obstacle) = &unit.obstacle {
            return Err(format!("`{name}` stays down: {obstacle}"));
        }
        unit.starts.clear();
        unit.failures = 0;
        if unit.is_alive() {
            self.stop_unit(name, Next::Start, now);
        } else {
            unit.enter(State::Waiting, now);
        }
        self.settle(now);
        Ok(())
    }
}
