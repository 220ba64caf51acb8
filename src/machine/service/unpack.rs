//! NARs to folders: as everything in a store is, read-only, of one second after the beginning of time.
//!
//! The folder that is written into belongs to the service alone. The archive's reader refuses every name that is none, and never
//! goes below a link, so nothing is written anywhere else; a mode has no bits but those set here.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps};

use crate::nix::nar::{NarError, NarKind, NarReader};

/// How much an archive may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Files, folders and links.
    pub entries: usize,
    /// Bytes of all files.
    pub bytes: u64,
}

impl Limits {
    /// A package of a cache whose keys are trusted; its size is bounded by what was signed.
    pub(super) const PACKAGE: Self = Self { entries: 4_000_000, bytes: u64::MAX };
    /// What a user sends.
    pub(super) const SENT: Self = Self { entries: 200_000, bytes: 64 << 20 };
}

/// Writes the archive to `target`, where nothing stands, and whose folder nobody else can write to.
///
/// The root of what is written stays writable, so that it can be renamed; [`seal`] ends that.
pub(super) fn unpack(input: impl Read, target: &Path, limits: Limits) -> Result<(), NarError> {
    let mut reader = NarReader::new(input);
    let (mut folders, mut entries, mut bytes) = (Vec::new(), 0_usize, 0_u64);
    while let Some(entry) = reader.next_entry()? {
        entries += 1;
        if entries > limits.entries {
            return Err(refused(format!("it has more than {} entries", limits.entries)));
        }
        let path = if entry.path.is_empty() {
            target.to_owned()
        } else {
            target.join(std::ffi::OsStr::from_bytes(&entry.path))
        };
        match entry.kind {
            NarKind::Directory => {
                fs::create_dir(&path)?;
                folders.push(path);
            }
            NarKind::Symlink { target } => {
                symlink(std::ffi::OsStr::from_bytes(&target), &path)?;
                set_times(&path)?;
            }
            NarKind::Regular { executable, size } => {
                bytes = bytes.saturating_add(size);
                if bytes > limits.bytes {
                    return Err(refused(format!("its files have more than {} bytes", limits.bytes)));
                }
                write_file(&mut reader, &path, executable)?;
            }
        }
    }
    finish(&folders)
}

fn refused(reason: String) -> NarError {
    NarError::Io(io::Error::new(io::ErrorKind::InvalidData, reason))
}

fn write_file(input: &mut impl Read, path: &Path, executable: bool) -> io::Result<()> {
    let mode = if executable { 0o555 } else { 0o444 };
    let mut file = File::options().write(true).create_new(true).mode(mode).open(path)?;
    let mut buffer = vec![0; 1 << 17];
    loop {
        let count = input.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        file.write_all(&buffer[..count])?;
    }
    // The umask took part in what the file was made with.
    file.set_permissions(Permissions::from_mode(mode))?;
    let times = Timestamps { last_access: SECOND, last_modification: SECOND };
    Ok(rustix::fs::futimens(&file, &times)?)
}

const SECOND: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// Gives a file, folder or link the time that everything in a store has.
pub(super) fn set_times(path: &Path) -> io::Result<()> {
    let times = Timestamps { last_access: SECOND, last_modification: SECOND };
    Ok(rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Folders are closed when nothing more goes into them, the innermost first.
fn finish(folders: &[PathBuf]) -> Result<(), NarError> {
    for folder in folders.iter().skip(1).rev() {
        fs::set_permissions(folder, Permissions::from_mode(0o555))?;
        set_times(folder)?;
    }
    Ok(())
}

/// Makes the root of what was unpacked read-only, at its last place.
pub(super) fn seal(root: &Path) -> io::Result<()> {
    if fs::symlink_metadata(root)?.is_dir() {
        fs::set_permissions(root, Permissions::from_mode(0o555))?;
        set_times(root)?;
    }
    Ok(())
}

/// Copies a store path of the image to `target`, where nothing stands.
pub(super) fn copy(source: &Path, target: &Path) -> io::Result<()> {
    let mut folders = Vec::new();
    for entry in walkdir::WalkDir::new(source) {
        let entry = entry?;
        let relative = entry.path().strip_prefix(source).map_err(io::Error::other)?;
        let to = if relative.as_os_str().is_empty() { target.to_owned() } else { target.join(relative) };
        let kind = entry.file_type();
        if kind.is_dir() {
            fs::create_dir(&to)?;
            folders.push(to);
        } else if kind.is_symlink() {
            symlink(fs::read_link(entry.path())?, &to)?;
            set_times(&to)?;
        } else {
            let executable = entry.metadata()?.permissions().mode() & 0o100 != 0;
            write_file(&mut File::open(entry.path())?, &to, executable)?;
        }
    }
    finish(&folders).map_err(io::Error::from)
}

/// Removes what lies at `path`, read-only as it is; what is not there is fine.
pub fn discard(path: &Path) -> io::Result<()> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    if !metadata.is_dir() {
        return fs::remove_file(path);
    }
    for entry in walkdir::WalkDir::new(path) {
        let entry = entry?;
        if entry.file_type().is_dir() {
            fs::set_permissions(entry.path(), Permissions::from_mode(0o755))?;
        }
    }
    fs::remove_dir_all(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;
    use crate::nix::nar::NarWriter;

    fn nar(files: usize) -> Vec<u8> {
        let mut writer = NarWriter::new(Vec::new());
        writer.directory(b"").unwrap();
        writer.directory(b"bin").unwrap();
        writer.regular(b"bin/run", true, 2, &mut &b"#!"[..]).unwrap();
        for number in 0..files {
            writer.regular(format!("c{number:04}").as_bytes(), false, 4, &mut &b"text"[..]).unwrap();
        }
        writer.symlink(b"up", b"../..").unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn a_tree_is_read_only_and_of_the_first_second() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x");
        unpack(&nar(2)[..], &target, Limits::SENT).unwrap();
        seal(&target).unwrap();
        let copied = folder.path().join("copy");
        copy(&target, &copied).unwrap();
        seal(&copied).unwrap();
        for root in [&target, &copied] {
            for (path, mode) in [("", 0o555), ("bin", 0o555), ("bin/run", 0o555), ("c0001", 0o444)] {
                let metadata = fs::symlink_metadata(root.join(path)).unwrap();
                assert_eq!((metadata.mode() & 0o7777, metadata.mtime()), (mode, 1), "{path}");
            }
            assert_eq!(fs::symlink_metadata(root.join("up")).unwrap().mtime(), 1);
            assert_eq!(fs::read_link(root.join("up")).unwrap(), Path::new("../.."));
        }
        discard(&target).unwrap();
        discard(&target).unwrap();
        discard(&copied).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn hostile_archives_leave_nothing_outside() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("inside");
        // `bin` is a link in one archive and a folder in the other: no reader takes both from one.
        let good = nar(1);
        let find = |needle: &[u8]| good.windows(needle.len()).position(|window| window == needle).unwrap();
        for (name, other) in [(&b"run"[..], &b"../"[..]), (b"bin", b".."), (b"bin", b"a/b"), (b"c0000", b"bin")] {
            let mut bad = good.clone();
            let at = find(&[&(name.len() as u64).to_le_bytes()[..], name].concat());
            bad[at..at + 8].copy_from_slice(&(other.len() as u64).to_le_bytes());
            bad[at + 8..at + 16].fill(0);
            bad[at + 8..at + 8 + other.len()].copy_from_slice(other);
            assert!(unpack(&bad[..], &inside, Limits::SENT).is_err(), "{}", String::from_utf8_lossy(other));
            discard(&inside).unwrap();
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
        let few = Limits { entries: 4, bytes: 100 };
        assert!(unpack(&nar(2)[..], &inside, few).unwrap_err().to_string().contains("entries"));
        discard(&inside).unwrap();
        let small = Limits { entries: 100, bytes: 9 };
        assert!(unpack(&nar(2)[..], &inside, small).unwrap_err().to_string().contains("bytes"));
    }
}
