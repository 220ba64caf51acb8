//! Other systems' files for the same machine: fly.toml, Compose, Quadlet; and what docker and podman are told to run it.
//!
//! Pure. All of them start from [`Outside`], which is a machine as those see it who run it.

mod compose;
mod engine;
mod fly;
mod outside;
mod quadlet;
#[cfg(test)]
mod sample;
mod text;

pub use compose::compose;
pub use engine::{EngineKind, Run, Terminal};
pub use fly::{FlyError, FlyImage, fly, fly_app};
pub use outside::{Outside, OutsideHealth, OutsidePort, Published, SecretOf, published};
pub use quadlet::{Quadlet, quadlet};

/// A file for another system, with what its reader should know besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emitted {
    /// The file's text.
    pub text: String,
    /// A sentence each, without a full stop.
    pub notes: Vec<String>,
}

/// How ports and mounts are handed to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// The host's address that ports are published on.
    pub address: std::net::IpAddr,
    /// The machine may mount: its store becomes one overlay and homes are bound, in place of links.
    pub mounts: bool,
}

impl Default for Exposure {
    fn default() -> Self {
        Self { address: std::net::Ipv4Addr::LOCALHOST.into(), mounts: false }
    }
}

impl Exposure {
    /// As docker, Compose and podman read a published port: `127.0.0.1:10022:22`.
    fn publish(&self, port: Published) -> String {
        let Published { host, inside } = port;
        match self.address {
            std::net::IpAddr::V4(address) => format!("{address}:{host}:{inside}"),
            std::net::IpAddr::V6(address) => format!("[{address}]:{host}:{inside}"),
        }
    }
}

/// What a container needs to be allowed so that the machine may mount: capabilities, then security options.
const MOUNT_CAPABILITY: &str = "SYS_ADMIN";
/// Without these two, the default profiles of docker and podman refuse `mount` in spite of the capability.
const MOUNT_SECURITY: [&str; 2] = ["apparmor=unconfined", "seccomp=unconfined"];
