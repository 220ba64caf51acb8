//! The runtime: the program that boots a machine, as a store path of its own.
//!
//! dumbc is its own runtime, so that the program which makes an image can go into it. [`RuntimeChoice`] says which file is taken
//! for which system; [`runtime`] looks at it, and makes a store path of it. The file is streamed, never held.

mod choice;
mod fault;
#[cfg(test)]
mod tests;

use std::fs::{File, Metadata as DiskMetadata};
use std::io;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::Path;

use crate::config::System;
use crate::image::ImagePath;
use crate::image::tree::{Metadata, Node, Tree};

use super::addressed::{AddressError, Addressed};
use super::elf::{self, Machine};

pub use choice::{Origin, RuntimeChoice, variable};
pub use fault::{RuntimeError, Unfit};

/// The name of the runtime's store path.
pub const NAME: &str = "dumbc-runtime";

/// The program below that store path.
pub const PROGRAM: &str = "bin/dumbc";

/// Other names of the program, which decide what it does.
const LINKS: [&str; 1] = ["bin/rebuild"];

/// A program that can boot a machine.
#[derive(Debug, Clone)]
pub struct Runtime {
    /// The store path: [`PROGRAM`], and its other names as links to it.
    pub unit: Addressed,
    /// Who chose it.
    pub origin: Origin,
}

/// The runtime of an image for `system`.
pub fn runtime(system: System, choice: &RuntimeChoice) -> Result<Runtime, RuntimeError> {
    let (origin, size) = choice.file(system)?;
    let unit = addressed(origin.path(), size)?;
    Ok(Runtime { unit, origin })
}

/// The store path of a runtime whose program lies at `program`, whatever that is.
pub fn unit_of(program: &Path) -> io::Result<Addressed> {
    let size = std::fs::metadata(program)?.len();
    addressed(program, size).map_err(io::Error::other)
}

fn addressed(program: &Path, size: u64) -> Result<Addressed, AddressError> {
    Addressed::of(NAME, tree(program, size), &[])
}

fn tree(program: &Path, size: u64) -> Tree {
    let path = |text: &str| ImagePath::new(text.as_bytes()).unwrap_or_default();
    let folder = || (Metadata::root(0o755), Node::Directory);
    let file = Node::LocalFile { path: program.to_owned(), size };
    let mut tree = Tree::from([(ImagePath::default(), folder()), (path("bin"), folder())]);
    tree.insert(path(PROGRAM), (Metadata::root(0o755), file));
    for link in LINKS {
        tree.insert(path(link), (Metadata::root(0o777), Node::Symlink(b"dumbc".to_vec())));
    }
    tree
}

/// For which system the program at `path` is, and its bytes.
fn inspect(path: &Path) -> Result<(System, u64), Unfit> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(Unfit::NoFile);
    }
    let mut begin = [0; elf::MAGIC.len()];
    if at(&file, 0, &mut begin)? < begin.len() || begin != elf::MAGIC {
        return Err(Unfit::NoProgram);
    }
    let program = elf::parse(|offset, length| {
        let mut bytes = vec![0; length];
        let read = at(&file, offset, &mut bytes)?;
        bytes.truncate(read);
        Ok(bytes)
    })
    .map_err(|error| Unfit::Damaged(error.to_string()))?;
    let Machine::System(system) = program.machine else { return Err(Unfit::Machine(program.machine.to_string())) };
    if !program.starts {
        return Err(Unfit::NoProgram);
    }
    if let Some(interpreter) = program.interpreter {
        return Err(Unfit::Dynamic(String::from_utf8_lossy(&interpreter).into_owned()));
    }
    if !is_executable(&metadata) {
        return Err(Unfit::NotExecutable);
    }
    Ok((system, metadata.len()))
}

fn is_executable(metadata: &DiskMetadata) -> bool {
    metadata.permissions().mode() & 0o111 != 0
}

/// Reads as much as there is, up to the length of `bytes`.
fn at(file: &File, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset.saturating_add(done as u64)) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
