//! Names of NixOS channels, through the real command line, against a stand-in for all services.

mod channels;
mod real;
mod resolve;
mod verbs;
mod versions;
