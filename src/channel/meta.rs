//! What a package says of itself: nixpkgs' `meta`, in whatever shape it comes.

mod loose;

use serde::Deserialize;
use serde_json::Value;

use crate::config::System;

use loose::{Flag, Licences, Texts};
pub(super) use loose::{Outputs, Text, shortened};

/// What people read of a package. Texts are short, and without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct About {
    /// A line.
    pub(super) description: Option<String>,
    /// An address.
    pub(super) homepage: Option<String>,
    /// SPDX identifiers, or names where there are none, with commas between.
    pub(super) licence: Option<String>,
    /// Its main command.
    pub(super) program: Option<String>,
}

/// The part of `meta` that is read; all else is skipped.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonMeta {
    #[serde(default)]
    description: Text,
    #[serde(default)]
    homepage: Text,
    #[serde(default)]
    license: Licences,
    #[serde(default)]
    main_program: Text,
    #[serde(default)]
    outputs_to_install: Texts,
    #[serde(default)]
    platforms: Option<Texts>,
    #[serde(default)]
    broken: Flag,
    #[serde(default)]
    insecure: Flag,
    #[serde(default)]
    unfree: Flag,
}

impl JsonMeta {
    pub(super) fn is_unfree(&self) -> bool {
        self.unfree.0 || self.license.unfree
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.0
    }

    pub(super) fn is_insecure(&self) -> bool {
        self.insecure.0
    }

    /// The systems that it is for, of those that images have: all, where it does not say.
    pub(super) fn systems(&self) -> Vec<System> {
        let is_meant = |system: &System| match &self.platforms {
            Some(Texts(platforms)) => platforms.iter().any(|platform| platform == system.name()),
            None => true,
        };
        System::ALL.into_iter().filter(is_meant).collect()
    }

    /// Outputs that a request without `^` means, in order.
    pub(super) fn to_install(&self) -> Vec<String> {
        self.outputs_to_install.0.clone()
    }

    pub(super) fn about(self) -> About {
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        About {
            description: some(self.description.0),
            homepage: some(self.homepage.0),
            licence: some(self.license.names.join(", ")),
            program: some(self.main_program.0),
        }
    }
}

impl About {
    /// Of a `meta` as an evaluator prints it; `None`: it says nothing.
    pub(super) fn of_meta(meta: &Value) -> Option<Self> {
        // A list would be taken for the fields in their order.
        let about = JsonMeta::deserialize(meta.is_object().then_some(meta)?).ok()?.about();
        Some(about).filter(|about| *about != Self::default())
    }

    /// Bytes that it takes in memory, about.
    pub(super) fn weight(&self) -> usize {
        let texts = [&self.description, &self.homepage, &self.licence, &self.program];
        size_of::<Self>() + texts.into_iter().flatten().map(String::len).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_evaluator_prints_is_read() {
        let meta = json!({
            "description": "Finds\u{1b}[2J things", "homepage": ["https://example.org", "x"], "mainProgram": "rg",
            "license": [{"spdxId": "MIT"}, {"fullName": "Other"}, "Unlicense"], "position": {"a": [1, null]}, "broken": 3,
        });
        let about = About::of_meta(&meta).unwrap();
        assert_eq!(about.description.as_deref(), Some("Finds[2J things"));
        assert_eq!(about.homepage.as_deref(), Some("https://example.org"));
        assert_eq!(about.licence.as_deref(), Some("MIT, Other, Unlicense"));
        assert_eq!(about.program.as_deref(), Some("rg"));
        assert_eq!(
            About::of_meta(&json!({"license": {"shortName": "gpl3"}})).unwrap().licence.as_deref(),
            Some("gpl3")
        );
    }

    #[test]
    fn what_says_nothing_is_nothing() {
        for meta in [json!(null), json!({}), json!([1]), json!("x"), json!({"description": {"a": 1}, "license": null})]
        {
            assert_eq!(About::of_meta(&meta).map(|about| about.description), None, "{meta}");
        }
    }
}
