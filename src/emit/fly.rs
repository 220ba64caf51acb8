//! fly.toml: the keys that the three files decide are set, everything else in the file stays as it is.
//!
//! Keys of two kinds are ours: those that are set whenever the file is emitted (`set`), and those that are only proposed where there
//! is nothing yet (`propose`): a volume's name and size, a check's timeout. docs/emit.md lists them.

mod app;
mod table;

use std::ops::Range;
use std::time::Duration;

use toml_edit::{DocumentMut, TableLike};

use crate::failure::{Class, Classified};

use super::text::{duration, gigabytes, seconds};
use super::{Emitted, Outside, OutsideHealth, OutsidePort};
use table::{entries, new_entry, propose, set, set_duration, table};

pub use app::fly_app;

/// Where Fly's images lie.
const REGISTRY: &str = "registry.fly.io";

/// Signals that Fly can send.
const SIGNALS: [&str; 7] = ["SIGINT", "SIGTERM", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGKILL", "SIGSTOP"];

/// Fly waits no longer than this.
const LONGEST_STOP: Duration = Duration::from_mins(5);

/// Gigabytes of a new volume, where the files don't tell.
const VOLUME_SIZE: u64 = 3;

/// Gigabytes of a volume at most.
const LARGEST_VOLUME: u64 = 500;

const HEADER: &str =
    "# How Fly runs this machine. `dumbc emit fly` sets what the three files say, and leaves everything else.\n\n";

const UNPINNED: &str = " # by tag; after `dumbc build`, `dumbc emit fly` pins the digest";

/// Which image Fly is told to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlyImage {
    /// The manifest with this digest, `sha256:…`.
    Digest(String),
    /// Whatever has the machine's tag.
    Tag,
    /// As given.
    Reference(String),
}

/// A fly.toml that can't be continued.
#[derive(Debug, thiserror::Error)]
pub enum FlyError {
    /// It is no TOML.
    #[error("fly.toml can't be read: {message}")]
    Syntax {
        /// What is wrong.
        message: String,
        /// Where, in bytes.
        span: Option<Range<usize>>,
    },
    /// A key holds something else than Fly expects there.
    #[error("`{key}` of fly.toml is no {expected}")]
    Shape {
        /// The key.
        key: &'static str,
        /// `table`, `list of tables`, `value`.
        expected: &'static str,
    },
}

impl Classified for FlyError {
    fn class(&self) -> Class {
        Class::Usage
    }

    fn help(&self) -> Option<String> {
        Some("correct it, or move it away for a new one".to_owned())
    }
}

/// fly.toml for a machine: `existing` with our keys set, else a new one.
pub fn fly(outside: &Outside, image: &FlyImage, existing: Option<&str>) -> Result<Emitted, FlyError> {
    let mut document = existing
        .unwrap_or_default()
        .parse::<DocumentMut>()
        .map_err(|error| FlyError::Syntax { message: error.message().to_owned(), span: error.span() })?;
    let mut notes = Vec::new();
    let root = document.as_table_mut();
    set(root, "app", outside.short_name())?;
    stop(root, outside, &mut notes)?;
    build(root, outside, image, &mut notes)?;
    if let Some(volume) = &outside.volume {
        mount(root, outside, volume)?;
    }
    for (index, port) in outside.ports.iter().enumerate() {
        let is_web = index == 0 && port.daemon.is_none();
        service(root, port, is_web)?;
    }
    if !outside.secrets.is_empty() {
        let set = outside.secrets.keys().map(|name| format!("{name}=…")).collect::<Vec<_>>().join(" ");
        notes.push(format!("give the machine its secrets: `fly secrets set {set}`"));
    }
    if existing.is_none_or(|text| text.trim().is_empty())
        && let Some(mut key) = root.key_mut("app")
    {
        key.leaf_decor_mut().set_prefix(HEADER);
    }
    Ok(Emitted { text: document.to_string(), notes })
}

fn stop(root: &mut toml_edit::Table, outside: &Outside, notes: &mut Vec<String>) -> Result<(), FlyError> {
    let signal = &outside.stop_signal;
    if SIGNALS.contains(&signal.as_str()) {
        set(root, "kill_signal", signal)?;
    } else if outside.boots {
        // The runtime takes it for the machine's end, too, and gives the entrypoint its own signal.
        set(root, "kill_signal", "SIGTERM")?;
    } else {
        notes.push(format!("Fly can't send {signal}: `kill_signal` is left as it was"));
    }
    let time = outside.stop_time;
    if time > LONGEST_STOP {
        let (time, most) = (duration(time), duration(LONGEST_STOP));
        notes.push(format!("stopping may take {time}, and Fly waits {most} at most"));
    }
    let time = Duration::from_secs(seconds(time)).min(LONGEST_STOP);
    set_duration(root, "kill_timeout", time, Duration::from_secs(1))
}

fn build(
    root: &mut toml_edit::Table,
    outside: &Outside,
    image: &FlyImage,
    notes: &mut Vec<String>,
) -> Result<(), FlyError> {
    let repository = match &outside.registry {
        Some(registry) if registry != REGISTRY => format!("{registry}/{}", outside.name),
        _ => format!("{REGISTRY}/{}", outside.short_name()),
    };
    let reference = match image {
        FlyImage::Digest(digest) => format!("{repository}@{digest}"),
        FlyImage::Tag => format!("{repository}:{}", outside.tag),
        FlyImage::Reference(reference) => reference.clone(),
    };
    let build = table(root, "build")?;
    set(build, "image", &reference)?;
    let Some(value) = build.get_mut("image").and_then(toml_edit::Item::as_value_mut) else { return Ok(()) };
    let suffix = value.decor().suffix().and_then(|suffix| suffix.as_str()).unwrap_or_default().to_owned();
    if *image == FlyImage::Tag {
        notes.push("the image is named by its tag: `dumbc build`, then `dumbc emit fly` pins its digest".to_owned());
        if suffix.trim().is_empty() {
            value.decor_mut().set_suffix(UNPINNED);
        }
    } else if suffix == UNPINNED {
        value.decor_mut().set_suffix("");
    }
    Ok(())
}

fn mount(root: &mut toml_edit::Table, outside: &Outside, volume: &str) -> Result<(), FlyError> {
    let leads_there =
        |entry: &dyn TableLike| entry.get("destination").and_then(toml_edit::Item::as_str) == Some(volume);
    if entries(root, "mounts")?.iter().any(|entry| leads_there(&**entry)) {
        return Ok(());
    }
    // Names of volumes have letters, digits and `_`, thirty at most.
    let name = outside.volume_name().replace(|c: char| !c.is_ascii_alphanumeric(), "_").to_ascii_lowercase();
    let name = name.get(name.len().saturating_sub(30)..).unwrap_or("data").trim_matches('_').to_owned();
    let size = outside.volume_size.map_or(VOLUME_SIZE, |bytes| (gigabytes(bytes) + 1).min(LARGEST_VOLUME));
    new_entry(root, "mounts", &mut |entry| {
        propose(entry, "source", &name);
        propose(entry, "destination", volume);
        propose(entry, "initial_size", format!("{size}gb"));
    })
}

/// The web's port has Fly's HTTP in front of it; every other is passed on as it is. A service that the file has already for this
/// port stays what it is.
fn service(root: &mut toml_edit::Table, port: &OutsidePort, is_web: bool) -> Result<(), FlyError> {
    let number = i64::from(port.number);
    let is_known =
        |entry: &dyn TableLike| entry.get("internal_port").and_then(toml_edit::Item::as_integer) == Some(number);
    for entry in entries(root, "services")? {
        if is_known(entry) {
            return checks(entry, port, false);
        }
    }
    if is_web {
        let service = table(root, "http_service")?;
        set(service, "internal_port", number)?;
        propose(service, "force_https", true);
        return http_checks(service, "checks", port.health.as_ref());
    }
    let mut outcome = Ok(());
    new_entry(root, "services", &mut |entry| {
        propose(entry, "protocol", "tcp");
        propose(entry, "internal_port", number);
        outcome = new_entry(entry, "ports", &mut |public| propose(public, "port", number))
            .and_then(|()| checks(entry, port, true));
    })?;
    outcome
}

/// Checks of a `[[services]]` entry: by HTTP where the unit is asked so, else whether the port answers.
fn checks(service: &mut dyn TableLike, port: &OutsidePort, is_new: bool) -> Result<(), FlyError> {
    if port.health.as_ref().is_some_and(|health| health.http.is_some()) {
        return http_checks(service, "http_checks", port.health.as_ref());
    }
    if is_new {
        new_entry(service, "tcp_checks", &mut |check| propose(check, "timeout", "2s"))?;
    }
    let grace = port.health.as_ref().map_or(Duration::from_secs(10), |health| health.grace);
    let interval = port.health.as_ref().map_or(Duration::from_secs(15), |health| health.interval);
    let owned = is_new || port.health.is_some();
    match entries(service, "tcp_checks")?.into_iter().next() {
        Some(check) if owned => timing(check, interval, grace),
        _ => Ok(()),
    }
}

/// The first of a service's HTTP checks is ours.
fn http_checks(service: &mut dyn TableLike, key: &'static str, health: Option<&OutsideHealth>) -> Result<(), FlyError> {
    let Some((path, health)) = health.and_then(|health| Some((health.http.as_ref()?, health))) else { return Ok(()) };
    if entries(service, key)?.is_empty() {
        new_entry(service, key, &mut |_| {})?;
    }
    let Some(check) = entries(service, key)?.into_iter().next() else { return Ok(()) };
    set(check, "path", path)?;
    timing(check, health.interval, health.grace)?;
    propose(check, "method", "GET");
    propose(check, "timeout", "5s");
    Ok(())
}

fn timing(check: &mut dyn TableLike, interval: Duration, grace: Duration) -> Result<(), FlyError> {
    set_duration(check, "interval", interval, Duration::from_millis(1))?;
    set_duration(check, "grace_period", grace, Duration::from_millis(1))
}

#[cfg(test)]
mod tests;
