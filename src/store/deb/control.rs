//! A package's control archive: what the package says of itself.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Read};

use crate::deb::{Conffile, Member, PackageFacts, Paragraph, Version, canonical, qualified_name};
use crate::image::ImagePath;
use crate::image::untar::{TarEntry, TarKind, TarReader};

use super::limit::Limited;
use super::{DebFault, DebIdentity};

/// Bytes that all members may have together. The largest of Debian's have some 5 MiB.
const LARGEST: u64 = 32 << 20;

/// Texts beyond this stay in the fragment alone.
const LARGEST_FACT: usize = 1 << 20;

/// Members that dpkg runs, whatever their modes.
const SCRIPTS: [&str; 5] = ["config", "postinst", "postrm", "preinst", "prerm"];

/// What a control archive holds.
#[derive(Debug)]
pub(super) struct Control {
    /// What dpkg's files of the package are named by: `git`, `libc6:amd64`.
    pub(super) stem: String,
    /// All members but `control`, with their modes.
    pub(super) members: BTreeMap<String, (u32, Vec<u8>)>,
    /// The text of `control`.
    text: String,
    /// Configuration files: as they are written, and where they stand.
    conffiles: Vec<(String, ImagePath)>,
}

impl Control {
    /// Reads the archive, and holds it against what the index says.
    pub(super) fn read(tar: &mut dyn Read, expected: &DebIdentity) -> io::Result<Self> {
        // Headers and padding of 1 MiB of members are more than any package has.
        let mut tar = Limited::new(tar, LARGEST + (1 << 20), "its control archive");
        let mut members = members(&mut tar)?;
        let (_, text) = members.remove("control").ok_or(DebFault::Missing("control file"))?;
        let text = String::from_utf8(text).map_err(|_| DebFault::member(b"control", "it is no UTF-8"))?;
        let paragraph = Paragraph::parse(&text).map_err(DebFault::Control)?;
        check(&paragraph, expected)?;
        let conffiles = members.get("conffiles").map_or(Ok(Vec::new()), |(_, text)| conffiles(text))?;
        let stem = qualified_name(&expected.name, &expected.architecture, &paragraph);
        Ok(Self { stem, members, text, conffiles })
    }

    /// Where configuration files stand.
    pub(super) fn conffiles(&self) -> BTreeSet<ImagePath> {
        self.conffiles.iter().map(|(_, path)| path.clone()).collect()
    }

    /// What is kept beside the fragment. `md5_of` gives the digest of a file that was brought.
    pub(super) fn into_facts(self, md5_of: impl Fn(&ImagePath) -> Option<String>) -> PackageFacts {
        let fact = |content: Vec<u8>| match String::from_utf8(content) {
            Ok(text) if text.len() <= LARGEST_FACT => Member::Text(text),
            Ok(text) => Member::Binary(text.len() as u64),
            Err(error) => Member::Binary(error.as_bytes().len() as u64),
        };
        let mut members = self.members;
        members.remove("md5sums");
        let missing = || "newconffile".to_owned();
        let conffile = |(path, place)| Conffile { md5: md5_of(&place).unwrap_or_else(missing), path };
        PackageFacts {
            control: self.text,
            members: members.into_iter().map(|(name, (_, content))| (name, fact(content))).collect(),
            conffiles: self.conffiles.into_iter().map(conffile).collect(),
        }
    }
}

/// All members by name, with the modes that dpkg gives them.
fn members(tar: &mut dyn Read) -> io::Result<BTreeMap<String, (u32, Vec<u8>)>> {
    let mut reader = TarReader::new(BufReader::new(tar));
    let (mut members, mut total) = (BTreeMap::new(), 0u64);
    while let Some(entry) = reader.next_entry()? {
        let Some((name, size)) = member(&entry)? else { continue };
        total = total.saturating_add(size);
        if total > LARGEST {
            return Err(DebFault::member(name.as_bytes(), "with it, the members take more than 32 MiB").into());
        }
        let mut content = Vec::new();
        reader.read_to_end(&mut content)?;
        let is_script = SCRIPTS.contains(&&*name) || entry.metadata.mode & 0o111 != 0;
        let mode = if is_script { 0o755 } else { 0o644 };
        if members.insert(name.clone(), (mode, content)).is_some() {
            return Err(DebFault::member(name.as_bytes(), "it stands twice").into());
        }
    }
    Ok(members)
}

/// Name and size of a member; `None` for the folder that they stand in.
fn member(entry: &TarEntry) -> Result<Option<(String, u64)>, DebFault> {
    let refused = |reason| Err(DebFault::member(&entry.path, reason));
    let name = entry.path.strip_prefix(b"./").unwrap_or(&entry.path);
    let size = match entry.kind {
        TarKind::File(size) => size,
        TarKind::Directory if matches!(name, b"." | b"") => return Ok(None),
        _ => return refused("it is no file"),
    };
    let plain = |&byte: &u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
    if name.is_empty() || name.len() > 50 || name.starts_with(b".") || !name.iter().all(plain) {
        return refused("no member has such a name");
    }
    // dpkg makes it itself.
    if name == b"list" {
        return refused("no package brings it");
    }
    Ok(Some((String::from_utf8_lossy(name).into_owned(), size)))
}

/// Whether the package is the one that is wanted.
fn check(paragraph: &Paragraph, expected: &DebIdentity) -> Result<(), DebFault> {
    let field = |name| paragraph.get(name).unwrap_or_default();
    let is_version = field("Version").parse::<Version>().is_ok_and(|version| version == expected.version);
    let checks = [
        ("Package", expected.name.to_string(), field("Package") == expected.name.as_str()),
        ("Version", expected.version.to_string(), is_version),
        ("Architecture", expected.architecture.clone(), field("Architecture") == expected.architecture),
    ];
    for (name, expected, holds) in checks {
        if !holds {
            let found = field(name).chars().take(200).collect();
            return Err(DebFault::Identity { field: name, expected, found });
        }
    }
    Ok(())
}

/// The lines of `conffiles`. Those that name a file to be removed bring none.
fn conffiles(text: &[u8]) -> Result<Vec<(String, ImagePath)>, DebFault> {
    let refused = |reason| DebFault::member(b"conffiles", reason);
    let text = std::str::from_utf8(text).map_err(|_| refused("it is no UTF-8"))?;
    let mut found = Vec::new();
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        if line.starts_with("remove-on-upgrade ") {
            continue;
        }
        let relative = line.strip_prefix('/').ok_or_else(|| refused("a path that is not absolute"))?;
        let path = ImagePath::new(&canonical(relative.as_bytes())).map_err(|error| refused(error.reason))?;
        found.push((line.to_owned(), path));
    }
    Ok(found)
}
