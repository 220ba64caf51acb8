//! Private caches behind HTTP: who is told which secret, what other programs' caches look like, and mirrors without a network.

use std::fs;
use std::path::Path;

use crate::support::project::{Cache, Project};
use crate::support::s3::{Rules, S3};
use crate::support::server::{Seen, Server};

/// A server that takes PUT from who shows this.
fn plain(authorization: &'static str) -> S3 {
    S3::start(Rules { plain: Some(authorization), ..Rules::default() })
}

fn variable(port: u16) -> String {
    format!("DUMBC_CACHE_TOKEN_127_0_0_1_{port}")
}

fn port(host: &str) -> u16 {
    host.rsplit_once(':').unwrap().1.parse().unwrap()
}

#[test]
fn a_server_that_takes_put_is_written_to_with_a_token() {
    let (cache, project, server) = (Cache::sample(), Project::new(), plain("Bearer t0ken-of-ours"));
    project.system(&cache, "[\"greet\"]", "");
    project.dumbc(&["lock"]).ok();
    let place = format!("http://{}/team", server.host());
    let refused = project.dumbc(&["cache", "mirror", "--to", &place]).fails(7);
    refused.says(&["wants credentials"]);
    let name = variable(port(&server.host()));
    project.dumbc(&["cache", "mirror", "--to", &place]).env(&name, "t0ken-of-ours").ok();
    let objects = server.objects();
    assert!(objects.contains_key("/team/nix-cache-info") && objects.keys().any(|path| path.contains("/team/closure-")));
    let away = Project::new();
    away.system_at(&cache, &place, "[\"greet\"]", "");
    away.dumbc(&["build", "-o", "image.tar"]).env(&name, "t0ken-of-ours").ok();
    let lock = fs::read_to_string(away.path("dumbc.lock")).unwrap();
    assert!(!lock.contains("t0ken"));
}

#[test]
fn a_server_that_takes_nothing_says_so() {
    let (cache, project) = (Cache::sample(), Project::new());
    let server = Server::start().status("/nix-cache-info", 404).status("/nix-cache-info", 405);
    project.system(&cache, "[\"greet\"]", "");
    project.dumbc(&["lock"]).ok();
    let outcome = project.dumbc(&["cache", "mirror", "--to", &server.url("")]).fails(5);
    outcome.says(&["cannot write to", "must take PUT"]);
}

/// Who showed something, and what.
fn shown(server: &Server) -> Vec<String> {
    server.seen().into_iter().filter_map(|Seen { headers, .. }| headers.get("authorization").cloned()).collect()
}

#[test]
fn a_cache_never_sees_what_is_for_another() {
    let cache = Cache::sample();
    let project = Project::new();
    let narinfo = fs::read_dir(cache.folder()).unwrap().map(|entry| entry.unwrap().path());
    let narinfo = narinfo.filter(|path| path.extension().is_some_and(|end| end == "narinfo"));
    let names: Vec<String> = narinfo.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    // One cache sends its readers on to the other, which is on another port of the same host, and to another name of the host.
    let second = Server::start().folder(&cache.folder());
    let first = names.iter().enumerate().fold(Server::start().file("/nix-cache-info", ""), |first, (index, name)| {
        let to = second.url(&format!("/{name}"));
        let to = if index == 0 { to.replace("127.0.0.1", "localhost") } else { to };
        first.redirect(&format!("/{name}"), &to)
    });
    let first = fs::read_dir(cache.folder().join("nar")).unwrap().fold(first, |first, nar| {
        let name = nar.unwrap().file_name().into_string().unwrap();
        first.redirect(&format!("/nar/{name}"), &second.url(&format!("/nar/{name}")))
    });
    let netrc = project.beside("netrc");
    fs::write(&netrc, "machine 127.0.0.1 login us password for-whom-we-ask\ndefault login us password for-anybody\n")
        .unwrap();
    project.system_at(&cache, &first.url(""), "[\"greet\", \"data\"]", "");
    project.dumbc(&["build", "-o", "image.tar"]).env("NETRC", &netrc).env("no_proxy", "*").ok();
    assert!(!shown(&first).is_empty());
    assert_eq!(shown(&second), Vec::<String>::new(), "{:?}", second.seen());

    // A token is for one port, and an entry that names a port is, too.
    let project = Project::new();
    fs::write(netrc.with_extension("2"), "").unwrap();
    let netrc = project.beside("netrc");
    fs::write(&netrc, format!("machine 127.0.0.1:{} login us password second\n", second.port())).unwrap();
    project.system_at(&cache, &first.url(""), "[\"greet\"]", "");
    let before = shown(&first).len();
    let told = project.dumbc(&["build", "-o", "image.tar"]).env("NETRC", &netrc).env(&variable(first.port()), "t0ken");
    told.ok();
    assert!(shown(&first).split_off(before).iter().all(|value| value == "Bearer t0ken"));
    assert!(shown(&second).iter().all(|value| value.starts_with("Basic ")) && !shown(&second).is_empty());
}

/// Rewrites the `URL` of every narinfo.
fn rename(folder: &Path, new: impl Fn(&str, &str) -> String) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let Some(hash) = entry.file_name().unwrap().to_str().unwrap().strip_suffix(".narinfo") else { continue };
        let text = fs::read_to_string(&entry).unwrap();
        let url = text.lines().find_map(|line| line.strip_prefix("URL: ")).unwrap();
        let moved = new(hash, url);
        fs::rename(folder.join(url), folder.join(&moved)).unwrap();
        fs::write(&entry, text.replace(url, &moved)).unwrap();
    }
}

#[test]
fn caches_as_attic_and_cachix_serve_them_are_read() {
    // Attic: a folder of the host, NARs by the store path's hash. Cachix: queries behind the NAR's name; a password without a login.
    for (below, shape) in [("/attic/team", "attic"), ("", "cachix")] {
        let cache = Cache::sample();
        fs::create_dir_all(cache.folder().join("nar")).unwrap();
        rename(&cache.folder(), |hash, url| match shape {
            "attic" => format!("nar/{hash}.nar"),
            _ => format!("{url}?hash={hash}"),
        });
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join(below.trim_start_matches('/'));
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        if below.is_empty() {
            copy(&cache.folder(), &place);
        } else {
            fs::rename(cache.folder(), &place).unwrap();
        }
        let server = Server::start().folder(root.path()).password(":t0ken");
        let project = Project::new();
        fs::write(project.beside("netrc"), "machine 127.0.0.1 password t0ken\n").unwrap();
        fs::create_dir_all(cache.folder()).unwrap();
        fs::copy(place.join("index.jsonl"), cache.folder().join("index.jsonl")).unwrap();
        project.system_at(
            &cache,
            &format!("{}?priority=30&want-mass-query=true", server.url(below)),
            "[\"greet\"]",
            "",
        );
        project.dumbc(&["build", "-o", "image.tar"]).env("NETRC", project.beside("netrc")).ok();
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).into_iter().map(Result::unwrap) {
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(&target).unwrap();
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

#[test]
fn a_mirror_in_a_folder_is_all_that_a_build_without_a_network_needs() {
    let (cache, project) = (Cache::sample(), Project::new());
    let server = Server::start().folder(&cache.folder());
    project.system_at(&cache, &server.url(""), "[\"greet\", \"data\"]", "");
    let first = project.build("first.tar", &[]);
    project.dumbc(&["cache", "mirror", project.beside("mirror").to_str().unwrap()]).ok();
    drop(server);
    let away = Project::new();
    let mirror = away.beside("mirror");
    copy(&project.beside("mirror"), &mirror);
    let system = fs::read_to_string(project.path("system.toml")).unwrap();
    let caches = system.lines().find(|line| line.starts_with("caches")).unwrap();
    away.file("system.toml", system.replace(caches, "caches = [\"../mirror\"]"));
    away.file("dumbc.lock", fs::read(project.path("dumbc.lock")).unwrap());
    assert_eq!(away.build("second.tar", &["--offline", "--locked"]).bytes(), first.bytes());
    // What nobody signed is refused there, too.
    let narinfo = fs::read_dir(&mirror).unwrap().map(|entry| entry.unwrap().path());
    let nar = fs::read_dir(mirror.join("nar")).unwrap().next().unwrap().unwrap().path();
    assert!(narinfo.count() > 3);
    let mut bytes = fs::read(&nar).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&nar, bytes).unwrap();
    fs::remove_dir_all(away.store()).unwrap();
    away.dumbc(&["build", "--offline", "--locked", "-o", "third.tar"]).fails(6);
}

#[test]
fn a_file_of_narinfos_that_lies_is_not_believed() {
    let (cache, project, server) = (Cache::sample(), Project::new(), plain("Bearer t"));
    project.system(&cache, "[\"greet\", \"data\"]", "");
    project.dumbc(&["lock"]).ok();
    let place = format!("http://{}/team", server.host());
    let name = variable(port(&server.host()));
    project.dumbc(&["cache", "mirror", "--to", &place]).env(&name, "t").ok();
    let file = server.objects().into_keys().find(|path| path.contains("/closure-")).unwrap();
    let text = zstd::decode_all(&server.objects()[&file][..]).unwrap();
    let text = String::from_utf8(text).unwrap().replace("NarSize: ", "NarSize: 9").replace("URL: nar/", "URL: nor/");
    server.put(&file, zstd::encode_all(text.as_bytes(), 3).unwrap());
    let away = Project::new();
    let system = fs::read_to_string(project.path("system.toml")).unwrap();
    away.file(
        "system.toml",
        system
            .replace(&cache.folder().display().to_string(), &place)
            .replace(&format!("{place}/index.jsonl"), &cache.folder().join("index.jsonl").display().to_string()),
    );
    away.file("dumbc.lock", fs::read(project.path("dumbc.lock")).unwrap());
    // It leads nowhere; each path's own narinfo does.
    away.dumbc(&["build", "--locked", "-o", "image.tar"]).env(&name, "t").ok();
    assert!(server.count("GET", ".narinfo") > 0);
}
