//! From a user's own home.toml to the live home, inside the machine.

mod machine;

pub use machine::plan_machine;
