//! The verbs that make images, and look after what they are made of. What runs inside a machine has none of them.

use clap::Subcommand;

use super::context::Context;
use super::{
    build, cache, check, completions, deploy, diff, emit, gc, import, info, init, inspect, load, lock, man, plan, push,
    run, sbom, schema, search, size, update, verify, versions, why,
};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Write a first set of the three files
    Init(init::Args),
    Import(import::Args),
    /// Find what is wrong with the three files
    Check(check::Args),
    Build(build::Args),
    Push(push::Args),
    Deploy(deploy::Args),
    Load(load::Args),
    /// Pin what the files ask for in dumbc.lock
    Lock(lock::Args),
    /// Move what dumbc.lock pins, and tell what changes
    Update(update::Args),
    /// Tell what an update would change, and change nothing
    Outdated(update::OutdatedArgs),
    Search(search::Args),
    Info(info::Args),
    Versions(versions::Args),
    Plan(plan::Args),
    Why(why::Args),
    Size(size::Args),
    Sbom(sbom::Args),
    Inspect(inspect::Args),
    Diff(diff::Args),
    Verify(verify::Args),
    Run(run::RunArgs),
    Try(run::TryArgs),
    Emit(emit::Args),
    /// Make, fill and check binary caches of one's own
    Cache(cache::Args),
    Gc(gc::Args),
    /// Print JSON Schema of a file, or the manual of all keys
    Schema(schema::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Print the manual page, or write one per verb
    Man(man::Args),
}

/// Does what was asked.
pub(super) fn dispatch(command: &Command, context: &Context) -> anyhow::Result<()> {
    match command {
        Command::Build(args) => build::run(args, context),
        Command::Push(args) => push::run(args, context),
        Command::Deploy(args) => deploy::run(args, context),
        Command::Load(args) => load::run(args, context),
        Command::Lock(args) => lock::run(args, context),
        Command::Update(args) => update::run(args, context),
        Command::Outdated(args) => update::outdated(args, context),
        Command::Search(args) => search::run(args, context),
        Command::Info(args) => info::run(args, context),
        Command::Versions(args) => versions::run(args, context),
        Command::Plan(args) => plan::run(args, context),
        Command::Why(args) => why::run(args, context),
        Command::Size(args) => size::run(args, context),
        Command::Cache(args) => cache::run(args, context),
        Command::Sbom(args) => sbom::run(args, context),
        Command::Inspect(args) => inspect::run(args, context),
        Command::Diff(args) => diff::run(args, context),
        Command::Verify(args) => verify::run(args, context),
        Command::Run(args) => run::run(args, context),
        Command::Try(args) => run::try_it(args, context),
        Command::Emit(args) => emit::run(args, context),
        Command::Gc(args) => gc::run(args, context),
        Command::Init(args) => init::run(args, context),
        Command::Import(args) => import::run(args, context),
        Command::Check(args) => check::run(args, context),
        Command::Schema(args) => schema::run(args, context),
        Command::Completions(args) => completions::run(args, context),
        Command::Man(args) => man::run(args, context),
    }
}
