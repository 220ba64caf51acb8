//! Logging in by ssh: a real client, and Debian's sshd in the machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::container::{Container, Machine};
use crate::clients::{has, output};
use crate::support::skipped;

const TABLES: &str = r#"
[channels.debian]
suite = "bookworm"
mirror = "host"
[daemons.sshd]
command = ["/usr/sbin/sshd", "-D", "-e"]
ports = [22]
[daemons.broken]
command = ["sh", "-c", "exit 3"]
restart = "no"
[daemons.sleeper]
command = ["sleep", "10000"]
"#;

const HOME: &str = r#"
packages = ["greeter"]
sessionVariables.EDITOR = "vi"
file.".skipped".text = "of the image"
"#;

/// A user's key, and what the client knows of machines.
struct Client {
    folder: tempfile::TempDir,
}

impl Client {
    fn new() -> Self {
        let client = Self { folder: tempfile::tempdir().unwrap() };
        output(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(client.key()));
        client
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    fn public(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("key.pub")).unwrap().trim().to_owned()
    }

    /// Says `words` to the machine as `user`, over docker in place of a network.
    fn ssh(&self, container: &Container, user: &str, options: &[&str], words: &[&str]) -> Command {
        let docker = container.docker(&["exec", "-i", &container.id, "/usr/sbin/sshd", "-i"]);
        let proxy = std::iter::once(docker.get_program()).chain(docker.get_args()).map(|word| word.to_str().unwrap());
        let proxy = proxy.collect::<Vec<_>>().join(" ");
        let known = self.folder.path().join("known").display().to_string();
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-i"]).arg(self.key());
        ssh.args(["-o", &format!("ProxyCommand={proxy}"), "-o", &format!("UserKnownHostsFile={known}")]);
        ssh.args(options).arg(format!("{user}@machine")).args(words);
        ssh
    }
}

#[test]
fn people_log_in_by_ssh_and_find_their_homes() {
    let Some(()) = has("ssh").and_then(|()| has("ssh-keygen")).and_then(|()| has("apt-config")) else { return };
    let Some(machine) = Machine::new() else { return };
    let client = Client::new();
    let greeter = "#!/bin/sh\necho hello from $0\n";
    machine.cache.add("greeter-1", &[("bin/greeter", greeter.as_bytes())]);
    let packages =
        ["debian#openssh-server", "debian#bash", "debian#base-files", "debian#base-passwd", "debian#libc-bin"];
    machine.system(&packages, TABLES).file("home.toml", HOME);
    let users = format!("[alice]\nuid = 1000\nshell = \"bash\"\nauthorized-keys = [\"{}\"]\n", client.public());
    machine.file("users.toml", &format!("{users}[bob]\nuid = 1001\nshell = \"bash\"\n"));
    let locked = machine.project.dumbc(&["lock"]).run();
    if locked.code == Some(5) {
        skipped::<()>("this machine's archive does not answer");
        return;
    }
    assert_eq!(locked.code, Some(0), "{locked}");

    let (image, folder) = (machine.load(), tempfile::tempdir().unwrap());
    std::fs::create_dir_all(folder.path().join("homes")).unwrap();
    let mount = format!("{}:/data", folder.path().display());
    let first = image.start(&["-v", &mount]);
    assert!(first.soon("dumbc machine status | grep -q '^sshd .*running'"), "{}", first.logs());
    sessions(&client, &first);
    console(&first);
    let key = host_key(folder.path());
    drop(first);

    // Another container on the same volume is the same machine to those who know it.
    let second = image.start(&["-v", &mount]);
    assert!(second.soon("dumbc machine status | grep -q '^sshd .*running'"), "{}", second.logs());
    let known = ["-o", "StrictHostKeyChecking=yes"];
    assert_eq!(output(&mut client.ssh(&second, "alice", &known, &["id", "-un"])), "alice\n");
    assert_eq!(host_key(folder.path()), key);
}

fn host_key(volume: &Path) -> Vec<u8> {
    std::fs::read(volume.join("dumbc/ssh/ssh_host_ed25519_key")).unwrap()
}

fn sessions(client: &Client, container: &Container) {
    let new = ["-o", "StrictHostKeyChecking=accept-new"];
    let alice = |words: &[&str]| output(&mut client.ssh(container, "alice", &new, words));
    // A command alone, without a shell's login.
    assert_eq!(alice(&["greeter"]), "hello from /etc/profiles/per-user/alice/bin/greeter\n");
    assert!(alice(&["busybox"]).contains("BusyBox"));
    // As a login does.
    let told = alice(&["exec", "bash", "-lic", "'greeter; echo $EDITOR $XDG_RUNTIME_DIR; pwd'"]);
    for line in [
        "it:latest",
        "failed: broken (dumbc machine status)",
        "home: generation image",
        "hello from /etc/profiles/per-user/alice/bin/greeter",
        "vi /run/user/1000",
        "/home/alice",
    ] {
        assert!(told.lines().any(|found| found.trim_end() == line), "`{line}` is missing from\n{told}");
    }
    let refused = client.ssh(container, "bob", &new, &["id"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(255), "bob has no key: {refused:?}");
}

/// As `fly ssh console` comes in: root, with the image's variables.
fn console(container: &Container) {
    let found =
        container.exec("0", &["sh", "-c", "busybox > /dev/null && dumbc machine status > /dev/null && echo yes"]);
    assert_eq!(String::from_utf8_lossy(&found.stdout), "yes\n", "{found:?}");
    let login = container.exec("0", &["bash", "-lic", "echo in"]);
    let told = String::from_utf8_lossy(&login.stdout).into_owned();
    assert!(told.contains("it:latest\n") && told.ends_with("in\n"), "{login:?}");
    let by_dumbc = container.exec("0", &["dumbc", "shell", "alice", "--", "greeter"]);
    assert!(String::from_utf8_lossy(&by_dumbc.stdout).starts_with("hello from"), "{by_dumbc:?}");
    let absent = container.exec("0", &["dumbc", "shell", "alice", "--", "absent"]);
    assert_eq!(absent.status.code(), Some(127), "{absent:?}");
    assert!(String::from_utf8_lossy(&absent.stderr).contains("absent"), "{absent:?}");
}
