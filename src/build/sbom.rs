//! What an image is made of, from the lock and, where they are in the store, from what Debian's packages say of themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::channel::{Lock, LockedDeb, LockedPackage};
use crate::config::{Machine, System};
use crate::deb::PackageName;
use crate::image::ImagePath;
use crate::image::tree::{Metadata, Node, Tree};
use crate::nix::{Sha256, StorePath};
use crate::root::addressed::Addressed;
use crate::sbom::{Distribution, Origin, Package, Sbom, name_and_output};

use super::content::{Content, content};
use super::debs::DebFragments;
use super::facts::Facts;
use super::packages::Keys;
use super::stock::{Absent, Stock};
use super::units::deb_id;
use super::view::Shelf;
use super::{Error, Project, closure};

/// A date that never changes: it stands in a layer, which no `SOURCE_DATE_EPOCH` may move.
const CREATED: &str = "1970-01-01T00:00:01Z";

/// Longer texts of a package about itself are left out.
const LONGEST_TEXT: usize = 500;

/// Everything that an SBOM is made of.
pub(super) struct Inventory<'a> {
    pub(super) machine: &'a Machine,
    pub(super) lock: &'a Lock,
    pub(super) system: System,
    pub(super) closure: &'a BTreeSet<StorePath>,
    pub(super) content: &'a Content,
    /// Where Debian's packages are read; `None`: they are not there, and nothing is known of licences.
    pub(super) library: Option<&'a Shelf<'a>>,
}

/// What a Debian package says of itself.
#[derive(Default)]
struct Says {
    homepage: Option<String>,
    description: Option<String>,
    licences: Vec<String>,
}

impl Inventory<'_> {
    /// All of it. What dumbc generates, links and configuration, is no package.
    pub(super) fn sbom(&self) -> Result<Sbom, Error> {
        let mut packages = BTreeMap::new();
        for path in self.closure {
            let locked = self.lock.packages.get(path).ok_or_else(|| Error::OutsideLock { path: path.clone() })?;
            packages.insert(path.base_name().to_owned(), of_lock(path, locked));
        }
        let local = self.content.local.values().map(|local| (local.path.base_name().to_owned(), of_project(local)));
        packages.extend(local);
        if let Some(runtime) = self.lock.runtimes.get(&self.system).filter(|_| self.machine.boot.enable) {
            let package = store_path(&runtime.path, runtime.nar_hash, runtime.nar_size, None, &[]);
            packages.insert(runtime.path.base_name().to_owned(), package);
        }
        let debs = self.lock.debs(self.system);
        for (name, deb) in &debs {
            let depends = deb.depends.iter().filter_map(|name| Some(deb_id(name, debs.get(name)?)));
            packages.insert(deb_id(name, deb), debian(name, deb, depends.collect(), self.says(name)?));
        }
        Ok(Sbom {
            name: self.machine.image.name.clone(),
            tag: self.machine.image.tag.clone(),
            system: self.system,
            created: CREATED.to_owned(),
            distribution: if debs.is_empty() { None } else { distribution(self.lock) },
            packages,
        })
    }

    /// The file that goes into the image, in the form that the machine asks for.
    pub(super) fn file(&self) -> Result<Tree, Error> {
        let mut tree = Tree::new();
        let Some(format) = self.machine.image.sbom else { return Ok(tree) };
        let sbom = self.sbom()?;
        let path = ImagePath::new(sbom.path(format).as_bytes()).map_err(std::io::Error::other)?;
        for folder in std::iter::successors(path.parent(), ImagePath::parent).filter(|folder| !folder.is_root()) {
            tree.insert(folder, (Metadata::root(0o755), Node::Directory));
        }
        let document = sbom.document(format).map_err(std::io::Error::other)?;
        tree.insert(path, (Metadata::root(0o644), Node::File(document)));
        Ok(tree)
    }

    fn says(&self, name: &PackageName) -> Result<Says, Error> {
        let Some(library) = self.library else { return Ok(Says::default()) };
        let facts = &library.deb(name)?.facts;
        let field = |name| Some(facts.paragraph().ok()?.get(name)?.to_owned());
        let is_address = |text: &String| text.starts_with("http") && text.bytes().all(|byte| byte.is_ascii_graphic());
        let first_line = |text: String| text.lines().next().unwrap_or_default().trim().to_owned();
        let is_short = |text: &String| text.len() <= LONGEST_TEXT;
        let is_line = |text: &String| !text.is_empty() && !text.chars().any(char::is_control);
        Ok(Says {
            homepage: field("Homepage").filter(is_address).filter(is_short),
            description: field("Description").map(first_line).filter(is_line).filter(is_short),
            licences: library.licences(name)?,
        })
    }
}

fn of_lock(path: &StorePath, locked: &LockedPackage) -> Package {
    store_path(path, locked.nar_hash, locked.nar_size, locked.deriver.as_deref(), &locked.references)
}

fn of_project(local: &Addressed) -> Package {
    store_path(&local.path, local.nar_hash, local.nar_size, None, &local.references)
}

fn store_path(path: &StorePath, sha256: Sha256, size: u64, deriver: Option<&str>, references: &[StorePath]) -> Package {
    let (name, version, output) = name_and_output(path, deriver);
    let references = references.iter().filter(|other| *other != path).map(|other| other.base_name().to_owned());
    Package {
        name: name.to_owned(),
        version: version.map(str::to_owned),
        sha256,
        size,
        references: references.collect::<BTreeSet<_>>().into_iter().collect(),
        licences: Vec::new(),
        homepage: None,
        description: None,
        origin: Origin::StorePath {
            path: path.clone(),
            output: output.map(str::to_owned),
            deriver: deriver.map(str::to_owned),
        },
    }
}

fn debian(name: &PackageName, deb: &LockedDeb, references: BTreeSet<String>, says: Says) -> Package {
    Package {
        name: name.to_string(),
        version: Some(deb.version.to_string()),
        sha256: deb.sha256,
        size: deb.size,
        references: references.into_iter().collect(),
        licences: says.licences,
        homepage: says.homepage,
        description: says.description,
        origin: Origin::Deb { architecture: deb.architecture.clone(), source: deb.source.to_string() },
    }
}

/// The same as os-release has it: of Debian's version, the release.
fn distribution(lock: &Lock) -> Option<Distribution> {
    let archive = lock.channels.values().find_map(|channel| channel.archive.as_ref())?;
    let id = archive.origin.to_ascii_lowercase();
    let release = |version: &String| match (id.as_str(), version.split_once('.')) {
        ("debian", Some((release, _))) => release.to_owned(),
        _ => version.clone(),
    };
    let version = archive.version.as_ref().map(release);
    Some(Distribution { version, codename: archive.codename.clone(), id })
}

impl Project<'_> {
    /// What the image of one system is made of, by the lock and the project's own content. Licences and addresses of Debian's
    /// packages are told where the packages are in the store; nothing is fetched.
    pub fn sbom(&self, lock: &Lock, system: System) -> Result<Sbom, Error> {
        let (debs, missing) = self.debs().stored(&lock.debs(system))?;
        self.sbom_of(lock, system, missing.is_empty().then_some(debs))
    }

    /// The same with all licences: Debian's packages that are not in the store, as their layers were taken over, are fetched. In a
    /// store that others can write to nothing more is told than [`Project::sbom`] does.
    pub fn complete_sbom(&self, lock: &Lock, system: System) -> Result<Sbom, Error> {
        if self.store.is_untrusted() {
            return self.sbom(lock, system);
        }
        let locked = lock.debs(system);
        let (mut debs, missing) = self.debs().stored(&locked)?;
        let missing = locked.into_iter().filter(|(name, _)| missing.contains_key(*name));
        debs.extend(self.debs().make(missing.collect())?);
        self.sbom_of(lock, system, Some(debs))
    }

    fn sbom_of(&self, lock: &Lock, system: System, debs: Option<DebFragments>) -> Result<Sbom, Error> {
        let content = content(self.machine, lock, system)?;
        let closure = closure(lock, system, &content)?;
        let (known, make) = (Facts::default(), |_: Absent<'_>| Err(io::Error::from(io::ErrorKind::NotFound).into()));
        let has_debs = debs.is_some();
        let stock = Stock { debs: debs.unwrap_or_default(), ..Stock::default() };
        // Of Nix's packages nothing is read.
        let library = Shelf::new(self.store, (&Keys::new(), &lock.debs(system)), stock, &known, &make);
        let library = has_debs.then_some(&library);
        Inventory { machine: self.machine, lock, system, closure: &closure, content: &content, library }.sbom()
    }
}
