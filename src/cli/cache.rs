//! `dumbc cache`: binary caches of one's own, without Nix.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use crate::cache::write::{
    Added, CacheWriter, Package, Packing, ParsePackingError, check, mirror, read_public_key, read_secret_key, write_key,
};
use crate::cache::{Http, HttpSettings, Location};
use crate::channel;
use crate::config::{Diagnostic, System};
use crate::failure::Class;
use crate::image::codec::Codec;
use crate::nix::{ParseStorePathError, PublicKey, StorePath};

use super::context::Context;
use super::failure::Failure;
use super::figures;
use super::project;

/// Arguments of `dumbc cache`.
#[derive(clap::Args)]
#[command(after_help = "\
A cache is a folder, served with any web server or named by its path, or a bucket. For a first one:

  dumbc cache keygen ours-1
  dumbc cache add ./result --name hello-1.0 --to ./cache --key ours-1.key

and in system.toml:

  [channels.ours]
  index = \"./cache/index.jsonl\"
  caches = [\"./cache\"]
  keys = [\"ours-1:…\"]      # what keygen printed")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Make a key that signs packages, and print its public part
    Keygen(Keygen),
    /// Add folders or files of this machine as packages
    Add(Add),
    /// Copy all that dumbc.lock names into a cache
    Mirror(Mirror),
    /// Look for all that is wrong with a cache
    Check(Check),
}

/// Arguments of `dumbc cache keygen`.
#[derive(clap::Args)]
#[command(after_help = "\
The secret key is readable by its owner only and is never overwritten. Its public part is written beside it, with `.pub` \
added; put that into the `keys` of a channel.

Example:
  dumbc cache keygen ours-1 --output ~/keys/ours-1.key")]
struct Keygen {
    /// The key's name, by which signatures refer to it: ours-1
    name: String,
    /// Where the secret key goes [default: NAME.key]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Arguments of `dumbc cache add`.
#[derive(clap::Args)]
#[command(after_help = "\
A package's store path follows from its content, so adding the same again changes nothing. References to packages that the \
cache has are found by themselves. The name without its version is what `packages` lists: hello-1.0 is `hello`.

Examples:
  dumbc cache add ./result --name hello-1.0 --to ./cache --key ours-1.key
  dumbc cache add ./tools-2.1 ./site-0.3 --to ./cache        two packages, named as their folders")]
struct Add {
    /// Folders or files, each of which becomes a package
    #[arg(required = true, value_name = "DIR")]
    sources: Vec<PathBuf>,
    /// The package's name and version: hello-1.0 [default: the folder's name]
    #[arg(long)]
    name: Option<String>,
    /// The cache: a folder, s3://…, gs://…, azblob://… or https://…; made where there is none
    #[arg(long, value_name = "CACHE")]
    to: String,
    /// The secret key to sign with
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A store path outside the cache that the package may refer to
    #[arg(long = "ref", value_name = "PATH")]
    references: Vec<String>,
    /// How to compress: zstd, xz, gzip, bzip2 or none, and a level after a colon
    #[arg(long, value_name = "NAME[:LEVEL]", default_value = "zstd")]
    compression: String,
    /// The machine that the package runs on
    #[arg(long, default_value = "x86_64-linux", value_parser = project::system)]
    system: System,
}

/// Arguments of `dumbc cache mirror`.
#[derive(clap::Args)]
#[command(after_help = "\
Everything is verified on the way, and keeps its signatures: who reads the mirror trusts the same keys as before. One file \
with all narinfos of the lock comes last, so that a reader asks once.

Examples:
  dumbc cache mirror /srv/cache        then add \"/srv/cache\" to the channel's `caches`
  dumbc cache mirror --to \"s3://our-cache?region=eu-west-1\"
  dumbc cache mirror --to https://cache.example.org/team        a server that takes PUT")]
struct Mirror {
    /// The cache: a folder, s3://…, gs://…, azblob://… or https://…; made where there is none
    #[arg(required_unless_present = "to")]
    cache: Option<String>,
    /// The same, by name
    #[arg(long, value_name = "CACHE", conflicts_with = "cache")]
    to: Option<String>,
    /// How to compress: zstd, xz, gzip, bzip2 or none, and a level after a colon
    #[arg(long, value_name = "NAME[:LEVEL]", default_value = "zstd")]
    compression: String,
    #[command(flatten)]
    project: project::Args,
}

/// Arguments of `dumbc cache check`.
#[derive(clap::Args)]
#[command(after_help = "\
Each narinfo must be well formed and believed, each NAR have its sizes and hashes; references and names must lead to \
packages of the cache. Exits with 6 if something is wrong.

Example:
  dumbc cache check ./cache --key ours-1.key.pub")]
struct Check {
    /// The cache's folder
    cache: PathBuf,
    /// A public key that signatures must be by: a file, or the key itself [default: signatures are not checked]
    #[arg(long = "key", value_name = "KEY")]
    keys: Vec<String>,
}

/// Does what `dumbc cache` is asked to.
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    match &args.verb {
        Verb::Keygen(args) => keygen(args, context),
        Verb::Add(args) => add(args, context),
        Verb::Mirror(args) => run_mirror(args, context),
        Verb::Check(args) => run_check(args, context),
    }
}

fn keygen(args: &Keygen, context: &Context) -> anyhow::Result<()> {
    let secret = args.output.clone().unwrap_or_else(|| PathBuf::from(format!("{}.key", args.name)));
    let (public, public_file) = write_key(&args.name, &secret)?;
    if context.json {
        let document = json!({
            "version": 1, "public-key": public.to_string(), "public-file": public_file, "secret-file": secret,
        });
        return context.document(&document);
    }
    context.progress.note(&format!("{} is the secret key; keep it so", secret.display()));
    context.line(public.to_string())
}

fn add(args: &Add, context: &Context) -> anyhow::Result<()> {
    let packing = packing(&args.compression)?;
    let key = args.key.as_deref().map(read_secret_key).transpose()?;
    let references =
        args.references.iter().map(|text| text.parse()).collect::<Result<Vec<StorePath>, ParseStorePathError>>();
    let references = references.map_err(|fault| usage(format!("--ref: {fault}")))?;
    if args.name.is_some() && args.sources.len() > 1 {
        let fault = usage("--name names one package, but several are given".to_owned());
        return Err(fault.help("leave it out: each takes its folder's name").into());
    }
    let (place, http) = (location(&args.to)?, Arc::new(Http::new(HttpSettings::from_environment(false))));
    let mut all = Vec::new();
    for source in &args.sources {
        let name = args.name.clone().map_or_else(|| file_name(source), Ok)?;
        let package = Package { source, name: &name, system: args.system, references: &references };
        // Opened for each: another writer may have its turn in between.
        let added = CacheWriter::open_at(&place, &http)?.add(&package, packing, key.as_ref())?;
        if !context.json {
            tell_added(&added, context)?;
        }
        all.push(added);
    }
    if context.json { context.document(&json!({ "version": 1, "packages": all })) } else { Ok(()) }
}

fn tell_added(added: &Added, context: &Context) -> anyhow::Result<()> {
    let what = if added.new { "added" } else { "there already" };
    let references = figures::counted(added.references.len(), "reference");
    let sizes = format!("{}, {} compressed", figures::bytes(added.nar_size), figures::bytes(added.file_size));
    context.progress.note(&format!("`{}` is {what}: {sizes}, {references}", added.attribute));
    context.line(added.path.to_string())
}

fn run_mirror(args: &Mirror, context: &Context) -> anyhow::Result<()> {
    let packing = packing(&args.compression)?;
    let opened = args.project.open(context)?;
    let project = opened.project(Codec::default(), context);
    let missing = || Failure::new(Class::StaleLock, "there is no dumbc.lock").help("`dumbc lock` makes it");
    let lock = project.read_lock()?.ok_or_else(missing)?;
    channel::verify_lock(&lock, project.machine)?;
    let caches = project.sources.caches(project.progress)?;
    let to = args.to.as_ref().or(args.cache.as_ref()).map(String::as_str).unwrap_or_default();
    let writer = CacheWriter::open_at(&location(to)?, caches.shared_http())?;
    let mirrored = mirror(&channel::to_mirror(&lock), &caches.keys(), caches, &writer, packing, project.progress)?;
    if context.json {
        return context.document(&json!({ "version": 1, "mirrored": mirrored }));
    }
    let debs: BTreeSet<_> = lock.debs.values().map(|deb| deb.sha256).collect();
    if !debs.is_empty() {
        let are = if debs.len() == 1 { "is" } else { "are" };
        let debs = figures::counted(debs.len(), "Debian package");
        context.progress.note(&format!("{debs} {are} not copied: a cache holds Nix packages alone"));
    }
    let copied = figures::counted(mirrored.copied, "package");
    context.line(format!(
        "{copied} copied ({}), {} there already",
        figures::bytes(mirrored.nar_bytes),
        mirrored.present
    ))
}

fn run_check(args: &Check, context: &Context) -> anyhow::Result<()> {
    let keys = args.keys.iter().map(|text| public_key(text)).collect::<anyhow::Result<Vec<PublicKey>>>()?;
    let checked = check(&args.cache, &keys, &*context.progress)?;
    let findings: Vec<Diagnostic> =
        checked.findings.iter().map(|finding| Diagnostic::error(finding.to_string(), None)).collect();
    if !findings.is_empty() {
        return Err(Failure::diagnosed(Class::Trust, findings).into());
    }
    if context.json {
        return context.document(&json!({ "version": 1, "paths": checked.paths, "nar-bytes": checked.nar_bytes }));
    }
    let paths = figures::counted(checked.paths, "package");
    context.line(format!("{paths}, {}: nothing is wrong", figures::bytes(checked.nar_bytes)))
}

/// Where a cache is to be written; a path is relative to where the program runs.
fn location(text: &str) -> anyhow::Result<Location> {
    Location::parse(text, Path::new("")).map_err(|fault| {
        let failure = usage(fault.to_string());
        match fault.help() {
            Some(help) => failure.help(help).into(),
            None => failure.into(),
        }
    })
}

fn packing(text: &str) -> anyhow::Result<Packing> {
    Ok(text.parse().map_err(|fault: ParsePackingError| usage(format!("--compression: {fault}")))?)
}

/// A key, or a file that holds one.
fn public_key(text: &str) -> anyhow::Result<PublicKey> {
    match text.parse() {
        Ok(key) => Ok(key),
        Err(_) => Ok(read_public_key(Path::new(text))?),
    }
}

fn file_name(path: &Path) -> anyhow::Result<String> {
    let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let fault = || usage(format!("`{}` gives no name for a package", path.display())).help("give one with --name");
    Ok(name.ok_or_else(fault)?)
}

fn usage(message: String) -> Failure {
    Failure::new(Class::Usage, message)
}

#[cfg(test)]
mod tests {
    use clap::Args as _;

    use super::*;

    #[test]
    fn the_verbs_are_consistent() {
        Args::augment_args(clap::Command::new("cache")).debug_assert();
    }

    #[test]
    fn packages_are_named_as_their_folders() {
        assert_eq!(file_name(Path::new("./tools-2.1/")).unwrap(), "tools-2.1");
        assert!(file_name(Path::new("..")).unwrap_err().to_string().contains("no name"));
    }
}
