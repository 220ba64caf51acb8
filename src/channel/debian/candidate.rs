//! Packages of an index.

use super::{Candidate, Relations};
use crate::channel::meta::shortened;
use crate::deb::{PackageName, Paragraph, is_pool_path};
use crate::nix::Sha256;

/// The fields that are read.
const FIELDS: [&str; 18] = [
    "Package",
    "Version",
    "Architecture",
    "Source",
    "Filename",
    "Size",
    "SHA256",
    "Installed-Size",
    "Priority",
    "Multi-Arch",
    "Pre-Depends",
    "Depends",
    "Recommends",
    "Conflicts",
    "Breaks",
    "Provides",
    "Description",
    "Homepage",
];

/// Where a package stands.
pub(super) struct Context<'a> {
    pub(super) suite: &'a str,
    pub(super) channel: &'a str,
    pub(super) architecture: &'a str,
}

/// Reads a package's paragraph. `Err` says what is wrong with which package.
pub(super) fn candidate(paragraph: &Paragraph, context: &Context<'_>) -> Result<Candidate, String> {
    let [package, version, architecture, source, file, size, sha256, rest @ ..] = values(paragraph);
    let [installed, priority, multi_arch, pre_depends, depends, recommends, conflicts, breaks, provides, told @ ..] =
        rest;
    let [description, homepage] = told.map(text);
    let shown = || package.chars().take(80).flat_map(char::escape_debug).collect::<String>();
    let refused = |what: &str| format!("package `{}`: {what}", shown());
    let name: PackageName = package.parse().map_err(|error: crate::deb::ParsePackageNameError| error.to_string())?;
    let source = source.split([' ', '(']).next().filter(|name| !name.is_empty());
    let file = file.strip_prefix("./").unwrap_or(file);
    if !is_pool_path(file) {
        return Err(refused("its `Filename` is no path below the mirror"));
    }
    if architecture != context.architecture && architecture != "all" {
        return Err(refused("its `Architecture` is not the index's"));
    }
    let sha256 = digest(sha256).ok_or_else(|| refused("it has no good `SHA256`"))?;
    let kibibytes = if installed.is_empty() { Some(0) } else { parse(installed) };
    let kibibytes = kibibytes.ok_or_else(|| refused("its `Installed-Size` is no number"))?;
    Ok(Candidate {
        version: version.parse().map_err(|error: crate::deb::ParseVersionError| refused(&error.to_string()))?,
        architecture: architecture.to_owned(),
        source: match source {
            Some(source) => source.parse().map_err(|_| refused("its `Source` is no package's name"))?,
            None => name.clone(),
        },
        file: file.to_owned(),
        size: parse(size).ok_or_else(|| refused("it has no good `Size`"))?,
        sha256,
        installed_size: kibibytes.saturating_mul(1024),
        description,
        homepage,
        priority: if priority.is_empty() { "optional" } else { priority }.to_owned(),
        multi_arch: Some(multi_arch).filter(|value| !value.is_empty() && *value != "no").map(str::to_owned),
        relations: Relations {
            pre_depends: pre_depends.to_owned(),
            depends: depends.to_owned(),
            recommends: recommends.to_owned(),
            conflicts: conflicts.to_owned(),
            breaks: breaks.to_owned(),
            provides: provides.to_owned(),
        },
        suite: context.suite.to_owned(),
        channel: context.channel.to_owned(),
        name,
    })
}

/// The values of [`FIELDS`], in one walk over the paragraph: there are tens of thousands of them.
fn values(paragraph: &Paragraph) -> [&str; FIELDS.len()] {
    let mut values = [""; FIELDS.len()];
    for (name, value) in paragraph.fields() {
        if let Some(index) = FIELDS.iter().position(|field| field.eq_ignore_ascii_case(name)) {
            values[index] = value;
        }
    }
    values
}

/// The first line of what is for people.
fn text(value: &str) -> Option<String> {
    value.lines().next().map(shortened).filter(|line| !line.is_empty())
}

fn digest(text: &str) -> Option<Sha256> {
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?;
    bytes.try_into().ok().map(Sha256::from_bytes)
}

/// Digits alone: a sign is none.
fn parse(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIT: &str = "Package: git\nHomepage: https://git-scm.com/\nDescription: fast\t revision control\n longer\nSource: git-core (1:2.39)\nVersion: 1:2.39.5-0+deb12u2\nInstalled-Size: 100\nArchitecture: amd64\n\
        Multi-Arch: no\nDepends: libc6 (>= 2.34),\n perl\nPriority: optional\nFilename: ./pool/main/g/git/git_2.39.5_amd64.deb\n\
        Size: 7\nSHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n";

    fn read(text: &str) -> Result<Candidate, String> {
        let context = Context { suite: "bookworm", channel: "debian", architecture: "amd64" };
        candidate(&Paragraph::parse(text).unwrap(), &context)
    }

    #[test]
    fn a_package_as_the_index_has_it() {
        let git = read(GIT).unwrap();
        assert_eq!((git.name.as_str(), git.source.as_str()), ("git", "git-core"));
        assert_eq!(git.version.to_string(), "1:2.39.5-0+deb12u2");
        assert_eq!((git.size, git.installed_size, git.multi_arch), (7, 102_400, None));
        assert_eq!(git.file, "pool/main/g/git/git_2.39.5_amd64.deb");
        assert_eq!(git.sha256, Sha256::of(b""));
        assert_eq!(git.relations.depends, "libc6 (>= 2.34),\n perl");
        assert_eq!(git.description.as_deref(), Some("fast revision control"));
        assert_eq!(git.homepage.as_deref(), Some("https://git-scm.com/"));
        assert_eq!((git.suite.as_str(), git.channel.as_str()), ("bookworm", "debian"));
        let plain = read(&GIT.replace("Source: git-core (1:2.39)\n", "").replace("amd64\n", "all\n")).unwrap();
        assert_eq!((plain.source.as_str(), plain.architecture.as_str()), ("git", "all"));
    }

    #[test]
    fn a_lying_index_is_named() {
        let refused = |from: &str, to: &str| read(&GIT.replace(from, to)).unwrap_err();
        assert!(refused("Package: git", "Package: ../git").contains("`../git`"));
        assert_eq!(refused("./pool", "/etc"), "package `git`: its `Filename` is no path below the mirror");
        assert!(refused("./pool/main", "pool/../..").contains("Filename"));
        assert!(refused("1:2.39.5-0+deb12u2", "x y").contains("`x y` is not a Debian version"));
        assert!(refused("SHA256: e3", "SHA256: 3").contains("SHA256"));
        assert!(refused("Size: 7", "Size: +7").contains("Size"));
        assert!(refused("Size: 100", "Size: lots").contains("Installed-Size"));
        assert!(refused("Architecture: amd64", "Architecture: mips").contains("Architecture"));
        assert!(refused("git-core", "Git_Core").contains("Source"));
    }
}
