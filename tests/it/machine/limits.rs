//! Volumes as they may be: missing, read-only, full, taken, strange; users who left or have other numbers.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;

use super::container::{Container, Image, Machine};
use crate::clients::output;

const USERS: &str = "[alice]\nuid = 1000\n[bob]\nuid = 1001\n";

const TABLES: &str = r#"
[daemons.hers]
command = ["sleep", "10000"]
user = "alice"
[daemons.his]
command = ["sleep", "10000"]
user = "bob"
[files."/var/lib/app/seed"]
text = "of the image"
[files."/etc/app.conf"]
text = "of the image"
[persist]
paths = ["/var/lib/app", { path = "/etc/app.conf", owner = "alice", mode = "0640" }]
"#;

/// Both daemons run; `false`: alice's doesn't.
fn stands(container: &Container, whole: bool) {
    let her = if whole { "running" } else { "down" };
    let script = format!(
        "dumbc machine status | grep -q '^hers *alice *{her}' && dumbc machine status | grep -q '^his *bob *running'"
    );
    assert!(container.soon(&script), "{}", container.inside("dumbc machine status"));
}

/// Where a folder of this machine is a container's volume.
fn volume(folder: &Path, option: &str) -> String {
    format!("{}:/data{option}", folder.display())
}

#[test]
fn volumes_may_be_missing_read_only_full_taken_or_newer() {
    let Some(machine) = Machine::new() else { return };
    machine.system(&[], TABLES).file("users.toml", USERS);
    let image = machine.load();
    missing(&image);
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("lost+found")).unwrap();
    fs::create_dir_all(folder.path().join("homes/lost+found")).unwrap();
    kept(&image, folder.path());
    taken(&image, folder.path());
    read_only(&image, folder.path());
    newer(&image, folder.path());
    full(&image);
    of_another(&image, folder.path());
}

/// The image says where its volume is, so docker makes one. One of the same files that says nothing has none.
fn missing(image: &Image<'_>) {
    let container = image.without_volume().start(&[]);
    stands(&container, true);
    assert!(container.logs().contains("no volume at /data: homes and state end with this container"));
    assert_eq!(container.stop(), 0);
}

/// What is kept: seeded once with its owner and mode, and the same in the next container.
fn kept(image: &Image<'_>, folder: &Path) {
    let mount = volume(folder, "");
    let first = image.start(&["-v", &mount]);
    stands(&first, true);
    assert_eq!(first.inside("stat -L -c '%a %U' /etc/app.conf"), "640 alice\n");
    assert_eq!(first.inside("cat /etc/app.conf /var/lib/app/seed"), "of the imageof the image");
    first.inside("echo -n changed > /etc/app.conf; echo -n changed > /var/lib/app/seed; touch /var/lib/app/new");
    first.shell("alice", "echo hers > ~/notes");
    assert_eq!(first.stop(), 0);
    assert!(!first.logs().contains("lost+found"), "{}", first.logs());
    drop(first);
    let second = image.start(&["-v", &mount]);
    stands(&second, true);
    assert_eq!(second.inside("cat /etc/app.conf /var/lib/app/seed; ls /var/lib/app"), "changedchangednew\nseed\n");
    assert_eq!(second.inside("stat -L -c '%a %U' /etc/app.conf"), "640 alice\n");
    assert_eq!(second.shell("alice", "cat ~/notes"), "hers\n");
}

fn taken(image: &Image<'_>, folder: &Path) {
    let mount = volume(folder, "");
    let first = image.start(&["-v", &mount]);
    stands(&first, true);
    let second = image.run(&["-v", &mount], &[]);
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(
        second.status.code() == Some(1) && told.contains("another machine is running on the volume /data"),
        "{told}"
    );
    assert!(told.contains("help: "), "{told}");
}

fn read_only(image: &Image<'_>, folder: &Path) {
    let container = image.start(&["-v", &volume(folder, ":ro")]);
    stands(&container, true);
    assert_eq!(container.shell("alice", "cat ~/notes"), "hers\n");
    assert!(container.logs().contains("the volume /data is read-only: homes can be read, nothing is kept"));
    assert_eq!(container.stop(), 0);
    assert!(!container.logs().contains("store ended"), "{}", container.logs());

    let empty = tempfile::tempdir().unwrap();
    let container = image.start(&["-v", &volume(empty.path(), ":ro")]);
    stands(&container, true);
    assert_eq!(container.shell("alice", "touch ~/new && echo made"), "made\n");
    assert_eq!(container.stop(), 0);
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
}

/// A later layout is told of, read as far as it is known, and never lowered.
fn newer(image: &Image<'_>, folder: &Path) {
    let state = folder.join("dumbc");
    fs::write(state.join("version"), "2\n").unwrap();
    fs::write(state.join("of-the-future"), "x").unwrap();
    let container = image.start(&["-v", &volume(folder, "")]);
    stands(&container, true);
    assert!(container.logs().contains("the volume was written by a newer dumbc (layout 2)"), "{}", container.logs());
    assert_eq!(container.shell("alice", "cat ~/notes"), "hers\n");
    assert_eq!(container.stop(), 0);
    assert_eq!(fs::read_to_string(state.join("version")).unwrap(), "2\n");
    assert!(state.join("of-the-future").exists());
    fs::write(state.join("version"), "1\n").unwrap();
}

/// 64 KiB, and not a byte of them free. Another container holds the memory that they are.
fn full(image: &Image<'_>) {
    let name = image.volume_in_memory("64k");
    let mount = format!("{name}:/data");
    let filled = "cat /dev/zero > /data/filling; sleep 10000";
    let holder = image.start_with(&["-v", &mount, "--entrypoint", "sh"], &["-c", filled]);
    assert!(holder.soon("set -- $(stat -f -c '%a' /data) && test $1 = 0"));
    let container = image.start(&["-v", &mount]);
    stands(&container, true);
    assert!(container.logs().contains("the volume /data is full"), "{}", container.logs());
    assert_eq!(container.shell("alice", "echo $HOME"), "/home/alice\n");
    assert_eq!(container.stop(), 0);
    drop((container, holder));
    output(&mut image.docker(&["volume", "rm", &name]));
}

/// A home that is somebody else's is left out until it is adopted.
fn of_another(image: &Image<'_>, folder: &Path) {
    let mount = volume(folder, "");
    let home = folder.join("homes/alice");
    for path in [home.clone(), home.join("notes")] {
        chown(path, Some(4242), Some(4242)).unwrap();
    }
    let container = image.start(&["-v", &mount]);
    stands(&container, false);
    let status = container.inside("dumbc machine status");
    assert!(status.contains("belongs to user 4242, and alice is 1000 now"), "{status}");
    assert!(status.contains("dumbc machine adopt alice"), "{status}");
    assert!(container.inside("cat /run/dumbc/banner").contains("left out: alice"));
    assert!(container.inside("dumbc machine adopt alice").contains("nothing is changed yet"));
    container.inside("dumbc machine adopt alice --yes");
    output(&mut container.docker(&["restart", "-t", "30", &container.id]));
    stands(&container, true);
    assert_eq!(home.join("notes").metadata().unwrap().uid(), 1000);
}

#[test]
fn users_may_leave_or_get_other_numbers() {
    let Some(machine) = Machine::new() else { return };
    machine.system(&[], TABLES).file("users.toml", USERS);
    let folder = tempfile::tempdir().unwrap();
    let mount = volume(folder.path(), "");
    let first = machine.load().start(&["-v", &mount]);
    stands(&first, true);
    first.shell("alice", "echo hers > ~/notes");
    drop(first);

    // The next image: alice has another number and bob is gone; the entrypoint is alice's.
    let entrypoint = "[entrypoint]\ncommand = [\"cat\", \"notes\"]\nuser = \"alice\"\n";
    machine.system(&[], entrypoint).file("users.toml", "[alice]\nuid = 1005\n");
    let next = machine.load();
    let refused = next.run(&["-v", &mount], &[]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && told.contains("the entrypoint's user alice can't be served"), "{told}");
    assert!(told.contains("dumbc machine adopt alice"), "{told}");
    let adopted = next.run(&["-v", &mount, "--entrypoint", "dumbc"], &["machine", "adopt", "alice", "--yes"]);
    assert!(adopted.status.success(), "{adopted:?}");
    let run = next.run(&["-v", &mount], &[]);
    assert_eq!(String::from_utf8_lossy(&run.stdout), "hers\n", "{run:?}");
    let told = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(told.contains("homes of users whom users.toml doesn't have stay as they are: bob"), "{told}");
    assert_eq!(folder.path().join("homes/alice/notes").metadata().unwrap().uid(), 1005);
    assert_eq!(folder.path().join("homes/bob").metadata().unwrap().uid(), 1001);
}
