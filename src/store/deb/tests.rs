//! Packages' archives, made by hand: good, odd and hostile.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::deb::{Conffile, Member};
use crate::image::listing::ListingKind;
use crate::image::tar::{TAIL, write_header};
use crate::image::untar::{TarEntry, TarKind};
use crate::nix::Sha256;
use crate::store::{Extent, LastMember};

const CONTROL: &str = "Package: ours\nVersion: 1:2.0-1\nArchitecture: amd64\nDescription: short\n long\n";

/// A tar archive, written by another's hand.
#[derive(Default, Clone)]
pub(in crate::store) struct Archive(Vec<u8>);

impl Archive {
    /// An entry with all that a header says; its owner is `user` and `group`, by number and name.
    fn with(
        mut self,
        flag: u8,
        name: &str,
        link: &str,
        content: &[u8],
        (mode, ids, names): (u32, [u64; 2], [&str; 2]),
    ) -> Self {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(tar::EntryType::new(flag));
        header.set_size(content.len() as u64);
        header.set_mode(mode);
        header.set_mtime(1_700_000_000);
        header.set_uid(ids[0]);
        header.set_gid(ids[1]);
        header.set_username(names[0]).unwrap();
        header.set_groupname(names[1]).unwrap();
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn plain(self, flag: u8, name: &str, link: &str, content: &[u8], mode: u32) -> Self {
        self.with(flag, name, link, content, (mode, [0, 0], ["root", "root"]))
    }

    pub(in crate::store) fn folder(self, name: &str) -> Self {
        self.plain(b'5', name, "", b"", 0o755)
    }

    pub(in crate::store) fn file(self, name: &str, content: &str) -> Self {
        self.plain(b'0', name, "", content.as_bytes(), 0o644)
    }

    pub(in crate::store) fn symlink(self, name: &str, target: &str) -> Self {
        self.plain(b'2', name, target, b"", 0o777)
    }

    pub(in crate::store) fn hard_link(self, name: &str, target: &str) -> Self {
        self.plain(b'1', name, target, b"", 0o644)
    }

    fn bytes(&self) -> Vec<u8> {
        [&self.0[..], &TAIL].concat()
    }
}

/// A store of its own, with what is needed to write to it.
pub(in crate::store) struct Bench {
    _folder: tempfile::TempDir,
    pub(in crate::store) store: Store,
    pub(in crate::store) pool: Pool,
}

impl Bench {
    pub(in crate::store) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), false).unwrap();
        Self { _folder: folder, store, pool: Pool::new(1) }
    }

    fn write(&self, control: &Archive, data: &mut dyn Read) -> Result<Fragment, Error> {
        let identity = DebIdentity {
            name: "ours".parse().unwrap(),
            version: "1:2.0-1".parse().unwrap(),
            architecture: "amd64".to_owned(),
            installed_size: 4096,
        };
        let mut writer = self.store.write_deb(&self.pool, Codec::Gzip(1), &identity)?;
        writer.control(&mut &control.bytes()[..])?;
        writer.data(data)?;
        let key = FragmentKey::deb(&Sha256::of(&control.0));
        writer.finish(&self.store, key)
    }

    /// A package with nothing but a control file and these files.
    pub(in crate::store) fn package(&self, data: &Archive) -> Result<Fragment, Error> {
        self.write(&control(), &mut &data.bytes()[..])
    }

    /// The tar's entries with their contents.
    pub(in crate::store) fn entries(&self, fragment: &Fragment) -> Vec<(TarEntry, Vec<u8>)> {
        let mut reader = TarReader::new(self.store.read_fragment(fragment).unwrap().into_tar().unwrap());
        let mut entries = Vec::new();
        while let Some(entry) = reader.next_entry().unwrap() {
            let mut content = Vec::new();
            reader.read_to_end(&mut content).unwrap();
            entries.push((entry, content));
        }
        entries
    }

    /// What stands where, a line each, without dpkg's database.
    pub(in crate::store) fn lines(&self, fragment: &Fragment) -> Vec<String> {
        let entries = self.entries(fragment);
        let ours = entries.into_iter().filter(|(entry, _)| !entry.path.starts_with(INFO.as_bytes()));
        ours.map(|(entry, content)| line(&entry, &content)).collect()
    }

    pub(in crate::store) fn text(&self, fragment: &Fragment, path: &str) -> Option<String> {
        let extents = self.store.extents(fragment).unwrap();
        let Extent { offset, size } = *extents.get(&ImagePath::new(path.as_bytes()).unwrap())?;
        let size = usize::try_from(size).unwrap();
        let bytes = self.store.read_at(fragment, offset, size, &mut LastMember::default()).unwrap();
        Some(String::from_utf8(bytes).unwrap())
    }
}

pub(in crate::store) fn control() -> Archive {
    Archive::default().folder("./").file("./control", CONTROL)
}

fn line(entry: &TarEntry, content: &[u8]) -> String {
    let Metadata { mode, uid, gid } = entry.metadata;
    let content = match &entry.kind {
        TarKind::File(_) => format!("= {}", String::from_utf8_lossy(content)),
        TarKind::Symlink(target) => format!("-> {}", String::from_utf8_lossy(target)),
        TarKind::HardLink(target) => format!("== {}", String::from_utf8_lossy(target)),
        kind => format!("{kind:?}"),
    };
    let capability = entry.capability.as_ref().map_or("", |_| " capable");
    assert_eq!(entry.mtime, 1);
    format!("{} {mode:o} {uid}:{gid} {content}{capability}", String::from_utf8_lossy(&entry.path))
}

/// Why a package with these files is refused.
fn refused(data: &Archive) -> String {
    fault(Bench::new().package(data).unwrap_err())
}

fn fault(error: Error) -> String {
    match error {
        Error::Deb(fault) => fault.to_string(),
        Error::Source(error) => {
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            error.downcast::<DebFault>().unwrap().to_string()
        }
        other => panic!("{other}"),
    }
}

#[test]
fn files_stand_at_canonical_paths_with_their_owners() {
    let bench = Bench::new();
    let root = (0o4755, [0, 0], ["root", "root"]);
    let data = Archive::default()
        .folder("./")
        .folder("./bin/")
        .with(b'0', "./bin/su", "", b"setuid", root)
        .hard_link("./usr/bin/su2", "./bin/su")
        .with(b'5', "./usr/bin/", "", b"", (0o755, [0, 0], ["root", "root"]))
        .with(b'0', "./var/mail/box", "", b"", (0o2660, [999, 999], ["mail", "mail"]))
        .with(b'0', "./var/mail/ours", "", b"", (0o600, [998, 997], ["messagebus", ""]))
        .symlink("./lib/x", "../usr/share/x")
        .symlink("./lib", "usr/lib")
        .symlink("./etc/absolute", "/../x");
    let fragment = bench.package(&data).unwrap();
    let expected = [
        "usr/bin/su 4755 0:0 = setuid",
        "usr/bin/su2 4755 0:0 == usr/bin/su",
        "var/mail/box 2660 8:8 = ",
        "var/mail/ours 600 998:997 = ",
        "usr/lib/x 777 0:0 -> ../usr/share/x",
        "etc/absolute 777 0:0 -> /../x",
    ];
    assert_eq!(bench.lines(&fragment), expected);
    // dpkg's list: as the archive has it, links last.
    let list =
        "/.\n/bin\n/bin/su\n/usr/bin/su2\n/usr/bin\n/var/mail/box\n/var/mail/ours\n/lib/x\n/lib\n/etc/absolute\n";
    assert_eq!(bench.text(&fragment, "var/lib/dpkg/info/ours.list").unwrap(), list);
    let listing = bench.store.listing(&fragment).unwrap();
    let kind = |path: &str| listing.get(&ImagePath::new(path.as_bytes()).unwrap());
    assert_eq!(kind("usr/bin/su2"), Some(&ListingKind::File { executable: true, size: 6 }));
    assert_eq!(bench.text(&fragment, "usr/bin/su2").unwrap(), "setuid");
    for folder in ["", "usr", "usr/bin", "usr/lib", "etc", "var/mail", "var/lib/dpkg/info"] {
        assert_eq!(kind(folder), Some(&ListingKind::Directory), "{folder}");
    }
    assert_eq!(kind("lib"), None);
    assert_eq!(kind("bin"), None);
    assert_eq!(fragment.alone().head, Sha256::of(b""));
    assert_eq!(bench.store.fragment(fragment.key, fragment.codec).unwrap().unwrap().record, fragment.record);
}

#[test]
fn folders_look_as_the_package_says_and_their_own_name_counts() {
    let bench = Bench::new();
    let shared = |name: &'static str, mode| move |archive: Archive| archive.plain(b'5', name, "", b"", mode);
    let data = shared("./usr/lib/", 0o750)(Archive::default());
    let data = shared("./lib/", 0o700)(shared("./var/local/", 0o2775)(data.file("./usr/share/x/y", "")));
    let fragment = bench.package(&data.folder("./usr/share/x")).unwrap();
    let listing = bench.store.listing(&fragment).unwrap();
    let modes = listing.entries().iter().filter(|entry| entry.kind == ListingKind::Directory);
    let modes = modes.map(|entry| format!("{} {:o}", entry.path, entry.metadata.mode)).collect::<Vec<_>>();
    let expected = ["/ 755", "/usr 755", "/usr/lib 750", "/usr/share 755", "/usr/share/x 755", "/var 755"];
    assert_eq!(modes[..6], expected);
    assert!(modes.contains(&"/var/local 2775".to_owned()));
}

#[test]
fn dpkgs_database_has_the_packages_members() {
    let bench = Bench::new();
    let text = CONTROL.replace("Description", "Multi-Arch: same\nDescription");
    let control = Archive::default()
        .file("control", &text)
        .plain(b'0', "./postinst", "", b"#!/bin/sh\n", 0o644)
        .plain(b'0', "./md5sums", "", b"of the package's own\n", 0o600)
        .plain(b'0', "./templates", "", b"\xff\xfe", 0o644)
        .file("./conffiles", "/etc/ours \n\n/lib/ours.conf\nremove-on-upgrade /etc/old\n/etc/none\n/etc/second\n");
    let data = Archive::default()
        .file("./etc/first", "hello")
        .file("./etc/ours", "hello")
        .file("./lib/ours.conf", "")
        .hard_link("./etc/second", "./etc/first");
    let fragment = bench.write(&control, &mut &data.bytes()[..]).unwrap();
    let of_dpkg = bench.entries(&fragment).into_iter().filter(|(entry, _)| entry.path.starts_with(INFO.as_bytes()));
    let names = of_dpkg.map(|(entry, _)| {
        format!("{} {:o}", String::from_utf8_lossy(&entry.path[INFO.len() + 1..]), entry.metadata.mode)
    });
    let expected = ["conffiles 644", "md5sums 644", "postinst 755", "templates 644", "list 644"];
    assert_eq!(names.collect::<Vec<_>>(), expected.map(|name| format!("ours:amd64.{name}")));
    let facts = bench.store.facts(&fragment).unwrap();
    assert_eq!(facts.control, text);
    assert_eq!(facts.members.keys().collect::<Vec<_>>(), ["conffiles", "postinst", "templates"]);
    assert_eq!(facts.members["templates"], Member::Binary(2));
    let conffile = |path: &str, md5: &str| Conffile { path: path.to_owned(), md5: md5.to_owned() };
    let hello = "5d41402abc4b2a76b9719d911017c592";
    let expected = [
        conffile("/etc/ours", hello),
        conffile("/lib/ours.conf", "d41d8cd98f00b204e9800998ecf8427e"),
        conffile("/etc/none", "newconffile"),
        conffile("/etc/second", hello),
    ];
    assert_eq!(facts.conffiles, expected);
}

#[test]
fn sums_that_a_package_does_not_bring_are_made() {
    let bench = Bench::new();
    let data = Archive::default().file("./bin/x", "hello").hard_link("./usr/y", "bin/x").symlink("./usr/z", "y");
    let fragment = bench.package(&data).unwrap();
    let expected = "5d41402abc4b2a76b9719d911017c592  bin/x\n5d41402abc4b2a76b9719d911017c592  usr/y\n";
    assert_eq!(bench.text(&fragment, "var/lib/dpkg/info/ours.md5sums").unwrap(), expected);
    let empty = bench.package(&Archive::default().folder("./")).unwrap();
    assert_eq!(bench.text(&empty, "var/lib/dpkg/info/ours.md5sums"), None);
}

#[test]
fn hostile_files_are_refused_by_name() {
    let some = Archive::default;
    let cases = [
        (some().file("/etc/x", ""), "`/etc/x`: it is absolute"),
        (some().file(".//etc/x", ""), "`.//etc/x`: it has an empty component"),
        (some().file("./a/../../x", ""), "`./a/../../x`: it has a `.` or `..` component"),
        (some().file("./a\nb", ""), "`./a\\nb`: it has a line end in its name"),
        (some().file("", ""), "``: it has no name"),
        (some().file("./etc/.wh.x", ""), "`./etc/.wh.x`: names beginning `.wh.` mark deletions in image layers"),
        (some().plain(b'3', "./dev/sda", "", b"", 0o660), "`dev/sda`: it is a device, FIFO or socket"),
        (some().plain(b'4', "./dev/x", "", b"", 0o660), "`dev/x`: it is a device, FIFO or socket"),
        (some().plain(b'6', "./run/p", "", b"", 0o660), "`run/p`: it is a device, FIFO or socket"),
        (some().symlink("./a/b", "../../c"), "`a/b`: it is a link that climbs out of the root"),
        (some().symlink("./a/b", "c/../../../d"), "`a/b`: it is a link that climbs out of the root"),
        (some().symlink("./a", ""), "`a`: it is a link to nothing"),
        (some().symlink("./bin", "etc"), "`bin`: it is a link that leads elsewhere than into /usr"),
        (some().symlink("./lib64", "usr/lib"), "`lib64`: it is a link that leads elsewhere than into /usr"),
        (some().symlink("./a", "b").file("./a/c", ""), "`a/c`: it lies below a file or link of the same package"),
        (some().file("./a", "b").folder("./a/c/d"), "`a/c/d`: it lies below a file or link of the same package"),
        (some().file("./a/b", "").symlink("./a", "c"), "`a`: it is a folder, and a file or link, too"),
        (some().file("./a", "").folder("./a"), "`a`: it is a folder, and a file or link, too"),
        (some().file("./a", "").file("a", ""), "`a`: it stands twice in the package"),
        (some().file("./bin/a", "").file("usr/bin/a", ""), "`usr/bin/a`: it stands twice in the package"),
        (
            some().folder("./a").plain(b'5', "./a", "", b"", 0o700),
            "`a`: it stands twice, with different modes or owners",
        ),
        (some().file("./", ""), "``: it is a folder, and a file or link, too"),
        (
            some().hard_link("./a", "./b").file("./b", ""),
            "`a` is a hard link to `./b`, which is no file that the package has brought before",
        ),
        (
            some().hard_link("./a", "../etc/shadow"),
            "`a` is a hard link to `../etc/shadow`, which is no file that the package has brought before",
        ),
        (
            some().folder("./b").hard_link("./a", "b"),
            "`a` is a hard link to `b`, which is no file that the package has brought before",
        ),
        (
            some().file("./var/lib/dpkg/info/ours.list", ""),
            "`var/lib/dpkg/info/ours.list`: it stands twice in the package",
        ),
    ];
    for (data, expected) in cases {
        assert_eq!(refused(&data), expected);
    }
}

#[test]
fn a_second_name_of_a_link_is_a_link() {
    let bench = Bench::new();
    let fragment = bench.package(&Archive::default().symlink("./x/a", "../b").hard_link("./c/d", "x/a")).unwrap();
    assert_eq!(bench.lines(&fragment), ["x/a 777 0:0 -> ../b", "c/d 777 0:0 -> ../b"]);
    let climbs = Archive::default().symlink("./x/a", "../b").hard_link("./d", "x/a");
    assert_eq!(refused(&climbs), "`d`: it is a link that climbs out of the root");
}

#[test]
fn paths_and_targets_have_limits() {
    let long = |bytes: usize| [b"d/".repeat(bytes / 2), vec![b'e'; bytes % 2]].concat();
    let entry = |path: &[u8], kind: Kind<'_>| {
        let mut archive = Archive::default();
        write_header(&mut archive.0, path, kind, Metadata::root(0o644));
        archive
    };
    let bench = Bench::new();
    bench.package(&entry(&long(4095), Kind::Symlink(&[b'x'; 4095]))).unwrap();
    assert!(refused(&entry(&long(4097), Kind::File(0))).ends_with("it is longer than 4096 bytes"));
    assert!(refused(&entry(b"a", Kind::Symlink(&[b'x'; 4096]))).ends_with("a path of more than 4095 bytes"));
    assert!(refused(&entry(b"a", Kind::Symlink(&[0; 200]))).ends_with("it is a link to a path with a NUL byte"));
    assert!(refused(&entry(&[b'x'; 256], Kind::File(0))).ends_with("a component of more than 255 bytes"));
}

#[test]
fn bombs_are_refused() {
    let bench = Bench::new();
    let mut header = Vec::new();
    write_header(&mut header, b"bomb", Kind::File(1 << 40), Metadata::root(0o644));
    let mut endless = Cursor::new(header).chain(io::repeat(0));
    let expected = "its archive of files takes more than 256 MiB unpacked";
    assert_eq!(fault(bench.write(&control(), &mut endless).unwrap_err()), expected);
    let large = control().plain(b'0', "one", "", &vec![b'x'; 20 << 20], 0o644);
    let large = large.plain(b'0', "other", "", &vec![b'x'; 13 << 20], 0o644);
    let expected = "its control archive: `other`: with it, the members take more than 32 MiB";
    assert_eq!(fault(bench.write(&large, &mut &TAIL[..]).unwrap_err()), expected);
}

#[test]
fn lies_and_oddities_of_the_control_archive_are_named() {
    let bench = Bench::new();
    let refused = |control: Archive| fault(bench.write(&control, &mut &TAIL[..]).unwrap_err());
    let lie = |from: &str, to: &str| refused(Archive::default().file("./control", &CONTROL.replace(from, to)));
    let wrong = |field: &str, index: &str, package: &str| {
        format!("the index is wrong: it says {field} `{index}`, and the package says `{package}`")
    };
    assert_eq!(lie("ours", "theirs"), wrong("Package", "ours", "theirs"));
    assert_eq!(lie("1:2.0-1", "2.0-1"), wrong("Version", "1:2.0-1", "2.0-1"));
    assert_eq!(lie("Architecture: amd64\n", ""), wrong("Architecture", "amd64", ""));
    assert_eq!(lie("Package: ours", "no field"), "its control file");
    assert_eq!(refused(Archive::default()), "it has no control file");
    let odd = |archive: Archive| refused(archive.file("./control", CONTROL));
    let some = Archive::default;
    let member = |name: &str, reason: &str| format!("its control archive: `{name}`: {reason}");
    assert_eq!(odd(some().file("./a/b", "")), member("./a/b", "no member has such a name"));
    assert_eq!(odd(some().file("../b", "")), member("../b", "no member has such a name"));
    assert_eq!(odd(some().file("./list", "")), member("./list", "no package brings it"));
    assert_eq!(odd(some().symlink("./postinst", "/bin/sh")), member("./postinst", "it is no file"));
    assert_eq!(odd(some().file("./a", "").file("a", "")), member("a", "it stands twice"));
    assert_eq!(odd(some().file("./conffiles", "etc/x\n")), member("conffiles", "a path that is not absolute"));
    assert!(odd(some().file("./conffiles", "/a/../x\n")).contains("`..` component"));
    assert!(odd(some().plain(b'0', "conffiles", "", b"/\xff", 0)).contains("it is no UTF-8"));
}

#[test]
fn nothing_is_kept_of_half_a_package() {
    let bench = Bench::new();
    let mut data = Archive::default().file("./a", "b").bytes();
    data.truncate(700);
    bench.write(&control(), &mut &data[..]).unwrap_err();
    let key = FragmentKey::deb(&Sha256::of(&control().0));
    assert_eq!(bench.store.fragment(key, Codec::Gzip(1)).unwrap(), None);
    let identity = DebIdentity {
        name: "ours".parse().unwrap(),
        version: "1".parse().unwrap(),
        architecture: "amd64".to_owned(),
        installed_size: 0,
    };
    let writer = || bench.store.write_deb(&bench.pool, Codec::None, &identity).unwrap();
    assert_eq!(fault(writer().finish(&bench.store, key).unwrap_err()), "it has no control archive");
    let error = writer().data(&mut &TAIL[..]).unwrap_err();
    assert_eq!(error.to_string(), "it has no control archive before its files");
}

#[test]
fn damaged_facts_are_found_and_removed() {
    let bench = Bench::new();
    let fragment = bench.package(&Archive::default()).unwrap();
    bench.store.facts(&fragment).unwrap();
    std::fs::write(bench.store.attachment_path(fragment.key), b"{}").unwrap();
    assert!(matches!(bench.store.facts(&fragment), Err(Error::Damaged(key)) if key == fragment.key));
    assert_eq!(bench.store.fragment(fragment.key, fragment.codec).unwrap(), None);
}

/// Names that make trees rather than collisions, two of them aliases.
fn tree() -> impl Strategy<Value = Vec<(String, u8, Vec<u8>, u32)>> {
    let path = proptest::collection::vec("[abc]|lib|usr", 1..4).prop_map(|names| names.join("/"));
    let content = proptest::collection::vec(any::<u8>(), 0..1500);
    proptest::collection::vec((path, 0u8..4, content, 0u32..0o10000), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_taken_comes_back(tree in tree()) {
        let (mut archive, mut expected, mut first) = (Archive::default(), Vec::new(), None::<(String, u32)>);
        for (path, kind, content, mode) in &tree {
            let place = String::from_utf8(crate::deb::canonical(path.as_bytes()).into_owned()).unwrap();
            archive = match (kind, &first) {
                (0, _) => archive.plain(b'5', path, "", b"", *mode),
                (1, _) => {
                    expected.push((place, TarKind::Symlink(b"/x".to_vec()), 0o777, vec![]));
                    archive.symlink(path, "/x")
                }
                (2, Some((target, mode))) => {
                    expected.push((place, TarKind::HardLink(target.clone().into_bytes()), *mode, vec![]));
                    archive.hard_link(path, target)
                }
                _ => {
                    first.get_or_insert((place.clone(), *mode));
                    expected.push((place, TarKind::File(content.len() as u64), *mode, content.clone()));
                    archive.plain(b'0', path, "", content, *mode)
                }
            };
        }
        let bench = Bench::new();
        // Refused is what is no tree; everything else comes back as it was.
        if let Ok(fragment) = bench.package(&archive) {
            let entries = bench.entries(&fragment).into_iter().filter(|(entry, _)| !entry.path.starts_with(INFO.as_bytes()));
            let entries = entries
                .map(|(entry, content)| (String::from_utf8(entry.path).unwrap(), entry.kind, entry.metadata.mode, content));
            prop_assert_eq!(entries.collect::<Vec<_>>(), expected);
            let listing = bench.store.listing(&fragment).unwrap();
            prop_assert!(listing.entries().len() > tree.len());
        }
    }

    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..1200), flag in any::<u8>()) {
        let mut block = bytes;
        block.resize(block.len().next_multiple_of(512).max(512), 0);
        block[156] = flag;
        block[148..156].fill(b' ');
        let sum: u64 = block[..512].iter().map(|&byte| u64::from(byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:07o}\0").as_bytes());
        let bench = Bench::new();
        let _ = bench.write(&control(), &mut &block[..]);
        let _ = bench.write(&Archive(block), &mut &TAIL[..]);
    }
}
