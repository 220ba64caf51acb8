//! `dumbc run` and `dumbc try`, with a docker of our own.

use super::docker::Daemon;
use super::image::base_image;
use super::output;
use crate::support::command::Outcome;
use crate::support::project::Project;
use crate::support::shared;

const PERSIST: &str = "[persist]\npaths = [\"/var/lib/app\"]\n";

/// A machine with a shell, a volume and a secret.
fn machine() -> Option<Project> {
    let cache = shared("nixcache/base")?;
    let key = std::fs::read_to_string(cache.with_file_name("base.key.pub")).unwrap();
    let project = Project::new();
    let (index, cache) = (cache.with_file_name("base.index.jsonl").display().to_string(), cache.display().to_string());
    let channel =
        format!("[channels.base]\nindex = \"{index}\"\ncaches = [\"{cache}\"]\nkeys = [\"{}\"]\n", key.trim());
    let entrypoint = "[entrypoint]\ncommand = [\"bash\", \"-c\", \"echo secret: $TOKEN; exit 7\"]\nport = 8080\nsecrets = [\"TOKEN\"]\n";
    let head = "channel = \"base\"\npackages = [\"bash\", \"coreutils\"]\n";
    let rest = "[boot]\nenable = false\n[image]\nname = \"dumbc-test/run\"\n";
    project.file("system.toml", format!("{head}{channel}{entrypoint}{PERSIST}{rest}"));
    project.file("users.toml", "[bob]\nuid = 1001\nshell = \"bash\"\n");
    Some(project)
}

fn dumbc(project: &Project, daemon: &Daemon, arguments: &[&str]) -> Outcome {
    // There is no bridge.
    let network = ["--engine", "docker", "--engine-option=--network=none"];
    let (verb, rest) = arguments.split_first().unwrap();
    let arguments = [&[*verb], &network[..], rest].concat();
    project.dumbc(&arguments).env("DOCKER_HOST", daemon.host()).env("TOKEN", "shibboleth").run()
}

#[test]
fn docker_runs_the_project() {
    let Some(project) = machine() else { return };
    let Some(daemon) = Daemon::start() else { return };
    let run = |arguments: &[&str]| dumbc(&project, &daemon, arguments);

    // Built, loaded and run; its exit code, and the secret of the environment.
    let first = run(&["run", "--rm"]);
    assert_eq!((first.code, first.text().as_str()), (Some(7), "secret: shibboleth\n"), "{first}");
    let id = || output(daemon.docker().args(["image", "inspect", "--format", "{{.Id}}", "dumbc-test/run:latest"]));
    let built = project.build("same.tar.gz", &[]);
    assert_eq!(id().trim(), built.image_id());

    // The volume outlives containers.
    let written = run(&["run", "--rm", "--", "bash", "-c", "echo kept >/data/note"]);
    assert_eq!(written.code, Some(0), "{written}");
    assert_eq!(run(&["run", "--rm", "--", "cat", "/data/note"]).text(), "kept\n");
    let volumes = output(daemon.docker().args(["volume", "ls", "--quiet"]));
    assert_eq!(volumes.trim(), "run-data");
    assert_eq!(run(&["run", "--rm", "--volume", "other", "--", "ls", "/data"]).text(), "");

    // To try it there is no volume, and nothing is left of it.
    let tried = run(&["try", "--user", "bob", "--", "bash", "-c", "id -u; pwd; echo $HOME; ls /data"]);
    assert_eq!(tried.text(), "1001\n/home/bob\n/home/bob\n", "{tried}");
    assert_eq!(output(daemon.docker().args(["ps", "--all", "--quiet"])), "");

    // In the background, by name.
    let detached = run(&["run", "--detach", "--name", "behind", "--", "sleep", "600"]);
    assert_eq!(detached.code, Some(0), "{detached}");
    assert_eq!(output(daemon.docker().args(["ps", "--format", "{{.Names}}"])), "behind\n");
    output(daemon.docker().args(["rm", "--force", "behind"]));

    // An archive, and an image by its name; the port and the volume are those of its configuration.
    let archive = built.path.to_str().unwrap();
    assert_eq!(run(&["run", archive, "--rm", "--", "cat", "/data/note"]).text(), "kept\n");
    assert_eq!(run(&["run", "dumbc-test/run:latest", "--rm", "--", "echo", "x"]).text(), "x\n");
    let absent = run(&["run", "nobody/has:this", "--rm"]);
    assert_eq!(absent.code, Some(2), "{absent}");
    absent.says(&["docker has no image `nobody/has:this`"]);
}

#[test]
fn docker_tries_an_image_with_a_shell() {
    let Some(image) = base_image() else { return };
    let Some(daemon) = Daemon::start() else { return };
    let tried = dumbc(&image.project, &daemon, &["try"]);
    // Its input is at its end, and so is the shell.
    assert_eq!((tried.code, tried.text().as_str()), (Some(0), ""), "{tried}");
    assert_eq!(dumbc(&image.project, &daemon, &["try", "--", "bash", "-c", "exit 3"]).code, Some(3));
}
