//! What the core wants done to processes.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;
use std::str::FromStr as _;
use std::time::Duration;

use ::nix::sys::signal::Signal;
use ::nix::unistd::{Pid, Uid, fchown};

use super::super::children::{self, Child};
use super::super::core::{Role, Unit};
use super::super::foreground::{self, NotFound};
use super::super::notify::Socket;
use super::super::output::{Lines, Stream};
use super::super::probe::Look;
use super::{Reader, Running};
use crate::boot::PlanReady;
use crate::machine::process::{self, Session};

/// How long a command that looks after a unit may take.
const LOOK: Duration = Duration::from_secs(10);

/// How long a foreground that stopped itself stays so.
const STOPPED: Duration = Duration::from_millis(100);

/// Streams of one unit that are read; more are of processes that earlier runs have left behind.
const STREAMS: usize = 8;

impl Running {
    pub(super) fn start(&mut self, name: &str) {
        let Some(unit) = self.unit(name).cloned() else { return };
        let started =
            if unit.role == Role::Foreground { self.spawn_foreground(&unit) } else { self.spawn_daemon(&unit) };
        let now = self.now();
        match started {
            Ok(pid) => {
                self.says.remove(name);
                self.children.insert(pid, Child::Unit(name.to_owned()));
                self.core.started(name, now);
            }
            Err(NotFound { message, code }) => self.core.not_started(name, &message, code, now),
        }
    }

    fn spawn_foreground(&mut self, unit: &Unit) -> Result<Pid, NotFound> {
        let environment = self.setup.environment_of(unit);
        let path = environment.get("PATH").map(String::as_str).unwrap_or_default();
        let arguments = foreground::resolved(&unit.plan.command, path)?;
        let mut command = process::command(&unit.plan.account, &arguments, &environment, Session::Group);
        if let Some(written) = unit.plan.command.first() {
            command.arg0(written);
        }
        command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
        foreground::give_streams(&unit.plan.account);
        let child = command.spawn().map_err(|error| NotFound::of(&unit.plan.command, &error))?;
        let pid = pid_of(child.id());
        self.terminal.given_to(pid);
        Ok(pid)
    }

    fn spawn_daemon(&mut self, unit: &Unit) -> Result<Pid, NotFound> {
        let mut environment = self.setup.environment_of(unit);
        let failed = |error: io::Error| NotFound::of(&unit.plan.command, &error);
        if unit.plan.ready == Some(PlanReady::Notify) {
            let folder = self.setup.run.join("notify");
            let socket = Socket::new(&folder, &unit.plan.name, unit.plan.account.uid).map_err(failed)?;
            environment.insert("NOTIFY_SOCKET".to_owned(), socket.path().display().to_string());
            self.sockets.insert(unit.plan.name.clone(), socket);
        }
        let mut command = process::command(&unit.plan.account, &unit.plan.command, &environment, Session::Own);
        let (stdout, their_stdout) = pipe(unit.plan.account.uid).map_err(failed)?;
        let (stderr, their_stderr) = pipe(unit.plan.account.uid).map_err(failed)?;
        command.stdout(their_stdout).stderr(their_stderr);
        let child = command.spawn().map_err(failed)?;
        self.read_from(&unit.plan.name, stdout, Stream::Stdout);
        self.read_from(&unit.plan.name, stderr, Stream::Stderr);
        Ok(pid_of(child.id()))
    }

    fn read_from(&mut self, unit: &str, end: OwnedFd, stream: Stream) {
        let of_unit = self.readers.iter().filter(|reader| reader.unit == unit).count();
        if of_unit >= STREAMS
            && let Some(oldest) = self.readers.iter().position(|reader| reader.unit == unit)
        {
            self.readers.remove(oldest);
        }
        let (file, lines) = (end.into(), Lines::default());
        self.readers.push(Reader { unit: unit.to_owned(), stream, file, lines, flush_at: None, ended: false });
    }

    pub(super) fn signal(&mut self, name: &str, signal: &str) {
        let Some(pid) = self.children.of_unit(name) else { return };
        let signal = Signal::from_str(signal).unwrap_or(Signal::SIGTERM);
        children::signal_group(pid, signal);
        if self.unit(name).is_some_and(|unit| unit.role != Role::Foreground) {
            // What is stopped can't hear.
            children::signal_group(pid, Signal::SIGCONT);
        }
    }

    pub(super) fn kill(&mut self, name: &str) {
        let Some(pid) = self.children.of_unit(name) else { return };
        if self.unit(name).is_some_and(|unit| unit.role == Role::Foreground) {
            children::signal_group(pid, Signal::SIGKILL);
        } else {
            children::kill_session(pid);
        }
    }

    pub(super) fn look_ready(&mut self, name: &str, run: u64) {
        let Some(unit) = self.unit(name).cloned() else { return };
        let account = &unit.plan.account;
        match &unit.plan.ready {
            Some(PlanReady::Port(port)) => self.looks.begin(name, run, Look::Port(*port)),
            Some(PlanReady::File(path)) => {
                self.looks.begin(name, run, Look::File(path.clone(), account.uid, account.gid));
            }
            Some(PlanReady::Command(command)) => self.look_by_command(&unit, command, run),
            Some(PlanReady::Notify) | None => {}
        }
    }

    pub(super) fn look_well(&mut self, name: &str, run: u64) {
        let Some(unit) = self.unit(name).cloned() else { return };
        let Some(health) = &unit.plan.health else { return };
        match (&health.http, unit.plan.ports.first()) {
            (Some(path), Some(port)) => self.looks.begin(name, run, Look::Http(*port, path.clone())),
            (Some(_), None) => self.core.looked(name, run, false, "it has no port to ask at", self.now()),
            (None, _) => self.look_by_command(&unit, &health.command, run),
        }
    }

    fn look_by_command(&mut self, unit: &Unit, command: &[String], run: u64) {
        let environment = self.setup.environment_of(unit);
        let now = self.now();
        let path = environment.get("PATH").map(String::as_str).unwrap_or_default();
        let spawned = foreground::resolved(command, path).and_then(|arguments| {
            let mut command = process::command(&unit.plan.account, &arguments, &environment, Session::Own);
            command.spawn().map_err(|error| NotFound::of(&arguments, &error))
        });
        match spawned {
            Ok(child) => {
                let pid = pid_of(child.id());
                self.children.insert(pid, Child::Look(unit.plan.name.clone(), run));
                self.look_ends.insert(pid, now + LOOK);
            }
            Err(error) => self.core.looked(&unit.plan.name, run, false, &error.message, now),
        }
    }

    /// A foreground that stops itself, with no shell above it to continue it, would stop for ever.
    pub(super) fn stopped_itself(&mut self, pid: Pid, signal: Signal) {
        let is_asked = matches!(signal, Signal::SIGTSTP | Signal::SIGTTIN | Signal::SIGTTOU);
        if is_asked && self.terminal.owner() == Some(pid) {
            self.continue_at = Some(self.now() + STOPPED);
        }
    }

    pub(super) fn continue_foreground(&mut self) {
        if let Some(pid) = self.terminal.owner() {
            self.terminal.give_again();
            children::signal_group(pid, Signal::SIGCONT);
        }
    }
}

fn pid_of(id: u32) -> Pid {
    Pid::from_raw(i32::try_from(id).unwrap_or(i32::MAX))
}

/// A pipe: our end, which never blocks, and a unit's. It belongs to the unit's user, who so may open `/dev/stdout`.
fn pipe(uid: u32) -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = ::nix::unistd::pipe2(::nix::fcntl::OFlag::O_CLOEXEC)?;
    rustix::io::ioctl_fionbio(&ours, true)?;
    let _ = fchown(theirs.as_fd(), Some(Uid::from_raw(uid)), None);
    Ok((ours, theirs))
}
