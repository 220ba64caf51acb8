//! A machine that is a computer of its own: dumbc is the kernel's first process, nothing is mounted, and the clock says 1970.
//!
//! The image's files are the initramfs. The computer counts its time by the instructions that it runs, and skips the time in which it
//! waits, so that the minutes until the supervisor gives a unit up are over in seconds.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::container::{add_busybox, busybox};
use crate::clients::has;
use crate::support::image::{Archive, Content, Entry, Root};
use crate::support::project::{Cache, Project};
use crate::support::{runtime, skipped};

const QEMU: &str = "qemu-system-x86_64";

const TABLES: &str = r#"
[entrypoint]
command = ["sh", "/srv/look"]
[daemons.broken]
command = ["sh", "-c", "echo broken on purpose; exit 7"]
[daemons.steady]
command = ["sleep", "100000"]
user = "alice"
[boot]
enable = true
[files."/srv/look"]
text = '''
busybox date -u +'the year is %Y'
echo "the name is $(cat /proc/sys/kernel/hostname)"
until dumbc machine status | grep -q '^broken .*gave up'; do sleep 60; done
dumbc machine status --all
dumbc machine logs broken
dumbc shell alice -- sh -c '
cat ~/greeting
mkdir -p ~/.config/dumbc
echo "file.own.text = \"made here\"" > ~/.config/dumbc/home.toml
rebuild && cat ~/own; echo'
dumbc shell root -- sh -c 'echo $HOME; ls -l /proc/1/exe'
exit 3
'''
"#;

/// A kernel for virtual machines: `DUMBC_TEST_KERNEL`, else what is installed here.
fn kernel() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("DUMBC_TEST_KERNEL") {
        return Some(named.into());
    }
    let entries = std::fs::read_dir("/boot").into_iter().flatten().flatten().map(|entry| entry.path());
    let is_kernel = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"vmlinuz-"))
            && std::fs::File::open(path).is_ok()
    };
    entries.filter(is_kernel).max().or_else(|| skipped("there is no kernel: DUMBC_TEST_KERNEL names one"))
}

/// The root as the archive that a kernel unpacks (cpio, "newc").
fn initramfs(root: &Root) -> Vec<u8> {
    let mut archive = Vec::new();
    for (number, (path, entry)) in root.iter().filter(|(path, _)| !path.is_empty()).enumerate() {
        let (kind, content) = match &entry.content {
            Content::Directory => (0o040_000, &[][..]),
            Content::File(content) => (0o100_000, &content[..]),
            Content::Link(target) => (0o120_000, &target[..]),
            Content::HardLink(other) => match &root[other].content {
                Content::File(content) => (0o100_000, &content[..]),
                other => panic!("{other:?}"),
            },
        };
        add(&mut archive, number + 1, path, entry, kind, content);
    }
    let nothing = Entry { mode: 0, owner: (0, 0), content: Content::Directory };
    add(&mut archive, 0, b"TRAILER!!!", &nothing, 0, &[]);
    archive
}

fn add(archive: &mut Vec<u8>, number: usize, path: &[u8], entry: &Entry, kind: u32, content: &[u8]) {
    let (uid, gid) = entry.owner;
    archive.extend(format!("070701{number:08x}{:08x}{uid:08x}{gid:08x}", kind | entry.mode).bytes());
    archive.extend(format!("{:08x}{:08x}{:08x}{:032x}{:08x}{:08x}", 1, 1, content.len(), 0, path.len() + 1, 0).bytes());
    archive.extend(path);
    archive.push(0);
    archive.resize(archive.len().next_multiple_of(4), 0);
    archive.extend(content);
    archive.resize(archive.len().next_multiple_of(4), 0);
}

/// Runs a computer to its end, for three minutes at most; gives what it wrote.
fn run(kernel: &Path, initramfs: &Path) -> String {
    let mut qemu = Command::new(QEMU);
    // Without the processor's random numbers the kernel has none: nothing here comes by chance.
    qemu.args(["-cpu", "qemu64,+rdrand"]);
    qemu.args([
        "-accel",
        "tcg",
        "-icount",
        "shift=0,sleep=off",
        "-m",
        "768",
        "-rtc",
        "base=1970-01-01T00:01:00,clock=vm",
    ]);
    qemu.args(["-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot", "-kernel"]).arg(kernel);
    qemu.arg("-initrd")
        .arg(initramfs)
        .args(["-append", "console=ttyS0 quiet panic=-1 rdinit=/usr/bin/dumbc -- boot --"]);
    let mut child = qemu.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let (tell, heard) = channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(length @ 1..) = stdout.read(&mut bytes) {
            if tell.send(bytes[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    let (until, mut told) = (Instant::now() + Duration::from_mins(3), Vec::new());
    loop {
        match heard.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(bytes) => told.extend(bytes),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => drop(child.kill()),
        }
    }
    let ended = child.wait().unwrap();
    let told = String::from_utf8_lossy(&told).replace('\r', "");
    assert!(ended.success(), "{ended}\n{told}");
    told
}

#[test]
fn a_computer_of_its_own_boots_in_1970_and_gives_up_what_is_broken() {
    if has(QEMU).is_none() {
        return;
    }
    let (Some(busybox), Some(kernel)) = (busybox(), kernel()) else { return };
    let (cache, project) = (Cache::new(), Project::new());
    add_busybox(&cache, &busybox);
    project.system(&cache, "[\"busybox\"]", TABLES).file("users.toml", "[alice]\nuid = 1000\n");
    project.file("home.toml", "file.greeting.text = \"of the image\\n\"\n");
    let (archive, packed) = (project.beside("image.tar"), project.beside("initramfs"));
    let build = ["build", "--format", "docker-archive", "--compression", "none", "-o", archive.to_str().unwrap()];
    project.dumbc(&build).env("DUMBC_RUNTIME_X86_64_LINUX", runtime::real()).ok();
    std::fs::write(&packed, initramfs(&Archive::read(&archive).root())).unwrap();
    let told = run(&kernel, &packed);
    let has = |all: &[&str]| {
        for part in all {
            assert!(told.contains(part), "`{part}` is missing from:\n{told}");
        }
    };
    has(&["the year is 1970", "the name is it\n", "of the image", "generation 1 is live", "made here"]);
    // Counted by the supervisor's own clock, whatever the year.
    has(&["gave up after 15 starts in 6 min, ended: exit code 7; dumbc machine restart broken"]);
    has(&["broken on purpose", "starts again in 60 s", "the machine has ended with code 3"]);
    let runs = |unit: &str| told.lines().any(|line| line.starts_with(unit) && line.contains(" running "));
    assert!(runs("steady ") && runs("store "), "{told}");
    assert!(!told.contains("Kernel panic"), "{told}");
}
