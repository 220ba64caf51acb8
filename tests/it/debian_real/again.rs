//! Twice the same bytes, and nothing asked of the network when everything is there.

use crate::support::project::Project;

use super::default_machine;

#[test]
fn builds_are_the_same_in_any_store_and_need_no_network() {
    let Some(machine) = default_machine() else { return };
    let warm = machine.project.build("warm.tar.gz", &["--locked", "--offline"]);
    assert!(warm.bytes() == machine.archive.bytes());

    let elsewhere = Project::new();
    for name in ["system.toml", "users.toml", "home.toml", "dumbc.lock"] {
        elsewhere.file(name, std::fs::read(machine.project.path(name)).unwrap());
    }
    let cold = elsewhere.build("machine.tar.gz", &["--locked"]);
    assert_eq!(cold.digests(), machine.archive.digests());
    assert!(cold.bytes() == machine.archive.bytes());
}
