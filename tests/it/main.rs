//! The whole program, against servers in this process and real data.

#![allow(missing_docs, reason = "tests document themselves")]

mod cache;
mod support;
