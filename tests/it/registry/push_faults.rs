//! Pushes over connections that break: they end whole, or with a clear error, and no tag names what is not there.

use std::sync::atomic::{AtomicBool, Ordering};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::faulty::{Fault, Faulty};
use super::{Served, Small, layers, wait_for};

/// Bytes of all of a small image's layers, and more.
const IMAGE: u64 = 600_000;

/// Looks at a tag while `work` goes on: it names nothing, or something whole.
fn watched<T>(registry: &Served, repository: &str, work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = || {
            while !done.load(Ordering::SeqCst) {
                registry.is_whole(repository, "latest");
            }
        };
        let watcher = scope.spawn(watch);
        let outcome = work();
        done.store(true, Ordering::SeqCst);
        watcher.join().unwrap();
        outcome
    })
}

/// How many pushes are cut: `DUMBC_TEST_PUSHES`, else a few.
fn pushes() -> u64 {
    std::env::var("DUMBC_TEST_PUSHES").ok().and_then(|text| text.parse().ok()).unwrap_or(15)
}

#[test]
fn pushes_that_are_cut_anywhere_end_whole() {
    let Some(registry) = Served::start() else { return };
    let old = Small::new("");
    let new = Small::new("");
    new.change(0);
    new.write("[\"part0@1.1\", \"part1\", \"part2\", \"part3\"]", "");
    let digest = new.push(&[&registry.reference("reference"), "--json"]).ok().json()["digest"].clone();
    for seed in 0..pushes() {
        let repository = format!("cut{seed}");
        old.push(&[&registry.reference(&repository)]).ok();
        let mut random = StdRng::seed_from_u64(seed);
        // Small numbers cut heads and answers, large ones bodies.
        let faults = (0..random.gen_range(1..=4)).map(|_| {
            let bytes = if random.gen_bool(0.3) { random.gen_range(0..4000) } else { random.gen_range(0..IMAGE) };
            if random.gen_bool(0.7) { Fault::CutUp(bytes) } else { Fault::CutDown(bytes % 3000) }
        });
        let faults = faults.collect::<Vec<_>>();
        let told = format!("seed {seed}: {faults:?}");
        let proxy = Faulty::start(registry.port(), move |number| faults.get(number).cloned().unwrap_or(Fault::Pass));
        let outcome = watched(&registry, &repository, || new.push(&[&proxy.reference(&repository), "--json"]).run());
        assert_eq!(outcome.code, Some(0), "{told}\n{outcome}");
        assert_eq!(outcome.json()["digest"], digest, "{told}");
        assert!(registry.is_whole(&repository, digest.as_str().unwrap()), "{told}");
        let named = new.push(&[&registry.reference(&repository), "--json"]).ok().json();
        assert_eq!((&named["unchanged"], &named["digest"]), (&true.into(), &digest), "{told}");
    }
}

#[test]
fn answers_that_ask_for_patience() {
    const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const BROKEN: &str = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 4\r\nconnection: close\r\n\r\noops";
    const SLOWER: &str =
        "HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let Some(registry) = Served::start() else { return };
    let small = Small::new("");
    for (name, answer) in [("busy", BUSY), ("broken", BROKEN), ("slower", SLOWER)] {
        let plan = move |number| if number % 3 == 1 { Fault::Answer(answer) } else { Fault::Pass };
        let proxy = Faulty::start(registry.port(), plan);
        let outcome = watched(&registry, name, || small.push(&[&proxy.reference(name)]).run());
        assert_eq!(outcome.code, Some(0), "{name}: {outcome}");
        assert!(registry.is_whole(name, "latest") && proxy.connections() > 1, "{name}");
    }
}

#[test]
fn a_registry_that_never_answers_well_is_told_and_its_tag_stays() {
    const BROKEN: &str = "HTTP/1.1 400 Bad Request\r\ncontent-length: 4\r\nconnection: close\r\n\r\noops";
    let Some(registry) = Served::start() else { return };
    let small = Small::new("");
    let before = small.push(&[&registry.reference("it"), "--json"]).ok().json();
    small.change(0);
    small.write("[\"part0@1.1\", \"part1\"]", "");
    // The first connection looks at the tag.
    let plan = |number| if number > 0 { Fault::Answer(BROKEN) } else { Fault::CutUp(1500) };
    let proxy = Faulty::start(registry.port(), plan);
    let outcome = small.push(&[&proxy.reference("it")]).fails(5);
    assert!(outcome.stderr.contains("error"), "{outcome}");
    assert!(registry.is_whole("it", "latest"));
    assert!(registry.is_whole("it", before["digest"].as_str().unwrap()));
}

#[test]
fn a_push_that_is_killed_goes_on_where_it_was() {
    let Some(registry) = Served::start() else { return };
    let small = Small::new("");
    let slow = Faulty::start(registry.port(), |_| Fault::Drip(2000));
    // The small ones come last, one at a time: when nearly all bytes are up, some layers are there.
    let mut push = small.push(&[&slow.reference("it"), "--jobs", "1"]).spawn();
    let there = wait_for(|| {
        let ended = push.try_wait().unwrap().is_some();
        if ended { Some(false) } else { (slow.up() > 350_000).then_some(true) }
    });
    assert_eq!(there, Some(true), "the push ended before it was killed");
    push.kill().unwrap();
    push.wait().unwrap();
    assert!(registry.manifest("it", "latest").is_none());
    let second = small.push(&[&registry.reference("it"), "--json"]).ok().json();
    let [uploaded, _, skipped] = layers(&second);
    assert!(uploaded > 0 && skipped > 0, "{second}");
    assert!(registry.is_whole("it", "latest"));
}
