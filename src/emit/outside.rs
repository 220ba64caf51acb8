//! A machine as those see it who run it: what it listens on, what it keeps, how it is stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::boot::order_names;
use crate::config::{Argument, Health, Home, Machine, Unit, parse_duration};
use crate::nix::StorePath;

/// Programs that want a terminal.
const SHELLS: [&str; 8] = ["ash", "bash", "dash", "elvish", "fish", "ksh", "sh", "zsh"];

/// A home's daemon has so long where nothing is said.
const HOME_GRACE: Duration = Duration::from_secs(10);

/// The first port that everybody may listen on.
const UNPRIVILEGED: u16 = 1024;

/// What is added to a privileged port: 22 becomes 10022.
const RAISED: u16 = 10_000;

/// Asks a booted machine whether its entrypoint is well.
const LOOK: [&str; 4] = ["/usr/bin/dumbc", "machine", "health", "entrypoint"];

/// A machine from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// The image's name.
    pub name: String,
    /// The image's tag.
    pub tag: String,
    /// Where the image is pushed to, where the files say so.
    pub registry: Option<String>,
    /// The host's name.
    pub hostname: String,
    /// Where the volume is mounted; `None`: the machine keeps nothing.
    pub volume: Option<String>,
    /// Bytes that the volume should have, where `store-limit` tells.
    pub volume_size: Option<u64>,
    /// Ports, each once: the entrypoint's in the order written, then daemons', by name.
    pub ports: Vec<OutsidePort>,
    /// Secrets, by name.
    pub secrets: BTreeMap<String, SecretOf>,
    /// The signal that asks the machine to stop.
    pub stop_signal: String,
    /// How long stopping may take.
    pub stop_time: Duration,
    /// How to see that the entrypoint is well.
    pub health: Option<OutsideHealth>,
    /// It is a shell, and wants a terminal.
    pub is_shell: bool,
    /// The image boots.
    pub boots: bool,
}

/// A port that something in the machine listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsidePort {
    /// TCP.
    pub number: u16,
    /// The daemon's name; `None`: the entrypoint.
    pub daemon: Option<String>,
    /// How to see that its unit is well, where that is to ask this port, or where no port is asked.
    pub health: Option<OutsideHealth>,
}

/// How to see that a unit is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideHealth {
    /// A path to GET.
    pub http: Option<String>,
    /// A command that must succeed; empty where it is `http`, or where it can't be told from here: it names paths of the project or
    /// packages that nothing has looked up.
    pub command: Vec<String>,
    /// Between two looks.
    pub interval: Duration,
    /// After the start, before failures count.
    pub grace: Duration,
}

/// Who names a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretOf {
    /// Units, sorted: `entrypoint`, daemons' names.
    pub units: BTreeSet<String>,
}

/// A port of the machine and the host's port for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// On the host.
    pub host: u16,
    /// In the machine.
    pub inside: u16,
}

impl Outside {
    /// Of a machine; `lookup` answers a package's store path, where it is known.
    #[must_use]
    pub fn of(machine: &Machine, lookup: &dyn Fn(&str) -> Option<StorePath>) -> Self {
        let boots = machine.boot.enable;
        let keeps = boots || !machine.persist.paths.is_empty();
        let entrypoint = machine.entrypoint.as_ref();
        let first_word = entrypoint.and_then(|unit| unit.command.first()).map(program);
        let is_shell = first_word.map_or(!boots && entrypoint.is_none(), |name| SHELLS.contains(&name.as_str()));
        Self {
            name: machine.image.name.clone(),
            tag: machine.image.tag.clone(),
            registry: machine.image.registry.clone(),
            hostname: machine.hostname.clone(),
            volume: keeps.then(|| machine.persist.volume.clone()),
            volume_size: machine
                .persist
                .store_limit
                .map(|limit| limit.saturating_mul(machine.users.len().max(1) as u64)),
            ports: ports(machine, lookup),
            secrets: secrets(machine),
            stop_signal: entrypoint.map_or("SIGTERM", |unit| &unit.stop.signal).to_owned(),
            stop_time: stop_time(machine),
            health: entrypoint.and_then(|unit| unit.health.as_ref()).map(|health| health_of(health, lookup)),
            is_shell,
            boots,
        }
    }

    /// A command that succeeds inside while the entrypoint is well. `None`: there is no `health`, or it needs a program of the image's.
    ///
    /// A machine that boots is asked what it saw: it looks as the entrypoint's user, with its variables.
    #[must_use]
    pub fn healthcheck(&self) -> Option<Vec<String>> {
        let health = self.health.as_ref()?;
        if self.boots {
            return Some(LOOK.map(str::to_owned).to_vec());
        }
        (!health.command.is_empty()).then(|| health.command.clone())
    }

    /// What `docker load` calls the image: `name:tag`.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("{}:{}", self.name, self.tag)
    }

    /// The last part of the image's name: what to call things of this machine.
    #[must_use]
    pub fn short_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }

    /// The named volume that containers of this machine share.
    #[must_use]
    pub fn volume_name(&self) -> String {
        format!("{}-data", self.short_name())
    }
}

/// The host's ports for those of a machine. Whoever is not root may not listen below 1024, and a server's own sshd has 22: such
/// ports are raised by 10,000, and further where something has that port already.
#[must_use]
pub fn published(ports: impl IntoIterator<Item = u16> + Clone) -> Vec<Published> {
    let mut taken: BTreeSet<u16> = ports.clone().into_iter().filter(|port| *port >= UNPRIVILEGED).collect();
    let host = |inside: u16| {
        if inside >= UNPRIVILEGED {
            return inside;
        }
        let free = (inside + RAISED..=u16::MAX).find(|port| taken.insert(*port));
        free.unwrap_or(inside)
    };
    let mut host = host;
    ports.into_iter().map(|inside| Published { host: host(inside), inside }).collect()
}

/// Units that run: without boot, the entrypoint alone.
fn units(machine: &Machine) -> impl Iterator<Item = (Option<&str>, &Unit)> {
    let daemons = machine.daemons.iter().filter(|_| machine.boot.enable);
    let daemons = daemons.map(|(name, unit)| (Some(name.as_str()), unit));
    machine.entrypoint.iter().map(|unit| (None, unit)).chain(daemons)
}

fn ports(machine: &Machine, lookup: &dyn Fn(&str) -> Option<StorePath>) -> Vec<OutsidePort> {
    let mut ports: Vec<OutsidePort> = Vec::new();
    for (daemon, unit) in units(machine) {
        for (index, &number) in unit.ports.iter().enumerate() {
            if ports.iter().any(|known| known.number == number) {
                continue;
            }
            // `http` asks the first port.
            let health = unit.health.as_ref().filter(|health| health.http.is_none() || index == 0);
            let health = health.map(|health| health_of(health, lookup));
            ports.push(OutsidePort { number, daemon: daemon.map(str::to_owned), health });
        }
    }
    ports
}

fn secrets(machine: &Machine) -> BTreeMap<String, SecretOf> {
    let mut secrets: BTreeMap<String, SecretOf> = BTreeMap::new();
    for (daemon, unit) in units(machine) {
        for secret in unit.secrets.iter().chain(&unit.secret_files) {
            secrets.entry(secret.clone()).or_default().units.insert(daemon.unwrap_or("entrypoint").to_owned());
        }
    }
    secrets
}

/// The entrypoint's time, then that of daemons: what it takes where everything hangs.
fn stop_time(machine: &Machine) -> Duration {
    let system = units(machine).filter_map(|(name, unit)| {
        let after = unit.after.iter().map(String::as_str).collect();
        Some((name?, Stopped { after, grace: unit.stop.grace }))
    });
    let users = machine.users.values().filter(|_| machine.boot.enable);
    // What a user does not inherit counts, too: too long a time does no harm.
    let homes = users.map(|user| home_daemons([&machine.home, &user.home].into_iter()));
    let chains = std::iter::once(system.collect()).chain(homes).map(|daemons| longest(&daemons));
    machine.entrypoint.as_ref().map_or(Duration::ZERO, |unit| unit.stop.grace) + chains.max().unwrap_or_default()
}

/// What counts of a daemon that is stopped.
#[derive(Default)]
struct Stopped<'a> {
    after: Vec<&'a str>,
    grace: Duration,
}

/// The daemons that the image has for a user's home, where home.toml and users.toml say different things with the longer time.
fn home_daemons<'a>(homes: impl Iterator<Item = &'a Home>) -> BTreeMap<&'a str, Stopped<'a>> {
    let tables = homes.filter_map(|home| home.settings.get("daemons")?.as_table()).flatten();
    let mut daemons: BTreeMap<&str, Stopped<'_>> = BTreeMap::new();
    for (name, daemon) in tables {
        let grace = daemon.get("stop").and_then(|stop| stop.get("grace")?.as_str()).and_then(parse_duration);
        let after = daemon.get("after").and_then(toml::Value::as_array).into_iter().flatten();
        let stopped = daemons.entry(name).or_default();
        stopped.after.extend(after.filter_map(toml::Value::as_str));
        stopped.grace = stopped.grace.max(grace.unwrap_or(HOME_GRACE));
    }
    daemons
}

/// A daemon is asked to stop when all that come after it are gone: the longest such chain.
fn longest(daemons: &BTreeMap<&str, Stopped<'_>>) -> Duration {
    let after = daemons.iter().map(|(name, daemon)| (*name, daemon.after.clone())).collect();
    let mut begins: BTreeMap<&str, Duration> = BTreeMap::new();
    let mut longest = Duration::ZERO;
    for name in order_names(&after).waves.into_iter().rev().flatten() {
        let Some(daemon) = daemons.get(name) else { continue };
        let gone = begins.get(name).copied().unwrap_or_default() + daemon.grace;
        longest = longest.max(gone);
        for other in &daemon.after {
            let begin = begins.entry(other).or_default();
            *begin = gone.max(*begin);
        }
    }
    longest
}

fn health_of(health: &Health, lookup: &dyn Fn(&str) -> Option<StorePath>) -> OutsideHealth {
    let word = |argument: &Argument| match argument {
        Argument::Text(template) => template.render(lookup).ok(),
        Argument::Local { .. } => None,
    };
    let command = health.command.iter().map(word).collect::<Option<Vec<_>>>().unwrap_or_default();
    OutsideHealth { http: health.http.clone(), command, interval: health.interval, grace: health.grace }
}

/// The name of the program that a command's first word is.
fn program(word: &Argument) -> String {
    let text = match word {
        Argument::Text(template) => template.render(|_| None).unwrap_or_else(|_| last_text(template)),
        Argument::Local { path, .. } => path.clone(),
    };
    text.rsplit('/').next().unwrap_or_default().to_owned()
}

/// What stands behind the last package of a template: `/bin/bash` of `${pkgs.bash}/bin/bash`.
fn last_text(template: &crate::config::Template) -> String {
    match template.parts.last() {
        Some(crate::config::Part::Text(text)) => text.clone(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::sample;

    #[test]
    fn without_boot_only_the_entrypoint_runs() {
        let outside = sample::of(&sample::without_boot());
        assert_eq!(outside.ports.iter().map(|port| port.number).collect::<Vec<_>>(), [8080, 9090]);
        assert_eq!(outside.secrets.keys().collect::<Vec<_>>(), ["DATABASE_URL"]);
        assert_eq!(outside.stop_time, Duration::from_secs(20));
    }

    #[test]
    fn stopping_takes_as_long_as_all_waves_do() {
        // The entrypoint's 20 s, 40 s of the daemon that waits, 10 s of those that it waits for.
        assert_eq!(sample::of(sample::FULL).stop_time, Duration::from_secs(70));
    }

    #[test]
    fn chains_of_daemons_stop_one_after_the_other() {
        let head = "[image]\nname = \"m\"\n[boot]\nenable = true\n";
        let daemon = |name: &str, grace: u64, after: &str| {
            format!("[daemons.{name}]\ncommand = [\"x\"]\nstop = {{ grace = \"{grace}s\" }}\nafter = [{after}]\n")
        };
        // The two chains stop at the same time: 30 + 5 and 10 + 20 seconds.
        let text = [
            head.to_owned(),
            daemon("a", 5, ""),
            daemon("b", 30, "\"a\""),
            daemon("c", 20, ""),
            daemon("d", 10, "\"c\""),
        ];
        assert_eq!(sample::of(&text.concat()).stop_time, Duration::from_secs(35));
    }

    #[test]
    fn daemons_of_homes_are_waited_for() {
        let table = |text: &str| text.parse::<toml::Table>().unwrap();
        let home = |text: &str| Home { settings: table(text), ..Home::default() };
        let shared =
            home("[daemons.sync]\ncommand = [\"x\"]\n[daemons.after]\ncommand = [\"x\"]\nafter = [\"sync\"]\n");
        let own = home("[daemons.sync]\nstop.grace = \"1m\"\n");
        let stopped = |homes: &[&Home]| longest(&home_daemons(homes.iter().copied()));
        assert_eq!(stopped(&[]), Duration::ZERO);
        assert_eq!(stopped(&[&shared]), Duration::from_secs(20));
        assert_eq!(stopped(&[&shared, &own]), Duration::from_secs(70));
    }

    #[test]
    fn shells_want_a_terminal() {
        let shell = |command: &str| {
            let text = format!("packages = [\"bash\"]\n[image]\nname = \"m\"\n[entrypoint]\ncommand = [{command}]\n");
            sample::of(&text).is_shell
        };
        assert!(shell("\"bash\", \"-l\"") && shell("\"/bin/sh\"") && shell("\"${pkgs.bash}/bin/bash\""));
        assert!(!shell("\"basher\"") && !shell("\"${pkgs.bash}/bin/other\""));
        let nothing = "[image]\nname = \"m\"\n[boot]\nenable = ";
        assert!(sample::of(&format!("{nothing}false\n")).is_shell && !sample::of(&format!("{nothing}true\n")).is_shell);
    }

    #[test]
    fn privileged_ports_are_raised_to_free_ones() {
        let pairs = |ports: &[u16]| {
            published(ports.iter().copied()).iter().map(|port| (port.host, port.inside)).collect::<Vec<_>>()
        };
        assert_eq!(pairs(&[22, 8080]), [(10_022, 22), (8080, 8080)]);
        assert_eq!(pairs(&[80, 10_080, 10_081]), [(10_082, 80), (10_080, 10_080), (10_081, 10_081)]);
    }
}
