//! Reads values into types by one deserializer for all of them.
//!
//! Each type would make a deserializer's code anew; what runs inside a machine has many types and is to be small.

use serde::{Deserialize, Deserializer};

/// `T` from what `deserializer` holds, or what is wrong with it, in a line.
pub(crate) fn read<'de, T: Deserialize<'de>>(deserializer: impl Deserializer<'de>) -> Result<T, String> {
    let mut erased = <dyn erased_serde::Deserializer<'_>>::erase(deserializer);
    erased_serde::deserialize(&mut erased)
        .map_err(|error| error.to_string().lines().next().unwrap_or_default().to_owned())
}
