//! Stores, helpers and tokens together, in folders of their own; and that no message has a secret.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use data_encoding::{BASE64, BASE64URL};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::failure::Classified as _;

/// A home, and variables that lead into it.
struct Home {
    folder: TempDir,
    variables: BTreeMap<&'static str, OsString>,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |below: &str| folder.path().join(below).into_os_string();
        let mut path = at("bin");
        path.push(":/usr/bin:/bin");
        let variables = BTreeMap::from([("HOME", at("")), ("XDG_RUNTIME_DIR", at("run")), ("PATH", path)]);
        Self { folder, variables }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn set(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.variables.insert(name, value.into());
        self
    }

    fn set_path(self, name: &'static str, below: &str) -> Self {
        let path = self.path(below);
        self.set(name, path)
    }

    fn file(self, below: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, content).expect("written");
        self
    }

    /// docker's own store.
    fn docker(self, content: &str) -> Self {
        self.file(".docker/config.json", content)
    }

    /// A helper that does this in a shell.
    fn helper(self, name: &str, script: &str) -> Self {
        let below = format!("bin/docker-credential-{name}");
        let home = self.file(&below, format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(home.path(&below), fs::Permissions::from_mode(0o755)).expect("executable");
        home
    }

    fn stores(&self) -> Stores {
        let variables = self.variables.clone();
        Stores::new(Variables::new(move |name| variables.get(name).cloned()))
    }

    fn find(&self, registry: &str, repository: &str) -> Result<Option<Credentials>, CredentialsError> {
        self.stores().look(registry, repository)
    }

    /// `user:password` of what is found.
    fn login(&self, registry: &str, repository: &str) -> Option<String> {
        match self.find(registry, repository).expect("no error")? {
            Credentials::Password { user, password } => Some(format!("{user}:{}", password.expose())),
            Credentials::Identity(token) => Some(format!("identity:{}", token.expose())),
            Credentials::Bearer(token) => Some(format!("bearer:{}", token.expose())),
        }
    }

    /// What it says of a registry in vain.
    fn complains(&self, registry: &str) -> String {
        let error = self.find(registry, "app").expect_err("an error");
        assert!(error.help().is_some(), "{error}");
        error.to_string().replace(self.folder.path().to_str().expect("text"), "~")
    }
}

fn auths(entries: &[(&str, &str)]) -> String {
    let entry = |(key, login): &(&str, &str)| format!(r#""{key}": {{"auth": "{}"}}"#, BASE64.encode(login.as_bytes()));
    format!(r#"{{"auths": {{{}}}}}"#, entries.iter().map(entry).collect::<Vec<_>>().join(", "))
}

#[test]
fn stores_are_asked_in_skopeos_order() {
    let one = |user: &str| auths(&[("r.example.org", &format!("{user}:p"))]);
    let home = Home::new().docker(&one("docker"));
    let asked = |home: &Home| home.login("r.example.org", "team/app");
    assert_eq!(asked(&home).as_deref(), Some("docker:p"));
    let home = home.file(".config/containers/auth.json", one("config"));
    assert_eq!(asked(&home).as_deref(), Some("config:p"));
    let home = home.file("run/containers/auth.json", one("runtime"));
    assert_eq!(asked(&home).as_deref(), Some("runtime:p"));
    let home = home.file("named.json", one("named")).set_path("REGISTRY_AUTH_FILE", "named.json");
    assert_eq!(asked(&home).as_deref(), Some("named:p"));

    let home = home.set_path("REGISTRY_AUTH_FILE", "absent.json");
    assert_eq!(asked(&home).as_deref(), Some("config:p"), "the named one stands for that of XDG_RUNTIME_DIR");
    let home = home.set_path("XDG_CONFIG_HOME", "elsewhere");
    assert_eq!(asked(&home).as_deref(), Some("docker:p"));
    let home = home.file("other/config.json", one("other")).set_path("DOCKER_CONFIG", "other");
    assert_eq!(asked(&home).as_deref(), Some("other:p"));
    assert_eq!(home.login("another.example.org", "team/app"), None);
    assert_eq!(Home { variables: BTreeMap::new(), ..home }.login("another.example.org", "a"), None, "no home at all");
}

#[test]
fn namespaces_have_their_own() {
    let home = Home::new().file(
        "run/containers/auth.json",
        auths(&[("q.example.org/team", "team:p"), ("q.example.org", "all:p"), ("docker.io/alice", "alice:p")]),
    );
    let home = home.docker(&auths(&[("https://index.docker.io/v1/", "hub:p")]));
    assert_eq!(home.login("q.example.org", "team/app").as_deref(), Some("team:p"));
    assert_eq!(home.login("q.example.org", "teams/app").as_deref(), Some("all:p"));
    assert_eq!(home.login("docker.io", "alice/app").as_deref(), Some("alice:p"));
    assert_eq!(home.login("docker.io", "library/alpine").as_deref(), Some("hub:p"));
}

#[test]
fn what_cannot_be_read_is_named() {
    let good = auths(&[("r.example.org", "a:b")]);
    for (content, reason) in [
        ("{", "line 1, column 1: not what its format has there"),
        (r#"{"auths": {"r.example.org": "shibboleth"}}"#, "line 1, column 40: not what its format has there"),
        (r#"{"auths": {"r.example.org": {"auth": "shibboleth!"}}}"#, "`r.example.org` has an `auth` that is no base64"),
    ] {
        let home = Home::new().docker(&good).file("run/containers/auth.json", content);
        let said = home.complains("r.example.org");
        assert_eq!(said, format!("the credentials in ~/run/containers/auth.json are malformed: {reason}"));
    }
    let large = Home::new().docker(&" ".repeat(2 << 20));
    let said = large.complains("r.example.org");
    assert_eq!(said, "~/.docker/config.json has more than 1048576 bytes, too many for a store of credentials");
    let folder = Home::new().file(".docker/config.json/x", "");
    assert_eq!(folder.complains("r.example.org"), "the credentials in ~/.docker/config.json can't be read");
    assert_eq!(Home::new().docker("\n").login("r.example.org", "app"), None, "empty is as good as absent");
}

const ANSWER: &str = r#"read server; printf '{"ServerURL":"%s","Username":"%s","Secret":"s"}' "$server" "$1-$server""#;

#[test]
fn helpers_are_asked() {
    let config = r#"{"auths": {"own.example.org": {"auth": "eDp5"}, "r.example.org": {}},
        "credsStore": "store", "credHelpers": {"gcr.example.org": "gc_r.1-x"}}"#;
    let nothing = "echo 'credentials not found in native keychain'; exit 1";
    let home = Home::new().docker(config).helper("store", ANSWER).helper("gc_r.1-x", ANSWER);
    assert_eq!(home.login("r.example.org", "app").as_deref(), Some("get-r.example.org:s"));
    assert_eq!(home.login("gcr.example.org", "app").as_deref(), Some("get-gcr.example.org:s"));
    assert_eq!(home.login("docker.io", "app").as_deref(), Some("get-https://index.docker.io/v1/:s"));
    let only_short = "read server; test \"$server\" = docker.io || { echo credentials not found; exit 1; }\n\
        printf '{\"Username\":\"<token>\",\"Secret\":\"refresh\"}'";
    let home = home.helper("store", only_short);
    assert_eq!(home.login("docker.io", "app").as_deref(), Some("identity:refresh"));
    let home = home.helper("store", nothing);
    assert_eq!(home.login("r.example.org", "app"), None);
    assert_eq!(home.login("own.example.org", "app").as_deref(), Some("x:y"), "the file has it");
    let home = home.helper("store", "printf '{\"ServerURL\":\"\",\"Username\":\"\",\"Secret\":\"\"}'");
    assert_eq!(home.login("r.example.org", "app"), None);
    fs::remove_file(home.path("bin/docker-credential-store")).expect("removed");
    assert_eq!(home.login("own.example.org", "app").as_deref(), Some("x:y"), "the file has it");
}

#[test]
fn helpers_that_fail_are_named() {
    let home = || Home::new().docker(r#"{"credsStore": "ours"}"#);
    let failing = |script: &str| home().helper("ours", script).complains("r.example.org");
    let missing = "~/.docker/config.json leaves the credentials for r.example.org to `docker-credential-ours`, which is not installed";
    assert_eq!(home().complains("r.example.org"), missing);
    let failed =
        "`docker-credential-ours` failed when it was asked for the credentials for r.example.org (exit status: 3)";
    assert_eq!(failing("echo shibboleth; exit 3"), failed);
    let answer = "`docker-credential-ours` gave no such answer for r.example.org as a credential helper should";
    for script in ["echo shibboleth", "echo '{\"Secret\":\"shibboleth\"}'", "exec cat /dev/zero"] {
        let said = failing(script);
        assert!(said == answer || said.contains("failed when it was asked"), "{said}");
    }
    for name in ["../ours", "a b", "a/b", "é"] {
        let home = Home::new().docker(&format!(r#"{{"credsStore": "{name}"}}"#));
        let said = "~/.docker/config.json names a credential helper with characters that none has";
        assert_eq!(home.complains("r.example.org"), said, "{name}");
    }
}

#[test]
fn a_helper_that_does_not_end_is_ended() {
    let home = Home::new().docker(r#"{"credsStore": "ours"}"#);
    for script in ["exec sleep 1000", "exec 1>&-; exec sleep 1000"] {
        let home = Home::new().docker(r#"{"credsStore": "ours"}"#).helper("ours", script);
        let error = home.stores().patience(Duration::from_millis(100)).look("r.example.org", "app").expect_err("slow");
        assert!(error.to_string().contains("did not give the credentials for r.example.org within"), "{error}");
    }
    let home = home.helper(
        "ours",
        "test -z \"$DUMBC_REGISTRY_CREDS\" || exit 1; exec <&-; printf '{\"Username\":\"a\",\"Secret\":\"b\"}'",
    );
    assert_eq!(home.login("r.example.org", "app").as_deref(), Some("a:b"), "one that does not read");
}

#[test]
fn flys_tokens_come_from_where_flyctl_has_them() {
    let flyctl =
        "access_token: FlyV1 fm2_file,fo1_user\nlast_login: 2026-01-01T00:00:00Z\nwire_guard_state:\n  org: {}\n";
    let stored = auths(&[("registry.fly.io", "x:docker")]);
    let home = Home::new().docker(&stored);
    let asked = |home: &Home| home.login("registry.fly.io", "app");
    assert_eq!(asked(&home).as_deref(), Some("x:docker"));
    let home = home.file(".fly/config.yml", flyctl);
    assert_eq!(asked(&home).as_deref(), Some("x:fm2_file"));
    let home = home.set("FLY_API_TOKEN", "Bearer plain");
    assert_eq!(asked(&home).as_deref(), Some("x:plain"));
    let home = home.set("FLY_ACCESS_TOKEN", "fm2_a,fo1_b,fm1r_c\n");
    assert_eq!(asked(&home).as_deref(), Some("x:fm2_a,fm1r_c"));
    assert_eq!(home.login("fly.example.org", "app"), None);
    let home = home.set("FLY_REGISTRY_HOST", "fly.example.org");
    assert_eq!(home.login("fly.example.org", "app").as_deref(), Some("x:fm2_a,fm1r_c"));
    assert_eq!(home.login("registry.example.org", "app"), None);
    let home = home.set("FLY_API_TOKEN", "").set("FLY_ACCESS_TOKEN", " ");
    assert_eq!(asked(&home).as_deref(), Some("x:fm2_file"), "empty variables are none");
}

#[test]
fn flyctls_file_is_yaml() {
    let token = |content: &str| {
        let home = Home::new().file("fly/config.yml", content).set_path("FLY_CONFIG_DIR", "fly");
        home.login("registry.fly.io", "app")
    };
    for content in [
        "access_token: fm2_a\n",
        "access_token: \"fm2_a\"",
        "access_token: 'FlyV1 fm2_a'",
        "# mine\nwire_guard_state: {personal: {peer: {pubkey: x}}}\naccess_token:   FlyV1\n  fm2_a\n",
        "access_token: >-\n  fm2_a,\n  fo1_b\n",
    ] {
        assert_eq!(token(content).as_deref(), Some("x:fm2_a"), "{content}");
    }
    for content in
        ["", "# nothing\n", "access_token: \"\"\n", "access_token:\n", "send_metrics: true\n", "access_token: ~\n"]
    {
        assert_eq!(token(content), None, "{content}");
    }
    for content in ["access_token: [shibboleth]\n", "access_token: \"shibboleth\n", "shibboleth: {\n", "- shibboleth"] {
        let said = Home::new().file(".fly/config.yml", content).complains("registry.fly.io");
        let expected =
            "the credentials in ~/.fly/config.yml are malformed: it is no YAML with a text as `access_token`";
        assert_eq!(said, expected, "{content}");
    }
}

#[test]
fn flyctl_writes_the_other_alphabet_into_dockers_store() {
    let login = "x:fm2_\u{3ff}\u{fff}~~?>";
    let auth = BASE64URL.encode(login.as_bytes());
    assert!(auth.contains(['-', '_']), "{auth} tells nothing");
    let home = Home::new().docker(&format!(r#"{{"auths": {{"registry.fly.io": {{"auth": "{auth}"}}}}}}"#));
    assert_eq!(home.login("registry.fly.io", "app").as_deref(), Some(login));
}

/// All that could be shown of an outcome.
fn shown(outcome: &Result<Option<Credentials>, CredentialsError>) -> String {
    let mut text = format!("{outcome:?} {outcome:#?}");
    let error = outcome.as_ref().err();
    text += &error.and_then(crate::failure::Classified::help).unwrap_or_default();
    let mut cause = error.map(|error| error as &dyn std::error::Error);
    while let Some(error) = cause {
        text.extend([error.to_string(), format!("{error:?}")]);
        cause = error.source();
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However a store is broken, what is told of it has no secret.
    #[test]
    fn nothing_shows_a_secret(secret in "shib[a-zA-Z0-9+/_=-]{8,40}", cut in 0_usize..200, kind in 0..8) {
        let auth = BASE64.encode(format!("user:{secret}").as_bytes());
        let text = match kind {
            0 => format!(r#"{{"auths": {{"r.example.org": {{"auth": "{auth}"}}}}}}"#),
            1 => format!(r#"{{"auths": {{"r.example.org": {{"auth": "{secret}"}}}}}}"#),
            2 => format!(r#"{{"auths": {{"r.example.org": "{secret}"}}}}"#),
            3 => format!(r#"{{"auths": {{"r.example.org": {{"identitytoken": "{secret}"}}}}}}"#),
            4 => format!(r#"{{"auths": {{"r.example.org": {{"registrytoken": "{secret}"}}}}}}"#),
            5 => format!(r#"{{"auths": {{"r.example.org": {{"username": "<token>", "password": "{secret}"}}}}}}"#),
            6 => format!(r#"{{"credsStore": "{secret}", "auths": {{}}}}"#).replace(&secret, "../x"),
            _ => format!(r#"{{"{secret}": 1, "auths": "{secret}"}}"#),
        };
        let cut_short = text.get(..text.len() - cut.min(text.len())).unwrap_or(&text);
        let yaml = format!("access_token: {secret}\n  : [{secret}");
        let home = Home::new().docker(cut_short).file(".fly/config.yml", yaml);
        for home in [home, Home::new().docker(&text)] {
            for registry in ["r.example.org", "registry.fly.io"] {
                let told = shown(&home.find(registry, "app")) + &format!("{:?}", home.stores());
                prop_assert!(!told.contains(&secret) && !told.contains(&auth), "{told}");
            }
        }
        let Ok(login) = format!("user:{secret}").parse::<Login>();
        let twice = login.clone().credentials(Some(Secret::new(&*secret)), "--creds");
        let told = format!("{login:?} {twice:?} {:?}", login.clone().credentials(None, "--creds"));
        prop_assert!(!told.contains(&secret), "{told}");
    }

    /// Bytes of any kind are read or refused.
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let home = Home::new().file(".docker/config.json", &bytes).file(".fly/config.yml", &bytes);
        let _ = home.find("registry.fly.io", "app");
        let _ = home.find("docker.io", "library/alpine");
    }
}

#[test]
fn what_a_helper_says_is_not_repeated() {
    for script in [
        "echo shibboleth; exit 1",
        "echo '{\"Username\":\"shibboleth\"}'",
        "echo '{\"Username\":\"<token>\",\"Secret\":\"shibboleth\"}'",
        "echo '{\"Username\":\"x\",\"Secret\":\"shibboleth\"}'",
    ] {
        let home = Home::new().docker(r#"{"credsStore": "ours"}"#).helper("ours", script);
        let told = shown(&home.find("r.example.org", "app"));
        assert!(!told.contains("shibboleth"), "{told}");
    }
}
