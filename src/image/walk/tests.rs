use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;

use super::*;

fn write(path: &Path, text: &str, mode: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn names(tree: &Tree) -> Vec<String> {
    tree.keys().map(ToString::to_string).collect()
}

fn target() -> ImagePath {
    ImagePath::new(b"/srv/site").unwrap()
}

fn excluding(patterns: &[&str]) -> WalkOptions {
    let patterns: Vec<_> = patterns.iter().map(ToString::to_string).collect();
    WalkOptions { exclude: Exclude::new(&patterns).unwrap(), ..WalkOptions::default() }
}

#[test]
fn a_folder_becomes_a_tree_with_normal_modes() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("b/run"), "#!", 0o700);
    write(&folder.path().join("b-c"), "text", 0o600);
    symlink("../gone", folder.path().join("b/link")).unwrap();
    fs::set_permissions(folder.path().join("b"), fs::Permissions::from_mode(0o700)).unwrap();
    let options = WalkOptions { uid: 1000, gid: 100, ..WalkOptions::default() };
    let tree = walk(folder.path(), &target(), &options).unwrap();
    let shape: Vec<_> = tree
        .iter()
        .map(|(path, (metadata, node))| {
            let node = match node {
                Node::LocalFile { size, .. } => format!("file {size}"),
                Node::Symlink(link) => format!("link {}", String::from_utf8_lossy(link)),
                other => format!("{other:?}"),
            };
            format!("{path} {:o} {}:{} {node}", metadata.mode, metadata.uid, metadata.gid)
        })
        .collect();
    assert_eq!(
        shape,
        [
            "/srv/site 755 1000:100 Directory",
            "/srv/site/b 755 1000:100 Directory",
            "/srv/site/b/link 777 1000:100 link ../gone",
            "/srv/site/b/run 755 1000:100 file 2",
            "/srv/site/b-c 644 1000:100 file 4",
        ]
    );
}

#[test]
fn a_file_or_a_link_is_a_tree_of_one() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("motd"), "hello", 0o600);
    symlink("motd", folder.path().join("link")).unwrap();
    let options = WalkOptions { mode: Some(0o640), ..WalkOptions::default() };
    let tree = walk(&folder.path().join("motd"), &target(), &options).unwrap();
    assert_eq!(names(&tree), ["/srv/site"]);
    assert_eq!(tree[&target()].0.mode, 0o640);
    let tree = walk(&folder.path().join("link"), &target(), &options).unwrap();
    assert_eq!(tree[&target()], (Metadata::root(0o777), Node::Symlink(b"motd".to_vec())));
}

#[test]
fn globs_leave_out_files_and_whole_folders() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.map", "deep/b.map", "deep/keep", "cache/x", "other/cache/y", "build/z", "build2"] {
        write(&folder.path().join(name), "", 0o644);
    }
    let kept = |patterns: &[&str]| {
        let tree = walk(folder.path(), &ImagePath::default(), &excluding(patterns)).unwrap();
        names(&tree)
    };
    assert!(!kept(&["*.map"]).iter().any(|name| name.contains(".map")));
    assert!(kept(&["/*.map"]).contains(&"/deep/b.map".to_owned()));
    assert!(!kept(&["cache/**"]).contains(&"/cache/x".to_owned()));
    assert!(kept(&["cache/**"]).contains(&"/other/cache/y".to_owned()));
    assert!(!kept(&["cache"]).iter().any(|name| name.contains("cache")));
    let only_folders = kept(&["build*/"]);
    assert!(only_folders.contains(&"/build2".to_owned()) && !only_folders.contains(&"/build/z".to_owned()));
    assert!(kept(&["deep/*"]).contains(&"/deep".to_owned()));
}

#[test]
fn what_an_image_cannot_hold_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let socket = UnixListener::bind(folder.path().join("socket")).unwrap();
    let error = walk(folder.path(), &target(), &WalkOptions::default()).unwrap_err();
    assert!(error.to_string().contains("socket` is a socket"), "{error}");
    assert!(walk(folder.path(), &target(), &excluding(&["socket"])).is_ok());
    drop(socket);
    fs::remove_file(folder.path().join("socket")).unwrap();
    fs::write(folder.path().join(".wh.gone"), "").unwrap();
    assert!(matches!(walk(folder.path(), &target(), &WalkOptions::default()), Err(WalkError::Name { .. })));
    assert!(matches!(
        walk(Path::new("/dev/null"), &target(), &WalkOptions::default()),
        Err(WalkError::Special { kind: "a device", .. })
    ));
    assert!(matches!(
        walk(&folder.path().join("absent"), &target(), &WalkOptions::default()),
        Err(WalkError::Missing(_))
    ));
}

#[test]
fn names_that_are_not_utf8_stay_bytes() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(OsStr::from_bytes(b"\xff\xfe")), "").unwrap();
    let tree = walk(folder.path(), &target(), &excluding(&["*.map"])).unwrap();
    assert!(tree.keys().any(|path| path.as_bytes() == b"srv/site/\xff\xfe"));
}

#[test]
fn a_relative_source_stays_in_the_project() {
    let folder = tempfile::tempdir().unwrap();
    let (project, outside) = (folder.path().join("project"), folder.path().join("outside"));
    write(&project.join("site/index"), "", 0o644);
    write(&outside.join("secret"), "", 0o644);
    symlink(&outside, project.join("out")).unwrap();
    assert!(locate(&project, "./site").unwrap().ends_with("project/site"));
    assert!(locate(&project, ".").is_ok());
    assert!(locate(&project, "./").is_ok());
    // The link itself belongs to the project; what lies behind it does not.
    assert!(locate(&project, "./out").is_ok());
    for leaving in ["../outside", "./out/secret", "site/../../outside", ".."] {
        assert!(matches!(locate(&project, leaving), Err(WalkError::LeavesProject { .. })), "{leaving}");
    }
    assert!(matches!(locate(&project, "./absent/file"), Err(WalkError::Missing(_))));
    assert_eq!(locate(&project, outside.to_str().unwrap()).unwrap(), outside);
}
