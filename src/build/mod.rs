//! From three files to an image: the whole way, a line a stage.
//!
//! [`Project`] holds what all stages share; [`Project::resolve`] yields the lock, [`Project::build`] images, [`Built::write`] files.

mod base;
mod boot;
mod content;
mod debian;
mod debs;
mod error;
mod facts;
mod generated;
mod homes;
mod layers;
mod output;
mod packages;
mod previous;
mod root;
mod run_config;

mod runtime;
mod sbom;
mod stock;
mod units;
mod view;
mod volatility;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::channel::{ChannelSources, LOCK_FILE, Lock, Mode, Resolution, resolve};
use crate::config::{Diagnostic, Machine, System};
use crate::export::Image;
use crate::image::codec::Codec;
use crate::image::documents::configuration;
use crate::nix::StorePath;
use crate::plan::{self, Options as PlanOptions, Plan, plan};
use crate::progress::Progress;
use crate::root::addressed::Addressed;
use crate::root::runtime::RuntimeChoice;
use crate::store::{Pool, Store};

use base::{BaseImage, base_layers};
use content::{Content, content};
use debs::Debs;
use facts::Facts;
use generated::{Generated, Inputs};
use layers::Assembly;
use packages::{CachesOf, Packages, keys};
use stock::{Absent, Missing, Stock, Supply};
use units::{deb_id, units};
use view::{MakeFragment, Shelf};

pub use base::{BaseError, Registries, pin_base};
pub use error::Error;
pub use facts::FactsError;
pub use output::{Built, Destination, Summary};
pub use previous::{Previous, PreviousError, PreviousOf};
pub use runtime::{ImageRuntime, pin_runtimes};

/// Layers that generated units take: the system environment with the databases, and the root files.
const GENERATED_LAYERS: usize = 2;
/// The runtime is another one, where the image boots.
const RUNTIME_LAYERS: usize = 1;

/// A machine with everything that its build needs.
pub struct Project<'a> {
    /// What is to be built.
    pub machine: &'a Machine,
    /// Where fragments lie.
    pub store: &'a Store,
    /// Threads that compress, and as many that fetch.
    pub pool: &'a Pool,
    /// How layers are compressed.
    pub codec: Codec,
    /// Indexes, caches and archives, opened at the first question and once for all that is asked.
    pub sources: ChannelSources<'a>,
    /// Which program boots images.
    pub runtime: RuntimeChoice,
    /// The registries' client, for base images.
    pub registries: &'a Registries<'a>,
    /// Where narration goes.
    pub progress: &'a dyn Progress,
}

impl Project<'_> {
    /// `dumbc.lock`, beside the files.
    #[must_use]
    pub fn lock_path(&self) -> PathBuf {
        self.machine.project.join(LOCK_FILE)
    }

    /// The lock as it lies on the disk.
    pub fn read_lock(&self) -> Result<Option<Lock>, Error> {
        Ok(Lock::read(&self.lock_path())?)
    }

    /// A lock that answers everything that the machine asks. Nothing is written.
    pub fn resolve(&self, mode: &Mode) -> Result<Resolution, Error> {
        let previous = self.read_lock()?;
        let mut resolution = resolve(self.machine, previous.as_ref(), mode, &self.sources, self.progress)?;
        if *mode != Mode::Locked {
            pin_base(&mut resolution.lock, self.machine, mode, self.registries, self.progress)?;
            resolution.stale |= previous.as_ref() != Some(&resolution.lock);
        }
        Ok(resolution)
    }

    /// Layers and units for one system, from the lock and the project's own content alone.
    pub fn plan(&self, lock: &Lock, system: System, choice: PlanChoice) -> Result<Planned, Error> {
        let content = content(self.machine, lock, system)?;
        let closure = closure(lock, system, &content)?;
        let units = units(lock, system, &closure, &content);
        let layers = choice.layers.unwrap_or(self.machine.image.layers);
        let generated = GENERATED_LAYERS + if self.machine.boot.enable { RUNTIME_LAYERS } else { 0 };
        let base = base_layers(lock, system, layers, generated)?;
        let budget = layers.saturating_sub(generated + base).max(1);
        let previous = lock.layers.get(&system).map(Vec::as_slice);
        let options = PlanOptions { replan: choice.replan, weights: volatility::plan_weights(lock, &units) };
        let plan = plan(&units, budget, previous, &options)?;
        Ok(Planned { content, closure, units, plan, options })
    }

    /// The image of one system; `runtime` where it boots. `previous` is asked only where packages are not in the store.
    fn build(
        &self,
        lock: &Lock,
        system: System,
        planned: Planned,
        (created, runtime): (&str, Option<&Addressed>),
        previous: &PreviousOf<'_>,
    ) -> Result<Made, Error> {
        let Planned { mut content, closure, plan, .. } = planned;
        let (locked, caches) = (lock.debs(system), || Ok(self.sources.caches(self.progress)?));
        let (supply, keys) = (self.supply(lock, &locked, &caches), keys(lock, &closure)?);
        let (mut stock, missing) = supply.stored(&keys)?;
        let previous = if missing.is_empty() { None } else { previous(system)? }.unwrap_or_default();
        // Side by side what is wanted anyhow, before anybody waits for one of them.
        stock.extend(supply.make(&previous.lacks(&plan, &keys, missing, self.codec))?);
        let base = self.base(lock, system)?;
        let make = |absent: Absent<'_>| supply.make_one(absent);
        let library = Shelf::new(self.store, (&keys, &locked), stock, previous.facts(), &make);
        let generated = self.generate(lock, system, &closure, (&library, base.as_ref()), &mut content, runtime);
        let (mut generated, stock, facts) = library.close(generated)?;
        generated.facts = facts.tree();
        let Self { store, pool, codec, machine, progress, .. } = self;
        let make = |missing: &Missing| self.make(&supply, missing, runtime);
        let assembly = Assembly { store, pool, codec: *codec, previous: &previous, make: &make, progress: *progress };
        let mut layers = assembly.layers(&plan, (&keys, stock), &locked, &content, &generated, base.as_ref())?;
        let lookup = |name: &str| lock.package_path(machine, system, name);
        let (findings, ids) = (std::mem::take(&mut generated.findings), std::mem::take(&mut generated.ids));
        let run = run_config::run_config(machine, &content, generated, &lookup)?;
        let descriptions = layers.iter().map(|(_, description)| description.clone()).collect::<Vec<_>>();
        let mut config = configuration(&run, system, &descriptions, created)?;
        if let Some(base) = &base {
            config = base.configuration_under(&config, machine, self.progress)?;
            layers.splice(..0, base.layers());
        }
        let image = Image { system, config, layers };
        Ok(Made { image, findings, ids })
    }

    /// Fragments of `missing`, which are packages, or the runtime.
    fn make(&self, supply: &Supply<'_>, missing: &Missing, runtime: Option<&Addressed>) -> Result<Stock, Error> {
        let Some(unit) = runtime.filter(|unit| missing.packages.contains(&unit.path)) else {
            return supply.make(missing);
        };
        let mut missing = missing.clone();
        missing.packages.remove(&unit.path);
        let mut made = supply.make(&missing)?;
        made.packages.insert(unit.path.clone(), Arc::new(self.keep(unit)?));
        Ok(made)
    }

    /// Commands and interpreters that the image would lack. `None` where packages are not in the store, and nobody can tell.
    pub fn findings(&self, lock: &Lock, system: System, planned: Planned) -> Result<Option<Vec<Diagnostic>>, Error> {
        let Planned { mut content, closure, .. } = planned;
        let caches = || unreachable!("nothing is fetched to look at what is there");
        let (locked, keys) = (lock.debs(system), keys(lock, &closure)?);
        let (stock, missing) = self.supply(lock, &locked, &caches).stored(&keys)?;
        if !missing.is_empty() || !self.has_base(lock, system)? {
            return Ok(None);
        }
        let base = self.base(lock, system)?;
        // Which program boots makes no difference to what is looked at.
        let runtime = if self.machine.boot.enable { Some(runtime::stand_in()?) } else { None };
        let make: &MakeFragment<'_> = &|absent| Err(Error::Unplanned { unit: format!("{absent:?}") });
        let nothing = Facts::default();
        let library = Shelf::new(self.store, (&keys, &locked), stock, &nothing, make);
        let generated =
            self.generate(lock, system, &closure, (&library, base.as_ref()), &mut content, runtime.as_ref());
        let (Generated { mut findings, doubts, .. }, ..) = library.close(generated)?;
        findings.extend(doubts);
        Ok(Some(findings))
    }

    fn debs(&self) -> Debs<'_> {
        let Self { store, pool, codec, progress, .. } = self;
        Debs { store, pool, codec: *codec, archives: self.sources.archives(), progress: *progress }
    }

    fn packages<'b>(&'b self, caches: &'b CachesOf<'b>) -> Packages<'b> {
        let Self { machine, store, pool, codec, progress, .. } = self;
        Packages { machine, store, pool, codec: *codec, caches, progress: *progress }
    }

    fn supply<'b>(&'b self, lock: &'b Lock, locked: &'b units::Debs<'b>, caches: &'b CachesOf<'b>) -> Supply<'b> {
        Supply { lock, packages: self.packages(caches), debs: self.debs(), locked }
    }

    fn generate(
        &self,
        lock: &Lock,
        system: System,
        closure: &BTreeSet<StorePath>,
        (library, base): (&Shelf<'_>, Option<&BaseImage>),
        content: &mut Content,
        runtime: Option<&Addressed>,
    ) -> Result<Generated, Error> {
        let Self { machine, progress, .. } = self;
        Inputs { machine, lock, system, closure, shelf: library, base, runtime, progress: *progress }.generate(content)
    }

    /// What was requested, with the ids of the units that answer.
    #[must_use]
    pub fn requests(&self, lock: &Lock, system: System, planned: &Planned) -> Vec<plan::Request> {
        let ids = |paths: &mut dyn Iterator<Item = &StorePath>| paths.map(|path| path.base_name().to_owned()).collect();
        let debs = lock.debs(system);
        let answers = lock.requests.iter().filter(|((of, _), _)| *of == system);
        let named = answers.map(|((_, text), answer)| plan::Request {
            text: text.clone(),
            units: match &answer.deb {
                Some(name) => debs.get(name).map(|deb| deb_id(name, deb)).into_iter().collect(),
                None => ids(&mut answer.outputs.iter().map(|(_, path)| path)),
            },
        });
        let local = planned
            .content
            .local
            .iter()
            .map(|(text, local)| plan::Request { text: text.clone(), units: ids(&mut std::iter::once(&local.path)) });
        let files = planned.content.declared.iter().map(|declared| plan::Request {
            text: format!("[files.\"{}\"]", declared.target),
            units: vec![declared.target.to_string()],
        });
        // Local paths stand in the lock as requests without an answer.
        named.filter(|request| !request.units.is_empty()).chain(local).chain(files).collect()
    }
}

/// Every package that the image needs.
fn closure(lock: &Lock, system: System, content: &Content) -> Result<BTreeSet<StorePath>, Error> {
    let roots = lock.roots(system).into_iter().chain(content.references());
    lock.closure(roots).map_err(|path| Error::OutsideLock { path })
}

/// The image of one system, and what was learnt on the way.
pub struct Made {
    /// The image.
    pub image: Image,
    /// About what runs in it.
    pub findings: Vec<Diagnostic>,
    /// Numbers of users and groups that packages create: those of the lock, and new ones.
    pub ids: BTreeMap<String, u32>,
}

/// How to choose layers.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlanChoice {
    /// Owe nothing to the groups that the lock remembers.
    pub replan: bool,
    /// Most layers; `None`: what the files say.
    pub layers: Option<usize>,
}

/// What goes where, before anything is fetched.
pub struct Planned {
    content: Content,
    closure: BTreeSet<StorePath>,
    /// Everything but generated units.
    pub units: Vec<plan::Unit>,
    /// Layers of units.
    pub plan: Plan,
    /// What the plan depended on: weights, from what the lock pins of its history.
    pub options: PlanOptions,
}
