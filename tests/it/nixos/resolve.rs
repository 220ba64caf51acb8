//! From a channel's name to an image.

use serde_json::json;

use crate::support::nixos::{Nixos, Running};
use crate::support::project::Project;
use crate::support::server::Fault;

fn release(number: u32) -> Nixos {
    Nixos::new("nixos-26.05", number)
        .with(
            "jq",
            "jq-1.8.2",
            &["bin", "man", "out"],
            &json!({ "outputsToInstall": ["bin", "man"], "description": "JSON" }),
        )
        .with("python3", "python3-3.13.1", &["out"], &json!({}))
        .with("python312", "python3-3.12.9", &["out"], &json!({}))
        .with("ripgrep", &format!("ripgrep-14.{number}"), &["out"], &json!({ "mainProgram": "rg" }))
        .with("aspellDicts.\"or\"", "aspell-dict-or-0.03", &["out"], &json!({ "license": [] }))
        .with("cacert", "cacert-3.1", &["out"], &json!({}))
        .listed("steam", "steam-1.0", &["out"], &json!({ "unfree": true }))
        .listed("ghost", "ghost-1.0", &["out"], &json!({}))
        .listed("armed", "armed-1.0", &["out"], &json!({ "platforms": ["aarch64-linux"] }))
}

fn project(running: &Running, packages: &str) -> Project {
    running.project("\"nixos-26.05\"", packages)
}

#[test]
fn names_become_an_image_and_stay_what_they_were() {
    let running = release(1).start();
    let project = project(&running, "[\"jq\", \"python3@3.12\", \"aspellDicts.or\", \"ripgrep\"]");
    running.hosts(project.dumbc(&["lock"])).ok();
    let lock = std::fs::read_to_string(project.path("dumbc.lock")).unwrap();
    for line in [
        "[channels.nixpkgs.release]",
        "name = \"nixos-26.05.1.000000000001\"",
        "evaluation = 1800001",
        "request = \"python3@3.12\"",
        "request = \"cacert\"",
    ] {
        assert!(lock.contains(line), "{line} is not in\n{lock}");
    }
    assert!(lock.contains("jq-1.8.2-bin") && lock.contains("jq-1.8.2-man") && !lock.contains("-jq-1.8.2\""), "{lock}");
    assert!(lock.contains("python3-3.12.9") && !lock.contains("python3-3.13.1"), "{lock}");
    let asked = running.services.seen().len();
    running.hosts(project.dumbc(&["build", "--locked", "-o", project.path("image.tar.gz").to_str().unwrap()])).ok();
    running.hosts(project.dumbc(&["lock"])).ok();
    assert_eq!(running.services.seen().len(), asked, "a locked name is asked again");
}

#[test]
fn what_no_cache_has_is_named_as_such() {
    let running = release(1).start();
    let told = |packages: &str| {
        let outcome = running.hosts(project(&running, packages).dumbc(&["lock"])).fails(3);
        outcome.stderr
    };
    let cases = [
        ("[\"steam\"]", "`steam` is unfree: no official cache has it"),
        ("[\"ghost\"]", "`ghost` is in nixos-26.05.1.000000000001, but was not built for x86_64-linux"),
        ("[\"armed\"]", "`armed` is not for x86_64-linux"),
        ("[\"rg\"]", "did you mean `ripgrep`?"),
        ("[\"python3@3.9\"]", "there is 3.12.9, 3.13.1"),
        ("[\"jq^dev\"]", "has no output `dev`"),
    ];
    for (packages, expected) in cases {
        let told = told(packages);
        assert!(told.contains(expected) && told.contains("system.toml:1:"), "{packages}: {told}");
    }
}

#[test]
fn a_page_instead_of_data_is_waited_for_and_then_told() {
    let running = release(1).start();
    let job = "/hydra/eval/1800001/job/nixpkgs.ripgrep.x86_64-linux";
    let running = Running {
        services: running.services.fault(job, Fault::Status(429, vec![("retry-after", "1".into())])),
        ..running
    };
    running.hosts(project(&running, "[\"ripgrep\"]").dumbc(&["lock"])).ok();
    assert_eq!(running.services.count(job), 2);
}

#[test]
fn an_update_moves_the_whole_channel() {
    let running = release(1).start();
    let project = project(&running, "[\"ripgrep\", \"jq\"]");
    running.hosts(project.dumbc(&["lock"])).ok();
    let newer = release(2);
    let cache = newer.packages.serve();
    let running = Running { services: newer.serve(running.services), cache, ..running };
    let lock = || std::fs::read_to_string(project.path("dumbc.lock")).unwrap();
    running.hosts(project.dumbc(&["lock"])).ok();
    assert!(lock().contains("ripgrep-14.1"), "only an update moves");
    running.hosts(project.dumbc(&["update", "ripgrep"])).ok();
    assert!(lock().contains("ripgrep-14.2") && lock().contains("nixos-26.05.2."), "{}", lock());
}
