//! Manifests and indexes.

use serde::Deserialize;
use ureq::Body;
use ureq::http::{Method, Response};

use crate::cache::http::{Url, header};
use crate::nix::Sha256;

use super::super::Error;
use super::answer;
use super::auth::Need;
use super::exchange::Task;
use super::retry::Fault;
use super::transport::{Outgoing, Payload};
use super::{Identifier, ManifestBytes, ManifestHead, Repository};

/// The largest manifest that is read or put: what registries take.
pub(super) const MANIFEST_LIMIT: u64 = 4 << 20;

/// All types that are understood: Docker's schema 2 and its list, OCI's manifest and index.
const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
                        application/vnd.docker.distribution.manifest.list.v2+json, \
                        application/vnd.docker.distribution.manifest.v2+json";

/// Type, bytes and digest, as headers tell them.
type Head = (String, Option<u64>, Option<String>);

impl Identifier {
    /// As it stands in an address.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Tag(tag) => tag.clone(),
            Self::Digest(digest) => digest.oci(),
        }
    }
}

impl Repository<'_> {
    /// What is known of a manifest; `None`: it isn't there.
    pub fn head_manifest(&self, id: &Identifier) -> Result<Option<ManifestHead>, Error> {
        let task = Task::new("looking up", format!("manifest {}", id.text()));
        let path = format!("manifests/{}", id.text());
        let head = self.with_retries(|| self.try_head(&task, id));
        let head = head.map_err(|error| self.told_why(error, &task, &path, self.need()))?;
        let Some((media_type, size, said)) = head else { return Ok(None) };
        let said = said.map(|text| self.parse_digest(&task, &text)).transpose()?;
        let digest = match (id, said) {
            (Identifier::Digest(known), Some(said)) if *known != said => {
                return Err(self.other_digest(&task, known, &said));
            }
            (Identifier::Digest(known), _) => *known,
            (Identifier::Tag(_), Some(said)) => said,
            // Old registries tell no digest: it has to be derived.
            (Identifier::Tag(_), None) => match self.manifest(id)? {
                Some(manifest) => manifest.digest,
                None => return Ok(None),
            },
        };
        Ok(Some(ManifestHead { digest, media_type, size }))
    }

    fn try_head(&self, task: &Task, id: &Identifier) -> Result<Option<Head>, Fault> {
        let Some((response, _)) = self.try_manifest(task, id, Method::HEAD)? else { return Ok(None) };
        let text = |name| header(response.headers(), name).map(str::to_owned);
        let size = text("content-length").and_then(|digits| digits.parse().ok());
        Ok(Some((text("content-type").unwrap_or_default(), size, text("docker-content-digest"))))
    }

    fn try_manifest(
        &self,
        task: &Task,
        id: &Identifier,
        method: Method,
    ) -> Result<Option<(Response<Body>, Url)>, Fault> {
        let url = self.address(&format!("manifests/{}", id.text()))?;
        let mut request = Outgoing::new(method).header("accept", ACCEPTED);
        let (response, url) = self.exchange(task, &url, &mut request, self.need())?;
        match response.status().as_u16() {
            200 => Ok(Some((response, url))),
            404 => {
                let mut response = response;
                let _ = answer::said(&mut response);
                Ok(None)
            }
            _ => Err(self.refuse(task, response)),
        }
    }

    /// A manifest or index of at most 4 MiB; `None`: it isn't there.
    pub fn manifest(&self, id: &Identifier) -> Result<Option<ManifestBytes>, Error> {
        let task = Task::new("reading", format!("manifest {}", id.text()));
        let fetched = self.with_retries(|| {
            let Some((mut response, _)) = self.try_manifest(&task, id, Method::GET)? else { return Ok(None) };
            let text = |name| header(response.headers(), name).map(str::to_owned);
            let (media_type, said) = (text("content-type"), text("docker-content-digest"));
            let bytes = answer::read(&mut response, MANIFEST_LIMIT, &self.action(&task))?;
            Ok(Some((bytes.ok_or_else(|| self.too_large(&task, MANIFEST_LIMIT))?, media_type, said)))
        })?;
        let Some((bytes, media_type, said)) = fetched else { return Ok(None) };
        let digest = Sha256::of(&bytes);
        let said = said.map(|text| self.parse_digest(&task, &text)).transpose()?;
        let wanted = if let Identifier::Digest(wanted) = id { Some(*wanted) } else { None };
        for expected in [wanted, said].into_iter().flatten() {
            if expected != digest {
                return Err(self.other_digest(&task, &expected, &digest));
            }
        }
        let media_type = type_of(&bytes, media_type.as_deref()).map_err(|reason| self.malformed(&task, reason))?;
        Ok(Some(ManifestBytes { bytes, media_type, digest }))
    }

    /// Puts a manifest of at most 4 MiB; its digest. What it names must be there already.
    pub fn put_manifest(&self, id: &Identifier, media_type: &str, bytes: &[u8]) -> Result<Sha256, Error> {
        self.put(id, media_type, bytes).map(|(digest, _)| digest)
    }

    /// Puts a manifest; its digest, and whether the registry keeps track of its `subject`.
    pub(super) fn put(&self, id: &Identifier, media_type: &str, bytes: &[u8]) -> Result<(Sha256, bool), Error> {
        let size = bytes.len() as u64;
        let task = Task { verb: "pushing", what: format!("manifest {}", id.text()), size };
        if size > MANIFEST_LIMIT {
            return Err(self.too_large(&task, MANIFEST_LIMIT));
        }
        let digest = Sha256::of(bytes);
        if let Identifier::Digest(wanted) = id
            && *wanted != digest
        {
            return Err(self.other_digest(&task, wanted, &digest));
        }
        let (said, tracked) = self.with_retries(|| self.try_put(&task, id, media_type, bytes))?;
        match said.map(|text| self.parse_digest(&task, &text)).transpose()? {
            Some(said) if said != digest => Err(self.other_digest(&task, &digest, &said)),
            _ => Ok((digest, tracked)),
        }
    }

    fn try_put(
        &self,
        task: &Task,
        id: &Identifier,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<(Option<String>, bool), Fault> {
        let url = self.address(&format!("manifests/{}", id.text()))?;
        let request = Outgoing::new(Method::PUT).header("content-type", media_type);
        let mut request = request.payload(Payload::Bytes(bytes));
        let (mut response, _) = self.exchange(task, &url, &mut request, Need::Push)?;
        if !matches!(response.status().as_u16(), 200..=202) {
            return Err(self.refuse(task, response));
        }
        let said = header(response.headers(), "docker-content-digest").map(str::to_owned);
        let tracked = response.headers().contains_key("oci-subject");
        let _ = answer::said(&mut response);
        Ok((said, tracked))
    }

    pub(super) fn parse_digest(&self, task: &Task, text: &str) -> Result<Sha256, Error> {
        text.trim()
            .parse()
            .map_err(|_| self.malformed(task, format!("`{}` is no sha256 digest", answer::printable(text, 100))))
    }

    pub(super) fn other_digest(&self, task: &Task, expected: &Sha256, found: &Sha256) -> Error {
        let (expected, found) = (expected.oci(), found.oci());
        Error::Digest { registry: self.host_name.clone(), what: task.what.clone(), expected, found }
    }

    pub(super) fn too_large(&self, task: &Task, limit: u64) -> Error {
        Error::TooLarge { registry: self.host_name.clone(), what: task.what.clone(), limit }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OwnType {
    media_type: Option<String>,
}

/// A document's type: its own and the header's must agree where both tell one.
fn type_of(bytes: &[u8], header: Option<&str>) -> Result<String, String> {
    let own: OwnType = serde_json::from_slice(bytes).map_err(|_| "it is no JSON object".to_owned())?;
    let header = header.map(|text| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    // Plain servers of files know no better.
    let header = header
        .filter(|text| !matches!(text.as_str(), "" | "application/json" | "application/octet-stream" | "text/plain"));
    let shown = |text: &str| answer::printable(text, 100);
    match (own.media_type, header) {
        (Some(own), Some(header)) if own != header => {
            Err(format!("it is sent as `{}`, and calls itself `{}`", shown(&header), shown(&own)))
        }
        (Some(own), _) => Ok(own),
        (None, Some(header)) => Ok(header),
        (None, None) => Err("nothing says what type it has".to_owned()),
    }
}
