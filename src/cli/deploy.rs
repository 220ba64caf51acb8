//! `dumbc deploy`: to Fly's registry, and then to its machines, by flyctl.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use serde::Serialize;

use crate::failure::Class;
use crate::registry::{CREDENTIALS_VARIABLE, FLY_REGISTRY, fly_registry};

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::push::{self, Report};

/// flyctl's names. `fly` may be another program, so it comes last.
const PROGRAMS: [&str; 2] = ["flyctl", "fly"];

/// Build, push, and have Fly run the image by its digest
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    dumbc deploy\n  \
    dumbc deploy --app lazycoder --dry-run\n  \
    dumbc deploy -- --strategy canary --wait-timeout 5m\n\n\
    Pushes as `dumbc push` does, then runs `flyctl deploy --image …@sha256:…` with fly.toml; where flyctl is not installed, the \
    command is printed. Its exit code is this program's. The last line brings back what the tag named before. docs/fly.md tells \
    more.")]
pub(super) struct Args {
    /// Fly's name of the app [default: fly.toml's, else `name` of [image]]
    #[arg(short, long, value_name = "NAME")]
    app: Option<String>,

    /// The app's configuration [default: fly.toml beside system.toml, where there is one]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Build, and show what would be pushed and run; push and run nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    options: push::Options,

    /// Options for `flyctl deploy`, after `--`
    #[arg(last = true, value_name = "OPTION")]
    more: Vec<String>,
}

/// How flyctl is called.
struct Deploy {
    app: String,
    config: Option<PathBuf>,
    more: Vec<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    app: &'a str,
    image: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    push: Option<&'a Report>,
    command: &'a str,
    /// What brings back the image before, where there was another.
    rollback: Option<&'a str>,
    /// flyctl's exit code; `null`: it did not run.
    exit_code: Option<u8>,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let deploy = args.deploy(context)?;
    let reference = reference(&deploy.app, context)?;
    if args.dry_run {
        return args.show(&deploy, reference.as_deref(), context);
    }
    let report = push::push(reference.as_deref(), &args.options, context)?;
    let before = report.previous_digest().filter(|previous| *previous != report.digest);
    if !context.json {
        context.text(report.text())?;
    }
    let ended = deploy.run(&report.pinned, context)?;
    let program = ended.as_ref().map_or(PROGRAMS[0], |(program, _)| program);
    let command = deploy.shown(program, &report.pinned)?;
    let rollback = before.map(|before| deploy.shown(program, &at(&report.pinned, before))).transpose()?;
    let exit_code = ended.map(|(_, status)| code(status));
    if context.json {
        let (image, push) = (report.pinned.as_str(), Some(&report));
        let (command, rollback) = (command.as_str(), rollback.as_deref());
        context.document(&Document { version: 1, app: &deploy.app, image, push, command, rollback, exit_code })?;
    } else {
        if exit_code.is_none() {
            context.progress.warn("flyctl is not installed, so nothing is deployed yet: run this where it is");
            context.line(&command)?;
        }
        if let Some(rollback) = rollback {
            context.line(format!("back to what was there before:\n{rollback}"))?;
        }
    }
    Exit::with(exit_code.unwrap_or(0))
}

/// Where to push: another registry where the files name one, else the app's repository in Fly's.
fn reference(app: &str, context: &Context) -> anyhow::Result<Option<String>> {
    let host = fly_registry();
    let registry = context.load()?.machine.image.registry;
    let is_other = registry.is_some_and(|registry| registry != FLY_REGISTRY && registry != host);
    Ok((!is_other).then(|| format!("{host}/{app}")))
}

impl Args {
    fn deploy(&self, context: &Context) -> anyhow::Result<Deploy> {
        let beside = context.directory.join("fly.toml");
        let config = self.config.clone().or_else(|| beside.is_file().then_some(beside));
        let named = match (&self.app, &config) {
            (Some(app), _) => Some(app.clone()),
            (None, Some(config)) => push::app(config)?,
            (None, None) => None,
        };
        let app = match named {
            Some(app) => app,
            None => short_name(&context.load()?.machine.image.name).to_owned(),
        };
        let is_fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if app.is_empty() || app.starts_with('-') || !app.chars().all(is_fine) {
            let help =
                "its apps have lower-case letters, digits and `-`: name yours with `--app`, or `app` in fly.toml";
            return Err(Failure::new(Class::Usage, format!("`{app}` can't be an app of Fly")).help(help).into());
        }
        Ok(Deploy { app, config, more: self.more.clone() })
    }

    /// What would be done.
    fn show(&self, deploy: &Deploy, reference: Option<&str>, context: &Context) -> anyhow::Result<()> {
        let image = push::preview(reference, &self.options, context)?.to_string();
        let command = deploy.shown(PROGRAMS[0], &image)?;
        if context.json {
            let (app, image, command) = (deploy.app.as_str(), image.as_str(), command.as_str());
            let (push, rollback, exit_code) = (None, None, None);
            return context.document(&Document { version: 1, app, image, push, command, rollback, exit_code });
        }
        context.line(format!("dumbc would push {image}, and run\n{command}"))
    }
}

impl Deploy {
    fn arguments(&self, image: &str) -> Vec<OsString> {
        let mut arguments = ["deploy", "--app", &self.app, "--image", image].map(OsString::from).to_vec();
        if let Some(config) = &self.config {
            arguments.extend(["--config".into(), config.clone().into_os_string()]);
        }
        arguments.extend(self.more.iter().map(OsString::from));
        arguments
    }

    /// The command as one would type it.
    fn shown(&self, program: &str, image: &str) -> anyhow::Result<String> {
        let arguments = self.arguments(image);
        let words = arguments.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>();
        let all = std::iter::once(program).chain(words.iter().map(AsRef::as_ref));
        Ok(shlex::try_join(all)?)
    }

    /// Runs flyctl in this terminal, and tells which it was and how it ended; `None`: it isn't installed.
    fn run(&self, image: &str, context: &Context) -> anyhow::Result<Option<(&'static str, ExitStatus)>> {
        for program in PROGRAMS {
            let mut command = Command::new(program);
            command.args(self.arguments(image)).current_dir(&context.directory).env_remove(CREDENTIALS_VARIABLE);
            if context.json {
                // stdout is one document, ours.
                command.stdout(Stdio::from(std::io::stderr().as_fd().try_clone_to_owned()?));
            }
            // The terminal is its own for as long as it runs.
            match context.aside(|| command.status()) {
                Ok(status) => return Ok(Some((program, status))),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(anyhow::Error::from(error).context(format!("can't start {program}"))),
            }
        }
        Ok(None)
    }
}

/// As shells have it: who is ended by a signal has 128 and its number.
fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// The same repository at another digest.
fn at(pinned: &str, digest: &str) -> String {
    let repository = pinned.rsplit_once('@').map_or(pinned, |(repository, _)| repository);
    format!("{repository}@{digest}")
}

fn short_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
