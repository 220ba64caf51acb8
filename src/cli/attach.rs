//! `--sbom` and `--sign` of verbs that push, and `--key` of those that check.

use serde::Serialize;

use crate::build::{Built, Project};
use crate::export::attach::{self, Subject};
use crate::nix::Sha256;
use crate::registry::{Reference, Registry};
use crate::sbom::Format;
use crate::signing::{PrivateKey, tag};

use super::context::Context;
use super::keys;

/// What goes beside an image.
#[derive(clap::Args)]
#[group(id = "attach")]
pub(super) struct Args {
    /// Put an SBOM beside each image, as its referrer: spdx or cyclonedx
    #[arg(long, value_name = "FORMAT")]
    sbom: Option<Format>,

    /// Sign what the tags name, as cosign does with this private key: a file, or `env://VARIABLE`
    ///
    /// The key's password is that of the variable `COSIGN_PASSWORD`, else it is asked for.
    #[arg(long, value_name = "KEY")]
    sign: Option<String>,
}

/// The same, with everything at hand: what can be refused was, before anything is built.
pub(super) struct Ready {
    sbom: Option<Format>,
    key: Option<PrivateKey>,
}

/// What was put beside an image.
#[derive(Debug, Serialize, Default)]
pub(super) struct Report {
    /// Digests of the SBOMs' manifests, in the images' order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sboms: Vec<String>,
    /// Tag of the signatures; absent: not signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    /// Whether there was no such signature before.
    #[serde(skip_serializing_if = "Option::is_none")]
    newly_signed: Option<bool>,
}

impl Args {
    /// Reads the key; refuses an SBOM where nothing can lie beside an image.
    pub(super) fn ready(&self, registry: &str, is_fly: bool) -> anyhow::Result<Ready> {
        if self.sbom.is_some() {
            attach::check_sbom(registry, is_fly)?;
        }
        let key = self.sign.as_deref().map(keys::private_key).transpose()?;
        Ok(Ready { sbom: self.sbom, key })
    }
}

impl Ready {
    /// Puts it beside what was pushed: `manifests` are those of the images, in their order, `top` is what the tags name.
    pub(super) fn put(
        &self,
        (project, built): (&Project<'_>, &Built),
        (registry, reference): (&Registry, &Reference),
        manifests: &[Sha256],
        top: &Sha256,
    ) -> anyhow::Result<Report> {
        let repository = registry.repository(reference);
        let mut report = Report::default();
        if let Some(format) = self.sbom {
            for (image, manifest) in built.images.iter().zip(manifests) {
                let sbom = project.complete_sbom(&built.lock, image.system)?;
                let subject = Subject::of(&repository, reference, manifest)?;
                let path = sbom.path(format);
                let name = path.rsplit('/').next().unwrap_or(&path);
                let digest = attach::attach_sbom(&repository, &subject, format, name, &sbom.document(format)?)?;
                report.sboms.push(digest.oci());
            }
        }
        if let Some(key) = &self.key {
            report.newly_signed = Some(attach::sign(&repository, reference, top, key)?);
            report.signature = Some(tag(top));
        }
        Ok(report)
    }
}

impl Report {
    /// Lines for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let sboms = self.sboms.iter().map(|digest| format!("  SBOM       {digest}"));
        let signature = self.signature.iter().zip(self.newly_signed).map(|(tag, is_new)| {
            let when = if is_new { "" } else { " (there already)" };
            format!("  signature  {tag}{when}")
        });
        sboms.chain(signature).collect()
    }
}

/// Checks that the key at `key` signed what `reference` stands for; the reference by digest.
pub(super) fn verify(
    key: &str,
    registry: &Registry,
    reference: &Reference,
    context: &Context,
) -> anyhow::Result<Reference> {
    let public = keys::public_key(key)?;
    let digest = attach::resolve(registry, reference)?;
    for named in attach::verify(&registry.repository(reference), reference, &digest, &public)? {
        context.progress.note(&format!("{key} signed {} as {}", digest.oci(), printable(&named)));
    }
    Ok(Reference { digest: Some(digest), ..reference.clone() })
}

/// Fit to show: whoever has the key may have signed anything.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(200).collect()
}
