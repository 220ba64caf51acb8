//! What an image is made of, as SPDX and CycloneDX tell it.
