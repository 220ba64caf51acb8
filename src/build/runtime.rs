//! The program that boots an image: found, held against the lock, kept in the store.
//!
//! The lock pins it, so that whoever builds gets the same image. What is pinned stays as long as it is at hand; it moves with
//! `dumbc update runtime`, with `--runtime FILE`, or where it is lost and the lock may change.

use tempfile::TempPath;

use crate::channel::{Lock, LockedRuntime, Mode, RUNTIME};
use crate::config::{Machine, System};
use crate::failure::Classified as _;
use crate::image::ImagePath;
use crate::image::tree::{Metadata, Node};
use crate::progress::Progress;
use crate::root::addressed::Addressed;
use crate::root::runtime::{PROGRAM, Runtime, RuntimeChoice, RuntimeError, runtime, unit_of};
use crate::store::{Fragment, FragmentKey};

use super::packages::lone_head;
use super::{Error, Project};

/// The runtime of one image.
#[derive(Debug)]
pub struct ImageRuntime {
    /// The store path with its content.
    pub unit: Addressed,
    /// Where that content lies as long as this lives, if it came out of the store.
    _restored: Option<TempPath>,
}

impl ImageRuntime {
    /// What the lock pins from now on.
    #[must_use]
    pub fn locked(&self) -> LockedRuntime {
        locked(&self.unit)
    }
}

fn locked(unit: &Addressed) -> LockedRuntime {
    LockedRuntime { path: unit.path.clone(), nar_hash: unit.nar_hash, nar_size: unit.nar_size }
}

/// Holds what was found against what is pinned, and says what is worth a note. `None`: what is pinned stays; `is_stored` tells
/// whether it is at hand.
fn decide(
    system: System,
    found: Result<Runtime, RuntimeError>,
    pinned: Option<&LockedRuntime>,
    mode: &Mode,
    is_stored: impl FnOnce(&LockedRuntime) -> Result<bool, Error>,
) -> Result<(Option<Addressed>, Option<String>), Error> {
    let Some(pinned) = pinned.filter(|_| !mode.moves(RUNTIME)) else { return Ok((Some(found?.unit), None)) };
    let old = pinned.nar_hash;
    let found = match found {
        Ok(found) if locked(&found.unit) == *pinned => return Ok((Some(found.unit), None)),
        Ok(found) if *mode == Mode::Locked => {
            return Err(Error::OtherRuntime { system, found: found.unit.nar_hash, pinned: old });
        }
        // A file that somebody chose and that is none is no reason to take another.
        Err(fault) if !matches!(fault, RuntimeError::Missing { .. }) => return Err(fault.into()),
        found => found,
    };
    let is_named = found.as_ref().is_ok_and(|found| found.origin.is_named());
    if !is_named && is_stored(pinned)? {
        let stays = |found: Runtime| {
            let new = found.unit.nar_hash;
            format!("the runtime for {system} is the pinned one, {old}; `dumbc update runtime` moves it to {new}")
        };
        return Ok((None, found.ok().map(stays)));
    }
    let unit = found?.unit;
    let moved = format!("the runtime for {system} is {} now; dumbc.lock pinned {old}", unit.nar_hash);
    Ok((Some(unit), Some(moved)))
}

/// Pins the runtimes of all systems in a lock that is made without a build: what is pinned stays, unless `mode` moves it.
/// A system without a runtime here is left to who builds for it, with a warning, unless the runtime was asked for by name.
pub fn pin_runtimes(
    lock: &mut Lock,
    machine: &Machine,
    mode: &Mode,
    choice: &RuntimeChoice,
    progress: &dyn Progress,
) -> Result<(), Error> {
    if !machine.boot.enable {
        return Ok(());
    }
    choice.check(&machine.image.systems)?;
    let by_name = matches!(mode, Mode::Update(names) if names.iter().any(|name| name == RUNTIME));
    for &system in &machine.image.systems {
        match decide(system, runtime(system, choice), lock.runtimes.get(&system), mode, |_| Ok(true)) {
            Ok((chosen, _)) => lock.runtimes.extend(chosen.map(|unit| (system, locked(&unit)))),
            Err(Error::Runtime(fault @ RuntimeError::Missing { .. })) if !by_name => {
                let remedy = fault.help().unwrap_or_default();
                progress.warn(&format!("dumbc.lock pins no new runtime: {fault}; {remedy}"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A runtime for whoever only looks at what would be in an image.
pub(super) fn stand_in() -> Result<Addressed, Error> {
    let path = |name: &str| ImagePath::new(name.as_bytes()).unwrap_or_default();
    let nodes = [
        (path(""), (Metadata::root(0o755), Node::Directory)),
        (path("bin"), (Metadata::root(0o755), Node::Directory)),
        (path(PROGRAM), (Metadata::root(0o755), Node::File(Vec::new()))),
    ];
    Ok(Addressed::of("dumbc-runtime", nodes.into_iter().collect(), &[])?)
}

impl Project<'_> {
    /// The runtime of an image for `system`: the one that `lock` pins, or the one that takes its place. The caller puts
    /// [`ImageRuntime::locked`] into the lock. It goes into the store where a layer is made of it.
    pub fn runtime(&self, lock: &Lock, mode: &Mode, system: System) -> Result<ImageRuntime, Error> {
        let (pinned, mut restored) = (lock.runtimes.get(&system), None);
        let (found, note) = decide(system, runtime(system, &self.runtime), pinned, mode, |pinned| {
            restored = self.restore(pinned)?;
            Ok(restored.is_some())
        })?;
        if let Some(note) = note {
            self.progress.note(&note);
        }
        match (found, restored) {
            (Some(unit), _) => {
                self.pin(&unit)?;
                Ok(ImageRuntime { unit, _restored: None })
            }
            (None, Some(restored)) => {
                self.pin(&restored.unit)?;
                Ok(restored)
            }
            (None, None) => Err(RuntimeError::Missing { system, reason: None }.into()),
        }
    }

    /// Puts it into the store, under the key by which the pin finds it again.
    pub(super) fn keep(&self, unit: &Addressed) -> Result<Fragment, Error> {
        let Self { store, pool, codec, .. } = self;
        let (path, hash) = (&unit.path, &unit.nar_hash);
        Ok(store.store_path_fragment(pool, *codec, &lone_head(path), &unit.tree, (path, hash))?)
    }

    /// No collection takes it while the lock names it.
    fn pin(&self, unit: &Addressed) -> Result<(), Error> {
        Ok(self.store.pin(&self.lock_path(), &unit.path, FragmentKey::store_path(&unit.path, &unit.nar_hash))?)
    }

    /// What is pinned, out of the store; `None` where it is not there, or is something else.
    fn restore(&self, pinned: &LockedRuntime) -> Result<Option<ImageRuntime>, Error> {
        let key = FragmentKey::store_path(&pinned.path, &pinned.nar_hash);
        let Some(fragment) = self.store.fragment(key, self.codec)? else { return Ok(None) };
        let program = ImagePath::new(PROGRAM.as_bytes()).unwrap_or_default();
        let Some(file) = self.store.restore_file(&fragment, &program)? else { return Ok(None) };
        let unit = unit_of(&file)?;
        Ok(Some(ImageRuntime { unit, _restored: Some(file) }).filter(|restored| restored.locked() == *pinned))
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::failure::Class;
    use crate::image::ImagePath;
    use crate::image::codec::Codec;
    use crate::image::tree::{Metadata, Node};
    use crate::root::runtime::Origin;
    use crate::store::{Pool, Store};

    const HERE: System = System::X86_64Linux;

    fn found(content: &str, origin: Origin) -> Runtime {
        let mut tree = [(ImagePath::default(), (Metadata::root(0o755), Node::Directory))]
            .into_iter()
            .collect::<crate::image::tree::Tree>();
        tree.insert(ImagePath::new(b"program").unwrap(), (Metadata::root(0o755), Node::File(content.into())));
        Runtime { unit: Addressed::of("dumbc-runtime", tree, &[]).unwrap(), origin }
    }

    fn own(content: &str) -> Runtime {
        found(content, Origin::Own("/proc/self/exe".into()))
    }

    fn missing() -> Result<Runtime, RuntimeError> {
        Err(RuntimeError::Missing { system: HERE, reason: None })
    }

    fn pin(content: &str) -> LockedRuntime {
        locked(&own(content).unit)
    }

    /// Which content goes in, and the note.
    fn taken(
        found: Result<Runtime, RuntimeError>,
        pinned: Option<&str>,
        mode: &Mode,
        is_stored: bool,
    ) -> Result<(&'static str, String), Error> {
        let pinned = pinned.map(pin);
        let (chosen, note) = decide(HERE, found, pinned.as_ref(), mode, |_| Ok(is_stored))?;
        let chosen = chosen.map(|unit| locked(&unit)).or(pinned);
        let is = |content| chosen == Some(pin(content));
        let name = if is("old") {
            "old"
        } else if is("new") {
            "new"
        } else {
            "?"
        };
        let note = note.unwrap_or_default();
        let note = ["old", "new"].iter().fold(note, |note, name| note.replace(&pin(name).nar_hash.to_string(), name));
        Ok((name, note))
    }

    #[test]
    fn a_pin_stays_as_long_as_it_is_at_hand() {
        let update = |names: &[&str]| Mode::Update(names.iter().map(|name| (*name).to_owned()).collect());
        let told = |found, pinned, mode: &Mode, is_stored| taken(found, pinned, mode, is_stored).unwrap();
        let none = String::new();
        for mode in [Mode::Extend, update(&["git"])] {
            assert_eq!(told(Ok(own("new")), None, &mode, false), ("new", none.clone()));
            assert_eq!(told(Ok(own("old")), Some("old"), &mode, false), ("old", none.clone()));
            let stays = "the runtime for x86_64-linux is the pinned one, old; `dumbc update runtime` moves it to new";
            assert_eq!(told(Ok(own("new")), Some("old"), &mode, true), ("old", stays.to_owned()));
            let moved = "the runtime for x86_64-linux is new now; dumbc.lock pinned old";
            assert_eq!(told(Ok(own("new")), Some("old"), &mode, false), ("new", moved.to_owned()));
            let named = found("new", Origin::Named(PathBuf::from("new")));
            assert_eq!(told(Ok(named), Some("old"), &mode, true), ("new", moved.to_owned()));
            assert_eq!(told(missing(), Some("old"), &mode, true), ("old", none.clone()));
            assert!(matches!(taken(missing(), Some("old"), &mode, false), Err(Error::Runtime(_))));
        }
        for mode in [update(&[]), update(&["git", "runtime"])] {
            assert_eq!(told(Ok(own("new")), Some("old"), &mode, true), ("new", none.clone()));
        }
    }

    #[test]
    fn a_locked_build_takes_no_other() {
        let told = |found, is_stored| taken(found, Some("old"), &Mode::Locked, is_stored);
        assert_eq!(told(Ok(own("old")), false).unwrap().0, "old");
        assert_eq!(told(missing(), true).unwrap().0, "old");
        let error = told(Ok(own("new")), true).unwrap_err();
        assert_eq!(error.class(), Class::StaleLock);
        let message = error.to_string();
        assert!(["old", "new"].iter().all(|name| message.contains(&pin(name).nar_hash.to_string())), "{message}");
        assert!(error.help().is_some_and(|help| help.contains("`dumbc update runtime`")));
    }

    #[test]
    fn a_bad_file_is_not_passed_over_for_the_pinned_one() {
        let origin = Origin::Variable(HERE, PathBuf::from("absent"));
        let unfit = RuntimeError::Unfit { origin, unfit: crate::root::runtime::Unfit::NoFile };
        assert!(matches!(
            taken(Err(unfit), Some("old"), &Mode::Extend, true),
            Err(Error::Runtime(RuntimeError::Unfit { .. }))
        ));
    }

    #[test]
    fn the_fragment_is_found_again_by_path_and_hash() {
        let folder = tempfile::tempdir().unwrap();
        let (store, pool) = (Store::open(folder.path(), false).unwrap(), Pool::new(1));
        let unit = found("content", Origin::Own(Path::new("own").into())).unit;
        let LockedRuntime { path, nar_hash, .. } = locked(&unit);
        let head = lone_head(&path);
        let made = store.store_path_fragment(&pool, Codec::default(), &head, &unit.tree, (&path, &nar_hash)).unwrap();
        let key = FragmentKey::store_path(&path, &nar_hash);
        let again = store.fragment(key, Codec::default()).unwrap().unwrap();
        assert_eq!((made.key, again.alone()), (key, made.alone()));
        let restored = store.restore_file(&again, &ImagePath::new(b"program").unwrap()).unwrap().unwrap();
        assert_eq!(std::fs::read(&restored).unwrap(), b"content");
        let other = found("other", Origin::Own(Path::new("own").into())).unit;
        let lie = store.store_path_fragment(&pool, Codec::default(), &head, &other.tree, (&path, &nar_hash));
        assert!(lie.is_err(), "what does not have the hash is not kept");
        assert!(store.fragment(key, Codec::default()).unwrap().is_none());
    }
}
