//! What dumbc itself adds: the system environment, root files, the Nix database.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::channel::Lock;
use crate::config::{Argument, Diagnostic, Machine, RequestKind, Severity, System};
use crate::deb::PackageName;
use crate::image::ImagePath;
use crate::image::tree::Tree;
use crate::nix::StorePath;
use crate::progress::Progress;
use crate::root::addressed::Addressed;
use crate::root::base::place::{settle, settle_declared};
use crate::root::base::{has_shell, supply};
use crate::root::boot::{BootFiles, boot_files};
use crate::root::check::{Check, check};
use crate::root::database::{ValidPath, nix_database};
use crate::root::debian::Merged;
use crate::root::debian::users::PackageAccounts;
use crate::root::environment::environment;
use crate::root::files::accounts::Accounts;
use crate::root::files::owners::resolve_owners;
use crate::root::files::{environment_variables, root_files};
use crate::root::supplies::Supplies;
use crate::root::view::{NO_PACKAGES, ReadContent, View};

use super::Error;
use super::base::BaseImage;
use super::boot::{BootPart, Planning, profiles, put_new, put_plan, stands};
use super::content::Content;
use super::debian::{DebPart, Debian};
use super::root::Composer;
use super::run_config::word;
use super::sbom::Inventory;
use super::view::{Listings, Shelf};

/// Generated units.
pub(super) struct Generated {
    /// The system environment, a store path. `None` where only Debian's packages are requested: they stand in `/usr`.
    pub(super) environment: Option<Addressed>,
    /// The Nix database, where the machine has Nix.
    pub(super) database: Option<Tree>,
    /// Files of the root.
    pub(super) root: Tree,
    /// Everybody in the machine.
    pub(super) accounts: Accounts,
    /// Variables of the image's configuration.
    pub(super) variables: BTreeMap<String, String>,
    /// Whether there is a shell to fall back to.
    pub(super) has_shell: bool,
    /// Commands that are not there, or can't run.
    pub(super) findings: Vec<Diagnostic>,
    /// What `dumbc check` tells of Debian's packages: what their scripts do and nobody here knows.
    pub(super) doubts: Vec<Diagnostic>,
    /// What each Debian package brings.
    pub(super) debs: BTreeMap<PackageName, DebPart>,
    /// dpkg's database, where there are Debian packages.
    pub(super) dpkg: Option<Tree>,
    /// Runtime and homes, where the image boots.
    pub(super) boot: Option<BootPart>,
    /// Numbers of users that packages create, for the lock.
    pub(super) ids: BTreeMap<String, u32>,
    /// What packages answered, for the next build. Put in when nothing more is asked.
    pub(super) facts: Option<Tree>,
}

/// What the generators look at.
pub(super) struct Inputs<'a> {
    pub(super) machine: &'a Machine,
    pub(super) lock: &'a Lock,
    pub(super) system: System,
    pub(super) closure: &'a BTreeSet<StorePath>,
    pub(super) shelf: &'a Shelf<'a>,
    /// What the image stands on.
    pub(super) base: Option<&'a BaseImage>,
    /// Where the image boots.
    pub(super) runtime: Option<&'a Addressed>,
    pub(super) progress: &'a dyn Progress,
}

impl Inputs<'_> {
    /// All of them. What `[files]` declares goes over the generated root.
    pub(super) fn generate(&self, content: &mut Content) -> Result<Generated, Error> {
        let mut listings = Listings::new(self.shelf);
        for local in content.local.values() {
            listings.insert(local.path.clone(), local.listing().map_err(std::io::Error::other)?);
        }
        let requested = self.requested(content);
        let requested = requested.iter().collect::<Vec<_>>();
        let environment = self.environment_of(&requested, &mut listings)?;
        let profile = environment.as_ref().map(|environment| &environment.path);
        let mut debian = Debian::gather(self.lock, self.system, self.shelf)?;
        let mut ids = self.lock.ids.clone();
        let mut composer = Composer::new(self.machine, self.system, &listings, &mut debian);
        let accounts = composer.supply(&mut ids, &content.declared)?;
        let supplies = self.supplies(&composer, profile, &requested, accounts)?;
        let lookup = |name: &str| self.lock.package_path(self.machine, self.system, name);
        let mut variables = environment_variables(self.machine, &supplies, &lookup).map_err(Error::Files)?;
        self.base.iter().for_each(|base| base.environment_under(&mut variables));
        let mut root = root_files(self.machine, profile, &supplies, &variables);
        let accounts = Accounts::of(self.machine, &supplies);
        root.diagnostics.extend(resolve_owners(&mut content.declared, &accounts));
        self.tell(root.diagnostics)?;
        put_new(&mut root.tree, self.inventory(content).file()?);
        self.settle(&mut root.tree)?;
        if let Some(base) = self.base {
            content.declared.iter_mut().try_for_each(|declared| settle_declared(declared, &base.root))?;
        }
        let note = |message: &str| self.progress.note(message);
        let dpkg = composer.complete(&mut root.tree, &mut content.declared, &accounts, &note)?;
        let doubts = composer.doubts;
        let mut standing = Standing {
            root: root.tree,
            listings,
            merged: self.merged(&debian),
            content,
            accounts: &accounts,
            variables: &variables,
            profiles: Tree::new(),
        };
        let of_us = content.local.values().chain(&environment);
        let mut valid = self.valid_paths(of_us)?;
        let boot = self
            .runtime
            .map(|runtime| {
                let read = |path: &ImagePath, offset: u64, length: usize| self.read(&debian, path, offset, length);
                self.boot(runtime, &mut standing, &mut valid, &read)
            })
            .transpose()?;
        let Standing { mut root, listings, profiles, .. } = standing;
        self.settle(&mut root)?;
        let roots = requested.iter().copied().chain(environment.iter().map(|environment| &environment.path));
        let roots = roots.chain(boot.iter().flat_map(BootPart::paths)).collect::<Vec<_>>();
        let mut database = self.machine.nix.as_ref().map(|_| nix_database(&valid, &roots)).transpose()?;
        database.iter_mut().try_for_each(|database| self.settle(database))?;
        let mut trees = vec![&root, &profiles];
        trees.extend(content.declared.iter().map(|declared| &declared.tree));
        let findings = check(&Check {
            machine: self.machine,
            system: self.system,
            view: View { trees: &trees, packages: &listings, merged: self.merged(&debian) },
            supplies: &supplies,
            locals: &content.local.iter().map(|(written, local)| (written.clone(), local.path.clone())).collect(),
            lookup: &lookup,
            path: variables.get("PATH").map_or("", String::as_str),
            read: &|path, offset, length| self.read(&debian, path, offset, length),
        });
        let has_shell = supplies.sh.is_some() || self.base.is_some_and(|base| has_shell(&base.root));
        let has_debs = !debian.is_empty();
        let (dpkg, debs) = (has_debs.then_some(dpkg), debian.into_parts());
        let part = Generated {
            environment,
            database,
            root,
            accounts,
            variables,
            has_shell,
            findings,
            doubts,
            debs,
            dpkg,
            boot,
            ids,
            facts: None,
        };
        Ok(part)
    }

    /// What goes into the SBOM.
    fn inventory<'b>(&'b self, content: &'b Content) -> Inventory<'b> {
        let Self { machine, lock, system, closure, .. } = *self;
        Inventory { machine, lock, system, closure, content, library: Some(self.shelf) }
    }

    /// Puts generated files where the base image has room for them.
    fn settle(&self, tree: &mut Tree) -> Result<(), Error> {
        Ok(self.base.map_or(Ok(()), |base| settle(tree, &base.root, "the generated root"))?)
    }

    /// What stands below everything else: Debian's packages, or the base image.
    fn merged<'m>(&'m self, debian: &'m Debian<'_>) -> &'m Merged {
        self.base.filter(|_| debian.is_empty()).map_or(&debian.merge.merged, |base| &base.merged)
    }

    /// What makes the machine boot, over what stands. Its store paths are `valid`, too.
    fn boot(
        &self,
        runtime: &Addressed,
        standing: &mut Standing<'_>,
        valid: &mut Vec<ValidPath>,
        read: &ReadContent<'_>,
    ) -> Result<BootPart, Error> {
        let exists = |path: &str| standing.with_view(|view| stands(view, path));
        let (machine, accounts) = (self.machine, standing.accounts);
        let files = boot_files(&BootFiles { machine, accounts, runtime: &runtime.path, exists: &exists });
        put_new(&mut standing.root, files);
        let homes = self.homes(standing, read)?;
        // Users with the same packages share a union of them.
        let units = homes.values().flat_map(|home| home.profile.iter().chain([&home.generation]));
        let units: BTreeMap<_, _> = units.map(|unit| (&unit.path, unit)).collect();
        let part = BootPart { runtime: runtime.clone(), homes: units.into_values().cloned().collect() };
        for unit in part.units() {
            standing.listings.insert(unit.path.clone(), unit.listing().map_err(io::Error::other)?);
        }
        standing.profiles = profiles(&homes);
        valid.extend(part.units().map(ValidPath::from));
        sort(valid);
        let plan = standing.with_view(|view| {
            let lookup = |name: &str| self.lock.package_path(machine, self.system, name);
            let word = |argument: &Argument| word(argument, standing.content, &lookup);
            let Standing { accounts, variables, .. } = *standing;
            Planning {
                machine,
                lock: self.lock,
                system: self.system,
                accounts,
                variables,
                runtime: &runtime.path,
                view,
                word: &word,
            }
            .plan(&homes)
        })?;
        put_plan(&mut standing.root, &plan, &homes, valid)?;
        Ok(part)
    }

    /// The system environment, and its listing with the others. Debian's packages need none: they stand in `/usr`.
    fn environment_of(
        &self,
        requested: &[&StorePath],
        listings: &mut Listings<'_>,
    ) -> Result<Option<Addressed>, Error> {
        if requested.is_empty() && self.shelf.has_debs() {
            return Ok(None);
        }
        let environment = self.environment(requested, listings)?;
        listings.insert(environment.path.clone(), environment.listing().map_err(io::Error::other)?);
        Ok(Some(environment))
    }

    /// Warns of what is only odd; the rest ends the build.
    fn tell(&self, findings: Vec<Diagnostic>) -> Result<(), Error> {
        let (errors, warnings): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(|finding| finding.severity == Severity::Error);
        if !errors.is_empty() {
            return Err(Error::Files(errors));
        }
        for warning in &warnings {
            self.progress.warn(&warning.message);
        }
        Ok(())
    }

    /// What the root files lean on, from both kinds of packages.
    fn supplies(
        &self,
        composer: &Composer<'_, '_>,
        environment: Option<&StorePath>,
        requested: &[&StorePath],
        accounts: PackageAccounts,
    ) -> Result<Supplies, Error> {
        let debian = &*composer.debian;
        let trees = [composer.early()];
        let view = View { trees: &trees, packages: composer.listings, merged: &debian.merge.merged };
        let supplying = self.supplying(requested);
        let mut supplies = Supplies::find(view, environment, &supplying, &self.machine.timezone);
        supplies.make_bundle(view, &supplying, &|path, offset, length| self.read(debian, path, offset, length))?;
        if !debian.is_empty() {
            supplies.debian = Some(composer.base(view, accounts)?);
        }
        if let Some(base) = self.base {
            supply(&base.root, &mut supplies, &self.machine.timezone)?;
        }
        Ok(supplies)
    }

    /// Bytes of any package's file.
    fn read(&self, debian: &Debian<'_>, path: &ImagePath, offset: u64, length: usize) -> io::Result<Option<Vec<u8>>> {
        match debian.read(path, offset, length)? {
            None => self.shelf.read_path(path, offset, length),
            found => Ok(found),
        }
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

    fn environment(&self, requested: &[&StorePath], listings: &Listings<'_>) -> Result<Addressed, Error> {
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

    /// Packages, and what follows from the project's own content.
    fn valid_paths<'b>(&self, generated: impl Iterator<Item = &'b Addressed>) -> Result<Vec<ValidPath>, Error> {
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
        valid.extend(generated.map(ValidPath::from));
        sort(&mut valid);
        Ok(valid)
    }
}

/// By path, each once.
fn sort(valid: &mut Vec<ValidPath>) {
    valid.sort_by(|a, b| a.path.cmp(&b.path));
    valid.dedup_by(|a, b| a.path == b.path);
}

/// The image as far as it stands.
pub(super) struct Standing<'a> {
    /// Generated files.
    pub(super) root: Tree,
    /// Listings of store paths.
    pub(super) listings: Listings<'a>,
    /// Debian's packages.
    pub(super) merged: &'a Merged,
    /// The project's own content.
    pub(super) content: &'a Content,
    /// Everybody in the machine.
    pub(super) accounts: &'a Accounts,
    /// The image's environment.
    pub(super) variables: &'a BTreeMap<String, String>,
    /// Links to users' profiles.
    pub(super) profiles: Tree,
}

impl Standing<'_> {
    /// What `look` sees in it.
    pub(super) fn with_view<T>(&self, look: impl FnOnce(View<'_>) -> T) -> T {
        let mut trees = vec![&self.root, &self.profiles];
        trees.extend(self.content.declared.iter().map(|declared| &declared.tree));
        // What is local is listed with the packages; its bytes are here.
        trees.extend(self.content.local.values().map(|local| &local.tree));
        look(View { trees: &trees, packages: &self.listings, merged: self.merged })
    }
}
