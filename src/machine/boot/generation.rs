//! Step 2: which generation of a home is the live one.

use std::io;
use std::path::Path;

use crate::boot::Layout;
use crate::home::manifest::{MANIFEST, Manifest};
use crate::nix::{STORE_DIR, StorePath};

use super::ground::Ground;
use super::journal::Journal;
use super::small;

/// A manifest is not larger.
const LIMIT: u64 = 16 << 20;

/// A generation that can be activated.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chosen {
    /// Its store path.
    pub(super) generation: String,
    /// Its number among the user's own; absent: the image's.
    pub(super) number: Option<u64>,
    /// What it says of itself; absent where it can't be read.
    pub(super) manifest: Option<Manifest>,
}

/// Chooses the user's own that was live last, if it is complete; else the image's.
pub(super) fn choose(ground: &Ground, layout: &Layout, user: &str, image: &str, journal: &mut Journal<'_>) -> Chosen {
    match own(ground, layout, user) {
        Ok(Some(chosen)) => return chosen,
        Ok(None) => {}
        Err(error) => journal.advise(
            format!("{user}'s own generation can't be taken, so it's the image's: {error}"),
            format!("as {user}: `rebuild`, or `rebuild --rollback`"),
        ),
    }
    let manifest = journal.attempt(format_args!("read {user}'s generation {image}"), manifest(ground, image, user));
    Chosen { generation: image.to_owned(), number: None, manifest }
}

/// The user's own; `None`: there is none.
fn own(ground: &Ground, layout: &Layout, user: &str) -> io::Result<Option<Chosen>> {
    let Some(current) = small::line(&ground.at(layout.current(user))) else { return Ok(None) };
    let number: u64 = current.parse().map_err(|_| invalid("its number is none"))?;
    let link = ground.at(layout.generations(user).join(number.to_string()));
    let target = link.read_link().map_err(|error| invalid(&format!("generation {number}: {error}")))?;
    let generation = store_path(&target).ok_or_else(|| invalid("its link leads out of the store"))?;
    let manifest = manifest(ground, &generation, user)
        .map_err(|error| io::Error::new(error.kind(), format!("generation {number}, {generation}: {error}")))?;
    Ok(Some(Chosen { generation, number: Some(number), manifest: Some(manifest) }))
}

fn store_path(target: &Path) -> Option<String> {
    let name = target.strip_prefix(STORE_DIR).ok()?.to_str()?;
    StorePath::from_base_name(name).ok()?;
    Some(format!("{STORE_DIR}/{name}"))
}

/// What every version of a manifest says.
#[derive(serde::Deserialize)]
struct Version {
    version: u32,
}

/// Reads a generation's manifest and holds it against what this runtime can activate.
fn manifest(ground: &Ground, generation: &str, user: &str) -> io::Result<Manifest> {
    let bytes = small::read(&ground.behind(generation).join(MANIFEST), LIMIT)?;
    let Version { version } = serde_json::from_slice(&bytes)?;
    if version > Manifest::VERSION {
        return Err(invalid(&format!("it is of a newer dumbc (version {version})")));
    }
    let manifest: Manifest = serde_json::from_slice(&bytes)?;
    if manifest.user != user {
        return Err(invalid(&format!("it is {}'s", manifest.user)));
    }
    Ok(manifest)
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::boot::mounting::doubles::Refusing;
    use std::fs;
    use std::os::unix::fs::symlink;

    const IMAGE: &str = "/nix/store/00000000000000000000000000000000-home-alice";
    const OWN: &str = "/nix/store/11111111111111111111111111111111-home-alice";

    fn put(root: &Path, place: &str, version: u32, user: &str) {
        let folder = root.join(place.trim_start_matches('/'));
        fs::create_dir_all(&folder).unwrap();
        let text = format!(
            r#"{{"version":{version},"user":"{user}","files":{{}},"session-variables":{{}},"session-path":[],"daemons":[],"packages":{{}}}}"#
        );
        fs::write(folder.join(MANIFEST), text).unwrap();
    }

    /// A user whose generation 3 is live, linked into the store.
    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), IMAGE, 1, "alice");
        put(root.path(), &OWN.replace("/nix", "/data/nix"), 1, "alice");
        symlink(OWN.replace("/nix", "/data/nix"), root.path().join(OWN.trim_start_matches('/'))).unwrap();
        let own = root.path().join("data/dumbc/users/alice");
        fs::create_dir_all(own.join("generations")).unwrap();
        symlink(OWN, own.join("generations/3")).unwrap();
        fs::write(own.join("current"), "3\n").unwrap();
        root
    }

    fn chosen(root: &Path) -> (String, Option<u64>, usize) {
        let mut told = 0;
        let mut teller = |_: &crate::machine::prepared::Warning| told += 1;
        let ground = Ground::new(root, Refusing);
        let chosen = choose(&ground, &Layout::new("/data"), "alice", IMAGE, &mut Journal::new(&mut teller));
        (chosen.generation, chosen.number, told)
    }

    #[test]
    fn the_users_own_comes_first() {
        let root = root();
        assert_eq!(chosen(root.path()), (OWN.to_owned(), Some(3), 0));
        fs::remove_file(root.path().join("data/dumbc/users/alice/current")).unwrap();
        assert_eq!(chosen(root.path()), (IMAGE.to_owned(), None, 0));
    }

    #[test]
    fn what_is_not_whole_gives_way_to_the_images() {
        let image = (IMAGE.to_owned(), None, 1);
        let place = OWN.replace("/nix", "/data/nix");
        for (version, user) in [(2, "alice"), (1, "bob")] {
            let root = root();
            put(root.path(), &place, version, user);
            assert_eq!(chosen(root.path()), image);
        }
        for current in ["4", "-1", "../../../etc", ""] {
            let root = root();
            fs::write(root.path().join("data/dumbc/users/alice/current"), current).unwrap();
            assert_eq!(chosen(root.path()), image, "{current}");
        }
        let root = root();
        fs::remove_dir_all(root.path().join(place.trim_start_matches('/'))).unwrap();
        assert_eq!(chosen(root.path()), image);
    }
}
