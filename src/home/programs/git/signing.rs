//! Signing of commits and tags.

use serde::Deserialize;
use toml::{Table, Value};

use super::super::Context;
use super::super::findings::{Findings, executable};
use super::{fill, nested};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct TomlSigning {
    key: Option<String>,
    format: Option<SigningFormat>,
    sign_by_default: Option<bool>,
    signer: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SigningFormat {
    OpenPgp,
    Ssh,
    X509,
}

impl SigningFormat {
    /// git's word, the package that signs, and its program.
    const fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::OpenPgp => ("openpgp", "gnupg", "gpg"),
            Self::Ssh => ("ssh", "openssh", "ssh-keygen"),
            Self::X509 => ("x509", "gnupg", "gpgsm"),
        }
    }
}

impl TomlSigning {
    /// git's settings for it. A signer without a format is OpenPGP's, as it was when there was no other.
    pub(super) fn settings(&self, context: &Context<'_>, findings: &mut Findings) -> Table {
        let mut settings = Table::new();
        let mut set = |keys: &[&str], value: Value| fill(&mut settings, &nested(keys.iter().copied(), value), 0);
        if let Some(key) = &self.key {
            set(&["user", "signingKey"], Value::String(key.clone()));
        }
        if let Some(sign) = self.sign_by_default {
            set(&["commit", "gpgSign"], Value::Boolean(sign));
            set(&["tag", "gpgSign"], Value::Boolean(sign));
        }
        if self.format.is_none() && self.signer.is_some() {
            let help = "write `signing.format`: `openpgp`, `ssh` or `x509`";
            findings.warning(&["signing", "signer"], "it is taken for OpenPGP's", help);
        }
        let format = self.format.or(self.signer.as_ref().map(|_| SigningFormat::OpenPgp));
        if let Some(format) = format {
            let (word, package, program) = format.words();
            let signer = self.signer.clone().unwrap_or_else(|| executable(context, None, package, program));
            set(&["gpg", "format"], Value::String(word.to_owned()));
            set(&["gpg", word, "program"], Value::String(signer));
        }
        settings
    }
}
