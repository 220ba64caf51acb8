//! An OCI layout as a folder.

use std::fs;
use std::io;
use std::path::Path;

use oci_spec::image::{Descriptor, ImageIndex};

use crate::image::documents::index;
use crate::nix::{Hasher, Sha256};
use crate::store::{Output, Store};

use super::file::replace_file;
use super::{Error, Format, Image, ImageName, OCI_LAYOUT, distinct_layers, index_entries, small_blobs, write_layer};

const REFERENCE: &str = "org.opencontainers.image.ref.name";

/// Writes `images` into the OCI layout `folder`, which is made where it is missing. Blobs that are there stay; other tags of
/// the layout stay; the index comes last.
pub fn write_directory(store: &Store, images: &[Image], name: &ImageName, folder: &Path) -> Result<(), Error> {
    let others = other_entries(folder, &name.tag)?;
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).map_err(|source| Error::Io { path: blobs.clone(), source })?;
    for layer in distinct_layers(images, 0) {
        put(&blobs, &layer.blob.0, |out| write_layer(store, layer, Format::OciDir, out))?;
    }
    for blob in small_blobs(images, Format::OciDir)?.values() {
        put(&blobs, &Sha256::of(blob), |out| Ok(out.write_all(blob)?))?;
    }
    let entries = others.into_iter().chain(index_entries(images, Format::OciDir, name)?).collect();
    replace_file(&folder.join("oci-layout"), |out| Ok(out.write_all(OCI_LAYOUT)?))?;
    let index = index(entries)?;
    replace_file(&folder.join("index.json"), |out| Ok(out.write_all(&index)?))
}

/// What a layout that is there says of other tags.
fn other_entries(folder: &Path, tag: &str) -> Result<Vec<Descriptor>, Error> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::Io { path: folder.to_owned(), source }),
        Ok(mut entries) => {
            if entries.next().is_none() {
                return Ok(Vec::new());
            }
        }
    }
    let has_tag = |entry: &Descriptor| {
        entry.annotations().as_ref().and_then(|annotations| annotations.get(REFERENCE)).is_some_and(|name| name == tag)
    };
    if !folder.join("oci-layout").is_file() && !folder.join("blobs/sha256").is_dir() {
        return Err(Error::NotALayout(folder.to_owned()));
    }
    let path = folder.join("index.json");
    match fs::read(&path) {
        // A build that was killed before it wrote the index.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(Error::Io { path, source }),
        Ok(text) => {
            let index: ImageIndex = serde_json::from_slice(&text).map_err(|_| Error::NotALayout(folder.to_owned()))?;
            Ok(index.manifests().iter().filter(|entry| !has_tag(entry)).cloned().collect())
        }
    }
}

/// Writes a blob, unless it is there and whole.
fn put(blobs: &Path, digest: &Sha256, write: impl FnOnce(&mut dyn Output) -> Result<(), Error>) -> Result<(), Error> {
    let path = blobs.join(digest.hex());
    let mut hasher = Hasher::new();
    let there = fs::File::open(&path).and_then(|mut file| io::copy(&mut file, &mut hasher)).is_ok();
    if there && hasher.finish() == *digest { Ok(()) } else { replace_file(&path, write) }
}
