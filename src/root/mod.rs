//! Generated units: what an image holds beside its packages.
