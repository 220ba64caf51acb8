//! `[files]`

use std::collections::BTreeMap;

use globset::Glob;

use super::super::mirror::FileTable;
use super::super::project::Entry;
use super::super::source::At;
use super::super::{FileContent, FileEntry, Persist, Request};
use super::identity;
use super::scope::Scope;
use super::settings::{self, FOREIGN};
use super::syntax::{lies_in, normalise_absolute};

/// The entries, in the order of their targets.
pub(super) fn check(scope: &Scope<'_>, files: &BTreeMap<At<String>, FileTable>, persist: &Persist) -> Vec<FileEntry> {
    let mut by_line: Vec<_> = files.iter().collect();
    by_line.sort_by_key(|(target, _)| target.span().start);
    let mut targets = Targets::default();
    let mut entries = Vec::new();
    for (written, table) in by_line {
        let content = content(scope, written, table);
        let Some(target) = target(scope, written, persist) else { continue };
        targets.add(scope, written, &target, content.as_ref().is_some_and(|(_, is_file)| *is_file));
        let Some((content, _)) = content else { continue };
        entries.push(FileEntry {
            target,
            mode: settings::mode(scope, table.mode.as_ref()),
            owner: identity::owner(scope, table.owner.as_ref()),
            exclude: excludes(scope, table),
            content,
            place: Some(scope.place(written.span())),
        });
    }
    targets.finish(scope);
    entries.sort_by(|one, other| one.target.cmp(&other.target));
    entries
}

fn target(scope: &Scope<'_>, written: &At<String>, persist: &Persist) -> Option<String> {
    let normal = match normalise_absolute(written) {
        Ok(normal) => normal,
        Err(reason) => {
            let help = match written.strip_prefix('/') {
                None => format!("write a target from the root: /{}", written.trim_start_matches(['.', '/'])),
                Some(_) => "write another target, from the root: /etc/motd".to_owned(),
            };
            scope.error(written.span(), format!("the target `{}` {reason}", written.as_str()), help);
            return None;
        }
    };
    let wrong = |message: String, help: &str| scope.error(written.span(), message, help.to_owned());
    if normal == "/" {
        wrong("a target can't be the root itself".to_owned(), "make an entry for each folder in it");
        return None;
    }
    if let Some((folder, why)) = FOREIGN.iter().find(|(folder, _)| lies_in(&normal, folder)) {
        wrong(format!("the target `{normal}` lies in {folder}"), why);
        return None;
    }
    if lies_in(&normal, &persist.volume) {
        let message = format!("the target `{normal}` lies below the volume {}", persist.volume);
        wrong(message, "the volume hides what the image has there; choose another target");
        return None;
    }
    if let Some(kept) = persist.paths.iter().find(|kept| lies_in(&normal, &kept.path)) {
        let message = format!("the target `{normal}` lies below {}, which is kept on the volume", kept.path);
        let help =
            "the image's content is copied there once, while the volume is new; later changes of it don't arrive";
        scope.warn(written.span(), message, help.to_owned());
    }
    Some(normal)
}

/// What the entry holds, and whether that is certainly no folder.
fn content(scope: &Scope<'_>, target: &At<String>, table: &FileTable) -> Option<(FileContent, bool)> {
    match (&table.text, &table.source) {
        (Some(text), None) => {
            if let Some(exclude) = table.exclude.first() {
                let help = "remove it, or use `source`".to_owned();
                scope.error(exclude.span(), "`exclude` says nothing about `text`", help);
            }
            let requested: Vec<&Request> = scope.names.requested.iter().flatten().collect();
            Some((FileContent::Text(scope.template(text, &requested)), true))
        }
        (None, Some(source)) => {
            let entry = source_entry(scope, source);
            Some((FileContent::Source(source.to_string()), matches!(entry, Entry::File { .. } | Entry::Link)))
        }
        (Some(_), Some(source)) => {
            let help = "remove one of them".to_owned();
            scope.error(source.span(), "a file has `text` or `source`, not both", help);
            None
        }
        (None, None) => {
            let message = format!("nothing says what `{target}` holds");
            scope.error(target.span(), message, "add `text = \"…\"` or `source = \"./path\"`".to_owned());
            None
        }
    }
}

/// Reports what is wrong with a file's source.
pub(super) fn source_entry(scope: &Scope<'_>, source: &At<String>) -> Entry {
    if source.is_empty() {
        scope.error(source.span(), "`source` is empty", "write a path such as ./site".to_owned());
        return Entry::Unknown;
    }
    let entry = scope.local_path(source, source.span(), false);
    if entry == Entry::Directory && matches!(source.as_str(), "." | "./") {
        let help = "name a folder below it, or `exclude` what does not belong into the image".to_owned();
        scope.warn(source.span(), "the whole project goes into the image", help);
    }
    entry
}

fn excludes(scope: &Scope<'_>, table: &FileTable) -> Vec<String> {
    for glob in &table.exclude {
        if let Err(error) = Glob::new(glob) {
            let help = "globs are like *.map, cache/** and {a,b}.txt".to_owned();
            scope.error(glob.span(), format!("`{}` is no glob: {}", glob.as_str(), error.kind()), help);
        }
    }
    table.exclude.iter().map(ToString::to_string).collect()
}

/// Targets of one tree, to find those that are in each other's way.
#[derive(Default)]
pub(super) struct Targets<'a> {
    /// By normalised target: as written, and whether it is certainly no folder.
    seen: BTreeMap<String, (&'a At<String>, bool)>,
}

impl<'a> Targets<'a> {
    /// Reports a target that is taken already.
    pub(super) fn add(&mut self, scope: &Scope<'_>, written: &'a At<String>, target: &str, is_file: bool) {
        match self.seen.get(target) {
            Some((other, _)) => {
                let message = format!("`{}` is the same target as `{}`", written.as_str(), other.as_str());
                scope.error(written.span(), message, "remove one of them".to_owned());
            }
            None => _ = self.seen.insert(target.to_owned(), (written, is_file)),
        }
    }

    /// Reports targets below files.
    pub(super) fn finish(&self, scope: &Scope<'_>) {
        for (target, (written, _)) in &self.seen {
            let mut folders = target.match_indices('/').map(|(slash, _)| &target[..slash]);
            if let Some(file) = folders.find(|folder| self.seen.get(*folder).is_some_and(|(_, is_file)| *is_file)) {
                let message = format!("`{target}` lies below `{file}`, which is a file");
                scope.error(written.span(), message, "give one of them another target".to_owned());
            }
        }
    }
}
