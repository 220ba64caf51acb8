//! Other systems' files for the same machine: fly.toml, Compose, Quadlet.
