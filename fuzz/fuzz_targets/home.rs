//! Two files of a home, a NUL byte between them: the image's and the user's own. They are refused, with places in the text, or
//! become one home; what comes of that is twice the same, and every file of it lies below the home.

#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use dumbc::boot::PlanAccount;
use dumbc::config::{Diagnostic, Home, HomeSurroundings, Severity, home_file};
use dumbc::home::activation::is_target;
use dumbc::home::generation::{Generation, Inputs, Names, check_home, generate, local_paths};
use dumbc::home::merge::{Layer, Merged, merge};
use dumbc::home::settings::requests;
use dumbc::home::show::{as_document, as_toml};
use dumbc::image::ImagePath;
use dumbc::image::listing::Listing;
use dumbc::image::tree::{Metadata, Node, Tree};
use dumbc::nix::StorePath;
use dumbc::root::view::{NO_PACKAGES, View};
use libfuzzer_sys::fuzz_target;

/// A package that answers every request.
static PACKAGE: LazyLock<(StorePath, Listing)> = LazyLock::new(|| {
    let path = StorePath::from_parts([4; 20], "tool-1.0").expect("a path");
    let path_of = |name: &str| {
        if name.is_empty() { ImagePath::default() } else { ImagePath::new(name.as_bytes()).expect("a path") }
    };
    let folders = ["", "bin", "share", "share/tool", "share/vim-plugins", "share/vim-plugins/a"];
    let files = ["bin/tool", "share/vim-plugins/a/a.vim", "share/tool/plugin.tmux"];
    let folder = |name| (path_of(name), (Metadata::root(0o555), Node::Directory));
    let file = |name| (path_of(name), (Metadata::root(0o555), Node::File(b"x".to_vec())));
    let tree: Tree = folders.into_iter().map(folder).chain(files.into_iter().map(file)).collect();
    let listing = Listing::of_tree(&tree, &ImagePath::default()).expect("a listing");
    (path, listing)
});

fuzz_target!(|text: &str| {
    let (base, own) = text.split_once('\0').unwrap_or((text, ""));
    let Some(base) = read(base, "base.toml", None) else { return };
    let Some(own) = read(own, "home.toml", Some(&base)) else { return };
    let layers = [Layer::of_home("base.toml", &base), Layer::of_home("home.toml", &own)];
    let merged = merge(&layers);
    let kept = layers.map(|layer| Layer::of_base(&layer.to_base()));
    assert_same(&merge(&kept).table, &merged.table);
    let again: toml::Table = toml::from_str(&as_toml(&merged)).expect("what is shown is TOML");
    assert_same(&again, &merged.table);
    let _ = as_document(&merged);
    let names = Names { requested: Vec::new(), default_channel: Some("ours"), debian_default: false };
    places(&check_home("alice", &merged, &names));
    let _ = local_paths(&merged);
    let make = || made(&merged).map_err(|error| error.to_string());
    match (make(), make()) {
        (Ok(one), Ok(two)) => {
            assert_eq!(one.manifest, two.manifest);
            assert_eq!(one.generation.path, two.generation.path);
            for path in one.manifest.files.keys() {
                assert_eq!(is_target(path), Ok(()), "{path}");
            }
        }
        (one, two) => assert_eq!(one.err(), two.err()),
    }
});

fn read(text: &str, name: &str, base: Option<&Home>) -> Option<Home> {
    let around = HomeSurroundings {
        folder: None,
        channels: BTreeMap::from([("ours".to_owned(), false)]),
        default_channel: Some("ours".to_owned()),
        requested: Vec::new(),
        base,
    };
    let (home, findings) = home_file(text, name, around);
    places(&findings);
    assert_eq!(home.is_none(), findings.iter().any(|finding| finding.severity == Severity::Error));
    home
}

fn places(findings: &[Diagnostic]) {
    for place in findings.iter().filter_map(|finding| finding.place.as_ref()) {
        assert!(place.source.get(place.clamped()).is_some(), "a place ends inside of a character");
    }
}

/// The same but for numbers that are none, which nothing equals.
fn assert_same(one: &toml::Table, two: &toml::Table) {
    assert_eq!(format!("{one:?}"), format!("{two:?}"));
}

fn made(merged: &Merged) -> Result<Generation, dumbc::home::generation::HomeError> {
    let (path, listing) = &*PACKAGE;
    let answers = requests(merged, false).all().into_iter().map(|text| (text, vec![path.clone()])).collect();
    let packages = BTreeMap::from([(path.clone(), listing.clone())]);
    let account = PlanAccount {
        name: "alice".to_owned(),
        uid: 1000,
        gid: 1000,
        groups: Vec::new(),
        home: "/home/alice".to_owned(),
        shell: "/bin/sh".to_owned(),
    };
    generate(&Inputs {
        account: &account,
        merged,
        default_channel: Some("ours"),
        debian_default: false,
        answers: &answers,
        sources: &BTreeMap::new(),
        view: View { trees: &[], packages: &packages, merged: &NO_PACKAGES },
        read: &|_, _, _| Ok(None),
        same: &|_, _| Ok(false),
        system: &|name| Some(format!("/usr/bin/{name}")),
    })
}
