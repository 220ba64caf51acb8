//! A machine as a test has it: files, an image of them, and containers that run it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::clients::docker::{Daemon, wait_for};
use crate::clients::output;
use crate::support::command::Dumbc;
use crate::support::project::{Cache, Project};
use crate::support::{runtime, skipped};

/// Programs of the image's only package.
const APPLETS: [&str; 29] = [
    "sh", "ash", "cat", "echo", "ls", "id", "env", "sleep", "kill", "ps", "mount", "grep", "touch", "mkdir", "rm",
    "readlink", "stat", "nc", "httpd", "wget", "true", "false", "sort", "wc", "sed", "tr", "test", "ln", "logger",
];

/// A project whose machine has a shell, in a docker daemon of this test run.
pub(crate) struct Machine {
    pub(crate) daemon: Arc<Daemon>,
    pub(crate) cache: Cache,
    pub(crate) project: Project,
}

impl Machine {
    /// `None`, said aloud, where docker or busybox is missing.
    pub(crate) fn new() -> Option<Self> {
        let busybox = busybox()?;
        let daemon = Daemon::shared()?;
        let cache = Cache::new();
        add_busybox(&cache, &busybox);
        Some(Self { daemon, cache, project: Project::new() })
    }

    /// system.toml with busybox and `packages` beside it, and `tables`.
    pub(crate) fn system(&self, packages: &[&str], tables: &str) -> &Self {
        let names = std::iter::once(&"busybox").chain(packages).map(|name| format!("\"{name}\"")).collect::<Vec<_>>();
        let boot = if tables.contains("[boot]") { "" } else { "\n[boot]\nenable = true\n" };
        self.project.system(&self.cache, &format!("[{}]", names.join(", ")), &format!("{tables}{boot}"));
        self
    }

    /// Writes a file of the project.
    pub(crate) fn file(&self, below: &str, content: &str) -> &Self {
        self.project.file(below, content);
        self
    }

    /// Builds and loads the image, under a name of its own.
    pub(crate) fn load(&self) -> Image<'_> {
        self.load_with(|dumbc| dumbc)
    }

    /// The same, where the build has `more` in its environment.
    pub(crate) fn load_with(&self, more: impl FnOnce(Dumbc) -> Dumbc) -> Image<'_> {
        static IMAGES: AtomicUsize = AtomicUsize::new(0);
        let number = IMAGES.fetch_add(1, Ordering::Relaxed);
        let archive = self.project.beside(&format!("image-{number}.tar"));
        let arguments = ["build", "--json", "--format", "docker-archive", "--compression", "none", "-o"];
        let arguments = [&arguments[..], &[archive.to_str().unwrap()]].concat();
        more(self.project.dumbc(&arguments).env("DUMBC_RUNTIME_X86_64_LINUX", runtime::real())).ok();
        let own = format!("machine-{}:{number}", std::process::id());
        self.daemon.load_as(&archive, &own);
        std::fs::remove_file(&archive).unwrap();
        Image { machine: self, name: own }
    }
}

/// A static busybox of this machine.
pub(super) fn busybox() -> Option<PathBuf> {
    let path = ["/bin/busybox", "/usr/bin/busybox"].map(PathBuf::from).into_iter().find(|path| path.exists());
    path.or_else(|| skipped("busybox is not installed"))
}

pub(super) fn add_busybox(cache: &Cache, busybox: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let bin = folder.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::fs::copy(busybox, bin.join("busybox")).unwrap();
    for applet in APPLETS {
        std::os::unix::fs::symlink("busybox", bin.join(applet)).unwrap();
    }
    cache.add_tree("busybox", folder.path());
}

/// A loaded image.
pub(crate) struct Image<'a> {
    machine: &'a Machine,
    pub(crate) name: String,
}

impl Image<'_> {
    /// A container in the background, with options of `docker run`. It ends with this value.
    pub(crate) fn start(&self, options: &[&str]) -> Container {
        self.start_with(options, &[])
    }

    /// The same, with arguments for the entrypoint.
    pub(crate) fn start_with(&self, options: &[&str], arguments: &[&str]) -> Container {
        self.begin("--network=none", options, arguments)
    }

    /// The same, with another network: `--network=host` reaches servers of this test.
    pub(crate) fn start_in(&self, network: &str, options: &[&str]) -> Container {
        self.begin(network, options, &[])
    }

    fn begin(&self, network: &str, options: &[&str], arguments: &[&str]) -> Container {
        let daemon = self.machine.daemon.clone();
        let run = ["run", "-d", network];
        let id = output(daemon.docker().args(run).args(options).arg(&self.name).args(arguments)).trim().to_owned();
        Container { daemon, id }
    }

    /// The same files, entrypoint and variables; nothing is said of a volume.
    pub(crate) fn without_volume(&self) -> Self {
        let inspected = output(&mut self.docker(&["image", "inspect", &self.name]));
        let inspected: serde_json::Value = serde_json::from_str(&inspected).unwrap();
        let config = &inspected[0]["Config"];
        let mut changes = vec![format!("ENTRYPOINT {}", config["Entrypoint"])];
        changes.extend(
            config["Env"].as_array().unwrap().iter().map(|variable| format!("ENV {}", variable.as_str().unwrap())),
        );
        let (name, archive) = (format!("{}-bare", self.name), self.machine.project.beside("exported.tar"));
        let id = output(self.docker(&["create"]).arg(&self.name)).trim().to_owned();
        output(self.docker(&["export", "-o"]).arg(&archive).arg(&id));
        output(&mut self.docker(&["rm", "-v", &id]));
        let changes = changes.iter().flat_map(|change| ["-c", change.as_str()]);
        output(self.docker(&["import"]).args(changes).arg(&archive).arg(&name));
        Self { machine: self.machine, name }
    }

    /// A volume in memory, of this size; it is there while containers have it. Gives its name.
    pub(crate) fn volume_in_memory(&self, size: &str) -> String {
        let create = ["volume", "create", "--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt"];
        output(self.docker(&create).arg(format!("o=size={size}"))).trim().to_owned()
    }

    pub(crate) fn docker(&self, arguments: &[&str]) -> Command {
        let mut docker = self.machine.daemon.docker();
        docker.args(arguments);
        docker
    }

    /// Runs a container to its end.
    pub(crate) fn run(&self, options: &[&str], command: &[&str]) -> Output {
        let run = ["run", "--rm", "--network=none"];
        let mut docker = self.machine.daemon.docker();
        docker.args(run).args(options).arg(&self.name).args(command).stdin(Stdio::null()).output().unwrap()
    }
}

/// A running machine.
pub(crate) struct Container {
    daemon: Arc<Daemon>,
    pub(crate) id: String,
}

impl Container {
    /// What a command prints inside, run by docker as `user` without a shell of ours.
    pub(crate) fn exec(&self, user: &str, command: &[&str]) -> Output {
        self.docker(&["exec", "-u", user, &self.id]).args(command).output().unwrap()
    }

    /// What a script prints as `user` who came in by `dumbc shell`, or as root. It must succeed.
    pub(crate) fn shell(&self, user: &str, script: &str) -> String {
        let enter = ["/usr/bin/dumbc", "shell", user, "--"];
        let enter = if user == "root" { &[][..] } else { &enter[..] };
        let command = [&["exec", "-u", "0", &self.id], enter, &["sh", "-c", script]].concat();
        output(&mut self.docker(&command))
    }

    /// What a script says on both streams as `user` who came in by `dumbc shell`, with a last line `code N`.
    pub(crate) fn tries(&self, user: &str, script: &str) -> String {
        self.shell(user, &format!("exec 2>&1; ({script}); echo code $?"))
    }

    /// What a script of root's prints. It must succeed.
    pub(crate) fn inside(&self, script: &str) -> String {
        output(&mut self.docker(&["exec", &self.id, "sh", "-c", script]))
    }

    /// Whether a script of root's succeeds before long.
    pub(crate) fn soon(&self, script: &str) -> bool {
        let attempt = || self.exec("0", &["sh", "-c", script]).status.success().then_some(true);
        wait_for(attempt)
    }

    /// Everything that it wrote.
    pub(crate) fn logs(&self) -> String {
        let output = self.docker(&["logs", &self.id]).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// Stops it as docker does, and gives its exit code.
    pub(crate) fn stop(&self) -> i32 {
        output(&mut self.docker(&["stop", "-t", "30", &self.id]));
        output(&mut self.docker(&["wait", &self.id])).trim().parse().unwrap()
    }

    pub(crate) fn docker(&self, arguments: &[&str]) -> Command {
        let mut docker = self.daemon.docker();
        docker.args(arguments);
        docker
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = std::io::Write::write_all(&mut std::io::stderr(), self.logs().as_bytes());
        }
        let _ = self.docker(&["rm", "-f", "-v", &self.id]).output();
    }
}

/// Options that let a container mount.
pub(crate) const MOUNT: [&str; 6] =
    ["--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"];
