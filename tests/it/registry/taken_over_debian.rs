//! The same for Debian packages: the previous image stands for those that are not fetched, also for what their scripts did.

use std::fs;

use super::{Served, layers, nobody};
use crate::support::debian::{Deb, DebArchive};
use crate::support::project::{Project, noise};
use crate::support::server::Server;

const PACKAGES: &str = r#"["old", "new", "diverter", "daemon", "vim", "libz", "big"]"#;

fn postinst(deb: Deb, body: &str) -> Deb {
    deb.member("postinst", &format!("#!/bin/sh\nset -e\nif [ \"$1\" = configure ]; then\n{body}\nfi\n"))
}

/// Packages that change each other's files, make users, alternatives, and have a library.
fn debs(big: &str) -> Vec<Deb> {
    // A real library, where this machine has it where Debian's do.
    let library = fs::read("/usr/lib/x86_64-linux-gnu/libz.so.1").unwrap_or_else(|_| b"no library".to_vec());
    let diversion = "#!/bin/sh\nset -e\nif [ \"$1\" = install ]; then\n  dpkg-divert --package diverter --add --rename --divert /usr/bin/sh.distrib /usr/bin/sh\nfi\n";
    vec![
        Deb::new("old", "1").program("./bin/sh", "true").file("./usr/share/common", "of old\n"),
        Deb::new("new", "1").field("Replaces", "old").file("./usr/share/common", "of new\n"),
        Deb::new("diverter", "1").program("./usr/bin/sh", "false").member("preinst", diversion),
        postinst(
            Deb::new("daemon", "1")
                .program("./usr/sbin/daemon", "true")
                .folder("./var/spool/daemon", 0o755, (0, 0))
                .file("./usr/lib/sysusers.d/other.conf", "u _other - \"Other\" /run/other /usr/sbin/nologin\n")
                .file("./etc/daemon.conf", "on\n")
                .member("conffiles", "/etc/daemon.conf\n")
                .member("templates", "Template: daemon/user\nType: string\nDefault: _daemon\nDescription: Who?\n"),
            "adduser --system --group --no-create-home --quiet _daemon\nchown root:_daemon /var/spool/daemon\nchmod 1730 /var/spool/daemon\nchmod 0750 /usr/sbin/daemon",
        ),
        postinst(
            Deb::new("vim", "1").program("./usr/bin/vim", "true"),
            "update-alternatives --install /usr/bin/editor editor /usr/bin/vim 50",
        ),
        Deb::new("libz", "1").bytes("./usr/lib/x86_64-linux-gnu/libz.so.1", &library),
        Deb::new("big", big).bytes("./usr/share/big", &noise(u64::from(big.as_bytes()[0]), 60_000)),
    ]
}

/// A project whose packages come over HTTP, so that fetches are counted.
struct Remote {
    project: Project,
    archive: DebArchive,
    server: Server,
}

impl Remote {
    fn new(tables: &str) -> Self {
        let archive = DebArchive::of(&debs("1"));
        let server = Server::start().folder(archive.path());
        let remote = Self { project: Project::new(), archive, server };
        remote.system(tables);
        remote
    }

    fn system(&self, tables: &str) {
        let (mirror, keyring) = (self.server.url(""), self.archive.keyring());
        let keyring = keyring.display();
        let channel =
            format!("[channels.debian]\nsuite = \"bookworm\"\nmirror = \"{mirror}\"\nkeyring = \"{keyring}\"\n");
        let entry = "[entrypoint]\ncommand = [\"vim\"]\n";
        self.project.file("system.toml", format!("packages = {PACKAGES}\n{channel}{entry}{tables}"));
    }

    /// Pushes from an empty store; the report, and the packages that were fetched for it.
    fn push(&self, arguments: &[&str]) -> (serde_json::Value, Vec<String>) {
        let home = self.project.beside("home");
        fs::create_dir_all(&home).unwrap();
        _ = fs::remove_dir_all(self.project.store());
        let before = self.server.seen().len();
        let all = [&["push", "--json"], arguments].concat();
        let report = nobody(self.project.dumbc(&all), &home).ok().json();
        let seen = self.server.seen().split_off(before).into_iter().map(|seen| seen.path);
        let mut fetched: Vec<_> = seen.filter_map(|path| Some(path.strip_suffix(".deb")?.to_owned())).collect();
        let name = |path: String| path.rsplit('/').next().unwrap_or_default().split('_').next().unwrap().to_owned();
        fetched = fetched.into_iter().map(name).collect();
        fetched.sort();
        (report, fetched)
    }

    /// The same image, of packages that are all fetched.
    fn whole(&self, registry: &Served, tag: &str) -> serde_json::Value {
        let (whole, fetched) = self.push(&["--locked", &registry.reference(&format!("team/whole{tag}:1"))]);
        assert_eq!(fetched.len(), 7, "{fetched:?}");
        whole
    }
}

#[test]
fn debian_packages_of_unchanged_layers_are_not_fetched() {
    let Some(registry) = Served::start() else { return };
    let image = "[image]\nname = \"it\"\n";
    let remote = Remote::new(image);
    let (first, fetched) = remote.push(&[&registry.reference("team/it:1")]);
    assert_eq!(fetched, ["big", "daemon", "diverter", "libz", "new", "old", "vim"]);

    // Nothing changed: not one package is fetched.
    let (again, fetched) = remote.push(&["--locked", &registry.reference("team/it:2")]);
    assert_eq!((fetched.len(), &again["digest"]), (0, &first["digest"]), "{fetched:?}");
    assert_eq!(layers(&again), [0, 0, layers(&first)[0]]);

    // Only files of the project changed: the same.
    remote.system(&format!("{image}[files.\"/etc/motd\"]\ntext = \"hello\"\n"));
    let (other, fetched) = remote.push(&[&registry.reference("team/it:3")]);
    assert_eq!(fetched, [""; 0]);
    assert_ne!(other["digest"], first["digest"]);
    let whole = remote.whole(&registry, "3");
    assert_eq!((&whole["digest"], &whole["images"]), (&other["digest"], &other["images"]));

    // One package has another version: it alone is fetched, and the image is as from packages.
    remote.archive.publish("bookworm", &debs("2"));
    remote.project.dumbc(&["update"]).ok();
    let (changed, fetched) = remote.push(&[&registry.reference("team/it:4")]);
    assert_eq!(fetched, ["big"]);
    assert!(registry.is_whole("team/it", "4"));
    let whole = remote.whole(&registry, "4");
    assert_eq!((&whole["digest"], &whole["images"]), (&changed["digest"], &changed["images"]));
}

#[test]
fn changes_to_a_package_fetch_it() {
    let Some(registry) = Served::start() else { return };
    let tables = "[image]\nname = \"it\"\nsbom = \"spdx\"\n";
    let remote = Remote::new(tables);
    remote.push(&[&registry.reference("team/it:1")]);
    // A file of the project stands where a package has one: the package loses it, so its layer is another one.
    remote.system(&format!("{tables}[files.\"/usr/share/big\"]\ntext = \"small\"\n"));
    let (changed, fetched) = remote.push(&[&registry.reference("team/it:2")]);
    assert_eq!(fetched, ["big"]);
    let whole = remote.whole(&registry, "2");
    assert_eq!((&whole["digest"], &whole["images"]), (&changed["digest"], &changed["images"]));
    // What lies beside the image tells licences, which only the packages do.
    let beside = ["--locked", "--sbom", "spdx", &registry.reference("team/it:3")];
    let ((lean, fetched), (full, _)) = (remote.push(&beside), remote.push(&beside));
    assert_eq!(fetched.len(), 7, "{fetched:?}");
    assert!(lean["sboms"][0].is_string() && lean["sboms"] == full["sboms"], "{lean}");
}

#[test]
fn a_debian_layer_that_the_registry_lost_is_made_again() {
    let Some(registry) = Served::start() else { return };
    let remote = Remote::new("[image]\nname = \"it\"\n");
    let (first, _) = remote.push(&[&registry.reference("team/it:1")]);
    let (manifest, _) = registry.manifest("team/it", "1").unwrap();
    registry.delete_blob("team/it", manifest["layers"][0]["digest"].as_str().unwrap());
    let (again, fetched) = remote.push(&["--locked", "--force", &registry.reference("team/it:2")]);
    assert_eq!((fetched.is_empty(), &again["digest"]), (false, &first["digest"]));
    assert!(registry.is_whole("team/it", "2"));
}
