//! A rebuild, from the user's file to the live home.
//!
//! Whoever is killed on the way leaves the old home or the new one: the new one's packages are in the store before anything of
//! it is seen, its links are complete before it is committed, and a boot in between goes back to what is committed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::answers::{Answers, Asking, Update, read_lock};
use super::changes::{Changes, Snapshot};
use super::error::RebuildError;
use super::inside::{Inside, replace};
use super::listing::listings;
use crate::cache::Settings;
use crate::channel::{Lock, sources};
use crate::home::activation::Mode;
use crate::home::manifest::LIVE;
use crate::image::ImagePath;
use crate::image::listing::Listing;
use crate::image::nar::write_nar;
use crate::machine::activation::{self, Activation, activate};
use crate::machine::service::wire::{Answer, Request, Target};
use crate::machine::service::{Client, ClientError};
use crate::nix::StorePath;
use crate::nix::nar::NarWriter;
use crate::progress::Progress;
use crate::root::addressed::Addressed;

/// Turns what a user says into a generation.
pub trait HomeMaker {
    /// All requests of the home, with the user's own file `own` on top of the image's part. `None`: the file says nothing.
    fn requests(&self, own: &str) -> Result<Option<Vec<String>>, RebuildError>;

    /// The home, given what answers the requests, and the listings of all packages.
    fn make(
        &self,
        own: &str,
        answers: &Answers,
        packages: &BTreeMap<StorePath, Listing>,
    ) -> Result<MadeHome, RebuildError>;
}

/// A generation, before it is in any store.
#[derive(Debug, Clone)]
pub struct MadeHome {
    /// What lies beside the user's file, as packages.
    pub locals: Vec<Addressed>,
    /// The union of the packages; `None` where there is none.
    pub packages: Option<Addressed>,
    /// The generation.
    pub generation: Addressed,
    /// What to tell the user.
    pub notes: Vec<String>,
}

/// How to rebuild.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Says only what would change.
    pub dry_run: bool,
    /// Asks no network for names.
    pub offline: bool,
    /// Which answers are asked again.
    pub update: Update,
    /// Own files in the way give way.
    pub force: bool,
}

/// What a rebuild did, or would do.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The generation's number; `None`: the image's, or nothing was committed.
    pub number: Option<u64>,
    /// The generation.
    pub generation: StorePath,
    /// What is different from the one before.
    pub changes: Changes,
    /// What was done in the home.
    pub report: activation::Report,
    /// Bytes of NARs that were fetched.
    pub fetched: u64,
}

/// Makes the user's home what the files say now.
pub fn rebuild(
    inside: &Inside,
    maker: &dyn HomeMaker,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Outcome, RebuildError> {
    let _lock = lock(inside)?;
    inside.write_stub()?;
    let own = inside.read_own()?;
    let Some(requests) = maker.requests(&own)? else {
        return if options.dry_run {
            preview_image(inside)
        } else {
            let outcome = select_locked(inside, Target::Image, options.force, progress)?;
            remember(inside, &Lock::default())?;
            Ok(outcome)
        };
    };
    let (answers, lock) = answer(inside, &requests, options, progress)?;
    let mut client = Client::connect(&inside.run.join("store.sock"), progress)?;
    let roots: Vec<StorePath> = answers.values().flatten().cloned().collect();
    let Answer::Fetched { bytes: fetched, .. } = client.ask(&Request::Fetch { paths: roots.clone() }, progress)? else {
        return Err(ClientError::Unexpected.into());
    };
    let packages = listings(&inside.store, roots).map_err(RebuildError::io("read", &inside.store))?;
    let made = maker.make(&own, &answers, &packages)?;
    made.notes.iter().for_each(|note| progress.note(note));
    let before = live(inside);
    if options.dry_run {
        let report = preview(inside, &made, options)?;
        let after = report.1;
        return Ok(outcome(None, &made, before.as_ref(), &after, report.0, fetched));
    }
    made.locals.iter().chain(&made.packages).try_for_each(|unit| add(&mut client, unit, progress))?;
    add(&mut client, &made.generation, progress)?;
    let generation = made.generation.path.clone();
    client.ask(&Request::Keep { generation: generation.clone() }, progress)?;
    let report = activate(&activation(inside, &generation, options.force))?;
    let live = client.ask(&Request::Commit { generation: generation.clone(), user: None }, progress)?;
    let Answer::Live { number, .. } = live else { return Err(ClientError::Unexpected.into()) };
    remember(inside, &lock)?;
    let after = Snapshot::read(&inside.store.join(generation.base_name()))?;
    Ok(outcome(number, &made, before.as_ref(), &after, report, fetched))
}

/// Makes an earlier generation live, or the image's. With `force`, own files in the way give way.
pub fn select(inside: &Inside, target: Target, force: bool, progress: &dyn Progress) -> Result<Outcome, RebuildError> {
    let _lock = lock(inside)?;
    select_locked(inside, target, force, progress)
}

fn select_locked(
    inside: &Inside,
    target: Target,
    force: bool,
    progress: &dyn Progress,
) -> Result<Outcome, RebuildError> {
    let before = live(inside);
    let mut client = Client::connect(&inside.run.join("store.sock"), progress)?;
    let Answer::Generations { current, .. } = client.ask(&Request::List {}, progress)? else {
        return Err(ClientError::Unexpected.into());
    };
    let live = client.ask(&Request::Select { target }, progress)?;
    let Answer::Live { number, generation } = live else { return Err(ClientError::Unexpected.into()) };
    let report = match activate(&activation(inside, &generation, force)) {
        Ok(report) => report,
        Err(error) => {
            // The home is as it was; so is what the next boot makes of it.
            client.ask(&Request::Select { target: current.map_or(Target::Image, Target::Number) }, progress)?;
            return Err(error.into());
        }
    };
    let after = Snapshot::read(&inside.store.join(generation.base_name()))?;
    let changes = Changes::between(before.as_ref(), &after);
    Ok(Outcome { number, generation, changes, report, fetched: 0 })
}

/// What going back to the image's home would change.
fn preview_image(inside: &Inside) -> Result<Outcome, RebuildError> {
    let text = inside.plan.users.get(&inside.user).map(|user| user.generation.clone()).unwrap_or_default();
    let damaged = |error: crate::nix::ParseStorePathError| RebuildError::Damaged {
        path: crate::boot::PLAN_PATH.into(),
        reason: error.to_string(),
    };
    let generation: StorePath = text.parse().map_err(damaged)?;
    let report = activate(&Activation { dry_run: true, ..activation(inside, &generation, false) })?;
    let after = Snapshot::read(&inside.store.join(generation.base_name()))?;
    let changes = Changes::between(live(inside).as_ref(), &after);
    Ok(Outcome { number: None, generation, changes, report, fetched: 0 })
}

/// Held until the rebuild ends, however it does.
fn lock(inside: &Inside) -> Result<fs::File, RebuildError> {
    let path = inside.state("rebuild.lock");
    let fault = || RebuildError::io("write", &path);
    fs::create_dir_all(inside.state("")).map_err(fault())?;
    let file = fs::File::options().create(true).truncate(false).write(true).open(&path).map_err(fault())?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Err(rustix::io::Errno::WOULDBLOCK) => Err(RebuildError::Running),
        locked => locked.map(|()| file).map_err(|error| fault()(error.into())),
    }
}

fn answer(
    inside: &Inside,
    requests: &[String],
    options: &Options,
    progress: &dyn Progress,
) -> Result<(Answers, Lock), RebuildError> {
    let machine = super::plan_machine(&inside.plan);
    // Names come from indexes, which nobody remembers; what caches say is the service's business.
    let settings = Settings::new(options.offline, inside.state("cache"));
    let asking = Asking {
        plan: &inside.plan,
        base: &inside.base,
        lock: &read_lock(&inside.lock_path(), progress),
        sources: &sources(&machine, settings),
        offline: options.offline,
        update: &options.update,
    };
    asking.answers(requests, progress)
}

fn add(client: &mut Client, unit: &Addressed, progress: &dyn Progress) -> Result<(), RebuildError> {
    let nar = nar(unit)?;
    let (size, references) = (nar.len() as u64, unit.references.clone());
    let found = client.add(unit.path.name(), references, size, &mut nar.as_slice(), progress)?;
    if found == unit.path { Ok(()) } else { Err(RebuildError::OtherPath { expected: unit.path.clone(), found }) }
}

fn nar(unit: &Addressed) -> Result<Vec<u8>, RebuildError> {
    let mut writer = NarWriter::new(Vec::new());
    write_nar(&unit.tree, &ImagePath::from(&unit.path), &mut writer)
        .map_err(|error| RebuildError::Make(error.into()))?;
    writer.finish().map_err(|error| RebuildError::Make(error.into()))
}

fn activation(inside: &Inside, generation: &StorePath, force: bool) -> Activation {
    Activation {
        home: inside.home.clone(),
        generation: inside.store.join(generation.base_name()),
        mode: Mode::Rebuild,
        force,
        dry_run: false,
    }
}

/// What the home would become, with the generation in a place of its own.
fn preview(
    inside: &Inside,
    made: &MadeHome,
    options: &Options,
) -> Result<(activation::Report, Snapshot), RebuildError> {
    let folder = tempfile::tempdir().map_err(RebuildError::io("write", std::env::temp_dir()))?;
    let generation = folder.path().join("generation");
    let unpacked = crate::machine::service::unpack_sent(nar(&made.generation)?.as_slice(), &generation);
    unpacked.map_err(|error| RebuildError::Make(error.into()))?;
    let after = Snapshot::read(&generation)?;
    let activation = Activation {
        generation: generation.clone(),
        dry_run: true,
        ..activation(inside, &made.generation.path, options.force)
    };
    let report = activate(&activation);
    crate::machine::service::discard(&generation).map_err(RebuildError::io("remove", generation))?;
    Ok((report?, after))
}

fn live(inside: &Inside) -> Option<Snapshot> {
    Snapshot::read(&inside.home.join(LIVE)).ok()
}

/// Keeps the answers, and what they were made on top of.
fn remember(inside: &Inside, lock: &Lock) -> Result<(), RebuildError> {
    let path = inside.lock_path();
    if *lock != Lock::default() || path.exists() {
        lock.write(&path)?;
    }
    replace(&inside.state("base"), format!("{}\n", inside.base_digest).as_bytes())
}

/// Whether the image has another home than the one that the user's own was made on top of.
#[must_use]
pub fn is_outdated(inside: &Inside) -> bool {
    let known = fs::read_to_string(inside.state("base")).unwrap_or_default();
    known.trim() != inside.base_digest.to_string()
}

/// Whether the user's own generation is live, by the home itself.
#[must_use]
pub fn has_own(inside: &Inside) -> bool {
    let image = inside.plan.users.get(&inside.user).map(|user| Path::new(&user.generation).file_name());
    let live = fs::read_link(inside.home.join(LIVE)).ok();
    live.is_some_and(|live| Some(live.file_name()) != image)
}

fn outcome(
    number: Option<u64>,
    made: &MadeHome,
    before: Option<&Snapshot>,
    after: &Snapshot,
    report: activation::Report,
    fetched: u64,
) -> Outcome {
    let generation = made.generation.path.clone();
    Outcome { number, generation, changes: Changes::between(before, after), report, fetched }
}
