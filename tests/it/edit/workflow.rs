//! The example workflow, its steps run as a runner would: the real program and git, and a `gh` that notes what it is asked.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::volatility::{commit, git, has_git};
use crate::support::project::{Cache, Project};

fn workflow() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/ci/update.yml");
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The script of a step.
fn script(name: &str) -> String {
    let workflow = workflow();
    let steps = workflow["jobs"]["update"]["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["name"] == name).unwrap();
    step["run"].as_str().unwrap().to_owned()
}

/// What a runner has around a step.
struct Runner {
    project: Project,
    gh: String,
}

impl Runner {
    fn new(project: Project) -> Self {
        let bin = project.beside("bin");
        fs::create_dir(&bin).unwrap();
        let gh = project.beside("gh.log");
        let text = format!(
            "#!/bin/sh\necho \"$*\" >> {0}\ncase \"$2\" in list) cat {0}.open 2>/dev/null || echo 0 ;; create) echo 1 > {0}.open ;; esac\n",
            gh.display()
        );
        fs::write(bin.join("gh"), text).unwrap();
        fs::set_permissions(bin.join("gh"), fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_dumbc"), bin.join("dumbc")).unwrap();
        Self { gh: gh.display().to_string(), project }
    }

    fn step(&self, name: &str) {
        let path = format!("{}:{}", self.project.beside("bin").display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("bash");
        shell.args(["-eo", "pipefail", "-c", &script(name)]).current_dir(self.project.directory()).env("PATH", path);
        shell.env("RUNNER_TEMP", self.project.beside("")).env("GITHUB_OUTPUT", self.project.beside("output"));
        shell.env("BRANCH", "dumbc/update").env("CI", "true").env("DUMBC_STORE", self.project.store());
        shell.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").stdin(Stdio::null());
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A day's run; whether something moved.
    fn day(&self) -> bool {
        git(&self.project.directory(), &["switch", "-q", "main"]);
        fs::remove_file(self.project.beside("output")).ok();
        self.step("Update");
        let moved = fs::read_to_string(self.project.beside("output")).unwrap() == "moved=yes\n";
        if moved {
            self.step("Build");
            self.step("Open a change");
        }
        moved
    }

    fn asked(&self) -> String {
        fs::read_to_string(&self.gh).unwrap_or_default()
    }
}

fn revision(folder: &Path, name: &str) -> String {
    let output = Command::new("git").arg("-C").arg(folder).args(["rev-parse", name]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_days_update_opens_a_change_and_the_next_one_renews_it() {
    if !has_git() {
        return;
    }
    let (cache, project) = (Cache::sample(), Project::new());
    // What boots images is this program, which a runner would have to write anew: not here.
    project.system(&cache, "[\"hello\"]", "");
    project.dumbc(&["lock"]).ok();
    git(project.beside("").as_path(), &["init", "-q", "--bare", "remote"]);
    git(&project.directory(), &["init", "-q", "-b", "main"]);
    git(&project.directory(), &["remote", "add", "origin", project.beside("remote").to_str().unwrap()]);
    commit(&project);
    let runner = Runner::new(project);
    assert!(!runner.day(), "nothing is new");
    assert_eq!(runner.asked(), "");

    cache.add("hello-1.1", &[("bin/hello", b"#!/bin/sh\necho 1.1\n")]);
    assert!(runner.day());
    assert!(runner.asked().contains("pr create --head dumbc/update"), "{}", runner.asked());
    let changes = fs::read_to_string(runner.project.beside("changes.md")).unwrap();
    assert!(changes.contains("| `~` | `hello` | 1.0 -> 1.1 |"), "{changes}");
    let first = revision(&runner.project.beside("remote"), "dumbc/update");

    cache.add("hello-1.2", &[("bin/hello", b"#!/bin/sh\necho 1.2\n")]);
    assert!(runner.day());
    assert!(runner.asked().contains("pr edit dumbc/update"), "{}", runner.asked());
    assert_ne!(revision(&runner.project.beside("remote"), "dumbc/update"), first);
}

#[test]
fn it_uses_only_what_everybody_has() {
    let workflow = workflow();
    let steps = workflow["jobs"]["update"]["steps"].as_array().unwrap();
    let actions: Vec<_> = steps.iter().filter_map(|step| step["uses"].as_str()).collect();
    assert_eq!(actions, ["actions/checkout@v4"]);
    // What others can say reaches a shell through the environment only.
    assert!(steps.iter().filter_map(|step| step["run"].as_str()).all(|run| !run.contains("${{")));
}
