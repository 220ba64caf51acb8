//! How a unit's state is seen, and how it is stopped: `health`, `ready`, `stop`.

use std::time::Duration;

use super::super::mirror::{Health as HealthTable, Ready as ReadyTable, Signal, Stop as StopTable};
use super::super::quantity::parse_duration;
use super::super::source::At;
use super::super::{Health, Ready, Request, Stop};
use super::scope::Scope;
use super::syntax::normalise_absolute;
use super::units::command;

const DEFAULT_INTERVAL: Duration = Duration::from_secs(30);
const DEFAULT_HEALTH_GRACE: Duration = Duration::from_secs(10);
const DEFAULT_STOP_GRACE: Duration = Duration::from_secs(10);

/// `health`
pub(super) fn health(scope: &Scope<'_>, table: &At<HealthTable>, ports: &[u16], requested: &[&Request]) -> Health {
    scope.needs_boot("health", table.span());
    if let Some(path) = &table.http {
        if !path.starts_with('/') || path.contains(|c: char| c.is_whitespace() || c.is_control()) {
            let help = "write the path of a URL: /healthz".to_owned();
            scope.error(path.span(), format!("`{path}` is no path to ask for"), help);
        }
        if ports.is_empty() {
            scope.error(path.span(), "`http` asks the unit's port, but it has none", "add `port`".to_owned());
        }
    }
    if let Some(command) = table.command.as_ref().filter(|_| table.http.is_some()) {
        let help = "remove one of them".to_owned();
        scope.error(command.span(), "health is seen by `http` or by `command`, not both", help);
    }
    if table.http.is_none() && table.command.is_none() {
        let help = "add `http = \"/healthz\"` or `command = […]`".to_owned();
        scope.error(table.span(), "`health` does not say how to look", help);
    }
    let interval = duration(scope, table.interval.as_ref(), DEFAULT_INTERVAL);
    if let Some(written) = table.interval.as_ref().filter(|_| interval.is_zero()) {
        scope.error(written.span(), "`interval` can't be zero", "write \"30s\"".to_owned());
    }
    Health {
        http: table.http.as_ref().map(ToString::to_string),
        command: table.command.as_ref().map(|list| command(scope, list, requested)).unwrap_or_default(),
        interval,
        grace: duration(scope, table.grace.as_ref(), DEFAULT_HEALTH_GRACE),
    }
}

/// `stop`
pub(super) fn stop(scope: &Scope<'_>, table: Option<&StopTable>) -> Stop {
    let signal = table.and_then(|table| table.signal.as_ref());
    let grace = table.and_then(|table| table.grace.as_ref());
    if let Some(grace) = grace {
        scope.needs_boot("stop.grace", grace.span());
    }
    Stop {
        signal: signal.map_or(Signal::SigTerm, |signal| **signal).name().to_owned(),
        grace: duration(scope, grace, DEFAULT_STOP_GRACE),
    }
}

/// `ready`
pub(super) fn ready(scope: &Scope<'_>, table: &At<ReadyTable>, requested: &[&Request]) -> Option<Ready> {
    scope.needs_boot("ready", table.span());
    let notify = table.notify.as_ref().filter(|notify| ***notify);
    let given = [table.port.is_some(), table.file.is_some(), table.command.is_some(), notify.is_some()];
    if given.into_iter().filter(|given| *given).count() != 1 {
        let help = "write one of `port`, `file`, `command` and `notify = true`".to_owned();
        scope.error(table.span(), "`ready` has one way to see it", help);
    }
    if let Some(file) = &table.file
        && let Err(reason) = normalise_absolute(file)
    {
        scope.error(file.span(), format!("`{}` {reason}", file.as_str()), "write a path like /run/x.sock".to_owned());
    }
    if let Some(port) = &table.port {
        return Some(Ready::Port(**port));
    }
    if let Some(file) = &table.file {
        return Some(Ready::File(file.to_string()));
    }
    let by_command = table.command.as_ref().map(|list| Ready::Command(command(scope, list, requested)));
    by_command.or(notify.map(|_| Ready::Notify))
}

fn duration(scope: &Scope<'_>, text: Option<&At<String>>, default: Duration) -> Duration {
    let Some(text) = text else { return default };
    parse_duration(text).unwrap_or_else(|| {
        let help = "write a number with ms, s, m, h or d: \"30s\", \"5m\"".to_owned();
        scope.error(text.span(), format!("`{text}` is no duration"), help);
        default
    })
}
