//! The service against hostile users and lying caches, below a folder of its own: no root is needed.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use super::wire::{Answer, Collected, Reply, Request, Target};
use super::*;
use crate::boot::{Layout, PLAN_VERSION, PlanAccount, PlanChannel, PlanLogs};
use crate::home::manifest::{MANIFEST, Manifest};
use crate::nix::nar::NarWriter;
use crate::nix::{Compression, ContentAddress, NarInfo, SecretKey, Sha256};
use crate::progress::Silent;

pub(in crate::machine) struct Place {
    folder: tempfile::TempDir,
    key: SecretKey,
    way: Way,
}

pub(in crate::machine) fn nar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = NarWriter::new(Vec::new());
    writer.directory(b"").unwrap();
    let mut folder = "";
    for (name, content) in files {
        if let Some((parent, _)) = name.split_once('/')
            && folder != parent
        {
            folder = parent;
            writer.directory(parent.as_bytes()).unwrap();
        }
        match content.strip_prefix("-> ") {
            Some(target) => writer.symlink(name.as_bytes(), target.as_bytes()).unwrap(),
            None => writer.regular(name.as_bytes(), false, content.len() as u64, &mut content.as_bytes()).unwrap(),
        }
    }
    writer.finish().unwrap()
}

pub(in crate::machine) fn path(name: &str) -> StorePath {
    let digest = Sha256::of(name.as_bytes());
    StorePath::from_parts(*digest.as_bytes().first_chunk().unwrap(), name).unwrap()
}

pub(in crate::machine) fn info(path: StorePath, nar: &[u8], references: &[&StorePath]) -> PathInfo {
    PathInfo {
        path,
        nar_hash: Sha256::of(nar),
        nar_size: nar.len() as u64,
        references: references.iter().map(|&path| path.clone()).collect(),
        signatures: Vec::new(),
        content_address: None,
    }
}

impl Place {
    pub(in crate::machine) fn new(way: Way) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["cache/nar", "store", "volume/nix/store", "run"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("cache/nix-cache-info"), "StoreDir: /nix/store\n").unwrap();
        Self { folder, key: SecretKey::generate("test-1", [1; 32]).unwrap(), way }
    }

    pub(in crate::machine) fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(in crate::machine) fn places(&self) -> Places {
        Places {
            layout: Layout::new(self.at("volume")),
            store: self.at("store"),
            registration: self.at("registration"),
            run: self.at("run"),
            way: self.way,
        }
    }

    /// A package of the image.
    pub(in crate::machine) fn image(&self, name: &str, files: &[(&str, &str)], references: &[&StorePath]) -> StorePath {
        let nar = nar(files);
        let info = info(path(name), &nar, references);
        super::unpack::unpack(&nar[..], &self.places().of(&info.path), super::unpack::Limits::SENT).unwrap();
        super::unpack::seal(&self.places().of(&info.path)).unwrap();
        let before = fs::read_to_string(self.at("registration")).unwrap_or_default();
        fs::write(self.at("registration"), before + &load_db_text([&info])).unwrap();
        info.path
    }

    /// What the cache says of a path and what it gives for it.
    pub(in crate::machine) fn cache(&self, mut info: PathInfo, nar: &[u8], signed: bool) -> StorePath {
        if signed {
            info.sign(&self.key);
        }
        let url = format!("nar/{}.nar", info.path.hash_part());
        fs::write(self.at("cache").join(&url), nar).unwrap();
        let path = info.path.clone();
        let narinfo = NarInfo {
            info,
            url,
            compression: Compression::None,
            file_hash: None,
            file_size: None,
            deriver: None,
            system: None,
        };
        fs::write(self.at(&format!("cache/{}.narinfo", path.hash_part())), narinfo.print()).unwrap();
        path
    }

    fn package(&self, name: &str, references: &[&StorePath]) -> StorePath {
        let nar = nar(&[("file", name)]);
        self.cache(info(path(name), &nar, references), &nar, true)
    }

    pub(in crate::machine) fn plan(&self) -> BootPlan {
        let user = |name: &str, uid| {
            let account = PlanAccount {
                name: name.to_owned(),
                uid,
                gid: uid,
                groups: Vec::new(),
                home: format!("/home/{name}"),
                shell: "/bin/sh".to_owned(),
            };
            (name.to_owned(), PlanUser { account, generation: path(&format!("home-{name}")).to_string() })
        };
        let channel = PlanChannel {
            index: None,
            index_hash: None,
            caches: vec![self.at("cache").display().to_string()],
            keys: vec![self.key.public_key().to_string()],
            allow_unsigned: false,
            debian: false,
        };
        BootPlan {
            version: PLAN_VERSION,
            image: "test:latest".to_owned(),
            system: "x86_64-linux".to_owned(),
            hostname: "test".to_owned(),
            runtime: String::new(),
            environment: BTreeMap::new(),
            path: Vec::new(),
            volume: self.at("volume").display().to_string(),
            persist: Vec::new(),
            store_limit: None,
            folders: Vec::new(),
            users: BTreeMap::from([user("alice", 1000), user("bob", 1001)]),
            entrypoint: None,
            daemons: Vec::new(),
            channels: BTreeMap::from([("ours".to_owned(), channel)]),
            default_channel: Some("ours".to_owned()),
            logs: PlanLogs::default(),
            nix: None,
            user_rebuild: true,
        }
    }

    fn service(&self) -> Service {
        Service::new(self.plan(), self.places()).unwrap()
    }

    /// Whether a path is registered and whole, wherever it is looked at.
    fn has(&self, path: &StorePath) -> bool {
        let places = self.places();
        let readable = fs::symlink_metadata(places.of(path).join("")).is_ok();
        registered(&places.layout.registered(), path).is_some() && places.written(path).exists() && readable
    }

    /// That nothing half-done lies around.
    fn assert_clean(&self) {
        for folder in ["store", "volume/nix/store", "volume/dumbc", "run"] {
            for entry in fs::read_dir(self.at(folder)).unwrap().flatten() {
                let name = entry.file_name().into_string().unwrap();
                assert!(!name.starts_with(TEMPORARY) && !name.starts_with("caches-"), "{folder}/{name}");
            }
        }
    }
}

fn alice() -> Caller {
    Caller::User("alice".to_owned())
}

fn bob() -> Caller {
    Caller::User("bob".to_owned())
}

pub(in crate::machine) fn manifest(user: &str) -> Manifest {
    Manifest {
        version: Manifest::VERSION,
        user: user.to_owned(),
        files: BTreeMap::new(),
        session_variables: BTreeMap::new(),
        session_path: Vec::new(),
        backup_extension: None,
        daemons: Vec::new(),
        packages: BTreeMap::new(),
    }
}

fn generation(manifest: &Manifest, packages: &[&StorePath]) -> Vec<u8> {
    let links: Vec<String> = packages.iter().map(|path| format!("-> {path}/bin")).collect();
    let text = serde_json::to_string(manifest).unwrap();
    let mut files = vec![(MANIFEST.to_owned(), text)];
    files.extend(links.into_iter().enumerate().map(|(number, link)| (format!("package-{number}"), link)));
    nar(&files.iter().map(|(name, content)| (name.as_str(), content.as_str())).collect::<Vec<_>>())
}

fn add(
    service: &Service,
    caller: &Caller,
    name: &str,
    nar: &[u8],
    references: &[&StorePath],
) -> Result<StorePath, ServiceError> {
    let references = references.iter().map(|&path| path.clone()).collect();
    match service.add(caller, name, references, nar.len() as u64, nar)? {
        Answer::Added { path } => Ok(path),
        other => panic!("{other:?}"),
    }
}

fn fetch(service: &Service, paths: &[&StorePath]) -> Result<(usize, u64), ServiceError> {
    let paths: Vec<StorePath> = paths.iter().map(|&path| path.clone()).collect();
    match service.fetch(&alice(), &paths, &Silent)? {
        Answer::Fetched { paths, bytes } => Ok((paths, bytes)),
        other => panic!("{other:?}"),
    }
}

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
