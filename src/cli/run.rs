//! `dumbc run` and `dumbc try`: the machine in docker or podman.

use std::io::{IsTerminal as _, stdin, stdout};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::config::{Machine, RequestKind, RunAs};
use crate::emit::{EngineKind, Exposure, Outside, Run, Terminal, published};
use crate::failure::Class;

use super::context::Context;
use super::emit::outside;
use super::engine::{self, Engine};
use super::failure::Failure;
use super::project;

/// Run the machine in docker or podman
///
/// Builds the project's image, gives it to the engine where it hasn't got it, and runs it with a volume (NAME-data), its ports
/// on 127.0.0.1 and the secrets that the environment has. The exit code is the container's.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    dumbc run --rm                     # until ^C; the volume stays\n  \
    dumbc run -d --name web            # in the background\n  \
    dumbc run --rm -- git --version    # another command, without daemons\n  \
    dumbc run image.tar.gz             # an archive\n\n\
    Ports below 1024 are published 10,000 higher: sshd at 10022. -p says otherwise.")]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub(super) struct RunArgs {
    #[command(flatten)]
    common: CommonArgs,

    /// Run in the background, and print the container's ID
    #[arg(short, long)]
    detach: bool,

    /// Remove the container when it ends; the volume stays
    #[arg(long)]
    rm: bool,

    /// The container's name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// The volume's name [default: the image's, with -data]
    #[arg(long, value_name = "NAME")]
    volume: Option<String>,

    /// Publish these ports only, as the engine reads them: 80:8080; may be given several times
    #[arg(short, long, value_name = "PORTS")]
    publish: Vec<String>,

    /// Publish ports to the network, and not to this machine alone
    #[arg(long, conflicts_with = "publish")]
    publish_all: bool,

    /// Let the machine mount, which needs `SYS_ADMIN`: its store becomes one overlay, in place of links
    #[arg(long)]
    allow_mounts: bool,
}

/// Try the machine: a shell in a container that is thrown away
///
/// No volume, no daemons, no ports: a login shell as the entrypoint's user, or whom `--user` names. What it does is gone when it
/// ends.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  dumbc try\n  dumbc try --user bob\n  dumbc try -- git --version")]
pub(super) struct TryArgs {
    #[command(flatten)]
    common: CommonArgs,

    /// As this user of users.toml, or root
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
}

#[derive(clap::Args)]
struct CommonArgs {
    /// An image that the engine has, or an archive [default: the project's, built where it must be]
    image: Option<String>,

    /// docker or podman [default: the first that answers]
    #[arg(long, value_name = "ENGINE", value_parser = engine::kind)]
    engine: Option<EngineKind>,

    /// A file of variables, NAME=VALUE in a line
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,

    /// Hand a variable of the environment through; may be given several times
    #[arg(short, long, value_name = "NAME")]
    env: Vec<String>,

    /// One more option for the engine: --engine-option=--network=none
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    engine_option: Vec<String>,

    /// Show the engine's command, and do nothing
    #[arg(long)]
    dry_run: bool,

    /// Another command than the image's
    #[arg(last = true)]
    command: Vec<String>,

    #[command(flatten)]
    project: project::Args,
}

/// An image that is ready to run, with what is known of it.
struct Ready {
    engine: Engine,
    image: String,
    /// Of the project's own image.
    project: Option<(Machine, Outside)>,
}

pub(super) fn run(args: &RunArgs, context: &Context) -> anyhow::Result<()> {
    let ready = args.common.ready(context)?;
    let mut run = args.common.begin(&ready.image)?;
    run.exposure.mounts = args.allow_mounts;
    (run.name, run.remove) = (args.name.clone(), args.rm);
    if args.detach {
        run.terminal = Terminal::Detached;
    }
    if args.publish_all {
        run.exposure.address = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
    }
    let (volumes, ports) = match &ready.project {
        Some((_, outside)) => {
            describe(&mut run, outside, context);
            (outside.volume.iter().cloned().collect(), outside.ports.iter().map(|port| port.number).collect())
        }
        None if args.common.dry_run => (Vec::new(), Vec::new()),
        None => {
            let configuration = ready.engine.configuration(&ready.image)?;
            (configuration.volumes(), configuration.ports())
        }
    };
    run.volumes = named(&volumes, args.volume.as_deref(), &ready);
    // A command of its own has no daemons, and nothing listens: two of them may run at once.
    let listens = args.publish.is_empty() && args.common.command.is_empty();
    run.ports = if listens { published(ports) } else { Vec::new() };
    run.publish.clone_from(&args.publish);
    ready.go(&run, args.common.dry_run, context)
}

pub(super) fn try_it(args: &TryArgs, context: &Context) -> anyhow::Result<()> {
    let ready = args.common.ready(context)?;
    let mut run = args.common.begin(&ready.image)?;
    run.remove = true;
    let machine = ready.project.as_ref().map(|(machine, _)| machine);
    if let Some((_, outside)) = &ready.project {
        run.hostname = Some(outside.hostname.clone());
    }
    if let Some(name) = &args.user {
        as_user(&mut run, name, machine)?;
    }
    if run.command.is_empty() {
        run.command = vec![shell(args.user.as_deref(), machine), "-l".to_owned()];
    }
    ready.go(&run, args.common.dry_run, context)
}

impl CommonArgs {
    /// Finds the engine, and makes the image ready.
    fn ready(&self, context: &Context) -> anyhow::Result<Ready> {
        let engine = match Engine::find(self.engine) {
            Ok(engine) => engine,
            Err(_) if self.dry_run => Engine::assumed(self.engine.unwrap_or(EngineKind::Docker)),
            Err(error) => return Err(error),
        };
        if let Some(image) = &self.image {
            let is_archive = Path::new(image).is_file() && !self.dry_run;
            let image = if is_archive { engine.load_file(Path::new(image))? } else { image.clone() };
            return Ok(Ready { engine, image, project: None });
        }
        let opened = self.project.open(context)?;
        if !self.dry_run {
            engine.load_project(&opened, context)?;
        }
        let outside = outside(&opened.machine)?;
        Ok(Ready { engine, image: outside.reference(), project: Some((opened.machine, outside)) })
    }

    fn begin(&self, image: &str) -> anyhow::Result<Run> {
        if let Some(pair) = self.env.iter().find(|name| name.contains('=') || name.is_empty()) {
            let name = pair.split('=').next().unwrap_or_default();
            let message = format!("`--env` takes the name of a variable only: {name}");
            let help = "set it in the environment, or write it into a file for `--env-file`: others see command lines";
            return Err(Failure::new(Class::Usage, message).help(help).into());
        }
        let is_terminal = stdin().is_terminal() && stdout().is_terminal();
        Ok(Run {
            image: image.to_owned(),
            variables: self.env.clone(),
            env_files: self.env_file.clone(),
            terminal: if is_terminal { Terminal::Tty } else { Terminal::Pipe },
            options: self.engine_option.clone(),
            command: self.command.clone(),
            exposure: Exposure::default(),
            ..Run::default()
        })
    }
}

impl Ready {
    fn go(&self, run: &Run, dry_run: bool, context: &Context) -> anyhow::Result<()> {
        if dry_run {
            return context.line(self.engine.shown(run)?);
        }
        Err(self.engine.become_it(run))
    }
}

/// What the project says of its machine: host, secrets, time to stop.
fn describe(run: &mut Run, outside: &Outside, context: &Context) {
    run.hostname = Some(outside.hostname.clone());
    run.stop_time = Some(outside.stop_time.as_secs() + u64::from(outside.stop_time.subsec_nanos() > 0));
    for (name, of) in &outside.secrets {
        if run.variables.contains(name) {
            continue;
        }
        if std::env::var_os(name).is_some() {
            run.variables.push(name.clone());
        } else if run.env_files.is_empty() {
            let units = of.units.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            context.progress.warn(&format!("the secret {name} is not in the environment, and {units} needs it"));
        }
    }
}

/// Volumes with names: the machine's, then `-2`, `-3` for others that the image has.
fn named(paths: &[String], name: Option<&str>, ready: &Ready) -> Vec<(String, String)> {
    let of_image = || {
        let last = ready.image.rsplit('/').next().unwrap_or_default();
        let last = last.split([':', '@']).next().unwrap_or_default();
        format!("{last}-data")
    };
    let known = ready.project.as_ref().map(|(_, outside)| outside.volume_name());
    let name = name.map(str::to_owned).or(known).unwrap_or_else(of_image);
    let numbered = |index: usize| if index == 0 { name.clone() } else { format!("{name}-{}", index + 1) };
    paths.iter().enumerate().map(|(index, path)| (numbered(index), path.clone())).collect()
}

fn as_user(run: &mut Run, name: &str, machine: Option<&Machine>) -> anyhow::Result<()> {
    let (user, home) = match machine.and_then(|machine| machine.users.get(name)) {
        Some(user) => (format!("{}:{}", user.uid, user.gid), format!("/home/{name}")),
        None if name == "root" => ("0:0".to_owned(), "/root".to_owned()),
        // The image's own passwd knows it, or nobody does.
        None if machine.is_none() => {
            run.user = Some(name.to_owned());
            return Ok(());
        }
        None => {
            let help = "users.toml declares users";
            return Err(Failure::new(Class::Usage, format!("there is no user `{name}`")).help(help).into());
        }
    };
    let settings = [("HOME", home.as_str()), ("USER", name), ("LOGNAME", name)];
    run.settings.extend(settings.map(|(key, value)| (key.to_owned(), value.to_owned())));
    (run.user, run.folder) = (Some(user), Some(home));
    Ok(())
}

/// A user's login shell; bash where the machine asks for it, else whatever `sh` is.
fn shell(user: Option<&str>, machine: Option<&Machine>) -> String {
    let Some(machine) = machine else { return "/bin/sh".to_owned() };
    let entrypoint = machine.entrypoint.as_ref().map(|unit| &unit.user);
    let user = user.or(match entrypoint {
        Some(RunAs::User(name)) => Some(name),
        _ => None,
    });
    let declared = user.and_then(|name| machine.users.get(name)?.shell.clone());
    let has_bash = machine
        .packages
        .iter()
        .any(|request| matches!(&request.kind, RequestKind::Name { attribute, .. } if attribute == "bash"));
    declared.unwrap_or_else(|| if has_bash { "bash" } else { "/bin/sh" }.to_owned())
}
