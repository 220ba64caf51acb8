//! Fragments and layer records on disk.
