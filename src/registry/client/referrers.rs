//! Manifests that refer to others: by the referrers API, else by a tag. Source: OCI's distribution specification 1.1, "Referrers".

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::Method;

use crate::nix::Sha256;

use super::super::Error;
use super::answer;
use super::exchange::Task;
use super::manifests::MANIFEST_LIMIT;
use super::retry::Fault;
use super::transport::Outgoing;
use super::{Identifier, ReferrerEntry, Repository};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Pages of one listing that are read.
const PAGES: usize = 64;

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    digest: String,
    media_type: String,
    size: u64,
    artifact_type: Option<String>,
}

impl Repository<'_> {
    /// Manifests that refer to `digest`: by the referrers API, else by its tag.
    pub fn referrers(&self, digest: &Sha256, artifact_type: Option<&str>) -> Result<Vec<ReferrerEntry>, Error> {
        let task = Task::new("listing", format!("what refers to {}", digest.oci()));
        let listed = match self.list(&task, digest)? {
            Some(listed) => listed,
            None => self.tagged(digest)?.manifests,
        };
        let entries = listed.iter().filter_map(entry);
        let wanted =
            |entry: &ReferrerEntry| artifact_type.is_none_or(|kind| entry.artifact_type.as_deref() == Some(kind));
        Ok(entries.filter(wanted).collect())
    }

    /// Puts a manifest that has a `subject`, and where the registry has no referrers API, lists it under the subject's tag.
    pub fn put_referrer(&self, subject: &Sha256, media_type: &str, bytes: &[u8]) -> Result<Sha256, Error> {
        let id = Identifier::Digest(Sha256::of(bytes));
        let (digest, tracked) = self.put(&id, media_type, bytes)?;
        let task = Task::new("listing", format!("what refers to {}", subject.oci()));
        if tracked || self.list(&task, subject)?.is_some() {
            return Ok(digest);
        }
        let mut index = self.tagged(subject)?;
        if index.manifests.iter().filter_map(entry).any(|entry| entry.digest == digest) {
            return Ok(digest);
        }
        index.manifests.push(describe(media_type, bytes, &digest));
        let document = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": index.manifests });
        self.put_manifest(&fallback_tag(subject), INDEX, document.to_string().as_bytes())?;
        Ok(digest)
    }

    /// By the API; `None` where the registry has none.
    fn list(&self, task: &Task, digest: &Sha256) -> Result<Option<Vec<Value>>, Error> {
        let mut next = Some(self.with_retries(|| self.address(&format!("referrers/{}", digest.oci())))?);
        let mut all = Vec::new();
        for _ in 0..PAGES {
            let Some(url) = next.take() else { break };
            let page = self.with_retries(|| {
                let mut request = Outgoing::new(Method::GET).header("accept", INDEX);
                let (mut response, place) = self.exchange(task, &url, &mut request, self.need())?;
                match response.status().as_u16() {
                    200 => {
                        let link = next_link(response.headers().get("link").and_then(|value| value.to_str().ok()));
                        let link = link.and_then(|link| place.join(&link).ok()).filter(|next| next.same_origin(&place));
                        let bytes = answer::read(&mut response, MANIFEST_LIMIT, &self.action(task))?;
                        Ok(Some((bytes.ok_or_else(|| self.too_large(task, MANIFEST_LIMIT))?, link)))
                    }
                    404 | 405 | 400 => {
                        let _ = answer::said(&mut response);
                        Ok::<_, Fault>(None)
                    }
                    _ => Err(self.refuse(task, response)),
                }
            })?;
            let Some((bytes, link)) = page else { return Ok(None) };
            all.extend(self.parse_index(task, &bytes)?.manifests);
            next = link;
        }
        Ok(Some(all))
    }

    /// What the subject's tag lists.
    fn tagged(&self, subject: &Sha256) -> Result<Index, Error> {
        let task = Task::new("listing", format!("what refers to {}", subject.oci()));
        match self.manifest(&fallback_tag(subject))? {
            Some(manifest) => self.parse_index(&task, &manifest.bytes),
            None => Ok(Index { manifests: Vec::new() }),
        }
    }

    fn parse_index(&self, task: &Task, bytes: &[u8]) -> Result<Index, Error> {
        serde_json::from_slice(bytes).map_err(|_| self.malformed(task, "it is no index"))
    }
}

/// `sha256-<hex>`
fn fallback_tag(subject: &Sha256) -> Identifier {
    Identifier::Tag(format!("sha256-{}", subject.hex()))
}

fn entry(value: &Value) -> Option<ReferrerEntry> {
    let Descriptor { digest, media_type, size, artifact_type } = Descriptor::deserialize(value).ok()?;
    Some(ReferrerEntry { digest: digest.parse().ok()?, media_type, size, artifact_type })
}

/// A manifest's descriptor in its subject's index: with its type as an artifact, and its annotations.
fn describe(media_type: &str, bytes: &[u8], digest: &Sha256) -> Value {
    let manifest: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let mut descriptor = json!({ "mediaType": media_type, "digest": digest.oci(), "size": bytes.len() });
    let text = |value: Option<&Value>| value.and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let own = text(manifest.get("artifactType"));
    let kind = own.or_else(|| text(manifest.get("config").and_then(|config| config.get("mediaType"))));
    if let (Some(fields), Some(kind)) = (descriptor.as_object_mut(), kind) {
        fields.insert("artifactType".to_owned(), kind.into());
    }
    if let (Some(fields), Some(notes)) = (descriptor.as_object_mut(), manifest.get("annotations")) {
        fields.insert("annotations".to_owned(), notes.clone());
    }
    descriptor
}

/// The address of the next page: `<…>; rel="next"`.
fn next_link(header: Option<&str>) -> Option<String> {
    let parts =
        header?.split(',').map(str::trim).filter(|part| part.contains("rel=\"next\"") || part.contains("rel=next"));
    parts.filter_map(|part| part.strip_prefix('<')?.split_once('>')).map(|(link, _)| link.to_owned()).next()
}
