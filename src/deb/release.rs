//! Release files: what a suite is, and the digests of its indices.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{ControlError, Paragraph};

/// Most files that a Release file may list. The largest of Debian's lists a few thousand.
const MOST_FILES: usize = 200_000;

/// A suite's Release file. Says nothing of who signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// `Debian`; empty where absent.
    pub origin: String,
    /// `Debian-Security`; empty where absent.
    pub label: String,
    /// `stable`, `oldstable-security`, `jammy-updates`; empty where absent.
    pub suite: String,
    /// `bookworm`, `bookworm-security`; empty where absent.
    pub codename: String,
    /// `12.12`
    pub version: Option<String>,
    /// When it was made.
    pub date: Timestamp,
    /// When it is to be believed no more.
    pub valid_until: Option<Timestamp>,
    /// As written: `main`, or `updates/main` in security archives.
    pub components: Vec<String>,
    /// `amd64`, …; may hold `all`.
    pub architectures: Vec<String>,
    /// Whether indices are also found by their digest.
    pub by_hash: bool,
    /// Whether packages for every architecture have indices of their own.
    pub separate_all: bool,
    /// Indices by path below the suite's folder: `main/binary-amd64/Packages.xz`.
    pub files: BTreeMap<String, ReleaseFile>,
}

/// A file that a Release file vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseFile {
    /// Bytes.
    pub size: u64,
    /// SHA-256 digest.
    pub sha256: [u8; 32],
}

/// The text is no Release file that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// It is no paragraph.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A field that must be there is not.
    #[error("it has no field `{0}`")]
    Missing(&'static str),
    /// A field's value is none.
    #[error("its field `{field}` can't be `{}`", .value.escape_debug())]
    Field {
        /// The field.
        field: &'static str,
        /// The value, shortened.
        value: String,
    },
}

impl Release {
    /// Reads a Release file's text, which is one paragraph.
    pub fn parse(text: &str) -> Result<Self, ReleaseError> {
        let paragraph = Paragraph::parse(text)?;
        let fields: BTreeMap<String, &str> =
            paragraph.fields().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        let get = |name: &str| fields.get(name).copied();
        let text = |name: &str| get(name).unwrap_or_default().to_owned();
        let words = |name: &str| text(name).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let dated = |field, text| parse_date(text).ok_or_else(|| wrong(field, text));
        let no_all = words("no-support-for-architecture-all").iter().any(|kind| kind == "Packages");
        let architectures = words("architectures");
        Ok(Self {
            origin: text("origin"),
            label: text("label"),
            suite: text("suite"),
            codename: text("codename"),
            version: get("version").filter(|version| !version.is_empty()).map(str::to_owned),
            date: dated("Date", get("date").ok_or(ReleaseError::Missing("Date"))?)?,
            valid_until: get("valid-until").map(|text| dated("Valid-Until", text)).transpose()?,
            components: words("components"),
            separate_all: !no_all && architectures.iter().any(|name| name == "all"),
            architectures,
            by_hash: get("acquire-by-hash").is_some_and(|value| value.eq_ignore_ascii_case("yes")),
            files: parse_files(get("sha256").ok_or(ReleaseError::Missing("SHA256"))?)?,
        })
    }

    /// The components' own names: security archives write `updates/main` for `main`.
    pub fn component_names(&self) -> impl Iterator<Item = &str> {
        self.components.iter().map(|name| name.rsplit_once('/').map_or(name.as_str(), |(_, last)| last))
    }
}

fn wrong(field: &'static str, value: &str) -> ReleaseError {
    ReleaseError::Field { field, value: value.chars().take(80).collect() }
}

/// Lines of digest, size and path.
fn parse_files(text: &str) -> Result<BTreeMap<String, ReleaseFile>, ReleaseError> {
    let mut files = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (path, file) = parse_file(line).ok_or_else(|| wrong("SHA256", line))?;
        files.insert(path, file);
        if files.len() > MOST_FILES {
            return Err(wrong("SHA256", "so many files"));
        }
    }
    Ok(files)
}

fn parse_file(line: &str) -> Option<(String, ReleaseFile)> {
    let mut words = line.split_whitespace();
    let (digest, size, path) = (words.next()?, words.next()?, words.next()?);
    let sha256 = data_encoding::HEXLOWER_PERMISSIVE.decode(digest.as_bytes()).ok()?.try_into().ok()?;
    words.next().is_none().then_some((path.to_owned(), ReleaseFile { size: size.parse().ok()?, sha256 }))
}

/// `Sat, 17 May 2025 08:57:30 UTC`; the zone may be an offset, too.
fn parse_date(text: &str) -> Option<Timestamp> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [_, day, month, year, time, zone] = words[..] else { return None };
    let zone = if ["UTC", "GMT", "UT", "Z"].contains(&zone) { "+0000" } else { zone };
    let text = format!("{day} {month} {year} {time} {zone}");
    jiff::fmt::strtime::parse("%d %b %Y %H:%M:%S %z", text).ok()?.to_timestamp().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Origin: Debian\nLabel: Debian-Security\nSuite: oldstable-security\nVersion: 12\n\
        Codename: bookworm-security\nDate: Fri, 20 Nov 2026 00:12:41 UTC\nValid-Until: Fri, 27 Nov 2026 00:12:41 UTC\n\
        Acquire-By-Hash: yes\nArchitectures: amd64 arm64\nComponents: updates/main updates/contrib\nMD5Sum:\n\
        \x20d41d8cd98f00b204e9800998ecf8427e 0 main/binary-amd64/Packages\nSHA256:\n\
        \x20e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855        0 main/binary-amd64/Packages\n\
        \x20E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855   376904 main/binary-amd64/Packages.xz\n";

    #[test]
    fn says_what_the_suite_is() {
        let release = Release::parse(TEXT).unwrap();
        assert_eq!((release.origin.as_str(), release.codename.as_str()), ("Debian", "bookworm-security"));
        assert_eq!(release.component_names().collect::<Vec<_>>(), ["main", "contrib"]);
        assert_eq!(release.date.to_string(), "2026-11-20T00:12:41Z");
        assert_eq!(release.valid_until.unwrap().to_string(), "2026-11-27T00:12:41Z");
        assert!(release.by_hash && !release.separate_all);
        assert_eq!(release.files.len(), 2);
        assert_eq!(release.files["main/binary-amd64/Packages.xz"].size, 376_904);
    }

    #[test]
    fn indices_for_every_architecture() {
        let all = TEXT.replace("amd64 arm64", "all amd64");
        assert!(Release::parse(&all).unwrap().separate_all);
        assert!(!Release::parse(&format!("{all}No-Support-for-Architecture-all: Packages\n")).unwrap().separate_all);
    }

    #[test]
    fn dates_as_archives_write_them() {
        for (text, expected) in [
            ("Sat, 17 May 2025 08:57:30 UTC", "2025-05-17T08:57:30Z"),
            ("Sat,  3 May 2025  8:57:30 UTC", "2025-05-03T08:57:30Z"),
            ("Sat, 17 May 2025 08:57:30 +0200", "2025-05-17T06:57:30Z"),
            ("Sat, 17 May 2025 08:57:30 GMT", "2025-05-17T08:57:30Z"),
        ] {
            assert_eq!(parse_date(text).map(|date| date.to_string()).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "2025-05-17", "Sat, 17 Foo 2025 08:57:30 UTC", "Sat, 99 May 2025 08:57:30 UTC"] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_release_is_refused() {
        let refused = |from: &str, to: &str| Release::parse(&TEXT.replace(from, to)).unwrap_err().to_string();
        assert_eq!(refused("Date: Fri, 20 Nov 2026 00:12:41 UTC\n", ""), "it has no field `Date`");
        assert_eq!(refused("SHA256:", "SHA512:"), "it has no field `SHA256`");
        assert_eq!(
            refused("Date: Fri, 20", "Date: never, 20x"),
            "its field `Date` can't be `never, 20x Nov 2026 00:12:41 UTC`"
        );
        assert!(refused(" 376904 ", " many ").starts_with("its field `SHA256` can't be"));
        assert!(refused("Label:", "\nLabel:").contains("second paragraph"));
    }
}
