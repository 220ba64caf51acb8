//! Files for other systems, the command lines that engines get, and what is told of a boot plan.

use serde_json::{Value, json};

use crate::support::project::{Cache, Project};

const MACHINE: &str = r#"
[image]
name = "emitted"
[entrypoint]
command = ["hello"]
port = 8080
secrets = ["TOKEN"]
health = { http = "/healthz" }
stop = { signal = "SIGTERM", grace = "20s" }
[persist]
paths = ["/var/lib/app"]
[boot]
enable = false
"#;

fn project() -> (Cache, Project) {
    let (cache, project) = (Cache::sample(), Project::new());
    project.system(&cache, r#"["hello"]"#, MACHINE);
    (cache, project)
}

fn text(project: &Project, name: &str) -> String {
    std::fs::read_to_string(project.path(name)).unwrap()
}

#[test]
fn fly_runs_what_was_built_last() {
    let (_cache, project) = project();
    project.dumbc(&["emit", "fly"]).ok().says(&["named by its tag", "fly secrets set TOKEN=…"]);
    assert!(text(&project, "fly.toml").contains("image = \"registry.fly.io/emitted:latest\" # by tag"));

    let built = project.build("image.tar.gz", &[]);
    let docker = built.document["images"][0]["manifests"]["docker"].as_str().unwrap();
    let differs = project.dumbc(&["emit", "fly", "--check"]).fails(10);
    assert!(differs.text().contains(&format!("+image = \"registry.fly.io/emitted@{docker}\"\n")), "{differs}");
    assert!(text(&project, "fly.toml").contains("emitted:latest"), "nothing is written");
    assert_eq!(project.dumbc(&["emit", "fly", "--check", "--json"]).fails(10).json()["error"]["class"], "differs");

    project.dumbc(&["emit", "fly"]).ok().says(&["fly.toml is written"]);
    insta::assert_snapshot!(text(&project, "fly.toml").replace(docker, "DIGEST"), @r#"
    # How Fly runs this machine. `dumbc emit fly` sets what the three files say, and leaves everything else.

    app = "emitted"
    kill_signal = "SIGTERM"
    kill_timeout = "20s"

    [build]
    image = "registry.fly.io/emitted@DIGEST"

    [[mounts]]
    source = "emitted_data"
    destination = "/data"
    initial_size = "3gb"

    [http_service]
    internal_port = 8080
    force_https = true

    [[http_service.checks]]
    path = "/healthz"
    interval = "30s"
    grace_period = "10s"
    method = "GET"
    timeout = "5s"
    "#);
    let again = project.dumbc(&["emit", "fly", "--check"]).ok();
    assert_eq!(again.text(), "");
    project.dumbc(&["emit", "fly"]).ok().says(&["fly.toml is up to date"]);
}

#[test]
fn what_else_stands_in_a_fly_toml_stays() {
    let (_cache, project) = project();
    let own = "# ours\nprimary_region = \"fra\" # near\nkill_timeout = \"20s\"\n\n[[vm]]\n  memory = \"1gb\"\n";
    project.file("fly.toml", own);
    project.dumbc(&["emit", "fly", "--image", "registry.example.org/a@sha256:1"]).ok();
    let made = text(&project, "fly.toml");
    for line in own.lines().chain(["image = \"registry.example.org/a@sha256:1\""]) {
        assert!(made.lines().any(|kept| kept == line), "{line} is not in {made}");
    }
    assert_eq!(
        project.dumbc(&["emit", "fly", "-o", "-", "--image", "registry.example.org/a@sha256:1"]).ok().text(),
        made
    );

    project.file("fly.toml", "app = \"x\"\n[build\n");
    project.dumbc(&["emit", "fly"]).fails(2).says(&["fly.toml:2:"]);
    project.file("fly.toml", "mounts = 1\n");
    project.dumbc(&["emit", "fly"]).fails(2).says(&["`mounts` of fly.toml is no list of tables", "move it away"]);
    assert_eq!(text(&project, "fly.toml"), "mounts = 1\n");
}

#[test]
fn compose_and_quadlet_write_over_their_own_files_only() {
    let (_cache, project) = project();
    project.dumbc(&["emit", "compose"]).ok().says(&["no healthcheck for /healthz", "TOKEN: set in the environment"]);
    let made: Value = serde_saphyr::from_str(&text(&project, "compose.yaml")).unwrap();
    assert_eq!(made["services"]["machine"]["ports"], json!(["127.0.0.1:8080:8080"]));
    assert_eq!(made["services"]["machine"]["volumes"], json!(["data:/data"]));
    project.dumbc(&["emit", "compose", "--check"]).ok();
    project.dumbc(&["emit", "compose", "--address", "0.0.0.0"]).ok();
    assert!(text(&project, "compose.yaml").contains("\"0.0.0.0:8080:8080\""));

    project.file("compose.yaml", "services: {}\n");
    project.dumbc(&["emit", "compose"]).fails(2).says(&["compose.yaml is there and not by dumbc", "--force"]);
    assert_eq!(text(&project, "compose.yaml"), "services: {}\n");
    project.dumbc(&["emit", "compose", "--force"]).ok();

    let told = project.dumbc(&["emit", "quadlet", "-o", "-"]).ok().text();
    assert!(told.starts_with("# emitted.container\n# Made by"), "{told}");
    let units = project.beside("units");
    std::fs::create_dir(&units).unwrap();
    let arguments = ["emit", "quadlet", "--json", "-o", units.to_str().unwrap()];
    let document = project.dumbc(&arguments).ok().json();
    assert_eq!(document["files"].as_array().unwrap().len(), 2);
    let container = std::fs::read_to_string(units.join("emitted.container")).unwrap();
    assert!(
        container.contains("\nImage=localhost/emitted:latest\n") && container.contains("\nSecret=TOKEN,type=env\n")
    );
    assert!(std::fs::read_to_string(units.join("emitted.volume")).unwrap().ends_with("VolumeName=emitted-data\n"));
    assert_eq!(project.dumbc(&arguments).ok().json()["files"][0]["changed"], false);
}

#[test]
fn engines_get_names_of_secrets_and_never_values() {
    let (_cache, project) = project();
    let shown = |arguments: &[&str]| {
        let arguments = [arguments, &["--dry-run", "--engine", "podman"]].concat();
        project.dumbc(&arguments).env("TOKEN", "shibboleth").ok().text()
    };
    assert_eq!(
        shown(&["run", "--rm"]),
        "podman run --interactive --rm --hostname emitted --volume emitted-data:/data --publish 127.0.0.1:8080:8080 \
         --env TOKEN --stop-timeout 20 emitted:latest\n"
    );
    assert_eq!(shown(&["try"]), "podman run --interactive --rm --hostname emitted emitted:latest /bin/sh -l\n");
    let published = shown(&["run", "-p", "80:8080", "--allow-mounts", "-d", "--name", "x"]);
    assert!(published.starts_with("podman run --detach --name x ") && published.contains(" --publish 80:8080 "));
    assert!(published.contains(" --cap-add SYS_ADMIN --security-opt 'apparmor=unconfined' "), "{published}");

    let refused = project.dumbc(&["run", "--dry-run", "-e", "TOKEN=shibboleth"]).fails(2);
    refused.says(&["takes the name of a variable only: TOKEN", "--env-file"]);
    assert!(!refused.stderr.contains("shibboleth"), "{refused}");
    project.dumbc(&["try", "--dry-run", "--user", "nobody-such"]).fails(2).says(&["there is no user `nobody-such`"]);
    let missing = project.dumbc(&["run", "--dry-run", "--engine", "podman"]).ok();
    missing.says(&["the secret TOKEN is not in the environment, and entrypoint needs it"]);
}

#[test]
fn no_engine_is_said_with_what_to_do() {
    let (_cache, project) = project();
    let nowhere = project.dumbc(&["run"]).env("PATH", project.directory()).fails(1);
    nowhere.says(&["nothing here runs containers: docker: it is not installed; podman: it is not installed"]);
}

/// A plan as a build would write it.
fn plan() -> Value {
    let account = json!({ "name": "root", "uid": 0, "gid": 0, "groups": [], "home": "/root", "shell": "/bin/sh" });
    let stop = json!({ "signal": "SIGTERM", "grace": 10_000 });
    json!({
        "version": 1, "image": "m:latest", "system": "x86_64-linux", "hostname": "m", "runtime": "/nix/store/r/bin/dumbc",
        "environment": {}, "path": [], "volume": "/data", "persist": [], "folders": [], "users": {},
        "daemons": [{ "name": "sshd", "command": ["/bin/sshd"], "account": account, "ports": [22], "of-home": false,
            "oneshot": false, "restart": "always", "stop": stop }],
        "channels": {}, "logs": { "json": false, "persist": false }, "user-rebuild": false,
    })
}

#[test]
fn a_boot_plan_is_told_out_of_every_kind_of_image() {
    let (cache, project) = (Cache::sample(), Project::new());
    let tables =
        "[daemons.greeter]\ncommand = [\"hello\"]\nports = [22]\nrestart = \"always\"\n[boot]\nenable = true\n";
    project.system(&cache, r#"["hello"]"#, tables);
    let kinds =
        [("archive", "gzip"), ("archive", "none"), ("oci-archive", "zstd"), ("oci-dir", "gzip"), ("oci-dir", "zstd")];
    for (format, codec) in kinds {
        let built = project.build(&format!("{format}-{codec}"), &["--format", format, "--compression", codec]);
        let path = built.path.to_str().unwrap();
        let told = project.dumbc(&["boot", "--explain", path]).ok().text();
        assert!(
            told.contains("  greeter: /etc/profiles/system/bin/hello\n")
                && told.contains("started again after every end"),
            "{told}"
        );
        let read: Value =
            serde_json::from_slice(&project.dumbc(&["boot", "--explain", path, "--json"]).ok().stdout).unwrap();
        let schema: Value = serde_json::from_slice(&project.dumbc(&["schema", "boot"]).ok().stdout).unwrap();
        for key in schema["required"].as_array().unwrap() {
            assert!(read.get(key.as_str().unwrap()).is_some(), "{key}");
        }
        assert_eq!(read["daemons"][0]["ports"], json!([22]));
    }

    let root = project.beside("root");
    std::fs::create_dir_all(root.join("etc/dumbc")).unwrap();
    let root_path = root.to_str().unwrap();
    project
        .dumbc(&["boot", "--explain", root_path])
        .fails(2)
        .says(&["has no boot plan (/etc/dumbc/boot.json)", "`enable = true`"]);
    let write = |content: &str| std::fs::write(root.join("etc/dumbc/boot.json"), content).unwrap();
    write(&plan().to_string());
    project.dumbc(&["boot", "--explain", root_path]).ok();
    for (content, said) in [
        ("{", "can't be read"),
        ("{}", "has version none"),
        ("{\"version\": 2}", "has version 2, and this dumbc reads 1"),
        ("{\"version\": 1}", "missing field"),
    ] {
        write(content);
        project.dumbc(&["boot", "--explain", root_path]).fails(2).says(&[said]);
    }
    project.dumbc(&["boot", "--explain", project.path("system.toml").to_str().unwrap()]).fails(2).says(&["can't read"]);
}
