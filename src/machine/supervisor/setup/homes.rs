//! Units of users' homes. What a home says is its user's to write: who runs what, and with which secrets, is not.

use std::collections::{BTreeMap, BTreeSet};

use crate::boot::PlanUnit;

use super::super::core::{Role, Unit};
use super::super::live;
use super::{MOST_OF_A_HOME, OF_IMAGE, STORE_UNIT, Setup};

impl Setup {
    /// What makes a user's own home again, in the background, if the image has brought another one to make it on top of.
    pub(super) fn renewal(&self, user: &str) -> Option<Unit> {
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

    /// A home that was made in the machine gets the secrets that its image's generation names, and no others.
    fn refused_secret(&self, user: &str, unit: &PlanUnit) -> Option<String> {
        if unit.secrets.is_empty() && unit.secret_files.is_empty() {
            return None;
        }
        let image = self.plan.users.get(user).and_then(|user| live::read_manifest(&user.generation));
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
