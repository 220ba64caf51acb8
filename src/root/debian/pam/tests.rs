use proptest::prelude::*;

use super::*;

const TEMPLATE: &str = "# head\n# here are the per-package modules (the \"Primary\" block)\n$auth_primary\n\
    # here's the fallback if no module succeeds\nauth\trequisite\t\t\tpam_deny.so\n\
    # and here are more per-package modules (the \"Additional\" block)\n$auth_additional\n# end of pam-auth-update config\n";
const UNIX: &str = "Name: Unix\nDefault: yes\nPriority: 256\nAuth-Type: Primary\nAuth:\n\t[success=end default=ignore]\tpam_unix.so \
    nullok try_first_pass\nAuth-Initial:\n\t[success=end default=ignore]\tpam_unix.so nullok\n";

fn contents(files: &[(&str, &str)]) -> BTreeMap<ImagePath, Vec<u8>> {
    files.iter().map(|(path, text)| (ImagePath::new(path.as_bytes()).unwrap(), text.as_bytes().to_vec())).collect()
}

fn auth(profiles: &[(&str, &str)]) -> String {
    let mut files = vec![("usr/share/pam/common-auth".to_owned(), TEMPLATE)];
    files.extend(profiles.iter().map(|(name, text)| (format!("{PROFILES}{name}"), *text)));
    let tree = pam_tree(&contents(&files.iter().map(|(path, text)| (path.as_str(), *text)).collect::<Vec<_>>()));
    let (_, node) = &tree[&ImagePath::new(b"etc/pam.d/common-auth").unwrap()];
    let Node::File(text) = node else { panic!("no file") };
    String::from_utf8(text.clone()).unwrap()
}

#[test]
fn modules_stand_in_order_and_jump_to_the_end() {
    let other = "Name: Other\nDefault: yes\nPriority: 300\nAuth-Type: Primary\nAuth:\n\t[success=end]\tpam_other.so\n";
    let late =
        "Name: Late\nDefault: yes\nPriority: 0\nAuth-Type: Additional\nAuth-Final:\n\toptional\t\t\tpam_cap.so\n";
    let off = "Name: Off\nDefault: no\nPriority: 900\nAuth-Type: Primary\nAuth:\n\trequired\tpam_off.so\n";
    let text = auth(&[("unix", UNIX), ("other", other), ("late", late), ("off", off)]);
    let lines = text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>();
    assert_eq!(
        lines,
        [
            "auth\t[success=2]\tpam_other.so ",
            "auth\t[success=1 default=ignore]\tpam_unix.so nullok try_first_pass",
            "auth\trequisite\t\t\tpam_deny.so",
            "auth\toptional\t\t\tpam_cap.so ",
        ]
    );
}

#[test]
fn alone_a_profile_takes_its_initial_lines() {
    assert!(auth(&[("unix", UNIX)]).contains("auth\t[success=1 default=ignore]\tpam_unix.so nullok\n"));
    assert!(auth(&[]).contains("auth\t[default=1]\t\t\tpam_permit.so\n"));
}

#[test]
fn conflicts_go_away() {
    let first =
        "Default: yes\nPriority: 999\nConflicts: unix, x\nAuth-Type: Primary\nAuth:\n\trequired\tpam_first.so\n";
    let text = auth(&[("first", first), ("unix", UNIX)]);
    assert!(text.contains("pam_first.so") && !text.contains("pam_unix.so"));
}

#[test]
fn a_stack_without_primary_modules_and_what_is_remembered() {
    let template = TEMPLATE.replace("auth\t", "session\t");
    let session = "Default: yes\nPriority: 0\nSession-Interactive-Only: yes\nSession-Type: Additional\nSession:\n\toptional\tpam_x.so\n";
    let files = [
        ("usr/share/pam/common-session", template.as_str()),
        ("usr/share/pam/common-session-noninteractive", template.as_str()),
        ("usr/share/pam/common-session.md5sums", "x"),
        ("usr/share/pam-configs/x", session),
    ];
    let tree = pam_tree(&contents(&files));
    let text = |path: &str| match &tree[&ImagePath::new(path.as_bytes()).unwrap()].1 {
        Node::File(text) => String::from_utf8(text.clone()).unwrap(),
        other => panic!("{other:?}"),
    };
    assert!(text("etc/pam.d/common-session").contains("session\t[default=1]\t\t\tpam_permit.so\n"));
    assert!(text("etc/pam.d/common-session").contains("session\toptional\tpam_x.so \n"));
    assert!(!text("etc/pam.d/common-session-noninteractive").contains("pam_x.so"));
    assert_eq!(
        text("var/lib/pam/session"),
        "Module: null\n[default=1]\t\t\tpam_permit.so\nModule: x\noptional\tpam_x.so\n"
    );
    assert_eq!(text("var/lib/pam/seen"), "x\n");
    assert_eq!(tree.len(), 5);
}

proptest! {
    #[test]
    fn nothing_panics(profile in "([A-Z][a-z]{0,3}(-Type|-Initial)?: ?|\\[end|\\]| |\t|\n|Auth:|x|é){0,20}", template in "\\PC{0,40}") {
        let files = contents(&[("usr/share/pam/common-auth", &template), ("usr/share/pam-configs/p", &profile)]);
        prop_assert!(pam_tree(&files).len() <= 3);
        prop_assert!(with_jump(&profile, 1).len() < 1000);
    }
}
