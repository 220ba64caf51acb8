//! What the homes of a machine ask for.

use crate::config::{Machine, Names, Request};
use crate::home::merge::{layers, merge};
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
        let place = merged.place(["packages"]);
        // What is malformed was told of when the files were read.
        texts.into_iter().filter_map(move |text| Request::parse(&text, place.clone()).ok())
    };
    machine.users.keys().flat_map(of_user).collect()
}

/// Whether plain names are a Debian archive's, whose packages are the system's.
#[must_use]
pub fn has_debian_default(machine: &Machine) -> bool {
    let default = machine.default_channel.as_ref().and_then(|name| machine.channels.get(name));
    default.is_some_and(|channel| matches!(channel.names, Names::Debian(_)))
}
