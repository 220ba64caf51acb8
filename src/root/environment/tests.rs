use std::collections::BTreeMap;

use super::*;
use crate::image::listing::Listing;
use crate::image::tree::Tree;
use crate::root::sample;
use crate::root::view::NO_PACKAGES;

type Packages = Vec<(StorePath, Listing)>;

/// The union, with files compared by the first letter of what `contents` says about them; everything else differs.
fn union_of(packages: &Packages, equal: &[&str]) -> Result<Environment, EnvironmentError> {
    let listings: BTreeMap<StorePath, Listing> = packages.iter().cloned().collect();
    let order: Vec<&StorePath> = packages.iter().map(|(path, _)| path).collect();
    let view = View { trees: &[], packages: &listings, merged: &NO_PACKAGES };
    environment(&order, view, |one, _| Ok(equal.contains(&one.path.to_string().as_str())))
}

/// The tree below the environment's own path, with store paths shortened to their names.
fn shape(environment: &Environment) -> String {
    let root = ImagePath::from(&environment.addressed.path);
    let tree: Tree = crate::image::tree::below(&environment.addressed.tree, &root)
        .map(|(path, entry)| (path, entry.clone()))
        .collect();
    sample::lines(&tree)
        .lines()
        .map(|line| match line.split_once("-> /nix/store/") {
            Some((path, target)) => format!("{path}-> {}\n", &target[33..]),
            None => format!("{line}\n"),
        })
        .collect()
}

fn names(paths: &[StorePath]) -> Vec<&str> {
    paths.iter().map(StorePath::name).collect()
}

#[test]
fn a_folder_of_one_package_is_one_link_and_shared_ones_are_merged() {
    let packages = vec![
        sample::package("git", &[("bin/git", "x"), ("libexec/core/add", "x"), ("share/man/man1/git.1", "f")]),
        sample::package("jq", &[("bin/jq", "x"), ("share/man/man1/jq.1", "f"), ("share/doc/jq/README", "f")]),
        sample::package("cert", &[("etc/ssl/bundle", "f"), ("nix-support/propagated", "f"), ("share", "dir")]),
    ];
    let environment = union_of(&packages, &[]).unwrap();
    insta::assert_snapshot!(shape(&environment), @"
    0555 0:0 //
    0555 0:0 /bin/
    0777 0:0 /bin/git -> git/bin/git
    0777 0:0 /bin/jq -> jq/bin/jq
    0777 0:0 /etc -> cert/etc
    0777 0:0 /libexec -> git/libexec
    0555 0:0 /share/
    0777 0:0 /share/doc -> jq/share/doc
    0555 0:0 /share/man/
    0555 0:0 /share/man/man1/
    0777 0:0 /share/man/man1/git.1 -> git/share/man/man1/git.1
    0777 0:0 /share/man/man1/jq.1 -> jq/share/man/man1/jq.1
    ");
    assert_eq!(environment.addressed.path.name(), "system-path");
    let mut expected: Vec<StorePath> = packages.iter().map(|(path, _)| path.clone()).collect();
    expected.sort();
    assert_eq!(environment.addressed.references, expected);
    assert_eq!((environment.shadowed, environment.left_out), (vec![], vec![]));
}

#[test]
fn only_packages_that_are_linked_to_are_references() {
    let packages =
        vec![sample::package("git", &[("bin/git", "x")]), sample::package("empty", &[("nix-support/x", "f")])];
    assert_eq!(names(&union_of(&packages, &[]).unwrap().addressed.references), ["git"]);
}

#[test]
fn different_commands_of_one_name_are_an_error_that_names_both() {
    let packages = vec![
        sample::package("vim-9", &[("bin/vi", "x"), ("bin/vim", "x")]),
        sample::package("busybox-1", &[("bin/vi", "x"), ("bin/vim", "x"), ("bin/other", "x")]),
    ];
    let error = union_of(&packages, &["/bin/vim"]).unwrap_err();
    assert_eq!(error.to_string(), "two packages bring /bin/vi: vim-9 and busybox-1, and the files differ");
    assert!(error.help().unwrap().contains("^out"));
    assert_eq!(error.class(), Class::Usage);
    assert!(union_of(&packages, &["/bin/vim", "/bin/vi"]).is_ok());
}

#[test]
fn files_that_cannot_be_equal_are_not_compared() {
    let packages =
        [sample::package("one", &[("bin/a", "#!1"), ("x", "f")]), sample::package("two", &[("bin/a", "#!22")])];
    let listings: BTreeMap<StorePath, Listing> = packages.iter().cloned().collect();
    let order: Vec<&StorePath> = packages.iter().map(|(path, _)| path).collect();
    let view = View { trees: &[], packages: &listings, merged: &NO_PACKAGES };
    let result = environment(&order, view, |_, _| panic!("the sizes differ"));
    assert!(matches!(result, Err(EnvironmentError::Collisions(_))));
    let result = environment(&[order[0], order[0]], view, |_, _| panic!("it is the same package"));
    assert!(result.is_ok());
}

#[test]
fn elsewhere_the_first_package_wins_with_a_note() {
    let packages = vec![
        sample::package("one", &[("share/a", "f"), ("share/b", "f"), ("share/c", "f"), ("share/d/x", "f")]),
        sample::package("two", &[("share/a", "f"), ("share/b", "f"), ("share/c", "f"), ("share/d", "f")]),
    ];
    let environment = union_of(&packages, &["/share/c"]).unwrap();
    let notes: Vec<_> = environment.shadowed.iter().map(ToString::to_string).collect();
    assert_eq!(notes, ["/share/a of one hides that of two (and 2 more)"]);
    assert!(shape(&environment).contains("/share/d -> one/share/d\n"));
    assert_eq!(names(&environment.addressed.references), ["one"]);
}

#[test]
fn links_to_folders_are_merged_where_they_meet_others() {
    let (library, library_listing) = sample::package("library", &[("lib/so", "f")]);
    let link = format!("-> {library}/lib");
    let packages = vec![
        sample::package("one", &[("lib/a", "f"), ("lib64", "-> lib")]),
        sample::package("two", &[("lib/b", "f"), ("lib64", &link)]),
        (library, library_listing),
    ];
    let environment = union_of(&packages, &[]).unwrap();
    insta::assert_snapshot!(shape(&environment), @"
    0555 0:0 //
    0555 0:0 /lib/
    0777 0:0 /lib/a -> one/lib/a
    0777 0:0 /lib/b -> two/lib/b
    0777 0:0 /lib/so -> library/lib/so
    0555 0:0 /lib64/
    0777 0:0 /lib64/a -> one/lib64/a
    0777 0:0 /lib64/so -> two/lib64/so
    ");
}

#[test]
fn circles_of_links_end() {
    let circle = [("share/a/up", "-> .."), ("share/self", "-> ."), ("f", "f")];
    let packages = vec![sample::package("one", &circle), sample::package("two", &circle)];
    let environment = union_of(&packages, &["/f"]).unwrap();
    assert!(environment.addressed.tree.len() < 20, "{}", shape(&environment));
}

#[test]
fn links_that_lead_out_are_equal_if_they_say_the_same() {
    let packages = vec![
        sample::package("one", &[("bin/same", "-> /etc/x"), ("share/other", "-> /etc/x"), ("bin/one", "x")]),
        sample::package("two", &[("bin/same", "-> /etc/x"), ("share/other", "-> /etc/y")]),
    ];
    let environment = union_of(&packages, &[]).unwrap();
    assert_eq!(environment.shadowed.len(), 1);
}

#[test]
fn a_package_that_is_no_folder_stays_out() {
    let packages = vec![
        sample::package("file", &[("", "x")]),
        sample::package("gone", &[("", "-> /nowhere")]),
        sample::package("git", &[("bin/git", "x")]),
    ];
    let environment = union_of(&packages, &[]).unwrap();
    assert_eq!(names(&environment.left_out), ["file", "gone"]);
    let nothing = union_of(&Vec::new(), &[]).unwrap();
    assert_eq!(shape(&nothing), "0555 0:0 //\n");
}

#[test]
fn hostile_links_do_not_expand_without_end() {
    // Each folder holds two links to the next: 2^30 paths in a hundred entries.
    let mut entries = Vec::new();
    for level in 0..30 {
        entries.push((format!("d{level:02}/a"), format!("-> ../d{:02}", level + 1)));
        entries.push((format!("d{level:02}/b"), format!("-> ../d{:02}", level + 1)));
    }
    entries.push(("d30/end".to_owned(), "f".to_owned()));
    let entries: Vec<(&str, &str)> = entries.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let packages = vec![sample::package("one", &entries), sample::package("two", &entries)];
    assert!(union_of(&packages, &[]).unwrap().addressed.tree.len() < 300);
}

#[test]
fn a_union_beyond_the_limit_is_refused() {
    let many: Vec<String> = (0..200).map(|number| format!("share/{number}")).collect();
    let entries: Vec<(&str, &str)> = many.iter().map(|path| (path.as_str(), "f")).collect();
    let packages = [sample::package("one", &entries), sample::package("two", &[("share/x", "f")])];
    let listings = BTreeMap::from(packages.clone());
    let view = View { trees: &[], packages: &listings, merged: &NO_PACKAGES };
    let mut same = |_: &FileRef, _: &FileRef| Ok(false);
    let mut union = Union::new(view, &mut same, 100);
    let merged = union.merge_packages(&[&packages[0].0, &packages[1].0]);
    assert!(matches!(merged, Err(EnvironmentError::TooLarge { limit: 100 })));
}
