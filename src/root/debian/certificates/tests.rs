use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::nix::StorePath;
use crate::root::sample;
use crate::root::view::NO_PACKAGES;

/// Two of one subject, with blanks, a letter beyond ASCII, and no version; one with two attributes in one set.
const ONE: &str = include_str!("tests/a.crt");
const SAME: &str = include_str!("tests/b.crt");
const OTHER: &str = include_str!("tests/c.crt");

fn made(files: &[(&str, &str)]) -> Option<Certificates> {
    let tree = sample::tree(files);
    let packages = BTreeMap::<StorePath, _>::new();
    let view = View { trees: &[&tree], packages: &packages, merged: &NO_PACKAGES };
    certificates(view, &|_, _, _| Ok(None)).unwrap()
}

fn content<'a>(certificates: &'a Certificates, path: &str) -> &'a [u8] {
    match &certificates.tree[&ImagePath::new(path.as_bytes()).unwrap()].1 {
        Node::File(content) => content,
        other => panic!("{path} is {other:?}"),
    }
}

/// Everything that happens at once, but files without a certificate.
fn lab() -> Vec<(&'static str, &'static str)> {
    vec![
        ("usr/sbin/update-ca-certificates", "#!/bin/sh"),
        ("usr/share/ca-certificates/mozilla/Root_B.crt", ONE),
        ("usr/share/ca-certificates/mozilla/Root_A.crt", SAME),
        ("usr/share/ca-certificates/other/Root.crt", OTHER.trim_ascii_end()),
        ("usr/share/ca-certificates/mozilla/README", "x"),
        ("usr/local/share/ca-certificates/sub/My CA (new), 1.crt", ONE),
        ("etc/ssl/certs", "dir"),
    ]
}

#[test]
fn all_that_packages_bring_is_trusted() {
    let mut files = lab();
    files.extend([
        (
            "usr/share/ca-certificates/mozilla/Broken.crt",
            "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
        ),
        ("usr/local/share/ca-certificates/link.crt", "-> /usr/share/ca-certificates/other/Root.crt"),
        ("usr/local/share/ca-certificates/loop", "-> ."),
        ("etc/ssl/certs/taken.pem", SAME),
        ("usr/local/share/ca-certificates/taken.crt", OTHER),
        ("usr/share/ca-certificates-java", "dir"),
        ("etc/ssl/certs/java", "dir"),
    ]);
    let made = made(&files).unwrap();
    insta::assert_snapshot!(sample::lines(&made.tree), @r"
    0644 0:0 /etc/ca-certificates.conf 550 bytes
    0777 0:0 /etc/ssl/certs/53e4e92a.0 -> My_CA_=new=__1.pem
    0777 0:0 /etc/ssl/certs/53e4e92a.1 -> Root_A.pem
    0777 0:0 /etc/ssl/certs/My_CA_=new=__1.pem -> /usr/local/share/ca-certificates/sub/My CA (new), 1.crt
    0777 0:0 /etc/ssl/certs/Root.pem -> /usr/share/ca-certificates/other/Root.crt
    0777 0:0 /etc/ssl/certs/Root_A.pem -> /usr/share/ca-certificates/mozilla/Root_A.crt
    0777 0:0 /etc/ssl/certs/Root_B.pem -> /usr/share/ca-certificates/mozilla/Root_B.crt
    0644 0:0 /etc/ssl/certs/ca-certificates.crt 3722 bytes
    0777 0:0 /etc/ssl/certs/e136ce16.0 -> Root.pem
    0644 0:0 /etc/ssl/certs/java/cacerts 2320 bytes
    0777 0:0 /etc/ssl/certs/link.pem -> /usr/local/share/ca-certificates/link.crt
    ");
    let findings: Vec<String> = made.findings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(findings.join("\n"), @r"
    /usr/share/ca-certificates/mozilla/Broken.crt: holds no certificate: left out
    /usr/local/share/ca-certificates/taken.crt: is trusted, but its name is taken in /etc/ssl/certs: has no link there
    ");
    assert!(
        String::from_utf8_lossy(content(&made, "etc/ca-certificates.conf"))
            .ends_with("#\nmozilla/Broken.crt\nmozilla/Root_A.crt\nmozilla/Root_B.crt\nother/Root.crt\n")
    );
    let bundle = [SAME, ONE, OTHER, OTHER, ONE, OTHER].concat();
    assert_eq!(content(&made, "etc/ssl/certs/ca-certificates.crt"), bundle.as_bytes());
}

#[test]
fn the_configuration_decides() {
    let mut files = lab();
    let conf = "# comment\n\n!mozilla/Root_B.crt\nother/Root.crt\nmozilla/Gone.crt\n../../../etc/shadow\n";
    files.push(("etc/ca-certificates.conf", conf));
    let made = made(&files).unwrap();
    let bundle = [OTHER, ONE].concat();
    assert_eq!(content(&made, "etc/ssl/certs/ca-certificates.crt"), bundle.as_bytes());
    let findings: Vec<&str> = made.findings.iter().map(|finding| finding.path.as_str()).collect();
    assert_eq!(
        findings,
        ["/usr/share/ca-certificates/mozilla/Gone.crt", "/usr/share/ca-certificates/../../../etc/shadow"]
    );
    assert!(!made.tree.contains_key(&ImagePath::new(b"etc/ca-certificates.conf").unwrap()));
}

#[test]
fn without_the_package_there_is_nothing() {
    assert_eq!(made(&[("usr/share/ca-certificates/a.crt", ONE)]), None);
}

#[test]
fn subjects_have_openssls_hashes() {
    let hash = |text: &str| subject::hash(pem::certificates(text.as_bytes())[0].as_ref().unwrap());
    assert_eq!(hash(ONE).as_deref(), Some("53e4e92a"));
    assert_eq!(hash(SAME).as_deref(), Some("53e4e92a"));
    assert_eq!(hash(OTHER).as_deref(), Some("e136ce16"));
}

#[test]
fn damaged_certificates_are_survived() {
    let whole = pem::certificates(OTHER.as_bytes()).remove(0).unwrap();
    for at in 0..whole.len().min(200) {
        subject::hash(&whole[..at]);
        for value in [0, 1, 0x30, 0x7f, 0x80, 0x84, 0xff] {
            let mut broken = whole.clone();
            broken[at] = value;
            subject::hash(&broken);
        }
    }
    assert_eq!(subject::hash(&whole[..100]), None);
    assert!(subject::ends(&whole));
    let more = [whole.as_slice(), b"0"].concat();
    assert_eq!((subject::hash(&more), subject::ends(&more)), (subject::hash(&whole), false));
}

/// The same links and the same bundle as the real tool makes, for the lab and for the root that
/// `DUMBC_TEST_CERTIFICATES_ROOT` names, if any (which is not changed).
#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn it_is_what_update_ca_certificates_makes() {
    if !Path::new("/usr/sbin/update-ca-certificates").exists() {
        eprintln!("skipped: there is no update-ca-certificates here");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    for (path, text) in lab() {
        let path = root.path().join(path);
        if text == "dir" {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
    compare(root.path());
    if let Some(real) = std::env::var_os("DUMBC_TEST_CERTIFICATES_ROOT") {
        let copy = tempfile::tempdir().unwrap();
        let root = copy.path().join("root");
        assert!(Command::new("cp").arg("-a").arg(real).arg(&root).status().unwrap().success());
        compare(&root);
    }
}

fn compare(root: &Path) {
    let tree = sample::of_disk(root);
    let packages = BTreeMap::<StorePath, _>::new();
    let view = View { trees: &[&tree], packages: &packages, merged: &NO_PACKAGES };
    let made = certificates(view, &|_, _, _| Ok(None)).unwrap().unwrap();
    assert_eq!(made.findings, []);
    fs::write(root.join("etc/ca-certificates.conf"), content(&made, "etc/ca-certificates.conf")).unwrap();
    fs::create_dir_all(root.join("usr/local/share/ca-certificates")).unwrap();

    let mut tool = Command::new("/usr/sbin/update-ca-certificates");
    for (option, path) in [
        ("--certsconf", "etc/ca-certificates.conf"),
        ("--certsdir", "usr/share/ca-certificates"),
        ("--localcertsdir", "usr/local/share/ca-certificates"),
        ("--etccertsdir", "etc/ssl/certs"),
        ("--hooksdir", "absent"),
    ] {
        tool.arg(option).arg(root.join(path));
    }
    assert!(tool.env("LC_ALL", "C").output().unwrap().status.success());
    let prefix = root.display().to_string();
    let links = |tree: &Tree| -> Vec<String> {
        let folder = ImagePath::new(FOLDER).unwrap();
        let link = |(path, (_, node)): (&ImagePath, &(Metadata, Node))| match node {
            Node::Symlink(target) if path.starts_with(&folder) => {
                let target = String::from_utf8_lossy(target).replace(&prefix, "");
                Some(format!("{path} -> {target}"))
            }
            _ => None,
        };
        tree.iter().filter_map(link).collect()
    };
    assert_eq!(links(&made.tree), links(&sample::of_disk(root)));
    let bundle = fs::read(root.join("etc/ssl/certs/ca-certificates.crt")).unwrap();
    assert!(bundle == content(&made, "etc/ssl/certs/ca-certificates.crt"));
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn java_reads_its_store() {
    let mut files = lab();
    files.push(("usr/share/ca-certificates-java", "dir"));
    let made = made(&files).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("cacerts");
    fs::write(&store, content(&made, "etc/ssl/certs/java/cacerts")).unwrap();
    let mut keytool = Command::new("keytool");
    let Ok(output) = keytool.args(["-list", "-storepass", "changeit", "-keystore"]).arg(store).output() else {
        eprintln!("skipped: there is no keytool here");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("contains 4 entries"), "{text}");
    for name in ["root_a", "root_b", "root", "my_ca_=new=__1"] {
        assert!(text.contains(&format!("debian:{name}.pem, Jan 1, 1970, trustedCertEntry")), "{text}");
    }
}
