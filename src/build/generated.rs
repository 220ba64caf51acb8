//! What dumbc itself adds: the system environment, root files, the Nix database.

use std::collections::{BTreeMap, BTreeSet};

use crate::channel::Lock;
use crate::config::{Diagnostic, Machine, RequestKind, Severity, System};
use crate::image::ImagePath;
use crate::image::listing::Listing;
use crate::image::tree::Tree;
use crate::nix::StorePath;
use crate::progress::Progress;
use crate::root::addressed::Addressed;
use crate::root::check::{Check, check};
use crate::root::database::{ValidPath, nix_database};
use crate::root::environment::environment;
use crate::root::files::overlay::overlay;
use crate::root::files::{PATH, environment_variables, root_files};
use crate::root::supplies::Supplies;
use crate::root::view::{NO_PACKAGES, View};

use super::Error;
use super::content::Content;
use super::view::Shelf;

/// Generated units.
pub(super) struct Generated {
    /// The system environment, a store path.
    pub(super) environment: Addressed,
    /// The Nix database, where the machine has Nix.
    pub(super) database: Option<Tree>,
    /// Files of the root.
    pub(super) root: Tree,
    /// Variables of the image's configuration.
    pub(super) variables: BTreeMap<String, String>,
    /// Whether there is a shell to fall back to.
    pub(super) has_shell: bool,
    /// Commands that are not there, or can't run.
    pub(super) findings: Vec<Diagnostic>,
}

/// What the generators look at.
pub(super) struct Inputs<'a> {
    pub(super) machine: &'a Machine,
    pub(super) lock: &'a Lock,
    pub(super) system: System,
    pub(super) closure: &'a BTreeSet<StorePath>,
    pub(super) shelf: &'a Shelf<'a>,
    pub(super) progress: &'a dyn Progress,
}

impl Inputs<'_> {
    /// All of them. What `[files]` declares goes over the generated root.
    pub(super) fn generate(&self, content: &mut Content) -> Result<Generated, Error> {
        let mut listings = self.shelf.listings()?;
        for local in content.local.values() {
            listings.insert(local.path.clone(), local.listing().map_err(std::io::Error::other)?);
        }
        let requested = self.requested(content);
        let requested = requested.iter().collect::<Vec<_>>();
        let environment = self.environment(&requested, &listings)?;
        listings.insert(environment.path.clone(), environment.listing().map_err(std::io::Error::other)?);
        let view = View { trees: &[], packages: &listings, merged: &NO_PACKAGES };
        let supplying = self.supplying(&requested);
        let mut supplies = Supplies::find(view, &environment.path, &supplying, &self.machine.timezone);
        let read = |path: &ImagePath, offset, length| self.shelf.read_path(path, offset, length);
        supplies.make_bundle(view, &supplying, &read)?;
        let lookup = |name: &str| self.lock.package_path(self.machine, self.system, name);
        let variables = environment_variables(self.machine, &supplies, &lookup).map_err(Error::Files)?;
        let mut root = root_files(self.machine, &environment.path, &supplies, &variables);
        let (errors, warnings): (Vec<_>, Vec<_>) =
            root.diagnostics.into_iter().partition(|diagnostic| diagnostic.severity == Severity::Error);
        if !errors.is_empty() {
            return Err(Error::Files(errors));
        }
        for warning in &warnings {
            self.progress.warn(&warning.message);
        }
        for replaced in overlay(&mut root.tree, &mut content.declared) {
            self.progress.note(&replaced.to_string());
        }
        let database =
            self.machine.nix.as_ref().map(|_| self.database(content, &environment, &requested)).transpose()?;
        let has_shell = supplies.sh.is_some();
        let mut trees = vec![&root.tree];
        trees.extend(content.declared.iter().map(|declared| &declared.tree));
        let findings = check(&Check {
            machine: self.machine,
            system: self.system,
            view: View { trees: &trees, packages: &listings, merged: &NO_PACKAGES },
            supplies: &supplies,
            locals: &content.local.iter().map(|(written, local)| (written.clone(), local.path.clone())).collect(),
            lookup: &lookup,
            path: variables.get("PATH").map_or(PATH, String::as_str),
            read: &read,
        });
        Ok(Generated { environment, database, root: root.tree, variables, has_shell, findings })
    }

    /// The requested store paths, in the order of the files.
    fn requested(&self, content: &Content) -> Vec<StorePath> {
        let default = self.machine.default_channel.as_deref();
        let mut requested = Vec::<StorePath>::new();
        for request in &self.machine.packages {
            let paths = match &request.kind {
                RequestKind::Local(written) => content.store_path(written).cloned().into_iter().collect(),
                _ => self.lock.answer(self.system, request, default).map_or_else(Vec::new, |answer| {
                    answer.outputs.iter().map(|(_, path)| path.clone()).collect::<Vec<_>>()
                }),
            };
            for path in paths {
                if !requested.contains(&path) {
                    requested.push(path);
                }
            }
        }
        requested
    }

    /// Packages that the root may lean on: requested ones, then those that come by default.
    fn supplying<'b>(&'b self, requested: &[&'b StorePath]) -> Vec<&'b StorePath> {
        let answers = self.lock.requests.iter().filter(|((system, _), _)| *system == self.system);
        let defaults = answers.flat_map(|(_, answer)| &answer.outputs).map(|(_, path)| path);
        let mut supplying = requested.to_vec();
        supplying.extend(defaults.filter(|path| !requested.contains(path)));
        supplying
    }

    fn environment(
        &self,
        requested: &[&StorePath],
        listings: &BTreeMap<StorePath, Listing>,
    ) -> Result<Addressed, Error> {
        let view = View { trees: &[], packages: listings, merged: &NO_PACKAGES };
        let environment = environment(requested, view, |one, two| self.shelf.same(one, two))?;
        for shadowed in &environment.shadowed {
            self.progress.note(&shadowed.to_string());
        }
        for path in &environment.left_out {
            self.progress.note(&format!("{path} is in the image, but has nothing for the system environment"));
        }
        Ok(environment.addressed)
    }

    fn database(&self, content: &Content, environment: &Addressed, requested: &[&StorePath]) -> Result<Tree, Error> {
        let mut valid = Vec::new();
        for path in self.closure {
            let package = self.lock.packages.get(path).ok_or_else(|| Error::OutsideLock { path: path.clone() })?;
            valid.push(ValidPath {
                path: path.clone(),
                nar_hash: package.nar_hash,
                nar_size: package.nar_size,
                references: package.references.clone(),
                deriver: package.deriver.clone(),
                signatures: package.signatures.clone(),
                content_address: package.content_address.clone(),
            });
        }
        let generated = content.local.values().chain([environment]);
        valid.extend(generated.map(|addressed: &Addressed| ValidPath::from(addressed)));
        valid.sort_by(|a, b| a.path.cmp(&b.path));
        valid.dedup_by(|a, b| a.path == b.path);
        let roots = requested.iter().copied().chain([&environment.path]).collect::<Vec<_>>();
        Ok(nix_database(&valid, &roots)?)
    }
}
