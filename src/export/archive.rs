//! Archives: docker-archive and OCI layout in one file, or either alone.
//!
//! A gzipped archive is members too: small ones for the outer headers, and the layers' own as they lie in the store.

use serde_json::json;

use crate::image::codec::Codec;
use crate::image::documents::index;
use crate::image::tar::{Kind, TAIL, padding, write_header};
use crate::image::tree::Metadata;
use crate::store::{Layer, Output, Store};

use super::members::MemberWriter;
use super::{Error, Format, Image, ImageName, OCI_LAYOUT, distinct_layers, index_entries, small_blobs};

/// Writes `images` as `format` to `out`. `codec` compresses the whole where the format is compressed as a whole.
pub fn write_archive(
    store: &Store,
    images: &[Image],
    name: &ImageName,
    format: Format,
    codec: Codec,
    out: &mut dyn Output,
) -> Result<(), Error> {
    let outer = if format.compresses_outside() { codec } else { Codec::None };
    write(store, &Contents { images, names: std::slice::from_ref(name), format, left_out: 0 }, outer, out)
}

/// Writes an archive of layers that lie in the store as `outer` says, or of any inflated where it is none.
pub(super) fn write(store: &Store, contents: &Contents<'_>, outer: Codec, out: &mut dyn Output) -> Result<(), Error> {
    let writer = MemberWriter::new(out, outer).map_err(crate::store::Error::from)?;
    Archive { writer, store, outer }.write(contents)
}

/// What an archive holds.
#[derive(Clone, Copy)]
pub(super) struct Contents<'a> {
    pub(super) images: &'a [Image],
    pub(super) names: &'a [ImageName],
    pub(super) format: Format,
    /// So many of the lowest layers are told of, and have no file.
    pub(super) left_out: usize,
}

struct Archive<'a> {
    writer: MemberWriter<'a>,
    store: &'a Store,
    /// How the whole is compressed.
    outer: Codec,
}

impl Archive<'_> {
    fn write(mut self, contents: &Contents<'_>) -> Result<(), Error> {
        let Contents { images, names, format, left_out } = *contents;
        self.folder("blobs")?;
        self.folder("blobs/sha256")?;
        for layer in distinct_layers(images, left_out) {
            self.layer(layer, format)?;
        }
        for (digest, blob) in small_blobs(images, format)? {
            self.file(&format!("blobs/sha256/{digest}"), &blob)?;
        }
        if format != Format::DockerArchive {
            let entries =
                names.iter().map(|name| index_entries(images, format, name)).collect::<Result<Vec<_>, _>>()?;
            self.file("index.json", &index(entries.concat())?)?;
        }
        if format.compresses_outside() {
            self.file("manifest.json", &docker_manifest(images, names)?)?;
        }
        if format != Format::DockerArchive {
            self.file("oci-layout", OCI_LAYOUT)?;
        }
        self.writer.plain(&TAIL)?;
        self.writer.flush()
    }

    fn header(&mut self, path: &str, kind: Kind<'_>, mode: u32) -> Result<(), Error> {
        let mut header = Vec::new();
        write_header(&mut header, path.as_bytes(), kind, Metadata::root(mode));
        self.writer.plain(&header)
    }

    fn folder(&mut self, path: &str) -> Result<(), Error> {
        self.header(path, Kind::Directory, 0o755)
    }

    fn file(&mut self, path: &str, content: &[u8]) -> Result<(), Error> {
        self.header(path, Kind::File(content.len() as u64), 0o644)?;
        self.writer.plain(content)?;
        self.writer.plain(padding(content.len() as u64))
    }

    /// A layer's members go in as they are. Those of a base image may be compressed in another way: then its tar is compressed
    /// anew. The padding behind it, which a tar of whole blocks does not need, is a member of its own.
    fn layer(&mut self, layer: &Layer, format: Format) -> Result<(), Error> {
        let (digest, size) = if format.compresses_outside() {
            (layer.diff_id.hex(), layer.tar_size)
        } else {
            (layer.blob.hex(), layer.blob_size)
        };
        self.header(&format!("blobs/sha256/{digest}"), Kind::File(size), 0o644)?;
        if format.compresses_outside() && !layer.packing().fits(self.outer) {
            layer.write_tar(self.store, &mut self.writer)?;
        } else {
            layer.write_blob(self.store, self.writer.members()?)?;
        }
        self.writer.plain(padding(size))
    }
}

/// Docker's `manifest.json`.
fn docker_manifest(images: &[Image], names: &[ImageName]) -> Result<Vec<u8>, Error> {
    let entries = images.iter().map(|image| {
        let layers = image.layers.iter().map(|(layer, _)| format!("blobs/sha256/{}", layer.diff_id.hex()));
        json!({
            "Config": format!("blobs/sha256/{}", image.id().hex()),
            "RepoTags": names.iter().map(ImageName::reference).collect::<Vec<_>>(),
            "Layers": layers.collect::<Vec<_>>(),
        })
    });
    Ok(serde_json::to_vec(&entries.collect::<Vec<_>>()).map_err(std::io::Error::from)?)
}
