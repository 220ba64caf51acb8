//! users.nix: each attribute is a user.

use super::home;
use super::leaf::{Leaf, Sheet};
use super::value::Value;

pub(super) fn put(sheet: &mut Sheet, mut leaf: Leaf) {
    let words: Vec<&str> = leaf.path.iter().map(String::as_str).collect();
    let key = match words.as_slice() {
        [_, "home", inner, ..] if !inner.is_empty() => {
            let base: Vec<String> = leaf.path.iter().take(2).cloned().collect();
            leaf.path.drain(..2);
            return home::put(sheet, &base, leaf);
        }
        [_, "home"] => {
            let why = "import that file by itself, and put what comes of it below this user's `home`";
            return sheet.leave(leaf.span, why);
        }
        [_, key @ ("uid" | "gid" | "groups")] => key,
        [_, "extraGroups"] => "groups",
        [_, "shell"] => {
            leaf.value = program(leaf.value);
            "shell"
        }
        [_, "authorizedKeys"] | [_, "openssh", "authorizedKeys", "keys"] => "authorized-keys",
        _ => return sheet.leave(leaf.span, "a user of users.toml has no such key"),
    };
    let place: Vec<String> = leaf.path.iter().take(1).cloned().chain([key.to_owned()]).collect();
    sheet.put(&place, leaf);
}

/// The command of a shell's package.
fn program(value: Value) -> Value {
    match value {
        Value::Package(name) => Value::Text(name.rsplit('.').next().unwrap_or_default().to_owned()),
        other => other,
    }
}

/// Takes out options that programs of users' homes don't know, and requests what their texts name.
pub(super) fn complete(sheet: &mut Sheet) {
    let names: Vec<String> = sheet.table.keys().cloned().collect();
    for name in names {
        let home = [name, "home".to_owned()];
        home::prune(sheet, &home);
        sheet.request_named(&home);
    }
}

/// Whether a file with these paths has users.
pub(super) fn is_users(leaves: &[Leaf]) -> bool {
    leaves.iter().any(|leaf| leaf.path.get(1).is_some_and(|key| key == "uid"))
}
