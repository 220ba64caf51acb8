//! As what images are pushed: Docker's manifest or OCI's, and for which systems.

use std::fmt;
use std::str::FromStr;

use crate::config::System;
use crate::image::codec::Codec;
use crate::image::documents::Form;

use super::PushError;

/// What a registry gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushFormat {
    /// Docker's manifest of schema 2, gzipped layers: one system.
    Docker,
    /// OCI's manifest, and an index of several.
    Oci,
}

impl PushFormat {
    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Oci => "oci",
        }
    }

    /// In which form manifests are.
    #[must_use]
    pub const fn form(self) -> Form {
        match self {
            Self::Docker => Form::Docker,
            Self::Oci => Form::Oci,
        }
    }

    /// The type of a manifest.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Docker => "application/vnd.docker.distribution.manifest.v2+json",
            Self::Oci => "application/vnd.oci.image.manifest.v1+json",
        }
    }

    /// The format that was asked for, else the one that the destination likes best: Fly gets Docker's where it can hold the image.
    pub fn choose(asked: Option<Self>, codec: Codec, systems: usize, is_fly: bool) -> Result<Self, PushError> {
        let is_gzip = matches!(codec, Codec::Gzip(_));
        match asked {
            Some(Self::Docker) if systems > 1 => Err(PushError::SeveralSystems(systems)),
            Some(Self::Docker) if !is_gzip => Err(PushError::Compression(codec)),
            Some(format) => Ok(format),
            None if is_fly && is_gzip && systems == 1 => Ok(Self::Docker),
            None => Ok(Self::Oci),
        }
    }
}

impl fmt::Display for PushFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The text names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no format to push: give docker or oci")]
pub struct ParsePushFormatError(String);

impl FromStr for PushFormat {
    type Err = ParsePushFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let formats = [Self::Docker, Self::Oci].into_iter();
        formats.into_iter().find(|format| format.name() == text).ok_or_else(|| ParsePushFormatError(text.to_owned()))
    }
}

/// Which of the files' systems go to Fly: its own. Those that were `asked` for must be that.
pub fn fly_systems(known: &[System], asked: &[System]) -> Result<Vec<System>, PushError> {
    let wanted = if asked.is_empty() { known } else { asked };
    let fits = wanted.contains(&System::X86_64Linux) && (asked.is_empty() || asked.len() == 1);
    if fits { Ok(vec![System::X86_64Linux]) } else { Err(PushError::FlySystems(wanted.to_vec())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GZIP: Codec = Codec::Gzip(5);
    const ZSTD: Codec = Codec::Zstd(3);

    #[test]
    fn what_was_asked_for_or_what_fits() {
        let choose = |asked, codec, systems, is_fly| PushFormat::choose(asked, codec, systems, is_fly).ok();
        assert_eq!(choose(None, GZIP, 1, false), Some(PushFormat::Oci));
        assert_eq!(choose(None, GZIP, 1, true), Some(PushFormat::Docker));
        assert_eq!(choose(None, ZSTD, 1, true), Some(PushFormat::Oci));
        assert_eq!(choose(Some(PushFormat::Oci), GZIP, 1, true), Some(PushFormat::Oci));
        assert_eq!(choose(Some(PushFormat::Docker), GZIP, 1, false), Some(PushFormat::Docker));
        assert_eq!(choose(Some(PushFormat::Docker), GZIP, 2, false), None);
        for codec in [ZSTD, Codec::None] {
            assert_eq!(choose(Some(PushFormat::Docker), codec, 1, false), None, "{codec}");
        }
    }

    #[test]
    fn fly_gets_its_own_system() {
        let (x86, arm) = (System::X86_64Linux, System::Aarch64Linux);
        assert_eq!(fly_systems(&[arm, x86], &[]).ok(), Some(vec![x86]));
        assert_eq!(fly_systems(&[arm, x86], &[x86]).ok(), Some(vec![x86]));
        for (known, asked) in [(&[arm][..], &[][..]), (&[arm, x86], &[arm]), (&[arm, x86], &[arm, x86])] {
            assert!(fly_systems(known, asked).is_err(), "{known:?} {asked:?}");
        }
    }
}
