//! Where everything goes, decided before the first byte is read.

use std::collections::BTreeMap;

use crate::image::ImagePath;
use crate::image::adjust::{Adjustments, Subject};
use crate::image::listing::{ListingEntry, ListingKind};
use crate::image::tree::Metadata;
use crate::store::Extent;
use crate::store::deb::{DebFault, Inode};

/// A file, with all its names.
pub(super) struct File {
    /// In the order of the base's tar: its contents stand behind the first.
    pub(super) names: Vec<ImagePath>,
    /// In the base.
    pub(super) metadata: Metadata,
    /// By which name it was written, and how.
    pub(super) written: Option<(ImagePath, Inode, Option<Vec<u8>>)>,
}

/// What becomes of a base's entries.
pub(super) struct Plan {
    /// Files and links that stay, by their paths in the base: where they stand now.
    places: BTreeMap<ImagePath, ImagePath>,
    files: Vec<File>,
    /// Which of the files has this name.
    file_of: BTreeMap<ImagePath, usize>,
    folders: Vec<ListingEntry>,
}

impl Plan {
    /// Plans changes to what is listed in the order of a base's tar.
    pub(super) fn new(
        records: Vec<(ListingEntry, Option<Extent>)>,
        adjustments: &Adjustments,
    ) -> Result<Self, DebFault> {
        check(&records, adjustments)?;
        let mut plan = Self { places: BTreeMap::new(), files: vec![], file_of: BTreeMap::new(), folders: vec![] };
        let mut by_offset = BTreeMap::new();
        for (entry, extent) in records {
            if entry.kind == ListingKind::Directory {
                plan.folders.push(entry);
                continue;
            }
            if let Some(extent) = extent {
                // Every file has a header of its own, so no two have contents at one place; names of one file have.
                let index = *by_offset.entry(extent.offset).or_insert(plan.files.len());
                if index == plan.files.len() {
                    plan.files.push(File { names: vec![], metadata: entry.metadata, written: None });
                }
                plan.files[index].names.push(entry.path.clone());
                plan.file_of.insert(entry.path.clone(), index);
            }
            if !adjustments.omit.contains(&entry.path) {
                let place = adjustments.rename.get(&entry.path).unwrap_or(&entry.path).clone();
                plan.places.insert(entry.path, place);
            }
        }
        Ok(plan)
    }

    /// The base's folders.
    pub(super) fn folders(&self) -> &[ListingEntry] {
        &self.folders
    }

    /// Where what stood at `path` stands now; `None` where it is left out.
    pub(super) fn place(&self, path: &ImagePath) -> Option<&ImagePath> {
        self.places.get(path)
    }

    /// The file that has `path` for a name.
    pub(super) fn file(&self, path: &ImagePath) -> Option<&File> {
        self.files.get(*self.file_of.get(path)?)
    }

    /// Notes how the file at `path` was written.
    pub(super) fn written(&mut self, path: &ImagePath, first: ImagePath, inode: Inode, capability: Option<Vec<u8>>) {
        if let Some(file) = self.file_of.get(path).and_then(|&index| self.files.get_mut(index)) {
            file.written = Some((first, inode, capability));
        }
    }
}

/// Whether everything that is to be changed is there, and can be changed so.
fn check(records: &[(ListingEntry, Option<Extent>)], adjustments: &Adjustments) -> Result<(), DebFault> {
    let kinds = records.iter().map(|(entry, _)| (&entry.path, &entry.kind)).collect::<BTreeMap<_, _>>();
    for (path, subject) in adjustments.subjects() {
        let reason = match (kinds.get(path), subject) {
            (None, _) => "the package doesn't have it",
            (Some(ListingKind::Directory), Subject::FileOrLink | Subject::File) => "it is a folder",
            (Some(ListingKind::Symlink { .. }), Subject::File) => "it is a symbolic link",
            _ => continue,
        };
        return Err(DebFault::Adjustment { path: path.clone(), reason });
    }
    match adjustments.rename.keys().find(|path| adjustments.omit.contains(*path)) {
        Some(path) => Err(DebFault::Adjustment { path: path.clone(), reason: "it is to be left out, and renamed" }),
        None => Ok(()),
    }
}
