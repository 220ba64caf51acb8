//! A rule a test.

use super::*;

#[test]
fn what_is_needed_is_taken_and_nothing_else() {
    let text = "
        git 2 Depends: libc6 (>= 1), perl; Recommends: less
        libc6 1 Pre-Depends: gcc-base
        gcc-base 12
        perl 5 Depends: git | libc6
        less 590
        unrelated 1";
    assert_eq!(takes(text, "git"), "gcc-base 12, git 2, libc6 1, perl 5");
    assert_eq!(takes(text, ""), "");
    assert_eq!(takes(text, "less gcc-base less"), "gcc-base 12, less 590");
}

#[test]
fn the_newest_of_all_suites_is_taken() {
    let text = "
        git 1:2.39-1
        git 1:2.39-1+deb12u1 Suite: security
        git 2.45 Architecture: all
        git 9:1 Architecture: arm64";
    assert_eq!(takes(text, "git"), "git 1:2.39-1+deb12u1");
    assert_eq!(takes(text, "git@2.45"), "git 2.45");
    assert_eq!(takes(text, "git@1:2.39-1"), "git 1:2.39-1+deb12u1");
}

#[test]
fn alternatives_are_tried_in_order() {
    let text = "
        app 1 Depends: first | second
        picky 1 Depends: second, first | second
        old 1 Depends: first (>= 2) | second
        gone 1 Depends: absent | second
        first 1
        second 1";
    assert_eq!(takes(text, "app"), "app 1, first 1");
    assert_eq!(takes(text, "app second"), "app 1, second 1");
    assert_eq!(takes(text, "picky"), "picky 1, second 1");
    assert_eq!(takes(text, "old"), "old 1, second 1");
    assert_eq!(takes(text, "gone"), "gone 1, second 1");
}

#[test]
fn an_alternative_that_leads_nowhere_is_left() {
    let text = "
        app 1 Depends: first | second
        first 1 Depends: helper, absent
        helper 1
        second 1";
    assert_eq!(takes(text, "app"), "app 1, second 1");
}

#[test]
fn provided_names_answer_with_and_without_versions() {
    let text = "
        plain 1 Depends: awk
        versioned 1 Depends: awk (>= 2)
        mawk 9 Provides: awk
        gawk 5 Provides: awk (= 2); Priority: extra
        own 1 Provides: self; Depends: self";
    assert_eq!(takes(text, "plain"), "mawk 9, plain 1");
    assert_eq!(takes(text, "versioned"), "gawk 5, versioned 1");
    assert_eq!(takes(text, "versioned plain"), "gawk 5, plain 1, versioned 1");
    assert_eq!(takes(text, "own"), "own 1");
}

#[test]
fn among_providers_the_name_then_the_priority_decides() {
    let text = "
        app 1 Depends: awk
        script 1 Depends: editor
        mawk 1 Provides: awk; Priority: required
        bwk 1 Provides: awk
        tied 1 Depends: shell
        ash 1 Provides: shell
        bsh 1 Provides: shell
        nano 1 Provides: editor; Priority: important
        editor 1 Priority: extra";
    assert_eq!(takes(text, "app"), "app 1, mawk 1");
    assert_eq!(takes(text, "script"), "editor 1, script 1");
    assert_eq!(takes(text, "tied"), "ash 1, tied 1");
}

#[test]
fn a_provider_picked_by_chance_goes_when_another_is_needed_anyway() {
    let text = "
        gmagick 1 Depends: phpapi, dev
        dev 1 Depends: php-cli
        apache 1 Provides: phpapi; Depends: server
        server 1
        php-cli 8 Provides: phpapi
        either 1 Depends: apache | php-cli, php-cli";
    assert_eq!(takes(text, "gmagick"), "dev 1, gmagick 1, php-cli 8");
    assert_eq!(takes(text, "gmagick apache"), "apache 1, dev 1, gmagick 1, php-cli 8, server 1");
    // Here the package says itself what it likes best.
    assert_eq!(takes(text, "either"), "apache 1, either 1, php-cli 8, server 1");
}

#[test]
fn conflicts_and_breaks_reach_provided_names_but_never_the_package_itself() {
    let text = "
        exim 1 Provides: mta; Conflicts: mta
        postfix 1 Provides: mta; Conflicts: mta
        app 1 Depends: exim | postfix
        lib 1
        lib 2 Breaks: tool (<< 2)
        tool 1 Depends: lib
        newer 2 Provides: tool (= 1)";
    assert_eq!(takes(text, "exim"), "exim 1");
    assert_eq!(takes(text, "app postfix"), "app 1, postfix 1");
    assert_eq!(takes(text, "tool"), "lib 1, tool 1");
    assert_eq!(takes(text, "newer lib"), "lib 1, newer 2");
}

#[test]
fn where_the_first_way_is_barred_another_is_searched() {
    // The first alternatives fit nobody: apt's way takes `one`, and `later` can't have it.
    let text = "
        app 1 Depends: mid, later
        mid 1 Depends: one | two
        later 1 Conflicts: one
        one 1
        two 1";
    assert_eq!(takes(text, "app"), "app 1, later 1, mid 1, two 1");
}

#[test]
fn older_versions_come_where_only_they_fit() {
    let text = "
        python3 3.13 Depends: libpython3 (= 3.13)
        python3 3.11.2 Depends: libpython3 (= 3.11.2)
        libpython3 3.13
        libpython3 3.11.2
        tool 1 Depends: python3 (<< 3.12) | perl
        strict 1 Depends: python3 (<< 3.12)
        perl 5";
    assert_eq!(takes(text, "python3@3.11"), "libpython3 3.11.2, python3 3.11.2");
    assert_eq!(takes(text, "python3 python3@3.11"), "libpython3 3.11.2, python3 3.11.2");
    assert_eq!(takes(text, "tool"), "perl 5, tool 1");
    assert_eq!(takes(text, "strict"), "libpython3 3.11.2, python3 3.11.2, strict 1");
    assert_eq!(takes(text, "strict python3"), "libpython3 3.11.2, python3 3.11.2, strict 1");
}

#[test]
fn qualifiers_are_those_of_one_architecture() {
    let text = "
        any 1 Depends: python3:any
        anylib 1 Depends: plain:any | second
        native 1 Depends: plain:native, plain:amd64
        foreign 1 Depends: plain:arm64 | second
        python3 3 Multi-Arch: allowed
        plain 1
        second 1";
    assert_eq!(takes(text, "any"), "any 1, python3 3");
    assert_eq!(takes(text, "anylib"), "anylib 1, second 1");
    assert_eq!(takes(text, "native"), "native 1, plain 1");
    assert_eq!(takes(text, "foreign"), "foreign 1, second 1");
}

#[test]
fn recommended_packages_come_where_they_can() {
    let candidates = archive(
        "
        git 2 Recommends: less, absent, enemy, pager | editor; Depends: libc6
        less 1 Recommends: file
        file 1
        libc6 1 Conflicts: enemy
        enemy 1
        pager 1 Depends: absent
        editor 1
        other:
        tool 1 Recommends: ghost; Depends: git
        ghost 1",
    );
    let mut problem = problem("other#tool");
    assert_eq!(solved(&problem, &candidates).unwrap(), "git 2, libc6 1, tool 1");
    problem.recommending.insert("debian".to_owned());
    assert_eq!(solved(&problem, &candidates).unwrap(), "editor 1, file 1, git 2, less 1, libc6 1, tool 1");
    let chosen = solve(&problem, &candidates).unwrap();
    let depends = |name: &str| {
        let of = chosen.iter().find(|chosen| candidates[chosen.candidate].name.as_str() == name).unwrap();
        of.depends.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        (depends("git"), depends("less"), depends("tool")),
        ("editor less libc6".into(), "file".into(), "git".into())
    );
}

#[test]
fn dependencies_name_the_first_alternative_that_is_there() {
    let candidates = archive(
        "
        app 1 Depends: absent | second | third, third, virtual, app | second
        second 1
        third 1 Provides: virtual",
    );
    let chosen = solve(&problem("app"), &candidates).unwrap();
    let depends: Vec<_> = chosen.iter().map(|chosen| format!("{:?}", chosen.depends)).collect();
    assert_eq!(depends, ["[second, third]", "[]", "[]"]);
}

#[test]
fn locked_versions_are_kept_while_they_are_offered() {
    let candidates = archive("git 2 Depends: libc6\n git 3 Depends: libc6\n libc6 1\n libc6 2");
    let mut problem = problem("git");
    problem.locked =
        [("git", "2"), ("libc6", "0")].map(|(name, version)| (name.parse().unwrap(), version.parse().unwrap())).into();
    assert_eq!(solved(&problem, &candidates).unwrap(), "git 2, libc6 2");
    problem.wishes = vec![wish("git@3")];
    assert_eq!(solved(&problem, &candidates).unwrap(), "git 3, libc6 2");
}

#[test]
fn a_wish_is_answered_by_its_channel_and_its_needs_by_all() {
    let text = "
        tool 2 Depends: lib
        lib 1
        backports:
        tool 3 Depends: lib (>= 2)
        lib 2";
    assert_eq!(takes(text, "debian#tool"), "lib 2, tool 2");
    assert_eq!(takes(text, "debian#tool debian#lib"), "lib 1, tool 2");
    assert_eq!(takes(text, "backports#tool"), "lib 2, tool 3");
}

#[test]
fn a_virtual_name_is_taken_where_one_package_provides_it() {
    let text = "
        exim 1 Provides: mta
        exim 2 Provides: mta, mailer
        postfix 1 Provides: mta";
    assert_eq!(takes(text, "mailer"), "exim 2");
    assert_eq!(takes(text, "exim@1"), "exim 1");
}

#[test]
fn a_package_that_cannot_be_read_is_passed_over() {
    let text = "
        app 1 Depends: broken | whole
        broken 1 Depends: Not A Name
        whole 1
        whole 2 Provides: x ((";
    assert_eq!(takes(text, "app"), "app 1, whole 1");
}

#[test]
fn a_deep_chain_is_no_recursion() {
    let link = |at: u32| format!("link{at} 1 Depends: link{}\n", at + 1);
    let text = (0..2_000).map(link).collect::<String>() + "link2000 1";
    assert_eq!(solve(&problem("link0"), &archive(&text)).map(|chosen| chosen.len()), Ok(2_001));
}
