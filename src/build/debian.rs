//! Debian's part of an image: what its packages hold, as one tree; and natively what their scripts would have done to it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::channel::{Lock, LockedDeb};
use crate::config::{Diagnostic, Machine, System};
use crate::deb::PackageName;
use crate::image::ImagePath;
use crate::image::adjust::Adjustments;
use crate::root::debian::base::Origin;
use crate::root::debian::drop_ins::drop_ins;
use crate::root::debian::merge::{Diverted, Linked, Merge, merge};
use crate::root::debian::replace::Omitted;
use crate::root::debian::users::{Allocation, Creations, allocate};
use crate::root::debian::{Action, Package, Placed, apache, scripts, tmpfiles};
use crate::store::FragmentKey;

use super::Error;
use super::facts::DebFacts;
use super::view::Shelf;

/// Where packages say which folders they expect at run time.
const TMPFILES: &str = "usr/lib/tmpfiles.d";

/// The beginning of a module's file, where it says what it needs.
const LARGEST_MODULE: usize = 64 << 10;

/// One package of the image.
struct Deb<'a> {
    name: &'a PackageName,
    locked: &'a LockedDeb,
    version: String,
    requested: bool,
    says: &'a DebFacts,
}

impl Deb<'_> {
    fn package(&self) -> Package<'_> {
        Package {
            name: self.name,
            architecture: &self.locked.architecture,
            version: &self.version,
            requested: self.requested,
            listing: &self.says.listing,
            facts: &self.says.facts,
        }
    }
}

/// All packages of the image, merged; sorted by name.
pub(super) struct Debian<'a> {
    debs: Vec<Deb<'a>>,
    shelf: &'a Shelf<'a>,
    architecture: &'static str,
    origin: Origin,
    pub(super) actions: BTreeMap<PackageName, Vec<Action>>,
    pub(super) diverted: Vec<Diverted>,
    pub(super) merge: Merge,
}

impl<'a> Debian<'a> {
    /// The packages of `lock` for `system`, which are on the shelf.
    pub(super) fn gather(lock: &'a Lock, system: System, shelf: &'a Shelf<'a>) -> Result<Self, Error> {
        let requests = lock.requests.iter().filter(|((of, _), _)| *of == system);
        let requested: BTreeSet<_> = requests.filter_map(|(_, answer)| answer.deb.as_ref()).collect();
        let mut debs = Vec::new();
        for (name, locked) in lock.debs(system) {
            let (version, requested) = (locked.version.to_string(), requested.contains(name));
            debs.push(Deb { name, locked, version, requested, says: shelf.deb(name)? });
        }
        let archives = lock.channels.values().filter_map(|channel| channel.archive.as_ref());
        let origin = archives.map(|archive| Origin {
            origin: archive.origin.clone(),
            codename: archive.codename.clone(),
            version: archive.version.clone(),
        });
        let mut debian = Self {
            debs,
            shelf,
            architecture: system.architecture(),
            origin: origin.into_iter().next().unwrap_or_default(),
            actions: BTreeMap::new(),
            diverted: Vec::new(),
            merge: Merge::default(),
        };
        debian.follow_scripts();
        debian.merge()?;
        debian.expect_folders()?;
        debian.enable_dependencies()?;
        Ok(debian)
    }

    /// Whether the image has no Debian package.
    pub(super) fn is_empty(&self) -> bool {
        self.debs.is_empty()
    }

    /// Who makes the packages.
    pub(super) fn origin(&self) -> Origin {
        self.origin.clone()
    }

    /// dpkg's name of the machine's architecture.
    pub(super) fn architecture(&self) -> &'static str {
        self.architecture
    }

    /// The packages, as generators look at them.
    pub(super) fn packages(&self) -> Vec<Package<'_>> {
        self.debs.iter().map(Deb::package).collect()
    }

    /// The version of a package, if the image has it.
    pub(super) fn version(&self, name: &str) -> Option<&str> {
        self.debs.iter().find(|deb| deb.name.as_str() == name).map(|deb| deb.version.as_str())
    }

    fn follow_scripts(&mut self) {
        let everything: BTreeSet<&ImagePath> =
            self.debs.iter().flat_map(|deb| deb.says.listing.entries()).map(|entry| &entry.path).collect();
        let exists = |path: &ImagePath| everything.contains(path);
        let packages = self.packages();
        let of_package =
            |package: &Package<'_>| (package.name.clone(), scripts::actions(package, self.architecture, &exists));
        let actions = packages.iter().map(of_package).collect();
        self.actions = actions;
    }

    fn merge(&mut self) -> Result<(), Error> {
        let (mut diverted, mut linked) = (Vec::new(), Vec::new());
        for (package, actions) in &self.actions {
            for action in actions {
                match action {
                    Action::Diversion { path, to } => {
                        diverted.push(Diverted { package: package.clone(), path: path.clone(), to: to.clone() });
                    }
                    Action::Symlink { path, target } => {
                        linked.push(Linked { package: package.clone(), path: path.clone(), target: target.clone() });
                    }
                    _ => {}
                }
            }
        }
        let read = |package: usize, path: &ImagePath| {
            let Some(deb) = self.debs.get(package) else { return Err(io::ErrorKind::NotFound.into()) };
            self.shelf.read_deb(deb.name, path, 0, usize::MAX)
        };
        let merged = merge(&self.packages(), &diverted, &linked, &read)?;
        self.merge = merged;
        self.diverted = diverted;
        Ok(())
    }

    /// Adds what `tmpfiles.d` asks for to the actions of its packages.
    fn expect_folders(&mut self) -> Result<(), Error> {
        let read = |path: &ImagePath, offset, length| self.read(path, offset, length);
        for (package, text) in drop_ins(&self.merge.merged, TMPFILES, &read)? {
            if let Some(deb) = self.debs.get(package) {
                self.actions.entry(deb.name.clone()).or_default().extend(tmpfiles::actions(&text));
            }
        }
        Ok(())
    }

    /// Adds the modules that enabled ones need to the actions of those who enabled them.
    fn enable_dependencies(&mut self) -> Result<(), Error> {
        let read = |path: &str| -> io::Result<Option<String>> {
            let Ok(path) = ImagePath::new(path.as_bytes()) else { return Ok(None) };
            let text = self.read(&path, 0, LARGEST_MODULE)?;
            Ok(text.map(|text| String::from_utf8_lossy(&text).into_owned()))
        };
        let needed = |(name, actions)| Ok((PackageName::clone(name), apache::dependencies(actions, &read)?));
        let needed: Vec<_> = self.actions.iter().map(needed).collect::<io::Result<_>>()?;
        for (name, links) in needed {
            self.actions.entry(name).or_default().extend(links);
        }
        Ok(())
    }

    /// Up to `length` bytes at `offset` of a package's file, by its path in the image.
    pub(super) fn read(&self, path: &ImagePath, offset: u64, length: usize) -> io::Result<Option<Vec<u8>>> {
        let Some(placed) = self.merge.merged.get(path) else { return Ok(None) };
        self.read_placed(placed, offset, length).map(Some)
    }

    fn read_placed(&self, placed: &Placed, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let deb = self.debs.get(placed.package).ok_or(io::ErrorKind::NotFound)?;
        self.shelf.read_deb(deb.name, &placed.origin, offset, length)
    }

    /// Numbers for the users and groups that packages create: those of `ids`, and new ones, which are added to it.
    pub(super) fn allocate(&self, machine: &Machine, ids: &mut BTreeMap<String, u32>) -> Result<Allocation, Error> {
        let mut creations = Creations::default();
        for (package, actions) in &self.actions {
            creations.add(package.as_str(), actions);
        }
        let read = |path: &ImagePath, offset, length| self.read(path, offset, length);
        creations.add_sysusers(&self.packages(), &self.merge.merged, &read)?;
        allocate(machine, &creations, ids).map_err(Error::Files)
    }

    /// Takes files out of packages.
    pub(super) fn omit(&mut self, omitted: Omitted) {
        for (package, paths) in omitted {
            if let Some(deb) = self.debs.get(package) {
                self.merge.adjustments.entry(deb.name.clone()).or_default().omit.extend(paths);
            }
        }
    }

    /// What scripts do and nobody here knows, for people to look at.
    pub(super) fn unknown(&self) -> Vec<Diagnostic> {
        let unknown = self.actions.iter().flat_map(|(package, actions)| {
            actions.iter().filter_map(move |action| match action {
                Action::Unknown { script, line, text } => Some(format!("{package}: {script}, line {line}: `{text}`")),
                _ => None,
            })
        });
        let help = "scripts are not run: see whether the image needs this, and do it by `[files]` if so";
        unknown.map(|what| Diagnostic::warning(format!("unknown to dumbc: {what}"), None).help(help)).collect()
    }

    /// What each package brings to layers.
    pub(super) fn into_parts(self) -> BTreeMap<PackageName, DebPart> {
        let Merge { merged, mut adjustments } = self.merge;
        let mut parts: Vec<DebPart> = self
            .debs
            .iter()
            .map(|deb| DebPart {
                key: FragmentKey::deb(&deb.locked.sha256),
                adjustments: adjustments.remove(deb.name).unwrap_or_default(),
                placed: Vec::new(),
            })
            .collect();
        for (path, placed) in merged {
            if let Some(part) = parts.get_mut(placed.package) {
                part.placed.push((path, placed));
            }
        }
        self.debs.iter().map(|deb| deb.name.clone()).zip(parts).collect()
    }
}

/// What a package brings to layers.
pub(super) struct DebPart {
    /// Of its fragment, as in its archive.
    pub(super) key: FragmentKey,
    pub(super) adjustments: Adjustments,
    /// Its files, and the folders whose metadata it decides; by path in the image.
    pub(super) placed: Vec<(ImagePath, Placed)>,
}
