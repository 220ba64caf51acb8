use proptest::prelude::*;

use super::*;

fn written(field: &str) -> String {
    write_groups(&parse_groups(field).unwrap())
}

#[test]
fn groups_alternatives_versions_qualifiers() {
    assert_eq!(written("libc6(>=2.34),  libgcc-s1 ( >= 3.0 )"), "libc6 (>= 2.34), libgcc-s1 (>= 3.0)");
    assert_eq!(written("default-mta|mail-transport-agent,"), "default-mta | mail-transport-agent");
    assert_eq!(
        written("python3:any (>= 3.11~),\n perl:native, a2:arm64"),
        "python3:any (>= 3.11~), perl:native, a2:arm64"
    );
    assert_eq!(
        written("aa (< 1), bb (> 1), cc (<< 1), dd (>> 1), ee (= 1), ff (1)"),
        "aa (<= 1), bb (>= 1), cc (<< 1), dd (>> 1), ee (= 1), ff (= 1)"
    );
    assert_eq!(written(""), "");
}

#[test]
fn what_is_refused_is_named() {
    let refused = |field: &str| parse_groups(field).unwrap_err().to_string();
    assert_eq!(refused("aa, Git"), "`Git`: no package's name");
    assert_eq!(refused("aa | | bb"), "``: no package's name");
    assert_eq!(refused("aa (>= 1 2)"), "`aa (>= 1 2)`: no version");
    assert_eq!(refused("aa (>= 1"), "`aa (>= 1`: not `name (operator version)`");
    assert_eq!(refused("aa bb"), "`aa bb`: not `name (operator version)`");
    assert_eq!(refused("aa:"), "`aa:`: a wrong architecture");
    assert_eq!(
        refused("aa [amd64]"),
        "`aa [amd64]`: lists of architectures and profiles stand in source packages only"
    );
    assert_eq!(
        refused("aa <!nocheck>"),
        "`aa <!nocheck>`: lists of architectures and profiles stand in source packages only"
    );
    assert!(refused(&"a".repeat(2 << 20)).ends_with("the field is longer than 1 MiB"));
    assert!(parse_targets("aa | bb").is_err());
}

#[test]
fn provided_names_have_exact_versions() {
    let provided = parse_provided("awk, editor (= 2:9.0)").unwrap();
    assert_eq!(provided[0].version, None);
    assert_eq!(provided[1].version.as_ref().unwrap().to_string(), "2:9.0");
    assert!(parse_provided("awk (>= 1)").is_err());
}

#[test]
fn versions_are_compared_as_the_operator_says() {
    let holds = |text: &str, offered: &str| parse_targets(text).unwrap()[0].admits(Some(&offered.parse().unwrap()));
    for (text, earlier, equal, later) in [
        ("aa (<< 2)", true, false, false),
        ("aa (<= 2)", true, true, false),
        ("aa (= 2)", false, true, false),
        ("aa (>= 2)", false, true, true),
        ("aa (>> 2)", false, false, true),
        ("aa", true, true, true),
    ] {
        assert_eq!((holds(text, "2~rc1"), holds(text, "2"), holds(text, "2-1")), (earlier, equal, later), "{text}");
    }
    assert!(!parse_targets("aa (>= 1)").unwrap()[0].admits(None));
}

proptest! {
    #[test]
    fn nothing_panics_and_what_is_read_is_written_back(field in "[a-c0-9 :|,()<>=~.\\[\\]é]{0,40}") {
        if let Ok(targets) = parse_targets(&field) {
            let written = targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            prop_assert_eq!(parse_targets(&written), Ok(targets));
        }
        let _ = parse_groups(&field);
        let _ = parse_provided(&field);
    }
}
