//! Packages with store paths: an index, a channel, requests, and a lock that answers them with these very paths.

use std::collections::BTreeSet;
use std::io::Write as _;

use anyhow::Context as _;
use serde_json::json;

use super::input::Input;
use super::{Args, difference};
use crate::channel::{Changes, LOCK_FILE, Lock, LockedRequest, Mode, Resolution};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::init::{image_name, write_new};
use crate::cli::{changes, locking};
use crate::config::{self, Machine, Names, Request, Sources, System};
use crate::export::replace_file;
use crate::failure::Class;
use crate::import::{self, ImportError, Kind, NewChannel, Package, Skipped};

/// The cache that devbox and flox take packages from.
const CACHE: (&str, &str) =
    ("https://cache.nixos.org", "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=");

/// Everything that is to be written, and what the lock must say then.
#[derive(Default)]
struct Plan {
    /// system.toml as it is; `None`: there is none.
    before: Option<String>,
    after: String,
    /// Channels with the texts of their indexes.
    indexes: Vec<(String, String)>,
    /// Requests with the packages that have to answer them.
    expected: Vec<(String, Package)>,
    added: Vec<String>,
    skipped: Vec<Skipped>,
}

pub(super) fn run(args: &Args, inputs: &[Input], context: &Context) -> anyhow::Result<()> {
    let plan = plan(args, inputs, context)?;
    for Skipped { what, why } in &plan.skipped {
        context.progress.warn(&format!("left out `{what}`: {why}"));
    }
    refuse_collisions(&plan, args, context)?;
    if args.dry_run {
        return plan.show(context);
    }
    let (machine, resolution) = plan.resolve(args, context)?;
    plan.hold(&machine, &resolution)?;
    plan.write(&resolution, context)
}

/// Reads the inputs and puts them into system.toml's text.
fn plan(args: &Args, inputs: &[Input], context: &Context) -> anyhow::Result<Plan> {
    let before = crate::cli::emit::read(context.directory.join("system.toml"))?;
    let systems = systems(before.is_some(), context)?;
    let start = || format!("\n[image]\nname = {}\n", json!(image_name(&context.directory)));
    let after = before.clone().unwrap_or_else(start);
    let mut plan = Plan { before, after, ..Plan::default() };
    for input in inputs {
        plan.take(input, &systems, args)?;
    }
    if plan.expected.is_empty() && plan.added.is_empty() {
        let what: Vec<String> =
            plan.skipped.iter().map(|skipped| format!("{}: {}", skipped.what, skipped.why)).collect();
        let mut failure = Failure::new(Class::Usage, "there is no package to take over");
        if !what.is_empty() {
            failure = failure.help(format!("left out are {}", what.join("; ")));
        }
        return Err(failure.into());
    }
    Ok(plan)
}

/// The systems of the project as it is.
fn systems(is_there: bool, context: &Context) -> anyhow::Result<Vec<System>> {
    if !is_there {
        return Ok(vec![System::X86_64Linux]);
    }
    let (machine, _) = config::load(&context.directory).into_machine()?;
    Ok(machine.image.systems)
}

/// With a new index, where an earlier import wrote one, only with `--force`.
fn refuse_collisions(plan: &Plan, args: &Args, context: &Context) -> anyhow::Result<()> {
    for (name, text) in &plan.indexes {
        let file = file_of(name);
        let there = crate::cli::emit::read(context.directory.join(&file))?;
        if !args.force && there.is_some_and(|there| there != *text) {
            let message = format!("{file} is there already, and says something else");
            let help =
                "--force puts the new one in its place, --channel gives the new one another name; nothing was written";
            return Err(Failure::new(Class::Usage, message).help(help).into());
        }
    }
    Ok(())
}

fn file_of(channel: &str) -> String {
    format!("{channel}.jsonl")
}

impl Plan {
    fn take(&mut self, input: &Input, systems: &[System], args: &Args) -> Result<(), ImportError> {
        let mut imported = import::read(input.kind, &input.text, &input.name)?;
        let index = imported.index();
        imported = imported.for_systems(systems);
        let has_names = !imported.packages.is_empty();
        let requests = imported.requests();
        let names: Vec<String> = requests.iter().map(|(name, _)| name.clone()).collect();
        if has_names {
            let channel = channel(input, args, true);
            let taken = import::take_over(&self.after, Some(&channel), &names)?;
            let packages = requests.into_iter().map(|(_, package)| package.clone());
            self.expected.extend(taken.requests.into_iter().zip(packages));
            self.added.extend(taken.added);
            self.after = taken.text;
            self.indexes.push((channel.name, index));
        }
        if !imported.paths.is_empty() {
            let caches = !args.cache.is_empty() || !import::has_caches(&self.after);
            let channel = caches.then(|| channel(input, args, false));
            let paths: Vec<String> = imported.paths.iter().map(ToString::to_string).collect();
            let taken = import::take_over(&self.after, channel.as_ref(), &paths)?;
            self.added.extend(taken.added);
            self.after = taken.text;
        }
        self.skipped.append(&mut imported.skipped);
        Ok(())
    }

    /// Prints what would be written.
    fn show(&self, context: &Context) -> anyhow::Result<()> {
        if context.json {
            return context.document(&self.document(&[], None));
        }
        context.text(difference("system.toml", self.before.as_deref().unwrap_or_default(), &self.after))?;
        for (name, text) in &self.indexes {
            let lines = text.lines().count();
            context.progress.note(&format!("{} would have {lines} lines", file_of(name)));
        }
        Ok(())
    }

    /// Asks for everything with the new files, before they are there.
    fn resolve(&self, args: &Args, context: &Context) -> anyhow::Result<(Machine, Resolution)> {
        let changed = Sources { system: Some(self.after.clone()), ..Sources::default() };
        let (mut machine, warnings) = config::load_with(&context.directory, &changed).into_machine()?;
        context.diagnose(&warnings);
        // The resolver reads indexes from files: these are not in their places yet.
        let mut kept = Vec::new();
        for (name, text) in &self.indexes {
            let mut file = tempfile::NamedTempFile::new().context("can't make a temporary file")?;
            file.write_all(text.as_bytes()).context("can't write a temporary file")?;
            if let Some(channel) = machine.channels.get_mut(name) {
                channel.names = Names::Index { location: file.path().display().to_string(), hash: None };
            }
            kept.push(file);
        }
        let changed: Vec<String> = self.renewed(&machine, context)?;
        let mode = if changed.is_empty() { Mode::Extend } else { Mode::Update(changed) };
        let resolution = locking::resolve_machine(context, &machine, &mode, &args.locking)?;
        Ok((machine, resolution))
    }

    /// Channels whose index is another one than before, or than the lock has answers of, as where an import was killed before
    /// it wrote that: what they answered is asked again.
    fn renewed(&self, machine: &Machine, context: &Context) -> anyhow::Result<Vec<String>> {
        let mut renewed = BTreeSet::new();
        for (name, text) in &self.indexes {
            let there = crate::cli::emit::read(context.directory.join(file_of(name)))?;
            renewed.extend(there.filter(|there| there != text).map(|_| name.clone()));
        }
        let lock = Lock::read(&context.directory.join(LOCK_FILE))?.unwrap_or_default();
        for (text, package) in &self.expected {
            let request = Request::parse(text, None)?;
            for system in &machine.image.systems {
                let answer = lock.answer(*system, &request, machine.default_channel.as_deref());
                let other = answer.filter(|answer| !is_of(answer, package, *system));
                let channel = other.and_then(|answer| answer.channel.clone());
                renewed.extend(channel.filter(|channel| self.indexes.iter().any(|(name, _)| name == channel)));
            }
        }
        Ok(renewed.into_iter().collect())
    }

    /// The lock has to answer with the very store paths that were imported.
    fn hold(&self, machine: &Machine, resolution: &Resolution) -> anyhow::Result<()> {
        let default = machine.default_channel.as_deref();
        for (text, package) in &self.expected {
            let request = Request::parse(text, None)?;
            for system in &machine.image.systems {
                let answer = resolution.lock.answer(*system, &request, default);
                if !answer.is_some_and(|answer| is_of(answer, package, *system)) {
                    let message =
                        format!("`{text}` has another answer on {system} than the store path that was imported");
                    let help = "--channel gives what is imported a channel of its own; nothing was written";
                    return Err(Failure::new(Class::Usage, message).help(help).into());
                }
            }
        }
        Ok(())
    }

    /// The index first, which nothing names yet; then the file that names it; then the lock, which anybody can make again.
    fn write(&self, resolution: &Resolution, context: &Context) -> anyhow::Result<()> {
        let mut written = Vec::new();
        for (name, text) in &self.indexes {
            written.extend(self.put(&file_of(name), text, context)?);
        }
        written.extend(self.put("system.toml", &self.after, context)?);
        if resolution.lock.write(&context.directory.join(LOCK_FILE))? {
            written.push(LOCK_FILE.to_owned());
        }
        if context.json {
            return context.document(&self.document(&written, Some(&resolution.changes)));
        }
        context.text(changes::text(&resolution.changes))?;
        for file in written {
            context.progress.note(&format!("{file} is written"));
        }
        Ok(())
    }

    /// Writes a file, whole or not at all, unless it says the same already.
    fn put(&self, name: &str, text: &str, context: &Context) -> anyhow::Result<Option<String>> {
        let path = context.directory.join(name);
        let there = crate::cli::emit::read(&path)?;
        if there.as_deref() == Some(text) {
            return Ok(None);
        }
        if name == "system.toml" && there != self.before {
            let message = "system.toml was changed meanwhile, and is left as it is";
            return Err(Failure::new(Class::Other, message).help("import once more").into());
        }
        if there.is_none() {
            write_new(&path, text).with_context(|| format!("can't write {name}"))?;
        } else {
            let io = |source| crate::export::Error::Io { path: path.clone(), source };
            replace_file(&path, |out| out.write_all(text.as_bytes()).map_err(io))?;
        }
        Ok(Some(name.to_owned()))
    }

    fn document(&self, written: &[String], changes: Option<&Changes>) -> serde_json::Value {
        json!({
            "version": 1,
            "written": written,
            "requests": self.added,
            "skipped": self.skipped,
            "system": self.after,
            "changes": changes,
        })
    }
}

/// Whether a locked answer is what was imported.
fn is_of(answer: &LockedRequest, package: &Package, system: System) -> bool {
    let Some(build) = package.builds.get(&system) else { return false };
    !answer.outputs.is_empty() && answer.outputs.iter().all(|(name, path)| build.outputs.get(name) == Some(path))
}

/// The channel that an input's packages come from.
fn channel(input: &Input, args: &Args, with_index: bool) -> NewChannel {
    let name = match input.kind {
        Kind::Devbox => "devbox",
        Kind::Flox => "flox",
        _ => "imported",
    };
    let name = args.channel.clone().unwrap_or_else(|| name.to_owned());
    let (caches, keys) = match args.cache.as_slice() {
        [] => (vec![CACHE.0.to_owned()], vec![CACHE.1.to_owned()]),
        given => (given.to_vec(), args.key.clone()),
    };
    NewChannel { index: with_index.then(|| file_of(&name)), name, caches, keys, origin: input.base_name().to_owned() }
}
