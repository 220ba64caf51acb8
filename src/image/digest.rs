//! The two digests that a layer has, which must not be mixed up.

use std::fmt;

use crate::nix::Sha256;

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub struct $name(pub Sha256);

        impl $name {
            /// 64 hexadecimal characters.
            #[must_use]
            pub fn hex(&self) -> String {
                self.0.hex()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0.oci())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, formatter)
            }
        }
    };
}

digest!(
    /// Digest of a layer's uncompressed tar.
    DiffId
);
digest!(
    /// Digest of a blob as it lies in a registry or an OCI layout: of a layer as compressed, a config, a manifest.
    BlobDigest
);
