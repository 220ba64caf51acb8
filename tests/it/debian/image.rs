//! Where packages' files stand in an image, and what stands beside them.

use std::collections::BTreeMap;

use super::{entry, hello, project, text};
use crate::support::debian::{Deb, DebArchive};
use crate::support::image::{Archive, Content};
use crate::support::project::Project;

/// The image of a machine of these packages.
fn image(debs: &[Deb], packages: &str, tables: &str) -> (Project, Archive) {
    let archive = DebArchive::of(debs);
    let project = project(&archive, packages, tables);
    let built = project.build("1.tar.gz", &[]);
    (project, Archive::read(&built.path))
}

/// The paragraphs of dpkg's status file, by package.
fn status(image: &Archive) -> BTreeMap<String, String> {
    let text = text(image, "var/lib/dpkg/status");
    let name = |paragraph: &str| paragraph.lines().next().unwrap().strip_prefix("Package: ").unwrap().to_owned();
    text.split("\n\n")
        .filter(|paragraph| !paragraph.trim().is_empty())
        .map(|paragraph| (name(paragraph), paragraph.to_owned()))
        .collect()
}

#[test]
fn files_keep_owners_modes_and_links_at_merged_paths() {
    let deb = Deb::new("tool", "1-1")
        .folder("./var/spool/tool", 0o1777, (0, 8))
        .mode_file("./bin/su", 0o4755, (0, 0), "su")
        .mode_file("./sbin/lock", 0o2750, (0, 42), "lock")
        .hard_link("./usr/bin/su2 -> ./bin/su")
        .link("./lib64/ld.so -> ../lib/ld-2.so")
        .link("./bin/again -> su")
        .mode_file("./etc/tool.conf", 0o640, (0, 42), "secret = 1\n")
        .member("conffiles", "/etc/tool.conf\n");
    let (_, image) = image(&[deb], r#"["tool"]"#, "");
    let seen = |path: &str| {
        let entry = entry(&image, path);
        (entry.mode, entry.owner, entry.content)
    };
    let file = |text: &str| Content::File(text.as_bytes().to_vec());
    let link = |text: &str| Content::Link(text.as_bytes().to_vec());
    assert_eq!(seen("usr/bin/su"), (0o4755, (0, 0), file("su")));
    assert_eq!(seen("usr/sbin/lock"), (0o2750, (0, 42), file("lock")));
    assert_eq!(seen("usr/bin/su2").2, Content::HardLink(b"usr/bin/su".to_vec()));
    assert_eq!(seen("usr/lib64/ld.so").2, link("../lib/ld-2.so"));
    assert_eq!(seen("usr/bin/again").2, link("su"));
    assert_eq!(seen("etc/tool.conf"), (0o640, (0, 42), file("secret = 1\n")));
    assert_eq!(seen("var/spool/tool"), (0o1777, (0, 8), Content::Directory));
    for alias in ["bin", "lib", "lib64", "sbin"] {
        assert_eq!(seen(alias).2, link(&format!("usr/{alias}")), "{alias}");
    }
}

#[test]
fn aliases_stand_in_the_root_files_layer_alone() {
    let (_, image) = image(&hello(), r#"["hello"]"#, "");
    let layers = image.layers();
    let has = |layer: &[u8]| {
        let plain = crate::support::image::decompressed(layer);
        let mut archive = tar::Archive::new(&plain[..]);
        let paths: Vec<_> = archive.entries().unwrap().map(|entry| entry.unwrap().path_bytes().to_vec()).collect();
        paths
            .iter()
            .any(|path| path == b"bin" || path == b"lib" || path.starts_with(b"bin/") || path.starts_with(b"lib/"))
    };
    let having: Vec<_> = layers.iter().map(|layer| has(layer)).collect();
    assert_eq!(having.iter().filter(|has| **has).count(), 1, "{having:?}");
    assert_eq!(having.last(), Some(&true), "the root files come last");
}

#[test]
fn a_folder_of_several_packages_looks_the_same_in_every_layer() {
    let debs = [
        Deb::new("aa", "1").folder("./srv/shared", 0o2775, (0, 50)).file("./srv/shared/a", "a"),
        Deb::new("bb", "1").file("./srv/shared/b", "b"),
        Deb::new("cc", "1").folder("./srv/empty", 0o700, (33, 33)),
    ];
    // `root()` holds the layers against each other.
    let (_, image) = image(&debs, r#"["aa", "bb", "cc"]"#, "[image]\nname = \"it\"\nlayers = 20\n");
    let shared = entry(&image, "srv/shared");
    assert_eq!((shared.mode, shared.owner), (0o2775, (0, 50)));
    let empty = entry(&image, "srv/empty");
    assert_eq!((empty.mode, empty.owner), (0o700, (33, 33)));
}

#[test]
fn dpkg_s_database_knows_what_is_there() {
    let tool = Deb::new("tool", "1:2.0-1")
        .all()
        .field("Section", "utils")
        .field("Priority", "optional")
        .depends("hello")
        .file("./etc/tool.conf", "on\n")
        .member("conffiles", "/etc/tool.conf\n")
        .member("postinst", "#!/bin/sh\nset -e\nexit 0\n")
        .member("triggers", "interest /usr/share/tool\n");
    let (_, image) = image(&[vec![tool], hello()].concat(), r#"["tool"]"#, "");
    let status = status(&image);
    assert_eq!(status.keys().map(String::as_str).collect::<Vec<_>>(), ["dash", "hello", "libgreet1", "tool"]);
    let of_tool = &status["tool"];
    for line in
        ["Status: install ok installed", "Version: 1:2.0-1", "Architecture: all", "Depends: hello", "Section: utils"]
    {
        assert!(of_tool.lines().any(|found| found == line), "{line} in {of_tool}");
    }
    // MD5 of "on\n".
    assert!(of_tool.contains("Conffiles:\n /etc/tool.conf 1f681635c89df401ef18598ffe3a0694"), "{of_tool}");
    let list = text(&image, "var/lib/dpkg/info/hello.list");
    assert!(list.lines().any(|line| line == "/usr/bin/hello") && list.starts_with("/.\n"), "{list}");
    // As dpkg has it: the package's own path, before the folders were merged.
    assert!(text(&image, "var/lib/dpkg/info/libgreet1.list").contains("/lib/greet.sh\n"));
    assert!(text(&image, "var/lib/dpkg/info/hello.md5sums").contains("  usr/bin/hello\n"));
    assert_eq!(text(&image, "var/lib/dpkg/info/tool.conffiles"), "/etc/tool.conf\n");
    assert_eq!(entry(&image, "var/lib/dpkg/info/tool.postinst").mode, 0o755);
    assert!(image.root().contains_key(&b"var/lib/dpkg/info/tool.triggers"[..]));
}

#[test]
fn dpkg_itself_reads_the_database() {
    let Ok(found) = std::process::Command::new("dpkg-query").arg("--version").output() else {
        crate::support::skipped::<()>("no dpkg-query");
        return;
    };
    assert!(found.status.success());
    let (project, image) = image(&hello(), r#"["hello"]"#, "");
    let folder = project.beside("dpkg");
    for (path, entry) in image.root() {
        let path = String::from_utf8(path).unwrap();
        if let (Some(below), Content::File(content)) = (path.strip_prefix("var/lib/dpkg/"), entry.content) {
            std::fs::create_dir_all(folder.join(below).parent().unwrap()).unwrap();
            std::fs::write(folder.join(below), content).unwrap();
        }
    }
    let ask = |arguments: &[&str]| {
        let output =
            std::process::Command::new("dpkg-query").arg("--admindir").arg(&folder).args(arguments).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let all = ask(&["-W", "-f", "${binary:Package} ${Version} ${db:Status-Abbrev}\n"]);
    assert_eq!(all, "dash 0.5.12-2 ii \nhello 2.10-3 ii \nlibgreet1 1.2-1 ii \n");
    assert!(ask(&["-L", "hello"]).contains("/usr/bin/hello\n"));
    assert_eq!(ask(&["-S", "/usr/bin/hello"]), "hello: /usr/bin/hello\n");
}

#[test]
fn the_system_says_what_it_is() {
    let (_, bare) = image(&hello(), r#"["hello"]"#, "");
    let release = text(&bare, "etc/os-release");
    assert!(
        release.contains("ID=debian\n")
            && release.contains("VERSION_ID=\"12\"\n")
            && release.contains("VERSION_CODENAME=bookworm\n"),
        "{release}"
    );
    let own = Deb::new("base-files", "12.4")
        .file("./usr/lib/os-release", "ID=ours\n")
        .link("./etc/os-release -> ../usr/lib/os-release");
    let (_, with_base) = image(&[own], r#"["base-files"]"#, "");
    assert_eq!(text(&with_base, "usr/lib/os-release"), "ID=ours\n");
    assert_eq!(entry(&with_base, "etc/os-release").content, Content::Link(b"../usr/lib/os-release".to_vec()));
    assert_eq!(text(&bare, "etc/machine-id"), "");
}

#[test]
fn what_the_files_declare_stands_over_a_package_s_file() {
    let tables = "[files.\"/etc/tool.conf\"]\ntext = \"mine\\n\"\nmode = \"0600\"\n[files.\"/lib/greet.sh\"]\ntext = \"echo mine\\n\"\n";
    let tool = Deb::new("tool", "1").file("./etc/tool.conf", "theirs\n").member("conffiles", "/etc/tool.conf\n");
    let archive = DebArchive::of(&[vec![tool], hello()].concat());
    let project = project(&archive, r#"["tool", "hello"]"#, tables);
    let output = project.path("1.tar.gz");
    project.dumbc(&["build", "-o", output.to_str().unwrap()]).ok().says(&["/etc/tool.conf", "tool"]);
    let image = Archive::read(&output);
    assert_eq!(text(&image, "etc/tool.conf"), "mine\n");
    assert_eq!(entry(&image, "etc/tool.conf").mode, 0o600);
    // Through the alias it is the package's file behind it.
    assert_eq!(text(&image, "usr/lib/greet.sh"), "echo mine\n");
}

#[test]
fn one_path_of_two_packages_is_an_error_that_names_both() {
    let debs = [Deb::new("one", "1").file("./usr/share/x", "1"), Deb::new("two", "1").file("./usr/share/x", "2")];
    let archive = DebArchive::of(&debs);
    let project = project(&archive, r#"["one", "two"]"#, "");
    project.dumbc(&["build"]).fails(2).says(&[
        "one and two both bring",
        "usr/share/x",
        "do without one or without two",
    ]);
    assert!(project.leftovers().is_empty());
}

#[test]
fn replaces_and_diversions_decide_who_has_a_path() {
    let old = Deb::new("old", "1").file("./usr/share/x", "old").file("./bin/sh", "old shell");
    let new = Deb::new("new", "1").field("Replaces", "old (<< 2)").file("./usr/share/x", "new");
    let diverter = Deb::new("diverter", "1").file("./usr/bin/sh", "new shell")
        .member("preinst", "#!/bin/sh\nset -e\nif [ \"$1\" = install ]; then\n  dpkg-divert --package diverter --add --rename --divert /usr/bin/sh.distrib /usr/bin/sh\nfi\n");
    let (_, image) = image(&[old, new, diverter], r#"["old", "new", "diverter"]"#, "");
    assert_eq!(text(&image, "usr/share/x"), "new");
    assert!(!text(&image, "var/lib/dpkg/info/old.list").contains("/usr/share/x\n"));
    assert_eq!(text(&image, "usr/bin/sh"), "new shell");
    assert_eq!(text(&image, "usr/bin/sh.distrib"), "old shell");
    assert_eq!(text(&image, "var/lib/dpkg/diversions"), "/usr/bin/sh\n/usr/bin/sh.distrib\ndiverter\n");
}
