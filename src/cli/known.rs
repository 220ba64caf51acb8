//! What `search`, `info` and `versions` share: the channels of a project, or those of somebody who has none yet.

use crate::cache::Settings;
use crate::channel::known::Known;
use crate::channel::{LOCK_FILE, Lock, Sources};
use crate::config::{self, Channel, Machine, Names, Request, RequestKind, System};
use crate::failure::Class;
use crate::store::Store;

use super::context::Context;
use super::failure::Failure;
use super::project;

/// Who has no system.toml looks into this channel.
const BEGINNERS: &str = "[channels.nixpkgs]\nrelease = \"nixos-unstable\"\n[image]\nname = \"none\"\n";

/// Arguments of the three.
#[derive(clap::Args)]
#[group(id = "known")]
pub(super) struct Args {
    /// Ask this channel: one of system.toml, or any of NixOS such as nixos-26.05. Without a system.toml that is nixos-unstable
    #[arg(long, value_name = "CHANNEL")]
    channel: Option<String>,
    /// For this system [default: the first of system.toml]
    #[arg(long, value_name = "SYSTEM", value_parser = project::system)]
    system: Option<System>,
    /// Use no network: only what is locked, remembered, or in folders of this machine
    #[arg(long)]
    offline: bool,
}

/// What is asked, and on whose behalf.
pub(super) struct Opened {
    pub(super) machine: Machine,
    lock: Lock,
    system: System,
    pub(super) settings: Settings,
    /// `--channel`
    channel: Option<String>,
}

/// A package that somebody named.
pub(super) struct Named {
    pub(super) channel: String,
    pub(super) attribute: String,
    pub(super) version: Option<String>,
}

impl Args {
    /// Reads the project's files and lock, where there are any.
    pub(super) fn open(&self, context: &Context) -> anyhow::Result<Opened> {
        let mut machine = machine(context)?;
        if let Some(named) = &self.channel {
            add_channel(&mut machine, named)?;
        }
        let lock = Lock::read(&context.directory.join(LOCK_FILE))?.unwrap_or_default();
        let state = Store::state_dir_of(&Store::default_root()?);
        let settings = Settings { untrusted: project::is_untrusted(), ..Settings::new(self.offline, state) };
        let first = machine.image.systems.first().copied();
        let system = self.system.or(first).unwrap_or(System::X86_64Linux);
        Ok(Opened { machine, lock, system, settings, channel: self.channel.clone() })
    }
}

/// The project's machine, else one that has a NixOS channel.
fn machine(context: &Context) -> anyhow::Result<Machine> {
    let loaded = if context.directory.join("system.toml").exists() {
        config::load(&context.directory)
    } else {
        config::parse(&config::Sources { system: Some(BEGINNERS.to_owned()), ..config::Sources::default() })
    };
    let (mut machine, _) = loaded.into_machine()?;
    machine.project.clone_from(&context.directory);
    Ok(machine)
}

/// Any NixOS channel may be asked, without a table of its own.
fn add_channel(machine: &mut Machine, wanted: &str) -> anyhow::Result<()> {
    if machine.channels.contains_key(wanted) {
        return Ok(());
    }
    if !["nixos-", "nixpkgs-"].iter().any(|prefix| wanted.starts_with(prefix)) {
        let known: Vec<_> = machine.channels.keys().map(|name| format!("`{name}`")).collect();
        let help = format!("there is {}, and any of NixOS such as `nixos-26.05`", known.join(", "));
        return Err(Failure::new(Class::Usage, format!("there is no channel `{wanted}`")).help(help).into());
    }
    let names = Names::NixosRelease { name: wanted.to_owned(), revision: None };
    let (caches, keys) = (Vec::new(), Vec::new());
    let channel = Channel { names, caches, keys, allow_unsigned: false, place: None };
    machine.channels.insert(wanted.to_owned(), channel);
    Ok(())
}

impl Opened {
    /// Ready to ask.
    pub(super) fn known<'a>(&'a self, sources: &'a dyn Sources, context: &'a Context) -> Known<'a> {
        let Self { machine, lock, system, .. } = self;
        Known { machine, lock, sources, system: *system, progress: &*context.progress }
    }

    /// The channels that are asked: the named one, else all that have names.
    pub(super) fn channels<'a>(&'a self, known: &Known<'a>) -> Vec<&'a str> {
        self.channel.as_deref().map_or_else(|| known.channels(), |named| vec![named])
    }

    /// `git`, `unstable#git`, `python3@3.12`: of the named channel, else the default one, else the first.
    pub(super) fn named(&self, text: &str, known: &Known<'_>) -> anyhow::Result<Named> {
        let usage = |message: String| Failure::new(Class::Usage, message);
        let request = Request::parse(text, None).map_err(|error| usage(error.to_string()))?;
        let RequestKind::Name { channel, attribute, version, .. } = request.kind else {
            return Err(usage(format!("`{text}` is no name in a channel")).into());
        };
        let first = || known.channels().first().map(|name| (*name).to_owned());
        let channel = self.channel.clone().or(channel).or_else(|| self.machine.default_channel.clone()).or_else(first);
        let Some(channel) = channel else {
            let help = "give system.toml a channel, or name one: --channel nixos-unstable";
            return Err(usage("no channel has names".to_owned()).help(help).into());
        };
        if !self.machine.channels.contains_key(&channel) {
            return Err(usage(format!("there is no channel `{channel}`")).into());
        }
        Ok(Named { channel, attribute, version })
    }
}
