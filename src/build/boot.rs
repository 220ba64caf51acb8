//! What a machine that boots has beside its packages: the runtime, homes, the boot plan and what it names.

use std::collections::BTreeMap;

use crate::boot::{BootPlan, HOMES_PATH, HomeBase, PLAN_PATH, PlanRelease, REGISTRATION_PATH};
use crate::channel::{Lock, LockedChannel, LockedRelease};
use crate::config::{Argument, Diagnostic, Machine, System};
use crate::image::ImagePath;
use crate::image::tree::{Metadata, Node, Tree};
use crate::nix::StorePath;
use crate::root::addressed::Addressed;
use crate::root::boot::{PlanInputs, USER_PROFILES, boot_plan, command_folders, folders, registration};
use crate::root::database::ValidPath;
use crate::root::files::accounts::Accounts;
use crate::root::view::View;

use super::Error;

/// Units that only a machine that boots has.
pub(super) struct BootPart {
    /// The store path that holds `bin/dumbc`.
    pub(super) runtime: Addressed,
    /// Generations of homes and the unions of their packages.
    pub(super) homes: Vec<Addressed>,
}

impl BootPart {
    /// The program that everything begins with.
    pub(super) fn program(&self) -> String {
        format!("{}/bin/dumbc", self.runtime.path)
    }

    /// Where all of it lies.
    pub(super) fn paths(&self) -> impl Iterator<Item = &StorePath> {
        self.units().map(|unit| &unit.path)
    }

    /// All of it.
    pub(super) fn units(&self) -> impl Iterator<Item = &Addressed> {
        std::iter::once(&self.runtime).chain(&self.homes)
    }
}

/// A user's home in the image.
pub(super) struct Home {
    /// The generation.
    pub(super) generation: Addressed,
    /// The union of its packages.
    pub(super) profile: Option<Addressed>,
    /// What it was made of.
    pub(super) base: HomeBase,
}

/// Homes by their users.
pub(super) type Homes = BTreeMap<String, Home>;

/// Users' profiles as they will be linked: for whoever looks a command up.
pub(super) fn profiles(homes: &Homes) -> Tree {
    let profile = |(name, home): (&String, &Home)| {
        let path = ImagePath::new(format!("{USER_PROFILES}/{name}").as_bytes()).ok()?;
        let target = home.profile.as_ref()?.path.to_string().into_bytes();
        Some((path, (Metadata::root(0o777), Node::Symlink(target))))
    };
    homes.iter().filter_map(profile).collect()
}

/// What the plan is made of.
pub(super) struct Planning<'a> {
    pub(super) machine: &'a Machine,
    pub(super) lock: &'a Lock,
    pub(super) system: System,
    pub(super) accounts: &'a Accounts,
    pub(super) variables: &'a BTreeMap<String, String>,
    pub(super) runtime: &'a StorePath,
    /// Everything in the image but the plan, [`profiles`] among it.
    pub(super) view: View<'a>,
    pub(super) word: &'a dyn Fn(&Argument) -> Result<String, Diagnostic>,
}

impl Planning<'_> {
    /// The plan for `homes`.
    pub(super) fn plan(&self, homes: &Homes) -> Result<BootPlan, Error> {
        let find = |user: &str, name: &str| {
            let found = self.view.find_command(&self.folders(user), name)?;
            Some(format!("/{}", String::from_utf8_lossy(found.as_bytes())))
        };
        let generations = homes.iter().map(|(name, home)| (name.clone(), home.generation.path.clone())).collect();
        let nix = if self.machine.nix.as_ref().is_some_and(|nix| nix.daemon) { Some(self.nix()?) } else { None };
        boot_plan(PlanInputs {
            machine: self.machine,
            system: self.system,
            accounts: self.accounts,
            variables: self.variables,
            runtime: self.runtime,
            generations: &generations,
            word: self.word,
            find: &find,
            folders: folders(self.view.trees, self.view.merged),
            nix,
            releases: self.lock.channels.iter().filter_map(release).collect(),
        })
        .map_err(Error::Files)
    }

    fn folders(&self, user: &str) -> Vec<ImagePath> {
        command_folders(user, &self.machine.path.join(":"))
    }

    /// The folder that holds Nix's `bin`.
    fn nix(&self) -> Result<String, Error> {
        let found =
            self.view.find_command(&self.folders("root"), "nix-daemon").and_then(|path| self.view.resolve(&path));
        let Some((daemon, _)) = found else {
            let missing =
                Diagnostic::error("`[nix] daemon` needs nix-daemon, which no package of the system brings", None);
            return Err(Error::Files(vec![missing.help("add \"nix\" to `packages`, or remove `daemon = true`")]));
        };
        let bin = daemon.parent().and_then(|bin| bin.parent()).unwrap_or_default();
        Ok(format!("/{}", String::from_utf8_lossy(bin.as_bytes())))
    }
}

/// What a lock pins of a NixOS channel.
fn release((channel, locked): (&String, &LockedChannel)) -> Option<(String, PlanRelease)> {
    let LockedRelease { name, evaluation, .. } = locked.release.clone()?;
    Some((channel.clone(), PlanRelease { name, evaluation }))
}

/// Puts the plan and what it names below `/etc/dumbc` of `root`.
pub(super) fn put_plan(root: &mut Tree, plan: &BootPlan, homes: &Homes, valid: &[ValidPath]) -> Result<(), Error> {
    let mut put = |path: &str, content: Vec<u8>| -> Result<(), Error> {
        let path = ImagePath::new(path.as_bytes()).map_err(std::io::Error::other)?;
        for parent in std::iter::successors(path.parent(), ImagePath::parent).filter(|parent| !parent.is_root()) {
            root.entry(parent).or_insert((Metadata::root(0o755), Node::Directory));
        }
        root.insert(path, (Metadata::root(0o644), Node::File(content)));
        Ok(())
    };
    put(PLAN_PATH, json(plan)?)?;
    put(REGISTRATION_PATH, registration(valid).into_bytes())?;
    for (name, home) in homes {
        put(&format!("{HOMES_PATH}/{name}.json"), json(&home.base)?)?;
    }
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, Error> {
    let mut text = serde_json::to_vec_pretty(value).map_err(std::io::Error::other)?;
    text.push(b'\n');
    Ok(text)
}

/// What of `tree` stands nowhere yet is put into `root`.
pub(super) fn put_new(root: &mut Tree, tree: Tree) {
    for (path, entry) in tree {
        root.entry(path).or_insert(entry);
    }
}

/// Whether something other than a folder stands at a path.
pub(super) fn stands(view: View<'_>, path: &str) -> bool {
    let found = ImagePath::new(path.as_bytes()).ok().and_then(|path| view.get(&path));
    found.is_some_and(|kind| kind != crate::root::view::Kind::Directory)
}
