//! `[files]` and paths of the project.

use std::os::unix::fs::symlink;

use super::full_project;
use crate::support::image::{Archive, Content, Entry, Root, text};
use crate::support::project::{Cache, Project, program};

fn entry<'a>(root: &'a Root, path: &str) -> &'a Entry {
    root.get(path.as_bytes()).unwrap_or_else(|| panic!("no {path}"))
}

#[test]
fn declared_files_lie_where_and_as_they_should() {
    let cache = Cache::sample();
    let root = Archive::read(&full_project(&cache).build("1.tar.gz", &[]).path).root();
    let motd = text(&root, "etc/motd");
    assert!(motd.starts_with("/nix/store/") && motd.ends_with("-hello-1.0 greets\n"), "{motd}");
    assert_eq!((entry(&root, "etc/motd").mode, entry(&root, "etc/motd").owner), (0o644, (0, 0)));
    assert_eq!((entry(&root, "etc/secret").mode, entry(&root, "etc/secret").owner), (0o640, (1000, 1000)));
    let site: Vec<_> = root
        .iter()
        .filter(|(path, _)| path.starts_with(b"srv/site"))
        .map(|(path, entry)| (String::from_utf8_lossy(path).into_owned(), entry.mode, entry.owner.0))
        .collect();
    let expected = [
        ("srv/site", 0o755),
        ("srv/site/index.html", 0o644),
        ("srv/site/link", 0o777),
        ("srv/site/sub", 0o755),
        ("srv/site/sub/page.html", 0o644),
    ];
    let present: Vec<_> = site.iter().filter(|(path, ..)| path != "srv/site/cache").collect();
    assert_eq!(present.len(), expected.len(), "{site:?}");
    for ((path, mode, owner), (expected_path, expected_mode)) in present.into_iter().zip(expected) {
        assert_eq!((path.as_str(), *mode, *owner), (expected_path, expected_mode, 1000));
    }
    assert_eq!(entry(&root, "srv/site/link").content, Content::Link(b"sub/page.html".to_vec()));
}

#[test]
fn the_command_and_the_root_files_are_as_declared() {
    let cache = Cache::sample();
    let project = full_project(&cache);
    let archive = Archive::read(&project.build("1.tar.gz", &[]).path);
    let (root, configuration) = (archive.root(), archive.configuration());
    let config = &configuration["config"];
    let words =
        |key: &str| config[key].as_array().into_iter().flatten().map(|word| word.as_str().unwrap()).collect::<Vec<_>>();
    let command = [words("Entrypoint"), words("Cmd")].concat();
    let [web, greet, "--port", "8080"] = command[..] else { panic!("{command:?}") };
    assert!(web.ends_with("-web") && greet.ends_with("-greet-2.0/bin/greet"), "{command:?}");
    assert_eq!(text(&root, &web[1..]), "#!/bin/sh\necho web\n");
    assert_eq!(entry(&root, &web[1..]).mode, 0o555);
    assert_eq!((&config["User"], &config["WorkingDir"]), (&"1000".into(), &"/home/alice".into()));
    assert!(config["ExposedPorts"]["8080/tcp"].is_object(), "{config}");
    assert_eq!(config["Labels"]["org.example.note"], "all of it");

    assert!(text(&root, "etc/passwd").lines().any(|line| line.starts_with("alice:x:1000:1000:")));
    assert!(text(&root, "etc/shadow").lines().any(|line| line.starts_with("alice:*:")));
    for (path, mode, owner) in
        [("tmp", 0o1777, 0), ("home/alice", 0o700, 1000), ("nix", 0o755, 0), ("nix/store", 0o755, 0), ("etc", 0o755, 0)]
    {
        let found = entry(&root, path);
        assert_eq!((found.mode & 0o7777, found.owner.0), (mode, owner), "{path}");
    }
    for plain in ["etc/hosts", "etc/resolv.conf", "etc/hostname"] {
        assert!(matches!(entry(&root, plain).content, Content::File(_)), "{plain}");
    }
}

#[test]
fn packages_and_local_trees_are_on_the_path() {
    let cache = Cache::sample();
    let archive = Archive::read(&full_project(&cache).build("1.tar.gz", &[]).path);
    let (root, configuration) = (archive.root(), archive.configuration());
    let environment = configuration["config"]["Env"].as_array().unwrap().clone();
    let path = environment.iter().find_map(|one| one.as_str().unwrap().strip_prefix("PATH=")).unwrap();
    for (name, content) in [("hello", program()), ("tool", b"#!/bin/sh\necho tool\n")] {
        let found = path.split(':').find_map(|folder| resolve(&root, &format!("{}/{name}", &folder[1..])));
        assert!(found.is_some_and(|found| found == content), "{name} is not on {path}");
    }
}

/// The content of a file, links followed.
fn resolve(root: &Root, path: &str) -> Option<Vec<u8>> {
    let mut rest: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
    let (mut place, mut steps) = (Vec::<String>::new(), 0);
    while let Some(name) = rest.pop() {
        steps += 1;
        assert!(steps < 1000, "{path} goes in circles");
        match name.as_str() {
            "" | "." => continue,
            ".." => drop(place.pop()),
            _ => place.push(name),
        }
        if let Some(Entry { content: Content::Link(target), .. }) = root.get(place.join("/").as_bytes()) {
            let target = String::from_utf8(target.clone()).unwrap();
            place.pop();
            if target.starts_with('/') {
                place.clear();
            }
            rest.extend(target.split('/').rev().map(str::to_owned));
        }
    }
    match &root.get(place.join("/").as_bytes())?.content {
        Content::File(content) => Some(content.clone()),
        _ => None,
    }
}

#[test]
fn local_content_may_refer_to_what_is_locked_and_to_nothing_else() {
    let cache = Cache::sample();
    let greeting = cache.add("other-1.0", &[("share/other", b"other\n")]);
    let project = Project::new();
    project.system(&cache, r#"["other", "./dist"]"#, "");
    project.file("dist/bin/run", format!("#!{greeting}/share/other\n"));
    let root = Archive::read(&project.build("1.tar.gz", &[]).path).root();
    assert!(root.contains_key(&greeting.as_bytes()[1..]));

    project.system(&cache, r#"["hello", "./dist"]"#, "");
    std::fs::remove_file(project.path("dumbc.lock")).unwrap();
    project.dumbc(&["build"]).fails(2).says(&["./dist/bin/run", &greeting, "locked closure"]);
}

#[test]
fn what_leaves_the_project_is_refused_unless_it_is_absolute() {
    let cache = Cache::sample();
    let project = Project::new();
    let outside = project.beside("outside");
    std::fs::write(&outside, "outside\n").unwrap();
    symlink(project.beside(""), project.path("way-out")).unwrap();
    let from = |source: &str| format!("[files.\"/x\"]\nsource = \"{source}\"\n");
    for source in ["../outside", "./way-out/outside"] {
        let outcome = project.system(&cache, "[]", &from(source)).dumbc(&["build"]).fails(2);
        outcome.says(&[source, "leads out of the project", "absolute"]);
    }
    project.system(&cache, "[]", &from(outside.to_str().unwrap()));
    let root = Archive::read(&project.build("1.tar.gz", &[]).path).root();
    assert_eq!(text(&root, "x"), "outside\n");
}

#[test]
fn names_that_mark_deletions_are_refused() {
    let cache = Cache::sample();
    let project = Project::new();
    project.system(&cache, "[]", "[files.\"/srv\"]\nsource = \"./site\"\n").file("site/.wh.passwd", "");
    project.dumbc(&["build"]).fails(2).says(&[".wh.passwd"]);
}
