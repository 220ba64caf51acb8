//! `dumbc machine serve` and `dumbc machine gc`: the store service of a machine, and room in its store.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Subcommand;
use serde::Serialize;

use crate::boot::{PLAN_PATH, RUN};
use crate::failure::Class;
use crate::machine::rebuild::read_plan;
use crate::machine::service::wire::{Answer, Request};
use crate::machine::service::{Client, Places, Service, serve};

use super::context::Context;
use super::failure::Failure;
use super::figures::{bytes, counted};

/// Verbs below `machine` that are the store's.
#[derive(Subcommand)]
pub(super) enum Verb {
    /// Serve the machine's store: its supervisor starts this
    #[command(hide = true)]
    Serve(ServeArgs),
    /// Drop your old generations, and what nobody needs any more
    ///
    /// Root drops nobody's generations, only what no generation needs. What the image has always stays.
    Gc(GcArgs),
}

#[derive(clap::Args)]
pub(super) struct ServeArgs {
    /// Where the volume is, or what stands in for it [default: the plan's]
    #[arg(long, value_name = "DIR")]
    volume: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(super) struct GcArgs {
    /// Say only what would go
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Document {
    version: u32,
    dry_run: bool,
    generations: BTreeMap<String, Vec<u64>>,
    paths: usize,
    bytes: u64,
}

pub(super) fn run(verb: &Verb, context: &Context) -> anyhow::Result<()> {
    match verb {
        Verb::Serve(args) => serve_store(args),
        Verb::Gc(args) => collect(args, context),
    }
}

fn no_machine() -> Failure {
    Failure::new(Class::Usage, format!("{PLAN_PATH} is not there: this is no machine that dumbc has booted"))
        .help("run this inside a machine; `dumbc gc` makes room in the builder's store")
}

fn serve_store(args: &ServeArgs) -> anyhow::Result<()> {
    let plan = read_plan()?.ok_or_else(no_machine)?;
    let volume = args.volume.clone().unwrap_or_else(|| PathBuf::from(&plan.volume));
    let places = Places::of_machine(&volume)?;
    serve(&Arc::new(Service::new(plan, places)?))?;
    Ok(())
}

fn collect(args: &GcArgs, context: &Context) -> anyhow::Result<()> {
    read_plan()?.ok_or_else(no_machine)?;
    let mut client = Client::connect(&PathBuf::from(RUN).join("store.sock"), &*context.progress)?;
    let request = Request::Collect { dry_run: args.dry_run };
    let Answer::Collected(collected) = client.ask(&request, &*context.progress)? else {
        return Err(crate::machine::service::ClientError::Unexpected.into());
    };
    if context.json {
        let (generations, paths) = (collected.generations, collected.paths);
        let document = Document { version: 1, dry_run: args.dry_run, generations, paths, bytes: collected.bytes };
        return context.document(&document);
    }
    let (verb, generations) = if args.dry_run { ("would remove", "would drop") } else { ("removed", "dropped") };
    for (user, numbers) in &collected.generations {
        let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        context.line(format!("{generations} generations of {user}: {}", numbers.join(", ")))?;
    }
    context.line(format!("{verb} {} ({})", counted(collected.paths, "store path"), bytes(collected.bytes)))
}
