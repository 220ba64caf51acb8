//! What is known of store paths: the image's list, and a narinfo for each path of the volume.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use crate::nix::{Compression, NarInfo, ParseStorePathError, PathInfo, Sha256, StorePath};

use super::error::ServiceError;

/// Most bytes of the image's list.
const MAX_REGISTRATION: u64 = 256 << 20;

/// Reads the image's list, as `nix-store --load-db` does. A machine without one has no store paths.
pub fn read_registration(path: &Path) -> Result<BTreeMap<StorePath, PathInfo>, ServiceError> {
    let mut text = String::new();
    match fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        opened => drop(
            opened
                .and_then(|file| file.take(MAX_REGISTRATION).read_to_string(&mut text))
                .map_err(ServiceError::io("read", path))?,
        ),
    }
    parse_registration(&text).map_err(|reason| ServiceError::Damaged { path: path.to_owned(), reason })
}

/// The same from its text; the error says what is missing where.
pub fn parse_registration(text: &str) -> Result<BTreeMap<StorePath, PathInfo>, String> {
    let mut lines = text.lines();
    let mut all = BTreeMap::new();
    while let Some(path) = lines.next() {
        let mut next = |what: &str| lines.next().ok_or_else(|| format!("{path} has no {what}"));
        let said = |error: ParseStorePathError| error.to_string();
        let hash: Sha256 = format!("sha256:{}", next("hash")?.trim_start_matches("sha256:"))
            .parse()
            .map_err(|_| format!("{path}: its hash"))?;
        let nar_size = next("size")?.parse().map_err(|_| format!("{path}: its size"))?;
        next("deriver")?;
        let count: usize = next("number of references")?.parse().map_err(|_| format!("{path}: its references"))?;
        let mut references = Vec::new();
        for _ in 0..count {
            references.push(next("reference")?.parse().map_err(said)?);
        }
        let path: StorePath = path.parse().map_err(said)?;
        let info = PathInfo {
            path: path.clone(),
            nar_hash: hash,
            nar_size,
            references,
            signatures: Vec::new(),
            content_address: None,
        };
        all.insert(path, info);
    }
    Ok(all)
}

/// The text that registers a path of the volume: a narinfo, whose file is the path itself.
#[must_use]
pub fn registered_text(info: &PathInfo) -> String {
    let narinfo = NarInfo {
        info: info.clone(),
        url: info.path.base_name().to_owned(),
        compression: Compression::None,
        file_hash: None,
        file_size: None,
        deriver: None,
        system: None,
    };
    narinfo.print()
}

/// What is registered of a path, in the folder `registered`; `None` where it is not.
#[must_use]
pub fn registered(folder: &Path, path: &StorePath) -> Option<PathInfo> {
    let mut text = Vec::new();
    let file = fs::File::open(folder.join(path.base_name())).ok()?;
    file.take(NarInfo::MAX_SIZE as u64 + 1).read_to_end(&mut text).ok()?;
    let info = NarInfo::parse(&text).ok()?.info;
    (info.path == *path).then_some(info)
}

/// The text that tells Nix's own database of paths.
#[must_use]
pub fn load_db_text<'a>(infos: impl IntoIterator<Item = &'a PathInfo>) -> String {
    let mut lines: Vec<String> = Vec::new();
    for info in infos {
        let count = info.references.len().to_string();
        lines.extend([info.path.to_string(), info.nar_hash.hex(), info.nar_size.to_string(), String::new(), count]);
        lines.extend(info.references.iter().map(ToString::to_string));
    }
    // The last line ends, too.
    lines.push(String::new());
    if lines.len() == 1 { String::new() } else { lines.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(name: &str, references: &[&StorePath]) -> PathInfo {
        PathInfo {
            path: StorePath::from_parts([7; 20], name).unwrap(),
            nar_hash: Sha256::of(name.as_bytes()),
            nar_size: 120,
            references: references.iter().map(|&path| path.clone()).collect(),
            signatures: Vec::new(),
            content_address: None,
        }
    }

    #[test]
    fn what_nix_is_told_reads_back() {
        let one = info("one", &[]);
        let two = info("two", &[&one.path]);
        let text = load_db_text([&one, &two]);
        let all = parse_registration(&text).unwrap();
        assert_eq!(all.into_values().collect::<Vec<_>>(), [one, two.clone()]);
        assert!(parse_registration(text.trim_end().rsplit_once('\n').unwrap().0).is_err());
        assert!(parse_registration("/etc/passwd\n").is_err());
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(registered(folder.path(), &two.path), None);
        fs::write(folder.path().join(two.path.base_name()), registered_text(&two)).unwrap();
        assert_eq!(registered(folder.path(), &two.path), Some(two));
    }
}
