//! Adds folders of the disk as packages.

use std::collections::BTreeSet;
use std::path::Path;

use super::index::Line;
use super::pack::{Packer, Packing};
use super::{CacheWriter, WriteError};
use crate::config::System;
use crate::image::ImagePath;
use crate::image::nar::write_nar;
use crate::image::walk::{WalkOptions, walk};
use crate::nix::nar::NarWriter;
use crate::nix::{ContentAddress, NarInfo, ParseStorePathError, PathInfo, SecretKey, StorePath};

/// What becomes a package.
#[derive(Debug, Clone)]
pub struct Package<'a> {
    /// A folder, file or link.
    pub source: &'a Path,
    /// `hello-1.0`
    pub name: &'a str,
    /// The machine that it runs on.
    pub system: System,
    /// Paths outside the cache that it may refer to.
    pub references: &'a [StorePath],
}

/// What was added.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Added {
    /// The package's store path, which follows from its content.
    pub path: StorePath,
    /// The attribute that the index has it under.
    pub attribute: String,
    /// Bytes of its NAR.
    pub nar_size: u64,
    /// Bytes of the compressed NAR.
    pub file_size: u64,
    /// What it refers to, sorted.
    pub references: Vec<StorePath>,
    /// Whether the cache lacked it.
    pub new: bool,
}

impl CacheWriter {
    /// Adds a package: content-addressed, and signed if there is a key. References are found by scanning for the hash
    /// parts of `package.references` and of all that the cache has.
    pub fn add(&self, package: &Package<'_>, packing: Packing, key: Option<&SecretKey>) -> Result<Added, WriteError> {
        let name = package.name;
        let misnamed = |fault: ParseStorePathError| WriteError::Name { name: name.to_owned(), reason: fault.reason };
        // Before a large folder is read.
        StorePath::from_parts([0; 20], name).map_err(misnamed)?;
        let tree = walk(package.source, &ImagePath::default(), &WalkOptions::default())?;
        let mut candidates: BTreeSet<StorePath> = self.paths()?.into_iter().collect();
        candidates.extend(package.references.iter().cloned());

        let mut writer = NarWriter::new(Packer::new(self, packing, candidates)?);
        write_nar(&tree, &ImagePath::default(), &mut writer)?;
        let unwritable = |source| WriteError::Write { path: self.scratch().to_owned(), source };
        let packed = writer.finish().and_then(Packer::finish).map_err(unwritable)?;

        let address = ContentAddress::Nar(packed.nar_hash);
        let path = address.store_path(name, &packed.references).map_err(misnamed)?;
        let known = self.narinfo(&path)?;
        let new = known.is_none();
        let mut narinfo = match known {
            // The same content, perhaps packed in another way: what is there stays.
            Some(known) => known,
            None => NarInfo {
                info: PathInfo {
                    path: path.clone(),
                    nar_hash: packed.nar_hash,
                    nar_size: packed.nar_size,
                    references: packed.references.clone(),
                    signatures: Vec::new(),
                    content_address: Some(address.to_string()),
                },
                compression: packed.compression(),
                file_hash: Some(packed.file_hash),
                file_size: Some(packed.file_size),
                deriver: None,
                system: None,
                url: packed.publish(self)?,
            },
        };
        if let Some(key) = key {
            narinfo.info.sign(key);
        }
        self.publish_narinfo(&narinfo)?;
        let line = Line::new(&path, package.system);
        let attribute = line.attribute().to_owned();
        self.add_to_index(&line)?;
        Ok(Added {
            path,
            attribute,
            nar_size: narinfo.info.nar_size,
            file_size: narinfo.file_size.unwrap_or(0),
            references: narinfo.info.references,
            new,
        })
    }
}
