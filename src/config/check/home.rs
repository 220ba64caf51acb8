//! home.toml, users.toml's tables and their `home`.

use std::collections::BTreeMap;

use super::super::mirror::{Either, HomeFile, HomeTable, UserTable, UsersFile};
use super::super::source::At;
use super::super::{Home, Places, Request, User};
use super::files::{self, Targets};
use super::packages;
use super::scope::Scope;
use super::syntax::{is_plain_name, normalise_absolute, normalise_relative};
use super::units;

/// home.toml.
pub(super) fn home_file(scope: &Scope<'_>, table: &HomeTable, raw: toml::Table, places: Places) -> Home {
    if !raw.is_empty() {
        scope.needs_boot("home.toml", 0..0);
    }
    if let Some(inherit) = &table.inherit {
        let help = "it belongs to a user: `home.inherit` in users.toml".to_owned();
        scope.error(inherit.span(), "`inherit` says nothing in home.toml", help);
    }
    let home = home(scope, table, raw, None);
    check_programs(scope, table, None);
    Home { places, ..home }
}

/// A user's own file in a running machine, over `shared`.
pub(super) fn own_file(
    scope: &Scope<'_>,
    table: &HomeTable,
    raw: toml::Table,
    places: Places,
    shared: Option<&Home>,
) -> Home {
    let inherited = table.inherit.as_ref().is_none_or(|inherit| **inherit);
    let shared = shared.filter(|_| inherited);
    check_programs(scope, table, shared);
    Home { places, ..home(scope, table, raw, shared) }
}

/// users.toml, by user.
pub(super) fn users(
    scope: &Scope<'_>,
    file: &UsersFile,
    raw: &toml::Table,
    places: &Places,
    shared: Option<&Home>,
) -> BTreeMap<String, User> {
    let user = |(name, table): (&At<String>, &UserTable)| {
        let mut user = user(scope, name, table, raw, shared);
        user.home.places = places.below(name).and_then(|user| user.below("home")).cloned().unwrap_or_default();
        (name.to_string(), user)
    };
    file.0.iter().map(user).collect()
}

fn user(scope: &Scope<'_>, name: &At<String>, table: &UserTable, raw: &toml::Table, shared: Option<&Home>) -> User {
    let ids = scope.names.users.as_ref().and_then(|users| users.get(name.as_str())).copied().unwrap_or_default();
    check_shell(scope, table);
    let own_raw = raw.get(name.as_str()).and_then(|user| user.get("home")).and_then(toml::Value::as_table);
    let own = table.home.as_ref().map(|own| {
        scope.needs_boot("users.toml: home", own.span());
        let inherited = own.inherit.as_ref().is_none_or(|inherit| **inherit);
        let shared = shared.filter(|_| inherited);
        check_programs(scope, own, shared);
        check_without(scope, own, shared);
        home(scope, own, own_raw.cloned().unwrap_or_default(), shared)
    });
    User {
        uid: ids.uid,
        gid: ids.gid,
        shell: table.shell.as_ref().map(ToString::to_string),
        groups: table.groups.iter().map(ToString::to_string).collect(),
        authorized_keys: table.authorized_keys.iter().filter_map(|key| authorized_key(scope, key)).collect(),
        home: own.unwrap_or_default(),
        place: Some(scope.place(name.span())),
    }
}

fn check_shell(scope: &Scope<'_>, table: &UserTable) {
    let Some(shell) = &table.shell else { return };
    let well_formed = is_plain_name(shell) || normalise_absolute(shell).is_ok_and(|path| path != "/");
    // A shell is a field of passwd.
    if !well_formed || shell.contains([':', ' ']) {
        let help = "write a command's name, such as bash, or an absolute path".to_owned();
        scope.error(shell.span(), format!("`{shell}` can't be a shell"), help);
    }
}

/// A line of `authorized_keys`. One that is shortened with `…`, as documentation does it, lets nobody in.
fn authorized_key(scope: &Scope<'_>, key: &At<String>) -> Option<String> {
    scope.needs_boot("authorized-keys", key.span());
    if key.contains('…') {
        scope.warn(key.span(), "the key is shortened", "write the whole line; until then it lets nobody in".to_owned());
        return None;
    }
    let kinds = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"];
    let mut words = key.split_ascii_whitespace().skip_while(|word| !kinds.iter().any(|kind| word.starts_with(kind)));
    let is_key = words.next().is_some() && words.next().is_some_and(|blob| blob.starts_with("AAAA"));
    if !is_key || key.contains(char::is_control) {
        let help = "write the line of a .pub file: ssh-ed25519 AAAA… comment".to_owned();
        scope.error(key.span(), "this is no public key of ssh", help);
        return None;
    }
    Some(key.to_string())
}

/// A home; `shared` is what it builds on.
fn home(scope: &Scope<'_>, table: &HomeTable, mut raw: toml::Table, shared: Option<&Home>) -> Home {
    let packages = packages::check(scope, &table.packages);
    let scope = &Scope { in_home: true, ..*scope };
    let of_system = scope.names.requested.iter().flatten();
    let of_shared = shared.iter().flat_map(|home| &home.packages);
    let requested: Vec<&Request> = of_system.chain(of_shared).chain(&packages).collect();
    check_texts(scope, table, &requested);
    check_files(scope, table, &requested);
    let daemons = table.daemons.iter().map(|(name, daemon)| (name.clone(), daemon.clone().into())).collect();
    units::check_graph(scope, &daemons, &[]);
    for (name, daemon) in &daemons {
        // Only the findings matter: a home's daemons are read again when its generation is made.
        let _ = units::unit(scope, daemon, name.span(), &requested);
    }
    raw.remove("packages");
    raw.remove("without");
    let without = table.without.iter().map(ToString::to_string).collect();
    Home { packages, without, settings: raw, places: Places::default() }
}

fn check_texts(scope: &Scope<'_>, table: &HomeTable, requested: &[&Request]) {
    for name in table.session_variables.keys() {
        if name.is_empty() || name.contains(['=', '\n', ' ']) {
            let help = "a name is not empty and has no `=` or space".to_owned();
            scope.error(name.span(), format!("`{name}` can't be a variable's name"), help);
        }
    }
    for name in table.shell_aliases.keys() {
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || "=/$`'\"\\|&;()<>".contains(c)) {
            let help = "shells take letters, digits, `-`, `_` and `.` in an alias".to_owned();
            scope.error(name.span(), format!("`{name}` can't be an alias"), help);
        }
    }
    for alias in table.shell_aliases.values() {
        scope.template(alias, requested);
    }
    for value in table.session_variables.values() {
        if let Either::Text(text) = &value.0 {
            scope.template_at(text, value.span(), requested);
        }
    }
    for folder in &table.session_path {
        if folder.is_empty() || folder.contains([':', '\n']) {
            let help = "write one folder, such as $HOME/.local/bin; more are more entries".to_owned();
            scope.error(folder.span(), format!("`{folder}` can't stand on a PATH"), help);
        }
    }
    if let Some(extension) = &table.backup_extension
        && !is_plain_name(extension)
    {
        let help = "write letters, such as backup".to_owned();
        scope.error(extension.span(), format!("`{extension}` can't be an extension"), help);
    }
}

fn check_files(scope: &Scope<'_>, table: &HomeTable, requested: &[&Request]) {
    let config = table.xdg.iter().flat_map(|xdg| &xdg.config_file).map(|(path, file)| (".config/", path, file));
    let mut all: Vec<_> = table.file.iter().map(|(path, file)| ("", path, file)).chain(config).collect();
    all.sort_by_key(|(_, path, _)| path.span().start);
    let mut targets = Targets::default();
    for (prefix, path, file) in all {
        let is_file = check_file(scope, path, file, requested);
        let relative = if path.starts_with('/') { Err("is absolute") } else { normalise_relative(path) };
        match relative {
            Ok(normal) if normal.is_empty() => {
                scope.error(path.span(), "a file's path is empty", "write a path below the home".to_owned());
            }
            Ok(normal) => targets.add(scope, path, &format!("{prefix}{normal}"), is_file),
            Err(reason) => {
                let help = format!("write a path below {}", if prefix.is_empty() { "the home" } else { "~/.config" });
                scope.error(path.span(), format!("the path `{}` {reason}", path.as_str()), help);
            }
        }
    }
    targets.finish(scope);
}

/// Whether it is certainly no folder.
fn check_file(scope: &Scope<'_>, path: &At<String>, file: &HomeFile, requested: &[&Request]) -> bool {
    let data = [&file.json, &file.toml, &file.yaml, &file.ini, &file.gitconfig];
    let spans = data.into_iter().flatten().map(At::span);
    let texts = file.text.iter().chain(&file.source).map(At::span);
    let mut spans: Vec<_> = texts.chain(spans).collect();
    spans.sort_by_key(|span| span.start);
    let contents = "`text`, `source`, `json`, `toml`, `yaml`, `ini` or `gitconfig`";
    if spans.is_empty() {
        let message = format!("nothing says what `{path}` holds");
        scope.error(path.span(), message, format!("add {contents}"));
    }
    if let Some(second) = spans.get(1) {
        scope.error(second.clone(), "a file has one content", format!("keep one of {contents}"));
    }
    if let Some(text) = &file.text {
        scope.template(text, requested);
    }
    if let (Some(recursive), None) = (&file.recursive, &file.source) {
        let help = "remove it, or use `source`".to_owned();
        scope.error(recursive.span(), "`recursive` says nothing without `source`", help);
    }
    match &file.source {
        // What lies in a package is looked at when the package is there.
        Some(source) if source.contains("${pkgs.") || source.starts_with("/nix/store/") => {
            scope.template(source, requested);
            false
        }
        Some(source) => {
            use super::super::project::Entry;
            matches!(files::source_entry(scope, source), Entry::File { .. })
        }
        None => true,
    }
}

/// Home Manager configures a program only where it is enabled, here or in what the home builds on.
fn check_programs(scope: &Scope<'_>, table: &HomeTable, shared: Option<&Home>) {
    let shared = shared.and_then(|home| home.settings.get("programs"));
    for (name, program) in &table.programs {
        let below = shared.and_then(|programs| programs.get(name.as_str()));
        let said = program.0.contains_key("enable") || below.is_some_and(|program| program.get("enable").is_some());
        if !said {
            let message = format!("`programs.{name}` is not enabled");
            let help = "add `enable = true`; without it the table does nothing".to_owned();
            scope.warn(name.span(), message, help);
        }
    }
}

/// Plugins of programs, by the requests that bring them.
fn plugins(home: Option<&Home>) -> impl Iterator<Item = &str> {
    let programs = home.and_then(|home| home.settings.get("programs")).and_then(toml::Value::as_table);
    let lists = programs.into_iter().flat_map(|programs| programs.values());
    let plugins = lists.filter_map(|program| program.get("plugins")?.as_array()).flatten();
    plugins.filter_map(|plugin| plugin.as_str().or_else(|| plugin.get("plugin")?.as_str()))
}

fn check_without(scope: &Scope<'_>, table: &HomeTable, shared: Option<&Home>) {
    for without in &table.without {
        let packages = shared.iter().flat_map(|home| &home.packages).map(|request| request.text.as_str());
        let daemons = shared.and_then(|home| home.settings.get("daemons")).and_then(toml::Value::as_table);
        let daemons = daemons.iter().flat_map(|daemons| daemons.keys()).map(String::as_str);
        let known: Vec<&str> = packages.chain(daemons).chain(plugins(shared)).collect();
        if !known.contains(&without.as_str()) {
            let near = super::super::nearest(without, known).map(|near| format!("did you mean `{near}`?"));
            let message = format!("home.toml gives no `{without}` to take out");
            scope.warn(without.span(), message, near.unwrap_or_else(|| "remove it".to_owned()));
        }
    }
}
