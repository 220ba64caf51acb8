//! Which units a user means.

use super::{Error, Unit};

/// A suggestion resembles what was asked at least so much, by Jaro and Winkler.
const SIMILAR: f64 = 0.8;

/// The units that `text` can mean, sorted by id: the one with that id or store path (or a path inside it), else all with
/// that key or that name with version, else all whose id begins so (four characters at least), else all whose name
/// has this before a dash. Never empty.
pub fn find<'a>(units: &'a [Unit], text: &str) -> Result<Vec<&'a Unit>, Error> {
    let wanted = text.strip_prefix("/nix/store/").map_or(text, |rest| rest.split('/').next().unwrap_or(rest));
    let whole = |unit: &Unit| unit.id == wanted;
    let plain = |unit: &Unit| unit.key.rsplit_once('/').is_some_and(|(_, name)| name == wanted);
    let named = |unit: &Unit| unit.key == wanted || plain(unit) || name(&unit.id) == Some(wanted);
    let begins = |unit: &Unit| wanted.len() >= 4 && unit.id.starts_with(wanted);
    let extends = |unit: &Unit| {
        let rest = name(&unit.id).and_then(|name| name.strip_prefix(wanted));
        !wanted.is_empty() && rest.is_some_and(|rest| rest.starts_with('-'))
    };
    let readings: [&dyn Fn(&Unit) -> bool; 4] = [&whole, &named, &begins, &extends];
    let found = readings.iter().map(|meant| units.iter().filter(|unit| meant(unit)).collect::<Vec<_>>());
    let Some(mut found) = found.into_iter().find(|found| !found.is_empty()) else {
        return Err(Error::UnknownUnit { text: text.to_owned(), nearest: nearest(units, wanted) });
    };
    found.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(found)
}

/// What follows the hash of a store path's base name.
fn name(id: &str) -> Option<&str> {
    id.split_once('-').filter(|(hash, _)| hash.len() == 32).map(|(_, name)| name)
}

fn nearest(units: &[Unit], wanted: &str) -> Option<String> {
    let similar = units.iter().map(|unit| (strsim::jaro_winkler(&unit.key, wanted), unit.key.as_str()));
    let best = similar.filter(|(similarity, _)| *similarity >= SIMILAR);
    best.max_by(|one, other| one.0.total_cmp(&other.0).then_with(|| other.1.cmp(one.1))).map(|(_, key)| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Causes;

    const IDS: [&str; 5] = [
        "33igixdknlq9pz8naszxk7w0x07n4z96-libgnutls30-3.7.9",
        "33aaaxdknlq9pz8naszxk7w0x07n4z96-libgnutls30-3.8.0",
        "b0w421q3zff7bm8z9hg4cyddfl33913x-git-2.39.5",
        "kfqwh3pmhmaaivasij5iyz742wga4ghx-glibc-2.36",
        "rm3xqmjbf74cxfgf8wsbdvlnqscxyrp3-libkrb5-3-1.20.1",
    ];

    fn found(text: &str) -> Result<Vec<&'static str>, Error> {
        let unit = |id: &&str| Unit {
            id: (*id).to_owned(),
            key: crate::plan::key(&id[33..]),
            size: 1,
            references: Vec::new(),
            causes: Causes::Closure,
        };
        let units: Vec<Unit> = IDS.iter().map(unit).collect();
        let found = find(&units, text)?;
        Ok(found.iter().filter_map(|unit| IDS.into_iter().find(|id| *id == unit.id)).collect())
    }

    #[test]
    fn by_path_base_name_hash_prefix_name_and_key() {
        for text in [
            IDS[2],
            "/nix/store/b0w421q3zff7bm8z9hg4cyddfl33913x-git-2.39.5",
            "/nix/store/b0w421q3zff7bm8z9hg4cyddfl33913x-git-2.39.5/bin/git",
            "b0w421q3",
            "b0w421q3zff7bm8z9hg4cyddfl33913x",
            "git",
            "git-2.39.5",
        ] {
            assert_eq!(found(text), Ok(vec![IDS[2]]), "{text}");
        }
        assert_eq!(found("libgnutls30"), Ok(vec![IDS[1], IDS[0]]), "two versions");
        assert_eq!(found("libkrb5-3"), Ok(vec![IDS[4]]), "a name with a number of its own");
    }

    #[test]
    fn what_nothing_is_called_gets_the_nearest_name() {
        let nearest = |text: &str| match found(text) {
            Err(Error::UnknownUnit { nearest, .. }) => nearest,
            other => panic!("found {other:?}"),
        };
        assert_eq!(nearest("glibcc"), Some("glibc".to_owned()));
        assert_eq!(nearest("33i"), None, "three characters are too few for a prefix");
        assert_eq!(nearest(""), None);
        assert_eq!(nearest("/"), None);
    }
}
