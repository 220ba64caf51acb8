//! Layers against a folder-per-layer oracle, and what is odd.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::image::tar::{Kind, padding, write_header};

fn path(text: &str) -> ImagePath {
    ImagePath::new(text.as_bytes()).unwrap()
}

/// A layer by lines: `dir/`, `file=content`, `link->target`, `name=>hard link's target`.
fn layer(lines: &[&str]) -> Vec<u8> {
    let mut tar = Vec::new();
    for line in lines {
        let mut put = |name: &str, kind: Kind<'_>, mode| {
            write_header(&mut tar, name.as_bytes(), kind, Metadata { mode, uid: 3, gid: 4 });
        };
        if let Some((name, target)) = line.split_once("->") {
            put(name, Kind::Symlink(target.as_bytes()), 0o777);
        } else if let Some((name, target)) = line.split_once("=>") {
            put(name, Kind::HardLink(target.as_bytes()), 0o644);
        } else if let Some((name, content)) = line.split_once('=') {
            put(name, Kind::File(content.len() as u64), 0o644);
            tar.extend_from_slice(content.as_bytes());
            tar.extend_from_slice(padding(content.len() as u64));
        } else {
            put(line.trim_end_matches('/'), Kind::Directory, 0o750);
        }
    }
    tar.extend_from_slice(&TAIL);
    tar
}

fn root(layers: &[&[&str]]) -> Result<Layered, LayeredError> {
    let mut root = Layered::default();
    for lines in layers {
        root.apply(&layer(lines)[..])?;
    }
    Ok(root)
}

fn told(layers: &[&[&str]]) -> Vec<String> {
    let root = root(layers).unwrap();
    let line = |(path, entry): (&ImagePath, &LayeredEntry)| match &entry.kind {
        LayeredKind::Directory => format!("{path}/ {:o}", entry.metadata.mode),
        LayeredKind::File(size) => format!("{path} {size}"),
        LayeredKind::Symlink(target) => format!("{path} -> {}", String::from_utf8_lossy(target)),
        LayeredKind::Special => format!("{path} !"),
    };
    root.entries().map(line).collect()
}

#[test]
fn deletions_take_what_lower_layers_have_and_nothing_else() {
    let low: &[&str] = &["a/", "a/x=1", "a/y=22", "b=1"];
    assert_eq!(told(&[low, &["a/.wh.x="]]), ["/a/ 750", "/a/y 2", "/b 1"]);
    assert_eq!(told(&[low, &["a/.wh..wh..opq=", "a/z="]]), ["/a/ 750", "/a/z 0", "/b 1"]);
    assert_eq!(told(&[low, &["a/z=", "a/.wh..wh..opq="]]), ["/a/ 750", "/a/z 0", "/b 1"]);
    assert_eq!(told(&[low, &[".wh.a=", "a/z=333"]]), ["/a/ 755", "/a/z 3", "/b 1"]);
    assert_eq!(told(&[low, &["a/z=333", ".wh.a="]]), ["/a/ 755", "/a/z 3", "/b 1"]);
    assert_eq!(told(&[low, &[".wh..wh..opq="]]), Vec::<String>::new());
    assert_eq!(told(&[low, &[".wh..wh.plnk/", ".wh..wh.plnk/17=x", ".wh..wh.aufs="]]).len(), 4);
}

#[test]
fn files_folders_and_links_take_each_others_place() {
    let low: &[&str] = &["a/", "a/x=1", "b=1"];
    assert_eq!(told(&[low, &["a=file"]]), ["/a 4", "/b 1"]);
    assert_eq!(told(&[low, &["b/", "b/deep/er=1"]]), ["/a/ 750", "/a/x 1", "/b/ 750", "/b/deep/ 755", "/b/deep/er 1"]);
    let merged: &[&str] = &["usr/", "usr/bin/", "bin->usr/bin", "run/", "var/", "var/run->../run"];
    let told = told(&[merged, &["bin/sh=elf", "var/run/pid=1", "./bin/ls=>bin/sh", "bin/.wh.sh="]]);
    let files: Vec<_> = told.iter().filter(|line| !line.contains("/ ")).collect();
    assert_eq!(files, ["/bin -> usr/bin", "/run/pid 1", "/usr/bin/ls 3", "/usr/bin/sh 3", "/var/run -> ../run"]);
}

#[test]
fn contents_of_accounts_are_kept_and_a_root_comes_back_from_its_bytes() {
    let root = root(&[&["etc/passwd=root:x:0:0::/:/bin/sh", "etc/motd=hello", "x->y"], &["copy=>etc/passwd"]]).unwrap();
    let content = |text: &str| root.get(&path(text)).and_then(|entry| entry.content.clone());
    assert_eq!(content("etc/passwd").as_deref(), Some(&b"root:x:0:0::/:/bin/sh"[..]));
    assert_eq!((content("copy"), content("etc/motd")), (content("etc/passwd"), None));
    let bytes = root.print().unwrap();
    assert!(Layered::parse(&bytes).unwrap() == root);
    for cut in 1..bytes.len() {
        assert!(Layered::parse(&bytes[..cut]).is_none_or(|part| part != root));
    }
}

#[test]
fn what_leads_out_or_nowhere_is_refused() {
    let refused = |lines: &[&str]| root(&[lines]).unwrap_err().to_string();
    assert_eq!(refused(&["../x="]), "layer 1: `../x` lies too deep, or outside of the image");
    assert_eq!(refused(&["a->a", "a/x="]), "layer 1: `a/x` lies below a file, or in a circle of links");
    assert_eq!(refused(&["a=", "a/x="]), "layer 1: `a/x` lies below a file, or in a circle of links");
    assert_eq!(refused(&["a=>b"]), "layer 1: `a` is another name of what is no file");
    assert_eq!(refused(&["d/", "a=>d"]), "layer 1: `a` is another name of what is no file");
    assert!(refused(&[&format!("{}=", "d/".repeat(300))]).ends_with("lies too deep, or outside of the image"));
    assert!(refused(&["a/.wh.b/c="]).contains("`a/.wh.b/c`"));
    // `..` in a link ends at the root, as it does in the running machine.
    let root = root(&[&["up->../../../etc", "up/x="]]).unwrap();
    assert!(root.get(&path("etc/x")).is_some());
    assert_eq!(root.lead(&path("up"), true).unwrap(), path("etc"));
    assert_eq!(root.lead(&path("up"), false).unwrap(), path("up"));
    assert_eq!(root.lead(&path("absent/x"), true).unwrap(), path("absent/x"));
}

#[test]
fn roots_that_are_too_much_are_refused() {
    let small = Limits { entries: 3, bytes: 20, steps: 50, ..LIMITS };
    let refused = |lines: &[&str]| {
        let mut root = Layered { limits: small, ..Layered::default() };
        root.apply(&layer(lines)[..]).unwrap_err().to_string()
    };
    assert_eq!(refused(&["a=", "b=", "c=", "d="]), "layer 1: the image has too many files");
    assert_eq!(refused(&["a->aaaaaaaaaaaaaaaaaaaaaaa"]), "layer 1: the image has too many bytes of names");
    assert_eq!(refused(&[".wh.a="; 60]), "layer 1: the image has too many deletions");
    let mut again = Layered { limits: small, ..Layered::default() };
    again.apply(&layer(&["a->aaaaaaaaaaaa", "a->aaaaaaaaaaaa", "a->aaaaaaaaaaaa"])[..]).unwrap();
}

/// One line of a random layer.
fn line() -> impl Strategy<Value = String> {
    let name = "[abc](/[abc]){0,2}";
    prop_oneof![
        name.prop_map(|name| format!("{name}/")),
        name.prop_map(|name| format!("{name}=content")),
        name.prop_map(|name| format!("{name}->nowhere")),
        name.prop_map(|name| match name.rsplit_once('/') {
            Some((folder, name)) => format!("{folder}/.wh.{name}="),
            None => format!(".wh.{name}="),
        }),
        name.prop_map(|name| format!("{name}/.wh..wh..opq=")),
    ]
}

/// What a layer alone makes of names: `true` for folders. `None` where it contradicts itself.
fn alone(lines: &[String]) -> Option<BTreeMap<String, bool>> {
    let mut names = BTreeMap::new();
    for line in lines.iter().filter(|line| !line.contains(".wh.")) {
        let name = line.trim_end_matches('/').split(['=', '-']).next()?.to_owned();
        let parents = name.match_indices('/').map(|(end, _)| name[..end].to_owned());
        for (name, is_folder) in parents.map(|parent| (parent, true)).chain([(name.clone(), line.ends_with('/'))]) {
            if *names.entry(name).or_insert(is_folder) != is_folder {
                return None;
            }
        }
    }
    Some(names)
}

proptest! {
    /// The oracle goes layer by layer: first deletions act on what is below, then the layer's own names go on top.
    #[test]
    fn layers_are_what_deleting_first_and_adding_then_makes(
        layers in proptest::collection::vec(proptest::collection::vec(line(), 0..6), 1..4),
    ) {
        let mut expected: BTreeMap<String, bool> = BTreeMap::new();
        let mut root = Layered::default();
        for lines in &layers {
            let Some(own) = alone(lines) else { return Ok(()) };
            let deleted: BTreeSet<String> = lines.iter().filter_map(|line| {
                let (folder, name) = line.trim_end_matches('=').rsplit_once('/').unwrap_or(("", line.trim_end_matches('=')));
                let below = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
                if name == ".wh..wh..opq" { Some(below("")) } else { name.strip_prefix(".wh.").map(below) }
            }).collect();
            // Names below what is no folder are odd, and so are deletions there: what reads them may refuse them.
            let through_file = |name: &str| name.match_indices('/').any(|(end, _)| {
                expected.get(&name[..end]) == Some(&false) || own.get(&name[..end]) == Some(&false)
            });
            if own.keys().chain(&deleted).any(|name| through_file(name)) {
                return Ok(());
            }
            expected.retain(|name, _| !deleted.iter().any(|gone| {
                gone == name || name.starts_with(&format!("{}/", gone.trim_end_matches('/')))
            }));
            for (name, is_folder) in own {
                if !is_folder {
                    expected.retain(|other, _| !other.starts_with(&format!("{name}/")));
                }
                expected.insert(name, is_folder);
            }
            let texts: Vec<&str> = lines.iter().map(String::as_str).collect();
            root.apply(&layer(&texts)[..]).unwrap();
        }
        let found: BTreeMap<String, bool> = root.entries()
            .map(|(path, entry)| (path.to_string()[1..].to_owned(), entry.kind == LayeredKind::Directory)).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_record_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Some(root) = Layered::parse(&bytes) {
            prop_assert!(Layered::parse(&root.print().unwrap()).unwrap() == root);
        }
    }
}
