//! Machines on a clock of their own.

use std::time::Duration;

use proptest::prelude::*;

use super::super::setup::tests::unit;
use super::*;
use crate::boot::{PlanHealth, PlanReady, PlanRestart};

/// A machine, a clock, and what was done so far.
struct Scene {
    core: Core,
    now: Duration,
    done: Vec<String>,
}

fn daemon(name: &str, after: &[&str]) -> Unit {
    let mut plan = unit(name);
    plan.after = after.iter().map(|name| (*name).to_owned()).collect();
    Unit::new(plan, Role::Daemon)
}

fn foreground(after: &[&str]) -> Unit {
    let mut unit = daemon("entrypoint", after);
    unit.role = Role::Foreground;
    unit
}

fn with(mut unit: Unit, change: impl FnOnce(&mut Unit)) -> Unit {
    change(&mut unit);
    unit
}

impl Scene {
    fn new(units: Vec<Unit>) -> Self {
        let mut scene = Self { core: Core::new(units), now: Duration::ZERO, done: Vec::new() };
        scene.core.begin(scene.now);
        scene.settle();
        scene
    }

    /// Processes start at once.
    fn settle(&mut self) {
        loop {
            let actions = self.core.take_actions();
            if actions.is_empty() {
                return;
            }
            for action in actions {
                self.done.push(match &action {
                    Action::Say(unit, text) => format!("{unit}: {text}"),
                    other => format!("{other:?}").replace('"', ""),
                });
                if let Action::Start(name) = action {
                    self.core.started(&name, self.now);
                }
            }
        }
    }

    fn does(&mut self, deed: impl FnOnce(&mut Core, Duration)) -> String {
        self.done.clear();
        deed(&mut self.core, self.now);
        self.settle();
        self.done.join("\n")
    }

    fn ends(&mut self, name: &str, end: End) -> String {
        self.does(|core, now| core.ended(name, end, now))
    }

    /// Lets the time go by until something is due, and does that.
    fn waits(&mut self) -> String {
        self.now = self.core.next_due().expect("something is due").max(self.now);
        self.does(Core::tick)
    }

    fn told(&self) -> String {
        self.done.join("\n")
    }

    fn state(&self, name: &str) -> &State {
        &self.core.units()[name].state
    }
}

#[test]
fn units_start_when_what_they_wait_for_is_ready() {
    let oneshot = with(daemon("up", &["d"]), |unit| unit.plan.oneshot = true);
    let ready = with(daemon("d", &[]), |unit| unit.plan.ready = Some(PlanReady::Port(1)));
    let store = with(daemon("zz-store", &[]), |unit| unit.role = Role::Internal);
    let mut scene = Scene::new(vec![foreground(&["up"]), oneshot, ready, store]);
    assert_eq!(scene.told(), "Start(zz-store)\nStart(d)");
    assert_eq!(scene.waits(), "LookReady(d, 1)");
    assert_eq!(scene.does(|core, now| core.looked("d", 0, true, "", now)), "", "a look at an earlier run");
    assert_eq!(scene.does(|core, now| core.looked("d", 1, false, "", now)), "");
    assert_eq!(scene.waits(), "LookReady(d, 1)");
    assert_eq!(scene.does(|core, now| core.looked("d", 1, true, "", now)), "Start(up)");
    assert_eq!(scene.ends("up", End::Code(0)), "Start(entrypoint)");
}

#[test]
fn a_oneshot_that_fails_keeps_its_dependents_down_until_somebody_starts_it_again() {
    let once = with(daemon("once", &[]), |unit| (unit.plan.oneshot, unit.plan.restart) = (true, PlanRestart::No));
    let mut scene = Scene::new(vec![once, daemon("next", &["once"]), daemon("last", &["next", "absent"])]);
    insta::assert_snapshot!(scene.told(), @r"
    Start(once)
    last: waits for `absent`, which does not exist
    ");
    insta::assert_snapshot!(scene.ends("once", End::Code(3)), @r"
    once: failed: exit code 3
    next: waits for `once`, which stays down
    ");
    assert_eq!(scene.does(|core, now| core.restart("once", now).unwrap()), "Start(once)");
    assert_eq!(scene.ends("once", End::Code(0)), "Start(next)");
}

#[test]
fn circles_stay_down() {
    let units =
        vec![daemon("a", &["c"]), daemon("b", &["a"]), daemon("c", &["b"]), daemon("d", &["c"]), daemon("e", &[])];
    insta::assert_snapshot!(Scene::new(units).told(), @r"
    a: stays down: its `after` leads back to itself
    b: stays down: its `after` leads back to itself
    c: stays down: its `after` leads back to itself
    Start(e)
    d: waits for `c`, which stays down
    ");
}

#[test]
fn the_wait_doubles_and_there_is_a_limit() {
    let mut scene = Scene::new(vec![with(daemon("web", &[]), |unit| unit.plan.restart = PlanRestart::OnFailure)]);
    let mut told = Vec::new();
    while scene.state("web") == &State::Up {
        told.push(scene.ends("web", End::Signal(11)));
        if scene.core.next_due().is_some() {
            assert_eq!(scene.waits(), "Start(web)");
        }
    }
    insta::assert_snapshot!([&told[..3], &told[9..11], &told[14..]].concat().join("\n"), @r"
    web: ended: SIGSEGV; starts again in 0.1 s
    web: ended: SIGSEGV; starts again in 0.2 s
    web: ended: SIGSEGV; starts again in 0.4 s
    web: ended: SIGSEGV; starts again in 51.2 s
    web: ended: SIGSEGV; starts again in 60 s
    web: gave up after 15 starts in 6 min, ended: SIGSEGV; dumbc machine restart web
    ");
    assert_eq!(scene.does(|core, now| core.restart("web", now).unwrap()), "Start(web)");
    scene.now += Duration::from_secs(61);
    assert_eq!(scene.ends("web", End::Code(1)), "web: ended: exit code 1; starts again in 0.1 s");
}

#[test]
fn who_is_started_again_depends() {
    use PlanRestart::{Always, No, OnFailure};
    for (restart, oneshot, end, again) in [
        (OnFailure, false, 0, false),
        (OnFailure, true, 1, true),
        (Always, false, 0, true),
        (Always, true, 0, false),
        (No, false, 1, false),
    ] {
        let unit = with(daemon("d", &[]), |unit| (unit.plan.restart, unit.plan.oneshot) = (restart, oneshot));
        let mut scene = Scene::new(vec![unit]);
        scene.ends("d", End::Code(end));
        assert_eq!(matches!(scene.state("d"), State::Again { .. }), again, "{restart:?} {oneshot} {end}");
    }
}

#[test]
fn the_machine_stops_dependents_first_and_kills_who_does_not() {
    let store = with(daemon("store", &[]), |unit| unit.role = Role::Internal);
    let web = with(daemon("web", &["db"]), |unit| unit.plan.stop.signal = "SIGINT".to_owned());
    let mut scene = Scene::new(vec![foreground(&[]), daemon("db", &[]), web, store, daemon("other", &[])]);
    assert_eq!(scene.does(|core, now| core.signalled("SIGUSR1", 10, now)), "Signal(entrypoint, SIGUSR1)");
    assert_eq!(scene.does(|core, now| core.signalled("SIGTERM", 15, now)), "Signal(entrypoint, SIGTERM)");
    scene.now += Duration::from_secs(9);
    assert_eq!(scene.does(|core, now| core.signalled("SIGTERM", 15, now)), "Signal(entrypoint, SIGTERM)");
    assert_eq!(scene.waits(), "entrypoint: did not stop within 10 s: killed\nKill(entrypoint)");
    assert_eq!(scene.now, Duration::from_secs(10), "the second SIGTERM did not begin the time anew");
    assert_eq!(scene.ends("entrypoint", End::Signal(9)), "Signal(other, SIGTERM)\nSignal(web, SIGINT)");
    assert_eq!(scene.ends("web", End::Signal(2)), "Signal(db, SIGTERM)");
    assert_eq!(scene.ends("db", End::Code(1)), "");
    assert_eq!(scene.waits(), "other: did not stop within 10 s: killed\nKill(other)");
    assert_eq!(scene.waits(), "other: can't be killed; nobody waits for it any more\nSignal(store, SIGTERM)");
    assert_eq!(scene.ends("store", End::Code(0)), "Finish(137)");
}

#[test]
fn the_foregrounds_end_is_the_machines() {
    for (end, code) in [(End::Code(0), 0), (End::Code(3), 3), (End::Signal(15), 143)] {
        let mut scene = Scene::new(vec![foreground(&[])]);
        assert_eq!(scene.ends("entrypoint", end), format!("Finish({code})"));
    }
    let mut scene = Scene::new(vec![]);
    assert_eq!(scene.does(|core, now| core.signalled("SIGHUP", 1, now)), "");
    assert_eq!(scene.does(|core, now| core.signalled("SIGTERM", 15, now)), "Finish(0)");
    let waiting = with(daemon("d", &[]), |unit| unit.plan.ready = Some(PlanReady::Notify));
    let mut scene = Scene::new(vec![foreground(&["d"]), waiting]);
    assert_eq!(scene.does(|core, now| core.signalled("SIGTERM", 15, now)), "Signal(d, SIGTERM)");
    assert_eq!(scene.ends("d", End::Signal(15)), "Finish(143)");
}

#[test]
fn a_foreground_that_can_never_start_ends_the_machine() {
    let obstructed = with(daemon("d", &[]), |unit| unit.obstacle = Some("the secret X is missing".to_owned()));
    insta::assert_snapshot!(Scene::new(vec![foreground(&["d"]), obstructed, daemon("e", &[])]).told(), @r"
    d: stays down: the secret X is missing
    Start(e)
    entrypoint: waits for `d`, which stays down
    Signal(e, SIGTERM)
    ");
    let mut core = Core::new(vec![foreground(&[])]);
    core.begin(Duration::ZERO);
    core.not_started("entrypoint", "no such file", 127, Duration::ZERO);
    assert_eq!(core.take_actions().last(), Some(&Action::Finish(127)));
}

#[test]
fn three_bad_looks_in_a_row_are_unwell() {
    let health = PlanHealth { http: Some("/".to_owned()), command: Vec::new(), interval: 1000, grace: 2500 };
    let healthy = |unit: &mut Unit| {
        unit.plan.health = Some(health.clone());
        unit.plan.restart = PlanRestart::OnFailure;
    };
    let mut scene = Scene::new(vec![with(daemon("web", &[]), healthy), with(foreground(&[]), healthy)]);
    let mut told = Vec::new();
    for good in [false, false, true, false, false, false] {
        told.push(scene.waits());
        for name in ["web", "entrypoint"] {
            told.push(scene.does(|core, now| core.looked(name, 1, good, "GET / gives 500", now)));
        }
    }
    told.retain(|line| !line.is_empty());
    insta::assert_snapshot!(told[6..].join("\n"), @r"
    web: is unwell: GET / gives 500 (3 times)
    Signal(web, SIGTERM)
    entrypoint: is unwell: GET / gives 500 (3 times)
    ");
    assert_eq!(scene.ends("web", End::Signal(15)), "web: was unwell; starts again in 0.1 s");
}

#[test]
fn a_home_that_changes_changes_what_runs() {
    let mut scene = Scene::new(vec![daemon("same@a", &[]), daemon("new@a", &[]), daemon("gone@a", &[])]);
    let changed = with(daemon("new@a", &[]), |unit| unit.stamp = "2".to_owned());
    let fresh = daemon("more@a", &["new@a"]);
    let done = scene.does(|core, now| {
        core.remove("gone@a", now);
        core.add(vec![daemon("same@a", &[]), changed, fresh], now);
    });
    assert_eq!(done, "Signal(gone@a, SIGTERM)\nSignal(new@a, SIGTERM)");
    assert_eq!(scene.ends("new@a", End::Signal(15)), "Start(new@a)\nStart(more@a)");
    assert_eq!(scene.ends("gone@a", End::Signal(15)), "Forget(gone@a)");
    assert_eq!(scene.core.units()["new@a"].stamp, "2");
}

#[test]
fn a_late_unit_is_told_of_once() {
    let mut scene = Scene::new(vec![with(daemon("d", &[]), |unit| unit.plan.ready = Some(PlanReady::Notify))]);
    assert_eq!(scene.waits(), "d: is not ready after 90 s; what waits for it goes on waiting");
    assert_eq!(scene.core.next_due(), None);
    assert_eq!(scene.does(|core, now| core.ready("d", now)), "d: is ready at last");
}

proptest! {
    /// Whatever happens in whatever order: who is told to stop, stops; and the machine comes to its end.
    #[test]
    fn every_machine_can_be_stopped(
        after in proptest::collection::vec(proptest::collection::vec(0usize..6, 0..3), 6),
        events in proptest::collection::vec((0usize..6, 0u8..5), 0..40),
    ) {
        let name = |index: usize| format!("u{index}");
        let units = after.iter().enumerate().map(|(index, after)| {
            let after: Vec<String> = after.iter().map(|index| name(*index)).collect();
            with(daemon(&name(index), &[]), |unit| (unit.plan.after, unit.plan.restart) = (after, PlanRestart::Always))
        });
        let mut scene = Scene::new(units.chain([foreground(&[])]).collect());
        for (index, event) in events {
            let unit = name(index);
            scene.now += Duration::from_millis(70);
            scene.does(|core, now| match event {
                0 => core.ended(&unit, End::Code(1), now),
                1 => core.remove(&unit, now),
                2 => core.add(vec![daemon(&unit, &[])], now),
                3 => drop(core.restart(&unit, now)),
                _ => core.tick(now),
            });
        }
        scene.does(|core, now| core.signalled("SIGTERM", 15, now));
        let mut finished = 0;
        for _ in 0..100 {
            finished += scene.done.iter().filter(|done| done.starts_with("Finish")).count();
            if scene.core.next_due().is_none() {
                break;
            }
            scene.waits();
        }
        prop_assert_eq!(finished, 1);
        prop_assert!(!scene.core.units().values().any(Unit::is_alive));
    }
}
