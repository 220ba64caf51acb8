//! From what a lock's TOML says to what is locked: what several values together must say is checked here.

use std::collections::BTreeMap;

use serde_spanned::Spanned;

use super::super::{
    LockError, LockedArchive, LockedBase, LockedBaseImage, LockedBaseLayer, LockedChannel, LockedDeb, LockedOrigin,
    LockedPackage, LockedRelease, LockedRequest, LockedRuntime, LockedVolatility,
};
use super::shape::{
    TomlArchive, TomlBase, TomlBaseImage, TomlBaseLayer, TomlChannel, TomlDeb, TomlPackage, TomlRelease, TomlRequest,
    TomlRuntime, TomlVolatility,
};
use super::{malformed, sort, system};
use crate::cache::NarSource;
use crate::nix::ContentAddress;

/// A thousand times as likely to change as the average.
const HEAVIEST: u32 = 1_000_000;

impl TomlVolatility {
    pub(super) fn check(self, text: &str) -> Result<LockedVolatility, LockError> {
        let checked = |(name, weight): (String, Spanned<u32>)| match weight.get_ref() {
            1..=HEAVIEST => Ok((name, *weight.get_ref())),
            _ => Err(malformed(text, Some(weight.span()), &format!("this weight is not from 1 to {HEAVIEST}"))),
        };
        let weights = self.weights.into_iter().map(checked).collect::<Result<_, _>>()?;
        Ok(LockedVolatility { commits: self.commits, weights })
    }
}

impl TomlBase {
    pub(super) fn check(self, text: &str) -> Result<LockedBase, LockError> {
        let mut images = BTreeMap::new();
        for (name, image) in self.systems {
            images.insert(system(text, &name)?, image.into());
        }
        Ok(LockedBase { reference: self.reference, digest: self.digest, images })
    }
}

impl From<TomlBaseImage> for LockedBaseImage {
    fn from(TomlBaseImage { manifest, config, layers }: TomlBaseImage) -> Self {
        let layer =
            |TomlBaseLayer { digest, diff_id, media_type, size }| LockedBaseLayer { digest, diff_id, media_type, size };
        Self { manifest, config, layers: layers.into_iter().map(layer).collect() }
    }
}

impl TomlRuntime {
    pub(super) fn check(self, text: &str) -> Result<LockedRuntime, LockError> {
        let (place, path) = (self.path.span(), self.path.into_inner().0);
        // Nobody signs it: what it is called must follow from what it is.
        let follows = ContentAddress::Nar(self.nar_hash).store_path(path.name(), &[]);
        if follows.is_ok_and(|follows| follows == path) {
            return Ok(LockedRuntime { path, nar_hash: self.nar_hash, nar_size: self.nar_size });
        }
        Err(malformed(text, Some(place), "this path does not follow from `nar-hash`"))
    }
}

impl From<TomlChannel> for LockedChannel {
    fn from(channel: TomlChannel) -> Self {
        let archive =
            |TomlArchive { origin, codename, version, indices }| LockedArchive { origin, codename, version, indices };
        let release =
            |TomlRelease { wanted, name, revision, evaluation }| LockedRelease { wanted, name, revision, evaluation };
        let TomlChannel { index_hash, archive: locked, release: pinned } = channel;
        Self { index_hash, archive: locked.map(archive), release: pinned.map(release) }
    }
}

impl From<TomlDeb> for LockedDeb {
    fn from(deb: TomlDeb) -> Self {
        let mut depends = deb.depends.into_iter().map(|name| name.0).collect();
        sort(&mut depends);
        Self {
            version: deb.version.0,
            architecture: deb.architecture,
            source: deb.source.0,
            file: deb.file.into_inner(),
            size: deb.size,
            sha256: deb.sha256,
            installed_size: deb.installed_size,
            depends,
            suite: deb.suite,
            channel: deb.channel,
        }
    }
}

impl TomlRequest {
    pub(super) fn check(self, text: &str) -> Result<LockedRequest, LockError> {
        let origin = match (self.revision, self.attribute) {
            (Some(revision), Some(attribute)) => Some(origin(text, revision, attribute)?),
            (None, None) => None,
            _ => {
                let place = Some(self.request.span());
                return Err(malformed(text, place, "`revision` and `attribute` go together"));
            }
        };
        Ok(LockedRequest {
            channel: self.channel,
            name: self.name,
            version: self.version,
            outputs: self.outputs.into_iter().map(|output| (output.name, output.path.0)).collect(),
            deb: self.deb.map(|name| name.0),
            origin,
        })
    }
}

fn origin(text: &str, revision: Spanned<String>, attribute: String) -> Result<LockedOrigin, LockError> {
    let digits = revision.get_ref();
    if digits.len() == 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(LockedOrigin { revision: revision.into_inner(), attribute });
    }
    Err(malformed(text, Some(revision.span()), "this is no revision: 40 hexadecimal digits"))
}

impl From<TomlPackage> for LockedPackage {
    fn from(package: TomlPackage) -> Self {
        let mut signatures = package.signatures;
        sort(&mut signatures);
        Self {
            nar_hash: package.nar_hash,
            nar_size: package.nar_size,
            // As they stand: a signature may cover them in this order.
            references: package.references.into_iter().map(|reference| reference.0).collect(),
            signatures,
            content_address: package.content_address,
            deriver: package.deriver,
            channel: package.channel,
            source: package.source.map(|source| NarSource {
                cache: source.cache,
                url: source.url,
                compression: source.compression,
                file_hash: source.file_hash,
                file_size: source.file_size,
            }),
        }
    }
}
