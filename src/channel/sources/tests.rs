use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::thread::JoinHandle;

use super::super::lock::Lock;
use super::super::resolve::{Mode, Resolution, resolve};
use super::super::test_support::{Listener, channel, machine, shared};
use super::*;
use crate::cache::{Found, NarSource};
use crate::config::{Names, System};
use crate::failure::{Class, Classified as _};
use crate::nix::{Hasher, NarInfo, Sha256, Unsigned};
use crate::progress::Silent;

const X86: System = System::X86_64Linux;

/// A machine whose default channel is the real cache of `data` with its index and key.
fn real(data: &Path, packages: &[&str]) -> Machine {
    let mut machine = machine(packages);
    let base = machine.channels.get_mut("ours").expect("the channel");
    let text = |path: &str| data.join(path).to_str().expect("a path in UTF-8").to_owned();
    base.names = Names::Index { location: text("base.index.jsonl"), hash: None };
    base.caches = vec![text("base")];
    let key = fs::read_to_string(data.join("base.key.pub")).expect("the key");
    base.keys = vec![key.trim().to_owned()];
    machine
}

fn settings(state: &Path) -> Settings {
    Settings::new(true, state.to_owned())
}

fn resolved(machine: &Machine, old: Option<&Lock>, mode: &Mode) -> Result<Resolution, Error> {
    let state = tempfile::tempdir().expect("a temporary folder");
    resolve(machine, old, mode, &sources(machine, settings(state.path())), &Silent)
}

/// The closure that the narinfos' own references make.
fn closure_on_disk(cache: &Path, root: &StorePath) -> BTreeMap<StorePath, u64> {
    let (mut found, mut waiting) = (BTreeMap::new(), vec![root.clone()]);
    while let Some(path) = waiting.pop() {
        let text = fs::read_to_string(cache.join(format!("{}.narinfo", path.hash_part()))).expect("a narinfo");
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
        let references = field("References:").split_whitespace();
        let references = references.map(|name| StorePath::from_base_name(name).expect("a store path"));
        found.insert(path, field("NarSize:").parse().expect("a size"));
        waiting.extend(references.filter(|path| !found.contains_key(path)));
    }
    found
}

#[test]
fn real_requests_lead_to_whole_signed_closures() {
    let Some(data) = shared("nixcache") else { return };
    let wanted = ["git", "ripgrep", "curl", "sqlite3", "jq"];
    let machine = real(&data, &wanted);
    let lock = resolved(&machine, None, &Mode::Extend).expect("a resolution").lock;
    let mut all = BTreeMap::new();
    for name in wanted {
        let [(output, path)] = &lock.requests[&(X86, name.to_owned())].outputs[..] else { panic!("one output") };
        assert_eq!(output, "out");
        let expected = closure_on_disk(&data.join("base"), path);
        let closure = lock.closure([path.clone()]).expect("a whole closure");
        assert!(closure.iter().eq(expected.keys()), "{name}");
        all.extend(expected);
    }
    let bundle = &lock.requests[&(X86, "ca-certificates".to_owned())];
    all.extend(closure_on_disk(&data.join("base"), &bundle.outputs[0].1));
    let sizes: BTreeMap<_, _> = lock.packages.iter().map(|(path, package)| (path.clone(), package.nar_size)).collect();
    assert_eq!(sizes, all);
    assert!(lock.packages.values().all(|package| package.channel.as_deref() == Some("ours")));
    assert_eq!(Lock::parse(&lock.print()).expect("its text"), lock);
    super::super::verify_lock(&lock, &machine).expect("a trusted lock");
}

#[test]
fn real_locks_are_held_to_todays_keys() {
    let Some(data) = shared("nixcache") else { return };
    let mut machine = real(&data, &["jq"]);
    let lock = resolved(&machine, None, &Mode::Extend).expect("a resolution").lock;
    // Neither names nor narinfos are asked: there is no index and no cache any more.
    machine.channels.get_mut("ours").expect("the channel").caches = vec!["/nowhere".to_owned()];
    assert_eq!(resolved(&machine, Some(&lock), &Mode::Locked).expect("a locked build").lock, lock);

    let mut forged = lock.clone();
    forged.packages.values_mut().next().expect("a package").nar_hash = Sha256::of(b"another");
    let error = resolved(&machine, Some(&forged), &Mode::Locked).expect_err("a forged hash");
    assert_eq!(error.class(), Class::Trust);

    machine.channels.get_mut("ours").expect("the channel").keys.clear();
    let error = resolved(&machine, Some(&lock), &Mode::Locked).expect_err("no key");
    assert_eq!(error.class(), Class::Trust);
    let Error::Untrusted { distrust, others } = &error else { panic!("not for trust: {error}") };
    assert_eq!(*others, lock.packages.len() - 1);
    assert!(distrust.to_string().contains("signed by base-1"), "{distrust}");
    assert!(error.help().is_some_and(|help| help.contains("`base-1`") && help.contains("dumbc update")));
}

#[test]
fn an_unsigned_answer_of_a_cache_is_refused() {
    let Some(data) = shared("nixcache") else { return };
    let mut machine = real(&data, &["jq"]);
    machine.channels.get_mut("ours").expect("the channel").keys.clear();
    let error = resolved(&machine, None, &Mode::Extend).expect_err("no key");
    assert_eq!(error.class(), Class::Trust);
}

#[test]
fn a_store_path_needs_no_index() {
    let Some(data) = shared("nixcache") else { return };
    let machine = real(&data, &["jq"]);
    let lock = resolved(&machine, None, &Mode::Extend).expect("a resolution").lock;
    let jq = &lock.requests[&(X86, "jq".to_owned())].outputs[0].1;
    let mut by_path = real(&data, &[&jq.to_string()]);
    by_path.default_channel = None;
    by_path.channels.get_mut("ours").expect("the channel").names = Names::None;
    let lock = resolved(&by_path, None, &Mode::Extend).expect("a resolution").lock;
    assert_eq!(lock.packages.len(), closure_on_disk(&data.join("base"), jq).len());
    assert_eq!(lock.requests[&(X86, jq.to_string())].name, "jq");
}

#[test]
fn real_records_stay_trusted_in_the_lock() {
    let Some(vectors) = shared("vectors/narinfo") else { return };
    let mut machine = machine(&[]);
    machine.default_channel = None;
    machine.channels.insert(
        "nixos".to_owned(),
        channel(Names::NixosRelease { name: "nixos-26.05".to_owned(), revision: None }, &[]),
    );
    let keys = trust::keys(&machine).expect("keys");
    let text = |name: &str| fs::read_to_string(vectors.join(name)).expect("real narinfos");
    let text = format!("{}\n\n{}", text("corpus-978.txt"), text("xi429w4ddvb1r77978hm7jfb2jsn559r.narinfo"));
    let mut lock = Lock::default();
    for record in text.split("\n\n").filter(|record| !record.trim().is_empty()) {
        let narinfo = NarInfo::parse(format!("{}\n", record.trim()).as_bytes()).expect("a narinfo");
        let path = narinfo.info.path.clone();
        let info = narinfo.verify(&keys["nixos"], &path, Unsigned::Refuse).expect("a signed record");
        let source = NarSource {
            cache: "https://cache.nixos.org".to_owned(),
            url: info.nar_info().url.clone(),
            compression: info.nar_info().compression.to_string(),
            file_hash: info.nar_info().file_hash,
            file_size: info.nar_info().file_size,
        };
        lock.packages.extend([caches::locked(Found { info, source }, &machine, &keys)]);
    }
    assert!(lock.packages.len() > 900, "{} records", lock.packages.len());
    let lock = Lock::parse(&lock.print()).expect("its text");
    super::super::verify_lock(&lock, &machine).expect("a trusted lock");
    let unsorted = lock.packages.iter().filter(|(_, package)| !package.references.is_sorted());
    let unsorted: Vec<_> = unsorted.map(|(path, _)| path.name()).collect();
    assert_eq!(unsorted, ["gcc-3.4.6"], "signed in another order");
}

/// Answers one request with `body`, on an address of its own.
fn serve(body: &str) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/index.jsonl", listener.local_addr().expect("its address"));
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a request");
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("the request's head");
            asked.push(byte[0]);
        }
        stream.write_all(answer.as_bytes()).expect("the answer is taken");
    });
    (address, server)
}

/// What comes of an index with one line at an http address, pinned to `hash`.
fn over_http(hash: Option<Sha256>) -> Result<usize, Error> {
    let (location, server) = serve(INDEX);
    let mut machine = machine(&[]);
    machine.channels.insert("ours".to_owned(), channel(Names::Index { location, hash }, &[]));
    let state = tempfile::tempdir().expect("a temporary folder");
    let read = sources(&machine, Settings::new(false, state.path().to_owned())).index("ours", &Silent);
    server.join().expect("the server ends");
    read.map(|index| index.len())
}

const INDEX: &str = r#"{"attr":"git","name":"git-1","system":"x86_64-linux","outputs":{"out":null}}"#;

#[test]
fn an_index_over_plain_http_must_be_pinned() {
    let hash = Sha256::of(INDEX.as_bytes());
    assert_eq!(over_http(Some(hash)).expect("the pinned index"), 1);
    let unpinned = over_http(None).expect_err("an index that anybody can change");
    assert_eq!(unpinned.class(), Class::Trust);
    assert!(unpinned.help().is_some_and(|help| help.contains(&format!("index-hash = \"{hash}\""))));
    let changed = over_http(Some(Sha256::of(b"another"))).expect_err("another index");
    assert_eq!(changed.class(), Class::Trust);
    assert!(matches!(changed, Error::IndexHash { found, .. } if found == hash));
}

#[test]
fn a_pinned_file_is_held_to_its_hash() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("index.jsonl"), INDEX).expect("the index");
    let mut machine = machine(&[]);
    machine.project = folder.path().to_owned();
    let mut read = |hash| {
        let names = Names::Index { location: "index.jsonl".to_owned(), hash };
        machine.channels.insert("ours".to_owned(), channel(names, &[]));
        sources(&machine, settings(folder.path())).index("ours", &Silent).map(|index| index.hash())
    };
    let mut hasher = Hasher::new();
    hasher.update(INDEX.as_bytes());
    let hash = hasher.finish();
    assert_eq!(read(None).expect("any index"), hash);
    assert_eq!(read(Some(hash)).expect("the pinned index"), hash);
    assert!(matches!(read(Some(Sha256::of(b""))), Err(Error::IndexHash { .. })));
}

#[test]
fn a_missing_index_is_named() {
    let machine = machine(&["git"]);
    let error = resolved(&machine, None, &Mode::Extend).expect_err("no index");
    assert_eq!(error.class(), Class::Usage);
    assert_eq!(error.to_string(), "the index of channel `ours` at index.jsonl can't be opened");
}

#[test]
fn caches_come_once_with_the_keys_of_all_their_channels() {
    let mut machine = machine(&[]);
    let key = |name: &str| {
        let key = crate::nix::SecretKey::generate(name, [3; 32]).expect("a key's name");
        key.public_key().to_string()
    };
    let mut add = |name: &str, names: Names, caches: &[&str], keys: &[String]| {
        let mut added = channel(names, keys);
        added.caches = caches.iter().map(|cache| (*cache).to_owned()).collect();
        machine.channels.insert(name.to_owned(), added);
    };
    add("a", Names::NixosRelease { name: "nixos-26.05".to_owned(), revision: None }, &[], &[]);
    add("b", Names::None, &["https://user:secret@example.org/cache", "ssh-ng://bucket", "../ours"], &[key("b-1")]);
    add("ours", Names::None, &["../ours"], &[key("ours-1")]);
    let listener = Listener::default();
    let specs = cache_specs(&machine, &listener).expect("caches");
    let told: Vec<_> = specs
        .iter()
        .map(|spec| (spec.name.as_str(), spec.keys.iter().map(crate::nix::PublicKey::name).collect::<Vec<_>>()))
        .collect();
    assert_eq!(told[0], ("../ours", vec!["ours-1", "b-1"]));
    assert_eq!(told[1], ("https://cache.nixos.org", vec!["cache.nixos.org-1"]));
    assert_eq!(told.len(), 3);
    assert!(!told[2].0.contains("secret"), "{told:?}");
    let warned = listener.0.into_inner().expect("what was told");
    assert!(warned.len() == 1 && warned[0].contains("ssh-ng://"), "{warned:?}");
}
