use std::fs;

use super::*;
use crate::root::sample;

fn alternative(link: &str, name: &str, path: &str, priority: i64, followers: &[[&str; 3]]) -> Action {
    let followers = followers.iter().map(|follower| follower.map(ToOwned::to_owned)).collect();
    let text = ToOwned::to_owned;
    Action::Alternative(Alternative { link: text(link), name: text(name), path: text(path), priority, followers })
}

fn made(entries: &[(&str, &str)], actions: &[(&str, Vec<Action>)]) -> Alternatives {
    let actions = actions.iter().map(|(name, actions)| (name.parse().unwrap(), actions.clone())).collect();
    alternatives(&actions, &sample::merged(entries))
}

fn findings(made: &Alternatives) -> Vec<&str> {
    made.findings.iter().map(|finding| finding.message.as_str()).collect()
}

fn database<'a>(made: &'a Alternatives, name: &str) -> &'a str {
    match &made.tree[&ImagePath::new(format!("{DATABASE}/{name}").as_bytes()).unwrap()].1 {
        Node::File(content) => std::str::from_utf8(content).unwrap(),
        other => panic!("{other:?}"),
    }
}

const EDITORS: [(&str, &str); 4] =
    [("usr/bin/ed", "x"), ("usr/bin/vim.basic", "x"), ("usr/bin/nano", "x"), ("usr/share/man/man1/nano.1.gz", "page")];

fn editors() -> Vec<(&'static str, Vec<Action>)> {
    let page = |path| ["/usr/share/man/man1/editor.1.gz", "editor.1.gz", path];
    let german = ["/usr/share/man/de/man1/editor.1.gz", "editor.de.1.gz", "/usr/share/man/de/man1/vim.1.gz"];
    let vim = [page("/usr/share/man/man1/vim.1.gz"), german];
    vec![
        ("vim", vec![alternative("/usr/bin/editor", "editor", "/usr/bin/vim.basic", 30, &vim)]),
        (
            "nano",
            vec![alternative("/usr/bin/editor", "editor", "/bin/nano", 40, &[page("/usr/share/man/man1/nano.1.gz")])],
        ),
        ("ed", vec![alternative("/bin/editor", "editor", "/bin/ed", -100, &[page("/usr/share/man/man1/ed.1.gz")])]),
    ]
}

#[test]
fn the_highest_priority_wins_with_followers_that_are_there() {
    let made = made(&EDITORS, &editors());
    assert_eq!(findings(&made), Vec::<&str>::new());
    insta::assert_snapshot!(sample::lines(&made.tree), @"
    0777 0:0 /etc/alternatives/editor -> /bin/nano
    0777 0:0 /etc/alternatives/editor.1.gz -> /usr/share/man/man1/nano.1.gz
    0777 0:0 /usr/bin/editor -> /etc/alternatives/editor
    0777 0:0 /usr/share/man/man1/editor.1.gz -> /etc/alternatives/editor.1.gz
    0644 0:0 /var/lib/dpkg/alternatives/editor 282 bytes
    ");
    insta::assert_snapshot!(database(&made, "editor"), @"
    auto
    /bin/editor
    editor.1.gz
    /usr/share/man/man1/editor.1.gz
    editor.de.1.gz
    /usr/share/man/de/man1/editor.1.gz

    /bin/ed
    -100
    /usr/share/man/man1/ed.1.gz

    /bin/nano
    40
    /usr/share/man/man1/nano.1.gz

    /usr/bin/vim.basic
    30
    /usr/share/man/man1/vim.1.gz
    /usr/share/man/de/man1/vim.1.gz
    ");
}

#[test]
fn of_equal_priorities_the_first_by_path_wins() {
    let choices = ["/usr/bin/z", "/usr/bin/b", "/usr/bin/m"].map(|path| alternative("/usr/bin/x", "x", path, 5, &[]));
    let made = made(&[("usr/bin/b", "x"), ("usr/bin/m", "x"), ("usr/bin/z", "x")], &[("aa", choices.to_vec())]);
    assert!(sample::lines(&made.tree).contains("/etc/alternatives/x -> /usr/bin/b\n"));
}

#[test]
fn a_packages_own_file_stands() {
    let entries = [("usr/bin/awk", "x"), ("usr/bin/mawk", "x"), ("usr/bin/nawk", "-> /etc/alternatives/nawk")];
    let nawk = ["/usr/bin/nawk", "nawk", "/usr/bin/mawk"];
    let made = made(&entries, &[("mawk", vec![alternative("/bin/awk", "awk", "/bin/mawk", 5, &[nawk])])]);
    assert_eq!(findings(&made), ["/bin/awk is a file of a package, and does not become the alternative `awk`"]);
    insta::assert_snapshot!(sample::lines(&made.tree), @"
    0777 0:0 /etc/alternatives/awk -> /bin/mawk
    0777 0:0 /etc/alternatives/nawk -> /usr/bin/mawk
    0644 0:0 /var/lib/dpkg/alternatives/awk 61 bytes
    ");
}

#[test]
fn what_cannot_be_is_told_and_left_out() {
    let one = |link: &str, name: &str, path: &str| vec![alternative(link, name, path, 5, &[])];
    let made = made(
        &[("usr/bin/x", "x")],
        &[
            ("absent", one("/usr/bin/a", "a", "/usr/bin/absent")),
            ("dots", one("/usr/bin/../../etc/shadow", "b", "/usr/bin/x")),
            ("line", one("/usr/bin/c\n", "c", "/usr/bin/x")),
            ("name", one("/usr/bin/d", "../../../etc/d", "/usr/bin/x")),
            ("same", one("/usr/bin/e", "e", "/usr/bin/x")),
            ("twice", one("/bin/e", "f", "/usr/bin/x")),
        ],
    );
    let expected = [
        "absent: the alternative `/usr/bin/absent` is not in the image",
        "dots: the alternative `/usr/bin/x` names the impossible path `/usr/bin/../../etc/shadow`",
        "line: the alternative `/usr/bin/x` names the impossible path `/usr/bin/c\\n`",
        "name: the alternative `/usr/bin/x` has the impossible name `../../../etc/d`",
        "/bin/e is another alternative already, and does not become `f`",
    ];
    assert_eq!(findings(&made), expected);
    assert_eq!(made.tree.len(), 5);
}

/// Reads a database file back, as if its choices came from packages.
fn read_back(name: &str, text: &str) -> Option<(Vec<Action>, Vec<String>)> {
    let mut lines = text.lines();
    let (mode, link) = (lines.next()?, lines.next()?);
    let mut followers = Vec::new();
    while let Some(follower) = lines.next().filter(|line| !line.is_empty()) {
        followers.push((follower.to_owned(), lines.next()?.to_owned()));
    }
    let (mut actions, mut paths) = (Vec::new(), Vec::new());
    while let Some(path) = lines.next().filter(|line| !line.is_empty()) {
        let priority = lines.next()?.parse().ok()?;
        let mut own = Vec::new();
        for (follower, link) in &followers {
            let path = lines.next()?;
            own.extend((!path.is_empty()).then(|| [link.clone(), follower.clone(), path.to_owned()]));
        }
        let (link, name) = (link.to_owned(), name.to_owned());
        paths.push(path.to_owned());
        actions.push(Action::Alternative(Alternative { link, name, path: path.to_owned(), priority, followers: own }));
    }
    (mode == "auto").then_some((actions, paths))
}

/// Against the databases that `update-alternatives` has written on this machine.
#[test]
fn databases_are_update_alternatives_own() {
    let Ok(folder) = fs::read_dir("/var/lib/dpkg/alternatives") else {
        return sample::skipped("this machine has no alternatives of dpkg's");
    };
    for entry in folder.flatten() {
        let name = entry.file_name().into_string().unwrap();
        let text = fs::read_to_string(entry.path()).unwrap();
        let Some((actions, paths)) = read_back(&name, &text) else { continue };
        let canonical = paths.iter().map(|path| canonical_text(path).unwrap().to_string()).collect::<Vec<_>>();
        let entries: Vec<_> = canonical.iter().map(|path| (path.as_str(), "x")).collect();
        let made = made(&entries, &[("any", actions)]);
        assert_eq!(database(&made, &name), text, "{name}");
        let link = ImagePath::new(format!("{LINKS}/{name}").as_bytes()).unwrap();
        let real = fs::read_link(format!("/{LINKS}/{name}")).unwrap();
        assert_eq!(made.tree[&link].1, Node::Symlink(real.into_os_string().into_encoded_bytes()), "{name}");
    }
}
