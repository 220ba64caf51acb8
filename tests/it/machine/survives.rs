//! What outlives a container and its image: homes, and what users installed.

use super::container::{Container, Image, MOUNT, Machine};

const USERS: &str = "[alice]\nuid = 1000\n[bob]\nuid = 1001\n[carol]\nuid = 1002\n";

/// Packages as they were at one time: a library, a tool that needs it, and a shell that needs it too.
fn packages(machine: &Machine, age: &str) {
    let cache = &machine.cache;
    let library = cache.add(&format!("libc-{age}"), &[("lib/version", format!("libc {age}\n").as_bytes())]);
    let busybox =
        std::fs::read(if std::path::Path::new("/bin/busybox").exists() { "/bin/busybox" } else { "/usr/bin/busybox" });
    let busybox = busybox.unwrap();
    let folder = machine.project.beside(&format!("shell-{age}"));
    std::fs::create_dir_all(folder.join("bin")).unwrap();
    std::fs::write(folder.join("bin/busybox"), &busybox).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.join("bin/busybox"), mode).unwrap();
    for applet in ["sh", "cat", "ls", "sleep", "echo", "test", "readlink", "mkdir", "id", "grep"] {
        std::os::unix::fs::symlink("busybox", folder.join("bin").join(applet)).unwrap();
    }
    std::fs::write(folder.join("needs"), format!("{library}\n")).unwrap();
    let shell = cache.add_tree(&format!("shell-{age}"), &folder);
    let tool = format!("#!{shell}/bin/sh\n{shell}/bin/cat {library}/lib/version\n");
    cache.add(&format!("tool-{age}"), &[("bin/tool", tool.as_bytes())]);
}

/// The image of one time.
fn image<'a>(machine: &'a Machine, age: &str, more: &str) -> Image<'a> {
    let tables = "[entrypoint]\ncommand = [\"sleep\", \"1000\"]\nuser = \"bob\"\n[boot]\nenable = true\n";
    machine.project.system(&machine.cache, &format!("[\"shell-{age}\"{more}]"), tables);
    machine.file("users.toml", USERS).file("home.toml", &format!("file.\".greeting\".text = \"of image {age}\"\n"));
    machine.load()
}

fn start(image: &Image<'_>, volume: &str, options: &[&str]) -> Container {
    let volume = format!("{volume}:/data");
    let container = image.start(&[options, &["-v", &volume]].concat());
    assert!(container.soon("test -S /run/dumbc/store.sock && test -S /run/dumbc/control.sock"), "it boots");
    container
}

#[test]
fn homes_and_installed_packages_outlive_an_image_with_another_libc() {
    let Some(machine) = Machine::new() else { return };
    packages(&machine, "one");
    packages(&machine, "two");
    let cache = machine.cache.folder().display().to_string();
    let cache = format!("{cache}:{cache}:ro");
    let first = image(&machine, "one", ", \"tool-one\"");
    let second = image(&machine, "two", "");
    for (volume, options) in [("links", &[][..]), ("overlay", &MOUNT[..])] {
        let container = start(&first, volume, &[options, &["-v", &cache]].concat());
        assert_eq!(container.shell("bob", "cat ~/.greeting; echo mine > ~/own"), "of image one");
        let edit =
            "mkdir -p ~/.config/dumbc; echo 'packages = [\"tool-one\"]' > ~/.config/dumbc/home.toml; rebuild 2>&1";
        let told = container.shell("alice", edit);
        assert!(told.contains("generation 1 is live"), "{told}");
        assert_eq!(container.shell("alice", "tool"), "libc one\n");
        drop(container);

        // No cache and no network: everything is on the volume.
        let container = start(&second, volume, options);
        let gone = "/nix/store/*-tool-one";
        let own = container.shell("alice", "readlink ~/.local/state/dumbc/generation; tool");
        assert!(own.ends_with("libc one\n"), "{own}");
        assert_eq!(container.shell("bob", "cat ~/.greeting; cat ~/own"), "of image twomine\n");
        // Hers is made again: what the first image answered is kept beside her file.
        let follows = || (container.shell("alice", "cat ~/.greeting") == "of image two").then_some(true);
        assert!(crate::clients::docker::wait_for(follows), "the home is made again in the background");
        assert_eq!(container.shell("alice", "tool"), "libc one\n");
        let status = String::from_utf8(container.exec("0", &["dumbc", "machine", "status", "--all"]).stdout).unwrap();
        assert!(status.contains("rebuild:alice") && !status.contains("rebuild:bob"), "{status}");
        assert!(status.contains(volume), "the store is put together that way: {status}");
        let listed = container.shell("alice", &format!("ls -d {gone}"));
        assert!(listed.contains("tool-one"), "{listed}");
        drop(container);

        // And once more, with what the second machine has made.
        let container = start(&second, volume, options);
        assert_eq!(container.shell("alice", "tool; cat ~/.greeting"), "libc one\nof image two");
        assert_eq!(container.shell("carol", "cat ~/.greeting"), "of image two");
    }
}
