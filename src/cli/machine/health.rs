//! `dumbc machine health`: what the machine saw of a unit, as an exit code.

use std::path::Path;

use crate::failure::Class;
use crate::machine::supervisor::control::{Request, Status, UnitStatus, client};

use super::super::failure::Failure;

/// Whether a unit is well: exit code 0 or 1
///
/// A unit with `health` is well when the last look at it succeeded; one without, while it runs or after it has done its work. For health
/// checks of docker and others.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The unit's name; the foreground's is `entrypoint`
    #[arg(value_name = "NAME")]
    unit: String,
}

pub(super) fn run(args: &Args, run: &Path) -> anyhow::Result<()> {
    let status: Status = serde_json::from_value(client::ask(run, &Request::Status {})?.value)?;
    let name = &args.unit;
    let Some(unit) = status.units.iter().find(|unit| unit.name == *name) else {
        let failure = Failure::new(Class::Other, format!("there is no unit `{name}`"));
        return Err(failure.help("`dumbc machine status` lists them").into());
    };
    match trouble(unit) {
        None => Ok(()),
        Some(trouble) => Err(Failure::new(Class::Other, format!("{name} is {trouble}")).into()),
    }
}

/// What is wrong with a unit, in words.
fn trouble(unit: &UnitStatus) -> Option<String> {
    match (unit.state.as_str(), unit.health.as_deref()) {
        ("running" | "done", None | Some("well")) => None,
        ("running" | "done", Some("unknown")) => Some("not looked at yet".to_owned()),
        ("running" | "done", Some(health)) => Some(health.to_owned()),
        (state, _) => Some(unit.why.as_ref().map_or_else(|| state.to_owned(), |why| format!("{state}: {why}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble_of(state: &str, health: Option<&str>, why: Option<&str>) -> Option<String> {
        let unit = serde_json::json!({"name": "web", "user": "root", "state": state, "since": 0, "restarts": 0,
            "health": health, "why": why});
        trouble(&serde_json::from_value(unit).unwrap())
    }

    #[test]
    fn only_what_runs_and_is_seen_to_be_well_is_well() {
        for (state, health) in [("running", None), ("running", Some("well")), ("done", None)] {
            assert_eq!(trouble_of(state, health, None), None);
        }
        for (state, health, expected) in [
            ("running", Some("unknown"), "not looked at yet"),
            ("running", Some("failing"), "failing"),
            ("running", Some("unwell"), "unwell"),
            ("restarting", None, "restarting"),
            ("starting", Some("well"), "starting"),
        ] {
            assert_eq!(trouble_of(state, health, None).as_deref(), Some(expected));
        }
        assert_eq!(trouble_of("down", None, Some("gave up")).as_deref(), Some("down: gave up"));
    }
}
