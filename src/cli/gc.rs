//! `dumbc gc`: makes room in the store.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::store::{Collected, Policy, Store};

use super::context::Context;
use super::figures::{bytes, counted};

/// Remove from the store what was not used for long
///
/// Nothing that a build uses can go: gc waits until no build runs, and builds wait for it. Whatever goes is fetched again
/// when a build needs it; a runtime that a dumbc.lock pins stays while that lock is there.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    dumbc gc                       # what was not used for 30 days\n  \
    dumbc gc --older-than 7d\n  \
    dumbc gc --max-size 5GB        # the least recently used goes first")]
pub(super) struct Args {
    /// Remove what was not used for so long: 12h, 30d [default: 30d, unless --max-size is given]
    #[arg(long, value_name = "TIME", value_parser = age)]
    older_than: Option<Duration>,

    /// Remove the least recently used until the store has at most this size: 500MB, 5GB, 4GiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_size: Option<u64>,
}

#[derive(Serialize)]
struct Document {
    version: u32,
    #[serde(flatten)]
    collected: Collected,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let default = args.max_size.is_none().then(|| Duration::from_hours(30 * 24));
    let policy = Policy { older_than: args.older_than.or(default), max_size: args.max_size };
    let collected = Store::collect(&Store::default_root()?, policy, SystemTime::now())?;
    if context.json {
        return context.document(&Document { version: 1, collected });
    }
    let Collected { removed, removed_bytes, kept_bytes } = collected;
    context.line(format!(
        "removed {} ({}); the store has {}",
        counted(usize::try_from(removed).unwrap_or(usize::MAX), "item"),
        bytes(removed_bytes),
        bytes(kept_bytes)
    ))
}

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..digits].parse().ok()?, &text[digits..]))
}

fn age(text: &str) -> Result<Duration, String> {
    let seconds = split(text).and_then(|(number, unit)| {
        let factor = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86400,
            "w" => 7 * 86400,
            _ => return None,
        };
        number.checked_mul(factor)
    });
    seconds.map(Duration::from_secs).ok_or_else(|| "give a number and s, m, h, d or w, as in 30d".to_owned())
}

fn size(text: &str) -> Result<u64, String> {
    let bytes = split(text).and_then(|(number, unit)| {
        let factor = match unit {
            "" | "B" => 1,
            "kB" | "KB" => 1000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return None,
        };
        number.checked_mul(factor)
    });
    bytes.ok_or_else(|| "give a number and kB, MB, GB, KiB, MiB or GiB, as in 5GB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_sizes_parse() {
        assert_eq!(age("2d"), Ok(Duration::from_hours(48)));
        assert_eq!(size("5GB"), Ok(5_000_000_000));
        assert_eq!(size("1KiB"), Ok(1024));
        for refused in ["", "d", "5", "5y", "-1d", "99999999999999999999d"] {
            assert!(age(refused).is_err(), "{refused}");
        }
        assert!(size("99999999999GiB").is_err());
    }
}
