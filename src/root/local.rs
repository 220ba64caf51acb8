//! Files of the project as packages: `"./dist"` in `packages`, `"./bin/web"` in a command.
//!
//! Their store paths follow from their content. What they refer to must be locked: a store path that the image lacks
//! is found here, not when the program starts.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::failure::{Class, Classified};
use crate::image::ImagePath;
use crate::image::tree::Node;
use crate::image::walk::{WalkError, WalkOptions, locate_content, walk};
use crate::nix::{StorePath, base32};

use super::addressed::{AddressError, Addressed};

const PREFIX: &[u8] = b"/nix/store/";
const HASH_PART: usize = 32;
const CHUNK: usize = 64 * 1024;
/// Longer than any store path: what may begin in one chunk and end in the next.
const OVERLAP: usize = PREFIX.len() + HASH_PART + 1 + 211;

/// Why a path of the project is no package.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// It can't be read.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// It has no store path.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// It refers to what no package of the lock is.
    #[error("`{}` refers to {store_path}, which is not in the locked closure", .file.display())]
    UnknownReference {
        /// The file or link.
        file: PathBuf,
        /// What it names.
        store_path: String,
    },
}

impl Classified for LocalError {
    fn class(&self) -> Class {
        match self {
            Self::Walk(error) => error.class(),
            Self::Address(error) => error.class(),
            Self::UnknownReference { .. } => Class::Usage,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Walk(error) => error.help(),
            Self::Address(error) => error.help(),
            Self::UnknownReference { store_path, .. } => {
                Some(format!("add \"{store_path}\" to `packages`, or build the file against packages that are there"))
            }
        }
    }
}

/// What lies at `written` in `project`, as a store path named by its last component. `locked` is all that it may refer
/// to.
pub fn local_tree(project: &Path, written: &str, locked: &[StorePath]) -> Result<Addressed, LocalError> {
    let source = locate_content(project, written)?;
    let tree = walk(&source, &ImagePath::default(), &WalkOptions::default())?;
    let hash_parts: BTreeSet<&str> = locked.iter().map(StorePath::hash_part).collect();
    for (path, (_, node)) in &tree {
        let unknown = match node {
            Node::Directory => None,
            Node::File(content) | Node::Symlink(content) => {
                unknown_reference(content.as_slice(), &hash_parts).ok().flatten()
            }
            Node::LocalFile { path, .. } => File::open(path)
                .and_then(|file| unknown_reference(file, &hash_parts))
                .map_err(|source| WalkError::Read { path: path.clone(), source })?,
        };
        if let Some(store_path) = unknown {
            let relative = String::from_utf8_lossy(path.as_bytes()).into_owned();
            let file = if path.is_root() { PathBuf::from(written) } else { Path::new(written).join(relative) };
            return Err(LocalError::UnknownReference { file, store_path });
        }
    }
    Ok(Addressed::of(&store_name(written), tree, locked)?)
}

/// The first store path in `input` whose hash part is not among `known`.
fn unknown_reference(mut input: impl Read, known: &BTreeSet<&str>) -> io::Result<Option<String>> {
    let mut window = Vec::with_capacity(CHUNK + OVERLAP);
    loop {
        let carried = window.len();
        let read = input.by_ref().take(CHUNK as u64).read_to_end(&mut window)?;
        // What begins in the last bytes may go on in the next chunk; it is looked at then.
        let complete = if read == 0 { window.len() } else { (carried + read).saturating_sub(OVERLAP) };
        if let Some(found) = find_unknown(&window, complete, known) {
            return Ok(Some(found));
        }
        if read == 0 {
            return Ok(None);
        }
        window.drain(..complete);
    }
}

/// Looks at what begins in the first `limit` bytes of `window`.
fn find_unknown(window: &[u8], limit: usize, known: &BTreeSet<&str>) -> Option<String> {
    let mut at = 0;
    while let Some(slash) = window[at..limit].iter().position(|&byte| byte == b'/') {
        at += slash;
        if let Some(path) = window[at..].strip_prefix(PREFIX).and_then(store_path_prefix)
            && !known.contains(&path[..HASH_PART])
        {
            return Some(format!("{}{path}", String::from_utf8_lossy(PREFIX)));
        }
        at += 1;
    }
    None
}

/// `<hash>-<name>` at the beginning of `bytes`, where that is one.
fn store_path_prefix(bytes: &[u8]) -> Option<&str> {
    let hash = std::str::from_utf8(bytes.get(..HASH_PART)?).ok()?;
    base32::decode::<20>(hash)?;
    let name = bytes[HASH_PART..].strip_prefix(b"-")?;
    let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"+._?=-".contains(byte);
    let length = name.iter().take(211).take_while(|byte| in_name(byte)).count();
    if length == 0 {
        return None;
    }
    std::str::from_utf8(&bytes[..HASH_PART + 1 + length]).ok()
}

/// The last component, with what a store path's name can't hold replaced; `source` for the project itself, whose name
/// is nobody's business.
fn store_name(written: &str) -> String {
    let last = Path::new(written).components().next_back();
    let name = match last {
        Some(std::path::Component::Normal(name)) => name.to_string_lossy().into_owned(),
        _ => "source".to_owned(),
    };
    let allowed = |character: char| character.is_ascii_alphanumeric() || "+._?=-".contains(character);
    let replaced = name.chars().map(|character| if allowed(character) { character } else { '-' });
    let name: String = replaced.skip_while(|character| *character == '.').take(211).collect();
    if crate::nix::valid_name(&name) { name } else { "source".to_owned() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::root::sample;

    fn project() -> tempfile::TempDir {
        let project = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(project.path().join("dist/sub")).unwrap();
        project
    }

    #[test]
    fn a_folder_becomes_a_store_path_with_its_references() {
        let (project, other) = (project(), project());
        let (git, jq) = (sample::store_path("git"), sample::store_path("jq"));
        for place in [&project, &other] {
            std::fs::write(place.path().join("dist/sub/run"), format!("#!{git}/bin/git")).unwrap();
            std::fs::set_permissions(place.path().join("dist/sub/run"), std::fs::Permissions::from_mode(0o700))
                .unwrap();
        }
        let locked = [git.clone(), jq];
        let unit = local_tree(project.path(), "./dist", &locked).unwrap();
        assert_eq!(unit.path.name(), "dist");
        assert_eq!(unit.references, [git]);
        assert_eq!(local_tree(other.path(), "./dist/", &locked).unwrap().path, unit.path);
        symlink("dist", project.path().join("link")).unwrap();
        let linked = local_tree(project.path(), "./link", &locked).unwrap();
        assert_eq!((linked.path.name(), linked.nar_hash), ("link", unit.nar_hash));
        let file = local_tree(project.path(), "./dist/sub/run", &locked).unwrap();
        assert_eq!(file.tree.len(), 1);
        assert!(matches!(&file.tree[&file.root()], (metadata, Node::LocalFile { .. }) if metadata.mode == 0o555));
    }

    #[test]
    fn a_store_path_that_is_not_locked_is_named_with_its_file() {
        let (project, gone) = (project(), sample::store_path("gone-1.0"));
        // Across the border of two chunks, wherever that is.
        for offset in [0, CHUNK - 60, CHUNK - 20, CHUNK - 1, CHUNK, 3 * CHUNK - 45] {
            let text = format!("{}{gone}/lib:", " ".repeat(offset));
            std::fs::write(project.path().join("dist/sub/run"), text).unwrap();
            let error = local_tree(project.path(), "./dist", &[]).unwrap_err();
            let expected = format!("`./dist/sub/run` refers to {gone}, which is not in the locked closure");
            assert_eq!(error.to_string(), expected);
            assert!(local_tree(project.path(), "./dist", std::slice::from_ref(&gone)).is_ok());
        }
        let almost = "/nix/store/eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee-x /nix/store/short /nix/store/";
        std::fs::write(project.path().join("dist/sub/run"), almost).unwrap();
        assert!(local_tree(project.path(), "./dist", &[]).is_ok());
        symlink(format!("{gone}/bin"), project.path().join("dist/link")).unwrap();
        let error = local_tree(project.path(), "./dist", &[]).unwrap_err();
        assert!(error.to_string().starts_with("`./dist/link` refers"), "{error}");
    }

    #[test]
    fn links_do_not_lead_out_of_the_project() {
        let (project, outside) = (project(), project());
        symlink(outside.path(), project.path().join("out")).unwrap();
        let error = local_tree(project.path(), "./out", &[]).unwrap_err();
        assert!(matches!(error, LocalError::Walk(WalkError::LeavesProject { .. })), "{error}");
        assert!(local_tree(project.path(), outside.path().to_str().unwrap(), &[]).is_ok());
    }

    #[test]
    fn names_are_made_fit() {
        let names = ["./dist", "./a b", "./.hidden", ".", "..", "/", "./ä", "./..."].map(store_name);
        assert_eq!(names, ["dist", "a-b", "hidden", "source", "source", "source", "-", "source"]);
    }
}
