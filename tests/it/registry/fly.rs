//! Pushes to Fly's registry, or what stands for it: as whom, what it takes, and what is said where it refuses.

use std::fs;
use std::path::PathBuf;

use data_encoding::BASE64URL;

use crate::support::command::Dumbc;
use crate::support::fly_registry::FlyRegistry;
use crate::support::project::{Cache, Project};

/// A macaroon and what may stand beside it.
pub(super) const MACAROON: &str = "fm2_lJPECAAAAAAAAAAsecret";
const DISCHARGE: &str = "fm2_lJPETsecretdischarge";
const USER_TOKEN: &str = "fo1_secretuser";
const PLAIN: &str = "secret-deploy-token";

/// A project whose app is `lazy`, and a home without any login.
pub(super) struct World {
    _cache: Cache,
    pub(super) project: Project,
    pub(super) registry: FlyRegistry,
}

impl World {
    pub(super) fn new(registry: FlyRegistry) -> Self {
        let (cache, project) = (Cache::sample(), Project::new());
        project.system(&cache, r#"["hello"]"#, "[image]\nname = \"it\"\n");
        project.file("fly.toml", "app = \"lazy\"\n");
        fs::create_dir(project.beside("home")).unwrap();
        Self { _cache: cache, project, registry }
    }

    /// One that knows the tokens of these tests.
    pub(super) fn open() -> Self {
        let known = [MACAROON, DISCHARGE, USER_TOKEN, PLAIN];
        Self::new(known.into_iter().fold(FlyRegistry::start().app("lazy"), FlyRegistry::token))
    }

    fn home(&self, below: &str) -> PathBuf {
        self.project.beside("home").join(below)
    }

    fn write(&self, below: &str, content: &str) {
        let path = self.home(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// A command line with this home, and no other login.
    pub(super) fn dumbc(&self, arguments: &[&str]) -> Dumbc {
        let logins = ["FLY_ACCESS_TOKEN", "FLY_API_TOKEN", "FLY_CONFIG_DIR", "REGISTRY_AUTH_FILE", "XDG_CONFIG_HOME"];
        let logins = logins.into_iter().chain(["DOCKER_CONFIG", "DUMBC_REGISTRY_CREDS"]);
        let command = self.project.dumbc(arguments).env("FLY_REGISTRY_HOST", self.registry.host());
        let command = command.env("HOME", self.home("")).env("XDG_RUNTIME_DIR", self.home("run"));
        logins.fold(command, |command, name| command.env(name, ""))
    }
}

/// What must never be shown.
fn assert_discreet(text: &str) {
    for secret in [MACAROON, DISCHARGE, USER_TOKEN, PLAIN] {
        let pair = data_encoding::BASE64.encode(format!("x:{secret}").as_bytes());
        assert!(!text.contains(secret) && !text.contains(&pair), "{text}");
    }
}

#[test]
fn tokens_are_taken_from_wherever_flyctl_has_them() {
    let world = World::open();
    let push = |tag: &str, prepare: &dyn Fn(Dumbc) -> Dumbc| {
        let outcome = prepare(world.dumbc(&["push", "--tag", tag])).env("DUMBC_LOG", "trace").ok();
        assert!(world.registry.tag("lazy", tag).is_some(), "{tag}: {outcome}");
        assert_discreet(&(outcome.text() + &outcome.stderr));
    };
    push("access", &|command| command.env("FLY_ACCESS_TOKEN", PLAIN).env("FLY_API_TOKEN", "nonsense"));
    push("api", &|command| command.env("FLY_API_TOKEN", format!("FlyV1 {MACAROON},{DISCHARGE},{USER_TOKEN}")));
    push("creds", &|command| command.env("DUMBC_REGISTRY_CREDS", format!("x:{PLAIN}")));

    let auth = BASE64URL.encode(format!("x:{PLAIN}").as_bytes());
    let docker = |auth: &str| format!(r#"{{"auths": {{"{}": {{"auth": "{auth}"}}}}}}"#, world.registry.host());
    world.write(".docker/config.json", &docker(auth.trim_end_matches('=')));
    push("docker", &|command| command);
    world.write(".docker/config.json", &docker(&BASE64URL.encode(b"x:nonsense")));
    world.write(".fly/config.yml", &format!("access_token: FlyV1 {MACAROON},{USER_TOKEN}\nsend_metrics: false\n"));
    push("flyctl", &|command| command);

    let other = "access_token: nonsense\n";
    world.write(".fly/config.yml", other);
    let outcome = world.dumbc(&["push", "--creds", "x", "--password-stdin"]).input(&format!("{PLAIN}\n")).ok();
    assert_discreet(&(outcome.text() + &outcome.stderr));
    assert!(world.registry.tag("lazy", "latest").is_some());
    world.dumbc(&["push", "--creds", &format!("x:{PLAIN}")]).ok().says(&["the password of --creds is visible"]);
}

#[test]
fn who_is_refused_is_told_what_to_do() {
    let world = World::new(FlyRegistry::start().app("lazy").token(PLAIN).expired(MACAROON));
    let nobody = world.dumbc(&["push"]).fails(7);
    nobody.says(&["wants credentials for `lazy`", "fly auth login", "FLY_API_TOKEN"]);
    let expired = world.dumbc(&["push"]).env("FLY_API_TOKEN", MACAROON).fails(7);
    expired.says(&["refuses the credentials", "macaroon expired", "they may have expired", "fly auth login"]);
    let unknown = world.dumbc(&["push", "--json"]).env("FLY_API_TOKEN", USER_TOKEN).fails(7);
    assert_eq!(unknown.json()["error"]["class"], "credentials");
    let reference = format!("{}/lazy", world.registry.host());
    let verified = world.dumbc(&["verify", &reference]).env("FLY_API_TOKEN", MACAROON).fails(7);
    verified.says(&["macaroon expired", "fly auth login"]);
    for outcome in [nobody, expired, unknown, verified] {
        assert_discreet(&(outcome.text() + &outcome.stderr));
    }
    world.project.file("fly.toml", "app = \"absent\"\n");
    let absent = world.dumbc(&["push"]).env("FLY_API_TOKEN", PLAIN).run();
    absent.says(&["app repository not found", "fly apps create absent"]);
    assert_ne!(absent.code, Some(0));
}

#[test]
fn logins_that_make_no_sense_are_said_without_being_shown() {
    let world = World::open();
    let refused = world.dumbc(&["push", "--creds", &format!("x:{PLAIN}"), "--password-stdin"]).input(PLAIN).fails(2);
    refused.says(&["there are two passwords"]);
    let empty = world.dumbc(&["push", "--creds", "x", "--password-stdin"]).input("\n").fails(2);
    empty.says(&["the password is empty"]);
    let alone = world.dumbc(&["push", "--password-stdin"]).input(PLAIN).fails(2);
    let variable = world.dumbc(&["push"]).env("DUMBC_REGISTRY_CREDS", PLAIN).fails(2);
    variable.says(&["DUMBC_REGISTRY_CREDS make no sense: there is no password"]);
    world.write(".docker/config.json", &format!(r#"{{"auths": "{PLAIN}"}}"#));
    let malformed = world.dumbc(&["push"]).fails(7);
    malformed.says(&[".docker/config.json are malformed: line 1", "log in again"]);
    world.write(".docker/config.json", r#"{"credsStore": "nowhere"}"#);
    let helper = world.dumbc(&["push"]).fails(7);
    helper.says(&["`docker-credential-nowhere`, which is not installed", "install docker-credential-nowhere"]);
    for outcome in [refused, empty, alone, variable, malformed, helper] {
        assert_discreet(&(outcome.text() + &outcome.stderr));
    }
    assert!(!world.registry.requests().iter().any(|request| request.starts_with("PUT")), "nothing was pushed");
}

#[test]
fn fly_gets_dockers_manifest_and_refuses_others() {
    let world = World::open();
    let push =
        |arguments: &[&str]| world.dumbc(&[&["push", "--json"], arguments].concat()).env("FLY_ACCESS_TOKEN", MACAROON);
    let pushed = push(&[]).ok().json();
    assert_eq!(pushed["media_type"], "application/vnd.docker.distribution.manifest.v2+json");
    assert_eq!(world.registry.tag("lazy", "latest").as_deref(), pushed["digest"].as_str());
    for arguments in [&["--format", "oci"][..], &["--compression", "zstd"]] {
        let refused = push(&[&["--tag", "other"], arguments].concat()).run();
        refused.says(&["Docker manifest of schema 2"]);
        assert_ne!(refused.code, Some(0));
        assert_eq!(world.registry.tag("lazy", "other"), None);
    }
}

#[test]
fn nothing_is_mounted_from_another_app() {
    let world = World::new(FlyRegistry::start().app("lazy").app("other").token(PLAIN));
    let push = |reference: &str| {
        world.dumbc(&["push", "--json", reference]).env("FLY_API_TOKEN", PLAIN).ok().json()["layers"].clone()
    };
    let host = world.registry.host();
    let first = push(&format!("{host}/lazy"));
    let second = push(&format!("{host}/other"));
    assert_eq!(second, first, "every layer goes up again: {second}");
    assert_eq!(second["mounted"], 0);
    assert!(world.registry.tag("other", "latest").is_some());
}
