//! The service against hostile users and lying caches, below a folder of its own: no root is needed.

mod limits;
mod place;

use super::wire::{Answer, Target};
use super::*;
use crate::home::manifest::MANIFEST;
use crate::nix::nar::NarWriter;
use crate::nix::{ContentAddress, SecretKey, Sha256};

pub(in crate::machine) use place::{Place, info, manifest, nar, path};
use place::{add, alice, bob, fetch, generation};

#[test]
fn a_generation_goes_live_and_is_whole_without_the_image() {
    for way in [Way::Links, Way::Overlay] {
        let place = Place::new(way);
        let glibc = place.image("glibc", &[("lib", "so")], &[]);
        let bash = place.image("bash", &[("bin", "sh")], &[&glibc]);
        let unneeded = place.image("unneeded", &[("x", "x")], &[]);
        let library = place.package("library", &[&glibc]);
        let tool = place.package("tool", &[&library, &bash]);
        if way == Way::Overlay {
            // Without a mount the store is the volume's own folder.
            fs::remove_dir(place.at("volume/nix/store")).unwrap();
            std::os::unix::fs::symlink(place.at("store"), place.at("volume/nix/store")).unwrap();
        }
        let service = place.service();
        assert_eq!(fetch(&service, &[&tool]).unwrap().0, 2);
        assert_eq!(fetch(&service, &[&tool]).unwrap(), (0, 0), "nobody is asked twice");
        assert!(place.has(&tool) && place.has(&library) && !place.has(&glibc));
        let content = fs::read_to_string(place.places().of(&tool).join("file")).unwrap();
        assert_eq!(content, "tool");
        let home =
            add(&service, &alice(), "home-alice", &generation(&manifest("alice"), &[&tool]), &[&tool, &bash]).unwrap();
        assert_eq!(service.volume.info(&home).unwrap().references, std::slice::from_ref(&tool));
        let live = service.commit(&alice(), &home, None).unwrap();
        assert_eq!(live, Answer::Live { number: Some(1), generation: home.clone() });
        assert!(place.has(&glibc) && place.has(&bash) && !place.has(&unneeded));
        assert!(service.pending("alice").is_empty());
        place.assert_clean();
        // The next image has none of it.
        fs::write(place.at("registration"), "").unwrap();
        let next = place.service();
        let closure = next.volume.closure([home.clone()]);
        assert_eq!((closure.present.len(), closure.missing.len()), (5, 0));
        assert!(closure.present.keys().all(|path| place.places().written(path).exists()));
        assert_eq!(place.service().generations("alice").live(), Some(home));
    }
}

#[test]
fn what_nobody_signed_does_not_come() {
    let place = Place::new(Way::Links);
    let nar_of = nar(&[("file", "evil")]);
    let unsigned = place.cache(info(path("unsigned"), &nar_of, &[]), &nar_of, false);
    let foreign = {
        let mut info = info(path("foreign"), &nar_of, &[]);
        info.sign(&SecretKey::generate("test-1", [9; 32]).unwrap());
        place.cache(info, &nar_of, false)
    };
    // Its content vouches for it, but the channel does not say that this is enough.
    let address = ContentAddress::Nar(Sha256::of(&nar_of));
    let mut addressed = info(address.store_path("addressed", &[]).unwrap(), &nar_of, &[]);
    addressed.content_address = Some(address.to_string());
    let addressed = place.cache(addressed, &nar_of, false);
    let lying = place.cache(info(path("lying"), &nar_of, &[]), &nar(&[("file", "liar")]), true);
    let long = place.cache(info(path("long"), &nar_of, &[]), &[nar_of.clone(), vec![0; 1 << 20]].concat(), true);
    let other = path("other");
    let text = fs::read(place.at(&format!("cache/{}.narinfo", lying.hash_part()))).unwrap();
    fs::write(place.at(&format!("cache/{}.narinfo", other.hash_part())), text).unwrap();
    let good = place.package("good", &[]);
    let service = place.service();
    for bad in [&unsigned, &foreign, &addressed, &lying, &long, &other, &path("absent")] {
        let error = fetch(&service, &[bad]).unwrap_err();
        assert!(matches!(error, ServiceError::Cache(_)), "{bad}: {error}");
        assert!(!place.has(bad) && !service.volume.is_valid(bad), "{bad}");
    }
    assert!(service.pending("alice").is_empty());
    place.assert_clean();
    assert_eq!(fetch(&service, &[&good]).unwrap().0, 1);
    let mut lax = place.plan();
    lax.channels.get_mut("ours").unwrap().allow_unsigned = true;
    let lax = Service::new(lax, place.places()).unwrap();
    assert!(fetch(&lax, &[&addressed]).is_ok() && fetch(&lax, &[&unsigned]).is_err());
}

#[test]
fn two_who_want_the_same_fetch_it_once() {
    let place = Place::new(Way::Links);
    let base = place.package("base", &[]);
    let one = place.package("one", &[&base]);
    let two = place.package("two", &[&base]);
    let service = place.service();
    let counts: Vec<usize> = std::thread::scope(|scope| {
        let threads: Vec<_> = [&one, &two, &one, &two, &base, &one]
            .map(|path| scope.spawn(|| fetch(&service, &[path]).unwrap().0))
            .into_iter()
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(counts.iter().sum::<usize>(), 3);
    place.assert_clean();
}

#[test]
fn homes_that_are_none_are_refused() {
    let place = Place::new(Way::Links);
    let tool = place.image("tool", &[("bin", "x")], &[]);
    let service = place.service();
    let good = generation(&manifest("alice"), &[&tool]);
    for name in ["home-bob", "bash", "home-", "../x", "home-alice/x"] {
        assert!(matches!(add(&service, &alice(), name, &good, &[&tool]), Err(ServiceError::Content(_))), "{name}");
    }
    assert!(matches!(add(&service, &alice(), "home-alice", &good, &[&path("absent")]), Err(ServiceError::Invalid(_))));
    assert!(add(&service, &Caller::Root, "home-root", &good, &[]).is_err());
    let sizes = [good.len() as u64 - 8, good.len() as u64 + 8, u64::MAX];
    for size in sizes {
        assert!(service.add(&alice(), "home-alice", Vec::new(), size, &good[..]).is_err(), "{size}");
    }
    let mut deep = NarWriter::new(Vec::new());
    deep.directory(b"").unwrap();
    let folders: Vec<String> = (1..63).map(|depth| vec!["d".repeat(100); depth].join("/")).collect();
    for folder in &folders {
        deep.directory(folder.as_bytes()).unwrap();
    }
    let deep = deep.finish().unwrap();
    assert!(add(&service, &alice(), "home-alice", &deep, &[]).is_err(), "longer than any path may be");
    for number in (0..good.len()).step_by(5) {
        let mut broken = good.clone();
        broken[number] ^= 0x41;
        let _ = add(&service, &alice(), "home-alice", &broken, &[&tool]);
    }
    place.assert_clean();
    let cases = nar(&[("A", "1"), ("a", "2")]);
    assert!(add(&service, &alice(), "home-path", &cases, &[]).is_ok());
}

#[test]
fn nobody_commits_for_another_or_as_another() {
    let place = Place::new(Way::Links);
    let tool = place.image("tool", &[("bin", "x")], &[]);
    let service = place.service();
    let home = add(&service, &alice(), "home-alice", &generation(&manifest("alice"), &[&tool]), &[&tool]).unwrap();
    let refused =
        |caller: &Caller, path: &StorePath, user: Option<&str>| service.commit(caller, path, user).unwrap_err();
    assert!(matches!(refused(&bob(), &home, None), ServiceError::Generation { .. }));
    assert!(matches!(refused(&bob(), &home, Some("alice")), ServiceError::NotRoot));
    assert!(matches!(refused(&alice(), &tool, None), ServiceError::Generation { .. }));
    assert!(matches!(refused(&alice(), &path("home-alice"), None), ServiceError::Invalid(_)));
    assert!(matches!(service.caller(1234), Err(ServiceError::Stranger(1234))));
    // A manifest that would make the supervisor start something as root.
    let mut evil = manifest("alice");
    let mut account = place.plan().users["alice"].account.clone();
    account.uid = 0;
    let daemon = serde_json::json!({
        "name": "evil@alice", "command": ["/bin/sh"], "account": account, "of-home": true, "restart": "no",
        "stop": {"signal": "SIGTERM", "grace": 1}
    });
    evil.daemons.push(serde_json::from_value(daemon).unwrap());
    let evil = add(&service, &alice(), "home-alice", &generation(&evil, &[]), &[]).unwrap();
    assert!(refused(&alice(), &evil, None).to_string().contains("somebody else"));
    // A manifest that is a link to what the service could read.
    let link = nar(&[(MANIFEST, "-> /etc/shadow")]);
    let link = add(&service, &alice(), "home-alice", &link, &[]).unwrap();
    assert!(matches!(refused(&alice(), &link, None), ServiceError::Manifest(_)));
    assert!(service.generations("alice").all().is_empty());
    assert!(service.commit(&Caller::Root, &home, Some("alice")).is_ok());
    assert!(service.commit(&Caller::Root, &home, None).is_err());
}

fn commit(service: &Service, user: &str, packages: &[&StorePath]) -> StorePath {
    let caller = Caller::User(user.to_owned());
    fetch(service, packages).unwrap();
    let nar = generation(&manifest(user), packages);
    let home = add(service, &caller, &format!("home-{user}"), &nar, packages).unwrap();
    service.commit(&caller, &home, None).unwrap();
    home
}

#[test]
fn earlier_generations_come_back() {
    let place = Place::new(Way::Links);
    let (one, two) = (place.package("one", &[]), place.package("two", &[]));
    let service = place.service();
    let homes = [commit(&service, "alice", &[&one]), commit(&service, "alice", &[&two])];
    let select = |target| service.select(&alice(), target);
    let live = |number: Option<u64>, generation: StorePath| Answer::Live { number, generation };
    assert_eq!(select(Target::Previous).unwrap(), live(Some(1), homes[0].clone()));
    assert_eq!(select(Target::Previous).unwrap(), live(None, path("home-alice")));
    assert!(matches!(select(Target::Previous), Err(ServiceError::NoGeneration { .. })));
    assert_eq!(select(Target::Number(2)).unwrap(), live(Some(2), homes[1].clone()));
    assert!(matches!(select(Target::Number(7)), Err(ServiceError::NoGeneration { .. })));
    assert_eq!(select(Target::Image).unwrap(), live(None, path("home-alice")));
    assert!(
        matches!(service.list(&alice()).unwrap(), Answer::Generations { all, current: None, .. } if all.len() == 2)
    );
    assert!(matches!(service.list(&bob()).unwrap(), Answer::Generations { all, .. } if all.is_empty()));
}
