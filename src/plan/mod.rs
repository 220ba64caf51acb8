//! Groups a closure into image layers.
//!
//! Pure: the same closure and budget give the same plan, byte for byte, in whatever order the units come.
//! [`crate::image`] writes what is planned here.

/// What goes into a layer whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Unique; a store path's base name, for example.
    pub id: String,
    /// What stays the same when the unit changes: the name without version and hash, and the output. Not unique.
    pub key: String,
    /// Bytes that it takes in a layer.
    pub size: u64,
    /// Ids of units that it refers to; its own and unknown ones are ignored.
    pub references: Vec<String>,
    /// What can make it change.
    pub causes: Causes,
}

/// What can make a unit change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Causes {
    /// Any unit of its closure, itself included: store paths.
    Closure,
    /// These, and nothing else.
    Listed(Vec<String>),
}
