//! From what boot prepared, and what homes say, to units.

mod homes;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use crate::boot::{BootPlan, Layout, PlanAccount, PlanReady, PlanRestart, PlanUnit, RUN};
use crate::home::manifest::Manifest;
use crate::machine::prepared::{Foreground, Prepared, StoreWay};

use super::control::{StepStatus, WarningStatus};
use super::core::{Role, Unit};

/// Most daemons that a user's own home may have.
const MOST_OF_A_HOME: usize = 32;

/// The name of the machine's own store service.
pub const STORE_UNIT: &str = "store";

/// What a home's generation is called where it is the image's.
const OF_IMAGE: &str = "image";

/// The name of what runs in the foreground.
pub const FOREGROUND_UNIT: &str = "entrypoint";

/// A user's home, as far as processes care.
#[derive(Debug, Clone, Default)]
pub struct Home {
    /// What its live generation is called: a number, or `image`.
    pub generation: String,
    /// What that says of itself, where it can be read.
    pub manifest: Option<Manifest>,
    /// Files of the user's own that stood in the way.
    pub skipped: Vec<String>,
    /// Why the user's units stay down.
    pub left_out: Option<String>,
}

/// Everything that the supervisor is to know.
#[derive(Debug)]
pub struct Setup {
    /// What the image wants.
    pub plan: BootPlan,
    /// Where things lie.
    pub layout: Layout,
    /// Homes by declared user.
    pub homes: BTreeMap<String, Home>,
    /// The container's environment, secrets taken out.
    pub environment: BTreeMap<String, String>,
    /// Values of secrets by name.
    pub secrets: BTreeMap<String, String>,
    /// What runs in the foreground.
    pub foreground: Option<Foreground>,
    /// The store service's command; `None`: there is none.
    pub service: Option<Vec<String>>,
    /// The folder of sockets and banners: [`crate::boot::RUN`].
    pub run: PathBuf,
    /// How the store was put together.
    pub store: String,
    /// The boot's steps.
    pub steps: Vec<StepStatus>,
    /// What did not go well until now.
    pub warnings: Vec<WarningStatus>,
    /// When the machine started.
    pub started: Instant,
}

impl Setup {
    /// What boot prepared, with the store service unless this is for one command only.
    #[must_use]
    pub fn new(prepared: Prepared, foreground: Option<Foreground>) -> Self {
        let Prepared { plan, layout, writable, store, users, environment, secrets, steps, warnings, started, image: _ } =
            prepared;
        let homes = users.into_iter().map(|(name, state)| {
            let generation = state.number.map_or_else(|| OF_IMAGE.to_owned(), |number| number.to_string());
            let home = Home { generation, manifest: state.manifest, skipped: state.skipped, left_out: state.left_out };
            (name, home)
        });
        let is_whole = foreground.as_ref().is_none_or(|foreground| foreground.daemons);
        Self {
            homes: homes.collect(),
            // It could keep nothing.
            service: (is_whole && writable).then(|| service_command(&plan, &layout)),
            run: PathBuf::from(RUN),
            store: if store == StoreWay::Overlay { "overlay" } else { "links" }.to_owned(),
            steps: steps
                .into_iter()
                .map(|step| StepStatus { name: step.name, microseconds: step.microseconds })
                .collect(),
            warnings: warnings
                .into_iter()
                .map(|warning| WarningStatus { message: warning.message, help: warning.help })
                .collect(),
            secrets: secrets.0,
            plan,
            layout,
            environment,
            foreground,
            started,
        }
    }

    /// Whether daemons run.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.foreground.as_ref().is_none_or(|foreground| foreground.daemons)
    }

    /// All units of the machine as it starts.
    #[must_use]
    pub fn units(&self) -> Vec<Unit> {
        let mut units: Vec<Unit> = self.foreground.iter().map(|foreground| self.foreground_unit(foreground)).collect();
        if !self.is_whole() {
            return units;
        }
        units.extend(self.service.iter().map(|command| service_unit(command)));
        for plan in &self.plan.daemons {
            let mut unit = Unit::new(plan.clone(), Role::Daemon);
            unit.obstacle = self.left_out(&plan.account).or_else(|| self.missing_secret(plan));
            units.push(unit);
        }
        units.extend(self.homes.keys().flat_map(|user| self.home_units(user)));
        units.extend(self.homes.keys().filter_map(|user| self.renewal(user)));
        units
    }

    fn foreground_unit(&self, foreground: &Foreground) -> Unit {
        let mut plan =
            self.plan.entrypoint.clone().unwrap_or_else(|| PlanUnit::bare(FOREGROUND_UNIT, &foreground.account));
        FOREGROUND_UNIT.clone_into(&mut plan.name);
        plan.command.clone_from(&foreground.command);
        plan.account = foreground.account.clone();
        plan.restart = PlanRestart::No;
        plan.oneshot = false;
        if !foreground.daemons {
            plan.after.clear();
            plan.health = None;
        }
        let obstacle = foreground.daemons.then(|| self.missing_secret(&plan)).flatten();
        let mut unit = Unit::new(plan, Role::Foreground);
        unit.obstacle = obstacle;
        unit
    }

    fn left_out(&self, account: &PlanAccount) -> Option<String> {
        self.homes.get(&account.name)?.left_out.clone()
    }

    fn missing_secret(&self, unit: &PlanUnit) -> Option<String> {
        let mut named = unit.secrets.iter().chain(&unit.secret_files);
        let name = named.find(|name| !self.secrets.contains_key(*name))?;
        Some(format!("the secret {name} is missing; fly secrets set {name}=…, or docker run -e {name}"))
    }

    /// What a unit's process gets as environment.
    #[must_use]
    pub fn environment_of(&self, unit: &Unit) -> BTreeMap<String, String> {
        let account = &unit.plan.account;
        let manifest = self.homes.get(&account.name).and_then(|home| home.manifest.as_ref());
        let mut environment = super::environment::of_account(&self.plan, &self.environment, account, manifest);
        for name in &unit.plan.secrets {
            if let Some(value) = self.secrets.get(name) {
                environment.insert(name.clone(), value.clone());
            }
        }
        environment
    }
}

/// The store service's command. It is told of a volume that is not where the plan has it.
fn service_command(plan: &BootPlan, layout: &Layout) -> Vec<String> {
    let mut command = vec![plan.runtime.clone(), "machine".to_owned(), "serve".to_owned()];
    if layout.volume() != std::path::Path::new(&plan.volume) {
        command.extend(["--volume".to_owned(), layout.volume().display().to_string()]);
    }
    command
}

fn service_unit(command: &[String]) -> Unit {
    let ready = Some(PlanReady::File(format!("{RUN}/store.sock")));
    let bare = PlanUnit::bare(STORE_UNIT, &PlanAccount::root());
    let plan = PlanUnit { command: command.to_vec(), restart: PlanRestart::Always, ready, ..bare };
    Unit::new(plan, Role::Internal)
}

#[cfg(test)]
pub(super) mod tests;
