//! Users and groups that packages bring, by name in the three files.

use super::{entry, project, text};
use crate::support::debian::{Deb, DebArchive};
use crate::support::image::Archive;
use crate::support::project::Project;

const TABLES: &str = r#"
[entrypoint]
command = ["/usr/bin/hello"]
user = "postgres"
[files."/srv/a"]
text = "a"
owner = "postgres"
[files."/srv/b"]
text = "b"
owner = "root:adm"
[files."/srv/c"]
text = "c"
owner = "alice:postgres"
[persist]
paths = [{ path = "/var/lib/postgresql", owner = "postgres" }]
"#;

fn archive() -> DebArchive {
    let conf = "u postgres - \"Database\" /var/lib/postgresql /bin/sh\n";
    DebArchive::of(&[Deb::new("postgresql", "15-1").file("./usr/lib/sysusers.d/postgresql.conf", conf)])
}

fn machine(archive: &DebArchive, tables: &str, groups: &str) -> Project {
    let project = project(archive, r#"["postgresql"]"#, tables);
    project.file("users.toml", format!("[alice]\nuid = 1000\ngroups = {groups}\n"));
    project
}

#[test]
fn names_are_resolved_when_packages_are_known() {
    let archive = archive();
    let project = machine(&archive, TABLES, r#"["sudo", "postgres"]"#);
    let image = Archive::read(&project.build("1.tar.gz", &[]).path);
    let passwd = text(&image, "etc/passwd");
    let line = passwd.lines().find(|line| line.starts_with("postgres:")).unwrap();
    let fields: Vec<&str> = line.split(':').collect();
    let (uid, gid) = (fields[2].parse::<u64>().unwrap(), fields[3].parse::<u64>().unwrap());
    assert_eq!(image.configuration()["config"]["User"], fields[2]);
    let owner = |path: &str| entry(&image, path).owner;
    assert_eq!([owner("srv/a"), owner("srv/b"), owner("srv/c")], [(uid, gid), (0, 4), (1000, gid)]);
    let group = text(&image, "etc/group");
    for line in ["sudo:x:27:alice".to_owned(), format!("postgres:x:{gid}:alice")] {
        assert!(group.lines().any(|found| found == line), "{line}: {group}");
    }
}

#[test]
fn names_that_no_package_brings_are_told_with_their_place() {
    let archive = archive();
    let wrong = TABLES.replace("user = \"postgres\"", "user = \"postgers\"").replace("root:adm", "root:amd");
    let project = machine(&archive, &wrong, r#"["sduo"]"#);
    project.dumbc(&["check"]).ok();
    let told = project.dumbc(&["build"]).fails(2);
    told.says(&["no package creates the user `postgers`", "did you mean `postgres`?", "user = \"postgers\""]);
    told.says(&["no package creates the group `amd`", "did you mean `adm`?", "system.toml:"]);
    told.says(&["no package creates the group `sduo`", "did you mean `sudo`?", "users.toml:"]);
}
