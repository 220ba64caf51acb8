//! Container registries: a client of the distribution API, version 2.
//!
//! [`Registry`] holds connections, credentials and tokens; [`Repository`] is one repository of it. Blobs are checked against their
//! digests in both directions; what is temporary is tried again, what is refused says what to do.

mod client;
mod credentials;
mod error;
mod reference;

pub use client::{
    BlobReader, BlobSource, Identifier, ManifestBytes, ManifestHead, ReferrerEntry, Registry, Repository, Settings,
    Uploaded,
};
pub use credentials::{
    CREDENTIALS_VARIABLE, CredentialSource, Credentials, CredentialsError, FLY_REGISTRY, Given, Login, NoCredentials,
    Secret, Stores, Variables, fly_registry,
};
pub use error::Error;
pub use reference::{ParseReferenceError, Reference};
