//! Processes: starting them, telling who ended, and ending whole sessions.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

use ::nix::errno::Errno;
use ::nix::sys::signal::{Signal, kill, killpg};
use ::nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use ::nix::unistd::Pid;

use super::core::End;

/// How long what is left at the end may take after SIGTERM.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What a process of ours is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Child {
    /// A unit's main process.
    Unit(String),
    /// A command that looks after a unit: its name, the number of its run.
    Look(String, u64),
}

/// What [`reap`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reaped {
    /// It is gone.
    Ended(Pid, End),
    /// It was stopped by this signal.
    Stopped(Pid, Signal),
}

/// All that happened to children and orphans since the last time.
pub(super) fn reap() -> Vec<Reaped> {
    let mut found = Vec::new();
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED)) {
            Ok(WaitStatus::Exited(pid, code)) => found.push(Reaped::Ended(pid, End::Code(code))),
            Ok(WaitStatus::Signaled(pid, signal, _)) => found.push(Reaped::Ended(pid, End::Signal(signal as i32))),
            Ok(WaitStatus::Stopped(pid, signal)) => found.push(Reaped::Stopped(pid, signal)),
            Err(Errno::EINTR) | Ok(WaitStatus::Continued(_)) => {}
            Ok(_) | Err(_) => return found,
        }
    }
}

/// Processes that are ours, by their ID.
#[derive(Debug, Default)]
pub(super) struct Children(BTreeMap<Pid, Child>);

impl Children {
    pub(super) fn insert(&mut self, pid: Pid, child: Child) {
        self.0.insert(pid, child);
    }

    /// Forgets a process that ended; `None` for an orphan.
    pub(super) fn remove(&mut self, pid: Pid) -> Option<Child> {
        self.0.remove(&pid)
    }

    /// A unit's main process.
    pub(super) fn of_unit(&self, name: &str) -> Option<Pid> {
        self.0.iter().find(|(_, child)| **child == Child::Unit(name.to_owned())).map(|(pid, _)| *pid)
    }

    /// Commands that look after a unit.
    pub(super) fn looks(&self, name: &str) -> Vec<Pid> {
        let is_look = |child: &Child| matches!(child, Child::Look(of, _) if of == name);
        self.0.iter().filter(|(_, child)| is_look(child)).map(|(pid, _)| *pid).collect()
    }
}

/// Sends `signal` to a process group; those that are gone need none.
pub(super) fn signal_group(group: Pid, signal: Signal) {
    let _ = killpg(group, signal);
}

/// Kills all of a session, whatever process groups it has made.
pub(super) fn kill_session(session: Pid) {
    let _ = killpg(session, Signal::SIGKILL);
    for process in processes().into_iter().filter(|process| process.session == session.as_raw()) {
        let _ = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
    }
}

/// What `/proc/PID/stat` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: i32,
    pub(super) parent: i32,
    pub(super) session: i32,
}

/// All processes; none where there is no `/proc`.
pub(super) fn processes() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(process).collect()
}

/// One process.
pub(super) fn process(pid: i32) -> Option<Process> {
    parse_stat(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// `PID (name, with anything in it) state parent group session …`
fn parse_stat(pid: i32, stat: &str) -> Option<Process> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(1);
    let parent = fields.next()?.parse().ok()?;
    let session = fields.nth(1)?.parse().ok()?;
    Some(Process { pid, parent, session })
}

/// All that descend from `root`.
fn descendants(root: i32, processes: &[Process]) -> BTreeSet<i32> {
    let mut found = BTreeSet::from([root]);
    loop {
        let before = found.len();
        let children = processes.iter().filter(|process| found.contains(&process.parent)).map(|process| process.pid);
        found.extend(children.collect::<Vec<_>>());
        if found.len() == before {
            found.remove(&root);
            return found;
        }
    }
}

/// Ends what is left of our descendants: first gently, then not.
pub(super) fn end_the_rest() {
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let until = Instant::now() + LAST_WORDS;
    let mut told = BTreeSet::new();
    loop {
        reap();
        let left = descendants(own, &processes());
        let is_late = Instant::now() >= until;
        for pid in left.iter().filter(|pid| is_late || told.insert(**pid)) {
            let _ = kill(Pid::from_raw(*pid), if is_late { Signal::SIGKILL } else { Signal::SIGTERM });
            // What was stopped can't hear.
            let _ = kill(Pid::from_raw(*pid), Signal::SIGCONT);
        }
        if left.is_empty() || Instant::now() >= until + LAST_WORDS {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_may_be_called_anything() {
        let stat = "17 (a) R (b) c) S 4 5 6 0 -1";
        assert_eq!(parse_stat(17, stat), Some(Process { pid: 17, parent: 4, session: 6 }));
        assert_eq!(parse_stat(17, "17 (a"), None);
        assert!(processes().iter().any(|process| u32::try_from(process.pid) == Ok(std::process::id())));
    }

    #[test]
    fn descendants_are_found_over_generations() {
        let of = |pid, parent| Process { pid, parent, session: 0 };
        let processes = [of(9, 8), of(8, 7), of(7, 2), of(3, 1), of(2, 1)];
        assert_eq!(descendants(2, &processes), BTreeSet::from([7, 8, 9]));
    }
}
