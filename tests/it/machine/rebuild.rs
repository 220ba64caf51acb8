//! `rebuild` and its friends inside a machine, with and without the right to mount.

use std::time::Instant;

use crate::support::project::{Cache, noise};
use crate::support::server::Server;
use crate::support::skipped;

use super::container::{Container, Image, MOUNT, Machine};

/// A machine of alice's and bob's whose packages come from a server of this test.
struct World {
    machine: Machine,
    server: Server,
}

const HOME: &str =
    "packages = [\"base\"]\nsessionVariables.GREETING = \"image\"\n[file.\".baserc\"]\ntext = \"image\\n\"\n";

const OWN: &str = "# mine\npackages = [\n  \"fd\", # finds\n]\n\n[file.\".ownrc\"]\nsource = \"./rc\" # beside\n";

const DAEMON: &str = "\n[daemons.own]\ncommand = [\"./bin/own\", \"./rc\"]\n";

impl World {
    fn new() -> Option<Self> {
        let machine = Machine::new()?;
        let cache = &machine.cache;
        let base = script(cache, "base-1.0", "base");
        let rg = format!("#!/bin/sh\necho rg 14 on {base}\n");
        cache.add("ripgrep-14.1", &[("bin/rg", rg.as_bytes())]);
        script(cache, "fd-10.1", "fd");
        cache.add("large-1.0", &[("share/large", &noise(7, 6 << 20))]);
        let server = Server::start().folder(&cache.folder());
        machine.file("users.toml", "[alice]\nuid = 1000\n\n[bob]\nuid = 1001\n").file("home.toml", HOME);
        let world = Self { machine, server };
        world.system("user-rebuild = true");
        Some(world)
    }

    fn system(&self, boot: &str) {
        let tables = format!("[persist]\nstore-limit = \"4MiB\"\n\n[boot]\nenable = true\n{boot}\n");
        let cache = &self.machine.cache;
        self.machine.project.system_at(cache, &self.server.url(""), "[\"busybox\"]", &tables);
    }

    /// A container with the volume `volume` that reaches the server and its index.
    fn start(&self, image: &Image<'_>, volume: &str, options: &[&str]) -> Container {
        let folder = self.machine.cache.folder();
        let index = format!("{0}:{0}:ro", folder.display());
        let volume = format!("{volume}:/data");
        let options = [&["-v", &volume, "-v", &index], options].concat();
        let container = image.start_in("--network=host", &options);
        assert!(container.soon("test -S /run/dumbc/store.sock"), "{}", container.logs());
        container
    }

    fn remove(&self, volume: &str) {
        let _ = self.machine.daemon.docker().args(["volume", "rm", "-f", volume]).output();
    }
}

fn script(cache: &Cache, package: &str, says: &str) -> String {
    let text = format!("#!/bin/sh\necho {says}\n");
    cache.add(package, &[(&format!("bin/{says}"), text.as_bytes())])
}

/// `text` must have all of these.
#[track_caller]
fn has(text: &str, all: &[&str]) {
    for part in all {
        assert!(text.contains(part), "`{part}` is missing from:\n{text}");
    }
}

fn write_own(container: &Container, text: &str) {
    let path = "~/.config/dumbc";
    container
        .shell("alice", &format!("mkdir -p {path}/bin {path}/tool/bin; cat > {path}/home.toml <<'END'\n{text}END\n"));
    container
        .shell("alice", &format!("echo own > {path}/rc; printf '#!/bin/sh\\necho mine\\n' > {path}/tool/bin/mine"));
    let own = "#!/bin/sh\\necho rg at $(command -v rg), $1\\nexec sleep 1000\\n";
    let script = format!("printf '{own}' > {path}/bin/own; chmod +x {path}/bin/own {path}/tool/bin/mine");
    container.shell("alice", &script);
}

#[test]
fn users_rebuild_their_homes() {
    for (volume, options, way) in [("rebuild-links", &[][..], "links"), ("rebuild-overlay", &MOUNT[..], "overlay")] {
        let Some(world) = World::new() else { return };
        let image = world.machine.load();
        let container = world.start(&image, volume, options);
        let status = container.shell("root", "dumbc machine status --all");
        if way == "overlay" && !status.contains("store: overlay") {
            skipped::<()>(&format!("this kernel has no overlay for a container: {status}"));
            continue;
        }
        has(&status, &[&format!("store: {way}")]);
        packages_come_and_go(&world, &container);
        generations(&container);
        own_files_in_the_way(&container);
        local_things(&container);
        room(&container);
        drop(container);
        without_network(&image, volume, options);
        world.remove(volume);
    }
}

fn packages_come_and_go(world: &World, container: &Container) {
    write_own(container, OWN);
    has(&container.tries("alice", "rebuild --dry-run"), &["+ fd 10.1", "would change; nothing was", "code 0"]);
    has(&container.tries("alice", "dumbc home diff"), &["+ fd 10.1", "+ ~/.ownrc", "code 0"]);
    has(&container.tries("alice", "fd"), &["code 127"]);
    let added = container.tries("alice", "dumbc add ripgrep");
    has(&added, &["+ fd 10.1", "+ ripgrep 14.1", "generation 1 is live", "code 0"]);
    has(
        &container.shell("alice", "rg; fd; cat ~/.ownrc ~/.baserc; echo $GREETING"),
        &["rg 14", "fd\nown\nimage\nimage\n"],
    );
    let expected = OWN.replace("# finds\n", "# finds\n  \"ripgrep\",\n");
    assert_eq!(container.shell("alice", "cat ~/.config/dumbc/home.toml"), expected);
    let lock = container.shell("alice", "cat ~/.config/dumbc/dumbc.lock");
    has(&lock, &["ripgrep-14.1", "fd-10.1"]);
    assert!(!lock.contains("cacert") && !lock.contains("base-1.0"), "{lock}");
    // Registered, and what it needs of the image is on the volume.
    for name in ["ripgrep-14.1", "base-1.0", "home-path", "home-alice"] {
        container.shell("root", &format!("ls /data/dumbc/registered/*-{name} && ls -d /data/nix/store/*-{name}"));
    }
    has(&container.tries("bob", "rg"), &["code 127"]);
    // A new build of it is taken when it is asked for.
    let text = "#!/bin/sh\necho rg 15\n";
    world.machine.cache.add("ripgrep-15.0", &[("bin/rg", text.as_bytes())]);
    has(&container.tries("alice", "rebuild"), &["generation 1 is live"]);
    let updated = container.tries("alice", "rebuild --update ripgrep");
    has(&updated, &["ripgrep 14.1 → 15.0", "generation 2 is live"]);
    has(&container.tries("alice", "dumbc remove fd"), &["- fd 10.1", "generation 3 is live"]);
    has(&container.tries("alice", "fd"), &["code 127"]);
    has(
        &container.tries("alice", "dumbc remove base"),
        &["it has no `base`; what the image gives is taken out", "code 2"],
    );
    has(&container.tries("alice", "dumbc add ripgerp"), &["did you mean", "is as it was before", "code "]);
    has(&container.shell("alice", "dumbc home show alice"), &["\"ripgrep\"", "# home.toml", "GREETING"]);
}

fn generations(container: &Container) {
    has(&container.shell("alice", "rebuild --list"), &["  image  /nix/store/", "*     3  /nix/store/"]);
    has(&container.tries("alice", "rebuild --rollback"), &["+ fd 10.1", "generation 2 is live"]);
    has(&container.shell("alice", "rg; fd"), &["rg 15\nfd\n"]);
    has(&container.tries("alice", "rebuild --to 1"), &["generation 1 is live"]);
    has(&container.tries("alice", "rebuild --to 9"), &["`alice` has no generation 9", "code 2"]);
    has(&container.tries("alice", "rebuild --reset"), &["the image's generation is live"]);
    has(&container.tries("alice", "rg"), &["code 127"]);
    has(&container.tries("root", "rebuild --user alice --dry-run"), &["+ ripgrep 15.0", "would change"]);
    has(&container.tries("root", "rebuild --user alice"), &["+ ripgrep 15.0", "generation 4 is live", "code 0"]);
    has(&container.tries("bob", "rebuild --user alice"), &["only root rebuilds the homes of others"]);
    has(&container.tries("root", "rebuild"), &["user 0 has no home that this machine makes", "code 2"]);
    assert_eq!(container.shell("root", "stat -c %U /home/alice/.config/dumbc/home.toml"), "alice\n");
}

fn own_files_in_the_way(container: &Container) {
    let file = "[file.\".first\"]\ntext = \"new\"\n[file.\".second\"]\ntext = \"new\"\n";
    write_own(container, file);
    container.shell("alice", "echo mine > ~/.first; echo mine > ~/.second");
    let refused = container.tries("alice", "rebuild");
    has(&refused, &["~/.first (a file of your own stands there)", "~/.second (a file of your own stands there)"]);
    has(&container.shell("alice", "cat ~/.first ~/.second; rg"), &["mine\nmine\nrg 15\n"]);
    write_own(container, &format!("backup-extension = \"old\"\n{file}"));
    has(&container.tries("alice", "rebuild"), &["generation 5 is live", "code 0"]);
    assert_eq!(container.shell("alice", "cat ~/.first ~/.first.old"), "newmine\n");
    // Going back to where a file of the user's own stands now is refused, and nothing has moved.
    container.tries("alice", "rebuild --rollback");
    write_own(container, "packages = [\"fd\"]\n[file.\".third\"]\ntext = \"new\"\n");
    container.shell("alice", "echo mine > ~/.third");
    has(&container.tries("alice", "rebuild --force"), &["is live", "code 0"]);
    assert_eq!(container.shell("alice", "cat ~/.third"), "new");
    container.tries("alice", "rebuild --to 4");
    container.shell("alice", "echo mine > ~/.third");
    has(&container.tries("alice", "rebuild --to 6"), &["~/.third", "code 1"]);
    has(&container.shell("alice", "rebuild --list"), &["*     4  "]);
    has(&container.tries("alice", "rebuild --to 6 --force"), &["generation 6 is live", "code 0"]);
}

fn local_things(container: &Container) {
    write_own(container, &format!("packages = [\"./tool\", \"ripgrep\"]\n{DAEMON}"));
    has(&container.tries("alice", "rebuild --dry-run"), &["+ home-source", "code 0"]);
    has(&container.tries("alice", "rebuild"), &["generation 7 is live", "code 0"]);
    assert_eq!(container.shell("alice", "mine"), "mine\n");
    let says = "dumbc machine logs own@alice | grep 'rg at /etc/profiles/per-user/alice/bin/rg, /nix/store/'";
    assert!(container.soon(says), "{}", container.tries("root", "dumbc machine logs own@alice"));
    has(&container.shell("alice", "dumbc machine status"), &["own@alice"]);
    let running = "dumbc machine status | grep 'own@alice.*running'";
    let before = container.shell("root", &format!("{running} | grep -o 'pid [0-9]*'"));
    container.shell("alice", "dumbc machine restart own@alice");
    assert!(container.soon(&format!("{running} | grep -v '{}'", before.trim())));
    write_own(container, "packages = [\"ripgrep\"]\n");
    has(&container.tries("alice", "rebuild"), &["- home-source", "code 0"]);
    assert!(container.soon("! dumbc machine status | grep own@alice"));
}

fn room(container: &Container) {
    let refused = container.tries("alice", "dumbc add large");
    has(&refused, &["the store paths of `alice` would take ", " MiB; `store-limit` is 4 MiB", "dumbc machine gc"]);
    container.shell("alice", "! grep large ~/.config/dumbc/home.toml");
    let image = "ls -d /nix/store/*-base-1.0 /nix/store/*-busybox /nix/store/*-dumbc-runtime";
    has(&container.tries("root", "dumbc machine gc --dry-run"), &["would remove ", "code 0"]);
    has(
        &container.tries("alice", "dumbc machine gc"),
        &["dropped generations of alice: 1, 2, 3, 4", "removed ", "code 0"],
    );
    container.shell("root", image);
    has(&container.shell("alice", "rg; ! ls -d /nix/store/*-ripgrep-14.1 2>/dev/null"), &["rg 15"]);
    has(&container.shell("alice", "rebuild --list"), &["*     8  "]);
}

/// A new container without a network has all of it.
fn without_network(image: &Image<'_>, volume: &str, options: &[&str]) {
    let volume = format!("{volume}:/data");
    let container = image.start(&[&["-v", &volume], options].concat());
    assert!(container.soon("test -S /run/dumbc/store.sock"));
    assert_eq!(container.shell("alice", "rg"), "rg 15\n");
    has(&container.tries("alice", "rebuild"), &["generation 8 is live", "code 0"]);
    has(&container.tries("alice", "dumbc add fd"), &["is as it was before", "code "]);
    assert_eq!(container.shell("alice", "rg"), "rg 15\n");
}

#[test]
fn a_machine_may_forbid_it() {
    let Some(world) = World::new() else { return };
    world.system("user-rebuild = false");
    let image = world.machine.load();
    let container = world.start(&image, "rebuild-off", &[]);
    for command in ["dumbc add fd", "rebuild", "rebuild --reset"] {
        has(&container.tries("alice", command), &["users may not change their homes in this machine", "code 7"]);
    }
    assert_eq!(container.shell("alice", "cat ~/.baserc; ls /data/dumbc/registered"), "image\n");
    drop(container);
    world.remove("rebuild-off");
}

#[test]
fn another_image_is_followed_in_the_background() {
    let Some(world) = World::new() else { return };
    let container = world.start(&world.machine.load(), "rebuild-next", &[]);
    has(&container.tries("alice", "dumbc add ripgrep"), &["generation 1 is live"]);
    drop(container);
    world.machine.file("home.toml", &HOME.replace("image", "next"));
    let container = world.start(&world.machine.load(), "rebuild-next", &[]);
    assert!(container.soon("grep next /home/alice/.baserc"), "{}", container.logs());
    assert!(container.soon("dumbc machine logs rebuild:alice | grep 'generation 2 is live'"), "{}", container.logs());
    has(&container.shell("alice", "rg; echo $GREETING"), &["rg 14", "next"]);
    drop(container);
    world.remove("rebuild-next");
}

/// However often a rebuild or the whole machine is killed: the home is the old one or the new one, and what comes next is whole.
#[test]
fn who_is_killed_leaves_nothing_half_done() {
    let Some(world) = World::new() else { return };
    let rounds: u32 = std::env::var("DUMBC_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let image = world.machine.load();
    let options = if rounds.is_multiple_of(2) { &[][..] } else { &MOUNT[..] };
    let container = world.start(&image, "rebuild-killed", options);
    write_own(&container, "packages = [\"ripgrep\"]\n");
    let began = Instant::now();
    container.shell("alice", "rebuild");
    let usual = began.elapsed();
    for round in 0..rounds {
        let (packages, other) =
            if round.is_multiple_of(2) { ("\"ripgrep\", \"fd\"", "fd") } else { ("\"ripgrep\"", "") };
        let text = format!("packages = [{packages}]\n[file.\".round\"]\ntext = \"{round}\"\n");
        write_own(&container, &text);
        let rebuild = ["exec", "-u", "0", &container.id, "/usr/bin/dumbc", "shell", "alice", "--", "rebuild"];
        let mut child = container.docker(&rebuild).spawn().unwrap();
        // At moments spread over what a rebuild takes, the same in every run.
        std::thread::sleep(usual.mul_f64(0.618_034 * f64::from(round + 1) % 1.0));
        if round % 3 == 2 {
            kill_machine(&container);
        } else {
            // Brackets: the script is not to find itself.
            let what = if round % 3 == 0 { "r[e]build" } else { "machine.s[e]rve" };
            let script = format!(
                "for p in /proc/[0-9]*; do tr '\\0' . < $p/cmdline | grep -q 'dumbc.*{what}\\|^{what}' \
                && kill -9 ${{p#/proc/}}; done 2>/dev/null; true"
            );
            container.shell("root", &script);
        }
        let _ = child.wait();
        // A service that was killed is started again before long, and waited for.
        has(&container.shell("alice", "rebuild --list"), &["image"]);
        let shown = container.shell("alice", "rg; cat ~/.baserc; ls ~/.local/state/dumbc/generation/manifest.json");
        has(&shown, &["rg 14", "image"]);
        let built = container.tries("alice", "rebuild");
        has(&built, &["is live", "code 0"]);
        assert_eq!(container.shell("alice", "cat ~/.round"), round.to_string());
        assert_eq!(container.tries("alice", "fd").contains("code 0"), other == "fd");
    }
    let strays = "ls -a /nix/store /data/nix/store /data/dumbc | grep '^.dumbc-'";
    kill_machine(&container);
    assert!(container.soon(&format!("! ({strays})")), "{}", container.shell("root", strays));
    drop(container);
    world.remove("rebuild-killed");
}

fn kill_machine(container: &Container) {
    let run = |arguments: &[&str]| assert!(container.docker(arguments).output().unwrap().status.success());
    run(&["kill", "-s", "KILL", &container.id]);
    run(&["wait", &container.id]);
    run(&["start", &container.id]);
    assert!(container.soon("test -S /run/dumbc/store.sock && dumbc machine status"), "{}", container.logs());
}
