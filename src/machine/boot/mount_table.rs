//! What is mounted: `/proc/self/mountinfo`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

/// More of the table than any machine has is not read.
const LIMIT: u64 = 16 << 20;

/// The mounts by where they are. Of several at one place the last counts, which is the one on top.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct MountTable {
    points: BTreeMap<PathBuf, Mounted>,
}

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mounted {
    /// `overlay`, `tmpfs`, `ext4`, …
    pub(super) kind: String,
    /// The file system's own options.
    pub(super) options: String,
}

impl MountTable {
    /// Reads this process's table; empty where there is none, as before `/proc` is mounted.
    #[must_use]
    pub(super) fn of_this_process() -> Self {
        let mut text = Vec::new();
        let read = File::open("/proc/self/mountinfo").and_then(|file| file.take(LIMIT).read_to_end(&mut text));
        read.map_or_else(|_| Self::default(), |_| Self::parse(&text))
    }

    /// Reads a table; lines of another shape are passed over.
    #[must_use]
    pub(super) fn parse(text: &[u8]) -> Self {
        Self { points: text.split(|byte| *byte == b'\n').filter_map(line).collect() }
    }

    /// What is mounted at `path`.
    #[must_use]
    pub(super) fn at(&self, path: &Path) -> Option<&Mounted> {
        self.points.get(path)
    }

    /// Whether something is mounted below `path`, itself not counted.
    #[must_use]
    pub(super) fn has_below(&self, path: &Path) -> bool {
        self.points.keys().any(|point| point != path && point.starts_with(path))
    }

    /// What `path` lies on.
    #[must_use]
    pub(super) fn below(&self, path: &Path) -> Option<&Mounted> {
        path.ancestors().find_map(|place| self.points.get(place))
    }
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
fn line(line: &[u8]) -> Option<(PathBuf, Mounted)> {
    let mut fields = line.split(|byte| *byte == b' ');
    let point = fields.nth(4)?;
    let mut rest = fields.skip_while(|field| *field != b"-").skip(1);
    let text = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
    let kind = text(rest.next()?);
    let options = rest.nth(1).map(text).unwrap_or_default();
    Some((PathBuf::from(OsString::from_vec(unescape(point))), Mounted { kind, options }))
}

/// `\040` is a blank.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, tail)) = rest.split_first() {
        let number = tail.get(..3).filter(|_| *first == b'\\').and_then(octal);
        plain.push(number.unwrap_or(*first));
        rest = if number.is_some() { tail.get(3..).unwrap_or_default() } else { tail };
    }
    plain
}

fn octal(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_found_by_place() {
        let table = MountTable::parse(
            b"1 0 0:1 / / rw - overlay overlay rw,lowerdir=/a\n\
              2 1 8:1 /x /data rw,relatime shared:1 - ext4 /dev/vdb rw\n\
              3 1 0:9 / /with\\040blank rw - tmpfs tmpfs rw\n\
              nonsense\n4 5\n",
        );
        assert_eq!(table.at(Path::new("/data")).unwrap().kind, "ext4");
        assert_eq!(table.at(Path::new("/with blank")).unwrap().kind, "tmpfs");
        assert_eq!(table.below(Path::new("/data/homes/alice")).unwrap().kind, "ext4");
        assert_eq!(table.below(Path::new("/etc")).unwrap().options, "rw,lowerdir=/a");
        assert!(table.at(Path::new("/etc")).is_none());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            let _ = MountTable::parse(&bytes);
        }
    }

    #[test]
    fn this_process_has_a_root() {
        assert!(MountTable::of_this_process().below(Path::new("/")).is_some() || !Path::new("/proc/self").exists());
    }
}
