//! A machine that is a computer of its own, and no container in one.

use std::convert::Infallible;
use std::io;
use std::os::unix::fs::MetadataExt as _;

use rustix::system::{RebootCommand, reboot};

/// The number of the kernel's first namespace of processes, in all kernels (`PROC_PID_INIT_INO`).
const FIRST_NAMESPACE: u64 = 0xEFFF_FFFC;

/// Whether this is the kernel's first process, whose end the kernel doesn't survive. That of a container is the first of others.
#[must_use]
pub fn is_ours() -> bool {
    let namespace = || std::fs::metadata("/proc/self/ns/pid").map(|namespace| namespace.ino());
    std::process::id() == 1 && namespace().is_ok_and(|number| number == FIRST_NAMESPACE)
}

/// Names the computer, which nobody else does.
///
/// # Errors
/// As sethostname(2).
pub fn name(name: &str) -> io::Result<()> {
    Ok(rustix::system::sethostname(name.as_bytes())?)
}

/// Turns the computer off, once everything that was written is on its disks.
///
/// # Errors
/// Where it can't be turned off, with why.
pub fn turn_off() -> io::Result<Infallible> {
    rustix::fs::sync();
    reboot(RebootCommand::PowerOff)?;
    Err(io::Error::other("it stays on"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_the_first_process_has_no_computer() {
        assert!(!is_ours());
    }
}
