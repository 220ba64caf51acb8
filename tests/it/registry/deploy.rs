//! `dumbc deploy`, with a flyctl that only tells how it was called.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::fly::{MACAROON, World};
use crate::support::command::Dumbc;

/// Installs a `flyctl` that writes its arguments beside the project, says so, and ends with a code.
fn install(world: &World, code: u8) {
    let bin = world.project.beside("bin");
    fs::create_dir_all(&bin).unwrap();
    let called = world.project.beside("called");
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" > {0}\necho \"creds=$DUMBC_REGISTRY_CREDS\" >> {0}\npwd >> {0}\necho deploying\nexit {code}\n",
        called.display()
    );
    fs::write(bin.join("flyctl"), script).unwrap();
    fs::set_permissions(bin.join("flyctl"), fs::Permissions::from_mode(0o755)).unwrap();
}

fn deploy(world: &World, arguments: &[&str]) -> Dumbc {
    let path = format!("{}:/usr/bin:/bin", world.project.beside("bin").display());
    world.dumbc(&[&["deploy"], arguments].concat()).env("FLY_API_TOKEN", MACAROON).env("PATH", path)
}

fn called(world: &World) -> Vec<String> {
    let text = fs::read_to_string(world.project.beside("called")).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn image(world: &World) -> String {
    format!("{}/lazy@{}", world.registry.host(), world.registry.tag("lazy", "latest").unwrap())
}

#[test]
fn flyctl_runs_what_was_pushed() {
    let world = World::open();
    install(&world, 0);
    let told =
        deploy(&world, &["--", "--strategy", "canary"]).env("DUMBC_REGISTRY_CREDS", format!("x:{MACAROON}")).ok();
    let (first, directory) = (image(&world), world.project.directory());
    let config = directory.join("fly.toml").display().to_string();
    let place = directory.display().to_string();
    let expected =
        ["deploy", "--app", "lazy", "--image", &first, "--config", &config, "--strategy", "canary", "creds=", &place];
    assert_eq!(called(&world), expected);
    assert!(told.text().contains("\ndeploying\n") && !told.text().contains("back to"), "{told}");

    let system = fs::read_to_string(world.project.path("system.toml")).unwrap();
    world.project.file("system.toml", system + "\n[image.env]\nCHANGED = \"1\"\n");
    install(&world, 3);
    let told = deploy(&world, &[]).fails(3);
    let second = image(&world);
    assert_ne!(first, second);
    assert!(called(&world).contains(&second));
    let rollback =
        format!("back to what was there before:\nflyctl deploy --app lazy --image {first} --config {config}\n");
    assert!(told.text().ends_with(&rollback), "{told}");

    let document = deploy(&world, &["--json"]).fails(3).json();
    assert_eq!(document["exit_code"], 3);
    assert_eq!(document["image"], second);
    assert_eq!(document["rollback"], serde_json::Value::Null, "nothing changed");
    assert_eq!(document["push"]["unchanged"], true);
}

#[test]
fn without_flyctl_the_command_is_printed() {
    let world = World::open();
    let told = deploy(&world, &["--config", "/etc/fly.toml", "--app", "lazy"]).ok();
    told.says(&["flyctl is not installed, so nothing is deployed yet"]);
    let command = format!("\nflyctl deploy --app lazy --image {} --config /etc/fly.toml\n", image(&world));
    assert!(told.text().ends_with(&command), "{told}");
}

#[test]
fn a_dry_run_touches_nothing() {
    let world = World::open();
    install(&world, 0);
    let told = deploy(&world, &["--dry-run"]).ok();
    assert_eq!(world.registry.requests(), Vec::<String>::new());
    assert!(!world.project.beside("called").exists());
    assert!(!world.project.path("dumbc.lock").exists());
    deploy(&world, &[]).ok();
    assert!(told.text().contains(&format!("flyctl deploy --app lazy --image {} ", image(&world))), "{told}");
}

#[test]
fn apps_are_named_before_anything_is_done() {
    let world = World::open();
    let refused = deploy(&world, &["--app", "Not/an app"]).fails(2);
    refused.says(&["`Not/an app` can't be an app of Fly", "--app"]);
    fs::remove_file(world.project.path("fly.toml")).unwrap();
    let absent = deploy(&world, &[]).run();
    absent.says(&["app repository not found", "fly apps create it"]);
    world.project.file("fly.toml", "app = [\n");
    deploy(&world, &[]).fails(2).says(&["fly.toml:"]);
}
