//! What generation looks at of every Debian package, asked of all of them at once.

use crate::deb::{Member, PackageFacts, Paragraphs};
use crate::image::listing::Listing;

/// Members of control archives that generation reads. Others, such as tables of symbols, would only be carried along. Who needs one
/// more gives facts another first line: those of older images don't have it.
pub(in crate::build) const MEMBERS: [&str; 4] = ["postinst", "preinst", "templates", "triggers"];

/// Fields of debconf's templates that generation reads; the same holds for them.
const TEMPLATE_FIELDS: [&str; 4] = ["Template", "Default", "Choices-C", "Choices"];

/// A package's files, and what it says of itself: as much of it as generation looks at, wherever it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::build) struct DebFacts {
    pub(in crate::build) listing: Listing,
    pub(in crate::build) facts: PackageFacts,
}

impl DebFacts {
    /// Leaves out what nobody looks at.
    pub(in crate::build) fn new(listing: Listing, mut facts: PackageFacts) -> Self {
        facts.members.retain(|name, _| MEMBERS.contains(&name.as_str()));
        if let Some(Member::Text(text)) = facts.members.get_mut("templates") {
            *text = without_translations(text);
        }
        Self { listing, facts }
    }
}

/// Templates with the fields that answers come from: the words that people are asked in, in all languages, are fifty times as long.
fn without_translations(templates: &str) -> String {
    let mut short = String::new();
    let mut templates = Paragraphs::new(templates.as_bytes());
    // What is no template ends the list, as it does for who reads it.
    while let Ok(Some(template)) = templates.next_paragraph() {
        for name in TEMPLATE_FIELDS {
            if let Some(value) = template.get(name) {
                short.extend([name, ": ", value, "\n"]);
            }
        }
        short.push('\n');
    }
    short
}
