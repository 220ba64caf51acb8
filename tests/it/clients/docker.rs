//! Docker: a daemon of our own loads the image and runs it.

use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tempfile::TempDir;

use super::image::base_image;
use super::{COMMANDS, has, is_root, output};
use crate::support::project::{Cache, Project, program};
use crate::support::skipped;

/// Held while an image is loaded: see [`Daemon::load_as`].
static LOADING: Mutex<()> = Mutex::new(());

/// A daemon that keeps to its folder and ends with this value.
pub(crate) struct Daemon {
    child: Child,
    folder: TempDir,
}

impl Daemon {
    /// `None`, said aloud, where one can't start here.
    pub(crate) fn start() -> Option<Self> {
        has("dockerd").and_then(|()| has("docker")).and_then(|()| is_root())?;
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let log = std::fs::File::create(place("log")).unwrap();
        let child = Command::new("dockerd")
            .arg("--data-root")
            .arg(place("data"))
            .arg("--exec-root")
            .arg(place("exec"))
            .arg("--pidfile")
            .arg(place("pid"))
            .args(["--iptables=false", "--ip6tables=false", "--bridge=none", "-H"])
            .arg(format!("unix://{}", place("sock").display()))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut daemon = Self { child, folder };
        if daemon.answers() {
            return Some(daemon);
        }
        let log = std::fs::read_to_string(daemon.folder.path().join("log")).unwrap_or_default();
        skipped(&format!("dockerd can't start here: {}", log.lines().last().unwrap_or_default()))
    }

    /// The daemon that tests which run now have together: the last one ends it.
    pub(crate) fn shared() -> Option<Arc<Self>> {
        static SHARED: Mutex<Weak<Daemon>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap();
        if let Some(daemon) = shared.upgrade() {
            return Some(daemon);
        }
        let daemon = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&daemon);
        Some(daemon)
    }

    fn answers(&mut self) -> bool {
        wait_for(|| {
            let ended = self.child.try_wait().unwrap().is_some();
            let answer = || self.docker().arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            if ended { Some(false) } else { answer().unwrap().success().then_some(true) }
        })
    }

    /// `DOCKER_HOST`.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.folder.path().join("sock").display())
    }

    pub(crate) fn docker(&self) -> Command {
        let mut command = Command::new("docker");
        command.args(["-H", &self.host()]).env("DOCKER_CONFIG", self.folder.path().join("config")).stdin(Stdio::null());
        command
    }

    pub(crate) fn load(&self, archive: &Path) -> String {
        let _alone = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
        output(self.docker().arg("load").arg("-i").arg(archive))
    }

    /// Loads an image and gives it a name of its own. Images of tests have the same name, which is the last one's: in between, nobody
    /// else may load one.
    pub(crate) fn load_as(&self, archive: &Path, own: &str) {
        let _alone = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
        let told = output(self.docker().arg("load").arg("-i").arg(archive));
        output(self.docker().args(["tag", told.trim().rsplit(' ').next().unwrap(), own]));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Asks a process to end, by its id, and waits.
pub(super) fn end(child: &mut Child) {
    let id = rustix::process::Pid::from_child(child);
    if rustix::process::kill_process(id, rustix::process::Signal::TERM).is_ok() {
        drop(child.wait());
    }
}

/// Asks until there is an answer, for a minute.
pub(crate) fn wait_for(mut answer: impl FnMut() -> Option<bool>) -> bool {
    for _ in 0..600 {
        if let Some(answer) = answer() {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    false
}

pub(super) fn is_socket(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.file_type().is_socket())
}

#[test]
fn docker_loads_and_runs_the_image() {
    let Some(image) = base_image() else { return };
    let Some(daemon) = Daemon::shared() else { return };
    let told = daemon.load(&image.archive.path);
    assert!(told.contains("Loaded image: dumbc-test/base:it"), "{told}");
    let id = output(daemon.docker().args(["image", "inspect", "--format", "{{.Id}}", "dumbc-test/base:it"]));
    assert_eq!(id.trim(), image.archive.image_id());

    for (command, expected) in COMMANDS {
        let run = ["run", "--rm", "--network=none", "dumbc-test/base:it"];
        let printed = output(daemon.docker().args(run).args(command));
        assert!(printed.contains(expected), "{command:?} printed {printed}");
    }

    // Docker's own archive gives the same image.
    output(daemon.docker().args(["image", "rm", "dumbc-test/base:it"]));
    daemon.load(&image.build("docker.tar.gz", &["--format", "docker-archive"]).path);
    let again = output(daemon.docker().args(["image", "inspect", "--format", "{{.Id}}", "dumbc-test/base:it"]));
    assert_eq!(again, id);

    // A program of the project runs as the image's command, as the user that it names.
    let (cache, project) = (Cache::sample(), Project::new());
    let unit = "[entrypoint]\ncommand = [\"./bin/web\", \"there\"]\nuser = 65532\n";
    project.system(&cache, r#"["hello"]"#, unit).file("bin/web", program());
    let built = project.build("web.tar.gz", &[]);
    daemon.load(&built.path);
    let ran = ["run", "--rm", "--network=none", "it:latest"];
    let printed = output(daemon.docker().args(ran));
    // Where there is no compiler, the program is another one, and greets otherwise.
    assert!(printed == "hello there\n" || has("cc").is_none(), "{printed}");
    let printed = output(daemon.docker().args(ran).args(["hello", "--version"]));
    assert!(!printed.is_empty());
}
