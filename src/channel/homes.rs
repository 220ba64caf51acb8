//! What the homes of a machine ask for.

use crate::config::{Machine, Names, Place, Request};
use crate::home::merge::{Merged, layers, merge};
use crate::home::programs::known;
use crate::home::settings::requests;

/// The requests of all declared users' homes, with those of their programs. Of a machine that does not boot, none.
#[must_use]
pub fn home_requests(machine: &Machine) -> Vec<Request> {
    if !machine.boot.enable {
        return Vec::new();
    }
    let debian = has_debian_default(machine);
    let of_user = |user: &String| {
        let merged = merge(&layers(machine, user));
        let texts = requests(&merged, debian).all();
        // What is malformed was told of when the files were read.
        texts.into_iter().filter_map(move |text| Request::parse(&text, place_of(&merged, &text)).ok())
    };
    machine.users.keys().flat_map(of_user).collect()
}

/// Where a home says that it wants `text`: in its packages, or in the table of a program that brings it.
fn place_of(merged: &Merged, text: &str) -> Option<Place> {
    let packages = merged.table.get("packages").and_then(toml::Value::as_array);
    if let Some(index) =
        packages.and_then(|packages| packages.iter().position(|package| package.as_str() == Some(text)))
    {
        return merged.place(["packages", &index.to_string()]);
    }
    let programs = merged.table.get("programs").and_then(toml::Value::as_table)?;
    let brings = |(name, table): &(&String, &toml::Value)| {
        let (Some(table), Some(program)) = (table.as_table(), known().iter().find(|program| program.name == *name))
        else {
            return false;
        };
        let own = table.get("package").map_or(Some(program.package), toml::Value::as_str);
        own == Some(text) || (program.requests)(table).iter().any(|request| request == text)
    };
    programs.iter().find(brings).and_then(|(name, _)| merged.place(["programs", name]))
}

/// Whether plain names are a Debian archive's, whose packages are the system's.
#[must_use]
pub fn has_debian_default(machine: &Machine) -> bool {
    let default = machine.default_channel.as_ref().and_then(|name| machine.channels.get(name));
    default.is_some_and(|channel| matches!(channel.names, Names::Debian(_)))
}
