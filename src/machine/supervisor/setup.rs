//! From what boot prepared, and what homes say, to units.

use std::collections::{BTreeMap, BTreeSet};
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

    /// What makes a user's own home again, in the background, if the image has brought another one to make it on top of.
    fn renewal(&self, user: &str) -> Option<Unit> {
        let (home, declared) = self.homes.get(user).zip(self.plan.users.get(user))?;
        let is_own = home.generation != OF_IMAGE && home.left_out.is_none();
        if !is_own || !self.plan.user_rebuild || self.service.is_none() {
            return None;
        }
        let command = [self.plan.runtime.as_str(), "rebuild", "--background"].map(str::to_owned).to_vec();
        // No unit of a home's or an image's has such a name.
        let bare = PlanUnit::bare(&format!("rebuild:{user}"), &declared.account);
        let plan = PlanUnit { command, oneshot: true, after: vec![STORE_UNIT.to_owned()], ..bare };
        Some(Unit::new(plan, Role::Internal))
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

    /// The daemons of a user's own, as the live generation has them. The manifest is the user's to write: who runs what is not.
    #[must_use]
    pub fn home_units(&self, user: &str) -> Vec<Unit> {
        let Some((home, declared)) = self.homes.get(user).zip(self.plan.users.get(user)) else { return Vec::new() };
        let Some(manifest) = &home.manifest else { return Vec::new() };
        let own: BTreeSet<String> = manifest.daemons.iter().map(|unit| of_user(&unit.name, user)).collect();
        let taken: BTreeSet<&str> = self.plan.daemons.iter().map(|unit| unit.name.as_str()).collect();
        let stamp = format!("{:?}{:?}", manifest.session_variables, manifest.session_path);
        let mut units = BTreeMap::new();
        for written in manifest.daemons.iter().take(MOST_OF_A_HOME) {
            let mut plan = written.clone();
            plan.name = of_user(&plan.name, user);
            plan.account = declared.account.clone();
            plan.of_home = true;
            for name in &mut plan.after {
                if own.contains(&of_user(name, user)) {
                    *name = of_user(name, user);
                }
            }
            if !is_name(&plan.name) || taken.contains(plan.name.as_str()) {
                continue;
            }
            let mut unit = Unit::new(plan, Role::Daemon);
            unit.obstacle = self.left_out(&declared.account).or_else(|| self.refused_secret(user, &unit.plan));
            unit.stamp.clone_from(&stamp);
            units.insert(unit.plan.name.clone(), unit);
        }
        units.into_values().collect()
    }

    fn left_out(&self, account: &PlanAccount) -> Option<String> {
        self.homes.get(&account.name)?.left_out.clone()
    }

    fn missing_secret(&self, unit: &PlanUnit) -> Option<String> {
        let mut named = unit.secrets.iter().chain(&unit.secret_files);
        let name = named.find(|name| !self.secrets.contains_key(*name))?;
        Some(format!("the secret {name} is missing; fly secrets set {name}=…, or docker run -e {name}"))
    }

    /// A home that was made in the machine gets the secrets that its image's generation names, and no others.
    fn refused_secret(&self, user: &str, unit: &PlanUnit) -> Option<String> {
        if unit.secrets.is_empty() && unit.secret_files.is_empty() {
            return None;
        }
        let image = self.plan.users.get(user).and_then(|user| super::live::read_manifest(&user.generation));
        let granted: BTreeSet<&String> = image
            .iter()
            .flat_map(|image| &image.daemons)
            .flat_map(|unit| unit.secrets.iter().chain(&unit.secret_files))
            .collect();
        let mut named = unit.secrets.iter().chain(&unit.secret_files);
        match named.find(|name| !granted.contains(*name)) {
            Some(name) => {
                Some(format!("the secret {name} is not for daemons of this home: name it in the image's files"))
            }
            None => self.missing_secret(unit),
        }
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

/// `notes` and `notes@alice` are both `notes@alice`.
fn of_user(name: &str, user: &str) -> String {
    let suffix = format!("@{user}");
    if name.ends_with(&suffix) { name.to_owned() } else { format!("{name}{suffix}") }
}

/// A unit's name is a file's, too.
fn is_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
    name.len() <= 128 && name.chars().all(is_plain) && name.starts_with(|c: char| c.is_ascii_alphanumeric())
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::environment::tests::{account, plan};
    use super::*;

    pub(in super::super) fn unit(name: &str) -> PlanUnit {
        PlanUnit { command: vec!["/bin/true".to_owned()], ..PlanUnit::bare(name, &account("root", 0)) }
    }

    fn setup() -> Setup {
        Setup {
            plan: plan(),
            layout: Layout::new("/nowhere"),
            homes: BTreeMap::new(),
            environment: BTreeMap::new(),
            secrets: BTreeMap::from([("KEY".to_owned(), "geheim".to_owned())]),
            foreground: None,
            service: None,
            run: PathBuf::from("/nowhere"),
            store: "links".to_owned(),
            steps: Vec::new(),
            warnings: Vec::new(),
            started: Instant::now(),
        }
    }

    fn home(daemons: Vec<PlanUnit>, left_out: Option<&str>) -> Home {
        let manifest = Manifest {
            version: 1,
            user: "alice".to_owned(),
            files: BTreeMap::new(),
            session_variables: BTreeMap::new(),
            session_path: Vec::new(),
            backup_extension: None,
            daemons,
            packages: BTreeMap::new(),
        };
        let left_out = left_out.map(str::to_owned);
        Home { generation: "1".to_owned(), manifest: Some(manifest), skipped: Vec::new(), left_out }
    }

    fn told(units: &[Unit]) -> Vec<String> {
        let line = |unit: &Unit| {
            let PlanUnit { name, account, after, .. } = &unit.plan;
            format!("{name} as {} after {after:?}: {}", account.name, unit.obstacle.as_deref().unwrap_or("-"))
        };
        units.iter().map(line).collect()
    }

    #[test]
    fn what_a_home_says_of_its_daemons_is_not_believed() {
        let mut setup = setup();
        setup.plan.daemons.push(unit("sync@alice"));
        let mut thief = unit("thief");
        thief.secrets = vec!["KEY".to_owned()];
        let mut notes = unit("notes@alice");
        notes.after = vec!["thief".to_owned(), "sshd".to_owned()];
        let daemons = vec![notes, thief, unit("../x"), unit("sync")];
        setup.homes.insert("alice".to_owned(), home(daemons, None));
        insta::assert_snapshot!(told(&setup.home_units("alice")).join("\n"), @r#"
        notes@alice as alice after ["thief@alice", "sshd"]: -
        thief@alice as alice after []: the secret KEY is not for daemons of this home: name it in the image's files
        "#);
        assert!(setup.home_units("root").is_empty());
        setup.homes.insert("alice".to_owned(), home((0..99).map(|n| unit(&format!("d{n}"))).collect(), None));
        assert_eq!(setup.home_units("alice").len(), MOST_OF_A_HOME);
    }

    #[test]
    fn missing_secrets_and_left_out_users_say_what_to_do() {
        let mut setup = setup();
        let mut web = unit("web");
        (web.secrets, web.secret_files) = (vec!["KEY".to_owned()], vec!["CERT".to_owned()]);
        let mut sync = unit("sync@alice");
        sync.account = account("alice", 1000);
        setup.plan.daemons = vec![web, sync];
        setup.homes.insert("alice".to_owned(), home(vec![unit("own")], Some("its home belongs to 7")));
        insta::assert_snapshot!(told(&setup.units()).join("\n"), @r#"
        web as root after []: the secret CERT is missing; fly secrets set CERT=…, or docker run -e CERT
        sync@alice as alice after []: its home belongs to 7
        own@alice as alice after []: its home belongs to 7
        "#);
    }

    #[test]
    fn secrets_reach_those_who_name_them() {
        let mut setup = setup();
        let mut web = unit("web");
        web.secrets = vec!["KEY".to_owned()];
        setup.plan.daemons = vec![web, unit("other")];
        let units = setup.units();
        assert_eq!(setup.environment_of(&units[0]).get("KEY").map(String::as_str), Some("geheim"));
        assert_eq!(setup.environment_of(&units[1]).get("KEY"), None);
    }

    #[test]
    fn one_command_is_all_of_a_machine_for_it() {
        let mut setup = setup();
        setup.plan.daemons = vec![unit("web")];
        setup.service = Some(vec!["/r".to_owned()]);
        let command = vec!["git".to_owned(), "--version".to_owned()];
        setup.foreground = Some(Foreground { command, account: account("alice", 1000), daemons: false });
        let units = setup.units();
        assert_eq!(units.len(), 1);
        assert_eq!((units[0].plan.name.as_str(), units[0].role), (FOREGROUND_UNIT, Role::Foreground));
    }
}
