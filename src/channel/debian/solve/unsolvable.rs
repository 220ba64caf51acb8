//! Wishes that can't be met, in the user's words.

use std::fmt;

use super::super::Wish;
use crate::failure::{Class, Classified};

/// Why a machine's wishes can't be met: everything that is wrong with them, in the order of the wishes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .unmet.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Unsolvable {
    /// Never none.
    pub unmet: Vec<Unmet>,
}

/// A wish that can't be met, or several that can't be met together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmet {
    /// The channel has no package of this name, and none that provides it.
    #[error("no package `{name}` in `{channel}`")]
    Unknown {
        /// The name asked for.
        name: String,
        /// Where it should be.
        channel: String,
        /// Names written much like it.
        nearest: Vec<String>,
        /// Other channels that have it.
        elsewhere: Vec<String>,
    },
    /// Several packages provide the name.
    #[error("`{wish}` is no package's name, but provided by {}", listed(.providers))]
    Virtual {
        /// As the user wrote it.
        wish: String,
        /// Their names, sorted.
        providers: Vec<String>,
    },
    /// The package is there in other versions only.
    #[error("`{wish}` is not to be had: there is {}", listed(.versions))]
    OtherVersion {
        /// As the user wrote it.
        wish: String,
        /// Newest first.
        versions: Vec<String>,
    },
    /// What it needs is not to be had, or contradicts itself.
    #[error("`{wish}` can't be installed: {reason}")]
    Stuck {
        /// As the user wrote it.
        wish: String,
        /// From the wished package down to what is wrong.
        reason: String,
    },
    /// Each can be had, but not all of them together.
    #[error("{} can't stand in one machine: {reason}", enumerated(.wishes))]
    Together {
        /// As the user wrote them.
        wishes: Vec<String>,
        /// What is in whose way.
        reason: String,
    },
    /// The search was cut short.
    #[error("no packages were found that meet all wishes: there are too many possibilities")]
    GaveUp,
}

impl Classified for Unsolvable {
    fn class(&self) -> Class {
        let is_unknown = |unmet: &Unmet| matches!(unmet, Unmet::Unknown { .. });
        if self.unmet.iter().any(is_unknown) { Class::UnknownName } else { Class::Usage }
    }

    /// The first help that there is.
    fn help(&self) -> Option<String> {
        self.unmet.iter().find_map(Unmet::help)
    }
}

impl Unmet {
    /// What the user can do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unknown { elsewhere, name, .. } if !elsewhere.is_empty() => {
                let requests: Vec<_> = elsewhere.iter().map(|channel| format!("{channel}#{name}")).collect();
                Some(format!("another channel has it: {}", enumerated(&requests)))
            }
            Self::Unknown { nearest, .. } if !nearest.is_empty() => Some(format!(
                "did you mean {}?",
                nearest.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            )),
            Self::Virtual { providers, .. } => {
                providers.first().map(|name| format!("name one of them, such as `{name}`"))
            }
            Self::OtherVersion { .. } => Some("ask for one of these versions, or for none".to_owned()),
            Self::Together { wishes, .. } => {
                wishes.last().map(|wish| format!("leave one of them out, such as `{wish}`"))
            }
            Self::GaveUp => Some("name some of the packages' alternatives, or exact versions".to_owned()),
            Self::Unknown { .. } | Self::Stuck { .. } => None,
        }
    }
}

impl Unmet {
    /// Whether it is about `wish`, of all wishes that it names the last one.
    #[must_use]
    pub fn concerns(&self, wish: &Wish) -> bool {
        match self {
            Self::Unknown { name, channel, .. } => *name == wish.name.as_str() && *channel == wish.channel,
            Self::Virtual { wish: text, .. }
            | Self::OtherVersion { wish: text, .. }
            | Self::Stuck { wish: text, .. } => *text == wish.to_string(),
            Self::Together { wishes, .. } => wishes.last().is_some_and(|last| *last == wish.to_string()),
            Self::GaveUp => false,
        }
    }
}

impl fmt::Display for Wish {
    /// As the user wrote it: `python3@3.11`, `debian#python3`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.written)
    }
}

/// `a, b, c, …`: the first five.
pub(super) fn listed(names: &[String]) -> String {
    let more = if names.len() > 5 { ", …" } else { "" };
    format!("{}{more}", names.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", "))
}

/// `` `a`, `b` and `c` ``
fn enumerated(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
