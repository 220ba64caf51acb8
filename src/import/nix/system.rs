//! system.nix: the image's name, its packages, what it runs.

use toml::Value as Toml;

use super::leaf::{Leaf, Sheet, leaves};
use super::value::Value;

/// What a unit may say, in both files.
const UNIT: [&str; 5] = ["command", "user", "port", "ports", "secrets"];

pub(super) fn put(sheet: &mut Sheet, leaf: Leaf) {
    let words: Vec<&str> = leaf.path.iter().map(String::as_str).collect();
    let place: &[&str] = match words.as_slice() {
        ["imageName" | "name"] => &["image", "name"],
        ["imageTag" | "tag"] => &["image", "tag"],
        ["packages"] => &["packages"],
        ["hostname" | "hostName"] => &["machine", "hostname"],
        ["userRebuild"] => &["boot", "user-rebuild"],
        ["env", name] => return sheet.put(&["image", "env", name].map(str::to_owned), leaf),
        ["entrypoint", key] if UNIT.contains(key) => return unit(sheet, &["entrypoint", key].map(str::to_owned), leaf),
        ["daemons", name, "port"] => return port(sheet, &["daemons", name, "ports"].map(str::to_owned), leaf),
        ["daemons", name, key] if UNIT.contains(key) => {
            return unit(sheet, &["daemons", name, key].map(str::to_owned), leaf);
        }
        ["daemons"] => return list_of_daemons(sheet, leaf),
        _ => return sheet.leave(leaf.span, "system.toml has no such key"),
    };
    let place: Vec<String> = place.iter().map(|key| (*key).to_owned()).collect();
    sheet.put(&place, leaf);
}

/// A key of the entrypoint or a daemon. A command that is one text becomes words, or a shell's.
fn unit(sheet: &mut Sheet, place: &[String], mut leaf: Leaf) {
    if place.last().is_some_and(|key| key == "command") {
        leaf.value = match leaf.value {
            Value::Text(text) => Value::List(words(&text).into_iter().map(Value::Text).collect()),
            other => other,
        };
    }
    sheet.put(place, leaf);
}

/// A daemon has a list of ports here.
fn port(sheet: &mut Sheet, place: &[String], mut leaf: Leaf) {
    leaf.value = match leaf.value {
        number @ Value::Integer(_) => Value::List(vec![number]),
        other => other,
    };
    unit(sheet, place, leaf);
}

/// `[ { name = "sshd"; command = …; } ]`
fn list_of_daemons(sheet: &mut Sheet, leaf: Leaf) {
    let Leaf { value, span, path } = leaf;
    let Value::List(items) = value else { return sheet.leave(span, "it is no set of daemons") };
    for item in items {
        let Value::Set(entries) = item else {
            sheet.leave(span.clone(), "a daemon is no set");
            continue;
        };
        let all = leaves(entries);
        let name = all.iter().find_map(|leaf| match (leaf.path.as_slice(), &leaf.value) {
            ([key], Value::Text(name)) if key == "name" => Some(name.clone()),
            _ => None,
        });
        for mut leaf in all {
            match &name {
                Some(_) if leaf.path == ["name"] => {}
                Some(name) => {
                    leaf.path = [path.clone(), vec![name.clone()], leaf.path].concat();
                    put(sheet, leaf);
                }
                None => sheet.leave(leaf.span, "its daemon has no name"),
            }
        }
    }
}

/// The words of a command, or a shell with it where it needs one.
fn words(command: &str) -> Vec<String> {
    let plain = command.replace("${pkgs.", "");
    let needs_shell = plain.contains(['|', '&', ';', '<', '>', '(', ')', '$', '`', '*', '?', '[', '#', '~', '\n', '=']);
    match shlex::split(command).filter(|words| !needs_shell && !words.is_empty()) {
        Some(words) => words,
        None => ["sh", "-c", command].map(str::to_owned).to_vec(),
    }
}

/// Adds what a whole file needs and the Nix file does not say.
pub(super) fn complete(sheet: &mut Sheet, release: &str) {
    sheet.request_named(&[]);
    let channel = toml::Table::from_iter([("release".to_owned(), Toml::String(release.to_owned()))]);
    let channels = toml::Table::from_iter([("nixpkgs".to_owned(), Toml::Table(channel))]);
    sheet.table.insert("channels".to_owned(), Toml::Table(channels));
    let image = sheet.table.entry("image").or_insert_with(|| Toml::Table(toml::Table::new()));
    if let Toml::Table(image) = image {
        image.entry("name").or_insert_with(|| Toml::String("machine".to_owned()));
    }
}
