//! A boot plan with something of everything, for tests.

use super::*;

pub(crate) fn account(name: &str, uid: u32) -> PlanAccount {
    let home = if uid == 0 { "/root".to_owned() } else { format!("/home/{name}") };
    PlanAccount { name: name.to_owned(), uid, gid: uid, groups: Vec::new(), home, shell: "/bin/bash".to_owned() }
}

pub(crate) fn unit(name: &str, command: &[&str], account: PlanAccount) -> PlanUnit {
    let command = command.iter().map(|word| (*word).to_owned()).collect();
    let bare = PlanUnit::bare(name, &account);
    PlanUnit { command, account, restart: PlanRestart::OnFailure, ..bare }
}

pub(crate) fn plan() -> BootPlan {
    let alice = PlanAccount { groups: vec![10, 2000], ..account("alice", 1000) };
    let health = PlanHealth { http: Some("/healthz".to_owned()), command: Vec::new(), interval: 30_000, grace: 500 };
    let entrypoint = PlanUnit {
        ports: vec![8080],
        secrets: vec!["DATABASE_URL".to_owned()],
        health: Some(health),
        stop: PlanStop { signal: "SIGTERM".to_owned(), grace: 120_000 },
        ..unit("entrypoint", &["web", "--greeting", "it's me"], alice.clone())
    };
    let tailscaled = PlanUnit {
        ready: Some(PlanReady::File("/run/tailscale/tailscaled.sock".to_owned())),
        ..unit("tailscaled", &["/nix/store/ts/bin/tailscaled"], account("root", 0))
    };
    let up = PlanUnit {
        after: vec!["tailscaled".to_owned()],
        secret_files: vec!["TS_AUTHKEY".to_owned()],
        oneshot: true,
        ..unit("tailscale-up", &["/nix/store/up"], account("root", 0))
    };
    let sshd = PlanUnit { ports: vec![22], ..unit("sshd", &["/usr/sbin/sshd", "-D"], account("root", 0)) };
    let sync = PlanUnit { restart: PlanRestart::Always, ..unit("sync@alice", &["/nix/store/sync"], alice.clone()) };
    let user = PlanUser { account: alice, generation: "/nix/store/aaaa-home-alice".to_owned() };
    let channel = PlanChannel {
        index: Some("https://cache.example.org/index.jsonl".to_owned()),
        index_hash: None,
        caches: vec!["https://cache.example.org".to_owned()],
        keys: vec!["ours-1:AAAA".to_owned()],
        allow_unsigned: false,
        debian: false,
        release: None,
    };
    let debian = PlanChannel { index: None, caches: Vec::new(), keys: Vec::new(), debian: true, ..channel.clone() };
    BootPlan {
        version: PLAN_VERSION,
        image: "lazycoder:latest".to_owned(),
        system: "x86_64-linux".to_owned(),
        hostname: "lazycoder".to_owned(),
        runtime: "/nix/store/rrrr-dumbc-runtime/bin/dumbc".to_owned(),
        environment: std::collections::BTreeMap::new(),
        path: vec!["/usr/bin".to_owned()],
        volume: "/data".to_owned(),
        persist: vec![PlanPath { path: "/var/lib/app".to_owned(), uid: 1000, gid: 1000, mode: 0o700 }],
        store_limit: Some(4 << 30),
        folders: Vec::new(),
        users: [("alice".to_owned(), user)].into(),
        entrypoint: Some(entrypoint),
        daemons: vec![sshd, sync, up, tailscaled],
        channels: [("ours".to_owned(), channel), ("debian".to_owned(), debian)].into(),
        default_channel: Some("ours".to_owned()),
        logs: PlanLogs::default(),
        nix: None,
        user_rebuild: true,
    }
}
