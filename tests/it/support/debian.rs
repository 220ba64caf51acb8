//! A Debian archive of made-up packages, signed, in a folder.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use md5::Digest as _;
use tempfile::TempDir;

use super::openpgp::Key;

/// A package that is about to be built. Files belong to root and have 0644, unless said.
#[derive(Clone)]
pub(crate) struct Deb {
    name: String,
    version: String,
    architecture: String,
    fields: Vec<(String, String)>,
    entries: Vec<Entry>,
    control: Vec<(String, u32, Vec<u8>)>,
}

#[derive(Clone)]
struct Entry {
    path: String,
    kind: tar::EntryType,
    mode: u32,
    owner: (u64, u64),
    target: String,
    content: Vec<u8>,
}

impl Deb {
    pub(crate) fn new(name: &str, version: &str) -> Self {
        let (name, version) = (name.to_owned(), version.to_owned());
        Self { name, version, architecture: "amd64".to_owned(), fields: vec![], entries: vec![], control: vec![] }
    }

    pub(crate) fn all(mut self) -> Self {
        "all".clone_into(&mut self.architecture);
        self
    }

    /// A field of the control file.
    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn depends(self, relations: &str) -> Self {
        self.field("Depends", relations)
    }

    pub(crate) fn entry(mut self, path: &str, kind: tar::EntryType, mode: u32, owner: (u64, u64)) -> Self {
        let (path, target) = path.split_once(" -> ").unwrap_or((path, ""));
        let (path, target) = (path.to_owned(), target.to_owned());
        self.entries.push(Entry { path, kind, mode, owner, target, content: Vec::new() });
        self
    }

    pub(crate) fn file(self, path: &str, content: &str) -> Self {
        self.mode_file(path, 0o644, (0, 0), content)
    }

    /// A script that `sh` runs.
    pub(crate) fn program(self, path: &str, content: &str) -> Self {
        self.mode_file(path, 0o755, (0, 0), &format!("#!/bin/sh\n{content}\n"))
    }

    pub(crate) fn mode_file(self, path: &str, mode: u32, owner: (u64, u64), content: &str) -> Self {
        let mut with = self.entry(path, tar::EntryType::Regular, mode, owner);
        with.entries.last_mut().unwrap().content = content.as_bytes().to_vec();
        with
    }

    /// A file that is no text.
    pub(crate) fn bytes(self, path: &str, content: &[u8]) -> Self {
        let mut with = self.file(path, "");
        with.entries.last_mut().unwrap().content = content.to_vec();
        with
    }

    pub(crate) fn folder(self, path: &str, mode: u32, owner: (u64, u64)) -> Self {
        self.entry(path, tar::EntryType::Directory, mode, owner)
    }

    /// `path -> target`
    pub(crate) fn link(self, link: &str) -> Self {
        self.entry(link, tar::EntryType::Symlink, 0o777, (0, 0))
    }

    /// `path -> ./earlier`
    pub(crate) fn hard_link(self, link: &str) -> Self {
        self.entry(link, tar::EntryType::Link, 0o644, (0, 0))
    }

    /// A member of the control archive: `postinst`, `conffiles`.
    pub(crate) fn member(mut self, name: &str, content: &str) -> Self {
        let mode = if content.starts_with("#!") { 0o755 } else { 0o644 };
        self.control.push((name.to_owned(), mode, content.as_bytes().to_vec()));
        self
    }

    pub(crate) fn file_name(&self) -> String {
        let version = self.version.split_once(':').map_or(self.version.as_str(), |(_, rest)| rest);
        format!("pool/main/{}/{}/{}_{version}_{}.deb", &self.name[..1], self.name, self.name, self.architecture)
    }

    fn paragraph(&self) -> String {
        let size = self.entries.iter().map(|entry| entry.content.len().div_ceil(1024)).sum::<usize>();
        let mut text =
            format!("Package: {}\nVersion: {}\nArchitecture: {}\n", self.name, self.version, self.architecture);
        let given = |name: &str| self.fields.iter().any(|(field, _)| field == name);
        let defaults = [
            ("Maintainer", "Test <test@example.org>".to_owned()),
            ("Installed-Size", size.to_string()),
            ("Description", format!("{} for tests", self.name)),
        ];
        for (name, value) in defaults.iter().filter(|(name, _)| !given(name)) {
            writeln!(text, "{name}: {value}").unwrap();
        }
        self.fields.iter().for_each(|(name, value)| writeln!(text, "{name}: {value}").unwrap());
        text
    }

    /// The .deb's bytes.
    pub(crate) fn build(&self) -> Vec<u8> {
        let mut ar = b"!<arch>\n".to_vec();
        let mut member = |name: &str, bytes: &[u8]| {
            writeln!(ar, "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", 0, 0, 0, 100_644, bytes.len()).unwrap();
            ar.extend_from_slice(bytes);
            if bytes.len() % 2 == 1 {
                ar.push(b'\n');
            }
        };
        member("debian-binary", b"2.0\n");
        member("control.tar.gz", &gzip(&self.control_tar()));
        member("data.tar.xz", &xz(&self.data_tar()));
        ar
    }

    fn control_tar(&self) -> Vec<u8> {
        let sums = self.entries.iter().filter(|entry| entry.kind == tar::EntryType::Regular).map(|entry| {
            let sum = data_encoding::HEXLOWER.encode(&md5::Md5::digest(&entry.content));
            format!("{sum}  {}\n", entry.path.trim_start_matches(['.', '/']))
        });
        let mut members = vec![
            ("control".to_owned(), 0o644, self.paragraph().into_bytes()),
            ("md5sums".to_owned(), 0o644, sums.collect::<String>().into_bytes()),
        ];
        members.extend(self.control.iter().cloned());
        let entries = members.into_iter().map(|(path, mode, content)| {
            let (path, kind, owner) = (format!("./{path}"), tar::EntryType::Regular, (0, 0));
            Entry { path, kind, mode, owner, target: String::new(), content }
        });
        tar_of(entries)
    }

    /// With the folders that dpkg-deb writes before what is in them.
    fn data_tar(&self) -> Vec<u8> {
        let mut entries = vec![folder("./")];
        for entry in &self.entries {
            let plain = entry.path.trim_start_matches(['.', '/']);
            for (end, _) in plain.match_indices('/') {
                let path = format!("./{}/", &plain[..end]);
                if entries
                    .iter()
                    .chain(&self.entries)
                    .all(|known| known.path.trim_end_matches('/') != path.trim_end_matches('/'))
                {
                    entries.push(folder(&path));
                }
            }
            entries.push(entry.clone());
        }
        tar_of(entries.into_iter())
    }
}

fn folder(path: &str) -> Entry {
    let (target, content) = (String::new(), Vec::new());
    Entry { path: path.to_owned(), kind: tar::EntryType::Directory, mode: 0o755, owner: (0, 0), target, content }
}

fn tar_of(entries: impl Iterator<Item = Entry>) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(entry.kind);
        header.set_mode(entry.mode);
        header.set_uid(entry.owner.0);
        header.set_gid(entry.owner.1);
        header.set_mtime(1_700_000_000);
        header.set_size(entry.content.len() as u64);
        // Written by hand: the crate refuses the paths that hostile packages have.
        let name = entry.path.as_bytes();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name);
        header.as_mut_bytes()[157..157 + entry.target.len()].copy_from_slice(entry.target.as_bytes());
        header.set_cksum();
        builder.append(&header, &entry.content[..]).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn hex_sha256(bytes: &[u8]) -> String {
    dumbc::nix::Sha256::of(bytes).hex()
}

/// An archive's folder: `dists`, `pool`, and beside them the keyring that it is signed with.
pub(crate) struct DebArchive {
    folder: TempDir,
}

impl DebArchive {
    /// An archive with one suite, `bookworm`.
    pub(crate) fn of(debs: &[Deb]) -> Self {
        let archive = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(archive.keyring(), key().public()).unwrap();
        archive.publish("bookworm", debs);
        archive
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn keyring(&self) -> PathBuf {
        self.path().join("keyring.gpg")
    }

    /// Writes packages and a signed suite, in place of one that was there.
    pub(crate) fn publish(&self, suite: &str, debs: &[Deb]) {
        self.publish_with(suite, debs, "");
    }

    /// The same, with more fields in its Release file.
    pub(crate) fn publish_with(&self, suite: &str, debs: &[Deb], fields: &str) {
        self.publish_index(suite, &self.index(debs), fields);
    }

    /// The same, of somebody else.
    pub(crate) fn publish_as(&self, suite: &str, debs: &[Deb], origin: &str) {
        self.publish_index(suite, &self.index(debs), &format!("Origin: {origin}\n"));
    }

    /// The same, on another day.
    pub(crate) fn publish_on(&self, suite: &str, debs: &[Deb], date: &str) {
        self.publish_index(suite, &self.index(debs), &format!("Date: {date}\n"));
    }

    /// Writes packages; what an index says of them.
    pub(crate) fn index(&self, debs: &[Deb]) -> String {
        debs.iter().map(|deb| self.index_of(deb, &deb.build())).collect()
    }

    /// Writes a package's file with these bytes; what an index says of it.
    pub(crate) fn index_of(&self, deb: &Deb, bytes: &[u8]) -> String {
        write(&self.path().join(deb.file_name()), bytes);
        let (file, size, sum) = (deb.file_name(), bytes.len(), hex_sha256(bytes));
        format!("{}Filename: {file}\nSize: {size}\nSHA256: {sum}\n\n", deb.paragraph())
    }

    /// A signed suite whose index is `packages`, whatever it says.
    pub(crate) fn publish_index(&self, suite: &str, packages: &str, fields: &str) {
        let (plain, packed) = (packages.as_bytes(), xz(packages.as_bytes()));
        let given = |name: &str| fields.lines().any(|line| line.starts_with(name));
        let defaults = ["Origin: Debian\n", "Date: Sat, 01 Nov 2025 10:00:00 UTC\n"];
        let defaults = defaults.iter().filter(|field| !given(field.split(' ').next().unwrap()));
        let mut release = defaults.copied().chain([fields]).collect::<String>();
        writeln!(release, "Label: Debian\nSuite: stable\nVersion: 12.12\nCodename: {suite}").unwrap();
        release += "Architectures: all amd64 arm64\nNo-Support-for-Architecture-all: Packages\n";
        release += "Components: main\nSHA256:\n";
        let index = "main/binary-amd64/Packages";
        for (bytes, name) in [(plain, index.to_owned()), (&packed[..], format!("{index}.xz"))] {
            writeln!(release, " {} {:>8} {name}", hex_sha256(bytes), bytes.len()).unwrap();
        }
        let empty = [("main/binary-arm64/Packages", &b""[..])];
        for (name, bytes) in empty {
            writeln!(release, " {} {:>8} {name}", hex_sha256(bytes), bytes.len()).unwrap();
            write(&self.path().join("dists").join(suite).join(name), bytes);
        }
        let folder = self.path().join("dists").join(suite);
        write(&folder.join(format!("{index}.xz")), &packed);
        write(&folder.join("InRelease"), key().clearsign(&release).as_bytes());
    }

    /// A channel `debian` of this archive, for system.toml.
    pub(crate) fn channel(&self, more: &str) -> String {
        let (path, keyring) = (self.path().display(), self.keyring());
        let keyring = keyring.display();
        format!("[channels.debian]\nsuite = \"bookworm\"\nmirror = \"{path}\"\nkeyring = \"{keyring}\"\n{more}\n")
    }
}

/// One key for all tests: making one takes a while.
pub(crate) fn key() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(Key::generate)
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}
