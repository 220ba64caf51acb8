//! `[entrypoint]` and `[daemons]`.

use std::collections::BTreeMap;
use std::ops::Range;

use super::super::mirror::{Daemon, Entrypoint, RestartName, RunAsValue, Scalar};
use super::super::project::Entry;
use super::super::source::At;
use super::super::structure::split_command;
use super::super::{Argument, Request, Restart, RunAs, Unit, is_local_path};
use super::scope::Scope;
use super::syntax::{is_plain_name, is_variable_name};
use super::{graph, health, identity};

/// Units that the runtime has itself.
const RESERVED: [&str; 5] = ["entrypoint", "boot", "store", "nix-daemon", "dumbc"];

/// `[entrypoint]`
pub(super) fn entrypoint(scope: &Scope<'_>, table: &At<Entrypoint>) -> Unit {
    let requested: Vec<&Request> = scope.names.requested.iter().flatten().collect();
    let unit = unit(scope, &Daemon::from((**table).clone()), table.span(), &requested);
    if let (RunAs::EveryUser | RunAs::Users(_), Some(user)) = (&unit.user, &table.user) {
        let help = "name one user; `[daemons]` can run once for each of several".to_owned();
        scope.error(user.span(), "the entrypoint runs as one user", help);
    }
    unit
}

/// `[daemons]`, and who waits for whom.
pub(super) fn daemons(
    scope: &Scope<'_>,
    daemons: &BTreeMap<At<String>, Daemon>,
    entrypoint: Option<&At<Entrypoint>>,
) -> BTreeMap<String, Unit> {
    if let Some(first) = daemons.keys().min_by_key(|name| name.span().start) {
        scope.needs_boot("[daemons]", first.span());
    }
    check_secret_files(scope, daemons, entrypoint);
    let requested: Vec<&Request> = scope.names.requested.iter().flatten().collect();
    let entrypoint_after = entrypoint.map(|entrypoint| entrypoint.after.as_slice()).unwrap_or_default();
    check_graph(scope, daemons, entrypoint_after);
    check_ports(scope, daemons, entrypoint);
    let named = daemons.iter().map(|(name, table)| (name.to_string(), unit(scope, table, name.span(), &requested)));
    named.collect()
}

/// Daemons' names and who waits for whom.
pub(super) fn check_graph(scope: &Scope<'_>, daemons: &BTreeMap<At<String>, Daemon>, entrypoint: &[At<String>]) {
    for name in daemons.keys() {
        if !is_plain_name(name) {
            let help = "use letters, digits, `-`, `_` and `.`, 64 at most".to_owned();
            scope.error(name.span(), format!("`{name}` can't be a daemon's name"), help);
        }
        if RESERVED.contains(&name.as_str()) {
            let help = "the machine has a unit of this name itself; choose another".to_owned();
            scope.error(name.span(), format!("the name `{name}` is reserved"), help);
        }
    }
    let waits = daemons.iter().map(|(name, daemon)| (name.as_str(), daemon.after.as_slice())).collect();
    graph::check(scope, &waits, entrypoint);
}

fn check_ports(scope: &Scope<'_>, daemons: &BTreeMap<At<String>, Daemon>, entrypoint: Option<&At<Entrypoint>>) {
    let of_daemons =
        daemons.iter().flat_map(|(name, daemon)| daemon.ports.iter().map(move |port| (name.as_str(), port)));
    let of_entrypoint = entrypoint.into_iter().flat_map(|unit| unit.port.iter().chain(&unit.ports));
    let mut all: Vec<_> = of_entrypoint.map(|port| ("entrypoint", port)).chain(of_daemons).collect();
    all.sort_by_key(|(_, port)| port.span().start);
    let mut taken: BTreeMap<u16, &str> = BTreeMap::new();
    for (name, port) in all {
        if let Some(other) = taken.insert(**port, name) {
            let message = format!("port {} is that of `{other}` already", **port);
            scope.warn(port.span(), message, "only one can listen on it".to_owned());
        }
    }
}

/// A file of `/run/secrets` belongs to one user.
fn check_secret_files(scope: &Scope<'_>, daemons: &BTreeMap<At<String>, Daemon>, entrypoint: Option<&At<Entrypoint>>) {
    let entrypoint = entrypoint.map(|unit| (unit.user.as_ref(), &unit.secret_files));
    let daemons = daemons.values().map(|unit| (unit.user.as_ref(), &unit.secret_files));
    let files = entrypoint.into_iter().chain(daemons);
    let mut all: Vec<_> = files.flat_map(|(user, names)| names.iter().map(move |name| (name, user))).collect();
    all.sort_by_key(|(name, _)| name.span().start);
    let mut owners: BTreeMap<&str, Option<&Scalar>> = BTreeMap::new();
    for (name, user) in all {
        let user = user.map(|user| &user.0);
        let is_several = user.is_some_and(|user| match user {
            Scalar::Text(name) => name == "*",
            Scalar::List(names) => names.len() > 1,
            _ => false,
        });
        if is_several || owners.insert(name.as_str(), user).is_some_and(|other| !is_same_user(other, user)) {
            let message = format!("/run/secrets/{} would belong to several users", name.as_str());
            let help = "a secret's file has one owner; `secrets` gives it to each as a variable".to_owned();
            scope.error(name.span(), message, help);
        }
    }
}

/// As they are written; absent is root.
fn is_same_user(one: Option<&Scalar>, other: Option<&Scalar>) -> bool {
    let name = |user: Option<&Scalar>| match user {
        None | Some(Scalar::Integer(0)) => Some("root".to_owned()),
        Some(Scalar::Text(name)) => Some(name.clone()),
        Some(Scalar::Integer(number)) => Some(number.to_string()),
        Some(Scalar::List(names)) => names.first().map(ToString::to_string),
        Some(_) => None,
    };
    name(one) == name(other)
}

/// A unit; `span` is what to point at where it has no better place.
pub(super) fn unit(scope: &Scope<'_>, table: &Daemon, span: Range<usize>, requested: &[&Request]) -> Unit {
    let ports: Vec<u16> = table.ports.iter().map(|port| **port).collect();
    check_secrets(scope, table);
    if let Some(first) = table.after.first() {
        scope.needs_boot("after", first.span());
    }
    Unit {
        command: table.command.as_ref().map(|list| command(scope, list, requested)).unwrap_or_default(),
        user: run_as(scope, table.user.as_ref()),
        user_place: table.user.as_ref().map(|user| scope.place(user.span())),
        health: table.health.as_ref().map(|health| health::health(scope, health, &ports, requested)),
        stop: health::stop(scope, table.stop.as_ref()),
        ready: table.ready.as_ref().and_then(|ready| health::ready(scope, ready, requested)),
        ports,
        secrets: table.secrets.iter().map(ToString::to_string).collect(),
        secret_files: table.secret_files.iter().map(ToString::to_string).collect(),
        oneshot: table.oneshot.as_ref().is_some_and(|oneshot| **oneshot),
        after: table.after.iter().map(ToString::to_string).collect(),
        restart: table.restart.as_ref().map_or(Restart::default(), |restart| match **restart {
            RestartName::OnFailure => Restart::OnFailure,
            RestartName::Always => Restart::Always,
            RestartName::No => Restart::No,
        }),
        place: Some(scope.place(span)),
    }
}

fn check_secrets(scope: &Scope<'_>, table: &Daemon) {
    for (key, secrets) in [("secrets", &table.secrets), ("secret-files", &table.secret_files)] {
        for secret in secrets {
            scope.needs_boot(key, secret.span());
            if !is_variable_name(secret) {
                let help =
                    "use letters, digits and `_`: DATABASE_URL; the value comes when the machine runs".to_owned();
                scope.error(secret.span(), format!("`{secret}` can't be a secret's name"), help);
            }
        }
    }
}

/// A command's words.
pub(super) fn command(scope: &Scope<'_>, list: &At<Vec<At<String>>>, requested: &[&Request]) -> Vec<Argument> {
    match list.as_slice() {
        [] => scope.error(list.span(), "the command is empty", "write [\"program\", \"argument\"]".to_owned()),
        [first, ..] if first.is_empty() => {
            scope.error(first.span(), "the command names no program", "write [\"program\", \"argument\"]".to_owned());
        }
        [only] if only.contains(' ') && !only.contains("${") && !is_local_path(only) => {
            let message = format!("`{only}` is one word: a program's name with spaces");
            scope.warn(only.span(), message, format!("write a word each: {}", split_command(only)));
        }
        _ => {}
    }
    list.iter().enumerate().map(|(index, word)| argument(scope, word, index == 0, requested)).collect()
}

fn argument(scope: &Scope<'_>, word: &At<String>, is_program: bool, requested: &[&Request]) -> Argument {
    if !is_local_path(word) {
        return Argument::Text(scope.template(word, requested));
    }
    let entry = scope.local_path(word, word.span(), true);
    match entry {
        Entry::Directory if is_program => {
            let help = "name the program in it".to_owned();
            scope.error(word.span(), format!("`{word}` is a folder"), help);
        }
        Entry::File { executable: false } if is_program => {
            let help = format!("chmod +x {word}");
            scope.error(word.span(), format!("`{word}` is not executable"), help);
        }
        _ => {}
    }
    Argument::Local { path: word.to_string(), place: Some(scope.place(word.span())) }
}

fn run_as(scope: &Scope<'_>, user: Option<&At<RunAsValue>>) -> RunAs {
    let Some(user) = user else { return RunAs::Root };
    match &user.0 {
        Scalar::Text(name) if name == "root" => RunAs::Root,
        Scalar::Text(name) if name == "*" => {
            if scope.names.users.as_ref().is_some_and(BTreeMap::is_empty) {
                let help = "declare users in users.toml".to_owned();
                scope.warn(user.span(), "`*` means each user, but there are none", help);
            }
            RunAs::EveryUser
        }
        Scalar::Text(name) => {
            identity::user(scope, name, user.span());
            RunAs::User(name.clone())
        }
        Scalar::Integer(number) => run_as_number(scope, u32::try_from(*number).unwrap_or_default()),
        Scalar::List(names) => {
            for name in names.iter().filter(|name| name.as_str() != "root") {
                identity::user(scope, name, name.span());
            }
            if names.is_empty() {
                scope.error(user.span(), "the list of users is empty", "name a user, or write \"*\"".to_owned());
            }
            RunAs::Users(names.iter().map(ToString::to_string).collect())
        }
        _ => RunAs::Root,
    }
}

fn run_as_number(scope: &Scope<'_>, uid: u32) -> RunAs {
    let declared = scope.names.users.iter().flatten().find(|(_, ids)| ids.uid == uid);
    match declared {
        Some((name, _)) => RunAs::User(name.clone()),
        None if uid == 0 => RunAs::Root,
        None => RunAs::Uid(uid),
    }
}
