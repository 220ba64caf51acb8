//! Environment variables of the image's configuration.

use std::collections::BTreeMap;

use crate::config::{Diagnostic, Machine, Severity};
use crate::nix::StorePath;

use super::super::supplies::Supplies;
use super::CERTIFICATES;
use super::accounts::Accounts;

/// The image's environment: what the machine needs, and over it what `[image] env` says. `lookup` answers the store
/// paths of `${pkgs.NAME}`.
pub fn environment_variables(
    machine: &Machine,
    supplies: &Supplies,
    lookup: &dyn Fn(&str) -> Option<StorePath>,
) -> Result<BTreeMap<String, String>, Vec<Diagnostic>> {
    let mut variables = BTreeMap::new();
    let mut set = |name: &str, value: &str| variables.insert(name.to_owned(), value.to_owned());
    let accounts = Accounts::of(machine, supplies);
    // What boots gives each process the variables of its own user. `docker exec --user` finds HOME only where the image has none.
    let entrypoint = machine.entrypoint.as_ref();
    let user = entrypoint.and_then(|unit| accounts.of_unit(&unit.user)).or(accounts.by_uid(0));
    set("PATH", &machine.path.join(":"));
    set("LANG", &machine.locale);
    // Where the base image says who runs, it may say what they need, too.
    let says_who = machine.entrypoint.is_some() || supplies.base.is_none();
    if let Some(user) = user.filter(|_| !machine.boot.enable && says_who) {
        set("HOME", &user.home);
        set("USER", &user.name);
    }
    let declared = machine.files.iter().any(|file| file.target.trim_start_matches('/') == CERTIFICATES);
    if declared || supplies.ca_bundle.is_some() || supplies.made_bundle.is_some() {
        set("SSL_CERT_FILE", &format!("/{CERTIFICATES}"));
        set("NIX_SSL_CERT_FILE", &format!("/{CERTIFICATES}"));
    }
    if let Some(zoneinfo) = &supplies.zoneinfo {
        set("TZDIR", zoneinfo);
    }
    if let Some(archive) = &supplies.locale_archive {
        set("LOCALE_ARCHIVE", archive);
    }
    let mut unknown = Vec::new();
    for (name, template) in &machine.image.env {
        match template.render(lookup) {
            Ok(value) => {
                variables.insert(name.clone(), value);
            }
            Err(package) => unknown.push(unknown_package(&package, template.place.clone())),
        }
    }
    if unknown.is_empty() { Ok(variables) } else { Err(unknown) }
}

/// `${pkgs.NAME}` of a package that nothing requests.
pub(crate) fn unknown_package(package: &str, place: Option<crate::config::Place>) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        message: format!("`${{pkgs.{package}}}` names a package that is not requested"),
        place,
        label: String::new(),
        help: Some(format!("add \"{package}\" to `packages`")),
    }
}
