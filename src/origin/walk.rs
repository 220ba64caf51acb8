//! From what a place names to its images.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::config::System;
use crate::image::check::Peeked;
use crate::nix::{Hasher, Sha256};

use super::archive::{Archive, Span};
use super::documents::{Configuration, Descriptor, Document, MOST_MANIFESTS, Manifest, docker_entries};
use super::place::Place;
use super::{Error, OriginImage, OriginLayer};

/// Indexes below the first.
const DEEPEST: usize = 2;

/// All bytes that documents may take together.
const MOST_BYTES: usize = 64 << 20;

const TAR: &str = "application/vnd.oci.image.layer.v1.tar";

/// What annotations call an image.
const NAMES: [&str; 2] = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];

/// What was found in a place.
#[derive(Default)]
pub(super) struct Found {
    pub(super) digest: Option<Sha256>,
    pub(super) document: Vec<u8>,
    pub(super) manifests: Vec<(Sha256, String, Vec<u8>)>,
    pub(super) images: Vec<OriginImage>,
    /// Layers of a docker-archive, which are named as somebody liked.
    pub(super) files: BTreeMap<Sha256, Span>,
}

pub(super) fn walk(place: &Place<'_>, system: Option<System>) -> Result<Found, Error> {
    let mut walk = Walk { place, system, found: Found::default(), bytes: 0, seen: BTreeSet::new(), kinds: Vec::new() };
    if let Some(named) = place.named()? {
        walk.found.digest = Some(named.digest);
        walk.found.document.clone_from(&named.bytes);
        let entry = Entry { depth: 0, names: &[], platform: None };
        walk.document(named.digest, &named.media_type, named.bytes, entry)?;
    } else {
        walk.files()?;
    }
    if walk.found.images.is_empty() && system.is_none() {
        return Err(walk.no_image());
    }
    Ok(walk.found)
}

struct Walk<'p, 'a> {
    place: &'p Place<'a>,
    system: Option<System>,
    found: Found,
    bytes: usize,
    /// Manifests that were met: an index may name one more than once.
    seen: BTreeSet<Sha256>,
    /// What there was in place of images.
    kinds: Vec<String>,
}

/// How a document was reached.
#[derive(Clone, Copy)]
struct Entry<'d> {
    depth: usize,
    names: &'d [String],
    platform: Option<&'d super::documents::Platform>,
}

impl Walk<'_, '_> {
    /// An archive's or layout's own index, else what Docker wrote.
    fn files(&mut self) -> Result<(), Error> {
        let index = self.place.file("index.json")?;
        if let Some(bytes) = index {
            self.layout(bytes)?;
        }
        let docker = if matches!(self.place, Place::Archive(..)) { self.place.file("manifest.json")? } else { None };
        match docker {
            Some(bytes) if self.found.images.is_empty() => self.docker(bytes),
            Some(bytes) => self.tags(&bytes),
            None => Ok(()),
        }
    }

    fn layout(&mut self, bytes: Vec<u8>) -> Result<(), Error> {
        let entries = match Document::parse(&bytes, "").map_err(|reason| self.unreadable("index.json", reason))? {
            Document::Index(entries) => entries,
            _ => return Err(self.unreadable("index.json", "it is no index".to_owned())),
        };
        self.found.digest = Some(Sha256::of(&bytes));
        self.found.document = bytes;
        self.index(&entries, 0)?;
        // What everybody else calls the digest of a layout with one entry is that entry's.
        if let [only] = entries.as_slice()
            && let Some((digest, _, bytes)) = self.found.manifests.first()
            && *digest == only.digest.0
        {
            self.found.digest = Some(*digest);
            self.found.document.clone_from(bytes);
        }
        Ok(())
    }

    fn index(&mut self, entries: &[Descriptor], depth: usize) -> Result<(), Error> {
        let system = self.system;
        for entry in entries.iter().filter(|entry| entry.may_be_image() && is_wanted(entry, system)) {
            let digest = entry.digest.0;
            if !self.seen.insert(digest) {
                self.name_again(digest, &names(entry));
                continue;
            }
            if self.seen.len() > MOST_MANIFESTS {
                return Err(self.too_much(format!("more than {MOST_MANIFESTS} manifests")));
            }
            // Archives of one system keep the index of all: what is not there is nothing to read.
            let Some(bytes) = self.place.manifest(&digest, entry.size)? else { continue };
            let reached = Entry { depth: depth + 1, names: &names(entry), platform: entry.platform.as_ref() };
            self.document(digest, &entry.media_type, bytes, reached)?;
        }
        Ok(())
    }

    fn document(&mut self, digest: Sha256, media_type: &str, bytes: Vec<u8>, at: Entry<'_>) -> Result<(), Error> {
        let document = Document::parse(&bytes, media_type).map_err(|reason| self.unreadable(&digest.oci(), reason))?;
        self.count(bytes.len())?;
        let is_image = !matches!(document, Document::Artifact(_));
        if is_image {
            self.found.manifests.push((digest, media_type.to_owned(), bytes));
        }
        match document {
            Document::Index(_) if at.depth > DEEPEST => {
                Err(self.too_much(format!("indexes in indexes {DEEPEST} deep")))
            }
            Document::Index(entries) => self.index(&entries, at.depth),
            Document::Manifest(manifest) => self.manifest(digest, media_type, &manifest, at),
            Document::Artifact(kind) => {
                self.kinds.push(kind);
                Ok(())
            }
        }
    }

    fn manifest(&mut self, digest: Sha256, media_type: &str, manifest: &Manifest, at: Entry<'_>) -> Result<(), Error> {
        let config = self.place.config(&manifest.config.digest.0, manifest.config.size)?;
        let parsed = self.configuration(&manifest.config.digest.0.oci(), &config)?;
        let diff_ids = &parsed.rootfs.diff_ids;
        self.same_number(&digest.oci(), manifest.layers.len(), diff_ids.len())?;
        let layer = |(layer, diff_id): (&Descriptor, &super::documents::Digest)| OriginLayer {
            media_type: layer.media_type.clone(),
            digest: layer.digest.0,
            size: layer.size,
            diff_id: diff_id.0,
            annotations: layer.annotations.clone(),
        };
        // Variants stand in the index more often than in configurations.
        let mut platform = parsed.platform.clone();
        if let Some(said) = at.platform.filter(|said| said.architecture == platform.architecture)
            && platform.variant.is_empty()
        {
            platform.variant.clone_from(&said.variant);
        }
        self.keep(OriginImage {
            platform: platform.to_string(),
            manifest: Some(digest),
            media_type: Some(media_type).filter(|text| !text.is_empty()).map(str::to_owned),
            layers: manifest.layers.iter().zip(diff_ids).map(layer).collect(),
            config,
            annotations: manifest.annotations.clone(),
            names: at.names.to_vec(),
        })
    }

    /// Docker's own way, in which nothing has a digest but layers by their tars.
    fn docker(&mut self, bytes: Vec<u8>) -> Result<(), Error> {
        let Place::Archive(_, archive) = self.place else { return Ok(()) };
        let entries = docker_entries(&bytes).map_err(|reason| self.unreadable("manifest.json", reason))?;
        for entry in entries {
            let config = self.place.file(&entry.config)?.ok_or_else(|| self.incomplete(&entry.config))?;
            let parsed = self.configuration(&entry.config, &config)?;
            self.same_number(&entry.config, entry.layers.len(), parsed.rootfs.diff_ids.len())?;
            let mut layers = Vec::new();
            for (name, diff_id) in entry.layers.iter().zip(&parsed.rootfs.diff_ids) {
                let span = archive.find(name).ok_or_else(|| self.incomplete(name))?;
                let layer = docker_layer(archive, span, diff_id.0)
                    .map_err(|source| Error::Read { place: format!("{name} in {}", self.place.name()), source })?;
                self.found.files.insert(layer.digest, span);
                layers.push(layer);
            }
            self.keep(OriginImage {
                platform: parsed.platform.to_string(),
                manifest: None,
                media_type: None,
                config,
                layers,
                annotations: BTreeMap::new(),
                names: entry.repo_tags,
            })?;
        }
        self.found.digest = None;
        self.found.document = bytes;
        Ok(())
    }

    /// Names that only Docker's document has.
    fn tags(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let entries = docker_entries(bytes).map_err(|reason| self.unreadable("manifest.json", reason))?;
        for entry in entries {
            let hex = entry.config.strip_prefix("blobs/sha256/").unwrap_or(&entry.config).trim_end_matches(".json");
            for image in self.found.images.iter_mut().filter(|image| image.id().hex() == hex) {
                if !entry.repo_tags.is_empty() {
                    image.names.clone_from(&entry.repo_tags);
                }
            }
        }
        Ok(())
    }

    fn keep(&mut self, image: OriginImage) -> Result<(), Error> {
        self.count(image.config.len())?;
        self.found.images.push(image);
        Ok(())
    }

    fn name_again(&mut self, digest: Sha256, names: &[String]) {
        for image in self.found.images.iter_mut().filter(|image| image.manifest == Some(digest)) {
            let more = names.iter().filter(|name| !image.names.contains(name)).cloned().collect::<Vec<_>>();
            image.names.extend(more);
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), Error> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MOST_BYTES {
            return Err(self.too_much(format!("documents of more than {} MiB", MOST_BYTES >> 20)));
        }
        Ok(())
    }

    fn configuration(&self, name: &str, bytes: &[u8]) -> Result<Configuration, Error> {
        Configuration::parse(bytes).map_err(|reason| self.unreadable(name, reason))
    }

    fn same_number(&self, name: &str, layers: usize, diff_ids: usize) -> Result<(), Error> {
        if layers == diff_ids {
            return Ok(());
        }
        Err(self.unreadable(name, format!("it has {layers} layers, and its configuration names {diff_ids}")))
    }

    fn no_image(&self) -> Error {
        let old = self.place.file("repositories").is_ok_and(|file| file.is_some());
        let reason = match (self.kinds.first(), self.place) {
            (Some(kind), _) => format!("it holds {kind}"),
            (None, _) if old => "it is of Docker before 1.10: load and save it with a newer one".to_owned(),
            (None, Place::Archive(..)) => "there is neither an index.json nor a manifest.json with images".to_owned(),
            (None, Place::Layout(_)) => "there is no index.json with images: it is no OCI layout".to_owned(),
            (None, Place::Registry(..)) => "its index names none".to_owned(),
        };
        Error::NoImage { place: self.place.name(), reason }
    }

    fn unreadable(&self, name: &str, reason: String) -> Error {
        Error::Document { place: self.place.name(), name: name.to_owned(), reason }
    }

    fn incomplete(&self, name: &str) -> Error {
        Error::Incomplete { place: self.place.name(), name: name.to_owned() }
    }

    fn too_much(&self, what: String) -> Error {
        Error::TooMuch { place: self.place.name(), what }
    }
}

/// Whether an entry can hold what is asked for. Those that don't say are looked at.
fn is_wanted(entry: &Descriptor, system: Option<System>) -> bool {
    let (Some(system), Some(platform)) = (system, &entry.platform) else { return true };
    entry.is_index() || (platform.os == "linux" && platform.architecture == system.architecture())
}

fn names(entry: &Descriptor) -> Vec<String> {
    NAMES.iter().find_map(|key| entry.annotations.get(*key)).cloned().into_iter().collect()
}

/// A layer of a docker-archive: a plain tar, whose digest is its diff ID, or what other tools put there, whose digest is derived.
fn docker_layer(archive: &Archive, span: Span, diff_id: Sha256) -> io::Result<OriginLayer> {
    let peeked = Peeked::new(archive.read(span))?;
    let suffix = match (peeked.is_gzip(), peeked.is_zstd()) {
        (true, _) => "+gzip",
        (_, true) => "+zstd",
        _ => "",
    };
    let digest = if suffix.is_empty() { diff_id } else { digest_of(peeked)? };
    let media_type = format!("{TAR}{suffix}");
    Ok(OriginLayer { media_type, digest, size: span.size, diff_id, annotations: BTreeMap::new() })
}

fn digest_of(mut input: impl io::Read) -> io::Result<Sha256> {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match input.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}
