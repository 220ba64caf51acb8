//! Packages of Nix and of Debian in one image, and the verbs that look at both.

use super::{hello, nothing_is_kept, project, text, write_system};
use crate::support::debian::{Deb, DebArchive};
use crate::support::image::Archive;
use crate::support::project::{Cache, Project};

/// Changes a byte of every piece of every package in the store.
fn damage(project: &Project) {
    let mut damaged = 0;
    for file in walkdir::WalkDir::new(project.store().join("fragments")).into_iter().flatten() {
        if file.file_type().is_file() && file.path().extension().is_none() {
            let mut bytes = std::fs::read(file.path()).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x20;
            let path = file.into_path();
            std::fs::remove_file(&path).unwrap();
            std::fs::write(&path, bytes).unwrap();
            damaged += 1;
        }
    }
    assert!(damaged >= 3, "{damaged} pieces");
}

/// A machine with the `hello` of both sources, and a library of Debian's.
fn both(tables: &str) -> (Cache, DebArchive, Project) {
    let (cache, archive) = (Cache::sample(), DebArchive::of(&hello()));
    let project = Project::new();
    let channel = archive.channel("");
    project.system(
        &cache,
        r#"["greet", "hello", "debian#hello"]"#,
        &format!("{channel}\n[image]\nname = \"it\"\n{tables}"),
    );
    (cache, archive, project)
}

fn path(image: &Archive) -> Vec<String> {
    let configuration = image.configuration();
    let variables = configuration["config"]["Env"].as_array().unwrap();
    let path = variables.iter().find_map(|variable| variable.as_str().unwrap().strip_prefix("PATH=")).unwrap();
    path.split(':').map(str::to_owned).collect()
}

#[test]
fn neither_source_hides_the_other() {
    let (_cache, _archive, project) = both("");
    let image = Archive::read(&project.build("1.tar.gz", &[]).path);
    let root = image.root();
    assert!(root.contains_key(&b"usr/bin/hello"[..]) && root.contains_key(&b"var/lib/dpkg/status"[..]));
    assert!(root.keys().any(|path| path.starts_with(b"nix/store/") && path.ends_with(b"-hello-1.0/bin/hello")));
    let path = path(&image);
    let at =
        |folder: &str| path.iter().position(|found| found == folder).unwrap_or_else(|| panic!("{folder} in {path:?}"));
    assert!(at("/usr/bin") < at("/etc/profiles/system/bin"), "{path:?}");
    // What only Nix has is found all the same.
    assert!(root.contains_key(&b"etc/profiles/system"[..]));
    let folders = r#"path = ["/etc/profiles/system/bin", "/usr/sbin", "/usr/bin"]"#;
    let (_cache, _archive, project) = both(&format!("[machine]\n{folders}\n"));
    let image = Archive::read(&project.build("1.tar.gz", &[]).path);
    assert_eq!(self::path(&image), ["/etc/profiles/system/bin", "/usr/sbin", "/usr/bin"]);
}

#[test]
fn plan_why_and_size_speak_of_both() {
    let (_cache, _archive, project) = both("");
    project.build("1.tar.gz", &[]);
    let plan = project.dumbc(&["plan"]).ok().text();
    assert!(plan.contains("libgreet1") && plan.contains("greet-2.0"), "{plan}");
    let why = project.dumbc(&["why", "libgreet1"]).ok().text();
    assert!(why.contains("hello") && why.contains("libgreet1"), "{why}");
    let size = project.dumbc(&["size"]).ok().text();
    assert!(size.contains("debian#hello") && size.contains("greet"), "{size}");
    for arguments in [&["plan", "--json"][..], &["why", "libgreet1", "--json"], &["size", "--json"]] {
        let document = project.dumbc(arguments).ok().json().to_string();
        assert!(document.contains("libgreet1") || document.contains("debian#hello"), "{arguments:?}: {document}");
    }
    project.dumbc(&["why", "libgret1"]).fails(3).says(&["`libgret1`"]);
}

#[test]
fn verify_gc_and_mirror_behave() {
    let (_cache, _archive, project) = both("");
    let built = project.build("1.tar.gz", &[]);
    let (image, lock) = (built.path.to_str().unwrap().to_owned(), project.path("dumbc.lock"));
    project.dumbc(&["verify", &image]).ok();
    let verified = project.dumbc(&["verify", &image, "--lock", lock.to_str().unwrap(), "--json"]).ok().json();
    assert_eq!(verified["store_paths"]["as_locked"], 2, "{verified}");
    let folder = project.beside("mirrored");
    let told = project.dumbc(&["cache", "mirror", folder.to_str().unwrap()]).ok();
    assert!(told.text().contains("2 packages copied"), "{told}");
    told.says(&["3 Debian packages are not copied"]);
    project.dumbc(&["gc"]).ok();
    assert!(project.build("2.tar.gz", &["--offline"]).bytes() == built.bytes());
    project.dumbc(&["gc", "--max-size", "0"]).ok();
    assert!(project.build("3.tar.gz", &["--locked"]).bytes() == built.bytes());
}

#[test]
fn threads_stores_and_folders_decide_no_byte() {
    let (_cache, _archive, project) = both("[files.\"/etc/motd\"]\ntext = \"hi\\n\"\n");
    let one = project.build("1.tar.gz", &["-j", "1"]);
    std::fs::remove_dir_all(project.store()).unwrap();
    let eight = project.build("8.tar.gz", &["-j", "8", "--locked"]);
    let elsewhere = Project::new();
    for name in ["system.toml", "dumbc.lock"] {
        elsewhere.file(name, std::fs::read(project.path(name)).unwrap());
    }
    let other = elsewhere.build("other.tar.gz", &["--locked"]);
    let warm = elsewhere.build("warm.tar.gz", &["--locked"]);
    assert!([&eight, &other, &warm].iter().all(|built| built.bytes() == one.bytes()));
}

#[test]
fn one_small_archive_has_always_had_this_image() {
    let daemon = Deb::new("daemon", "1:2-1")
        .file("./usr/lib/sysusers.d/d.conf", "u _d - \"D\" /var/lib/d\n")
        .mode_file("./usr/sbin/daemon", 0o4755, (0, 0), "#!/bin/sh\n")
        .link("./sbin/d -> daemon")
        .member("postinst", "#!/bin/sh\nset -e\nupdate-alternatives --install /usr/bin/d d /usr/sbin/daemon 10\n");
    let debs = [hello(), vec![daemon]].concat();
    let archive = DebArchive::of(&debs);
    let project = project(
        &archive,
        r#"["hello", "daemon"]"#,
        "[image]\nname = \"it\"\nsystems = [\"x86_64-linux\"]\nsbom = false\n",
    );
    let built = project.build("1.tar.gz", &[]);
    // Signed anew, on another day: no byte of an image comes from that.
    archive.publish_on("bookworm", &debs, "Mon, 03 Nov 2025 10:00:00 UTC");
    std::fs::remove_file(project.path("dumbc.lock")).unwrap();
    assert!(project.build("2.tar.gz", &[]).bytes() == built.bytes());
    assert_eq!(built.image_id(), GOLDEN, "if this is meant to change, say so in CHANGELOG.md");
}

const GOLDEN: &str = "sha256:9c1d393832223b4592a32b445f7d053fa1f5d5f2074a7dbeb3e93d9dce9b7266";

#[test]
fn what_others_may_have_written_is_fetched_anew() {
    let archive = DebArchive::of(&hello());
    let project = project(&archive, r#"["hello"]"#, "");
    let good = project.build("1.tar.gz", &[]);
    damage(&project);
    let output = project.path("2.tar.gz");
    let build = ["build", "--locked", "-o", output.to_str().unwrap()];
    project.dumbc(&build).env("DUMBC_STORE_UNTRUSTED", "1").ok();
    assert!(std::fs::read(&output).unwrap() == good.bytes());
    // Nothing can vouch for what lies there once the archive is gone.
    std::fs::remove_dir_all(archive.path().join("pool")).unwrap();
    project.dumbc(&build).env("DUMBC_STORE_UNTRUSTED", "1").fails(5).says(&["the archive no longer has"]);
}

#[test]
fn a_damaged_package_of_the_own_store_is_fetched_anew() {
    let archive = DebArchive::of(&hello());
    let project = project(&archive, r#"["hello"]"#, "");
    let good = project.build("1.tar.gz", &[]);
    damage(&project);
    let again = project.dumbc(&["build", "--locked", "-o", project.path("2.tar.gz").to_str().unwrap()]).run();
    // Where the damage shows only while the image is written, the next build is the one that does.
    if again.code != Some(0) {
        again.says(&["damaged", "run the command again"]);
    }
    assert!(project.build("3.tar.gz", &["--locked"]).bytes() == good.bytes());
}

#[test]
fn a_build_that_was_refused_leaves_the_next_one_alone() {
    let archive = DebArchive::of(&hello());
    let project = project(&archive, r#"["hello", "absent"]"#, "");
    project.dumbc(&["build"]).fails(3);
    nothing_is_kept(&project);
    write_system(&project, &archive, r#"["hello"]"#, "");
    let image = Archive::read(&project.build("1.tar.gz", &[]).path);
    assert_eq!(text(&image, "usr/lib/greet.sh"), "echo Hello\n");
}
