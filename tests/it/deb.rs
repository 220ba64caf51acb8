//! Packages of Debian's, from the file to a layer, made by `dpkg-deb` where it is installed.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use dumbc::cache::DecoderBudget;
use dumbc::channel::debian::read_deb;
use dumbc::image::ImagePath;
use dumbc::image::codec::Codec;
use dumbc::image::head::{Parents, head};
use dumbc::image::untar::{TarKind, TarReader};
use dumbc::nix::Sha256;
use dumbc::store::{DebIdentity, Fragment, FragmentKey, Pool, Store};

use crate::support::skipped;

/// What `dpkg-deb` makes of a folder; `None` where there is none.
fn build(folder: &Path, compression: &str) -> Option<Vec<u8>> {
    let tree = folder.join("tree");
    let put = |path: &str, text: &str, mode: u32| {
        let path = tree.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let control =
        "Package: ours\nVersion: 1.0-1\nArchitecture: amd64\nMaintainer: us <us@example.org>\nDescription: ours\n";
    put("DEBIAN/control", control, 0o644);
    put("DEBIAN/postinst", "#!/bin/sh\n", 0o755);
    put("DEBIAN/conffiles", "/etc/ours.conf\n", 0o644);
    put("bin/ours", "#!/bin/sh\n", 0o4755);
    put("etc/ours.conf", "on\n", 0o640);
    put(&format!("usr/share/{}/long", ["long"; 40].join("/")), "x", 0o644);
    fs::hard_link(tree.join("bin/ours"), tree.join("bin/theirs")).unwrap();
    symlink("ours", tree.join("bin/link")).unwrap();
    let made = Command::new("dpkg-deb")
        .args(["--root-owner-group", &format!("-Z{compression}"), "--build"])
        .args([&tree, &folder.join("ours.deb")])
        .output();
    match made {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => return skipped(&format!("no dpkg-deb: {error}")),
    }
    Some(fs::read(folder.join("ours.deb")).unwrap())
}

fn fragment(store: &Store, pool: &Pool, package: &[u8]) -> Fragment {
    let identity = DebIdentity {
        name: "ours".parse().unwrap(),
        version: "1.0-1".parse().unwrap(),
        architecture: "amd64".to_owned(),
        installed_size: 1 << 20,
    };
    let mut writer = store.write_deb(pool, Codec::default(), &identity).unwrap();
    read_deb(&mut &*package, &DecoderBudget::default(), &mut writer).unwrap();
    writer.finish(store, FragmentKey::deb(&Sha256::of(package))).unwrap()
}

#[test]
fn what_dpkg_deb_packs_becomes_a_layer() {
    for compression in ["gzip", "xz", "none"] {
        let folder = tempfile::tempdir().unwrap();
        let Some(package) = build(folder.path(), compression) else { return };
        let store = Store::open(&folder.path().join("store"), false).unwrap();
        let fragment = Arc::new(fragment(&store, &Pool::new(2), &package));
        let listing = store.listing(&fragment).unwrap();
        let roots = listing.entries().iter().map(|entry| entry.path.clone()).collect::<Vec<ImagePath>>();
        let layer = store.layer(head(&roots, &Parents::new()), vec![Arc::clone(&fragment)], Codec::default()).unwrap();
        let mut tar = Vec::new();
        layer.write_tar(&store, &mut tar).unwrap();
        assert_eq!(layer.diff_id.0, Sha256::of(&tar));
        let mut reader = TarReader::new(&tar[..]);
        let (mut folders, mut others) = (Vec::new(), Vec::new());
        while let Some(entry) = reader.next_entry().unwrap() {
            let path = String::from_utf8(entry.path).unwrap();
            let mut content = String::new();
            reader.read_to_string(&mut content).unwrap();
            match entry.kind {
                TarKind::Directory => folders.push(path),
                TarKind::HardLink(target) => others.push(format!("{path} == {}", String::from_utf8(target).unwrap())),
                TarKind::Symlink(target) => others.push(format!("{path} -> {}", String::from_utf8(target).unwrap())),
                _ => others.push(format!("{path} {:o} {}", entry.metadata.mode, content.len())),
            }
        }
        for parent in ["usr", "usr/bin", "etc", "var/lib/dpkg/info", "usr/share/long/long"] {
            assert!(folders.iter().any(|folder| folder == parent), "{parent}");
        }
        let (info, files): (Vec<_>, Vec<_>) = others.into_iter().partition(|line| line.starts_with("var/lib/dpkg"));
        // Which of its two names comes first, the disk decides.
        let first = if files.iter().any(|line| line.starts_with("usr/bin/ours 4755 10")) { "ours" } else { "theirs" };
        let second = if first == "ours" { "theirs" } else { "ours" };
        let expected = [
            format!("usr/bin/{first} 4755 10"),
            format!("usr/bin/{second} == usr/bin/{first}"),
            "etc/ours.conf 640 3".to_owned(),
            "usr/bin/link -> ours".to_owned(),
        ];
        assert!(expected.iter().all(|line| files.contains(line)), "{files:?}");
        assert_eq!(files.len(), 5, "{files:?}");
        let info = info.iter().map(|line| line.split(' ').next().unwrap().rsplit('.').next().unwrap());
        assert_eq!(info.collect::<Vec<_>>(), ["conffiles", "postinst", "md5sums", "list"]);
        assert_eq!(store.facts(&fragment).unwrap().conffiles[0].md5, "1f681635c89df401ef18598ffe3a0694");
    }
}
