//! From a channel's name to the release that it is today.

use std::fmt;

use crate::cache::http::{Answer, Conditions, Http, HttpError, Url};

use super::super::hosts::Hosts;
use super::super::hydra::Evaluation;
use super::error::NixosError;
use crate::channel::lock::described;

/// A folder of a release has a page that lists it.
const PAGE: u64 = 4 << 20;
/// Revision and evaluation are a line each.
const LINE: u64 = 4 << 10;
/// Pages of a listing that are read at most.
const PAGES: usize = 40;

/// A release of nixpkgs: one revision, and the evaluation of all its packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// `nixos-26.05.1234.0123456789ab`
    pub name: String,
    /// 40 hexadecimal digits.
    pub revision: String,
    /// Hydra's number of the evaluation.
    pub evaluation: u64,
}

/// Which release is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedRelease<'a> {
    /// A channel (`nixos-26.05`, `nixos-unstable-small`) or an exact release.
    pub name: &'a str,
    /// The release of this revision, beginning with these digits.
    pub revision: Option<&'a str>,
}

impl WantedRelease<'_> {
    /// As a lock remembers it.
    #[must_use]
    pub fn described(self) -> String {
        described(self.name, self.revision)
    }
}

impl Release {
    /// The evaluation that built its packages.
    #[must_use]
    pub fn jobs(&self) -> Evaluation {
        Evaluation::of(&self.name, self.evaluation)
    }

    /// Its folder, below the host of releases; several where its name does not tell.
    #[must_use]
    pub fn folders(&self) -> Vec<String> {
        folders(&self.name)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

/// Asks for the release that `wanted` names today.
pub(super) fn find(http: &Http, hosts: &Hosts, wanted: WantedRelease<'_>) -> Result<Release, NixosError> {
    if let Some(revision) = wanted.revision {
        return by_revision(http, hosts, wanted.name, revision);
    }
    if is_exact(wanted.name) {
        return exact(http, hosts, wanted.name);
    }
    // The address alone matters: what lies there is a page for people.
    let place = hosts.channels.join(wanted.name).map_err(HttpError::from)?;
    let Answer::Body(page) = http.fetch_bytes(&place, PAGE, Conditions::default())? else {
        return Err(NixosError::NoChannel { name: wanted.name.to_owned() });
    };
    let folder = page.url.as_directory();
    let name = folder.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    if !is_exact(&name) {
        return Err(NixosError::NoRelease { name: wanted.name.to_owned(), place: folder.to_string() });
    }
    in_folder(http, &folder, &name)?.ok_or(NixosError::NoRelease { name, place: folder.to_string() })
}

/// What a release's own files say of it; `None`: there is no such folder.
fn in_folder(http: &Http, folder: &Url, name: &str) -> Result<Option<Release>, NixosError> {
    let odd = |what: &'static str| NixosError::Odd { place: folder.to_string(), what };
    let Some(revision) = line(http, folder, "git-revision")? else { return Ok(None) };
    if revision.len() != 40 || !revision.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(odd("its `git-revision` is no revision"));
    }
    let source = line(http, folder, "src-url")?.ok_or_else(|| odd("it has no `src-url`"))?;
    let number = source.trim_end_matches('/').rsplit_once("/eval/").and_then(|(_, number)| number.parse().ok());
    let evaluation = number.ok_or_else(|| odd("its `src-url` names no evaluation"))?;
    Ok(Some(Release { name: name.to_owned(), revision: revision.to_ascii_lowercase(), evaluation }))
}

fn line(http: &Http, folder: &Url, file: &str) -> Result<Option<String>, NixosError> {
    match http.fetch_bytes(&folder.join(file).map_err(HttpError::from)?, LINE, Conditions::default())? {
        Answer::Body(document) => Ok(Some(String::from_utf8_lossy(&document.bytes).trim().to_owned())),
        Answer::Absent { .. } | Answer::NotModified => Ok(None),
    }
}

fn exact(http: &Http, hosts: &Hosts, name: &str) -> Result<Release, NixosError> {
    for folder in folders(name) {
        let folder = hosts.releases.join(&format!("{folder}/")).map_err(HttpError::from)?;
        if let Some(release) = in_folder(http, &folder, name)? {
            return Ok(release);
        }
    }
    Err(NixosError::NoRelease { name: name.to_owned(), place: hosts.releases.to_string() })
}

/// Finds the release of a channel that was made of a revision: their names end in its first digits.
fn by_revision(http: &Http, hosts: &Hosts, channel: &str, revision: &str) -> Result<Release, NixosError> {
    let unknown = || NixosError::NoRevision { channel: channel.to_owned(), revision: revision.to_owned() };
    let series = series(channel).ok_or_else(unknown)?;
    let (mut after, mut found) = (String::new(), Vec::new());
    for _ in 0..PAGES {
        let query = format!("?list-type=2&delimiter=/&prefix={series}/&start-after={after}");
        let place = hosts.listing.join(&query).map_err(HttpError::from)?;
        let Answer::Body(page) = http.fetch_bytes(&place, PAGE, Conditions::default())? else { return Err(unknown()) };
        let text = String::from_utf8_lossy(&page.bytes).into_owned();
        let names: Vec<&str> = listed(&text, &series).collect();
        let is_meant = |name: &&&str| {
            let short = name.rsplit('.').next().unwrap_or_default();
            is_exact(name) && !short.is_empty() && (revision.starts_with(short) || short.starts_with(revision))
        };
        found.extend(names.iter().filter(is_meant).map(|name| (*name).to_owned()));
        match names.last() {
            Some(last) if text.contains("<IsTruncated>true") => after = format!("{series}/{last}/"),
            _ => break,
        }
    }
    for name in found {
        let release = exact(http, hosts, &name)?;
        if release.revision.starts_with(revision) {
            return Ok(release);
        }
    }
    Err(unknown())
}

/// The folder of a channel's releases.
fn series(channel: &str) -> Option<String> {
    if channel.starts_with("nixpkgs-") {
        return Some("nixpkgs".to_owned());
    }
    let rest = channel.strip_prefix("nixos-")?;
    rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte)).then(|| format!("nixos/{rest}"))
}

/// Names of the folders in a page of S3's listing.
fn listed<'a>(page: &'a str, series: &'a str) -> impl Iterator<Item = &'a str> {
    let entries = page.split("<Prefix>").skip(1).filter_map(|rest| rest.split_once("</Prefix>"));
    entries.filter_map(move |(path, _)| path.strip_prefix(series)?.strip_prefix('/')?.strip_suffix('/'))
}

/// Whether `name` is one release, and no channel: it ends in a revision's digits.
fn is_exact(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    let Some((before, revision)) = name.rsplit_once('.') else { return false };
    (name.starts_with("nixos-") || name.starts_with("nixpkgs-"))
        && name.bytes().all(plain)
        && revision.len() >= 7
        && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
        && before.bytes().any(|byte| byte.is_ascii_digit())
}

/// Where an exact release may lie.
fn folders(name: &str) -> Vec<String> {
    let Some(version) = name.strip_prefix("nixos-") else { return vec![format!("nixpkgs/{name}")] };
    let (release, rest) = version.split_at(version.len().min(5));
    if rest.starts_with("pre") {
        return ["unstable", "unstable-small"].map(|channel| format!("nixos/{channel}/{name}")).to_vec();
    }
    ["", "-small"].map(|small| format!("nixos/{release}{small}/{name}")).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_releases_are_told_from_channels() {
        assert!(is_exact("nixos-26.05.1234.0123456789ab"));
        assert!(is_exact("nixpkgs-26.11pre987654.abcdef123456"));
        for channel in ["nixos-26.05", "nixos-unstable", "nixpkgs-unstable", "nixos-26.05-small", "debian-1.abcdef1"] {
            assert!(!is_exact(channel), "{channel}");
        }
    }

    #[test]
    fn releases_lie_in_their_series() {
        assert_eq!(
            folders("nixos-26.05.1.abcdef1"),
            ["nixos/26.05/nixos-26.05.1.abcdef1", "nixos/26.05-small/nixos-26.05.1.abcdef1"]
        );
        assert_eq!(folders("nixos-26.11pre1.abcdef1")[0], "nixos/unstable/nixos-26.11pre1.abcdef1");
        assert_eq!(folders("nixpkgs-26.11pre1.abcdef1"), ["nixpkgs/nixpkgs-26.11pre1.abcdef1"]);
        assert_eq!(series("nixos-unstable-small").as_deref(), Some("nixos/unstable-small"));
        assert_eq!(series("nixos-../x"), None);
    }

    #[test]
    fn a_listing_names_folders() {
        let page = "<Prefix>nixos/26.05/</Prefix><CommonPrefixes><Prefix>nixos/26.05/nixos-26.05.1.abcdef1/</Prefix>\
                    </CommonPrefixes><Prefix>nixos/26.05/nixos-26.05.2.abcdef2/</Prefix>";
        let names: Vec<_> = listed(page, "nixos/26.05").collect();
        assert_eq!(names, ["nixos-26.05.1.abcdef1", "nixos-26.05.2.abcdef2"]);
    }
}
