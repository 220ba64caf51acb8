//! Container images from packages that are already built.
//!
//! Three TOML files say what a machine holds. dumbc resolves them to package closures in binary caches and Debian archives, plans
//! layers, writes them and emits an image. [`build`] is the whole way on one page; the rooms below it are:
//!
//! * [`config`]: the TOML files, checked; yields a [`config::Machine`]
//! * [`nix`]: Nix's formats, pure
//! * [`deb`]: Debian's formats, pure
//! * [`channel`]: names to store paths and Debian packages; the lock
//! * [`cache`]: binary caches, reading and writing
//! * [`plan`]: which unit goes into which layer
//! * [`root`]: generated units: system environment, users, databases, what Debian's scripts would make
//! * [`home`]: homes: settings, programs, generations, activation plans
//! * [`boot`]: what a machine does when it starts, as data
//! * [`machine`]: what runs inside it
//! * [`import`]: other tools' files, taken over
//! * [`emit`]: other systems' files for the same machine
//! * [`image`]: tar, compressed members, configuration and manifest
//! * [`store`]: fragments and layer records on disk
//! * [`registry`]: container registries, a client
//! * [`origin`]: images wherever they lie, for reading
//! * [`export`]: archives, OCI directories, pushing, daemons
//! * [`sbom`]: what an image is made of, as SPDX and CycloneDX tell it
//! * [`signing`]: signatures of images, as cosign lays them out
//!
//! Arrows point one way: `cli -> {build, import, machine} -> {export, origin, registry, store, cache, channel}
//! -> {image, root, home, boot, emit, plan, sbom, signing} -> {config, nix, deb}`, over [`failure`] and [`progress`], which everybody may use.
//!
//! Without the feature `build`, the crate is what runs inside a machine, and nothing that makes one.

#![cfg_attr(
    not(feature = "build"),
    expect(dead_code, reason = "what only verbs of `build` call is left to the linker, rather than to a gate each")
)]

pub mod boot;
#[cfg(feature = "build")]
pub mod build;
pub mod cache;
pub mod channel;
pub mod cli;
pub mod config;
pub mod deb;
#[cfg(feature = "build")]
pub mod emit;
#[cfg(feature = "build")]
pub mod export;
pub mod failure;
pub mod home;
pub mod image;
#[cfg(feature = "build")]
pub mod import;
pub mod machine;
pub mod nix;
#[cfg(feature = "build")]
pub mod origin;
#[cfg(feature = "build")]
pub mod plan;
pub mod progress;
#[cfg(feature = "build")]
pub mod registry;
pub mod root;
#[cfg(feature = "build")]
pub mod sbom;
#[cfg(feature = "build")]
pub mod signing;
#[cfg(feature = "build")]
pub mod store;
