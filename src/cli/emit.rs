//! `dumbc emit`: other systems' files for the machine at hand.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use similar::TextDiff;

use crate::build::Project;
use crate::channel::{LOCK_FILE, Lock, Mode};
use crate::config::{Diagnostic, Machine, Place, Severity, System};
use crate::emit::{Emitted, Exposure, FlyError, FlyImage, Outside, compose, fly, quadlet};
use crate::export::replace_file;
use crate::failure::Class;
use crate::image::codec::Codec;
use crate::image::documents::Form;

use super::context::Context;
use super::failure::Failure;
use super::project;

/// How a file begins that is ours to write anew.
const OURS: &str = "# Made by `dumbc emit ";

/// Write files with which Fly, Compose or podman's Quadlet run this machine
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    dumbc emit fly              # fly.toml: own keys and comments stay\n  \
    dumbc emit fly --check      # exits with 10 where fly.toml is not up to date\n  \
    dumbc emit compose -o -     # to stdout\n  \
    dumbc emit quadlet -o ~/.config/containers/systemd")]
pub(super) struct Args {
    #[command(subcommand)]
    target: Target,
}

#[derive(clap::Subcommand)]
enum Target {
    /// fly.toml: set what the three files say, and leave everything else
    Fly(FlyArgs),
    /// compose.yaml, for docker compose
    Compose(ContainerArgs),
    /// NAME.container and NAME.volume, for systemd with podman
    Quadlet(ContainerArgs),
}

#[derive(clap::Args)]
struct FileArgs {
    /// Write there (of quadlet: into that folder); `-` is stdout [default: beside system.toml]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Write nothing: show what would change, and exit with 10 where something would
    #[arg(long, visible_alias = "dry-run")]
    check: bool,
}

#[derive(clap::Args)]
struct FlyArgs {
    #[command(flatten)]
    file: FileArgs,

    /// Run this image, in place of the one that dumbc.lock describes
    #[arg(long, value_name = "REFERENCE")]
    image: Option<String>,
}

#[derive(clap::Args)]
struct ContainerArgs {
    #[command(flatten)]
    file: FileArgs,

    /// The host's address on which ports are published
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    address: IpAddr,

    /// Let the machine mount, which needs `SYS_ADMIN`: its store becomes one overlay, in place of links
    #[arg(long)]
    allow_mounts: bool,

    /// Write over a file that is not by dumbc
    #[arg(long)]
    force: bool,
}

/// A file that is to be written, beside what is there.
struct Change {
    path: Option<PathBuf>,
    name: String,
    old: Option<String>,
    new: String,
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    files: Vec<FileReport<'a>>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct FileReport<'a> {
    path: Option<&'a Path>,
    changed: bool,
    text: &'a str,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let machine = context.load()?.machine;
    match &args.target {
        Target::Fly(args) => emit_fly(args, &machine, context),
        Target::Compose(args) => {
            let made = compose(&outside(&machine)?, &args.exposure());
            let change = args.file.change(context, "compose.yaml", made.text)?.ours(args.force)?;
            args.file.finish(&[change], &made.notes, context)
        }
        Target::Quadlet(args) => emit_quadlet(args, &machine, context),
    }
}

fn emit_fly(args: &FlyArgs, machine: &Machine, context: &Context) -> anyhow::Result<()> {
    let image = match &args.image {
        Some(reference) => FlyImage::Reference(reference.clone()),
        None => pinned(machine, context)?.map_or(FlyImage::Tag, FlyImage::Digest),
    };
    // To stdout goes what the file would become, too.
    let path = args.file.path(context, "fly.toml");
    let existing = read(path.clone().unwrap_or_else(|| context.directory.join("fly.toml")))?;
    let made = fly(&outside(machine)?, &image, existing.as_deref());
    let Emitted { text, mut notes } = made.map_err(|error| diagnosed(error, path.as_deref(), existing.as_deref()))?;
    if !machine.image.systems.contains(&System::X86_64Linux) {
        notes.push("Fly's machines are x86_64, and `systems` of [image] has none for them".to_owned());
    }
    let change = Change { path, name: "fly.toml".to_owned(), old: existing, new: text };
    args.file.finish(&[change], &notes, context)
}

fn emit_quadlet(args: &ContainerArgs, machine: &Machine, context: &Context) -> anyhow::Result<()> {
    let made = quadlet(&outside(machine)?, &args.exposure());
    let folder = args.file.output.clone().unwrap_or_else(|| context.directory.clone());
    let to_stdout = folder == Path::new("-");
    let changes = made.files.into_iter().map(|(name, new)| {
        let path = (!to_stdout).then(|| folder.join(&name));
        let old = path.as_deref().map(read).transpose()?.flatten();
        Change { path, name, old, new }.ours(args.force)
    });
    let changes = changes.collect::<anyhow::Result<Vec<_>>>()?;
    args.file.finish(&changes, &made.notes, context)
}

/// The machine from outside, with packages' paths as the lock has them.
pub(super) fn outside(machine: &Machine) -> anyhow::Result<Outside> {
    let lock = Lock::read(&machine.project.join(LOCK_FILE))?;
    let system = machine.image.systems.first().copied();
    let lookup = |name: &str| lock.as_ref()?.package_path(machine, system?, name);
    Ok(Outside::of(machine, &lookup))
}

/// The manifest's digest in a registry, where the lock and the store have all that the image is made of: after a build.
fn pinned(machine: &Machine, context: &Context) -> anyhow::Result<Option<String>> {
    let system = System::X86_64Linux;
    if !machine.image.systems.contains(&system) || !machine.project.join(LOCK_FILE).is_file() {
        return Ok(None);
    }
    let opened = project::Args::offline().open_loaded(machine.clone())?;
    let project: Project<'_> = opened.project(Codec::default(), context);
    let built = match project.images(&Mode::Locked, &[system], false) {
        Ok(built) => built,
        Err(error) => {
            tracing::debug!("the image can't be made from what is at hand: {error}");
            return Ok(None);
        }
    };
    Ok(built.images.first().map(|image| image.digest(Form::Docker)).transpose()?.map(|digest| digest.to_string()))
}

/// An error in the user's fly.toml, at its line.
pub(super) fn diagnosed(error: FlyError, path: Option<&Path>, text: Option<&str>) -> anyhow::Error {
    let FlyError::Syntax { message, span: Some(span) } = &error else { return error.into() };
    let file = path.map_or_else(|| PathBuf::from("fly.toml"), Path::to_path_buf);
    let place = Place { file: Arc::new(file), source: text.unwrap_or_default().into(), span: span.clone() };
    let diagnostic = Diagnostic {
        severity: Severity::Error,
        message: message.replace('\n', ": "),
        place: Some(place),
        label: String::new(),
        help: None,
    };
    Failure::diagnosed(Class::Usage, vec![diagnostic]).into()
}

impl ContainerArgs {
    fn exposure(&self) -> Exposure {
        Exposure { address: self.address, mounts: self.allow_mounts }
    }
}

impl FileArgs {
    /// `None`: stdout.
    fn path(&self, context: &Context, name: &str) -> Option<PathBuf> {
        let path = self.output.clone().unwrap_or_else(|| context.directory.join(name));
        (path != Path::new("-")).then_some(path)
    }

    fn change(&self, context: &Context, name: &str, new: String) -> anyhow::Result<Change> {
        let path = self.path(context, name);
        let old = path.as_deref().map(read).transpose()?.flatten();
        Ok(Change { path, name: name.to_owned(), old, new })
    }

    /// Writes, prints or compares.
    fn finish(&self, changes: &[Change], notes: &[String], context: &Context) -> anyhow::Result<()> {
        let files = changes.iter().map(|change| FileReport {
            path: change.path.as_deref(),
            changed: change.is_one(),
            text: &change.new,
        });
        let document = Document { version: 1, files: files.collect(), notes };
        if self.check {
            return compare(changes, &document, context);
        }
        for change in changes {
            change.write(changes.len() > 1, context)?;
        }
        for note in notes {
            context.progress.note(note);
        }
        if context.json { context.document(&document) } else { Ok(()) }
    }
}

fn compare(changes: &[Change], document: &Document<'_>, context: &Context) -> anyhow::Result<()> {
    let different = changes.iter().filter(|change| change.is_one()).collect::<Vec<_>>();
    if !context.json {
        for change in &different {
            context.text(change.difference())?;
        }
    }
    let Some(first) = different.first() else {
        return if context.json { context.document(document) } else { Ok(()) };
    };
    let failure = Failure::new(Class::Differs, format!("{} is not what the three files say", first.name));
    let failure = failure.help("the same without `--check` writes it");
    Err(failure.findings(serde_json::to_value(document)?).into())
}

impl Change {
    fn is_one(&self) -> bool {
        self.old.as_ref() != Some(&self.new)
    }

    /// Refuses to write over what is somebody else's.
    fn ours(self, force: bool) -> anyhow::Result<Self> {
        let foreign = self.old.as_ref().is_some_and(|old| !old.starts_with(OURS) && !old.trim().is_empty());
        if foreign && !force {
            let message = format!("{} is there and not by dumbc", self.name);
            let help = "move it away, name another file with `--output`, or write over it with `--force`";
            return Err(Failure::new(Class::Usage, message).help(help).into());
        }
        Ok(self)
    }

    fn difference(&self) -> String {
        let old = self.old.as_deref().unwrap_or_default();
        let (before, after) = (format!("a/{}", self.name), format!("b/{}", self.name));
        TextDiff::from_lines(old, &self.new).unified_diff().header(&before, &after).to_string()
    }

    fn write(&self, one_of_several: bool, context: &Context) -> anyhow::Result<()> {
        let Some(path) = &self.path else {
            if context.json {
                return Ok(());
            }
            let title = if one_of_several { format!("# {}\n", self.name) } else { String::new() };
            return context.text(title + &self.new);
        };
        if !self.is_one() {
            context.progress.note(&format!("{} is up to date", path.display()));
            return Ok(());
        }
        let io = |source| crate::export::Error::Io { path: path.clone(), source };
        replace_file(path, |out| out.write_all(self.new.as_bytes()).map_err(io))?;
        context.progress.note(&format!("{} is written", path.display()));
        Ok(())
    }
}

/// A file's text, where there is one.
pub(super) fn read(path: impl AsRef<Path>) -> anyhow::Result<Option<String>> {
    let path = path.as_ref();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(anyhow::Error::from(error).context(format!("can't read {}", path.display()))),
    }
}
