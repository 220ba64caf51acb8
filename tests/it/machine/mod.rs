//! What runs inside a machine.

mod supervisor;
