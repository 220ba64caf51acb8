//! The environment of units, of the foreground and of `dumbc shell`.
//!
//! Pure. What a container is started with wins over what a user's home wants, and that over what the image says.

use std::collections::BTreeMap;

use crate::boot::{BootPlan, PlanAccount};
use crate::home::manifest::Manifest;

/// Where a declared user's packages are.
const PROFILES: &str = "/etc/profiles/per-user";

/// Variables of the surroundings that are about another process.
const FOREIGN: [&str; 5] = ["NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_USEC"];

/// The environment of a process of `account`: the container's, who and where it is, and what its home adds. Secrets are the caller's.
#[must_use]
pub fn of_account(
    plan: &BootPlan,
    container: &BTreeMap<String, String>,
    account: &PlanAccount,
    manifest: Option<&Manifest>,
) -> BTreeMap<String, String> {
    let mut environment = container.clone();
    for name in FOREIGN {
        environment.remove(name);
    }
    let is_overridden = |name: &str| container.contains_key(name) && container.get(name) != plan.environment.get(name);
    for (name, value) in manifest.iter().flat_map(|manifest| &manifest.session_variables) {
        if !is_overridden(name) {
            environment.insert(name.clone(), value.clone());
        }
    }
    let own = [
        ("HOME", account.home.clone()),
        // Where it starts; shells so tell a home that is a link by its own name.
        ("PWD", account.home.clone()),
        ("USER", account.name.clone()),
        ("LOGNAME", account.name.clone()),
        ("SHELL", account.shell.clone()),
        ("XDG_RUNTIME_DIR", format!("/run/user/{}", account.uid)),
        ("PATH", path(plan, container, account, manifest)),
    ];
    environment.extend(own.map(|(name, value)| (name.to_owned(), value)));
    environment
}

/// Where `nix profile` leads to in a home, of older and newer releases.
const NIX_PROFILES: [&str; 2] = [".nix-profile", ".local/state/nix/profile"];

/// The home's folders, the user's packages, what the container's own PATH has, then the system's; each once.
fn path(
    plan: &BootPlan,
    container: &BTreeMap<String, String>,
    account: &PlanAccount,
    manifest: Option<&Manifest>,
) -> String {
    let session = manifest.map(|manifest| manifest.session_path.clone()).unwrap_or_default();
    let is_declared = plan.users.contains_key(&account.name);
    let profile = is_declared.then(|| format!("{PROFILES}/{}/bin", account.name));
    let outer = container.get("PATH").map(String::as_str).unwrap_or_default();
    let mut folders: Vec<String> = Vec::new();
    let of_nix = plan
        .nix
        .iter()
        .filter(|_| is_declared)
        .flat_map(|_| NIX_PROFILES)
        .map(|below| format!("{}/{below}/bin", account.home));
    let all = session
        .into_iter()
        .chain(profile)
        .chain(of_nix)
        .chain(outer.split(':').map(str::to_owned))
        .chain(plan.path.clone());
    for folder in all.filter(|folder| folder.starts_with('/') && !folder.contains(':')) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders.join(":")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::machine::boot::tests::account;

    /// A plan without anything that runs.
    pub(in super::super) fn plan() -> BootPlan {
        serde_json::from_value(serde_json::json!({
            "version": 1, "image": "m:latest", "system": "x86_64-linux", "hostname": "m", "runtime": "/r",
            "environment": {"PATH": "/sw/bin", "EDITOR": "vi", "PAGER": "less"}, "path": ["/sw/bin"], "volume": "/data",
            "persist": [], "folders": [],
            "users": {"alice": {"account": account("alice", 1000), "generation": "/nix/store/x-home-alice"}},
            "daemons": [], "channels": {}, "logs": {"json": false, "persist": false}, "user-rebuild": true
        }))
        .unwrap()
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn manifest() -> Manifest {
        Manifest {
            version: 1,
            user: "alice".to_owned(),
            files: BTreeMap::new(),
            session_variables: map(&[("EDITOR", "nvim"), ("PAGER", "most"), ("NEW", "1"), ("HOME", "/elsewhere")]),
            session_path: vec!["/home/alice/bin".to_owned()],
            backup_extension: None,
            daemons: Vec::new(),
            packages: BTreeMap::new(),
        }
    }

    #[test]
    fn the_container_wins_over_the_home_and_the_home_over_the_image() {
        let container = map(&[("PATH", "/sw/bin"), ("EDITOR", "vi"), ("PAGER", "cat"), ("HOME", "/root")]);
        let environment = of_account(&plan(), &container, &account("alice", 1000), Some(&manifest()));
        let lines: Vec<String> = environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        EDITOR=nvim
        HOME=/home/alice
        LOGNAME=alice
        NEW=1
        PAGER=cat
        PATH=/home/alice/bin:/etc/profiles/per-user/alice/bin:/sw/bin
        PWD=/home/alice
        SHELL=/bin/sh
        USER=alice
        XDG_RUNTIME_DIR=/run/user/1000
        ");
    }

    #[test]
    fn a_path_of_the_containers_own_stays_before_the_systems() {
        let container = map(&[("PATH", "/opt/bin::.:/sw/bin"), ("NOTIFY_SOCKET", "/x")]);
        let environment = of_account(&plan(), &container, &account("root", 0), None);
        assert_eq!(environment["PATH"], "/opt/bin:/sw/bin");
        assert!(!environment.contains_key("NOTIFY_SOCKET"));
    }
}
