//! Whether one program can start: what it is, and the chain of interpreters that it needs.

use std::io;

use crate::config::System;
use crate::image::ImagePath;

use super::super::view::{Kind, ReadContent, View};
use crate::root::elf::{self, Machine};

/// What the kernel reads of a script.
const SCRIPT_HEAD: usize = 256;
/// How many interpreters of interpreters the kernel takes.
const MAX_CHAIN: usize = 5;

/// Looks at programs.
pub(super) struct Inspector<'a> {
    pub(super) view: View<'a>,
    pub(super) system: System,
    /// Folders of `PATH`.
    pub(super) path: Vec<ImagePath>,
    pub(super) read: &'a ReadContent<'a>,
}

/// Why a program can't start, to follow its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) help: Option<&'static str>,
}

fn fault(message: String, help: &'static str) -> Fault {
    Fault { message, help: Some(help) }
}

impl Inspector<'_> {
    /// Where a command without a slash stands, links not followed.
    pub(super) fn find(&self, name: &str) -> Option<ImagePath> {
        self.view.find_command(&self.path, name)
    }

    /// What keeps the program at `path` from starting.
    pub(super) fn inspect(&self, path: &ImagePath) -> Result<(), Fault> {
        self.inspect_chain(path, MAX_CHAIN)
    }

    fn inspect_chain(&self, path: &ImagePath, chain: usize) -> Result<(), Fault> {
        let file = match self.view.resolve(path) {
            None => return Err(fault("does not exist in the image".to_owned(), ADD_PACKAGE)),
            Some((_, Kind::Directory)) => return Err(fault("is a folder".to_owned(), "name the program in it")),
            Some((_, Kind::File { executable: false, .. })) => {
                return Err(fault("is not executable".to_owned(), "chmod +x, or name its interpreter first"));
            }
            Some((file, _)) => file,
        };
        if chain == 0 {
            return Err(fault("is interpreted by too long a chain of scripts".to_owned(), "name a program instead"));
        }
        let unreadable = |error: io::Error| fault(format!("can't be read: {error}"), "build again");
        let Some(head) = self.bytes(&file, 0, SCRIPT_HEAD).map_err(unreadable)? else { return Ok(()) };
        if head.starts_with(b"#!") {
            self.inspect_script(&head, chain)
        } else if head.starts_with(elf::MAGIC) {
            self.inspect_elf(&file, chain)
        } else {
            Err(fault(
                "is neither an ELF program nor a script that begins with `#!`".to_owned(),
                "begin it with `#!/bin/sh`",
            ))
        }
    }

    fn inspect_script(&self, head: &[u8], chain: usize) -> Result<(), Fault> {
        let line = head[2..].split(|&byte| byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
        let Some(interpreter) = words.next() else {
            return Err(fault("begins with `#!` and names no interpreter".to_owned(), "write `#!/bin/sh`"));
        };
        if line.ends_with('\r') {
            return Err(fault("is a script with Windows line ends".to_owned(), "save it with Unix line ends"));
        }
        if !interpreter.starts_with('/') {
            let message = format!("is a script of `{}`, which is no absolute path", interpreter.escape_debug());
            return Err(fault(message, "write `#!/usr/bin/env NAME`, or the whole path"));
        }
        self.needs("a script of", interpreter, chain)?;
        if interpreter.rsplit('/').next() != Some("env") {
            return Ok(());
        }
        let name = words.find(|word| !word.starts_with('-') && !word.contains('='));
        match name {
            Some(name) if !name.contains('/') && self.find(name).is_none() => {
                Err(fault(format!("is a script of `{}`, which is not on PATH", name.escape_debug()), ADD_PACKAGE))
            }
            _ => Ok(()),
        }
    }

    fn inspect_elf(&self, file: &ImagePath, chain: usize) -> Result<(), Fault> {
        let read = |offset, length| {
            let bytes = self.bytes(file, offset, length)?;
            bytes.ok_or_else(|| io::Error::other("its content is not at hand any more"))
        };
        let program = elf::parse(read).map_err(|error| fault(error.to_string(), "build it again"))?;
        if program.machine != Machine::System(self.system) {
            let message = format!("is for {}, the image for {}", program.machine, self.system);
            return Err(fault(message, "build it for the image's system"));
        }
        match program.interpreter {
            Some(interpreter) => self.needs("loaded by", &String::from_utf8_lossy(&interpreter), chain),
            None => Ok(()),
        }
    }

    fn needs(&self, how: &str, interpreter: &str, chain: usize) -> Result<(), Fault> {
        let path = ImagePath::new(interpreter.as_bytes()).map_err(|error| fault(error.to_string(), ADD_PACKAGE))?;
        self.inspect_chain(&path, chain - 1).map_err(|inner| Fault {
            message: format!("is {how} `{}`, which {}", interpreter.escape_debug(), inner.message),
            ..inner
        })
    }

    /// Up to `length` bytes from `offset`; `None` where they are not at hand.
    fn bytes(&self, path: &ImagePath, offset: u64, length: usize) -> io::Result<Option<Vec<u8>>> {
        self.view.read(path, offset, length, self.read)
    }
}

pub(super) const ADD_PACKAGE: &str = "add the package that has it to `packages`";
