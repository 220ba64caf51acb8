//! One file out of an image that somebody wrote: an archive or layout, or a root folder.
//!
//! Streams: of layers only that file is kept, and of the rest small documents. What the archive says is believed of nothing but itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use oci_spec::image::{ImageIndex, ImageManifest};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use serde::Deserialize;
use walkdir::WalkDir;

use crate::image::untar::{TarEntry, TarKind, TarReader};

use super::Peeked;

/// Documents are kept up to this size, and so is the file that is looked for.
const LARGEST: u64 = 8 << 20;

/// All that is kept together.
const MOST_BYTES: usize = 64 << 20;

/// Files of an archive or layout.
const MOST_FILES: usize = 100_000;

/// What a layer says of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Nothing,
    Is(Vec<u8>),
    Gone,
    /// It is no file, or too large a one.
    Odd,
}

/// What was seen of an archive or layout.
#[derive(Default)]
struct Seen {
    documents: BTreeMap<String, Vec<u8>>,
    layers: BTreeMap<String, Said>,
    bytes: usize,
}

/// The file at `wanted` (relative, without `.` and `..`) in an archive (gzipped or not), the folder of an OCI layout, or a root
/// folder. `None`: there is none. Of several systems the first is looked at.
pub fn find_file(image: &Path, wanted: &str) -> io::Result<Option<Vec<u8>>> {
    if !image.is_dir() {
        return read_archive(image, wanted)?.answer();
    }
    if image.join("oci-layout").is_file() {
        return read_layout(image, wanted)?.answer();
    }
    in_root(image, wanted)
}

/// Links in the folder lead nowhere but into it, as they will when it is somebody's root.
fn in_root(root: &Path, wanted: &str) -> io::Result<Option<Vec<u8>>> {
    let folder = rustix::fs::openat(CWD, root, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match openat2(&folder, wanted, flags, Mode::empty(), ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS) {
        Ok(file) => {
            let file = File::from(file);
            let metadata = file.metadata()?;
            if !metadata.is_file() || metadata.len() > LARGEST {
                return Err(odd(wanted));
            }
            let mut content = Vec::new();
            file.take(LARGEST).read_to_end(&mut content)?;
            Ok(Some(content))
        }
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn read_archive(path: &Path, wanted: &str) -> io::Result<Seen> {
    let mut seen = Seen::default();
    let input = Peeked::new(BufReader::with_capacity(1 << 18, File::open(path)?))?;
    let mut archive = TarReader::new(BufReader::with_capacity(1 << 18, input.decoded()?));
    while let Some(entry) = archive.next_entry()? {
        if matches!(entry.kind, TarKind::File(_)) {
            let name = String::from_utf8_lossy(plain(&entry.path)).into_owned();
            seen.look_at(name, &mut archive, wanted)?;
        }
    }
    Ok(seen)
}

fn read_layout(folder: &Path, wanted: &str) -> io::Result<Seen> {
    let mut seen = Seen::default();
    for entry in WalkDir::new(folder).max_depth(3).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file() {
            let name = entry.path().strip_prefix(folder).map_err(io::Error::other)?.to_string_lossy().into_owned();
            seen.look_at(name, &mut BufReader::with_capacity(1 << 18, File::open(entry.path())?), wanted)?;
        }
    }
    Ok(seen)
}

impl Seen {
    fn look_at(&mut self, name: String, file: &mut (dyn Read + Send), wanted: &str) -> io::Result<()> {
        let peeked = Peeked::new(file)?;
        if peeked.is_layer() {
            let said = look_at_layer(peeked, wanted)?;
            self.bytes += if let Said::Is(content) = &said { content.len() } else { 0 };
            self.layers.insert(name, said);
        } else {
            let mut content = Vec::new();
            peeked.take(LARGEST).read_to_end(&mut content)?;
            self.bytes += content.len();
            self.documents.insert(name, content);
        }
        if self.bytes > MOST_BYTES || self.layers.len() + self.documents.len() > MOST_FILES {
            return Err(invalid("more files than any image has"));
        }
        Ok(())
    }

    /// What the highest layer says that says something.
    fn answer(mut self) -> io::Result<Option<Vec<u8>>> {
        for name in self.layer_names()?.iter().rev() {
            match self.layers.remove(name) {
                None | Some(Said::Nothing) => {}
                Some(Said::Is(content)) => return Ok(Some(content)),
                Some(Said::Gone) => return Ok(None),
                Some(Said::Odd) => return Err(odd(name)),
            }
        }
        Ok(None)
    }

    /// Names of the layers' files, the lowest first.
    fn layer_names(&self) -> io::Result<Vec<String>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct DockerEntry {
            layers: Vec<String>,
        }
        if self.documents.contains_key("manifest.json") {
            let entries: Vec<DockerEntry> = self.document("manifest.json")?;
            return Ok(entries.into_iter().next().map(|entry| entry.layers).unwrap_or_default());
        }
        if !self.documents.contains_key("index.json") {
            return Err(invalid("there is neither an index.json nor a manifest.json: this is no image"));
        }
        let index: ImageIndex = self.document("index.json")?;
        let Some(entry) = index.manifests().first() else { return Ok(Vec::new()) };
        let blob = |digest: &oci_spec::image::Digest| format!("blobs/{}", digest.to_string().replace(':', "/"));
        let manifest: ImageManifest = self.document(&blob(entry.digest()))?;
        Ok(manifest.layers().iter().map(|layer| blob(layer.digest())).collect())
    }

    fn document<T: serde::de::DeserializeOwned>(&self, name: &str) -> io::Result<T> {
        let content = self.documents.get(name).ok_or_else(|| invalid(&format!("{name} is missing")))?;
        serde_json::from_slice(content).map_err(|error| invalid(&format!("{name} is not what it should be: {error}")))
    }
}

/// A layer that is no tar says nothing: a document may begin like one.
fn look_at_layer(blob: Peeked<impl Read + Send>, wanted: &str) -> io::Result<Said> {
    let mut layer = TarReader::new(BufReader::with_capacity(1 << 18, blob.decoded()?));
    let mut said = Said::Nothing;
    while let Some(entry) = layer.next_entry()? {
        if plain(&entry.path) == wanted.as_bytes() {
            said = match entry.kind {
                TarKind::File(size) if size <= LARGEST => {
                    let mut content = Vec::new();
                    layer.read_to_end(&mut content)?;
                    Said::Is(content)
                }
                _ => Said::Odd,
            };
        } else if said == Said::Nothing && hides(&entry, wanted) {
            said = Said::Gone;
        }
    }
    Ok(said)
}

/// Whether an entry takes `wanted` of the layers below away: it is deleted, or a folder above it is, or is no folder any more.
fn hides(entry: &TarEntry, wanted: &str) -> bool {
    let path = plain(&entry.path);
    let (folder, name) = path
        .iter()
        .rposition(|&byte| byte == b'/')
        .map_or((&b""[..], path), |slash| (&path[..slash], &path[slash + 1..]));
    let below = |folder: &[u8]| {
        folder.is_empty() || wanted.as_bytes().strip_prefix(folder).is_some_and(|rest| rest.starts_with(b"/"))
    };
    match name.strip_prefix(b".wh.") {
        Some(b".wh..opq") => below(folder),
        Some(deleted) => {
            let target = [folder, if folder.is_empty() { b"" } else { b"/" }, deleted].concat();
            target == wanted.as_bytes() || (!target.is_empty() && below(&target))
        }
        None => entry.kind != TarKind::Directory && !path.is_empty() && below(path),
    }
}

fn plain(path: &[u8]) -> &[u8] {
    let path = path.strip_prefix(b".").filter(|rest| rest.starts_with(b"/")).unwrap_or(path);
    path.strip_prefix(b"/").unwrap_or(path)
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

fn odd(name: &str) -> io::Error {
    invalid(&format!("in {name}, it is no file, or one of more than {} MiB", LARGEST >> 20))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::image::tar::{Kind, TAIL, padding, write_header};
    use crate::image::tree::Metadata;

    const WANTED: &str = "etc/dumbc/boot.json";

    fn tar(entries: &[(&str, Option<&[u8]>)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, content) in entries {
            let metadata = Metadata::root(0o644);
            match content {
                Some(content) => {
                    write_header(&mut bytes, name.as_bytes(), Kind::File(content.len() as u64), metadata);
                    bytes.extend_from_slice(content);
                    bytes.extend_from_slice(padding(content.len() as u64));
                }
                None => write_header(&mut bytes, name.as_bytes(), Kind::Symlink(b"/etc/shadow"), metadata),
            }
        }
        bytes.extend_from_slice(&TAIL);
        bytes
    }

    /// An archive of these layers, the lowest first, listed after them.
    fn found(layers: &[Vec<u8>]) -> io::Result<Option<Vec<u8>>> {
        let names = (0..layers.len()).map(|number| format!("{number}.tar")).collect::<Vec<_>>();
        let manifest = serde_json::json!([{ "Layers": names }]).to_string();
        let mut entries =
            names.iter().map(String::as_str).zip(layers.iter().map(|layer| Some(&layer[..]))).collect::<Vec<_>>();
        entries.push(("manifest.json", Some(manifest.as_bytes())));
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&tar(&entries)).unwrap();
        find_file(file.path(), WANTED)
    }

    #[test]
    fn the_highest_layer_wins() {
        let (low, high) = (tar(&[(WANTED, Some(b"low"))]), tar(&[("./etc/dumbc/boot.json", Some(b"high"))]));
        assert_eq!(found(&[low.clone(), high.clone()]).unwrap(), Some(b"high".to_vec()));
        assert_eq!(found(&[high, low.clone(), tar(&[("etc/other", Some(b"x"))])]).unwrap(), Some(b"low".to_vec()));
        for gone in ["etc/dumbc/.wh.boot.json", "etc/.wh.dumbc", ".wh.etc", "etc/.wh..wh..opq", ".wh..wh..opq", "etc"] {
            assert_eq!(found(&[low.clone(), tar(&[(gone, Some(b""))])]).unwrap(), None, "{gone}");
        }
        let both = tar(&[("etc/.wh.dumbc", Some(b"")), (WANTED, Some(b"new"))]);
        assert_eq!(found(&[low.clone(), both]).unwrap(), Some(b"new".to_vec()));
        assert_eq!(found(&[low, tar(&[("etc/.wh.dumb", Some(b""))])]).unwrap(), Some(b"low".to_vec()));
    }

    #[test]
    fn what_is_no_file_is_refused() {
        assert!(found(&[tar(&[(WANTED, None)])]).is_err());
        assert!(found(&[tar(&[("etc/x", None)])[..700].to_vec()]).is_err());
        let mut nothing = tempfile::NamedTempFile::new().unwrap();
        nothing.write_all(&tar(&[("x", Some(b"y"))])).unwrap();
        assert!(find_file(nothing.path(), WANTED).unwrap_err().to_string().contains("this is no image"));
    }

    #[test]
    fn links_in_a_root_folder_lead_into_it() {
        let root = tempfile::tempdir().unwrap();
        let etc = root.path().join("etc");
        std::fs::create_dir_all(etc.join("real")).unwrap();
        assert_eq!(find_file(root.path(), WANTED).unwrap(), None);
        std::os::unix::fs::symlink("/etc/real", etc.join("dumbc")).unwrap();
        std::fs::write(etc.join("real/boot.json"), "plan").unwrap();
        assert_eq!(find_file(root.path(), WANTED).unwrap(), Some(b"plan".to_vec()));
        std::fs::remove_file(etc.join("real/boot.json")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", etc.join("real/boot.json")).unwrap();
        assert_eq!(find_file(root.path(), WANTED).unwrap(), None, "not this machine's");
    }
}
