//! Entering a machine as one of its users, with all that a login has.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Stdio;

use ::nix::unistd::Uid;
use thiserror::Error;

use crate::boot::{BootPlan, Layout, PLAN_PATH, PlanAccount, RUN};
use crate::failure::{Class, Classified};

use super::boot::{Ground, foreground};
use super::plan::{PlanError, read_plan};
use super::process::{self, Session};
use super::supervisor::control::{Request, client};
use super::supervisor::foreground::{NotFound, give_streams, resolved};
use super::supervisor::{environment, live};

/// What passes from the surroundings: where one is, and what the terminal can.
const PASSED: [&str; 8] = ["TERM", "COLORTERM", "LANG", "TZ", "SSH_AUTH_SOCK", "SSH_CONNECTION", "SSH_TTY", "NO_COLOR"];

const ROOT: &str = "root";

/// Why nobody can enter.
#[derive(Debug, Error)]
pub enum ShellError {
    /// This is no machine of dumbc's, or not one of this dumbc.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Nobody declared such a user.
    #[error("there is no user `{name}`")]
    NoUser {
        /// Who was named.
        name: String,
        /// Who is there.
        users: Vec<String>,
    },
    /// Only root may become somebody else.
    #[error("only root may enter as `{name}`")]
    NotRoot {
        /// Who was named.
        name: String,
    },
    /// The program can't be started.
    #[error("{message}")]
    NotStarted {
        /// Why.
        message: String,
        /// What shells give: 126, 127.
        code: u8,
    },
}

impl Classified for ShellError {
    fn class(&self) -> Class {
        match self {
            Self::NoUser { .. } | Self::NotRoot { .. } => Class::Usage,
            _ => Class::Other,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Plan(error) => error.help(),
            Self::NoUser { users, .. } => Some(format!("users of this machine: {}", users.join(", "))),
            Self::NotRoot { .. } => Some("from outside: docker exec -it CONTAINER dumbc shell USER".to_owned()),
            Self::NotStarted { .. } => None,
        }
    }
}

/// Becomes `user`'s login shell, or `command` run by it. Returns only what went wrong.
#[must_use]
pub fn enter(user: &str, command: &[String]) -> ShellError {
    match read_plan(Path::new(PLAN_PATH)).map_err(ShellError::from).and_then(|plan| prepare(&plan, user, command)) {
        Ok(mut ready) => {
            let error = ready.exec();
            let NotFound { message, code } =
                NotFound::of(&[ready.get_program().to_string_lossy().into_owned()], &error);
            ShellError::NotStarted { message, code }
        }
        Err(error) => error,
    }
}

fn prepare(plan: &BootPlan, user: &str, command: &[String]) -> Result<std::process::Command, ShellError> {
    let account = account(plan, user)?;
    if !Uid::effective().is_root() && Uid::effective().as_raw() != account.uid {
        return Err(ShellError::NotRoot { name: user.to_owned() });
    }
    let environment = environment_of(plan, &account);
    let path = environment.get("PATH").map(String::as_str).unwrap_or_default();
    let (arguments, name) = if command.is_empty() {
        let name = account.shell.rsplit('/').next().unwrap_or("sh");
        (vec![account.shell.clone()], format!("-{name}"))
    } else {
        let found =
            resolved(command, path).map_err(|NotFound { message, code }| ShellError::NotStarted { message, code })?;
        (found, command.first().cloned().unwrap_or_default())
    };
    if Uid::effective().is_root() {
        give_streams(&account);
    }
    let mut ready = process::command(&account, &arguments, &environment, Session::Inherited);
    ready.arg0(name).stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
    Ok(ready)
}

fn account(plan: &BootPlan, user: &str) -> Result<PlanAccount, ShellError> {
    let declared = plan.users.get(user).map(|declared| declared.account.clone());
    let other =
        || plan.entrypoint.iter().chain(&plan.daemons).map(|unit| &unit.account).find(|account| account.name == user);
    // The only account of every machine: who repairs one is root, whatever runs there.
    let root = || (user == ROOT).then(|| foreground::root(&Ground::system()));
    declared.or_else(|| other().cloned()).or_else(root).ok_or_else(|| {
        let users = plan.users.keys().map(String::as_str).chain([ROOT]).map(str::to_owned).collect();
        ShellError::NoUser { name: user.to_owned(), users }
    })
}

/// What the machine was started with, and of the surroundings what belongs to the terminal: those of root's own session are not
/// another's, and `docker exec` has secrets of units. Who can't ask the machine has what the image says.
fn environment_of(plan: &BootPlan, account: &PlanAccount) -> BTreeMap<String, String> {
    let layout = layout_in_use(plan);
    let manifest = plan
        .users
        .get(&account.name)
        .and_then(|declared| live::read_manifest(&live::generation(&layout, &account.name, &declared.generation).1));
    let mut outer = started_with().unwrap_or_else(|| plan.environment.clone());
    for name in PASSED {
        if let Ok(value) = std::env::var(name) {
            outer.insert(name.to_owned(), value);
        }
    }
    environment::of_account(plan, &outer, account, manifest.as_ref())
}

/// Where things lie in the machine that runs here: boot made a place in memory only where it uses that.
fn layout_in_use(plan: &BootPlan) -> Layout {
    let is_in_memory = Path::new(Layout::IN_MEMORY).is_dir();
    Layout::new(if is_in_memory { Layout::IN_MEMORY } else { &plan.volume })
}

/// The machine's own environment without units' secrets, as it tells root.
fn started_with() -> Option<BTreeMap<String, String>> {
    if !Uid::effective().is_root() {
        return None;
    }
    let answer = client::ask(Path::new(RUN), &Request::Environment {}).ok()?;
    serde_json::from_value(answer.value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> BootPlan {
        serde_json::from_value(serde_json::json!({
            "version": 1, "image": "m:latest", "system": "x86_64-linux", "hostname": "m", "runtime": "/r",
            "environment": {"PATH": "/sw/bin"}, "path": ["/sw/bin"], "volume": "/nowhere", "persist": [], "folders": [],
            "users": {"alice": {"account": {"name": "alice", "uid": 4242, "gid": 4242, "groups": [], "home": "/home/alice",
                "shell": "/bin/sh"}, "generation": "/nowhere"}},
            "daemons": [], "channels": {}, "logs": {"json": false, "persist": false}, "user-rebuild": true
        }))
        .unwrap()
    }

    #[test]
    fn a_login_has_the_users_own_environment() {
        let plan = plan();
        let environment = environment_of(&plan, &account(&plan, "alice").unwrap());
        assert_eq!(environment["HOME"], "/home/alice");
        assert_eq!(environment["PATH"], "/etc/profiles/per-user/alice/bin:/sw/bin");
        assert!(!environment.contains_key("CARGO_MANIFEST_DIR"), "nothing else of the surroundings passes");
    }

    #[test]
    fn root_is_always_there() {
        let plan = plan();
        let root = account(&plan, "root").unwrap();
        assert_eq!((root.name.as_str(), root.uid), ("root", 0));
        let environment = environment_of(&plan, &root);
        assert_eq!(environment["PATH"], "/sw/bin", "the system's packages, and nobody's own");
        assert_eq!((&environment["HOME"], environment["USER"].as_str()), (&root.home, "root"));
    }

    #[test]
    fn strangers_are_named() {
        let error = account(&plan(), "bob").expect_err("nobody");
        assert_eq!(error.to_string(), "there is no user `bob`");
        assert_eq!(error.help(), Some("users of this machine: alice, root".to_owned()));
    }
}
