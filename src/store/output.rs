//! Where finished pieces go: a file takes them from the disk without a way through this process.

use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write};

use super::{Context as _, Error, Fragment, Store};

/// Takes bytes, and whole files.
pub trait Output: Write {
    /// Appends the first `length` bytes of `file`.
    fn append_file(&mut self, file: &File, length: u64) -> io::Result<()>;
}

/// A file that is being written.
pub struct FileOutput<'a>(BufWriter<&'a File>);

impl<'a> FileOutput<'a> {
    /// Writes to `file` from where it stands.
    #[must_use]
    pub fn new(file: &'a File) -> Self {
        Self(BufWriter::with_capacity(1 << 16, file))
    }
}

impl Write for FileOutput<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Output for FileOutput<'_> {
    fn append_file(&mut self, file: &File, length: u64) -> io::Result<()> {
        self.0.flush()?;
        // Between two files the kernel copies (copy_file_range), or shares blocks where the file system can.
        let mut target = *self.0.get_ref();
        whole(io::copy(&mut file.take(length), &mut target)?, length)
    }
}

/// Any other stream.
pub struct StreamOutput<'a>(pub &'a mut dyn Write);

impl Write for StreamOutput<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Output for StreamOutput<'_> {
    fn append_file(&mut self, file: &File, length: u64) -> io::Result<()> {
        whole(io::copy(&mut file.take(length), self.0)?, length)
    }
}

fn whole(copied: u64, length: u64) -> io::Result<()> {
    if copied == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

impl Store {
    /// Appends a fragment's members as they lie on the disk.
    pub(super) fn append_fragment(&self, fragment: &Fragment, out: &mut dyn Output) -> Result<(), Error> {
        let path = self.blob_path(fragment.key, fragment.codec);
        let file = File::open(&path).context("open", &path)?;
        Ok(out.append_file(&file, fragment.blob_size())?)
    }
}
