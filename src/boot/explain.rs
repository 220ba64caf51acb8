//! Tells a boot plan to people.
//!
//! Pure. What comes out is fit for a terminal, whatever the plan says: a plan may be out of anybody's image.

use std::fmt::Write as _;

use super::{BootPlan, PlanAccount, PlanChannel, PlanHealth, PlanPath, PlanReady, PlanRestart, PlanUnit, order};

/// What a machine does when it starts, section by section; ends with a newline.
#[must_use]
pub fn explain(plan: &BootPlan) -> String {
    let mut told = Told::default();
    told.line(0, format!("{} for {}, as host {}", plan.image, plan.system, plan.hostname));
    told.line(0, format!("runtime {}", plan.runtime));
    foreground(&mut told, plan);
    daemons(&mut told, plan);
    users(&mut told, plan);
    volume(&mut told, plan);
    packages(&mut told, plan);
    told.0
}

/// Lines, with nothing in them that steers a terminal.
#[derive(Default)]
struct Told(String);

impl Told {
    fn line(&mut self, depth: usize, text: impl AsRef<str>) {
        let safe = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
        self.0.extend(std::iter::repeat_n("  ", depth));
        self.0.extend(text.as_ref().chars().map(safe));
        self.0.push('\n');
    }

    fn section(&mut self, title: &str) {
        self.0.push('\n');
        self.line(0, title);
    }
}

fn foreground(told: &mut Told, plan: &BootPlan) {
    let Some(unit) = &plan.entrypoint else {
        told.section("In the foreground: nothing; it runs until it is told to stop");
        return;
    };
    told.section("In the foreground");
    told.line(1, words(&unit.command));
    for line in details(unit) {
        told.line(2, line);
    }
    told.line(2, "its exit code is the machine's");
}

fn daemons(told: &mut Told, plan: &BootPlan) {
    if plan.daemons.is_empty() {
        return;
    }
    let order = order(&plan.daemons);
    for (number, wave) in order.waves.iter().enumerate() {
        told.section(if number == 0 { "Beside it, at once" } else { "Then, each when all that it waits for is ready" });
        for unit in wave {
            daemon(told, unit);
        }
    }
    if !order.stuck.is_empty() {
        told.section("Never, since they wait for each other");
        for unit in &order.stuck {
            daemon(told, unit);
        }
    }
}

fn daemon(told: &mut Told, unit: &PlanUnit) {
    told.line(1, format!("{}: {}", unit.name, words(&unit.command)));
    for line in details(unit) {
        told.line(2, line);
    }
    told.line(2, ends(unit));
}

/// All that is said of a unit but its command and its end.
fn details(unit: &PlanUnit) -> Vec<String> {
    let mut lines = vec![account(&unit.account)];
    let mut list = |title: &str, items: &[String]| {
        if !items.is_empty() {
            lines.push(format!("{title} {}", items.join(", ")));
        }
    };
    list("after", &unit.after);
    list("listens on", &unit.ports.iter().map(ToString::to_string).collect::<Vec<_>>());
    list("sees the secrets", &unit.secrets);
    list("finds secrets in", &unit.secret_files.iter().map(|name| format!("/run/secrets/{name}")).collect::<Vec<_>>());
    lines.extend(unit.ready.as_ref().map(ready));
    lines.extend(unit.health.as_ref().map(|health| well(health, unit.ports.first().copied())));
    lines.push(format!("stopped by {}, killed {} later", unit.stop.signal, duration(unit.stop.grace)));
    lines
}

fn account(account: &PlanAccount) -> String {
    let PlanAccount { name, uid, gid, groups, home, .. } = account;
    let also = groups.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let also = if also.is_empty() { also } else { format!(", also of {also}") };
    format!("as {name} ({uid}:{gid}{also}), at home in {home}")
}

fn ready(ready: &PlanReady) -> String {
    match ready {
        PlanReady::Port(port) => format!("ready when port {port} answers"),
        PlanReady::File(path) => format!("ready when {path} is there"),
        PlanReady::Command(command) => format!("ready when this succeeds: {}", words(command)),
        PlanReady::Notify => "ready when it says so (sd_notify)".to_owned(),
    }
}

fn well(health: &PlanHealth, port: Option<u16>) -> String {
    let look = match (&health.http, port) {
        (Some(path), Some(port)) => format!("http://127.0.0.1:{port}{path} answers"),
        (Some(path), None) => format!("{path} answers, but on no port"),
        (None, _) => format!("this succeeds: {}", words(&health.command)),
    };
    let (interval, grace) = (duration(health.interval), duration(health.grace));
    format!("well while {look} (every {interval}; failures count from {grace} after the start)")
}

fn ends(unit: &PlanUnit) -> String {
    match (unit.oneshot, unit.restart) {
        (true, PlanRestart::No) => "runs once",
        (true, _) => "runs once, to its success",
        (false, PlanRestart::OnFailure) => "started again after a failure",
        (false, PlanRestart::Always) => "started again after every end",
        (false, PlanRestart::No) => "never started again",
    }
    .to_owned()
}

fn users(told: &mut Told, plan: &BootPlan) {
    if plan.users.is_empty() {
        return;
    }
    told.section(if plan.user_rebuild { "Users, who may rebuild their homes" } else { "Users" });
    for user in plan.users.values() {
        told.line(1, account(&user.account));
        told.line(2, format!("shell {}", user.account.shell));
        told.line(2, format!("begins with {}", user.generation));
    }
}

fn volume(told: &mut Told, plan: &BootPlan) {
    told.section(&format!("On the volume, at {}", plan.volume));
    told.line(1, "homes, and store paths that users install");
    if let Some(limit) = plan.store_limit {
        told.line(2, format!("at most {limit} bytes for each user"));
    }
    for PlanPath { path, uid, gid, mode } in &plan.persist {
        told.line(1, format!("{path} ({uid}:{gid}, {mode:04o})"));
    }
    if plan.logs.persist {
        told.line(1, "what daemons print");
    }
}

fn packages(told: &mut Told, plan: &BootPlan) {
    if !plan.channels.is_empty() {
        told.section("Where users' packages come from");
    }
    for (name, channel) in &plan.channels {
        let default = if plan.default_channel.as_ref() == Some(name) { ", where plain names come from" } else { "" };
        told.line(1, format!("{name}{default}"));
        for line in sources(channel) {
            told.line(2, line);
        }
    }
    if let Some(nix) = &plan.nix {
        told.section(&format!("Nix's daemon, of {nix}"));
    }
}

fn sources(channel: &PlanChannel) -> Vec<String> {
    if channel.debian {
        return vec!["a Debian archive: the system's packages only".to_owned()];
    }
    let mut lines = channel.index.iter().map(|index| format!("names from {index}")).collect::<Vec<_>>();
    lines.extend(channel.release.iter().map(|release| format!("names of {}", release.name)));
    lines.extend(channel.caches.iter().map(|cache| format!("packages from {cache}")));
    lines.extend(channel.keys.iter().map(|key| format!("signed by {key}")));
    if channel.allow_unsigned {
        lines.push("content-addressed ones without a signature, too".to_owned());
    }
    lines
}

/// A command as one would type it.
fn words(command: &[String]) -> String {
    let mut line = String::new();
    for word in command {
        let plain = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "/._-+=:,@%".contains(c));
        let space = if line.is_empty() { "" } else { " " };
        let quoted = if plain { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) };
        let _ = write!(line, "{space}{quoted}");
    }
    line
}

/// Milliseconds, in the largest unit that holds them whole.
fn duration(milliseconds: u64) -> String {
    match milliseconds {
        0 => "0s".to_owned(),
        whole if whole.is_multiple_of(60_000) => format!("{}m", whole / 60_000),
        whole if whole.is_multiple_of(1_000) => format!("{}s", whole / 1_000),
        other => format!("{other}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::{PLAN_VERSION, sample};

    #[test]
    fn a_plan_is_told() {
        insta::assert_snapshot!(explain(&sample::plan()), @r"
        lazycoder:latest for x86_64-linux, as host lazycoder
        runtime /nix/store/rrrr-dumbc-runtime/bin/dumbc

        In the foreground
          web --greeting 'it'\''s me'
            as alice (1000:1000, also of 10, 2000), at home in /home/alice
            listens on 8080
            sees the secrets DATABASE_URL
            well while http://127.0.0.1:8080/healthz answers (every 30s; failures count from 500ms after the start)
            stopped by SIGTERM, killed 2m later
            its exit code is the machine's

        Beside it, at once
          sshd: /usr/sbin/sshd -D
            as root (0:0), at home in /root
            listens on 22
            stopped by SIGTERM, killed 10s later
            started again after a failure
          sync@alice: /nix/store/sync
            as alice (1000:1000, also of 10, 2000), at home in /home/alice
            stopped by SIGTERM, killed 10s later
            started again after every end
          tailscaled: /nix/store/ts/bin/tailscaled
            as root (0:0), at home in /root
            ready when /run/tailscale/tailscaled.sock is there
            stopped by SIGTERM, killed 10s later
            started again after a failure

        Then, each when all that it waits for is ready
          tailscale-up: /nix/store/up
            as root (0:0), at home in /root
            after tailscaled
            finds secrets in /run/secrets/TS_AUTHKEY
            stopped by SIGTERM, killed 10s later
            runs once, to its success

        Users, who may rebuild their homes
          as alice (1000:1000, also of 10, 2000), at home in /home/alice
            shell /bin/bash
            begins with /nix/store/aaaa-home-alice

        On the volume, at /data
          homes, and store paths that users install
            at most 4294967296 bytes for each user
          /var/lib/app (1000:1000, 0700)

        Where users' packages come from
          debian
            a Debian archive: the system's packages only
          ours, where plain names come from
            names from https://cache.example.org/index.jsonl
            packages from https://cache.example.org
            signed by ours-1:AAAA
        ");
    }

    #[test]
    fn a_plan_of_nothing_is_told() {
        let plan = BootPlan {
            entrypoint: None,
            daemons: Vec::new(),
            users: std::collections::BTreeMap::new(),
            channels: std::collections::BTreeMap::new(),
            persist: Vec::new(),
            store_limit: None,
            ..sample::plan()
        };
        assert_eq!(plan.version, PLAN_VERSION);
        insta::assert_snapshot!(explain(&plan), @r"
        lazycoder:latest for x86_64-linux, as host lazycoder
        runtime /nix/store/rrrr-dumbc-runtime/bin/dumbc

        In the foreground: nothing; it runs until it is told to stop

        On the volume, at /data
          homes, and store paths that users install
        ");
    }

    #[test]
    fn a_hostile_plan_does_not_steer_the_terminal() {
        let mut plan = sample::plan();
        plan.hostname = "\u{1b}[2J\nusers".to_owned();
        plan.daemons[0].command = vec!["\u{9b}31m".to_owned()];
        let told = explain(&plan);
        assert!(told.lines().next().is_some_and(|line| line.ends_with("users")), "{told}");
        assert!(!told.contains(['\u{1b}', '\u{9b}']));
    }
}
