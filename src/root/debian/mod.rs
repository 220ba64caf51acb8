//! The root of a machine with Debian packages: one tree of all of them, dpkg's database, and natively what their maintainer
//! scripts would have done.

pub mod alternatives;
pub mod apache;
pub mod base;
mod capability;
pub mod certificates;
pub mod deeds;
pub mod dpkg;
pub mod drop_ins;
pub mod ld_cache;
pub mod merge;
pub mod overrides;
pub mod pam;
pub mod replace;
#[cfg(test)]
mod sample;
pub mod scripts;
mod shells;
pub mod sysusers;
pub mod tmpfiles;
pub mod users;

use crate::deb::{ControlError, PackageFacts, PackageName, qualified_name};
use crate::image::listing::Listing;

pub use super::aliases::{self, canonical_path};
pub use super::merged::{Merged, Placed};
pub use capability::{ParseCapabilityError, encode_capabilities};

/// A package, as far as generators look at it.
#[derive(Debug, Clone, Copy)]
pub struct Package<'a> {
    /// Its name.
    pub name: &'a PackageName,
    /// `amd64`, `arm64` or `all`.
    pub architecture: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Whether a request names it: apt marks all others as installed automatically.
    pub requested: bool,
    /// Its files and folders, by canonical paths from the image's root, those below `/var/lib/dpkg/info` too.
    pub listing: &'a Listing,
    /// Everything else.
    pub facts: &'a PackageFacts,
}

impl Package<'_> {
    /// As dpkg's files call it: `git`; `libc6:amd64` for one that may be there for several architectures.
    pub fn qualified_name(&self) -> Result<String, ControlError> {
        Ok(qualified_name(self.name, self.architecture, &self.facts.paragraph()?))
    }
}

/// What a maintainer script does, found without running it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// `update-alternatives --install`
    Alternative(Alternative),
    /// `setcap`
    Capability {
        /// Absolute.
        path: String,
        /// `cap_net_raw+ep`
        capabilities: String,
    },
    /// `dpkg-statoverride --add`: dpkg remembers it. What it does to the file now is an [`Action::Metadata`].
    StatOverride {
        /// Absolute.
        path: String,
        /// A user's name, or `#` and its number.
        user: String,
        /// A group's name, or `#` and its number.
        group: String,
        /// Permission bits.
        mode: u32,
    },
    /// `dpkg-statoverride --update --add`, `chown`, `chgrp` and `chmod` of a package's file.
    Metadata {
        /// Absolute.
        path: String,
        /// A user's name; `None`: unchanged.
        user: Option<String>,
        /// A group's name; `None`: unchanged.
        group: Option<String>,
        /// Permission bits; `None`: unchanged.
        mode: Option<u32>,
    },
    /// `dpkg-divert --add --rename`: another package's file moves away.
    Diversion {
        /// Absolute.
        path: String,
        /// Where it goes instead: absolute.
        to: String,
    },
    /// A user that the package creates.
    User(NewUser),
    /// A group that the package creates.
    Group {
        /// Its name.
        name: String,
        /// A fixed number, where the package insists on one.
        gid: Option<u32>,
    },
    /// `adduser USER GROUP`
    Membership {
        /// A user's name.
        user: String,
        /// A group's name.
        group: String,
    },
    /// A folder that the package creates.
    Directory {
        /// Absolute.
        path: String,
        /// A user's name.
        user: Option<String>,
        /// A group's name.
        group: Option<String>,
        /// Permission bits.
        mode: Option<u32>,
    },
    /// `ln -s`
    Symlink {
        /// Absolute.
        path: String,
        /// What it points to.
        target: String,
    },
    /// A file that the package writes, where none stands.
    File {
        /// Absolute.
        path: String,
        /// All of it.
        content: String,
        /// A user's name; `None`: root.
        user: Option<String>,
        /// A group's name; `None`: root.
        group: Option<String>,
        /// Permission bits; `None`: 0644.
        mode: Option<u32>,
    },
    /// A file that the package makes from one of its own (`cp`, `ucf`), where none stands.
    Copy {
        /// Absolute: what is copied.
        from: String,
        /// Absolute: where it goes.
        to: String,
    },
    /// What a running machine or another package system would need, and an image doesn't: done by dumbc in another way, or not
    /// needed. In words, for people.
    Explained {
        /// The command's name: `ldconfig`, `py3compile`.
        command: String,
        /// Why nothing is lost.
        reason: &'static str,
    },
    /// What nobody here knows.
    Unknown {
        /// The member: `postinst`, `preinst`.
        script: String,
        /// From 1.
        line: usize,
        /// The command, shortened.
        text: String,
    },
}

/// One `update-alternatives --install`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// The generic path: `/usr/bin/awk`.
    pub link: String,
    /// The group's name: `awk`.
    pub name: String,
    /// What the link leads to: `/usr/bin/mawk`.
    pub path: String,
    /// The highest wins.
    pub priority: i64,
    /// Links that go with it: link, name, path.
    pub followers: Vec<[String; 3]>,
}

/// A user that a package creates.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewUser {
    /// Login name.
    pub name: String,
    /// A fixed number, where the package insists on one.
    pub uid: Option<u32>,
    /// The primary group's name; `None`: one of the same name.
    pub group: Option<String>,
    /// Absolute; `None`: `/nonexistent`.
    pub home: Option<String>,
    /// Absolute; `None`: `/usr/sbin/nologin`.
    pub shell: Option<String>,
    /// Who it is, in words.
    pub description: String,
}
