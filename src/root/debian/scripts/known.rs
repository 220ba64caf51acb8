//! Packages whose scripts can't be understood as they stand, by name: each row with its reason.

use crate::image::ImagePath;

use super::super::{Action, Package};

/// What is known of a package, instead of its scripts.
pub(super) fn actions(package: &Package<'_>, _exists: &dyn Fn(&ImagePath) -> bool) -> Option<Vec<Action>> {
    let (command, reason) = match package.name.as_str() {
        "base-passwd" => ("update-passwd", "dumbc writes passwd and group, with Debian's static users and groups"),
        "tzdata" => ("tzdata", "dumbc sets the time zone: system.toml says which"),
        _ => return None,
    };
    Some(vec![Action::Explained { command: command.to_owned(), reason }])
}
