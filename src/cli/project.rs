//! The project at hand, opened for a verb that needs its packages.

use std::num::NonZero;

use crate::build::{PlanChoice, Planned, Project, Registries};
use crate::cache::Settings;
use crate::channel::{self, LOCK_FILE, LockedVolatility, Mode};
use crate::config::{self, Diagnostic, Loaded, Machine, Severity, System};
use crate::failure::Class;
use crate::home::generation;
use crate::home::merge::{Merged, layers, merge};
use crate::image::codec::Codec;
use crate::plan::Request;
use crate::root::runtime::RuntimeChoice;
use crate::store::{Pool, Store};

use super::context::Context;
use super::failure::Failure;
use super::{registry, runtime};

/// Options of verbs that need packages.
#[derive(clap::Args)]
#[group(id = "project")]
pub(super) struct Args {
    /// Ask nothing of the network; what is missing is an error
    #[arg(long)]
    offline: bool,

    /// Fail where dumbc.lock is missing or does not fit the files; implied where `CI` is set and there is a lock
    #[arg(long)]
    locked: bool,

    /// Threads that fetch, and as many that compress [default: one a core]
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,

    #[command(flatten)]
    runtime: runtime::Args,
}

/// The project's files without errors.
pub(super) struct Files {
    pub(super) machine: Machine,
    /// What may be wrong; drawn already.
    pub(super) warnings: Vec<Diagnostic>,
    /// Keys that the image does not honour yet; for builds to draw with [`Context::diagnose`].
    pub(super) inactive: Vec<Diagnostic>,
}

impl Context {
    /// Reads and checks the project's files; draws the warnings.
    pub(super) fn load(&self) -> anyhow::Result<Files> {
        self.check(config::load(&self.directory))
    }

    /// The same with files that are read already.
    pub(super) fn check(&self, loaded: Loaded) -> anyhow::Result<Files> {
        let Loaded { machine, mut diagnostics, inactive } = loaded;
        let machine = machine.ok_or_else(|| Failure::diagnosed(Class::Usage, diagnostics.clone()))?;
        diagnostics.extend(generation::check(&machine));
        if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
            return Err(Failure::diagnosed(Class::Usage, diagnostics).into());
        }
        self.diagnose(&diagnostics);
        Ok(Files { machine, warnings: diagnostics, inactive })
    }
}

/// Everything that a [`Project`] borrows.
pub(super) struct Opened {
    pub(super) machine: Machine,
    store: Store,
    pool: Pool,
    offline: bool,
    locked: bool,
    runtime: RuntimeChoice,
    registries: Box<Registries<'static>>,
}

impl Args {
    /// For verbs that only look at what is there.
    pub(super) const fn offline() -> Self {
        Self { offline: true, locked: false, threads: None, runtime: runtime::Args::none() }
    }

    /// Reads the files, tells what is odd about them, and opens the store.
    pub(super) fn open(&self, context: &Context) -> anyhow::Result<Opened> {
        let loaded = context.load()?;
        context.diagnose(&loaded.inactive);
        self.open_loaded(loaded.machine)
    }

    /// The same with files that are read already.
    pub(super) fn open_loaded(&self, machine: Machine) -> anyhow::Result<Opened> {
        let store = Store::open(&Store::default_root()?, is_untrusted())?;
        let threads =
            self.threads.map_or_else(|| std::thread::available_parallelism().map_or(1, NonZero::get), usize::from);
        let in_ci = is_set("CI") && machine.project.join(LOCK_FILE).is_file();
        let locked = self.locked || in_ci;
        let runtime = self.runtime.choice()?;
        let offline = self.offline;
        let registries = Box::new(move || registry::anybody(offline));
        Ok(Opened { machine, store, pool: Pool::new(threads), offline, locked, runtime, registries })
    }
}

/// Whether others can write to the store.
pub(super) fn is_untrusted() -> bool {
    is_set("DUMBC_STORE_UNTRUSTED")
}

/// Whether a variable is set to something that does not mean no.
fn is_set(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

impl Opened {
    /// The project, with layers compressed as `codec` says.
    pub(super) fn project<'a>(&'a self, codec: Codec, context: &'a Context) -> Project<'a> {
        Project {
            machine: &self.machine,
            store: &self.store,
            pool: &self.pool,
            codec,
            runtime: self.runtime.clone(),
            registries: &*self.registries,
            sources: channel::sources(
                &self.machine,
                Settings {
                    untrusted: self.store.is_untrusted(),
                    ..Settings::new(self.offline, self.store.state_dir())
                },
            ),
            progress: &*context.progress,
        }
    }

    /// Whether the lock may change.
    pub(super) fn mode(&self) -> Mode {
        if self.locked { Mode::Locked } else { Mode::Extend }
    }

    /// The systems that a verb is for: those asked for, else all of the files'.
    pub(super) fn systems(&self, asked: &[System]) -> anyhow::Result<Vec<System>> {
        let known = &self.machine.image.systems;
        if asked.is_empty() {
            return Ok(known.clone());
        }
        if let Some(unknown) = asked.iter().find(|system| !known.contains(system)) {
            let message = format!("system.toml names no system {unknown}");
            let help = format!("add \"{unknown}\" to `systems` of [image]");
            return Err(Failure::new(Class::Usage, message).help(help).into());
        }
        Ok(asked.to_vec())
    }
}

/// What is planned for one system, for verbs that only look.
pub(super) struct Outlook {
    pub(super) planned: Planned,
    pub(super) requests: Vec<Request>,
    /// How often packages changed, where that is known.
    pub(super) volatility: Option<LockedVolatility>,
    /// Whether the lock on the disk says so.
    pub(super) is_pinned: bool,
}

impl Args {
    /// Resolves and plans for `system`, or the first of the files'. The lock on the disk stays as it is.
    pub(super) fn look(
        &self,
        system: Option<System>,
        choice: PlanChoice,
        context: &Context,
    ) -> anyhow::Result<Outlook> {
        let opened = self.open(context)?;
        let system = opened.systems(system.as_slice())?[0];
        let project = opened.project(Codec::default(), context);
        let mut lock = project.resolve(&opened.mode())?.lock;
        // As the next build would.
        let before = lock.volatility.clone();
        project.learn(&mut lock, &opened.mode(), choice.replan);
        let planned = project.plan(&lock, system, choice)?;
        let requests = project.requests(&lock, system, &planned);
        let is_pinned = before.is_some() && before == lock.volatility;
        Ok(Outlook { planned, requests, volatility: lock.volatility, is_pinned })
    }
}

/// A user's home as the project's files have it.
pub(super) fn home_of(user: &str, context: &Context) -> anyhow::Result<Merged> {
    let machine = context.load()?.machine;
    if !machine.users.contains_key(user) {
        return Err(super::home::unknown(user, "users.toml", machine.users.keys()));
    }
    Ok(merge(&layers(&machine, user)))
}

/// Parses `--system`.
pub(super) fn system(text: &str) -> Result<System, String> {
    let names = || System::ALL.map(System::name).join(" or ");
    System::from_name(text).ok_or_else(|| format!("there is no system `{text}`: give {}", names()))
}
