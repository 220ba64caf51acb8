//! The daily work on a machine: packages added, removed and moved, through the real command line.

mod add;
mod update;
mod volatility;
mod workflow;
