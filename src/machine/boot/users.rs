//! Step 2: every declared user's home, from its place to its links.

use std::collections::BTreeMap;

use crate::boot::{BootPlan, PlanUser};
use crate::machine::prepared::HomeState;

use super::activation::{self, Home, Outcome};
use super::error::Error;
use super::generation::{self, Chosen};
use super::ground::Ground;
use super::homes::{self, LeftOut, Standing};
use super::journal::Journal;
use super::mount_table::MountTable;
use super::skeleton;
use super::volume::Volume;

/// Brings all homes up. Who can't be served is left out, except whom the entrypoint runs as.
pub(super) fn stand(
    ground: &Ground,
    table: &MountTable,
    volume: &Volume,
    plan: &BootPlan,
    journal: &mut Journal<'_>,
) -> Result<BTreeMap<String, HomeState>, Error> {
    let mut states = BTreeMap::new();
    let (mut standing, mut to_activate) = (Vec::new(), Vec::new());
    for (name, user) in &plan.users {
        match homes::stand(ground, table, volume, &user.account, journal) {
            Ok(home) => {
                let chosen = generation::choose(ground, &volume.layout, name, &user.generation, journal);
                to_activate.push(Home { account: &user.account, chosen });
                standing.push((name, user, home));
            }
            Err(left_out) => drop(states.insert(name.clone(), leave_out(plan, name, left_out, journal)?)),
        }
    }
    let outcomes = activation::all(ground, &volume.layout, plan, &to_activate);
    for (((name, user, home), Home { chosen, .. }), outcome) in standing.iter().zip(to_activate).zip(outcomes) {
        finish(ground, volume, user, home, journal);
        states.insert((*name).clone(), state(name, chosen, outcome, journal));
    }
    let unknown = homes::without_users(ground, volume, plan);
    if !unknown.is_empty() {
        journal.warn(format!("homes of users whom users.toml doesn't have stay as they are: {}", unknown.join(", ")));
    }
    Ok(states)
}

fn leave_out(plan: &BootPlan, name: &str, left_out: LeftOut, journal: &mut Journal<'_>) -> Result<HomeState, Error> {
    let LeftOut { reason, help } = left_out;
    if plan.entrypoint.as_ref().is_some_and(|entrypoint| entrypoint.account.name == name) {
        return Err(Error::Foreground { user: name.to_owned(), reason, help });
    }
    journal.advise(format!("{name} is left out: {reason}"), &help);
    Ok(HomeState { left_out: Some(format!("{reason}; {help}")), ..HomeState::default() })
}

fn finish(ground: &Ground, volume: &Volume, user: &PlanUser, home: &Standing, journal: &mut Journal<'_>) {
    let given = skeleton::give(ground, volume, &user.account, home);
    journal.attempt(format_args!("fill {}", user.account.home), given);
}

fn state(name: &str, chosen: Chosen, outcome: Outcome, journal: &mut Journal<'_>) -> HomeState {
    let skipped = outcome.unwrap_or_else(|error| {
        journal.advise(
            format!("{name}'s home was not activated: {error}"),
            format!("as {name}: `rebuild` tells more, and does it again"),
        );
        Vec::new()
    });
    let Chosen { generation, number, manifest } = chosen;
    HomeState { generation: Some(generation), number, manifest, skipped, left_out: None }
}
