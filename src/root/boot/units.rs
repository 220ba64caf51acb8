//! Units of the plan: one for each user that a daemon runs for.

use crate::boot::{PlanAccount, PlanHealth, PlanReady, PlanRestart, PlanStop, PlanUnit};
use crate::config::{Argument, Diagnostic, Health, Machine, Ready, Restart, RunAs, Stop, Unit};

use super::super::files::accounts::{Account, Accounts};
use super::plan::plan_account;

/// Makes units.
pub(super) struct Units<'a> {
    pub(super) machine: &'a Machine,
    pub(super) accounts: &'a Accounts,
    pub(super) word: &'a dyn Fn(&Argument) -> Result<String, Diagnostic>,
    pub(super) find: &'a dyn Fn(&str, &str) -> Option<String>,
}

impl Units<'_> {
    /// The entrypoint, whose program is looked up when it starts: what it is called tells it from other commands.
    pub(super) fn entrypoint(&self) -> Result<Option<PlanUnit>, Vec<Diagnostic>> {
        let Some(unit) = &self.machine.entrypoint else { return Ok(None) };
        let Some(account) = self.accounts.of_unit(&unit.user) else { return Ok(None) };
        let mut made = self.unit("entrypoint".to_owned(), unit, account)?;
        made.command = self.words(&unit.command)?;
        Ok(Some(made))
    }

    /// All daemons.
    pub(super) fn daemons(&self) -> Result<Vec<PlanUnit>, Vec<Diagnostic>> {
        let (mut units, mut wrong) = (Vec::new(), Vec::new());
        for (name, unit) in &self.machine.daemons {
            for account in self.accounts_of(unit) {
                match self.unit(instance(name, unit, account), unit, account) {
                    Ok(unit) => units.push(unit),
                    Err(errors) => wrong.extend(errors),
                }
            }
        }
        if wrong.is_empty() { Ok(units) } else { Err(wrong) }
    }

    /// Nix's own daemon, from the folder that holds its `bin`.
    pub(super) fn nix_daemon(&self, prefix: &str) -> PlanUnit {
        let root = self.accounts.by_uid(0).map(|account| plan_account(account, self.accounts));
        PlanUnit {
            command: vec![format!("{prefix}/bin/nix-daemon")],
            ready: Some(PlanReady::File("/nix/var/nix/daemon-socket/socket".to_owned())),
            restart: PlanRestart::Always,
            ..PlanUnit::bare("nix-daemon", &root.unwrap_or_else(PlanAccount::root))
        }
    }

    fn unit(&self, name: String, unit: &Unit, account: &Account) -> Result<PlanUnit, Vec<Diagnostic>> {
        let ready = unit.ready.as_ref().map(|ready| self.ready(ready, account)).transpose()?;
        let health = unit.health.as_ref().map(|health| self.health(health, account)).transpose()?;
        Ok(PlanUnit {
            name,
            command: self.command(&unit.command, account)?,
            account: plan_account(account, self.accounts),
            of_home: false,
            ports: unit.ports.clone(),
            secrets: unit.secrets.clone(),
            secret_files: unit.secret_files.clone(),
            after: unit.after.iter().flat_map(|name| self.instances(name, unit, account)).collect(),
            ready,
            health,
            oneshot: unit.oneshot,
            restart: plan_restart(unit.restart),
            stop: plan_stop(&unit.stop),
        })
    }

    /// The units that `after = ["name"]` means for one that runs as `account`: where both run once for each user, its own.
    fn instances(&self, name: &str, waiting: &Unit, account: &Account) -> Vec<String> {
        let Some(unit) = self.machine.daemons.get(name) else { return Vec::new() };
        let accounts = self.accounts_of(unit);
        let own = accounts.iter().find(|other| is_several(waiting) && is_several(unit) && other.name == account.name);
        match own {
            Some(own) => vec![instance(name, unit, own)],
            None => accounts.iter().map(|account| instance(name, unit, account)).collect(),
        }
    }

    fn accounts_of(&self, unit: &Unit) -> Vec<&Account> {
        match &unit.user {
            RunAs::Users(names) => names.iter().filter_map(|name| self.accounts.by_name(name)).collect(),
            RunAs::EveryUser => self.machine.users.keys().filter_map(|name| self.accounts.by_name(name)).collect(),
            one => self.accounts.of_unit(one).into_iter().collect(),
        }
    }

    /// The words, the first one absolute where that is possible.
    fn command(&self, command: &[Argument], account: &Account) -> Result<Vec<String>, Vec<Diagnostic>> {
        let mut words = self.words(command)?;
        if let Some(program) = words.first_mut().filter(|program| !program.contains('/'))
            && let Some(found) = (self.find)(&account.name, program)
        {
            *program = found;
        }
        Ok(words)
    }

    fn words(&self, command: &[Argument]) -> Result<Vec<String>, Vec<Diagnostic>> {
        command.iter().map(|argument| (self.word)(argument).map_err(|wrong| vec![wrong])).collect()
    }

    fn ready(&self, ready: &Ready, account: &Account) -> Result<PlanReady, Vec<Diagnostic>> {
        Ok(match ready {
            Ready::Port(port) => PlanReady::Port(*port),
            Ready::File(file) => PlanReady::File(file.clone()),
            Ready::Command(command) => PlanReady::Command(self.command(command, account)?),
            Ready::Notify => PlanReady::Notify,
        })
    }

    fn health(&self, health: &Health, account: &Account) -> Result<PlanHealth, Vec<Diagnostic>> {
        Ok(PlanHealth {
            http: health.http.clone(),
            command: self.command(&health.command, account)?,
            interval: millis(health.interval),
            grace: millis(health.grace),
        })
    }
}

fn is_several(unit: &Unit) -> bool {
    matches!(unit.user, RunAs::Users(_) | RunAs::EveryUser)
}

fn instance(name: &str, unit: &Unit, account: &Account) -> String {
    if is_several(unit) { format!("{name}@{}", account.name) } else { name.to_owned() }
}

fn plan_restart(restart: Restart) -> PlanRestart {
    match restart {
        Restart::OnFailure => PlanRestart::OnFailure,
        Restart::Always => PlanRestart::Always,
        Restart::No => PlanRestart::No,
    }
}

fn plan_stop(stop: &Stop) -> PlanStop {
    PlanStop { signal: stop.signal.clone(), grace: millis(stop.grace) }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
