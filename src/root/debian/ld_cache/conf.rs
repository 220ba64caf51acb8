//! `/etc/ld.so.conf`: the folders that it and the files that it includes name.

use globset::GlobBuilder;

use crate::image::ImagePath;
use crate::root::view::{Kind, ReadContent, View};

use super::LdCacheError;

const CONF: &[u8] = b"/etc/ld.so.conf";
/// A file that includes itself is read that often.
const MAX_FILES: usize = 256;
const MAX_FILE: usize = 64 << 10;

/// What a line says.
enum Directive {
    Folder(Vec<u8>),
    /// A pattern of files, and the folder of the file that has it.
    Include(Vec<u8>, Vec<u8>),
}

/// The folders in the order in which they are named, as they are written: absolute, without slashes at the end.
pub(super) fn folders(view: View<'_>, read: &ReadContent<'_>) -> Result<Vec<Vec<u8>>, LdCacheError> {
    let mut folders = Vec::new();
    // What is still to be done, the next one last.
    let mut ahead = directives(view, CONF, read)?;
    let mut files = 1;
    while let Some(directive) = ahead.pop() {
        match directive {
            Directive::Folder(folder) => folders.push(folder),
            Directive::Include(pattern, base) => {
                for file in included(view, &pattern, &base).into_iter().rev() {
                    files += 1;
                    if files > MAX_FILES {
                        return Err(LdCacheError::TooManyFiles { limit: MAX_FILES });
                    }
                    ahead.extend(directives(view, &file, read)?);
                }
            }
        }
    }
    Ok(folders)
}

/// A file's directives, the last one first.
fn directives(view: View<'_>, file: &[u8], read: &ReadContent<'_>) -> Result<Vec<Directive>, LdCacheError> {
    let Some((place, Kind::File { .. })) = view.follow(file) else { return Ok(Vec::new()) };
    let unreadable = |source| LdCacheError::Read { path: place.clone(), source };
    let text = view.read(&place, 0, MAX_FILE, read).map_err(unreadable)?.unwrap_or_default();
    let base = file.iter().rposition(|&byte| byte == b'/').map_or(&b""[..], |slash| &file[..slash]);
    Ok(text.split(|&byte| byte == b'\n').rev().flat_map(|line| directive(line, base)).collect())
}

/// What one line says, the last word first.
fn directive(line: &[u8], base: &[u8]) -> Vec<Directive> {
    let line = line.split(|&byte| byte == b'#').next().unwrap_or_default().trim_ascii();
    let (word, rest) = line.split_at(line.iter().take_while(|byte| !matches!(byte, b' ' | b'\t')).count());
    if word == b"include" && !rest.is_empty() {
        let patterns = rest.rsplit(|byte| matches!(byte, b' ' | b'\t')).filter(|pattern| !pattern.is_empty());
        return patterns.map(|pattern| Directive::Include(pattern.to_vec(), base.to_vec())).collect();
    }
    // `hwcap` lines mean nothing any more; a library's type behind `=` never did, for libraries of today.
    let folder = line.split(|&byte| byte == b'=').next().unwrap_or_default().trim_ascii_end();
    let length = folder.iter().rposition(|&byte| byte != b'/').map_or(0, |last| last + 1);
    let is_hwcap = word.eq_ignore_ascii_case(b"hwcap") && !rest.is_empty();
    let is_folder = folder.starts_with(b"/") && length > 0 && !is_hwcap;
    is_folder.then(|| Directive::Folder(folder[..length].to_vec())).into_iter().collect()
}

/// The files that a pattern names, in byte order. Only the last component may have wildcards.
fn included(view: View<'_>, pattern: &[u8], base: &[u8]) -> Vec<Vec<u8>> {
    let pattern = if pattern.starts_with(b"/") { pattern.to_vec() } else { [base, b"/", pattern].concat() };
    let slash = pattern.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
    let (folder, name) = (&pattern[..slash], &pattern[slash + 1..]);
    let Some(matches) = matcher(name) else { return Vec::new() };
    let Some((place, Kind::Directory)) = view.follow(folder) else { return Vec::new() };
    let is_file = |name: &Vec<u8>| {
        let place: Option<ImagePath> = place.join(name).ok();
        place.is_some_and(|place| matches!(view.resolve(&place), Some((_, Kind::File { .. }))))
    };
    let names = view.names(&place).into_iter().filter(|name| matches(name)).filter(is_file);
    names.map(|name| [folder, b"/", &name].concat()).collect()
}

/// Whether a name is one of a shell's pattern: names that begin with a dot only where the pattern does.
fn matcher(pattern: &[u8]) -> Option<impl Fn(&[u8]) -> bool> {
    let text = std::str::from_utf8(pattern).ok()?;
    // Braces are no wildcards here.
    let escaped = text.replace('{', "[{]").replace('}', "[}]");
    let glob = GlobBuilder::new(&escaped).backslash_escape(true).build().ok()?.compile_matcher();
    let hidden = pattern.starts_with(b".");
    Some(move |name: &[u8]| {
        let text = std::str::from_utf8(name);
        (hidden || !name.starts_with(b".")) && text.is_ok_and(|name| glob.is_match(name))
    })
}
