//! Answers to what is asked over the control socket.

use ::nix::unistd::Uid;

use super::super::control::server::Cursor;
use super::super::control::{Answer, Request, Status, UnitStatus, UserStatus};
use super::super::core::{Core, Health, Role, State, Unit};
use super::super::setup::Home;
use super::super::{live, setup::STORE_UNIT};
use super::Running;

impl Running {
    /// Reads from a connection; answers what it asks.
    pub(super) fn serve(&mut self, id: u64) {
        let now = self.now();
        let Some((uid, request)) = self.server.as_mut().and_then(|server| server.read(id, now)) else { return };
        let (answer, logs) = match self.answer(uid, request) {
            Ok((value, logs)) => (Answer::Ok(value), logs),
            Err(message) => (Answer::Error(message), None),
        };
        if let Some(server) = &mut self.server {
            server.answer(id, &answer, logs, now);
        }
    }

    fn answer(&mut self, uid: u32, request: Request) -> Result<(serde_json::Value, Option<Cursor>), String> {
        match request {
            Request::Status {} => {
                let status = serde_json::to_value(self.status(uid)).map_err(|error| error.to_string())?;
                Ok((status, None))
            }
            Request::Logs { unit, lines, follow } => {
                self.may(uid, &unit)?;
                let end = self.output.ring(&unit).map_or(0, super::super::output::Ring::end);
                let cursor = Cursor { unit, next: end.saturating_sub(lines), end: (!follow).then_some(end) };
                Ok((serde_json::Value::Null, Some(cursor)))
            }
            Request::Restart { unit } => {
                self.may(uid, &unit)?;
                let now = self.now();
                self.core.restart(&unit, now)?;
                self.say(&unit, "is restarted by hand");
                Ok((serde_json::Value::Null, None))
            }
            Request::Environment {} if is_master(uid) => serde_json::to_value(&self.setup.environment)
                .map(|value| (value, None))
                .map_err(|error| error.to_string()),
            Request::Environment {} => Err("the machine's environment is root's to see".to_owned()),
            Request::ReloadHome { user } => self.reload_home(uid, &user).map(|()| (serde_json::Value::Null, None)),
        }
    }

    /// Root, and whoever runs the machine, may ask for everything; others for what runs as themselves. What one may not see is not
    /// told from what is not there.
    fn may(&self, uid: u32, unit: &str) -> Result<(), String> {
        let found =
            self.unit(unit).filter(|unit| is_master(uid) || (unit.plan.account.uid == uid && !is_internal(unit)));
        match found {
            Some(_) => Ok(()),
            None if is_master(uid) => Err(format!("there is no unit `{unit}`; dumbc machine status lists them")),
            None => Err(format!("there is no unit `{unit}` of yours; dumbc machine status lists them")),
        }
    }

    fn reload_home(&mut self, uid: u32, user: &str) -> Result<(), String> {
        let declared = self.setup.plan.users.get(user).filter(|user| is_master(uid) || user.account.uid == uid);
        let declared = declared.ok_or_else(|| format!("`{user}` is nobody whose home you may change"))?;
        let (number, path) = live::generation(&self.setup.layout, user, &declared.generation);
        let manifest = live::read_manifest(&path).ok_or_else(|| format!("the manifest of {path} can't be read"))?;
        let home = self.setup.homes.entry(user.to_owned()).or_default();
        home.generation = number.map_or_else(|| "image".to_owned(), |number| number.to_string());
        home.manifest = Some(manifest);
        home.skipped.clear();
        let units = self.setup.home_units(user);
        let uid = self.setup.plan.users.get(user).map(|user| user.account.uid);
        self.output.widen(units.iter().map(|unit| unit.plan.name.as_str()));
        let is_gone = |unit: &&Unit| {
            unit.plan.of_home
                && Some(unit.plan.account.uid) == uid
                && !self.setup.plan.daemons.iter().any(|daemon| daemon.name == unit.plan.name)
                && !units.iter().any(|new| new.plan.name == unit.plan.name)
        };
        let gone: Vec<String> = self.core.units().values().filter(is_gone).map(|unit| unit.plan.name.clone()).collect();
        let now = self.now();
        for name in &gone {
            self.core.remove(name, now);
        }
        self.core.add(units, now);
        Ok(())
    }

    fn status(&self, uid: u32) -> Status {
        let setup = &self.setup;
        let sees =
            |home: &str| is_master(uid) || setup.plan.users.get(home).is_some_and(|user| user.account.uid == uid);
        let users = setup.homes.iter().filter(|(name, _)| sees(name)).map(|(name, home)| user_status(name, home));
        let units = self.core.units().values().filter(|unit| !unit.plan.of_home || self.is_own(uid, unit));
        Status {
            version: 1,
            image: setup.plan.image.clone(),
            uptime: millis(self.now()),
            stopping: Core::is_stopping(&self.core),
            store: setup.store.clone(),
            steps: setup.steps.clone(),
            warnings: if is_master(uid) { setup.warnings.clone() } else { Vec::new() },
            units: units.map(|unit| self.unit_status(uid, unit)).collect(),
            users: users.collect(),
        }
    }

    fn is_own(&self, uid: u32, unit: &Unit) -> bool {
        self.may(uid, &unit.plan.name).is_ok()
    }

    fn unit_status(&self, uid: u32, unit: &Unit) -> UnitStatus {
        let own = self.is_own(uid, unit);
        let pid = self.children.of_unit(&unit.plan.name).map(::nix::unistd::Pid::as_raw);
        UnitStatus {
            name: unit.plan.name.clone(),
            user: unit.plan.account.name.clone(),
            state: state_name(&unit.state).to_owned(),
            internal: unit.role == Role::Internal && unit.plan.name == STORE_UNIT,
            pid: pid.filter(|_| own),
            since: millis(self.now().saturating_sub(unit.since)),
            restarts: unit.restarts,
            last: unit.last.filter(|_| own).map(|end| end.to_string()),
            health: health_name(unit).map(str::to_owned),
            says: self.says.get(&unit.plan.name).filter(|_| own).cloned(),
            why: unit.why().filter(|_| own).map(str::to_owned),
        }
    }
}

fn is_internal(unit: &Unit) -> bool {
    unit.role == Role::Internal
}

fn is_master(uid: u32) -> bool {
    uid == 0 || uid == Uid::effective().as_raw()
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn user_status(name: &str, home: &Home) -> UserStatus {
    UserStatus {
        name: name.to_owned(),
        generation: home.generation.clone(),
        skipped: home.skipped.clone(),
        left_out: home.left_out.clone(),
    }
}

/// What a state is called.
fn state_name(state: &State) -> &'static str {
    match state {
        State::Waiting => "waiting",
        State::Starting => "starting",
        State::Up => "running",
        State::Done => "done",
        State::Again { .. } => "restarting",
        State::Stopping { .. } => "stopping",
        State::Down(_) => "down",
    }
}

fn health_name(unit: &Unit) -> Option<&'static str> {
    match unit.health {
        Health::Unknown => unit.plan.health.as_ref().map(|_| "unknown"),
        Health::Well => Some("well"),
        Health::Failing(count) if count < 3 => Some("failing"),
        Health::Failing(_) => Some("unwell"),
    }
}
