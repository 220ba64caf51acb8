//! `daemons` of a home.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::boot::{PlanHealth, PlanReady, PlanRestart, PlanStop};
use crate::config::{parse_duration, reading};

use super::super::finding::Finding;

/// Milliseconds between two looks, where nothing is said.
const INTERVAL: u64 = 30_000;
/// Milliseconds before failures count, and before a daemon is killed.
const GRACE: u64 = 10_000;

/// A daemon of the user's own. Its programs are as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonSettings {
    /// The program and its arguments; never empty.
    pub command: Vec<String>,
    /// TCP ports that it listens on.
    pub ports: Vec<u16>,
    /// How to see that it is well.
    pub health: Option<PlanHealth>,
    /// How it is stopped.
    pub stop: PlanStop,
    /// It runs once, to its end.
    pub oneshot: bool,
    /// The user's daemons that must be ready before it starts.
    pub after: Vec<String>,
    /// How to see that it is ready.
    pub ready: Option<PlanReady>,
    /// When it is started again.
    pub restart: PlanRestart,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DaemonTable {
    command: Vec<String>,
    #[serde(default)]
    ports: Vec<u16>,
    health: Option<HealthTable>,
    #[serde(default)]
    stop: StopTable,
    #[serde(default)]
    oneshot: bool,
    #[serde(default)]
    after: Vec<String>,
    ready: Option<ReadyTable>,
    restart: Option<PlanRestart>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HealthTable {
    http: Option<String>,
    #[serde(default)]
    command: Vec<String>,
    interval: Option<String>,
    grace: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct StopTable {
    signal: Option<String>,
    grace: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadyTable {
    port: Option<u16>,
    file: Option<String>,
    command: Option<Vec<String>>,
    #[serde(default)]
    notify: bool,
}

/// All daemons, by name.
pub(super) fn daemons(
    tables: BTreeMap<String, toml::Value>,
    findings: &mut Vec<Finding>,
) -> BTreeMap<String, DaemonSettings> {
    let known: Vec<String> = tables.keys().cloned().collect();
    let mut daemons = BTreeMap::new();
    for (name, value) in tables {
        match daemon(&value) {
            Ok(daemon) => {
                for (index, after) in daemon.after.iter().enumerate().filter(|(_, after)| !known.contains(after)) {
                    let path = ["daemons", &name, "after", &index.to_string()];
                    let help = "it waits for daemons of the same home".to_owned();
                    findings.push(Finding::error(&path, format!("there is no daemon `{after}` to wait for"), help));
                }
                daemons.insert(name, daemon);
            }
            Err(reason) => {
                findings.push(Finding::error(&["daemons", &name], format!("daemon `{name}`: {reason}"), None));
            }
        }
    }
    daemons
}

fn daemon(value: &toml::Value) -> Result<DaemonSettings, String> {
    let table: DaemonTable = reading::value(value).map_err(|error| error.to_string())?;
    if table.command.first().is_none_or(String::is_empty) {
        return Err("the command is empty".to_owned());
    }
    Ok(DaemonSettings {
        command: table.command,
        ports: table.ports,
        health: table.health.map(health).transpose()?,
        stop: stop(table.stop)?,
        oneshot: table.oneshot,
        after: table.after,
        ready: table.ready.map(ready).transpose()?,
        restart: table.restart.unwrap_or(PlanRestart::OnFailure),
    })
}

fn health(table: HealthTable) -> Result<PlanHealth, String> {
    if table.http.is_some() != table.command.is_empty() {
        return Err("health is seen by `http` or by `command`".to_owned());
    }
    let interval = milliseconds(table.interval.as_deref(), INTERVAL)?.max(1);
    let grace = milliseconds(table.grace.as_deref(), GRACE)?;
    Ok(PlanHealth { http: table.http, command: table.command, interval, grace })
}

fn stop(table: StopTable) -> Result<PlanStop, String> {
    const SIGNALS: [&str; 9] =
        ["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGKILL", "SIGRTMIN+3"];
    let signal = table.signal.unwrap_or_else(|| "SIGTERM".to_owned());
    if !SIGNALS.contains(&signal.as_str()) {
        return Err(format!("`{signal}` is no signal to stop with"));
    }
    Ok(PlanStop { signal, grace: milliseconds(table.grace.as_deref(), GRACE)? })
}

fn ready(table: ReadyTable) -> Result<PlanReady, String> {
    match (table.port, table.file, table.command, table.notify) {
        (Some(port), None, None, false) => Ok(PlanReady::Port(port)),
        (None, Some(file), None, false) => Ok(PlanReady::File(file)),
        (None, None, Some(command), false) if !command.is_empty() => Ok(PlanReady::Command(command)),
        (None, None, None, true) => Ok(PlanReady::Notify),
        _ => Err("`ready` has one way to see it".to_owned()),
    }
}

fn milliseconds(text: Option<&str>, default: u64) -> Result<u64, String> {
    let Some(text) = text else { return Ok(default) };
    let duration = parse_duration(text).ok_or_else(|| format!("`{text}` is no duration"))?;
    Ok(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
