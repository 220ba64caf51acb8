//! Channels of every kind, and services that have enough of us.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dumbc::cache::http::{Netrc, Proxies, Tokens};
use dumbc::cache::{DecoderBudget, Http, HttpSettings, Settings};
use dumbc::channel::hydra::HydraError;
use dumbc::channel::nixos::{Hosts, Nixos as Services, NixosError, Release};
use dumbc::config::System;
use serde_json::json;

use crate::support::clock::FakeClock;
use crate::support::nixos::{Nixos, Running};

#[test]
fn every_kind_of_channel_leads_to_its_release() {
    let channels = ["nixos-26.05", "nixos-26.05-small", "nixos-unstable", "nixos-unstable-small", "nixpkgs-unstable"];
    for (number, channel) in (1..).zip(channels) {
        let release = Nixos::new(channel, number).with("tool", "tool-1.0", &["out"], &json!({}));
        let release = release.with("cacert", "cacert-3.1", &["out"], &json!({}));
        let (name, revision, series) = (release.release().to_owned(), release.revision(), release.series());
        let other = "nixos-26.05.9.ffffffffffff";
        let running = release.start().listing(&series, "", &[other, &name], false);
        let short = &revision[..9];
        // By the channel, the exact release, and the revision.
        for wanted in [format!("\"{channel}\""), format!("\"{name}\""), format!("\"{channel}\"\nrev = \"{short}\"")] {
            let project = running.project(&wanted, "[\"tool\"]");
            running.hosts(project.dumbc(&["lock"])).ok();
            let lock = std::fs::read_to_string(project.path("dumbc.lock")).unwrap();
            assert!(lock.contains(&format!("name = \"{name}\"\nrevision = \"{revision}\"")), "{wanted}: {lock}");
        }
        let project = running.project(&format!("\"{channel}\"\nrev = \"abcdef1\""), "[\"tool\"]");
        running.hosts(project.dumbc(&["lock"])).fails(2).says(&["has no release of revision abcdef1"]);
    }
}

#[test]
fn what_there_is_not_is_told() {
    let running = Nixos::new("nixos-26.05", 1).with("tool", "tool-1.0", &["out"], &json!({})).start();
    let told = |wanted: &str| running.hosts(running.project(wanted, "[\"tool\"]").dumbc(&["lock"])).fails(2).stderr;
    assert!(told("\"nixos-19.09\"").contains("there is no channel `nixos-19.09`"));
    assert!(told("\"nixos-26.05.2.abcdef123456\"").contains("there is no release `nixos-26.05.2.abcdef123456`"));
}

#[test]
fn the_rate_limit_is_kept_by_us_first_and_by_the_service_then() {
    let names: Vec<String> = (0..5).map(|number| format!("tool{number}")).collect();
    let release = names.iter().fold(Nixos::new("nixos-26.05", 1), |release, name| {
        release.with(name, &format!("{name}-1.0"), &["out"], &json!({}))
    });
    let running = release.with("cacert", "cacert-3.1", &["out"], &json!({})).start();
    let running = Running { services: running.services.limit("/hydra", 7, 2), ..running };
    let list = json!(names).to_string();
    running.hosts(running.project("\"nixos-26.05\"", &list).dumbc(&["lock"])).ok();
    assert_eq!(running.services.limited(), 0, "twelve requests, none of them too early");
    // Another process does not know of the first one's: it is told, waits, and goes on.
    running.hosts(running.project("\"nixos-26.05\"", &list).dumbc(&["lock"])).ok();
    assert!(running.services.limited() > 0);
}

/// The services with a clock that nobody has to wait for.
fn services(running: &Running, clock: &Arc<FakeClock>, state: &Path) -> Services {
    let settings = HttpSettings {
        offline: false,
        tokens: Tokens::default(),
        netrc: Netrc::default(),
        proxies: Proxies::default(),
        clock: clock.clone(),
    };
    let http = Arc::new(Http::new(settings));
    let settings =
        Settings { state_dir: state.to_owned(), http, untrusted: false, budget: Arc::new(DecoderBudget::default()) };
    let host = |below: &str| format!("{}/", running.services.url(below)).parse().unwrap();
    let hosts = Hosts {
        channels: host("/channels"),
        releases: host("/releases"),
        listing: host("/listing"),
        hydra: host("/hydra"),
        search: host("/search"),
    };
    Services::with_hosts(&settings, hosts)
}

#[test]
fn a_page_for_people_is_waited_for_and_then_told() {
    let release = Nixos::new("nixos-26.05", 1).with("tool", "tool-1.0", &["out"], &json!({}));
    let pinned = Release { name: release.release().to_owned(), revision: release.revision(), evaluation: 1_800_001 };
    let running = release.start().document(
        "/hydra/eval/1800001/job/nixpkgs.trap.x86_64-linux",
        "text/html; charset=utf-8",
        "<html>Are you a robot?</html>",
    );
    let (clock, state) = (Arc::new(FakeClock::new()), tempfile::tempdir().unwrap());
    let services = services(&running, &clock, state.path());
    let fault = services.outputs(&pinned, "trap", System::X86_64Linux).unwrap_err();
    assert!(
        matches!(fault, NixosError::Hydra(HydraError::Blocked { waited, .. }) if waited == Duration::from_secs(80)),
        "{fault}"
    );
    assert_eq!(clock.waits(), [20, 60].map(Duration::from_secs));
    assert!(services.outputs(&pinned, "tool", System::X86_64Linux).unwrap().is_ok());
    assert!(services.outputs(&pinned, "absent", System::X86_64Linux).unwrap().is_err());
}

#[test]
fn what_the_search_api_said_counts_for_a_day() {
    let release = Nixos::new("nixos-26.05", 1).with("tool", "tool-1.0", &["out"], &json!({}));
    let pinned = Release { name: release.release().to_owned(), revision: release.revision(), evaluation: 1_800_001 };
    let place = "/search/v2/resolve?name=tool&version=0.9";
    let revision = "ee09932cedcef15aaf476f9343d1dea2cb77e261";
    let system = json!({ "flake_installable": { "ref": { "rev": revision }, "attr_path": "tool" } });
    let text = json!({ "version": "0.9", "systems": { "x86_64-linux": system } }).to_string();
    let running = release.start().document(place, "application/json", &text);
    let (clock, state) = (Arc::new(FakeClock::now_is()), tempfile::tempdir().unwrap());
    let services = services(&running, &clock, state.path());
    let ask = || services.elsewhere(&pinned, ("tool", Some("tool")), "0.9", System::X86_64Linux).unwrap().unwrap();
    assert_eq!((ask(), running.services.count(place)), (ask(), 1));
    clock.pass(Duration::from_hours(23));
    assert_eq!((ask().revision.as_str(), running.services.count(place)), (revision, 1));
    clock.pass(Duration::from_hours(2));
    assert_eq!((ask().attribute.as_str(), running.services.count(place)), ("tool", 2));
}
