//! Where a reader or writer stands in the tree, and which names may come next.

use super::spelling::{MAX_SPELLINGS, Spelling, Spellings};
use super::{MAX_DEPTH, MAX_NAME, NarFault};

/// The path of the entry that came last and the directories around it.
#[derive(Default)]
pub(super) struct Walk {
    /// Its last component is what the next name is compared with.
    path: Vec<u8>,
    /// Outermost first.
    open: Vec<OpenDirectory>,
}

struct OpenDirectory {
    path_length: usize,
    has_entries: bool,
    spellings: Spellings,
}

/// A name that may come next: what [`Walk::check`] says of it.
pub(super) struct Checked(Option<Spelling>);

impl Walk {
    /// The entry that came last.
    pub(super) fn path(&self) -> &[u8] {
        &self.path
    }

    /// Whether a directory is open.
    pub(super) fn in_directory(&self) -> bool {
        !self.open.is_empty()
    }

    /// The entry that came last is a directory.
    pub(super) fn open(&mut self) {
        let path_length = self.path.len();
        self.open.push(OpenDirectory { path_length, has_entries: false, spellings: Spellings::default() });
    }

    /// The innermost directory ends.
    pub(super) fn close(&mut self) {
        if let Some(directory) = self.open.pop() {
            self.path.truncate(directory.path_length);
        }
    }

    /// How many directories end before an entry of the directory `parent` can come; `None` if that is not open.
    pub(super) fn levels_to(&self, parent: &[u8]) -> Option<usize> {
        self.open.iter().rev().position(|directory| self.path[..directory.path_length] == *parent)
    }

    /// Whether `name` may be the next entry of the directory that is `levels` above the innermost.
    pub(super) fn check(&self, levels: usize, name: &[u8]) -> Result<Checked, NarFault> {
        let open = &self.open[..self.open.len() - levels];
        // The directories around it, and the entry itself.
        if open.len() + 1 > MAX_DEPTH {
            return Err(NarFault::TooDeep);
        }
        check_name(name)?;
        let Some(directory) = open.last() else { return Err(NarFault::NoDirectory(Vec::new())) };
        if directory.has_entries {
            let siblings = &self.path[directory.name_begins()..];
            check_order(siblings.split(|&byte| byte == b'/').next().unwrap_or_default(), name)?;
        }
        let spelling = Spelling::of(name);
        if let Some(spelling) = spelling {
            directory.spellings.check(name, spelling)?;
            if open.iter().map(|directory| directory.spellings.count()).sum::<usize>() == MAX_SPELLINGS {
                return Err(NarFault::TooManySpellings);
            }
        }
        Ok(Checked(spelling))
    }

    /// The next entry of the innermost directory is `name`, which was `checked`.
    pub(super) fn enter(&mut self, name: &[u8], Checked(spelling): Checked) {
        if let Some(directory) = self.open.last_mut() {
            directory.has_entries = true;
            if let Some(spelling) = spelling {
                directory.spellings.add(spelling);
            }
            self.path.truncate(directory.path_length);
        }
        if !self.path.is_empty() {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name);
    }
}

impl OpenDirectory {
    fn name_begins(&self) -> usize {
        if self.path_length == 0 { 0 } else { self.path_length + 1 }
    }
}

fn check_name(name: &[u8]) -> Result<(), NarFault> {
    if name.len() > MAX_NAME {
        return Err(NarFault::TooLong { what: "a name", length: name.len() as u64, limit: MAX_NAME });
    }
    let allowed = !matches!(name, b"" | b"." | b"..") && !name.iter().any(|byte| matches!(byte, 0 | b'/'));
    if allowed { Ok(()) } else { Err(NarFault::Name(name.to_vec())) }
}

fn check_order(previous: &[u8], name: &[u8]) -> Result<(), NarFault> {
    match previous.cmp(name) {
        std::cmp::Ordering::Less => Ok(()),
        std::cmp::Ordering::Equal => Err(NarFault::Duplicate(name.to_vec())),
        std::cmp::Ordering::Greater => Err(NarFault::Unsorted { previous: previous.to_vec(), name: name.to_vec() }),
    }
}
