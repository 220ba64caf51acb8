use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;

use super::library::{Library, parse};
use super::*;
use crate::image::tree::{Metadata, Node, Tree};
use crate::nix::StorePath;
use crate::root::sample;
use crate::root::view::NO_PACKAGES;

/// Where the parts of the libraries below lie.
const DYNAMIC: u64 = 64 + 3 * 56;
const STRINGS: u64 = DYNAMIC + 4 * 16;

/// A 64-bit library of nothing but headers, that needs `level` of x86-64 (as its bits).
fn shared(machine: u16, soname: &str, level: u32) -> Vec<u8> {
    let strings = format!("\0{soname}\0");
    let notes = STRINGS + (strings.len() as u64).next_multiple_of(8);
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(64, 0);
    bytes[16] = 3;
    bytes[18..20].copy_from_slice(&machine.to_le_bytes());
    bytes[32] = 64;
    bytes[54] = 56;
    bytes[56] = 3;
    // All of it is loaded a page further up than it lies in the file.
    for [kind, offset, address, size, align] in [
        [1, 0, 4096, notes + 32, 4096],
        [2, DYNAMIC, 4096 + DYNAMIC, 4 * 16, 8],
        [0x6474_e553, notes, 4096 + notes, 32, 8],
    ] {
        bytes.extend([kind, offset, address, address, size, size, align].into_iter().flat_map(u64::to_le_bytes));
    }
    for (tag, value) in
        [(5, 4096 + STRINGS), (10, strings.len() as u64), (u64::from(soname.is_empty()) * 7 + 14, 1), (0, 0)]
    {
        bytes.extend([tag, value].into_iter().flat_map(u64::to_le_bytes));
    }
    bytes.extend(strings.as_bytes());
    bytes.resize(usize::try_from(notes).unwrap(), 0);
    bytes.extend([4, 16, 5].into_iter().flat_map(u32::to_le_bytes));
    bytes.extend(b"GNU\0");
    bytes.extend([0xc000_8002, 4, level, 0].into_iter().flat_map(u32::to_le_bytes));
    bytes
}

fn parsed(system: System, bytes: &[u8]) -> Option<Library> {
    parse(system, |offset, length| {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        Ok(bytes[start..start.saturating_add(length).min(bytes.len())].to_vec())
    })
    .unwrap()
}

fn cache_of(tree: &Tree, generator: &str) -> Option<LdCache> {
    let packages = std::collections::BTreeMap::<StorePath, _>::new();
    let view = View { trees: &[tree], packages: &packages, merged: &NO_PACKAGES };
    ld_cache(view, System::X86_64Linux, generator, &|_, _, _| Ok(None)).unwrap()
}

/// A machine with merged /usr, where folders, links, versions, processors and broken files meet.
fn lab() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let put = |path: &str, content: &[u8]| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    let library = |soname: &str| shared(62, soname, 0);
    put("etc/ld.so.conf", b"include /etc/ld.so.conf.d/*.conf # all of them\n/absent\n");
    put("etc/ld.so.conf.d/b.conf", b"/opt/b/\n /usr/lib/x86_64-linux-gnu\n");
    put("etc/ld.so.conf.d/a.conf", b"# first\n/opt/a=libc6\ninclude sub/?.x\n");
    put("etc/ld.so.conf.d/.hidden.conf", b"/opt/hidden\n");
    put("etc/ld.so.conf.d/sub/1.x", b"/opt/sub\n");
    for folder in ["opt/a", "opt/b", "opt/sub", "opt/hidden", "usr/lib/x86_64-linux-gnu"] {
        put(&format!("{folder}/libf.so.1.2"), &library("libf.so.1"));
    }
    put("opt/a/libf.so.1.10", &library("libf.so.1"));
    put("opt/b/libnone.so", &library(""));
    put("usr/lib/x86_64-linux-gnu/libz.so.1.3", &library("libz.so.1"));
    put("usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/libz.so.1.3", &shared(62, "libz.so.1", 7));
    put("usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v2/libz.so.1.2", &shared(62, "libz.so.1", 2));
    put("usr/lib/x86_64-linux-gnu/glibc-hwcaps/empty/README", b"");
    put("usr/lib/x86_64-linux-gnu/libarm.so.1", &shared(183, "libarm.so.1", 0));
    put("usr/lib/x86_64-linux-gnu/libtext.so", b"GROUP ( /lib/libz.so.1 )");
    put("usr/lib/x86_64-linux-gnu/libshort.so.1", b"\x7fELF");
    put("usr/lib/x86_64-linux-gnu/other.so", &library("other.so"));
    put("usr/lib/libold.so.2", &library("libold.so.2"));
    for (path, target) in [
        ("lib", "usr/lib"),
        ("usr/lib/x86_64-linux-gnu/libz.so.1", "libz.so.1.3"),
        ("usr/lib/x86_64-linux-gnu/libz.so", "libz.so.1"),
        ("usr/lib/x86_64-linux-gnu/libforeign.so.4", "/opt/b/libnone.so"),
        ("opt/b/libf.so.1", "libnone.so"),
        ("opt/sub/libf.so.1", "absent"),
    ] {
        symlink(target, root.path().join(path)).unwrap();
    }
    root
}

#[test]
fn the_cache_holds_what_the_linker_finds() {
    let root = lab();
    let cache = cache_of(&sample::of_disk(root.path()), "test").unwrap();
    let links: Vec<String> = cache
        .links
        .iter()
        .map(|link| format!("{} -> {} {}", link.path, String::from_utf8_lossy(&link.target), link.replaces))
        .collect();
    insta::assert_snapshot!(links.join("\n"), @r"
    /opt/a/libf.so.1 -> libf.so.1.10 false
    /opt/b/libf.so.1 -> libf.so.1.2 true
    /opt/sub/libf.so.1 -> libf.so.1.2 true
    /usr/lib/x86_64-linux-gnu/libf.so.1 -> libf.so.1.2 false
    ");
    let text = cache.bytes.escape_ascii().to_string().replace("\\x00", " ");
    let strings: Vec<&str> = text.split(' ').filter(|word| word.starts_with('/')).collect();
    insta::assert_snapshot!(strings.join("\n"), @r"
    /usr/lib/x86_64-linux-gnu/libz.so
    /opt/b/libnone.so
    /usr/lib/x86_64-linux-gnu/libforeign.so.4
    /usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/libz.so.1.3
    /lib/libold.so.2
    /usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v2/libz.so.1.2
    /usr/lib/x86_64-linux-gnu/libz.so.1
    /usr/lib/x86_64-linux-gnu/libf.so.1
    /opt/sub/libf.so.1
    /opt/b/libf.so.1
    /opt/a/libf.so.1
    ");
}

#[test]
fn a_small_cache_has_these_bytes() {
    let mut tree = Tree::new();
    let mut put = |path: &[u8], content| {
        tree.insert(ImagePath::new(path).unwrap(), (Metadata::root(0o644), Node::File(content)));
    };
    put(b"usr/lib/libz.so.1", shared(62, "libz.so.1", 0));
    put(b"usr/lib/glibc-hwcaps/x86-64-v3/libz.so.1.3", shared(62, "libz.so.1", 7));
    let cache = cache_of(&tree, "me").unwrap();
    assert_eq!(cache.links, []);
    let lines: Vec<String> = cache.bytes.chunks(24).map(|chunk| chunk.escape_ascii().to_string()).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    glibc-ld.so.cache1.1\x02\x00\x00\x00
    I\x00\x00\x00\x02\x00\x00\x00\xac\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00
    \x03\x03\x00\x00\x9f\x00\x00\x00j\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00@
    \x03\x03\x00\x00\x9f\x00\x00\x00\x96\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00
    x86-64-v3\x00/usr/lib/glibc
    -hwcaps/x86-64-v3/libz.s
    o.1.3\x00/usr/lib/libz.so.1
    \x00\x00\x00\x00t!\xa4\xea\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xd8\x00\x00\x00
    \x02\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xd4\x00\x00\x00\x04\x00\x00\x00`\x00\x00\x00
    me
    ");
}

/// The same bytes, and the same links, as the real one writes: for the lab, and for the root that
/// `DUMBC_TEST_LDCONFIG_ROOT` names, if any (which is not changed).
#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn it_is_the_one_of_ldconfig() {
    let Some(ldconfig) = ["/usr/sbin/ldconfig", "/sbin/ldconfig"].into_iter().find(|path| Path::new(path).exists())
    else {
        eprintln!("skipped: there is no ldconfig here");
        return;
    };
    let lab = lab();
    compare(ldconfig, lab.path());
    if let Some(real) = std::env::var_os("DUMBC_TEST_LDCONFIG_ROOT") {
        let copy = tempfile::tempdir().unwrap();
        let root = copy.path().join("root");
        assert!(Command::new("cp").arg("-a").arg(real).arg(&root).status().unwrap().success());
        compare(ldconfig, &root);
    }
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn compare(ldconfig: &str, root: &Path) {
    let before = sample::of_disk(root);
    let output = Command::new(ldconfig).args(["-i", "-r"]).arg(root).output().unwrap();
    let Ok(real) = fs::read(root.join("etc/ld.so.cache")) else {
        eprintln!("skipped: this ldconfig does not write: {}", String::from_utf8_lossy(&output.stderr));
        return;
    };
    let start = real.windows(10).rposition(|window| window == b"ldconfig (");
    let Some(start) = start else {
        eprintln!("skipped: this ldconfig is older than 2.33, or not glibc's");
        return;
    };
    let generator = std::str::from_utf8(&real[start..]).unwrap();
    let made = cache_of(&before, generator).unwrap();
    fs::write(root.join("made"), &made.bytes).unwrap();
    let list = |cache: &Path| {
        let output = Command::new(ldconfig).arg("-p").arg("-C").arg(cache).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().skip(1).map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(list(&root.join("made")), list(&root.join("etc/ld.so.cache")));
    assert_eq!(made.bytes, real);
    for link in made.links {
        let path = root.join(std::str::from_utf8(link.path.as_bytes()).unwrap());
        assert_eq!(fs::read_link(path).unwrap().into_os_string().into_encoded_bytes(), link.target, "{}", link.path);
    }
}

#[test]
fn libraries_say_what_they_are() {
    let library = |flags, soname: Option<&str>, isa_level| {
        Some(Library { flags, soname: soname.map(|name| name.as_bytes().to_vec()), isa_level })
    };
    let (intel, arm) = (System::X86_64Linux, System::Aarch64Linux);
    assert_eq!(parsed(intel, &shared(62, "libz.so.1", 7)), library(0x303, Some("libz.so.1"), 2));
    assert_eq!(parsed(intel, &shared(62, "", 0)), library(0x303, None, 0));
    assert_eq!(parsed(arm, &shared(183, "libz.so.1", 0)), library(0xa03, Some("libz.so.1"), 0));
    assert_eq!(parsed(intel, &shared(183, "libz.so.1", 0)), None);
    assert_eq!(parsed(intel, &shared(62, "../libz.so.1", 0)), None);
    assert_eq!(parsed(intel, &shared(62, &"x".repeat(300), 0)), None);
    let mut program = shared(62, "a", 0);
    program[16] = 2;
    assert_eq!(parsed(intel, &program), None);
}

#[test]
fn a_configuration_that_includes_itself_is_refused() {
    let mut tree = Tree::new();
    let mut put = |path: &[u8], node| tree.insert(ImagePath::new(path).unwrap(), (Metadata::root(0o644), node));
    put(b"etc", Node::Directory);
    put(b"etc/ld.so.conf", Node::File(b"include /etc/ld.so.c*\n".to_vec()));
    let packages = std::collections::BTreeMap::<StorePath, _>::new();
    let view = View { trees: &[&tree], packages: &packages, merged: &NO_PACKAGES };
    let error = ld_cache(view, System::X86_64Linux, "test", &|_, _, _| Ok(None)).unwrap_err();
    assert!(matches!(error, LdCacheError::TooManyFiles { limit: 256 }));
}

#[test]
fn without_libraries_there_is_no_cache() {
    assert_eq!(cache_of(&Tree::new(), "test"), None);
}

#[test]
fn the_generator_is_named_as_ldconfig_does() {
    let debian = "ldconfig (Debian GLIBC 2.36-9+deb12u14) stable release version 2.36";
    assert_eq!(generator("2.36-9+deb12u14"), debian);
    assert_eq!(generator("2.39-0ubuntu8.4"), "ldconfig (Ubuntu GLIBC 2.39-0ubuntu8.4) stable release version 2.39");
}

proptest! {
    #[test]
    fn damaged_libraries_are_survived(changes in prop::collection::vec((0..400usize, any::<u8>()), 0..6), cut in 0..400usize) {
        let mut bytes = shared(62, "libz.so.1", 7);
        for (at, value) in changes {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        bytes.truncate(cut.max(64));
        let _ = parsed(System::X86_64Linux, &bytes);
        let _ = parsed(System::Aarch64Linux, &bytes);
    }
}
