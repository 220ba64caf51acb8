//! `dumbc boot --explain`: what a machine does when it starts, told from its image.

use std::path::Path;

use crate::boot::{BootPlan, PLAN_PATH, PLAN_VERSION, explain};
use crate::failure::Class;
use crate::image::check::find_file;

use super::context::Context;
use super::failure::Failure;

/// Prints what `image` does, or its plan.
pub(super) fn run(image: &Path, context: &Context) -> anyhow::Result<()> {
    let name = image.display();
    let found = find_file(image, PLAN_PATH.trim_start_matches('/'));
    let found = found.map_err(|error| Failure::new(Class::Usage, format!("can't read {name}: {error}")))?;
    let Some(plan) = found else {
        let help = "only images with `enable = true` in [boot] boot";
        return Err(Failure::new(Class::Usage, format!("{name} has no boot plan ({PLAN_PATH})")).help(help).into());
    };
    let Version { version } = serde_json::from_slice(&plan).map_err(|error| unreadable(&name, &error))?;
    if version != Some(u64::from(PLAN_VERSION)) {
        let found = version.map_or("none".to_owned(), |version| version.to_string());
        let message = format!("the boot plan of {name} has version {found}, and this dumbc reads {PLAN_VERSION}");
        let help = "ask the dumbc that is in the image";
        return Err(Failure::new(Class::Usage, message).help(help).into());
    }
    let plan: BootPlan = serde_json::from_slice(&plan).map_err(|error| unreadable(&name, &error))?;
    if context.json { context.document(&plan) } else { context.text(explain(&plan)) }
}

/// What every version of a plan says.
#[derive(serde::Deserialize)]
struct Version {
    version: Option<u64>,
}

fn unreadable(name: &impl std::fmt::Display, error: &serde_json::Error) -> Failure {
    Failure::new(Class::Usage, format!("the boot plan of {name} can't be read: {error}"))
}
