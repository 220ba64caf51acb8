//! Images of real registries: told, compared and checked, ours and those that others pushed.

use std::fs;

use super::{Served, Small, nobody};
use crate::clients::{has, run};
use crate::support::command::Dumbc;

fn dumbc(small: &Small, arguments: &[&str]) -> Dumbc {
    let home = small.project.beside("home");
    fs::create_dir_all(&home).unwrap();
    nobody(small.project.dumbc(arguments), &home)
}

/// Bytes of layers that somebody fetched: the access log has a line for each.
fn blobs_read(served: &Served) -> usize {
    served.log().lines().filter(|line| line.contains("\"GET /v2/") && line.contains("/blobs/")).count()
}

#[test]
fn a_pushed_image_is_told_by_its_documents() {
    let Some(served) = Served::start() else { return };
    let small = Small::new("labels = { note = \"here\" }");
    let reference = served.reference("app:1");
    let pushed = small.push(&[&reference, "--json"]).ok().json();
    let before = blobs_read(&served);
    let told = dumbc(&small, &["inspect", &reference, "--json"]).ok().json();
    let (manifest, _) = served.manifest("app", "1").unwrap();
    let image = &told["images"][0];
    assert_eq!(image["image_id"], manifest["config"]["digest"]);
    assert_eq!(image["layers"].as_array().unwrap().len(), manifest["layers"].as_array().unwrap().len());
    assert_eq!(image["labels"]["note"], "here");
    let names = image["packages"].as_array().unwrap().iter().map(|package| package["name"].as_str().unwrap());
    assert!(names.collect::<Vec<_>>().contains(&"part0"), "{image}");
    assert_eq!(blobs_read(&served) - before, 2, "the configuration, and the layer of root files: {}", served.log());
    assert!(pushed.to_string().contains(told["digest"].as_str().unwrap()), "{pushed} {told}");
    let document = |flag| serde_json::from_str(&dumbc(&small, &["inspect", &reference, flag]).ok().text()).unwrap();
    let config: serde_json::Value = document("--config");
    assert_eq!(config["config"]["Labels"]["note"], "here");
    let raw: serde_json::Value = document("--raw");
    assert_eq!(raw["layers"], manifest["layers"]);
    let text = dumbc(&small, &["inspect", &reference, "--layers"]).ok().text();
    assert!(["linux/amd64", "part0-1.0", "note=here"].iter().all(|part| text.contains(part)), "{text}");
    dumbc(&small, &["inspect", &served.reference("app:none")]).fails(2).says(&["not in its registry"]);
    if has("skopeo").is_some() {
        let from = format!("docker://{reference}");
        let text = run("skopeo", ["inspect", "--tls-verify=false", "--format", "{{.Digest}}", &from]);
        assert_eq!(text.trim(), told["digest"].as_str().unwrap());
    }
}

#[test]
fn only_what_differs_is_fetched_for_a_difference() {
    let Some(served) = Served::start() else { return };
    let small = Small::new("");
    let (first, second) = (served.reference("app:1"), served.reference("app:2"));
    small.push(&[&first]).ok();
    small.change(1);
    small.project.dumbc(&["update"]).ok();
    let deployed = dumbc(&small, &["diff", "--deployed", &first, "--json", "--exit-code"]).fails(10).json();
    small.push(&[&second]).ok();
    let before = blobs_read(&served);
    let told = dumbc(&small, &["diff", &first, &second, "--json"]).ok().json();
    let system = &told["systems"][0];
    let packages = system["packages"].as_array().unwrap();
    // What is generated of packages is rebuilt with them.
    assert!(packages[1..].iter().all(|package| package["kind"] == "rebuilt"), "{told}");
    assert_eq!((&packages[0]["name"], &packages[0]["kind"]), (&"part1".into(), &"updated".into()));
    assert_eq!(packages[0]["to"][0], "1.1");
    let layers = &system["layers"];
    let changed = layers["added"].as_array().unwrap().len() + layers["removed"].as_array().unwrap().len();
    assert!(layers["shared"].as_u64().unwrap() >= 3, "{told}");
    assert!(blobs_read(&served) - before <= changed + 2, "layers that differ, and two configurations");
    assert_eq!(deployed["systems"][0]["packages"], system["packages"]);
    assert_eq!(deployed["systems"][0]["layers"]["push_size"], layers["push_size"]);
    let markdown = dumbc(&small, &["diff", &first, &second, "--markdown"]).ok().text();
    assert!(markdown.contains("| `~` | `part1` | 1.0 -> 1.1 |") && markdown.contains("to push"), "{markdown}");
    let same = dumbc(&small, &["diff", &second, &second, "--exit-code"]).ok().text();
    assert!(same.contains("no difference"), "{same}");
}

#[test]
fn every_blob_of_a_registry_is_checked_against_the_lock() {
    let Some(served) = Served::start() else { return };
    let small = Small::new("");
    let reference = served.reference("app:1");
    small.push(&[&reference]).ok();
    let lock = small.project.path("dumbc.lock");
    let lock = lock.to_str().unwrap();
    let told = dumbc(&small, &["verify", &reference, "--lock", lock, "--json"]).ok().json();
    assert_eq!((&told["store_paths"]["as_locked"], &told["vouched_for"]), (&4.into(), &4.into()), "{told}");
    let (manifest, _) = served.manifest("app", "1").unwrap();
    assert_eq!(told["layers"], manifest["layers"].as_array().unwrap().len());
    small.change(2);
    small.project.dumbc(&["update"]).ok();
    let told = dumbc(&small, &["verify", &reference, "--lock", lock]).fails(10);
    told.says(&["part2-1.1 is missing"]);
    let layer = manifest["layers"][0]["digest"].as_str().unwrap();
    served.damage(layer);
    dumbc(&small, &["verify", &reference]).fails(10).says(&[layer]);
}

#[test]
fn what_skopeo_pushed_is_the_same_image() {
    let Some(served) = Served::start() else { return };
    let Some(()) = has("skopeo") else { return };
    let small = Small::new("");
    let (ours, theirs) = (served.reference("app:ours"), served.reference("app:theirs"));
    small.push(&[&ours]).ok();
    let (from, to) = (format!("docker://{ours}"), format!("docker://{theirs}"));
    let plain = ["--insecure-policy", "copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false"];
    run("skopeo", plain.into_iter().chain(["--format", "v2s2", &from, &to]));
    let told = dumbc(&small, &["diff", &ours, &theirs, "--exit-code", "--json"]).ok().json();
    assert_eq!(told["systems"][0]["layers"]["push_size"], 0);
    dumbc(&small, &["verify", &theirs]).ok();
}
