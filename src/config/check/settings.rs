//! Small tables: `[machine]`, `[persist]`, `[nix]`, `[boot]`, `[logs]`.

use std::ops::Range;

use super::super::mirror::{
    Boot as BootTable, Either, LogFormat, Logs, MachineTable, ModeValue, Nix, Persist as PersistTable, PersistValue,
    Scalar,
};
use super::super::quantity::{parse_mode, parse_size};
use super::super::source::At;
use super::super::{Boot, FileOwner, LogSettings, NixSettings, Persist, PersistPath};
use super::identity;
use super::scope::Scope;
use super::syntax::{is_host_name, is_locale, is_timezone, lies_in, normalise_absolute};

const DEFAULT_VOLUME: &str = "/data";
const DEFAULT_PERSIST_MODE: u32 = 0o755;

/// Folders of the kernel's, of Nix and of the machine's own, in which nothing of the user's can lie.
pub(super) const FOREIGN: [(&str, &str); 5] = [
    ("/etc/dumbc", "the machine's own plan lies there"),
    ("/nix", "Nix's folder holds packages only"),
    ("/proc", "the kernel mounts /proc over it"),
    ("/sys", "the kernel mounts /sys over it"),
    ("/dev", "the machine mounts /dev over it"),
];

/// The host's name; made of the image's name where none is given.
pub(super) fn hostname(scope: &Scope<'_>, table: Option<&MachineTable>, image: &str) -> String {
    if let Some(name) = table.and_then(|table| table.hostname.as_ref()) {
        if !is_host_name(name) {
            let help = "use letters, digits and `-`, in parts of at most 63, 64 in all".to_owned();
            scope.error(name.span(), format!("`{name}` can't be a host's name"), help);
        }
        return name.to_string();
    }
    let last = image.rsplit('/').next().unwrap_or_default();
    let allowed = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = last.chars().map(allowed).take(63).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
}

/// The time zone.
pub(super) fn timezone(scope: &Scope<'_>, table: Option<&MachineTable>) -> String {
    let Some(zone) = table.and_then(|table| table.timezone.as_ref()) else { return "UTC".to_owned() };
    if !is_timezone(zone) {
        let help = "name it as tzdata does: Europe/Berlin".to_owned();
        scope.error(zone.span(), format!("`{zone}` is no time zone"), help);
    }
    zone.to_string()
}

/// The locale.
pub(super) fn locale(scope: &Scope<'_>, table: Option<&MachineTable>) -> String {
    let Some(locale) = table.and_then(|table| table.locale.as_ref()) else { return "C.UTF-8".to_owned() };
    if !is_locale(locale) {
        let help = "name it like C.UTF-8 or de_DE.UTF-8".to_owned();
        scope.error(locale.span(), format!("`{locale}` is no locale"), help);
    }
    locale.to_string()
}

/// Where commands are looked for.
pub(super) fn path(scope: &Scope<'_>, table: Option<&MachineTable>) -> Vec<String> {
    let Some(folders) = table.and_then(|table| table.path.as_ref()) else {
        return super::DEFAULT_PATH.map(str::to_owned).to_vec();
    };
    if folders.is_empty() {
        scope.error(folders.span(), "without folders no command is found", "remove `path`".to_owned());
    }
    for folder in folders.iter() {
        if normalise_absolute(folder).as_deref() != Ok(folder.as_str()) || folder.contains(':') {
            let help = "write an absolute path, such as /usr/bin".to_owned();
            scope.error(folder.span(), format!("`{folder}` can't be a folder of commands"), help);
        }
    }
    folders.iter().map(ToString::to_string).collect()
}

/// `[persist]`
pub(super) fn persist(scope: &Scope<'_>, table: Option<&PersistTable>) -> Persist {
    let nothing = PersistTable::default();
    let table = table.unwrap_or(&nothing);
    let volume = table.volume.as_ref().and_then(|volume| folder(scope, volume, volume.span()));
    let volume = volume.unwrap_or_else(|| DEFAULT_VOLUME.to_owned());
    let mut paths: Vec<PersistPath> = Vec::new();
    for value in &table.paths {
        scope.needs_boot("persist.paths", value.span());
        let Some(path) = persist_path(scope, value) else { continue };
        if lies_in(&path.path, &volume) {
            let help = "it is kept anyway".to_owned();
            scope.error(value.span(), format!("`{}` lies on the volume already", path.path), help);
        } else if let Some(other) =
            paths.iter().find(|other| lies_in(&path.path, &other.path) || lies_in(&other.path, &path.path))
        {
            let message = format!("`{}` and `{}` lie one in the other", path.path, other.path);
            scope.error(value.span(), message, "the outer one is enough".to_owned());
        } else {
            paths.push(path);
        }
    }
    let store_limit = table.store_limit.as_ref().and_then(|limit| {
        scope.needs_boot("persist.store-limit", limit.span());
        let size = parse_size(limit);
        if size.is_none() {
            scope.error(limit.span(), format!("`{limit}` is no size"), "write \"4GiB\"".to_owned());
        }
        size
    });
    Persist { volume, paths, store_limit }
}

fn persist_path(scope: &Scope<'_>, value: &At<PersistValue>) -> Option<PersistPath> {
    match &value.0 {
        Either::Text(path) => {
            let path = folder(scope, path, value.span())?;
            Some(PersistPath { path, owner: FileOwner::default(), mode: DEFAULT_PERSIST_MODE })
        }
        Either::Table(table) => {
            let path = table.path.as_ref()?;
            Some(PersistPath {
                path: folder(scope, path, path.span())?,
                owner: identity::owner(scope, table.owner.as_ref()),
                mode: mode(scope, table.mode.as_ref()).unwrap_or(DEFAULT_PERSIST_MODE),
            })
        }
        _ => None,
    }
}

/// A folder that may lie on the volume, or be it.
fn folder(scope: &Scope<'_>, path: &str, span: Range<usize>) -> Option<String> {
    let help = "write a path such as /data";
    let normal = match normalise_absolute(path) {
        Ok(normal) => normal,
        Err(reason) => {
            scope.error(span, format!("`{path}` {reason}"), help.to_owned());
            return None;
        }
    };
    if normal == "/" {
        scope.error(span, "the root itself can't be kept", help.to_owned());
        return None;
    }
    if let Some((folder, why)) = FOREIGN.iter().find(|(folder, _)| lies_in(&normal, folder)) {
        scope.error(span, format!("`{path}` lies in {folder}"), format!("{why}; {help}"));
        return None;
    }
    Some(normal)
}

/// Permission bits: `"0644"` or `0o644`, but not the decimal number 644.
pub(super) fn mode(scope: &Scope<'_>, mode: Option<&At<ModeValue>>) -> Option<u32> {
    let mode = mode?;
    let written = &scope.source.text[scope.source.place(mode.span()).clamped()];
    let parsed = match &mode.0 {
        Scalar::Integer(number) if written.starts_with("0o") => u32::try_from(*number).ok(),
        Scalar::Integer(_) => {
            let help = format!("permissions are octal: \"0{written}\", or 0o{written}");
            scope.error(mode.span(), format!("`{written}` is a decimal number"), help);
            return None;
        }
        Scalar::Text(text) => parse_mode(text),
        _ => None,
    };
    if parsed.is_none_or(|mode| mode > 0o7777) {
        scope.error(mode.span(), format!("{written} is no mode"), "write \"0644\" or \"0755\"".to_owned());
        return None;
    }
    parsed
}

/// `[nix]`
pub(super) fn nix(scope: &Scope<'_>, table: Option<&Nix>) -> Option<NixSettings> {
    let daemon = table?.daemon.as_ref();
    if let Some(daemon) = daemon.filter(|daemon| ***daemon) {
        scope.needs_boot("nix.daemon", daemon.span());
    }
    Some(NixSettings { daemon: daemon.is_some_and(|daemon| **daemon) })
}

/// `[boot]`
pub(super) fn boot(table: Option<&BootTable>) -> Boot {
    let is_on = |key: fn(&BootTable) -> Option<&At<bool>>| table.and_then(key).is_none_or(|value| **value);
    Boot { enable: is_on(|boot| boot.enable.as_ref()), user_rebuild: is_on(|boot| boot.user_rebuild.as_ref()) }
}

/// `[logs]`
pub(super) fn logs(scope: &Scope<'_>, table: Option<&At<Logs>>) -> LogSettings {
    let Some(table) = table else { return LogSettings::default() };
    scope.needs_boot("[logs]", table.span());
    LogSettings {
        json: table.format.as_ref().is_some_and(|format| matches!(**format, LogFormat::Json)),
        persist: table.persist.as_ref().is_some_and(|persist| **persist),
    }
}
