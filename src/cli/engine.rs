//! Docker or podman, as `run` and `try` use them: what they have, what they are given, and this process becoming theirs.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::build::{Built, Destination, Project};
use crate::channel::Mode;
use crate::config::System;
use crate::emit::{EngineKind, Run};
use crate::export::{Daemon, Format, Image, ImageName, Load, Surroundings};
use crate::failure::Class;
use crate::image::codec::Codec;
use crate::image::documents::Form;

use super::context::Context;
use super::failure::Failure;
use super::project::Opened;

/// A program that runs containers, and answers.
pub(super) struct Engine {
    kind: EngineKind,
}

/// What an engine knows of an image.
#[derive(serde::Deserialize)]
struct Inspected {
    #[serde(rename = "Id")]
    id: String,
    #[serde(rename = "Config", default)]
    config: Option<InspectedConfig>,
}

impl Inspected {
    /// Docker over containerd calls an image by its manifest.
    fn is(&self, image: &Image) -> bool {
        let id = self.id.strip_prefix("sha256:").unwrap_or(&self.id);
        let manifest = || image.digest(Form::OciUncompressed).is_ok_and(|digest| digest.0.hex() == id);
        image.id().hex() == id || manifest()
    }
}

/// The part of an image's configuration that running it needs.
#[derive(serde::Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct InspectedConfig {
    exposed_ports: Option<std::collections::BTreeMap<String, serde_json::Value>>,
    volumes: Option<std::collections::BTreeMap<String, serde_json::Value>>,
}

impl InspectedConfig {
    /// TCP ports.
    pub(super) fn ports(&self) -> Vec<u16> {
        let names = self.exposed_ports.iter().flat_map(|ports| ports.keys());
        names.filter_map(|name| name.strip_suffix("/tcp").unwrap_or(name).parse().ok()).collect()
    }

    /// Where volumes are mounted.
    pub(super) fn volumes(&self) -> Vec<String> {
        self.volumes.iter().flat_map(|volumes| volumes.keys().cloned()).collect()
    }
}

pub(super) fn kind(text: &str) -> Result<EngineKind, String> {
    let found = EngineKind::ALL.into_iter().find(|kind| kind.program() == text);
    found.ok_or_else(|| format!("there is no engine `{text}`: give docker or podman"))
}

impl Engine {
    /// The one that is wanted, else the first that answers.
    pub(super) fn find(wanted: Option<EngineKind>) -> anyhow::Result<Self> {
        let candidates = wanted.map_or_else(|| EngineKind::ALL.to_vec(), |kind| vec![kind]);
        let mut reasons = Vec::new();
        for kind in candidates {
            match answers(kind) {
                Ok(()) => return Ok(Self { kind }),
                Err(reason) => reasons.push(format!("{}: {reason}", kind.program())),
            }
        }
        let help = "start docker's daemon (DOCKER_HOST says where it is), or install podman";
        let message = format!("nothing here runs containers: {}", reasons.join("; "));
        Err(Failure::new(Class::Other, message).help(help).into())
    }

    /// For commands that are only shown.
    pub(super) const fn assumed(kind: EngineKind) -> Self {
        Self { kind }
    }

    /// What is known of an image; `None`: it isn't there.
    fn inspect(&self, image: &str) -> anyhow::Result<Option<Inspected>> {
        let mut command = Command::new(self.kind.program());
        let output = command.args(["image", "inspect", image]).stdin(Stdio::null()).output()?;
        if !output.status.success() {
            return Ok(None);
        }
        let mut images: Vec<Inspected> = serde_json::from_slice(&output.stdout)?;
        Ok(images.pop())
    }

    /// The configuration of an image that the engine must have.
    pub(super) fn configuration(&self, image: &str) -> anyhow::Result<InspectedConfig> {
        let Some(found) = self.inspect(image)? else {
            let message = format!("{} has no image `{image}`", self.kind.program());
            let help = "without IMAGE, that of the project is built and run; an archive is named by its path";
            return Err(Failure::new(Class::Usage, message).help(help).into());
        };
        Ok(found.config.unwrap_or_default())
    }

    /// Loads an archive; what the engine calls it.
    pub(super) fn load_file(&self, archive: &Path) -> anyhow::Result<String> {
        let mut command = Command::new(self.kind.program());
        let output = command.arg("load").arg("-i").arg(archive).stdin(Stdio::null()).output()?;
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let name = told.lines().rev().find_map(|line| line.split_once("Loaded image").map(|(_, rest)| rest));
        let name = name.and_then(|rest| rest.split_once(": ")).map(|(_, name)| name.trim().to_owned());
        name.filter(|_| output.status.success()).ok_or_else(|| {
            let reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            let (program, archive) = (self.kind.program(), archive.display());
            Failure::new(Class::Other, format!("{program} can't load {archive}: {reason}")).into()
        })
    }

    /// Builds the project's image and loads it, unless the engine has this very one under its name.
    pub(super) fn load_project(&self, opened: &Opened, context: &Context) -> anyhow::Result<()> {
        let system = native(&opened.machine.image.systems);
        let project = opened.project(Codec::default(), context);
        let mode = opened.mode();
        let built = project.images(&mode, &[system], false)?;
        if mode != Mode::Locked {
            built.lock.write(&project.lock_path())?;
        }
        let Some(ours) = built.images.first() else { return Ok(()) };
        let name = ImageName { name: opened.machine.image.name.clone(), tag: opened.machine.image.tag.clone() };
        let image = name.reference();
        let is_there = || {
            let there = self.inspect(&image)?;
            Ok::<_, anyhow::Error>(there.is_some_and(|there| there.is(ours)))
        };
        if is_there()? {
            return Ok(());
        }
        // The program may use other storage than the socket's: only what it finds itself counts.
        if let Ok(daemon) = Daemon::find(Some(self.kind), &Surroundings::from_environment()) {
            let load = Load { daemon: &daemon, names: std::slice::from_ref(&name), progress: &*context.progress };
            built.load(&project, &load, ours)?;
            if is_there()? {
                return Ok(());
            }
        }
        context.progress.begin(&format!("loading {image} into {}", self.kind.program()), None);
        self.load(&built, &project)
    }

    /// Through the program: podman needs no service.
    fn load(&self, built: &Built, project: &Project<'_>) -> anyhow::Result<()> {
        let mut command = Command::new(self.kind.program());
        let mut child = command.arg("load").stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        let written = match child.stdin.take() {
            Some(mut input) => built.write(project, Format::Archive, Destination::Stream(&mut input)).map(drop),
            None => Ok(()),
        };
        // What the engine says of its own failure, on stderr, is better than a broken pipe.
        let status = child.wait()?;
        if status.success() {
            return Ok(written?);
        }
        Err(Failure::new(Class::Other, format!("{} could not load the image", self.kind.program())).into())
    }

    /// The command line as one would type it.
    pub(super) fn shown(&self, run: &Run) -> anyhow::Result<String> {
        let arguments = run.arguments();
        let words = std::iter::once(self.kind.program()).chain(arguments.iter().map(String::as_str));
        Ok(shlex::try_join(words)?)
    }

    /// This process becomes the engine's: its signals, terminal and exit code are the container's.
    pub(super) fn become_it(&self, run: &Run) -> anyhow::Error {
        let error = Command::new(self.kind.program()).args(run.arguments()).exec();
        anyhow::Error::from(error).context(format!("can't start {}", self.kind.program()))
    }
}

/// Whether an engine's server is there, else why not.
fn answers(kind: EngineKind) -> Result<(), String> {
    let mut command = Command::new(kind.program());
    let output = command.arg("version").stdin(Stdio::null()).output().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "it is not installed".to_owned(),
        _ => error.to_string(),
    })?;
    let reason = String::from_utf8_lossy(&output.stderr).trim().lines().last().unwrap_or_default().to_owned();
    if output.status.success() { Ok(()) } else { Err(reason) }
}

/// The system of this machine, where the image has one for it.
fn native(systems: &[System]) -> System {
    let here = System::ALL.into_iter().find(|system| system.name().starts_with(std::env::consts::ARCH));
    let found = here.filter(|system| systems.contains(system)).or_else(|| systems.first().copied());
    found.unwrap_or(System::X86_64Linux)
}
