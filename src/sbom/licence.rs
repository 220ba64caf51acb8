//! Licences as Debian's copyright files name them, and as SPDX does.
//!
//! After <https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/>. A file in no such form names no licence that a program
//! could find.

use std::collections::BTreeSet;

/// A copyright file longer than this is read so far.
pub const LARGEST: usize = 256 << 10;

/// As many names are taken from one file, each not longer.
const MOST_NAMES: usize = 100;
const LONGEST_NAME: usize = 200;

/// Debian's short names, and the ids of SPDX's list.
const NAMES: [(&str, &str); 46] = [
    ("agpl-3", "AGPL-3.0-only"),
    ("agpl-3+", "AGPL-3.0-or-later"),
    ("apache-1.1", "Apache-1.1"),
    ("apache-2", "Apache-2.0"),
    ("apache-2.0", "Apache-2.0"),
    ("artistic-1.0", "Artistic-1.0"),
    ("artistic-2", "Artistic-2.0"),
    ("artistic-2.0", "Artistic-2.0"),
    ("bsd-2-clause", "BSD-2-Clause"),
    ("bsd-3-clause", "BSD-3-Clause"),
    ("bsd-4-clause", "BSD-4-Clause"),
    ("bsl-1.0", "BSL-1.0"),
    ("cc-by-3.0", "CC-BY-3.0"),
    ("cc-by-4.0", "CC-BY-4.0"),
    ("cc-by-sa-3.0", "CC-BY-SA-3.0"),
    ("cc-by-sa-4.0", "CC-BY-SA-4.0"),
    ("cc0", "CC0-1.0"),
    ("cc0-1.0", "CC0-1.0"),
    ("curl", "curl"),
    ("expat", "MIT"),
    ("gfdl-1.2", "GFDL-1.2-only"),
    ("gfdl-1.2+", "GFDL-1.2-or-later"),
    ("gfdl-1.3", "GFDL-1.3-only"),
    ("gfdl-1.3+", "GFDL-1.3-or-later"),
    ("gpl-1", "GPL-1.0-only"),
    ("gpl-1+", "GPL-1.0-or-later"),
    ("gpl-2", "GPL-2.0-only"),
    ("gpl-2+", "GPL-2.0-or-later"),
    ("gpl-3", "GPL-3.0-only"),
    ("gpl-3+", "GPL-3.0-or-later"),
    ("isc", "ISC"),
    ("lgpl-2", "LGPL-2.0-only"),
    ("lgpl-2+", "LGPL-2.0-or-later"),
    ("lgpl-2.1", "LGPL-2.1-only"),
    ("lgpl-2.1+", "LGPL-2.1-or-later"),
    ("lgpl-3", "LGPL-3.0-only"),
    ("lgpl-3+", "LGPL-3.0-or-later"),
    ("mit", "MIT"),
    ("mpl-1.1", "MPL-1.1"),
    ("mpl-2.0", "MPL-2.0"),
    ("openssl", "OpenSSL"),
    ("psf-2", "PSF-2.0"),
    ("python-2.0", "Python-2.0"),
    ("unlicense", "Unlicense"),
    ("zlib", "Zlib"),
    ("zpl-2.1", "ZPL-2.1"),
];

/// What SPDX makes of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Licence {
    /// One of its ids.
    Id(&'static str),
    /// Several, joined.
    Expression(String),
    /// It knows no such licence.
    Named,
}

/// What SPDX makes of `name`. Without commas, Debian's `and` binds stronger than its `or`, as in SPDX.
pub(super) fn declared(name: &str) -> Licence {
    let words = name.split_whitespace().collect::<Vec<_>>();
    if let [one] = words.as_slice() {
        return id(one).map_or(Licence::Named, Licence::Id);
    }
    let mut terms = Vec::new();
    for (index, word) in words.iter().enumerate() {
        match (index % 2, *word) {
            (1, "and") => terms.push("AND"),
            (1, "or") => terms.push("OR"),
            (0, word) if words.len() % 2 == 1 => match id(word) {
                Some(id) => terms.push(id),
                None => return Licence::Named,
            },
            _ => return Licence::Named,
        }
    }
    if terms.is_empty() { Licence::Named } else { Licence::Expression(terms.join(" ")) }
}

/// `GPL-2.0+` is `GPL-2+`, too.
fn id(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let short = lower.strip_suffix(".0").map(str::to_owned);
    let short = short.or_else(|| lower.strip_suffix(".0+").map(|name| format!("{name}+")));
    let find = |wanted: &str| NAMES.iter().find(|(name, _)| *name == wanted).map(|(_, id)| *id);
    find(&lower).or_else(|| find(&short?))
}

/// The licences that a copyright file names; sorted, each once.
#[must_use]
pub fn licences(copyright: &str) -> Vec<String> {
    let fields =
        |line: &str| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    let is_machine_readable = copyright.lines().take_while(|line| !line.trim().is_empty()).filter_map(fields);
    if !is_machine_readable.into_iter().any(|(name, value)| name == "format" && value.contains("copyright-format")) {
        return Vec::new();
    }
    let values = copyright.lines().filter_map(fields).filter(|(name, _)| name == "license").map(|(_, value)| value);
    let names =
        values.filter(|name| !name.is_empty() && name.len() <= LONGEST_NAME && !name.chars().any(char::is_control));
    names.take(MOST_NAMES * 10).collect::<BTreeSet<_>>().into_iter().take(MOST_NAMES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_ids_where_spdx_has_them() {
        assert_eq!(declared("GPL-2+"), Licence::Id("GPL-2.0-or-later"));
        assert_eq!(declared("gpl-3.0"), Licence::Id("GPL-3.0-only"));
        assert_eq!(declared("Expat"), Licence::Id("MIT"));
        assert_eq!(declared("LGPL-2.1+ or MPL-1.1"), Licence::Expression("LGPL-2.1-or-later OR MPL-1.1".to_owned()));
        for unknown in ["GPL-2+ with OpenSSL exception", "public-domain", "", "GPL-2+ or", "and", "MIT, and GPL-2"] {
            assert_eq!(declared(unknown), Licence::Named, "{unknown}");
        }
    }

    #[test]
    fn a_copyright_file_names_each_licence_once() {
        let text = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: git\n\n\
                    Files: *\nCopyright: someone\nLicense: GPL-2\n\nFiles: a\nLicense: Expat\n\nLicense: GPL-2\n This program …\n\
                    \x20License: not a field\n";
        // The last line is a continuation, and begins with a space.
        assert_eq!(licences(text), ["Expat", "GPL-2"]);
    }

    #[test]
    fn prose_names_none() {
        assert!(licences("This package was put together by hand.\nLicense: GPL\n").is_empty());
    }
}
