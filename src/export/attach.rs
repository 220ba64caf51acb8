//! What goes beside an image in its repository: an SBOM that refers to it, and signatures of it.
//!
//! Whoever pushes calls [`attach_sbom`] and [`sign`] once the image's manifest is there.

use std::io::{self, Read};

use serde_json::json;

use crate::failure::{Class, Classified};
use crate::nix::Sha256;
use crate::registry::{self, BlobSource, Identifier, Reference, Registry, Repository};
use crate::sbom::Format;
use crate::signing::{self, Candidate, PrivateKey, PublicKey, Signatures, claimed, payload, tag};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The configuration of what is no image: OCI's empty document.
const EMPTY: &[u8] = b"{}";
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";

/// Why nothing was put beside an image, or a signature doesn't hold.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// The key, or what lies where signatures lie.
    #[error(transparent)]
    Signing(#[from] signing::Error),
    /// An SBOM can't lie beside a manifest for Fly.
    #[error("an SBOM can't be put beside an image on {0}, which takes a single manifest")]
    Single(String),
    /// What is not there can't be signed or verified.
    #[error("there is no image {0}")]
    Missing(String),
    /// Nobody signed it.
    #[error("{image} has no signature")]
    Unsigned {
        /// With its digest.
        image: String,
    },
    /// Others signed it, or something else was signed.
    #[error("none of the {found} signatures of {image} is by this key")]
    OtherKey {
        /// With its digest.
        image: String,
        /// How many there are.
        found: usize,
    },
    /// A document that can't be.
    #[error("can't write the manifest of an SBOM")]
    Document(#[from] serde_json::Error),
}

impl Classified for Error {
    fn class(&self) -> Class {
        match self {
            Self::Registry(error) => error.class(),
            Self::Signing(error) => error.class(),
            Self::Single(_) => Class::Usage,
            Self::Missing(_) => Class::UnknownName,
            Self::Unsigned { .. } | Self::OtherKey { .. } => Class::Trust,
            Self::Document(_) => Class::Other,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Registry(error) => error.help(),
            Self::Signing(error) => error.help(),
            Self::Single(_) => {
                Some("leave `--sbom` out: the image holds its SBOM, and `dumbc sbom -o FILE` writes it".to_owned())
            }
            Self::Unsigned { .. } => Some("sign it with `dumbc push --sign KEY` or `cosign sign --key KEY`".to_owned()),
            Self::OtherKey { .. } => Some("give the key of whoever signed it".to_owned()),
            Self::Missing(_) | Self::Document(_) => None,
        }
    }
}

/// What something refers to: a manifest or index that is in its repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The manifest's type.
    pub media_type: String,
    /// Its digest.
    pub digest: Sha256,
    /// Its bytes.
    pub size: u64,
}

/// A manifest that refers to an image, and the blobs that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// OCI's image manifest.
    pub manifest: Vec<u8>,
    /// To be put before the manifest.
    pub blobs: Vec<Vec<u8>>,
}

/// A blob of a few bytes.
struct SmallBlob<'a>(&'a [u8]);

impl BlobSource for SmallBlob<'_> {
    fn digest(&self) -> Sha256 {
        Sha256::of(self.0)
    }

    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn open(&self, offset: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        let from = usize::try_from(offset).ok().and_then(|offset| self.0.get(offset..));
        Ok(Box::new(from.ok_or(io::ErrorKind::UnexpectedEof)?))
    }
}

/// Refuses, before anything is pushed, an SBOM beside an image that goes where nothing can lie beside it: Fly.
pub fn check_sbom(registry: &str, is_fly: bool) -> Result<(), Error> {
    if is_fly { Err(Error::Single(registry.to_owned())) } else { Ok(()) }
}

impl Subject {
    /// What the repository of `reference` has under `digest`.
    pub fn of(repository: &Repository<'_>, reference: &Reference, digest: &Sha256) -> Result<Self, Error> {
        let found = repository.manifest(&Identifier::Digest(*digest))?;
        let found = found.ok_or_else(|| {
            Error::Missing(Reference { tag: None, digest: Some(*digest), ..reference.clone() }.to_string())
        })?;
        Ok(Self { media_type: found.media_type, digest: *digest, size: found.bytes.len() as u64 })
    }
}

/// An SBOM as something that refers to `subject`, under a file name such as `lazycoder.spdx.json`.
pub fn sbom_artifact(
    subject: &Subject,
    format: Format,
    file_name: &str,
    document: &[u8],
) -> serde_json::Result<Artifact> {
    let media_type = format.media_type();
    let manifest = serde_json::to_vec(&json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": media_type,
        "config": { "mediaType": EMPTY_TYPE, "digest": Sha256::of(EMPTY).oci(), "size": EMPTY.len() },
        "layers": [{
            "mediaType": media_type,
            "digest": Sha256::of(document).oci(),
            "size": document.len(),
            "annotations": { "org.opencontainers.image.title": file_name },
        }],
        "subject": { "mediaType": subject.media_type, "digest": subject.digest.oci(), "size": subject.size },
    }))?;
    Ok(Artifact { manifest, blobs: vec![EMPTY.to_vec(), document.to_vec()] })
}

/// Puts an SBOM beside `subject`, as its referrer; the digest of the SBOM's manifest.
pub fn attach_sbom(
    repository: &Repository<'_>,
    subject: &Subject,
    format: Format,
    file_name: &str,
    document: &[u8],
) -> Result<Sha256, Error> {
    let Artifact { manifest, blobs } = sbom_artifact(subject, format, file_name, document)?;
    for blob in &blobs {
        put(repository, blob)?;
    }
    Ok(repository.put_referrer(&subject.digest, MANIFEST, &manifest)?)
}

/// Signs the manifest or index `digest` in the repository of `reference`. Signatures that are there stay. Whether there is one more
/// now: signing again with the same key adds none.
pub fn sign(
    repository: &Repository<'_>,
    reference: &Reference,
    digest: &Sha256,
    key: &PrivateKey,
) -> Result<bool, Error> {
    let document = payload(&reference.registry, &reference.repository, digest)?;
    let there = signatures(repository, digest)?.unwrap_or_default();
    let Some(extended) = there.with(&document, &key.sign(&document))? else { return Ok(false) };
    put(repository, &document)?;
    put(repository, &extended.config)?;
    repository.put_manifest(&Identifier::Tag(tag(digest)), MANIFEST, &extended.manifest)?;
    Ok(true)
}

/// Checks that `key` signed the manifest or index `digest`; the repositories that its signatures name, which is where the image was
/// when it was signed.
pub fn verify(
    repository: &Repository<'_>,
    reference: &Reference,
    digest: &Sha256,
    key: &PublicKey,
) -> Result<Vec<String>, Error> {
    let image = format!("{}/{}@{}", reference.registry, reference.repository, digest.oci());
    let candidates: Vec<Candidate> = signatures(repository, digest)?
        .iter()
        .flat_map(|signatures| signatures.candidates().collect::<Vec<_>>())
        .collect();
    let mut named = Vec::new();
    for candidate in &candidates {
        let document = repository.blob(&candidate.digest, signing::LARGEST_PAYLOAD)?;
        if key.verifies(&document, &candidate.signature) {
            named.extend(claimed(&document, digest));
        }
    }
    match (candidates.len(), named.is_empty()) {
        (0, _) => Err(Error::Unsigned { image }),
        (found, true) => Err(Error::OtherKey { image, found }),
        (_, false) => Ok(named),
    }
}

/// The digest that `reference` stands for: its own, else that of its tag.
pub fn resolve(registry: &Registry, reference: &Reference) -> Result<Sha256, Error> {
    if let Some(digest) = reference.digest {
        return Ok(digest);
    }
    let id = Identifier::Tag(reference.tag.clone().unwrap_or_else(|| "latest".to_owned()));
    let head = registry.repository(reference).head_manifest(&id)?;
    Ok(head.ok_or_else(|| Error::Missing(reference.to_string()))?.digest)
}

fn signatures(repository: &Repository<'_>, digest: &Sha256) -> Result<Option<Signatures>, Error> {
    let manifest = repository.manifest(&Identifier::Tag(tag(digest)))?;
    Ok(manifest.map(|manifest| Signatures::parse(&manifest.bytes, digest)).transpose()?)
}

fn put(repository: &Repository<'_>, bytes: &[u8]) -> Result<(), Error> {
    repository.upload(&SmallBlob(bytes), &[], &|_| {})?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sbom_refers_to_its_image() {
        let subject = Subject { media_type: MANIFEST.to_owned(), digest: Sha256::of(b"manifest"), size: 8 };
        let artifact = sbom_artifact(&subject, Format::CycloneDx, "lazycoder.cdx.json", b"{\"bomFormat\":1}").unwrap();
        insta::assert_snapshot!(String::from_utf8(artifact.manifest).unwrap(), @r#"{"artifactType":"application/vnd.cyclonedx+json","config":{"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","mediaType":"application/vnd.oci.empty.v1+json","size":2},"layers":[{"annotations":{"org.opencontainers.image.title":"lazycoder.cdx.json"},"digest":"sha256:901da7d077af1438888635cec120586c546fc8d3c7df1af4e635a8dc15cd0d89","mediaType":"application/vnd.cyclonedx+json","size":15}],"mediaType":"application/vnd.oci.image.manifest.v1+json","schemaVersion":2,"subject":{"digest":"sha256:05b3abf2579a5eb66403cd78be557fd860633a1fe2103c7642030defe32c657f","mediaType":"application/vnd.oci.image.manifest.v1+json","size":8}}"#);
        let manifest: serde_json::Value = serde_json::from_slice(
            &sbom_artifact(&subject, Format::Spdx, "lazycoder.spdx.json", b"{}").unwrap().manifest,
        )
        .unwrap();
        assert_eq!(manifest["artifactType"], "application/spdx+json");
        assert_eq!(manifest["subject"]["digest"], subject.digest.oci());
        assert_eq!(artifact.blobs.len(), 2);
    }

    #[test]
    fn nothing_lies_beside_an_image_on_fly() {
        assert!(check_sbom("registry.example.org", false).is_ok());
        let refused = check_sbom("registry.fly.io", true).unwrap_err();
        assert_eq!(refused.class(), Class::Usage);
        assert!(refused.help().is_some_and(|help| help.contains("dumbc sbom")));
    }

    #[test]
    fn a_blob_is_read_from_any_byte() {
        let read = |offset| {
            let mut text = String::new();
            SmallBlob(b"bytes").open(offset).map(|mut reader| reader.read_to_string(&mut text).map(|_| text))
        };
        assert_eq!(read(0).unwrap().unwrap(), "bytes");
        assert_eq!(read(5).unwrap().unwrap(), "");
        assert!(read(6).is_err());
    }
}
