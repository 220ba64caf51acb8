use super::super::sample::{deb, merged, packages};
use super::*;
use crate::deb::{Conffile, Member};

fn text(tree: &Tree, path: &str) -> String {
    match &tree[&ImagePath::new(path.as_bytes()).unwrap()] {
        (_, Node::File(content)) => String::from_utf8(content.clone()).unwrap(),
        other => format!("{other:?}"),
    }
}

fn conffile(path: &str, md5: &str) -> Conffile {
    Conffile { path: path.to_owned(), md5: md5.to_owned() }
}

#[test]
fn status_is_in_dpkgs_order_and_spelling() {
    let fields = "Source: tools (1.0-1)\nStatus: deinstall ok config-files\nMaintainer: A B <a@example.org>\n\
        Installed-Size: 12\nDepends: libc6 (>=2.36),\n zlib1g\nReplaces: zz (<< 2)\nEssential: no\nX-Odd: kept\n\
        Section: misc\nPriority: optional\nHomepage: https://example.org\nDescription: short\n long\n .\n end\n";
    let mut tool = deb("tool", fields, &[("etc/tool.conf", "text"), ("etc/zz", "text"), ("etc/given", "text")]);
    tool.facts.conffiles = vec![conffile("/etc/tool.conf", "0123"), conffile("/etc/zz", "4567")];
    let mut zz = deb("zz", "Essential: yes\nMulti-Arch: same\n", &[("etc/zz", "text"), ("etc/given", "text")]);
    zz.facts.conffiles = vec![conffile("/etc/zz", "89ab"), conffile("/etc/given", "cdef")];
    let samples = [&zz, &tool];
    let merge = merged(&samples, &[], &[]).unwrap();
    let tree = dpkg_database(&packages(&samples), &merge, &[], &[], "amd64").unwrap();
    let expected = "Package: tool\nStatus: install ok installed\nPriority: optional\nSection: misc\nInstalled-Size: 12\n\
        Maintainer: A B <a@example.org>\nArchitecture: all\nSource: tools (1.0-1)\nVersion: 1.0\nReplaces: zz (<< 2)\n\
        Depends: libc6 (>= 2.36), zlib1g\nConffiles:\n /etc/tool.conf 0123\n /etc/zz 4567\n\
        Description: short\n long\n .\n end\nX-Odd: kept\nHomepage: https://example.org\n\n\
        Package: zz\nEssential: yes\nStatus: install ok installed\nArchitecture: all\nMulti-Arch: same\nVersion: 1.0\n\
        Conffiles:\n /etc/zz 4567 obsolete\n\n";
    assert_eq!(text(&tree, "var/lib/dpkg/status"), expected);
}

#[test]
fn triggers_are_filed_by_path_and_by_name() {
    let with = |mut sample: super::super::sample::Sample, triggers: &str| {
        sample.facts.members.insert("triggers".to_owned(), Member::Text(triggers.to_owned()));
        sample
    };
    let libc = with(deb("libc", "Multi-Arch: same\n", &[]), "# text\ninterest-await ldconfig\nactivate x\n");
    let man = with(deb("man", "", &[]), "interest-noawait /usr/man\n\n interest /opt # comment\n");
    let samples = [&man, &libc];
    let merge = merged(&samples, &[], &[]).unwrap();
    let tree = dpkg_database(&packages(&samples), &merge, &[], &[], "amd64").unwrap();
    assert_eq!(text(&tree, "var/lib/dpkg/triggers/File"), "/usr/man man/noawait\n/opt man\n");
    assert_eq!(text(&tree, "var/lib/dpkg/triggers/ldconfig"), "libc:all\n");
    for trigger in ["File", "../status", "a/b", ".", "é"] {
        let bad = with(deb("bad", "", &[]), &format!("interest {trigger}\n"));
        let error = dpkg_database(&packages(&[&bad]), &merge, &[], &[], "amd64").unwrap_err();
        assert!(error.to_string().starts_with("the package bad has a trigger"), "{error}");
    }
}

#[test]
fn what_changes_files_is_recorded() {
    let base = deb("base", "", &[]);
    let merge = merged(&[&base], &[], &[]).unwrap();
    let divert = |path: &str, package: &str| Diverted {
        package: package.parse().unwrap(),
        path: path.to_owned(),
        to: format!("{path}.distrib"),
    };
    let over = |path: &str| StatOverride {
        path: path.to_owned(),
        user: "root".to_owned(),
        group: "crontab".to_owned(),
        mode: 0o2755,
    };
    let (diverted, overrides) = ([divert("/bin/sh", "dash"), divert("/bin/a", "aa")], [over("/b"), over("/a")]);
    let mut all = packages(&[&base]);
    all.push(Package { requested: true, ..all[0] });
    let tree = dpkg_database(&all, &merge, &diverted, &overrides, "arm64").unwrap();
    let expected = "/bin/a\n/bin/a.distrib\naa\n/bin/sh\n/bin/sh.distrib\ndash\n";
    assert_eq!(text(&tree, "var/lib/dpkg/diversions"), expected);
    assert_eq!(text(&tree, "var/lib/dpkg/statoverride"), "root crontab 2755 /a\nroot crontab 2755 /b\n");
    let expected = "Package: base\nArchitecture: arm64\nAuto-Installed: 1\n\n";
    assert_eq!(text(&tree, "var/lib/apt/extended_states"), expected);
    assert_eq!(text(&tree, "var/lib/dpkg/info/format"), "1\n");
}

#[test]
fn an_unreadable_control_file_is_named() {
    let mut base = deb("base", "", &[]);
    let merge = merged(&[&base], &[], &[]).unwrap();
    base.facts.control = "Package".to_owned();
    let error = dpkg_database(&packages(&[&base]), &merge, &[], &[], "amd64").unwrap_err();
    assert_eq!(error.to_string(), "the package base has a control file that can't be read");
}
