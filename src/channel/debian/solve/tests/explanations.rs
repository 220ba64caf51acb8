//! What can't be met, as the user reads it.

use insta::assert_snapshot;

use super::*;
use crate::failure::{Class, Classified};

/// Message and help.
fn refused(text: &str, wishes: &str) -> String {
    let candidates = archive(text);
    let error = solve(&problem(wishes), &candidates).unwrap_err();
    let help = error.help().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    format!("{error}{help}")
}

#[test]
fn names_that_are_not_there() {
    let text = "ripgrep 13\n git 2\n other:\n fd 8\n ripgrop 1";
    assert_snapshot!(refused(text, "ripgerp"), @r"
    no package `ripgerp` in `debian`
    help: did you mean `ripgrep`?
    ");
    assert_snapshot!(refused(text, "fd"), @r"
    no package `fd` in `debian`
    help: another channel has it: `other#fd`
    ");
    assert_snapshot!(refused(text, "qqqqqq git@9 git@2"), @r"
    no package `qqqqqq` in `debian`
    `git@9` is not to be had: there is 2
    help: ask for one of these versions, or for none
    ");
    assert_eq!(solve(&problem("qq"), &archive(text)).unwrap_err().class(), Class::UnknownName);
}

#[test]
fn virtual_names_with_several_packages() {
    let text = "exim 1 Provides: mta\n postfix 1 Provides: mta\n";
    let written = refused(text, "debian#mta");
    assert!(written.starts_with("`debian#mta` is no package's name"), "{written}");
    assert_snapshot!(refused(text, "mta"), @r"
    `mta` is no package's name, but provided by exim, postfix
    help: name one of them, such as `exim`
    ");
}

#[test]
fn versions_that_are_not_there() {
    assert_snapshot!(refused("git 2.9\n git 1:2.10-1", "git@3"), @r"
    `git@3` is not to be had: there is 1:2.10-1, 2.9
    help: ask for one of these versions, or for none
    ");
}

#[test]
fn what_is_missing_is_told_from_the_wish_down() {
    let text = "
        foo 1.2 Depends: bar (>= 3)
        bar 2.9
        app 1 Depends: mid | other
        mid 1 Depends: foo
        other 1 Depends: absent
        vers 1 Depends: awk (>= 1)
        mawk 1 Provides: awk
        arch 1 Depends: bar:arm64
        either 1 Depends: absent | bar (>= 3)
        broken 1 Depends: mid [amd64]";
    assert_snapshot!(refused(text, "foo"), @"`foo` can't be installed: foo 1.2 depends on bar (>= 3), of which there is 2.9");
    assert_snapshot!(refused(text, "app"), @"`app` can't be installed: app 1 depends on mid | other, mid 1 depends on foo, foo 1.2 depends on bar (>= 3), of which there is 2.9");
    assert_snapshot!(refused(text, "other"), @"`other` can't be installed: other 1 depends on absent, which no archive has");
    assert_snapshot!(refused(text, "vers"), @"`vers` can't be installed: vers 1 depends on awk (>= 1), which is provided in no such version");
    assert_snapshot!(refused(text, "arch"), @"`arch` can't be installed: arch 1 depends on bar:arm64, which is not to be had for that architecture");
    assert_snapshot!(refused(text, "either"), @"`either` can't be installed: either 1 depends on absent | bar (>= 3), none of which is to be had");
    assert_snapshot!(refused(text, "broken"), @"`broken` can't be installed: broken 1 can't be read: Depends: `mid [amd64]`: lists of architectures and profiles stand in source packages only");
    assert_snapshot!(refused(text, "bar foo other"), @r"
    `foo` can't be installed: foo 1.2 depends on bar (>= 3), of which there is 2.9
    `other` can't be installed: other 1 depends on absent, which no archive has
    ");
}

#[test]
fn what_is_in_whose_way() {
    let text = "
        aa 1.0 Conflicts: cc
        bb 1 Depends: cc
        cc 1.5
        dd 1 Depends: bb
        ee 1 Depends: aa
        ff 1 Breaks: cc (<< 2)
        gg 1 Conflicts: virtual
        hh 1 Depends: ii
        ii 1 Provides: virtual
        old 1 Depends: lib (= 1)
        new 1 Depends: lib (= 2)
        lib 1
        lib 2
        self 1 Depends: aa, cc";
    assert_snapshot!(refused(text, "aa lib bb"), @r"
    `aa` and `bb` can't stand in one machine: aa 1.0 conflicts with cc, which bb depends on
    help: leave one of them out, such as `bb`
    ");
    assert_snapshot!(refused(text, "dd ee"), @r"
    `dd` and `ee` can't stand in one machine: ee 1 depends on aa, aa 1.0 conflicts with cc, which bb depends on, which dd depends on
    help: leave one of them out, such as `ee`
    ");
    assert_snapshot!(refused(text, "ff cc"), @r"
    `ff` and `cc` can't stand in one machine: ff 1 breaks cc (<< 2), which cc 1.5 is
    help: leave one of them out, such as `cc`
    ");
    assert_snapshot!(refused(text, "gg hh"), @r"
    `gg` and `hh` can't stand in one machine: gg 1 conflicts with virtual, which ii provides, which hh depends on
    help: leave one of them out, such as `hh`
    ");
    assert_snapshot!(refused(text, "old new"), @r"
    `old` and `new` can't stand in one machine: new 1 depends on lib 2, but there is lib 1, which old depends on
    help: leave one of them out, such as `new`
    ");
    assert_snapshot!(refused(text, "lib@1 lib@2"), @r"
    `lib@1` and `lib@2` can't stand in one machine: lib 2, but there is lib 1
    help: leave one of them out, such as `lib@2`
    ");
    assert_snapshot!(refused(text, "self"), @"`self` can't be installed: self 1 depends on aa, aa 1.0 conflicts with cc, which self depends on");
}

#[test]
fn long_chains_are_shortened() {
    let link = |at: u32| format!("link{at} 1 Depends: link{}\n", at + 1);
    assert_snapshot!(refused(&(0..30).map(link).collect::<String>(), "link0"), @"`link0` can't be installed: link0 1 depends on link1, link1 1 depends on link2, link2 1 depends on link3, link3 1 depends on link4, …, link26 1 depends on link27, link27 1 depends on link28, link28 1 depends on link29, link29 1 depends on link30, which no archive has");
}
