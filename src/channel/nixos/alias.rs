//! Names that a release's list of packages has under another one: `python3Packages.requests` is
//! `python313Packages.requests` where `python3` is 3.13.
//!
//! The list is made without aliases, and has what is the same under several names once, under the first of them by the
//! alphabet: `python313Packages` comes before `python3Packages`, but `rubyPackages` before `rubyPackages_3_3`, and `python3`
//! before `python313`. Which of them a release has tells only its list; that they are the same, the versions in it.

use super::super::name::Attribute;
use super::{Catalog, Entry, NixosError};

/// What sets of packages are called behind the name of what they are for.
const KINDS: [&str; 2] = ["Packages", "Extensions"];

/// Sets that are not called after the package whose version they have.
const OWNERS: [(&str, &str); 2] = [("beam", "erlang"), ("haskell", "ghc")];

/// A name taken apart: `python` `313` `Packages`, `ruby` `Packages` `_3_3`, `postgresql` `_17`.
struct Parts<'a> {
    stem: &'a str,
    /// Digits behind the stem, perhaps with underscores.
    version: &'a str,
    /// One of [`KINDS`]; empty: a package.
    kind: &'static str,
    /// What stands behind the kind.
    suffix: &'a str,
}

/// What a name is known to mean.
struct Meaning {
    /// The version of the package, or of the one that the set is for.
    version: String,
    /// How many of its numbers the name tells.
    told: usize,
}

impl Catalog {
    /// The package that `attribute` is in the release, under whatever name the list has it.
    pub fn meant(&self, attribute: &Attribute) -> Result<Option<Entry>, NixosError> {
        if let Some(entry) = self.find(attribute)? {
            return Ok(Some(entry));
        }
        let name = attribute.to_string();
        let (first, rest) = name.split_once('.').map_or((name.as_str(), None), |(set, rest)| (set, Some(rest)));
        let Some(parts) = Parts::of(first).filter(|parts| parts.kind.is_empty() == rest.is_none()) else {
            return Ok(None);
        };
        let Some(meaning) = parts.meaning(self)? else { return Ok(None) };
        for (told, candidate) in parts.candidates(&meaning.version) {
            let whole = rest.map_or_else(|| candidate.clone(), |rest| format!("{candidate}.{rest}"));
            let Some(entry) = self.find(&Attribute::parse(&whole))? else { continue };
            let is_same = match rest {
                Some(_) => parts.is_of(&meaning, told, self)?,
                None => entry.version == meaning.version,
            };
            if is_same {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }
}

impl<'a> Parts<'a> {
    fn of(name: &'a str) -> Option<Self> {
        let found = KINDS.into_iter().find_map(|kind| Some((name.split_once(kind)?, kind)));
        let ((front, suffix), kind) = found.unwrap_or(((name, ""), ""));
        let stem = front.trim_end_matches(|end: char| end.is_ascii_digit() || end == '_');
        let version = front.get(stem.len()..)?;
        let has_version = version.bytes().any(|byte| byte.is_ascii_digit());
        let is_name =
            !stem.is_empty() && (!kind.is_empty() || has_version) && (suffix.is_empty() || version.is_empty());
        is_name.then_some(Self { stem, version, kind, suffix })
    }

    /// The package that the set is for, or that the name without its version is.
    fn owner(&self) -> &'a str {
        OWNERS.into_iter().find(|(stem, _)| *stem == self.stem).map_or(self.stem, |(_, owner)| owner)
    }

    /// What the name means: the version of its package, else of the one that has such a version without saying so in its
    /// name. `None`: the release does not tell.
    fn meaning(&self, catalog: &Catalog) -> Result<Option<Meaning>, NixosError> {
        let owner = self.owner();
        let told = if self.suffix.is_empty() { self.version } else { self.suffix };
        let spelled = |version: &str| {
            let mut all = spellings(version);
            all.find(|(_, spelled)| spelled == told.trim_start_matches('_')).map(|(count, _)| count)
        };
        if !self.kind.is_empty()
            && let Some(entry) = catalog.find(&Attribute::parse(&format!("{owner}{told}")))?
        {
            return Ok(Some(Meaning { told: spelled(&entry.version).unwrap_or_default(), version: entry.version }));
        }
        let major: String = told.chars().find(char::is_ascii_digit).into_iter().collect();
        for base in [owner.to_owned(), format!("{owner}{major}")] {
            if let Some(entry) = catalog.find(&Attribute::parse(&base))?
                && let Some(told) = spelled(&entry.version).filter(|told| *told > 0)
            {
                return Ok(Some(Meaning { told, version: entry.version }));
            }
        }
        Ok(None)
    }

    /// Names that the same may have, with how many numbers of the version they tell: those that tell most come first.
    fn candidates(&self, version: &str) -> Vec<(usize, String)> {
        let Self { stem, kind, .. } = self;
        let mut names = Vec::new();
        for (told, spelled) in spellings(version) {
            let behind = if told == 0 { String::new() } else { format!("_{spelled}") };
            let mut add = |name| names.push((told, name));
            add(format!("{stem}{spelled}{kind}"));
            add(format!("{stem}{kind}{behind}"));
            if *stem == "linux" && *kind == "Packages" && told > 0 {
                add(format!("linuxKernel.packages.linux_{spelled}"));
            }
        }
        names
    }

    /// Whether a set whose name tells so many numbers of the version is of it. Two are enough; a vaguer name is held against the
    /// package that it is called after: `python3Packages` is not what `python312Packages` means where `python3` is 3.13.
    fn is_of(&self, meaning: &Meaning, told: usize, catalog: &Catalog) -> Result<bool, NixosError> {
        if told > 1 {
            return Ok(true);
        }
        let all = spellings(&meaning.version).filter(|(count, _)| *count == told);
        for (_, spelled) in all {
            let behind = if told == 0 { String::new() } else { format!("_{spelled}") };
            for name in [format!("{}{spelled}", self.owner()), format!("{}{behind}", self.owner())] {
                if let Some(owner) = catalog.find(&Attribute::parse(&name))? {
                    return Ok(owner.version == meaning.version);
                }
            }
        }
        // The list has each package once: where this one has another name there, nothing speaks against it.
        Ok(told >= meaning.told)
    }
}

/// How names tell a version, with how many of its numbers, most first: `3.13.1` is `3131`, `3_13_1`, `313`, `3_13`, `3` and
/// not told at all.
fn spellings(version: &str) -> impl Iterator<Item = (usize, String)> {
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let numbers: Vec<String> = version.split('.').take_while(is_number).take(3).map(str::to_owned).collect();
    (0..=numbers.len()).rev().flat_map(move |count| {
        let told = numbers.get(..count).unwrap_or_default();
        let parted = (count > 1).then(|| told.join("_"));
        [Some(told.concat()), parted].into_iter().flatten().map(move |spelled| (count, spelled))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What lists have: each package and each set once, under the first of its names.
    const LISTED: [(&str, &str); 27] = [
        ("beam27Packages.elixir", "1.18"),
        ("erlang", "27.3.4"),
        ("gcc", "14.3.0"),
        ("git", "2.50"),
        ("llvm", "19.1.7"),
        ("llvmPackages.clang", "19.1.7"),
        ("linux", "6.12.40"),
        ("linuxKernel.packages.linux_6_12.zfs", "2.3"),
        ("linuxKernel.packages.linux_6_16.zfs", "2.3"),
        ("linux_latest", "6.16.1"),
        ("lua", "5.2.4"),
        ("lua52Packages.lpeg", "1.1"),
        ("lua54Packages.lpeg", "1.1"),
        ("nodejs", "22.17.0"),
        ("perl", "5.40.0"),
        ("perl540Packages.JSON", "4.10"),
        ("php", "8.4.10"),
        ("php84Extensions.redis", "6.2"),
        ("postgresql", "17.6"),
        ("postgresql17Packages.postgis", "3.5"),
        ("python3", "3.13.11"),
        ("python312", "3.12.9"),
        ("python312Packages.old", "1"),
        ("python313Packages.requests", "2.32"),
        ("python3Packages.odd", "1"),
        ("ruby", "3.3.9"),
        ("rubyPackages.rails", "8"),
    ];

    fn catalog(state: &std::path::Path) -> Catalog {
        let packages =
            LISTED.map(|(name, version)| format!(r#""{name}":{{"pname":"p","version":"{version}"}}"#)).join(",");
        let text = format!(r#"{{"version":"2","packages":{{{packages}}}}}"#);
        Catalog::make(state, "r", text.as_bytes()).unwrap()
    }

    #[test]
    fn other_names_lead_to_the_one_of_the_list() {
        let state = tempfile::tempdir().unwrap();
        let catalog = catalog(state.path());
        let meant = |name: &str| catalog.meant(&Attribute::parse(name)).unwrap().map(|entry| entry.attribute);
        for (name, real) in [
            ("python3Packages.requests", "python313Packages.requests"),
            ("python313Packages.odd", "python3Packages.odd"),
            ("python313", "python3"),
            ("perlPackages.JSON", "perl540Packages.JSON"),
            ("luaPackages.lpeg", "lua52Packages.lpeg"),
            ("lua5_2", "lua"),
            ("rubyPackages_3_3.rails", "rubyPackages.rails"),
            ("ruby_3_3", "ruby"),
            ("llvmPackages_19.clang", "llvmPackages.clang"),
            ("phpExtensions.redis", "php84Extensions.redis"),
            ("postgresqlPackages.postgis", "postgresql17Packages.postgis"),
            ("postgresql_17", "postgresql"),
            ("beamPackages.elixir", "beam27Packages.elixir"),
            ("linuxPackages.zfs", "linuxKernel.packages.linux_6_12.zfs"),
            ("linuxPackages_latest.zfs", "linuxKernel.packages.linux_6_16.zfs"),
            ("linuxPackages_6_12.zfs", "linuxKernel.packages.linux_6_12.zfs"),
            ("nodejs_22", "nodejs"),
            ("gcc14", "gcc"),
            ("git", "git"),
        ] {
            assert_eq!(meant(name).as_deref(), Some(real), "{name}");
        }
    }

    #[test]
    fn what_another_version_has_is_not_meant() {
        let state = tempfile::tempdir().unwrap();
        let catalog = catalog(state.path());
        for name in [
            "python312Packages.requests",
            "python312Packages.odd",
            "python3Packages.old",
            "python311Packages.requests",
            "python31",
            "rubyPackages_3_4.rails",
            "llvmPackages_1.clang",
            "postgresql16Packages.postgis",
            "linuxPackages_6_6.zfs",
            "nodejs_2",
            "nodejs_20",
            "git_",
            "3",
            "Packages.x",
            "python3Packages",
            "python3.requests",
            "",
        ] {
            let found = catalog.meant(&Attribute::parse(name)).unwrap().map(|entry| entry.attribute);
            assert_eq!(found, None, "{name}");
        }
    }
}
