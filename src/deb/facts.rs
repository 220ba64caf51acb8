//! What is kept of a package beside its files: everything that the root files, the database and the checks are made of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ControlError, PackageName, Paragraph};

/// A package's control archive, and what was learnt while its files went by. Lies beside the package's fragment as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PackageFacts {
    /// The control file: one paragraph.
    pub control: String,
    /// The other small members of the control archive, by name: `postinst`, `conffiles`, `triggers`, `shlibs`, … Not `md5sums`,
    /// which is in the fragment alone.
    pub members: BTreeMap<String, Member>,
    /// Configuration files, in the order of `conffiles`.
    pub conffiles: Vec<Conffile>,
}

/// A member of a control archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Member {
    /// Its text.
    Text(String),
    /// It is no text; so many bytes.
    Binary(u64),
}

/// A configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conffile {
    /// As `conffiles` has it: absolute.
    pub path: String,
    /// MD5 of its content in hexadecimal, as dpkg's status has it; `newconffile` where the package ships no such file.
    pub md5: String,
}

/// As dpkg's files call a package with this control paragraph: `git`; `libc6:amd64` for one that may be there for several
/// architectures.
#[must_use]
pub fn qualified_name(name: &PackageName, architecture: &str, control: &Paragraph) -> String {
    match control.get("Multi-Arch") {
        Some("same") => format!("{name}:{architecture}"),
        _ => name.to_string(),
    }
}

impl PackageFacts {
    /// The control file's fields.
    pub fn paragraph(&self) -> Result<Paragraph, ControlError> {
        Paragraph::parse(&self.control)
    }

    /// A member that is text.
    #[must_use]
    pub fn text(&self, member: &str) -> Option<&str> {
        match self.members.get(member)? {
            Member::Text(text) => Some(text),
            Member::Binary(_) => None,
        }
    }
}
