//! Names of NixOS channels, through the real command line, against a stand-in for all services.

mod resolve;
