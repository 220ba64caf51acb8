//! The loop: waits for something to happen, tells it to [`Core`], and does what comes out.

mod answers;
mod deeds;
mod turn;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use ::nix::sys::signal::Signal;
use ::nix::unistd::Pid;

use super::banner::Banners;
use super::children::{self, Children};
use super::control::server::Server;
use super::core::{Action, Core, Unit};
use super::foreground::Terminal;
use super::notify::Socket;
use super::output::{Lines, Output, Stream, Writer};
use super::probe::Looks;
use super::setup::Setup;
use super::signals::Signals;

/// A machine that runs.
pub(super) struct Running {
    setup: Setup,
    core: Core,
    signals: Signals,
    children: Children,
    output: Output,
    readers: Vec<Reader>,
    sockets: BTreeMap<String, Socket>,
    looks: Looks,
    /// When commands that look after units have taken too long.
    look_ends: BTreeMap<Pid, Duration>,
    server: Option<Server>,
    terminal: Terminal,
    /// When a foreground that stopped itself is continued.
    continue_at: Option<Duration>,
    /// What units say of themselves.
    says: BTreeMap<String, String>,
    /// Sessions whose leader is gone, and who may still have members.
    leftovers: Vec<Pid>,
    banners: Option<Banners>,
    exit: Option<u8>,
}

/// One of a unit's streams.
struct Reader {
    unit: String,
    stream: Stream,
    file: File,
    lines: Lines,
    /// When a line without an end is taken for one.
    flush_at: Option<Duration>,
    ended: bool,
}

impl Running {
    /// Takes over this process's signals, and makes the sockets.
    pub(super) fn new(setup: Setup) -> io::Result<Self> {
        let stop = setup.plan.entrypoint.as_ref().and_then(|unit| Signal::from_str(&unit.stop.signal).ok());
        // Threads inherit what is blocked: so this comes before any of them.
        let signals = Signals::take(stop.filter(|signal| !matches!(signal, Signal::SIGKILL | Signal::SIGSTOP)))?;
        // Without it orphans are the outer init's; the machine goes on.
        let _ = ::nix::sys::prctl::set_child_subreaper(true);
        let writer = Writer::start()?;
        let mut output = Output::new(setup.plan.logs, setup.layout.state().join("logs"), writer);
        let units = setup.units();
        output.widen(units.iter().map(|unit| unit.plan.name.as_str()));
        let server = if setup.is_whole() { open_server(&setup.run, &mut output) } else { None };
        let banners = setup.is_whole().then(|| Banners::new(&setup.run));
        Ok(Self {
            core: Core::new(units),
            signals,
            children: Children::default(),
            output,
            readers: Vec::new(),
            sockets: BTreeMap::new(),
            looks: Looks::new()?,
            look_ends: BTreeMap::new(),
            server,
            terminal: Terminal::of_this_process(),
            continue_at: None,
            says: BTreeMap::new(),
            leftovers: Vec::new(),
            banners,
            exit: None,
            setup,
        })
    }

    /// Runs until everything has stopped; gives the exit code.
    pub(super) fn run(mut self) -> u8 {
        self.core.begin(self.now());
        let code = loop {
            self.act();
            if let Some(code) = self.exit {
                break code;
            }
            self.turn();
        };
        self.end();
        code
    }

    fn now(&self) -> Duration {
        self.setup.started.elapsed()
    }

    /// Does what the core wants, until it wants nothing more.
    fn act(&mut self) {
        loop {
            let actions = self.core.take_actions();
            if actions.is_empty() {
                return self.tell_banners();
            }
            for action in actions {
                self.carry_out(action);
            }
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Start(name) => self.start(&name),
            Action::Signal(name, signal) => self.signal(&name, &signal),
            Action::Kill(name) => self.kill(&name),
            Action::LookReady(name, run) => self.look_ready(&name, run),
            Action::LookWell(name, run) => self.look_well(&name, run),
            Action::Say(name, text) => self.say(&name, &text),
            Action::Forget(name) => {
                self.output.forget(&name);
                self.says.remove(&name);
                self.sockets.remove(&name);
            }
            Action::Finish(code) => self.exit = Some(code),
        }
    }

    fn say(&mut self, unit: &str, text: &str) {
        self.output.line("dumbc", Stream::Stderr, format!("{unit} {text}").as_bytes());
    }

    fn unit(&self, name: &str) -> Option<&Unit> {
        self.core.units().get(name)
    }

    fn end(mut self) {
        for session in std::mem::take(&mut self.leftovers) {
            children::kill_session(session);
        }
        self.terminal.take_back();
        children::end_the_rest();
        self.read_streams();
        for reader in &mut self.readers {
            reader.lines.flush(|line| self.output.line(&reader.unit, reader.stream, line));
        }
        self.output.tell_lost();
        self.output.finish();
    }

    fn tell_banners(&mut self) {
        if let Some(banners) = &mut self.banners {
            banners.tell(&self.setup, self.core.units());
        }
    }
}

fn open_server(run: &Path, output: &mut Output) -> Option<Server> {
    match Server::new(run) {
        Ok(server) => Some(server),
        Err(error) => {
            let text = format!("warning: `dumbc machine` will not work: {}: {error}", run.display());
            output.line("dumbc", Stream::Stderr, text.as_bytes());
            None
        }
    }
}
