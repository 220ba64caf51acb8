//! What stands at the project's paths, as far as checks ask.

use std::io;
use std::path::{Component, Path, PathBuf};

/// What a path of the project names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// Nobody looked: the files are checked as mere text.
    Unknown,
    Missing,
    File {
        executable: bool,
    },
    Directory,
    /// A link, where links are not followed.
    Link,
    /// A socket, device or pipe.
    Special,
    /// It leads out of the project.
    Outside,
    /// Looking failed.
    Unreadable(String),
}

/// The project's folder, or what stands for it.
pub(super) trait Project {
    /// What stands at `path`, which is relative to the project, or absolute. `follow` a link at its end.
    fn look(&self, path: &str, follow: bool) -> Entry;
}

/// No folder: checks take every path for granted.
pub(super) struct NoProject;

impl Project for NoProject {
    fn look(&self, path: &str, _follow: bool) -> Entry {
        if leaves(path) { Entry::Outside } else { Entry::Unknown }
    }
}

/// A folder on disk.
pub(super) struct Disk(pub(super) PathBuf);

impl Project for Disk {
    fn look(&self, path: &str, follow: bool) -> Entry {
        if leaves(path) {
            return Entry::Outside;
        }
        look_on_disk(&self.0, Path::new(path), follow).unwrap_or_else(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Entry::Missing,
            _ => Entry::Unreadable(error.to_string()),
        })
    }
}

fn look_on_disk(project: &Path, path: &Path, follow: bool) -> io::Result<Entry> {
    let full = project.join(path);
    let is_link = full.symlink_metadata()?.is_symlink();
    let leading = if is_link && !follow { full.parent().unwrap_or(project) } else { &full };
    if !path.is_absolute() && !leading.canonicalize()?.starts_with(project.canonicalize()?) {
        return Ok(Entry::Outside);
    }
    if is_link && !follow {
        return Ok(Entry::Link);
    }
    let metadata = full.metadata()?;
    Ok(match metadata.file_type() {
        kind if kind.is_dir() => Entry::Directory,
        kind if kind.is_file() => Entry::File { executable: is_executable(&metadata) },
        _ => Entry::Special,
    })
}

#[cfg(unix)]
fn is_executable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o111 != 0
}

/// Whether a relative path climbs above where it starts, by its text alone.
fn leaves(path: &str) -> bool {
    let mut depth = 0_usize;
    for component in Path::new(path).components() {
        match component {
            Component::ParentDir if depth == 0 => return true,
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
            Component::RootDir | Component::Prefix(_) => return false,
            Component::CurDir => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_leave_by_their_text_and_by_links() -> io::Result<()> {
        let outside = tempfile::tempdir()?;
        let folder = tempfile::tempdir()?;
        std::fs::write(outside.path().join("secret"), "x")?;
        std::fs::create_dir(folder.path().join("dist"))?;
        std::os::unix::fs::symlink(outside.path(), folder.path().join("away"))?;
        std::os::unix::fs::symlink("dist", folder.path().join("near"))?;
        let project = Disk(folder.path().to_owned());
        assert_eq!(project.look("./dist", true), Entry::Directory);
        assert_eq!(project.look("./dist/../dist", true), Entry::Directory);
        assert_eq!(project.look("./near", true), Entry::Directory);
        assert_eq!(project.look("./near", false), Entry::Link);
        assert_eq!(project.look("./gone", true), Entry::Missing);
        for path in ["../x", "./a/../../x", "..", "./away", "./away/secret"] {
            assert_eq!(project.look(path, true), Entry::Outside, "{path}");
        }
        assert_eq!(project.look("./away/secret", false), Entry::Outside);
        assert_eq!(project.look(&outside.path().display().to_string(), true), Entry::Directory);
        Ok(())
    }
}
