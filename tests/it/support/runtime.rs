//! Runtimes for images of tests.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where ELF headers say which machine a program is for.
const X86_64: u8 = 62;
const AARCH64: u8 = 183;

/// Variables that name runtimes which are quick to put into an image and the same everywhere: static programs that do nothing.
pub(crate) fn idle() -> &'static [(&'static str, PathBuf)] {
    static RUNTIMES: OnceLock<Vec<(&str, PathBuf)>> = OnceLock::new();
    RUNTIMES.get_or_init(|| {
        let machines = [("DUMBC_RUNTIME_X86_64_LINUX", X86_64), ("DUMBC_RUNTIME_AARCH64_LINUX", AARCH64)];
        machines.into_iter().map(|(name, machine)| (name, program(&format!("idle-{machine}"), &elf(machine)))).collect()
    })
}

/// A static ELF program that has nothing but its header and one segment.
fn elf(machine: u8) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    let half = |bytes: &mut Vec<u8>, value: u16| bytes.extend(value.to_le_bytes());
    let word = |bytes: &mut Vec<u8>, value: u32| bytes.extend(value.to_le_bytes());
    let long = |bytes: &mut Vec<u8>, value: u64| bytes.extend(value.to_le_bytes());
    half(&mut bytes, 2);
    half(&mut bytes, machine.into());
    word(&mut bytes, 1);
    for value in [0x0040_0078, 64, 0] {
        long(&mut bytes, value);
    }
    word(&mut bytes, 0);
    for value in [64, 56, 1, 64, 0, 0] {
        half(&mut bytes, value);
    }
    word(&mut bytes, 1);
    word(&mut bytes, 5);
    for value in [0, 0x0040_0000, 0x0040_0000, 0x80, 0x80, 0x1000] {
        long(&mut bytes, value);
    }
    // mov edi, 0; mov eax, 60; syscall
    bytes.extend([0x31, 0xff, 0xb8, 0x3c, 0, 0, 0, 0x0f, 0x05]);
    bytes.resize(0x80, 0);
    bytes
}

/// An executable file of this test run.
fn program(name: &str, content: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(name);
    // Written beside and renamed: other test processes may do the same now.
    let beside = folder.join(format!("{name}.{}", std::process::id()));
    fs::write(&beside, content).unwrap();
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(&beside, &path).unwrap();
    path
}

/// This program itself, without what debuggers read: a runtime that boots. `DUMBC_TEST_MACHINE_RUNTIME` names another, such as the
/// small one.
pub(crate) fn real() -> &'static Path {
    static RUNTIME: OnceLock<PathBuf> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        if let Some(other) = std::env::var_os("DUMBC_TEST_MACHINE_RUNTIME") {
            return other.into();
        }
        let (ours, folder) = (env!("CARGO_BIN_EXE_dumbc"), Path::new(env!("CARGO_TARGET_TMPDIR")));
        let (path, beside) = (folder.join("runtime"), folder.join(format!("runtime.{}", std::process::id())));
        let age = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
        if age(&path) > age(Path::new(ours)) {
            return path;
        }
        let stripped = Command::new("strip").arg("-o").arg(&beside).arg(ours).status();
        if !stripped.is_ok_and(|status| status.success()) {
            fs::copy(ours, &beside).unwrap();
        }
        fs::rename(&beside, &path).unwrap();
        path
    })
}
