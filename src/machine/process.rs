//! Processes as somebody else: the only place with `unsafe`, for what happens between fork and exec.

#![expect(
    unsafe_code,
    reason = "what a child does before it executes its program is unsafe to say; all of it is system calls"
)]

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use ::nix::sys::signal::SigSet;
use ::nix::unistd::{Gid, Uid, getpgrp, setgid, setgroups, setsid, setuid, tcgetpgrp, tcsetpgrp};

use crate::boot::PlanAccount;

/// How a process stands to its parent's terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// A session of its own, without a terminal: a daemon's.
    Own,
    /// A process group of its own in this session: what is in the foreground. It gets the terminal where that is the caller's to
    /// give; the caller has SIGTTOU blocked.
    Group,
    /// The caller's group.
    Inherited,
}

/// A command that runs as `account`, with exactly `environment`, in the account's home where that is there, else in `/`. `arguments`
/// begins with the program. Standard streams are the null device's until the caller says otherwise. No signal is blocked in it.
#[must_use]
pub fn command(
    account: &PlanAccount,
    arguments: &[String],
    environment: &BTreeMap<String, String>,
    session: Session,
) -> Command {
    let (program, rest) = arguments.split_first().map_or(("", [].as_slice()), |(first, rest)| (first.as_str(), rest));
    let mut command = Command::new(program);
    command.args(rest).env_clear().envs(environment);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let home = std::path::Path::new(&account.home);
    command.current_dir(if home.is_dir() { home } else { std::path::Path::new("/") });
    if session == Session::Group {
        command.process_group(0);
    }
    let (uid, gid) = (Uid::from_raw(account.uid), Gid::from_raw(account.gid));
    let groups: Vec<Gid> =
        std::iter::once(account.gid).chain(account.groups.iter().copied()).map(Gid::from_raw).collect();
    // Whoever is no root already can't become somebody else, and need not become itself.
    let is_root = Uid::effective().is_root();
    let takes_terminal = session == Session::Group && has_terminal();
    let become_account = move || {
        if session == Session::Own {
            setsid()?;
        }
        if takes_terminal {
            // The child takes it itself: so it has the terminal before its program begins.
            let _ = tcsetpgrp(rustix::stdio::stdin(), ::nix::unistd::getpid());
        }
        SigSet::empty().thread_set_mask()?;
        if is_root {
            setgroups(&groups)?;
            setgid(gid)?;
            setuid(uid)?;
        }
        Ok(())
    };
    // SAFETY: the closure makes system calls only; it neither allocates nor takes locks.
    unsafe { command.pre_exec(become_account) };
    command
}

/// Whether standard input is a terminal that is this process's to give away.
#[must_use]
pub fn has_terminal() -> bool {
    tcgetpgrp(rustix::stdio::stdin()) == Ok(getpgrp())
}

/// Lets the command's process keep `descriptor` as its own number `number`, open across its exec.
pub fn pass(command: &mut Command, descriptor: BorrowedFd<'_>, number: RawFd) {
    let source = descriptor.as_raw_fd();
    let duplicate = move || {
        // SAFETY: the caller holds the descriptor until the process is spawned.
        let source = unsafe { BorrowedFd::borrow_raw(source) };
        if source.as_raw_fd() == number {
            rustix::io::fcntl_setfd(source, rustix::io::FdFlags::empty())?;
        } else {
            // SAFETY: `number` is the child's to use; forgetting it leaves it open for the program.
            let mut target = std::mem::ManuallyDrop::new(unsafe { std::os::fd::FromRawFd::from_raw_fd(number) });
            rustix::io::dup2(source, &mut target)?;
        }
        Ok(())
    };
    // SAFETY: one system call, as above.
    unsafe { command.pre_exec(duplicate) };
}
