//! Closures: who is asked, how often, and who is believed.

use std::collections::BTreeSet;
use std::time::Duration;

use dumbc::cache::Error;
use dumbc::failure::{Class, Classified as _};
use dumbc::nix::StorePath;
use dumbc::progress::Silent;

use super::{closure, paths, reader};
use crate::support::packages::Packages;
use crate::support::server::Fault;

/// `widths.len()` levels; each path refers to some of the next level, so that all are reached.
fn levels(packages: &mut Packages, widths: &[usize]) -> StorePath {
    let mut below: Vec<StorePath> = Vec::new();
    for (level, &width) in widths.iter().enumerate().rev() {
        let paths: Vec<StorePath> = (0..width)
            .map(|index| {
                let references: Vec<&StorePath> = below.iter().skip(index).step_by(width).collect();
                packages.add(&format!("package-{level}-{index}"), &references, b"content")
            })
            .collect();
        below = paths;
    }
    below.remove(0)
}

#[test]
fn a_large_closure_is_asked_for_in_few_rounds() {
    let mut packages = Packages::new("test-1");
    let root = levels(&mut packages, &[1, 9, 60, 120, 120, 60]);
    let server = packages.serve().latency(Duration::from_millis(60));
    let found = closure(&reader().cache(&server.url("/"), &[packages.public_key()]).open(), &root).unwrap();
    assert_eq!(found.len(), 370);
    assert!(found.is_sorted_by_key(|found| found.info.info().path.clone()));
    assert_eq!(server.seen().len(), 371, "each narinfo once, and nix-cache-info");
    assert!(server.most_in_flight() >= 60, "{} at once", server.most_in_flight());
    assert!(server.connections() <= 97, "{} connections", server.connections());
}

#[test]
fn levels_do_not_wait_for_each_other() {
    // The slow path is answered when the chain's end is asked for: a barrier after each level would never get there.
    let mut packages = Packages::new("test-1");
    let end = packages.add("end", &[], b"x");
    let chain = (0..20).fold(end.clone(), |below, index| packages.add(&format!("chain-{index}"), &[&below], b"x"));
    let slow = packages.add("slow", &[], b"x");
    let root = packages.add("root", &[&slow, &chain], b"x");
    let held = Fault::HoldUntil(Packages::narinfo(&end));
    let server = packages.serve().fault(&Packages::narinfo(&slow), held);
    let found = closure(&reader().cache(&server.url("/"), &[packages.public_key()]).open(), &root).unwrap();
    assert_eq!(found.len(), 23);
}

#[test]
fn answers_are_remembered_and_verified_again() {
    let mut packages = Packages::new("test-1");
    let library = packages.add("library", &[], b"x");
    let root = packages.add("root", &[&library], b"y");
    let server = packages.serve();
    let reader = reader().cache(&server.url("/"), &[packages.public_key()]);
    let first = closure(&reader.open(), &root).unwrap();
    let asked = server.seen().len();
    assert_eq!(closure(&reader.open(), &root).unwrap(), first);
    assert_eq!(server.seen().len(), asked, "nothing was asked again");

    let reader = reader.offline(true);
    assert_eq!(closure(&reader.open(), &root).unwrap(), first, "not even online");
    let mut distrustful = reader;
    distrustful.specs[0].keys = vec![Packages::new("other-1").public_key()];
    let fault = closure(&distrustful.open(), &root).unwrap_err();
    assert_eq!(fault.class(), Class::Trust, "a key that was removed distrusts at once: {fault}");
}

#[test]
fn absence_is_remembered_for_an_hour() {
    let mut packages = Packages::new("test-1");
    let root = packages.add("root", &[], b"y");
    let lacking = Packages::new("test-1").serve();
    let having = packages.serve();
    let reader =
        reader().cache(&lacking.url("/"), &[packages.public_key()]).cache(&having.url("/"), &[packages.public_key()]);
    let file = Packages::narinfo(&root);
    for (passed, expected) in [(0, 1), (3599, 1), (2, 2)] {
        reader.clock.pass(Duration::from_secs(passed));
        closure(&reader.open(), &root).unwrap();
        assert_eq!(lacking.count(&file), expected, "after {passed} s");
    }
    assert_eq!(having.count(&file), 1);
}

#[test]
fn what_a_cache_has_by_now_is_not_called_missing() {
    let mut packages = Packages::new("test-1");
    let server = packages.serve();
    let root = packages.add("root", &[], b"y");
    let keys = [packages.public_key()];
    let reader = reader().cache(&server.url("/"), &keys);
    closure(&reader.open(), &root).unwrap_err();
    let file = Packages::narinfo(&root);
    let server = server.file(&file, packages.files[&file].clone());
    closure(&reader.open(), &root).unwrap();
    drop(server);
}

#[test]
fn priority_then_order_decides() {
    let mut packages = Packages::new("test-1");
    let root = packages.add("root", &[], b"y");
    let later = packages.serve();
    packages.edit("/nix-cache-info", |text| text.replace("40", "10"));
    let sooner = packages.serve();
    let keys = [packages.public_key()];
    let set = reader().cache(&later.url("/"), &keys).cache(&sooner.url("/"), &keys).open();
    assert_eq!(closure(&set, &root).unwrap()[0].source.cache, "cache-2");
    assert_eq!(later.count(&Packages::narinfo(&root)), 0);
}

#[test]
fn another_store_directory_is_refused() {
    let mut packages = Packages::new("test-1");
    let root = packages.add("root", &[], b"y");
    packages.edit("/nix-cache-info", |text| text.replace("/nix/store", "/home/me/store"));
    let server = packages.serve();
    let fault = closure(&reader().cache(&server.url("/"), &[packages.public_key()]).open(), &root).unwrap_err();
    assert!(fault.to_string().contains("/home/me/store") && fault.to_string().contains("cache-1"), "{fault}");
}

#[test]
fn a_cache_without_information_is_taken_over_http_only() {
    let mut packages = Packages::new("test-1");
    let root = packages.add("root", &[], b"y");
    packages.files.remove("/nix-cache-info");
    let server = packages.serve();
    assert!(closure(&reader().cache(&server.url("/"), &[packages.public_key()]).open(), &root).is_ok());
    let folder = tempfile::tempdir().unwrap();
    packages.write(folder.path());
    let fault = reader().cache(folder.path().to_str().unwrap(), &[]).try_open().err().unwrap();
    assert!(fault.to_string().contains("holds no nix-cache-info"), "{fault}");
    assert_eq!(fault.class(), Class::Usage);
}

#[test]
fn a_missing_reference_names_who_needs_it() {
    let mut packages = Packages::new("test-1");
    let library = Packages::path("library");
    let root = packages.add("root", &[&library], b"y");
    let server = packages.serve();
    let fault = closure(&reader().cache(&server.url("/"), &[packages.public_key()]).open(), &root).unwrap_err();
    let said = fault.to_string();
    assert!(
        said.contains(&library.to_string()) && said.contains(root.base_name()) && said.contains("cache-1"),
        "{said}"
    );
    assert_eq!(fault.class(), Class::UnknownName);
}

/// What a forger does to the text of a narinfo.
type Forgery<'a> = Box<dyn Fn(String) -> String + 'a>;

#[test]
fn forgeries_are_refused() {
    let mut packages = Packages::new("test-1");
    let other = packages.add("other", &[], b"x");
    let root = packages.add("root", &[], b"y");
    let file = Packages::narinfo(&root);
    let forgeries: [(&str, Forgery<'_>); 5] = [
        (
            "another hash",
            Box::new(|text| {
                let hash = text.lines().find(|line| line.starts_with("NarHash")).unwrap().to_owned();
                text.replace(&hash, "NarHash: sha256:0000000000000000000000000000000000000000000000000000")
            }),
        ),
        ("another size", Box::new(|text| text.replace("NarSize: ", "NarSize: 9"))),
        (
            "one more reference",
            Box::new(|text| text.replace("References: ", &format!("References: {}", other.base_name()))),
        ),
        ("another path", Box::new(|text| text.replace("-root", "-toor"))),
        (
            "no signature",
            Box::new(|text| {
                text.lines()
                    .filter(|line| !line.starts_with("Sig"))
                    .fold(String::new(), |text, line| text + line + "\n")
            }),
        ),
    ];
    for (what, forge) in forgeries {
        let mut forged = packages.clone();
        forged.edit(&file, forge);
        let server = forged.serve();
        let reader = reader().cache(&server.url("/"), &[packages.public_key()]);
        let fault = closure(&reader.open(), &root).expect_err(what);
        assert_eq!(fault.class(), Class::Trust, "{what}: {fault}");
        closure(&reader.open(), &root).expect_err("nothing of it is kept");
    }
}

#[test]
fn each_cache_answers_with_its_own_keys() {
    let mut ours = Packages::new("ours-1");
    let root = ours.add("root", &[], b"y");
    let server = ours.serve();
    let theirs = Packages::new("theirs-1").public_key();
    let honest = ours.serve();
    let set = reader()
        .cache(&server.url("/"), std::slice::from_ref(&theirs))
        .cache(&honest.url("/"), &[ours.public_key()])
        .open();
    assert_eq!(closure(&set, &root).unwrap()[0].source.cache, "cache-2");
    let fault = closure(&reader().cache(&server.url("/"), &[theirs]).open(), &root).unwrap_err();
    assert!(fault.to_string().contains("ours-1"), "names the key that is not trusted: {fault}");
}

#[test]
fn content_addresses_count_where_somebody_vouches() {
    let mut packages = Packages::new("test-1");
    let addressed = packages.add_addressed("addressed", &[], b"x");
    let root = packages.add("root", &[&addressed], b"y");
    let server = packages.serve();
    let keys = [packages.public_key()];
    let plain = || reader().cache(&server.url("/"), &keys);
    let roots = std::slice::from_ref(&addressed);
    assert_eq!(closure(&plain().open(), &addressed).unwrap_err().class(), Class::Trust);
    assert!(closure(&plain().allow_unsigned().open(), &addressed).is_ok());
    assert!(plain().open().closure(roots, &BTreeSet::from([addressed.clone()]), &Silent).is_ok());
    let found = closure(&plain().open(), &root).unwrap();
    assert_eq!(found.len(), 2, "a signed path vouches for what it needs");
    // Whichever of the two is answered first.
    for roots in [[addressed.clone(), root.clone()], [root.clone(), addressed.clone()]] {
        let found = plain().open().closure(&roots, &BTreeSet::new(), &Silent).unwrap();
        assert_eq!(found.len(), 2);
    }
}

#[test]
fn circles_are_refused_and_named() {
    let mut packages = Packages::new("test-1");
    let (one, two) = (Packages::path("one"), Packages::path("two"));
    packages.add("one", &[&one, &two], b"x");
    packages.add("two", &[&one], b"x");
    let root = packages.add("root", &[&one], b"x");
    let server = packages.serve();
    let fault = closure(&reader().cache(&server.url("/"), &[packages.public_key()]).open(), &root).unwrap_err();
    assert!(matches!(&fault, Error::Cycle(circle) if circle.len() == 2), "{fault}");
    assert_eq!(fault.class(), Class::Trust);

    let mut packages = Packages::new("test-1");
    let own = Packages::path("own");
    packages.add("own", &[&own], b"x");
    let server = packages.serve();
    assert!(closure(&reader().cache(&server.url("/"), &[packages.public_key()]).open(), &own).is_ok());
}

#[test]
fn an_unreachable_cache_matters_only_when_something_is_missing() {
    let mut packages = Packages::new("test-1");
    let root = packages.add("root", &[], b"y");
    let lacking = Packages::path("lacking");
    let server = packages.serve();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let keys = [packages.public_key()];
    let set = reader().cache(&dead, &keys).cache(&server.url("/"), &keys).open();
    assert_eq!(paths(&closure(&set, &root).unwrap()), std::slice::from_ref(&root));
    let fault = closure(&set, &lacking).unwrap_err();
    assert_eq!(fault.class(), Class::Network);
    let said = fault.to_string();
    assert!(said.contains(&lacking.to_string()) && said.contains("cache-1: cannot reach"), "{said}");
}

#[test]
fn offline_says_what_is_missing() {
    let mut packages = Packages::new("test-1");
    let root = packages.add("root", &[], b"y");
    let server = packages.serve();
    let reader = reader().cache(&server.url("/"), &[packages.public_key()]).offline(true);
    let fault = closure(&reader.open(), &root).unwrap_err();
    let said = fault.to_string();
    assert!(said.contains(&root.to_string()) && said.contains("--offline"), "{said}");
    assert!(server.seen().is_empty());
}
