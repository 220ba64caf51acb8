//! Buckets, through the real command line, against a server that works out every signature itself.

use std::fs;
use std::path::Path;

use sha2::Digest as _;

use crate::support::command::Dumbc;
use crate::support::project::{Cache, Project, noise};
use crate::support::s3::{Rules, S3};

const KEY: (&str, &str) = ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
const SECRET: (&str, &str) = ("AWS_SECRET_ACCESS_KEY", "s3cret-example");

/// A bucket that has all files of a cache, and a project that reads it.
fn stage(rules: Rules) -> (S3, Cache, Project) {
    let (server, cache, project) = (S3::start(rules), Cache::sample(), Project::new());
    fill(&server, "/ours/team", &cache.folder());
    project.system_at(&cache, &server.location("ours/team"), "[\"greet\"]", "");
    (server, cache, project)
}

fn fill(server: &S3, below: &str, folder: &Path) {
    for entry in
        walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file())
    {
        let name = entry.path().strip_prefix(folder).unwrap().to_str().unwrap();
        if name != ".lock" {
            server.put(&format!("{below}/{name}"), fs::read(entry.path()).unwrap());
        }
    }
}

/// The program, with nothing of AWS but these variables.
fn with(dumbc: Dumbc, home: &Path, variables: &[(&str, &str)]) -> Dumbc {
    let dumbc = dumbc.without_prefix("AWS_").env("HOME", home).env("AWS_EC2_METADATA_DISABLED", "true");
    variables.iter().fold(dumbc, |dumbc, (name, value)| dumbc.env(name, value))
}

fn build(project: &Project, variables: &[(&str, &str)]) -> Dumbc {
    with(project.dumbc(&["build", "-o", "image.tar"]), &project.beside("home"), variables)
}

#[test]
fn an_image_is_built_from_a_bucket() {
    let (server, _cache, project) = stage(S3::owned());
    build(&project, &[KEY, SECRET]).ok();
    let seen = server.seen();
    assert!(seen.iter().any(|request| request.path.starts_with("/ours/team/nar/")), "{seen:?}");
    assert!(seen.iter().all(|request| request.headers.contains_key("authorization")));
    let lock = fs::read_to_string(project.path("dumbc.lock")).unwrap();
    assert!(lock.contains("s3://ours/team") && !lock.contains("AKID") && !lock.contains("s3cret"));
}

#[test]
fn who_is_nobody_reads_what_is_public() {
    let (server, _cache, project) = stage(Rules { public: true, ..S3::owned() });
    build(&project, &[]).ok();
    assert!(server.seen().iter().all(|request| !request.headers.contains_key("authorization")));
    let (_server, _cache, project) = stage(S3::owned());
    build(&project, &[]).fails(7).says(&["no credentials were found", "AWS_ACCESS_KEY_ID"]);
}

#[test]
fn a_wrong_secret_a_strange_key_and_a_wrong_clock_are_told_apart() {
    let (_server, _cache, project) = stage(S3::owned());
    let outcome = build(&project, &[KEY, ("AWS_SECRET_ACCESS_KEY", "wr0ng-secret")]).fails(7);
    outcome.says(&["secret key is not that of the access key (SignatureDoesNotMatch)"]);
    assert!(!outcome.stderr.contains("wr0ng") && !outcome.stderr.contains("AKID"), "{outcome}");
    build(&project, &[("AWS_ACCESS_KEY_ID", "AKIDOTHER"), SECRET]).fails(7).says(&["nobody there has this access key"]);
    let (_server, _cache, project) = stage(Rules { skewed: true, ..S3::owned() });
    build(&project, &[KEY, SECRET]).fails(7).says(&["minutes ahead of the server's", "set this machine's clock"]);
}

#[test]
fn the_region_that_a_bucket_names_is_taken_over() {
    let (server, _cache, project) = stage(Rules { region: "eu-west-3", ..S3::owned() });
    build(&project, &[KEY, SECRET]).ok();
    let regions = |region: &str| {
        let of = |request: &&crate::support::s3::Request| {
            request.headers["authorization"].contains(&format!("/{region}/s3/"))
        };
        server.seen().iter().filter(of).count()
    };
    assert_eq!(regions("us-east-1"), 1, "it is told once");
    assert!(regions("eu-west-3") > 3);
}

#[test]
fn profiles_are_read_and_must_be_there() {
    let (server, cache, project) = stage(S3::owned());
    let home = project.beside("home");
    fs::create_dir_all(home.join(".aws")).unwrap();
    let section = "aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = s3cret-example\n";
    fs::write(
        home.join(".aws/credentials"),
        format!("[default]\naws_access_key_id = X\naws_secret_access_key = Y\n[team]\n{section}"),
    )
    .unwrap();
    build(&project, &[]).fails(7).says(&["nobody there has this access key"]);
    build(&project, &[("AWS_PROFILE", "team")]).ok();
    let elsewhere = project.beside("other");
    fs::write(&elsewhere, format!("[profile team]\n{section}")).unwrap();
    let fresh = Project::new();
    fresh.system_at(&cache, &format!("{}&profile=team", server.location("ours/team")), "[\"greet\"]", "");
    // A profile that the address names goes before what the environment has.
    let config = ("AWS_CONFIG_FILE", elsewhere.to_str().unwrap());
    build(&fresh, &[config, ("AWS_ACCESS_KEY_ID", "X"), ("AWS_SECRET_ACCESS_KEY", "Y")]).ok();
    let fresh = Project::new();
    fresh.system_at(&cache, &format!("{}&profile=nobody", server.location("ours/team")), "[\"greet\"]", "");
    build(&fresh, &[KEY, SECRET]).fails(7).says(&["the profile `nobody`"]);
}

#[test]
fn an_instance_has_a_role_whose_credentials_are_renewed() {
    let keys = [("AKIDROLE", ("old", Some("old-token"))), ("AKIDNEXT", ("new", Some("new-token")))].into();
    let role = vec![("AKIDROLE", "old", "old-token"), ("AKIDNEXT", "new", "new-token")].into();
    let rules = Rules { keys, role, expired: vec!["old-token"], ..S3::owned() };
    let (server, _cache, project) = stage(rules);
    let endpoint = format!("http://{}/", server.host());
    let variables = [("AWS_EC2_METADATA_DISABLED", "false"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint.as_str())];
    build(&project, &variables).ok();
    assert_eq!(server.count("PUT", "/latest/api/token"), 1);
    assert_eq!(server.count("GET", "/our-role"), 2, "once, and again when it had run out");
}

#[test]
fn a_session_that_has_run_out_is_told() {
    let (_server, _cache, project) = stage(Rules { expired: vec!["old"], ..S3::owned() });
    let outcome = build(&project, &[KEY, SECRET, ("AWS_SESSION_TOKEN", "old")]).fails(7);
    outcome.says(&["the session has run out (ExpiredToken)", "AWS_SESSION_TOKEN"]);
}

#[test]
fn a_bucket_that_may_not_be_listed_lacks_what_it_refuses() {
    let (server, cache, project) = stage(Rules { no_list: true, ..S3::owned() });
    let own = cache.folder().display().to_string();
    let place = server.location("ours/team");
    // `late` is in the folder alone: the bucket says 403 for it, and is asked first.
    cache.add("late-1.0", &[("share/late", b"late\n")]);
    project.system_at(&cache, &format!("{place}&priority=1\", \"{own}"), "[\"greet\", \"late\"]", "");
    build(&project, &[KEY, SECRET]).ok();
    fs::remove_dir_all(project.store()).unwrap();
    fs::remove_file(project.path("dumbc.lock")).unwrap();
    project.system_at(&cache, &place, "[\"late\"]", "");
    build(&project, &[KEY, SECRET]).fails(3).says(&["is in none of the caches"]);
}

#[test]
fn packages_are_added_to_a_bucket_and_read_from_it() {
    let (server, project) = (S3::start(S3::owned()), Project::new());
    let key = project.beside("it-1.key");
    let home = project.beside("home");
    let public = project.dumbc(&["cache", "keygen", "it-1", "--output", key.to_str().unwrap()]).ok().text();
    let place = server.location("ours");
    project.file("one/share/one", "one\n").file("large/share/large", noise(7, 20 << 20));
    let add = |name: &str, folder: &str| {
        let folder = project.path(folder);
        let arguments =
            ["cache", "add", folder.to_str().unwrap(), "--name", name, "--to", &place, "--key", key.to_str().unwrap()];
        with(project.dumbc(&arguments), &home, &[KEY, SECRET]).ok().text().trim().to_owned()
    };
    let one = add("one-1.0", "one");
    project.file("two/share/two", format!("{one}/share/one\n"));
    add("two-1.0", "two");
    add("large-1.0", "large");
    assert_eq!(server.unfinished_uploads(), 0);
    let objects = server.objects();
    let large = objects.iter().find(|(path, content)| path.starts_with("/ours/nar/") && content.len() > 20 << 20);
    assert!(large.is_some(), "in parts, and whole");
    // Nothing is named before it is there.
    let written: Vec<String> =
        server.seen().into_iter().filter(|seen| seen.method != "GET").map(|seen| seen.path).collect();
    for kind in written.iter().enumerate().filter(|(_, path)| path.ends_with(".narinfo")) {
        assert!(written[kind.0 - 1].starts_with("/ours/nar/"), "{written:?}");
    }
    let index = server.location("ours/index.jsonl");
    let pin = data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(&objects["/ours/index.jsonl"]));
    project.file("system.toml", format!(
        "packages = [\"two\", \"large\"]\n[channels.ours]\nindex = \"{index}\"\nindex-hash = \"sha256:{pin}\"\ncaches = [\"{place}\"]\nkeys = [\"{}\"]\n[image]\nname = \"it\"\n",
        public.trim()
    ));
    build(&project, &[KEY, SECRET]).ok();
    let lock = fs::read_to_string(project.path("dumbc.lock")).unwrap();
    assert!(lock.contains("one-1.0"), "found as a reference: {lock}");
}

#[test]
fn a_part_that_fails_is_sent_again_and_an_upload_that_fails_is_ended() {
    for (odd, succeeds) in [(vec![503, 503], true), (vec![403], false)] {
        let server = S3::start(Rules { odd_parts: odd.into(), ..S3::owned() });
        let project = Project::new();
        project.file("large/share/large", noise(7, 20 << 20));
        let (folder, place) = (project.path("large"), server.location("ours"));
        let arguments = ["cache", "add", folder.to_str().unwrap(), "--name", "large-1.0", "--to", &place];
        let outcome = with(project.dumbc(&arguments), &project.beside("home"), &[KEY, SECRET]).run();
        assert_eq!(outcome.code == Some(0), succeeds, "{outcome}");
        assert_eq!(server.unfinished_uploads(), 0);
        assert_eq!(server.objects().keys().any(|path| path.ends_with(".narinfo")), succeeds, "nothing half");
    }
}

#[test]
fn a_lock_is_mirrored_to_a_bucket_and_asked_for_at_once() {
    let (cache, project, server) = (Cache::sample(), Project::new(), S3::start(S3::owned()));
    project.system(&cache, "[\"greet\", \"data\"]", "");
    let first = project.build("first.tar", &[]);
    let (home, place) = (project.beside("home"), server.location("ours/mirror"));
    let mirror = |expected: &str| {
        let outcome = with(project.dumbc(&["cache", "mirror", "--to", &place]), &home, &[KEY, SECRET]).ok();
        assert!(outcome.text().contains(expected), "{outcome}");
    };
    mirror("3 packages copied");
    mirror("0 packages copied");
    let file = server
        .objects()
        .into_keys()
        .find(|path| path.contains("/closure-") && path.ends_with(".narinfos.zst"))
        .unwrap();
    // Somewhere else: the lock, and the mirror alone.
    let away = Project::new();
    let system = fs::read_to_string(project.path("system.toml")).unwrap();
    away.file(
        "system.toml",
        system.replace(&format!("caches = [\"{}\"]", cache.folder().display()), &format!("caches = [\"{place}\"]")),
    );
    away.file("dumbc.lock", fs::read(project.path("dumbc.lock")).unwrap());
    let before = server.seen().len();
    let outcome = with(away.dumbc(&["build", "--locked", "--json", "-o", "image.tar"]), &home, &[KEY, SECRET]).ok();
    assert_eq!(outcome.json()["images"][0]["image_id"].as_str().unwrap(), first.image_id());
    let asked: Vec<String> = server.seen().split_off(before).into_iter().map(|seen| seen.path).collect();
    assert_eq!(asked.iter().filter(|path| **path == file).count(), 1, "{asked:?}");
    assert!(!asked.iter().any(|path| path.ends_with(".narinfo")), "{asked:?}");
}
