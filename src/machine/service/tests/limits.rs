//! What nobody gets more of: room, and the service's attention.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::net::UnixStream;

use super::place::{add, alice, bob, fetch};
use super::*;
use crate::machine::service::wire::{Collected, Reply, Request};

fn collect(service: &Service, caller: &Caller, dry_run: bool) -> Collected {
    match service.collect(caller, dry_run).unwrap() {
        Answer::Collected(collected) => collected,
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_what_nobody_needs_is_collected() {
    let place = Place::new(Way::Links);
    let glibc = place.image("glibc", &[("lib", "so")], &[]);
    let (one, two) = (place.package("one", &[&glibc]), place.package("two", &[&glibc]));
    let stray = place.package("stray", &[]);
    let service = place.service();
    commit(&service, "alice", &[&one]);
    commit(&service, "alice", &[&two]);
    commit(&service, "bob", &[&two]);
    fetch(&service, &[&stray]).unwrap();
    assert!(service.connections.enter(1000));
    let went = collect(&service, &Caller::Root, false);
    assert_eq!(went.paths, 0, "what comes for the next generation stays while its user is there: {went:?}");
    service.connections.leave(1000);
    assert_eq!(collect(&service, &Caller::Root, true).paths, 1);
    assert!(place.has(&stray));
    let went = collect(&service, &Caller::Root, false);
    assert_eq!((went.paths, went.generations.len()), (1, 0));
    assert!(!place.has(&stray) && place.has(&one) && place.has(&two) && place.has(&glibc));
    assert!(fs::symlink_metadata(place.places().of(&stray)).is_err());
    let went = collect(&service, &alice(), false);
    assert_eq!((went.paths, went.generations), (2, BTreeMap::from([("alice".to_owned(), vec![1])])));
    assert!(!place.has(&one) && place.has(&two) && place.has(&glibc), "the image's is never collected");
    place.assert_clean();
    let held = service.gate.enter();
    assert!(service.gate.close(std::time::Duration::ZERO).is_none());
    drop(held);
}

#[test]
fn a_user_gets_no_more_than_the_limit() {
    let place = Place::new(Way::Links);
    let glibc = place.image("glibc", &[("lib", &"x".repeat(100_000))], &[]);
    let small = place.package("small", &[&glibc]);
    let large = {
        let nar = nar(&[("file", &"x".repeat(5000))]);
        place.cache(info(path("large"), &nar, &[&glibc]), &nar, true)
    };
    let mut plan = place.plan();
    plan.store_limit = Some(4000);
    let service = Service::new(plan, place.places()).unwrap();
    assert_eq!(fetch(&service, &[&small]).unwrap().0, 1, "the image's paths cost nothing");
    let error = fetch(&service, &[&large]).unwrap_err();
    assert!(matches!(error, ServiceError::Quota { limit: 4000, .. }), "{error}");
    assert!(!place.has(&large));
    let many = nar(&[("x", &"y".repeat(3500))]);
    assert!(matches!(add(&service, &alice(), "home-path", &many, &[]), Err(ServiceError::Quota { .. })));
    assert!(add(&service, &bob(), "home-path", &many, &[]).is_ok(), "each has a limit of one's own");
    place.assert_clean();
}

fn ask(stream: &mut UnixStream, request: &Request) -> Reply {
    wire::write(stream, request).unwrap();
    wire::read(stream).unwrap().unwrap()
}

#[test]
fn a_thousand_connections_and_nonsense_leave_it_alive() {
    let place = Place::new(Way::Links);
    let service = Arc::new(place.service());
    let socket = place.places().socket();
    let serving = service.clone();
    std::thread::spawn(move || serve(&serving));
    let connect = || loop {
        match UnixStream::connect(&socket) {
            Ok(stream) => break stream,
            Err(_) => std::thread::yield_now(),
        }
    };
    let crowd: Vec<UnixStream> = (0..1000).map(|_| connect()).collect();
    drop(crowd);
    for garbage in [&[0xff; 64][..], b"GET / HTTP/1.1\r\n\r\n", &[0, 0, 0, 2, b'{', b'}'], &[0, 0, 0, 1]] {
        use std::io::Write as _;
        let _ = connect().write_all(garbage);
    }
    // The crowd leaves in its own time.
    let reply = loop {
        let mut stream = connect();
        if wire::write(&mut stream, &Request::Collect { dry_run: true }).is_err() {
            continue;
        }
        match wire::read::<Reply>(&mut stream) {
            Ok(Some(Reply::Done(answer))) => break answer,
            _ => std::thread::yield_now(),
        }
    };
    let own = rustix::process::getuid().as_raw();
    if own == 0 {
        assert_eq!(reply, Answer::Collected(Collected::default()));
    }
    let mut stream = connect();
    let refused = ask(&mut stream, &Request::Commit { generation: path("home-alice"), user: Some("carol".to_owned()) });
    assert!(matches!(refused, Reply::Refused(_)), "{refused:?}");
    assert_eq!(place.service().volume.all_registered().unwrap(), BTreeSet::new());
}
