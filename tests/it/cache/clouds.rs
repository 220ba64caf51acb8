//! Buckets of Google and Azure, through the real command line, against servers that look at who asks.

use std::fs;

use crate::support::clouds::{Cloud, KEY, Wanted};
use crate::support::command::Dumbc;
use crate::support::project::{Cache, Project, noise};

/// The program, with nothing of any cloud but these variables.
fn with(dumbc: Dumbc, project: &Project, variables: &[(&str, &str)]) -> Dumbc {
    let prefixes = ["AWS_", "AZURE_", "AZBLOB_", "GOOGLE_", "GCE_", "CLOUDSDK_", "SYSTEM_", "ARM_", "XDG_CONFIG_"];
    let dumbc = prefixes.iter().fold(dumbc, |dumbc, prefix| dumbc.without_prefix(prefix));
    // Nothing listens at the first port: this machine may be one of theirs.
    let nowhere = [("GCE_METADATA_HOST", "127.0.0.1:1"), ("AZURE_IMDS_ENDPOINT", "http://127.0.0.1:1/token")];
    let dumbc = dumbc.env("HOME", project.beside("home")).env("AZURE_CONFIG_DIR", project.beside("azure"));
    nowhere.iter().chain(variables).fold(dumbc, |dumbc, (name, value)| dumbc.env(name, value))
}

/// A project that reads `place`, where all files of a cache are.
fn stage(cloud: &Cloud, below: &str, place: &str) -> (Cache, Project) {
    let (cache, project) = (Cache::sample(), Project::new());
    let folder = cache.folder();
    for entry in walkdir::WalkDir::new(&folder).into_iter().map(Result::unwrap) {
        let name = entry.path().strip_prefix(&folder).unwrap().to_str().unwrap();
        if entry.file_type().is_file() && name != ".lock" {
            cloud.put(&format!("{below}/{name}"), fs::read(entry.path()).unwrap());
        }
    }
    project.system_at(&cache, place, "[\"greet\"]", "");
    (cache, project)
}

fn google(cloud: &Cloud) -> (Cache, Project) {
    stage(cloud, "/ours/team", &format!("gs://ours/team?endpoint={}", cloud.url()))
}

fn azure(cloud: &Cloud) -> (Cache, Project) {
    stage(cloud, "/ourteam/cache/a", &format!("azblob://cache/a?account=ourteam&endpoint={}", cloud.url()))
}

fn build(project: &Project, variables: &[(&str, &str)]) -> Dumbc {
    with(project.dumbc(&["build", "-o", "image.tar"]), project, variables)
}

#[test]
fn a_machine_of_googles_reads_its_bucket_and_renews_its_token() {
    let cloud = Cloud::google(Wanted::Token("new-t0ken"), &["old-t0ken", "new-t0ken"]);
    let (_cache, project) = google(&cloud);
    let (host, url) = (cloud.host(), cloud.url());
    let machine = [("GCE_METADATA_HOST", host.as_str()), ("CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE", url.as_str())];
    build(&project, &machine).ok();
    assert_eq!(cloud.asked_for_tokens().len(), 2, "once, and again when it had run out");
    let lock = fs::read_to_string(project.path("dumbc.lock")).unwrap();
    assert!(lock.contains("gs://ours/team") && !lock.contains("t0ken"));
}

#[test]
fn who_is_nobody_to_google_reads_what_is_public() {
    let cloud = Cloud::google(Wanted::Public, &["t0ken"]);
    let (_cache, project) = google(&cloud);
    build(&project, &[]).ok();
    assert!(cloud.seen().iter().all(|request| !request.headers.contains_key("authorization")));
    let cloud = Cloud::google(Wanted::Token("t0ken"), &["t0ken"]);
    let (_cache, project) = google(&cloud);
    let url = cloud.url();
    let outcome = build(&project, &[("CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE", url.as_str())]).fails(7);
    outcome.says(&["no credentials were found (AccessDenied)", "GOOGLE_APPLICATION_CREDENTIALS"]);
}

#[test]
fn a_server_that_only_the_files_name_sees_no_token() {
    let cloud = Cloud::google(Wanted::Public, &["t0ken"]);
    let (_cache, project) = google(&cloud);
    let host = cloud.host();
    build(&project, &[("GCE_METADATA_HOST", host.as_str())]).ok();
    let cloud = Cloud::azure(Wanted::Public, &["t0ken"]);
    let (_cache, project) = azure(&cloud);
    let imds = format!("{}/token", cloud.url());
    build(&project, &[("AZURE_IMDS_ENDPOINT", imds.as_str()), ("AZURE_STORAGE_SAS_TOKEN", "sig=s3cret")]).ok();
    for request in cloud.seen() {
        assert!(!request.headers.contains_key("authorization") && !request.target.contains("sig"), "{request:?}");
    }
    assert!(cloud.asked_for_tokens().is_empty());
}

#[test]
fn a_file_of_googles_that_leads_nowhere_is_told() {
    let cloud = Cloud::google(Wanted::Token("t0ken"), &["t0ken"]);
    let (_cache, project) = google(&cloud);
    let file = project.beside("account.json");
    fs::write(&file, "{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key\":\"s3cret\"}").unwrap();
    let url = cloud.url();
    let variables = [
        ("GOOGLE_APPLICATION_CREDENTIALS", file.to_str().unwrap()),
        ("CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE", url.as_str()),
    ];
    let outcome = build(&project, &variables).fails(7);
    outcome.says(&["GOOGLE_APPLICATION_CREDENTIALS leads to no token"]);
    assert!(!outcome.stderr.contains("s3cret"), "{outcome}");
}

#[test]
fn an_accounts_key_signs_and_a_wrong_one_is_told() {
    let cloud = Cloud::azure(Wanted::Key, &["t0ken"]);
    let (_cache, project) = azure(&cloud);
    build(&project, &[("AZURE_STORAGE_KEY", KEY)]).ok();
    assert!(cloud.seen().iter().all(|request| request.header("authorization").starts_with("SharedKey ourteam:")));
    let lock = fs::read_to_string(project.path("dumbc.lock")).unwrap();
    assert!(lock.contains("azblob://cache/a?account=ourteam") && !lock.contains(KEY));
    let (_cache, project) = azure(&cloud);
    let outcome = build(&project, &[("AZURE_STORAGE_KEY", "d3Jvbmc=")]).fails(7);
    outcome.says(&["the key or token is not the account's", "(AuthenticationFailed)", "AZURE_STORAGE_KEY"]);
    assert!(!outcome.stderr.contains("d3Jvbmc"), "{outcome}");
    // A key of another account, as the environment says, is for that account alone.
    let others = [("AZURE_STORAGE_KEY", KEY), ("AZURE_STORAGE_ACCOUNT", "theirteam")];
    build(&project, &others).fails(7).says(&["no credentials were found (ResourceNotFound)"]);
}

#[test]
fn a_shared_access_signature_is_shown_to_the_server_and_to_nobody_else() {
    let cloud = Cloud::azure(Wanted::Signature("sv=2023-11-03&sig=s3cret%3D"), &["t0ken"]);
    let (_cache, project) = azure(&cloud);
    let url = cloud.url();
    let trusted = ("AZURE_STORAGE_SERVICE_ENDPOINT", url.as_str());
    build(&project, &[trusted, ("AZURE_STORAGE_SAS_TOKEN", "?sv=2023-11-03&sig=s3cret%3D")]).ok();
    let (_cache, project) = azure(&cloud);
    let outcome = build(&project, &[trusted, ("AZURE_STORAGE_SAS_TOKEN", "sv=2020-01-01&sig=0ther")]).fails(7);
    outcome.says(&["has run out (AuthenticationFailed)", "AZURE_STORAGE_SAS_TOKEN"]);
    assert!(!outcome.stderr.contains("0ther"), "{outcome}");
}

#[test]
fn applications_and_machines_of_azures_get_tokens() {
    let cloud = Cloud::azure(Wanted::Token("new-t0ken"), &["old-t0ken", "new-t0ken"]);
    let (_cache, project) = azure(&cloud);
    let (url, imds) = (cloud.url(), format!("{}/token", cloud.url()));
    let trusted = ("AZURE_STORAGE_SERVICE_ENDPOINT", url.as_str());
    build(&project, &[trusted, ("AZURE_IMDS_ENDPOINT", imds.as_str())]).ok();
    assert_eq!(cloud.asked_for_tokens().len(), 2, "once, and again when it had run out");
    let (_cache, project) = azure(&cloud);
    let application = |secret: &'static str| {
        [
            trusted,
            ("AZURE_AUTHORITY_HOST", url.as_str()),
            ("AZURE_TENANT_ID", "our-tenant"),
            ("AZURE_CLIENT_ID", "our-app"),
            ("AZURE_CLIENT_SECRET", secret),
        ]
    };
    build(&project, &application("app-s3cret")).ok();
    let (_cache, project) = azure(&cloud);
    let outcome = build(&project, &application("wr0ng")).fails(7);
    outcome.says(&["no credentials for the account `ourteam`", "AZURE_CLIENT_ID"]);
    assert!(!outcome.stderr.contains("wr0ng"), "{outcome}");
}

/// Adds packages, one of them in parts, and builds from what was added.
fn write_and_read(cloud: &Cloud, place: &dyn Fn(&str) -> String, variables: &[(&str, &str)]) {
    let project = Project::new();
    let key = project.beside("it-1.key");
    let public = project.dumbc(&["cache", "keygen", "it-1", "--output", key.to_str().unwrap()]).ok().text();
    project.file("one/share/one", "one\n").file("large/share/large", noise(7, 20 << 20));
    let to = place("");
    for (name, folder) in [("one-1.0", "one"), ("large-1.0", "large")] {
        let folder = project.path(folder);
        let arguments =
            ["cache", "add", folder.to_str().unwrap(), "--name", name, "--to", &to, "--key", key.to_str().unwrap()];
        with(project.dumbc(&arguments), &project, variables).ok();
    }
    let objects = cloud.objects();
    let index = objects.iter().find(|(path, _)| path.ends_with("/index.jsonl")).unwrap().1;
    assert_eq!(String::from_utf8_lossy(index).lines().count(), 2, "the second line comes to the first");
    assert!(objects.iter().any(|(path, content)| path.contains("/nar/") && content.len() > 20 << 20), "whole");
    let pin = data_encoding::HEXLOWER.encode(&<sha2::Sha256 as sha2::Digest>::digest(index));
    project.file("system.toml", format!(
        "packages = [\"one\", \"large\"]\n[channels.ours]\nindex = \"{}\"\nindex-hash = \"sha256:{pin}\"\ncaches = [\"{to}\"]\nkeys = [\"{}\"]\n[image]\nname = \"it\"\n",
        place("/index.jsonl"),
        public.trim()
    ));
    build(&project, variables).ok();
    with(project.dumbc(&["cache", "mirror", "--to", &place("/mirror")]), &project, variables).ok();
    assert!(cloud.objects().keys().any(|path| path.contains("/mirror/closure-")));
}

#[test]
fn packages_are_added_to_googles_bucket_and_read_from_it() {
    let cloud = Cloud::google(Wanted::Token("t0ken"), &["t0ken"]);
    let (host, url) = (cloud.host(), cloud.url());
    let machine = [("GCE_METADATA_HOST", host.as_str()), ("CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE", url.as_str())];
    write_and_read(&cloud, &|below| format!("gs://ours{below}?endpoint={url}"), &machine);
    let written = |request: &&crate::support::listener::Request| {
        request.path.ends_with("/index.jsonl") && request.method == "PUT"
    };
    let conditions: Vec<_> = cloud
        .seen()
        .iter()
        .filter(written)
        .map(|request| request.header("x-goog-if-generation-match").to_owned())
        .collect();
    assert_eq!(conditions, ["0", "1"]);
}

#[test]
fn packages_are_added_to_azures_container_and_read_from_it() {
    let cloud = Cloud::azure(Wanted::Key, &["t0ken"]);
    let url = cloud.url();
    write_and_read(
        &cloud,
        &|below| format!("azblob://cache{below}?account=ourteam&endpoint={url}"),
        &[("AZURE_STORAGE_KEY", KEY)],
    );
    assert!(cloud.seen().iter().any(|request| request.query("comp") == Some("blocklist")));
}
