//! The root of a machine with Debian packages, put together: what each generator makes, in the order in which they need each
//! other, and who gives way to whom.

use std::collections::BTreeMap;
use std::io;

use crate::config::{Diagnostic, Machine, System};
use crate::image::ImagePath;
use crate::image::tree::{Metadata, Node, Tree};
use crate::root::debian::Merged;
use crate::root::debian::aliases::canonical_text;
use crate::root::debian::alternatives::alternatives;
use crate::root::debian::base::DebianBase;
use crate::root::debian::certificates::certificates;
use crate::root::debian::deeds::deeds;
use crate::root::debian::dpkg::dpkg_database;
use crate::root::debian::ld_cache::{self, ld_cache};
use crate::root::debian::overrides::{OverrideFinding, Overrides, Owner, override_files};
use crate::root::debian::pam::{pam_sources, pam_tree};
use crate::root::debian::replace::{give_way, put_aliases, replace};
use crate::root::debian::users::PackageAccounts;
use crate::root::files::accounts::Accounts;
use crate::root::files::overlay::{Declared, Replaced, overlay};
use crate::root::view::View;

use super::Error;
use super::debian::Debian;
use super::view::Listings;

/// Where glibc looks for libraries by name.
const LD_CACHE: &[u8] = b"etc/ld.so.cache";

/// Where programs say how users prove who they are.
const PAM: &[u8] = b"etc/pam.d/";

/// Puts Debian's part of a root together.
pub(super) struct Composer<'a, 'd> {
    pub(super) machine: &'a Machine,
    pub(super) system: System,
    /// Listings of store paths.
    pub(super) listings: &'a Listings<'a>,
    pub(super) debian: &'a mut Debian<'d>,
    /// What people may want to know.
    pub(super) doubts: Vec<Diagnostic>,
    /// What `update-ca-certificates` would make.
    certificates: Tree,
}

impl<'a, 'd> Composer<'a, 'd> {
    pub(super) fn new(
        machine: &'a Machine,
        system: System,
        listings: &'a Listings<'a>,
        debian: &'a mut Debian<'d>,
    ) -> Self {
        let doubts = debian.unknown();
        Self { machine, system, listings, debian, doubts, certificates: Tree::new() }
    }

    /// What the root files lean on, as far as Debian's packages bring it: numbers for their users, which `ids` keeps;
    /// certificates; shells.
    pub(super) fn supply(
        &mut self,
        ids: &mut BTreeMap<String, u32>,
        declared: &[Declared],
    ) -> Result<PackageAccounts, Error> {
        if self.debian.is_empty() {
            return Ok(PackageAccounts::default());
        }
        let allocation = self.debian.allocate(self.machine, ids)?;
        self.doubts.extend(allocation.warnings);
        let mut aliases = Tree::new();
        put_aliases(&mut aliases, &self.debian.merge.merged);
        let trees: Vec<&Tree> = declared.iter().map(|declared| &declared.tree).chain([&aliases]).collect();
        let read = |path: &ImagePath, offset, length| self.debian.read(path, offset, length);
        if let Some(made) = certificates(self.view(&trees), &read)? {
            self.doubts.extend(made.findings.iter().map(|finding| Diagnostic::warning(finding.to_string(), None)));
            self.certificates = made.tree;
        }
        Ok(allocation.accounts)
    }

    /// Trees that stand before the root files do.
    pub(super) fn early(&self) -> &Tree {
        &self.certificates
    }

    /// What the root files take from Debian's packages, seen in `view`.
    pub(super) fn base(&self, view: View<'_>, accounts: PackageAccounts) -> Result<DebianBase, Error> {
        let read = |path: &ImagePath, offset, length| self.debian.read(path, offset, length);
        Ok(DebianBase::find(self.machine, view, &self.debian.packages(), &read, accounts, self.debian.origin())?)
    }

    /// Completes the generated `root`: everything that packages' scripts would have made, under what the user declares.
    /// Tells what gave way. Yields dpkg's database.
    pub(super) fn complete(
        &mut self,
        root: &mut Tree,
        declared: &mut [Declared],
        accounts: &Accounts,
        note: &dyn Fn(&str),
    ) -> Result<Tree, Error> {
        if self.debian.is_empty() {
            for replaced in overlay(root, declared) {
                note(&replaced.to_string());
            }
            return Ok(Tree::new());
        }
        let Overrides { stat_overrides, findings } = self.override_files(accounts);
        self.make(root, accounts)?;
        self.doubt(root, &findings);
        for replaced in self.replace(root, declared) {
            note(&replaced.to_string());
        }
        self.cache_libraries(root, declared)?;
        let Debian { merge, diverted, .. } = &*self.debian;
        Ok(dpkg_database(&self.debian.packages(), merge, diverted, &stat_overrides, self.debian.architecture())?)
    }

    /// Everything that scripts would have made, under what packages bring.
    fn make(&mut self, root: &mut Tree, accounts: &Accounts) -> Result<(), Error> {
        let made = alternatives(&self.debian.actions, &self.debian.merge.merged);
        self.doubts.extend(made.findings);
        for tree in [made.tree, std::mem::take(&mut self.certificates), self.pam()?] {
            add(root, tree, &self.debian.merge.merged);
        }
        put_aliases(root, &self.debian.merge.merged);
        let omitted = give_way(root, &mut self.debian.merge.merged);
        self.debian.omit(omitted);
        self.do_deeds(root, accounts)
    }

    /// Tells what scripts want of files and can't have. What they made themselves and then changed is in no package.
    fn doubt(&mut self, root: &Tree, findings: &[OverrideFinding]) {
        let is_made = |finding: &OverrideFinding| match finding {
            OverrideFinding::Nobody { path, .. } => canonical_text(path).is_some_and(|path| root.contains_key(&path)),
            _ => false,
        };
        let findings = findings.iter().filter(|finding| !is_made(finding));
        self.doubts.extend(findings.map(|finding| Diagnostic::warning(finding.to_string(), None)));
    }

    /// Takes out of packages and of `root` what the user declares.
    fn replace(&mut self, root: &mut Tree, declared: &mut [Declared]) -> Vec<Replaced> {
        let mut merged = std::mem::take(&mut self.debian.merge.merged);
        let (mut replaced, omitted) = replace(&mut merged, &self.debian.packages(), declared);
        self.debian.merge.merged = merged;
        self.debian.omit(omitted);
        replaced.extend(overlay(root, declared));
        replaced
    }

    fn view<'v>(&'v self, trees: &'v [&'v Tree]) -> View<'v> {
        View { trees, packages: self.listings, merged: &self.debian.merge.merged }
    }

    fn override_files(&mut self, accounts: &Accounts) -> Overrides {
        let lookup = |owner: Owner<'_>| match owner {
            Owner::User(name) => accounts.uid_of(name),
            Owner::Group(name) => accounts.gid_of(name),
        };
        let mut merge = std::mem::take(&mut self.debian.merge);
        let actions = self.debian.actions.iter();
        let actions = actions.flat_map(|(package, actions)| actions.iter().map(move |action| (package, action)));
        let overrides = override_files(&mut merge, &self.debian.packages(), actions, &lookup);
        self.debian.merge = merge;
        overrides
    }

    fn pam(&mut self) -> io::Result<Tree> {
        let mut contents = BTreeMap::new();
        let sources = pam_sources(&self.debian.merge.merged);
        let asks = self.debian.merge.merged.keys().find(|path| path.as_bytes().starts_with(PAM));
        if let Some(asks) = asks.filter(|_| sources.is_empty()) {
            let message = format!("{asks} asks for PAM's common stacks, and no package brings them");
            let help = "add \"libpam-runtime\" to `packages`; without it sudo, su and their like let nobody in";
            self.doubts.push(Diagnostic::warning(message, None).help(help));
        }
        for path in sources {
            contents.extend(self.debian.read(&path, 0, 1 << 20)?.map(|content| (path, content)));
        }
        Ok(pam_tree(&contents))
    }

    /// Folders, links and files that scripts make where nothing stands.
    fn do_deeds(&mut self, root: &mut Tree, accounts: &Accounts) -> Result<(), Error> {
        let read = |path: &ImagePath, offset, length| self.debian.read(path, offset, length);
        let done = {
            let trees = [&*root];
            deeds(&self.debian.actions, self.view(&trees), accounts, &read)?
        };
        self.doubts.extend(done.findings);
        add(root, done.tree, &self.debian.merge.merged);
        Ok(())
    }

    /// Last, as every library and link must be where it will be.
    fn cache_libraries(&mut self, root: &mut Tree, declared: &[Declared]) -> Result<(), Error> {
        let path = ImagePath::new(LD_CACHE).unwrap_or_default();
        if declared.iter().any(|declared| declared.tree.contains_key(&path)) {
            return Ok(());
        }
        let generator = ld_cache::generator(self.debian.version("libc-bin").unwrap_or_default());
        let read = |path: &ImagePath, offset, length| self.debian.read(path, offset, length);
        let cache = {
            let trees: Vec<&Tree> = declared.iter().map(|declared| &declared.tree).chain([&*root]).collect();
            ld_cache(self.view(&trees), self.system, &generator, &read)?
        };
        let Some(cache) = cache else { return Ok(()) };
        let links = cache.links.into_iter().filter(|link| !link.replaces);
        let links = links.map(|link| (link.path, (Metadata::root(0o777), Node::Symlink(link.target))));
        let file = (path, (Metadata::root(0o644), Node::File(cache.bytes)));
        add(root, links.chain([file]).collect(), &self.debian.merge.merged);
        Ok(())
    }
}

/// Puts `more` into `tree`, with the folders that it lies in, where nothing stands. Of folders in `merged`, packages say how
/// they are.
fn add(tree: &mut Tree, more: Tree, merged: &Merged) {
    for (path, entry) in more {
        let parents = std::iter::successors(path.parent(), ImagePath::parent).filter(|parent| !parent.is_root());
        for parent in parents.filter(|parent| !merged.contains_key(parent)) {
            tree.entry(parent).or_insert((Metadata::root(0o755), Node::Directory));
        }
        tree.entry(path).or_insert(entry);
    }
}
