//! Looking whether units are ready and well.

use std::time::Duration;

use super::{Action, Core, Health, Next, Role, State};
use crate::boot::PlanRestart;

/// Between two looks at a unit that is not ready: a tenth of the time that it has taken so far, within these bounds.
const LOOKS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// So many failures in a row make a unit unwell.
const UNWELL: u32 = 3;

impl Core {
    pub(super) fn watch(&mut self, name: &str, now: Duration) {
        let Some(unit) = self.units.get_mut(name) else { return };
        let (run, starting) = (unit.run, unit.state == State::Starting);
        if unit.look_at.is_some_and(|at| at <= now) {
            unit.look_at = None;
            let look = if starting { Action::LookReady } else { Action::LookWell };
            self.actions.push(look(name.to_owned(), run));
        }
        if unit.late_at.is_some_and(|at| at <= now) {
            unit.late_at = None;
            self.say(name, "is not ready after 90 s; what waits for it goes on waiting");
        }
    }

    /// A look has ended. Looks at earlier runs of the unit count for nothing.
    pub fn looked(&mut self, name: &str, run: u64, good: bool, detail: &str, now: Duration) {
        let Some(unit) = self.units.get_mut(name).filter(|unit| unit.run == run) else { return };
        match unit.state {
            State::Starting if good => self.ready(name, now),
            State::Starting => {
                let pause = (now.saturating_sub(unit.started) / 10).clamp(LOOKS.0, LOOKS.1);
                unit.look_at = Some(now + pause);
            }
            State::Up => self.looked_well(name, good, detail, now),
            _ => {}
        }
    }

    fn looked_well(&mut self, name: &str, good: bool, detail: &str, now: Duration) {
        let Some(unit) = self.units.get_mut(name) else { return };
        let Some(health) = unit.plan.health.clone() else { return };
        unit.look_at = Some(now + Duration::from_millis(health.interval.max(100)));
        let before = unit.health;
        if good {
            unit.health = Health::Well;
            if matches!(before, Health::Failing(count) if count >= UNWELL) {
                self.say(name, "is well again");
            }
            return;
        }
        if now.saturating_sub(unit.started) < Duration::from_millis(health.grace) {
            return;
        }
        let count = if let Health::Failing(count) = before { count.saturating_add(1) } else { 1 };
        unit.health = Health::Failing(count);
        let restarts = unit.plan.restart != PlanRestart::No && unit.role != Role::Foreground;
        if count != UNWELL {
            return;
        }
        self.say(name, format!("is unwell: {detail} ({count} times)"));
        if restarts {
            self.stop_unit(name, Next::Again, now);
        }
    }
}
