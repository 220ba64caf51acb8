//! `dumbc build`, from files and a cache to an image.

mod determinism;
mod faults;
mod files;
mod formats;
mod lock;
mod trust;

use crate::support::project::{Cache, Project};

/// A project with something of everything: packages, files, a local tree, a local program, a user.
fn full_project(cache: &Cache) -> Project {
    let project = Project::new();
    fill(&project, cache);
    project
}

fn fill(project: &Project, cache: &Cache) {
    project
        .system(
            cache,
            r#"["hello", "greet", "data", "./dist"]"#,
            r#"
[image]
name = "full"
labels = { "org.example.note" = "all of it" }

[entrypoint]
command = ["./bin/web", "${pkgs.greet}/bin/greet", "--port", "8080"]
user = "alice"
port = 8080

[files."/etc/motd"]
text = "${pkgs.hello} greets\n"

[files."/srv/site"]
source = "./site"
owner = "alice"
exclude = ["*.map", "cache/**"]

[files."/etc/secret"]
text = "s\n"
mode = "0640"
owner = "alice"
"#,
        )
        .file("users.toml", "[alice]\nuid = 1000\n")
        .file("bin/web", "#!/bin/sh\necho web\n")
        .file("dist/bin/tool", "#!/bin/sh\necho tool\n")
        .file("dist/share/tool/data", "data\n")
        .file("site/index.html", "<html>\n")
        .file("site/index.js.map", "not this\n")
        .file("site/cache/x", "nor this\n")
        .file("site/sub/page.html", "<html>page\n");
    if !project.path("site/link").is_symlink() {
        std::os::unix::fs::symlink("sub/page.html", project.path("site/link")).unwrap();
    }
}
