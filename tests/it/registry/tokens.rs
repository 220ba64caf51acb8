//! A registry whose tokens come from somebody else: docker-registry with `auth: token`.

use super::faulty::{Fault, Faulty};
use super::{PASSWORD, Served, Small, USER, layers};
use crate::clients::{has, output};
use crate::support::command::Dumbc;
use crate::support::token_server::TokenServer;

/// A registry and who gives tokens for it.
struct World {
    tokens: TokenServer,
    registry: Served,
    small: Small,
    _folder: tempfile::TempDir,
}

impl World {
    fn start() -> Option<Self> {
        has("docker-registry").and_then(|()| has("openssl"))?;
        let folder = tempfile::tempdir().unwrap();
        let tokens = TokenServer::start(folder.path(), USER, PASSWORD);
        let place = folder.path().display().to_string();
        let registry = Served::with(&tokens.configuration().replace("FOLDER", &place))?;
        Some(Self { tokens, registry, small: Small::new(""), _folder: folder })
    }

    fn push(&self, reference: &str, arguments: &[&str]) -> Dumbc {
        let command = self.small.push(&[&[reference, "--json"], arguments].concat());
        command.env("DUMBC_REGISTRY_CREDS", format!("{USER}:{PASSWORD}"))
    }

    /// Answers that say no to what is asked of repositories, so far.
    fn refusals(&self) -> usize {
        let is_refusal = |line: &&str| line.contains("HTTP/1.1\" 401 ") && !line.contains(" /v2/ HTTP");
        self.registry.log().lines().filter(is_refusal).count()
    }
}

#[test]
fn tokens_for_what_is_done_and_no_more() {
    let Some(world) = World::start() else { return };
    for repository in ["team/one", "team/two"] {
        world.tokens.allow(repository, &["pull", "push"]);
    }
    let first = world.push(&world.registry.reference("team/one:1"), &[]).ok();
    assert_eq!(layers(&first.json())[1..], [0, 0]);
    assert_eq!(world.tokens.asked(), ["repository:team/one:pull,push"], "one token does for a push");
    assert_eq!(world.refusals(), 1, "{}", world.registry.log());

    // To mount, the token must do for both.
    let second = world.push(&world.registry.reference("team/two:1"), &[]).ok();
    assert_eq!(layers(&second.json()), [0, layers(&first.json())[0], 0]);
    let scopes = world.tokens.asked().split_off(1);
    assert_eq!(scopes, ["repository:team/two:pull,push", "repository:team/two:pull,push repository:team/one:pull"]);

    // Who may not read where it could be mounted from sends it.
    world.tokens.allow("team/one", &[]);
    world.tokens.allow("team/three", &["pull", "push"]);
    let third = world.push(&world.registry.reference("team/three:1"), &[]).ok();
    assert_eq!(third.json()["digest"], first.json()["digest"]);

    let skopeo = |reference: &str, creds: &str| {
        let from = format!("docker://{}", world.registry.reference(reference));
        let mut command = std::process::Command::new("skopeo");
        command.args(["inspect", "--tls-verify=false", "--format", "{{.Digest}}", "--creds", creds, &from]);
        output(&mut command)
    };
    if has("skopeo").is_some() {
        let digest = skopeo("team/three:1", &format!("{USER}:{PASSWORD}"));
        assert_eq!(digest.trim(), first.json()["digest"].as_str().unwrap());
    }
}

#[test]
fn who_may_not_is_told() {
    let Some(world) = World::start() else { return };
    world.tokens.allow("team/read", &["pull"]);
    let refused = world.push(&world.registry.reference("team/read:1"), &[]).fails(7);
    refused.says(&["does not let us push to `team/read`", "get the right to push"]);
    let wrong = world.push(&world.registry.reference("team/read:1"), &[]);
    let wrong = wrong.env("DUMBC_REGISTRY_CREDS", format!("{USER}:{PASSWORD}!")).fails(7);
    wrong.says(&["refuses the credentials", "incorrect username or password", "docker login"]);
    let nobody = world.small.push(&[&world.registry.reference("team/read:1")]).fails(7);
    nobody.says(&["wants credentials", "docker login"]);
    for outcome in [refused, wrong, nobody] {
        assert!(!outcome.to_string().contains(PASSWORD), "{outcome}");
    }
    assert_eq!(world.registry.requests("PUT"), 0);
}

#[test]
fn a_token_that_ends_in_mid_push_is_got_anew() {
    let Some(world) = World::start() else { return };
    world.tokens.allow("slow", &["pull", "push"]);
    world.tokens.give_brief_tokens(1);
    // Long enough for the first token to end, which nobody was told.
    let slow = Faulty::start(world.registry.port(), |_| Fault::Drip(150));
    let pushed = world.push(&slow.reference("slow:1"), &["--jobs", "1"]).ok().json();
    assert_eq!(world.tokens.asked(), ["repository:slow:pull,push", "repository:slow:pull,push"]);
    assert_eq!(world.refusals(), 2, "the first request, and one in the middle: {}", world.registry.log());
    let again = world.push(&world.registry.reference("slow:1"), &["--force"]).ok().json();
    assert_eq!((&again["digest"], &again["sent"]), (&pushed["digest"], &0.into()));
}
