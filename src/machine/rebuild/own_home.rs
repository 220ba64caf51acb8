//! The homes' room in a rebuild: the image's layers with the user's own on top.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::answers::Answers;
use super::error::RebuildError;
use super::inside::Inside;
use super::local::{self, Locals};
use super::run::{HomeMaker, MadeHome};
use crate::boot::{BootPlan, HomeBase};
use crate::config::{Home, HomeSurroundings, Request, home_file};
use crate::home::generation::{Inputs, Source, generate, local_paths};
use crate::home::merge::{Layer, Merged, merge};
use crate::home::settings::requests;
use crate::image::ImagePath;
use crate::image::listing::Listing;
use crate::image::tree::Tree;
use crate::image::walk::{WalkOptions, locate_content, walk};
use crate::nix::StorePath;
use crate::root::environment::FileRef;
use crate::root::view::{NO_PACKAGES, View, split_store_path};

/// What the user's own file is called in findings.
const FILE: &str = "home.toml";

/// What a user's own file is held against: the machine's channels, and `base`, the image's part of the home, whose packages are
/// there already. `folder` is what its relative paths are relative to.
#[must_use]
pub fn surroundings<'a>(plan: &BootPlan, base: &HomeBase, folder: &'a Path, shared: &'a Home) -> HomeSurroundings<'a> {
    HomeSurroundings {
        folder: Some(folder),
        channels: plan.channels.iter().map(|(name, channel)| (name.clone(), channel.debian)).collect(),
        default_channel: plan.default_channel.clone(),
        requested: base.packages.keys().filter_map(|text| Request::parse(text, None).ok()).collect(),
        base: Some(shared),
    }
}

fn base_layers(base: &HomeBase) -> Vec<Layer> {
    base.layers.iter().map(Layer::of_base).collect()
}

/// What the image's part of the home asks for.
pub(super) fn base_requests(plan: &BootPlan, base: &HomeBase) -> BTreeSet<String> {
    requests(&merge(&base_layers(base)), plan.has_debian_default()).all().into_iter().collect()
}

/// The home of a user in a machine.
pub struct OwnHome<'a> {
    inside: &'a Inside,
}

impl<'a> OwnHome<'a> {
    /// Of this user.
    #[must_use]
    pub fn new(inside: &'a Inside) -> Self {
        Self { inside }
    }

    fn base_layers(&self) -> Vec<Layer> {
        base_layers(&self.inside.base)
    }

    /// The image's part with the user's own on top, and what lies beside that and has to be a store path; `None` where the user's
    /// own says nothing.
    fn merged(&self, own: &str) -> Result<Option<(Merged, BTreeSet<String>)>, RebuildError> {
        let mut layers = self.base_layers();
        let base = merge(&layers).to_home();
        let mut home = self.read(own, &base)?;
        let local = local::absolute(&mut home, &self.folder());
        let layer = Layer::of_home(FILE, &home);
        if layer.table.is_empty() {
            return Ok(None);
        }
        layers.push(layer);
        Ok(Some((merge(&layers), local)))
    }

    fn read(&self, own: &str, base: &Home) -> Result<Home, RebuildError> {
        let folder = self.folder();
        let around = surroundings(&self.inside.plan, &self.inside.base, &folder, base);
        let (home, findings) = home_file(own, FILE, around);
        home.ok_or(RebuildError::Findings(findings))
    }

    /// What relative paths of the user's file are relative to.
    fn folder(&self) -> PathBuf {
        self.inside.own_path().parent().map(Path::to_owned).unwrap_or_default()
    }

    /// What local paths stand for: the image's store paths, else what lies beside the user's file and the user can read.
    fn sources(&self, merged: &Merged) -> Result<BTreeMap<String, Source>, RebuildError> {
        let folder = self.folder();
        let mut sources = BTreeMap::new();
        for written in local_paths(merged) {
            let of_image = self.inside.base.sources.get(&written).and_then(|path| path.parse().ok());
            let source = if let Some(path) = of_image {
                Source::Path(path)
            } else {
                let fault = |error| RebuildError::Make(Box::new(error));
                let place = locate_content(&folder, &written).map_err(fault)?;
                Source::Tree(walk(&place, &ImagePath::default(), &WalkOptions::default()).map_err(fault)?)
            };
            sources.insert(written, source);
        }
        Ok(sources)
    }

    /// What the user's own local paths may refer to: what the home has.
    fn locals(&self, paths: &BTreeSet<String>, answers: &Answers) -> Result<Locals, RebuildError> {
        let of_image = self.inside.base.packages.values().flatten().filter_map(|path| path.parse().ok());
        let candidates: Vec<StorePath> = answers.values().flatten().cloned().chain(of_image).collect();
        Locals::read(paths, &candidates)
    }

    /// Where a path of a package lies.
    fn place(&self, locals: &Locals, path: &ImagePath) -> Option<PathBuf> {
        let (store_path, inner) = split_store_path(path)?;
        Some(self.of_package(locals, &store_path, &inner))
    }

    fn of_package(&self, locals: &Locals, package: &StorePath, inner: &ImagePath) -> PathBuf {
        use std::os::unix::ffi::OsStrExt as _;
        let in_store = || self.inside.store.join(package.base_name());
        let root = locals.place(package).map_or_else(in_store, Path::to_owned);
        if inner.is_root() { root } else { root.join(std::ffi::OsStr::from_bytes(inner.as_bytes())) }
    }

    /// Where the system has a command.
    fn system(&self, name: &str) -> Option<String> {
        use std::os::unix::fs::PermissionsExt as _;
        let candidates = self.inside.plan.path.iter().map(|folder| format!("{folder}/{name}"));
        let is_command = |path: &String| {
            std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        };
        candidates.into_iter().find(is_command)
    }
}

impl HomeMaker for OwnHome<'_> {
    fn requests(&self, own: &str) -> Result<Option<Vec<String>>, RebuildError> {
        let Some((merged, local)) = self.merged(own)? else { return Ok(None) };
        let debian = self.inside.plan.has_debian_default();
        // What the image asks for and has no store path of is the system's.
        let of_image = base_requests(&self.inside.plan, &self.inside.base);
        let answered = &self.inside.base.packages;
        let all = requests(&merged, debian).all().into_iter();
        let is_asked = |text: &String| answered.contains_key(text) || !of_image.contains(text);
        Ok(Some(all.filter(|text| is_asked(text) && !local.contains(text)).collect()))
    }

    fn make(
        &self,
        own: &str,
        answers: &Answers,
        packages: &BTreeMap<StorePath, Listing>,
    ) -> Result<MadeHome, RebuildError> {
        let (mut merged, local) = self.merged(own)?.unwrap_or_default();
        let user = self.inside.plan.users.get(&self.inside.user);
        let user = user.ok_or_else(|| RebuildError::NoMachine(self.inside.home.clone()))?;
        let locals = self.locals(&local, answers)?;
        locals.put_in(&mut merged.table);
        let sources = self.sources(&merged)?;
        let packages = self.with_sources(packages, &sources)?;
        let (answers, packages) = with_locals(answers, packages, &locals)?;
        let trees: Vec<&Tree> = locals.units().map(|(_, unit)| &unit.tree).collect();
        let made = generate(&Inputs {
            account: &user.account,
            merged: &merged,
            default_channel: self.inside.plan.default_channel.as_deref(),
            debian_default: self.inside.plan.has_debian_default(),
            answers: &answers,
            sources: &sources,
            view: View { trees: &trees, packages: &packages, merged: &NO_PACKAGES },
            read: &|path, offset, length| {
                self.place(&locals, path).map(|place| read(&place, offset, length)).transpose()
            },
            same: &|one, two| self.same(&locals, one, two),
            system: &|name| self.system(name),
        })?;
        let warnings = made.warnings.into_iter().map(|warning| warning.message);
        let notes = warnings.chain(made.notes).collect();
        let locals = locals.units().map(|(_, unit)| unit.clone()).collect();
        Ok(MadeHome { locals, packages: made.home_path, generation: made.generation, notes })
    }
}

/// What packages beside the user's file answer, and what they hold.
fn with_locals(
    answers: &Answers,
    mut packages: BTreeMap<StorePath, Listing>,
    locals: &Locals,
) -> Result<(Answers, BTreeMap<StorePath, Listing>), RebuildError> {
    let mut answers = answers.clone();
    for (text, unit) in locals.units() {
        let listing = unit.listing().map_err(|error| RebuildError::Make(error.into()))?;
        answers.insert(text.clone(), vec![unit.path.clone()]);
        packages.insert(unit.path.clone(), listing);
    }
    Ok((answers, packages))
}

impl OwnHome<'_> {
    fn with_sources(
        &self,
        packages: &BTreeMap<StorePath, Listing>,
        sources: &BTreeMap<String, Source>,
    ) -> Result<BTreeMap<StorePath, Listing>, RebuildError> {
        let paths = sources.values().filter_map(|source| match source {
            Source::Path(path) if !packages.contains_key(path) => Some(path.clone()),
            _ => None,
        });
        let store = &self.inside.store;
        let mut all = super::listings(store, paths).map_err(RebuildError::io("read", store))?;
        all.extend(packages.iter().map(|(path, listing)| (path.clone(), listing.clone())));
        Ok(all)
    }

    fn same(&self, locals: &Locals, one: &FileRef, two: &FileRef) -> io::Result<bool> {
        let open = |file: &FileRef| File::open(self.of_package(locals, &file.store_path, &file.path));
        let (mut one, mut two) = (open(one)?, open(two)?);
        let (mut left, mut right) = (Vec::new(), Vec::new());
        loop {
            left.clear();
            right.clear();
            one.by_ref().take(1 << 16).read_to_end(&mut left)?;
            two.by_ref().take(1 << 16).read_to_end(&mut right)?;
            if left != right || left.is_empty() {
                return Ok(left == right);
            }
        }
    }
}

fn read(path: &Path, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(length as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
