//! Names of a NixOS channel inside a machine: of the very release that the image pins, asked of Hydra.

use super::container::Machine;
use crate::support::nixos::{Nixos, Running};
use crate::support::server::Server;

#[test]
fn users_add_packages_of_the_images_release() {
    let Some(machine) = Machine::new() else { return };
    let package = |name: &str, command: &str, says: &str| {
        let script = format!("#!/bin/sh\necho {says}\n");
        machine.cache.add(name, &[(&format!("bin/{command}"), script.as_bytes())])
    };
    let [base, ripgrep] = [package("base-1.0", "base", "base"), package("ripgrep-14.1", "rg", "rg 14")];
    let [python, older] = [package("python3-3.13.1", "python", "3.13"), package("python3-3.12.9", "python", "3.12")];
    let release = Nixos::new("nixos-26.05", 1)
        .at("base", "base-1.0", &base)
        .at("ripgrep", "ripgrep-14.1", &ripgrep)
        .at("python3", "python3-3.13.1", &python)
        .at("python312", "python3-3.12.9", &older);
    let (folder, public_key) = (machine.cache.folder(), machine.cache.public_key.clone());
    let (services, cache) = (release.serve(Server::start()), Server::start().folder(&folder));
    let world = Running { services, cache, public_key };
    let (index, key) = (folder.join("index.jsonl"), &world.public_key);
    let system = format!(
        "channel = \"nixpkgs\"\npackages = [\"ours#busybox\", \"base\"]\n[channels.nixpkgs]\nrelease = \"nixos-26.05\"\n\
         keys = [\"{key}\"]\n[channels.ours]\nindex = \"{}\"\ncaches = [\"{}\"]\nkeys = [\"{key}\"]\n[image]\nname = \"it\"\n\
         [boot]\nenable = true\n",
        index.display(),
        world.cache.url(""),
    );
    machine.file("system.toml", &system).file("users.toml", "[alice]\nuid = 1000\n");
    let image = machine.load_with(|dumbc| world.hosts(dumbc));
    let hydra = format!("DUMBC_HYDRA={}", world.services.url("/hydra"));
    let container = image.start_in("--network=host", &["-e", &hydra]);
    assert!(container.soon("test -S /run/dumbc/store.sock"), "{}", container.logs());

    let added = container.tries("alice", "dumbc add ripgrep && rg && dumbc add python3@3.12 && python");
    for part in ["is live", "rg 14", "3.12\n", "code 0"] {
        assert!(added.contains(part), "`{part}` is missing from:\n{added}");
    }
    let refused = container.tries("alice", "dumbc add nothing; rg");
    for part in ["has no package `nothing` for x86_64-linux", "dumbc search", "rg 14"] {
        assert!(refused.contains(part), "`{part}` is missing from:\n{refused}");
    }
    let lock = container.shell("alice", "cat ~/.config/dumbc/dumbc.lock");
    let kept = |path: &str| lock.contains(path.trim_start_matches("/nix/store/"));
    assert!(kept(&ripgrep) && kept(&older), "{lock}");
    // What was answered stays, without Hydra.
    let again = container.tries("alice", "DUMBC_HYDRA=http://127.0.0.1:1 rebuild && rg");
    assert!(again.contains("rg 14") && again.contains("code 0"), "{again}");
}
