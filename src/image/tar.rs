//! Tar headers: ustar, with pax records only for what ustar can't hold.
//!
//! Pure and canonical: an entry has one form, whatever wrote it. [`TAR_VERSION`] changes with that form.

use super::tree::Metadata;

/// A tar block's size in bytes.
pub const BLOCK: usize = 512;

/// Names the exact form of what is written here; part of every fragment's key.
pub const TAR_VERSION: &str = "tar-2";

/// The only modification time there is: Nix's, one second after the epoch.
pub const MTIME: u64 = 1;

/// Two zero blocks: the end of an archive.
pub const TAIL: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

const SMALLEST_NUMBER_WITHOUT_USTAR: u64 = 0o10_000_000;
const SMALLEST_SIZE_WITHOUT_USTAR: u64 = 0o100_000_000_000;

/// What kind of entry a header begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// A folder; its name gets a trailing slash.
    Directory,
    /// A file, of so many bytes.
    File(u64),
    /// A symbolic link, to this target.
    Symlink(&'a [u8]),
    /// Another name of the file at this path, which stands before it; relative to the root, as the entry's own path is.
    HardLink(&'a [u8]),
}

/// Where a pax record holds a file's capabilities: as star names it, and GNU tar, Docker and podman read it.
pub(super) const CAPABILITY: &str = "SCHILY.xattr.security.capability";

/// Appends the header blocks of one entry to `out`. `path` is relative, without trailing slash.
///
/// Contents of a file follow, padded with zeros to a whole [`BLOCK`]: see [`padding`].
pub fn write_header(out: &mut Vec<u8>, path: &[u8], kind: Kind<'_>, metadata: Metadata) {
    write_capable_header(out, path, kind, metadata, None);
}

/// The same for a file that has capabilities: the value of its `security.capability`. All names of one file should have it:
/// who unpacks sets the owner of each, and Linux drops capabilities whenever the owner is set.
pub fn write_capable_header(
    out: &mut Vec<u8>,
    path: &[u8],
    kind: Kind<'_>,
    metadata: Metadata,
    capability: Option<&[u8]>,
) {
    let mut name = path.to_vec();
    let (flag, size, target): (u8, u64, &[u8]) = match kind {
        Kind::Directory => {
            name.push(b'/');
            (b'5', 0, b"")
        }
        Kind::File(size) => (b'0', size, b""),
        Kind::Symlink(target) => (b'2', 0, target),
        Kind::HardLink(target) => (b'1', 0, target),
    };
    let mut records = Records::default();
    let (prefix, short_name) = split(&name).unwrap_or_else(|| {
        records.add_bytes("path", &name);
        (&[], &name[..100])
    });
    if target.len() > 100 {
        records.add_bytes("linkpath", target);
    }
    let uid = records.fit("uid", metadata.uid.into(), SMALLEST_NUMBER_WITHOUT_USTAR);
    let gid = records.fit("gid", metadata.gid.into(), SMALLEST_NUMBER_WITHOUT_USTAR);
    let ustar_size = records.fit("size", size, SMALLEST_SIZE_WITHOUT_USTAR);
    if let Some(capability) = capability {
        records.add(CAPABILITY, capability);
    }
    records.write(out);
    let fields = Fields { prefix, name: short_name, target, flag, mode: metadata.mode, uid, gid, size: ustar_size };
    out.extend_from_slice(&fields.block());
}

/// Zero bytes that follow `size` bytes of contents.
#[must_use]
pub fn padding(size: u64) -> &'static [u8] {
    // Less than a block fits into any `usize`.
    let over = usize::try_from(size % BLOCK as u64).unwrap_or_default();
    &TAIL[..(BLOCK - over) % BLOCK]
}

/// Splits a name at a slash into ustar's prefix (up to 155 bytes) and name (1 to 100).
fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.len() <= 100 {
        return Some((&[], name));
    }
    // The last byte may be a folder's trailing slash, which belongs to the name.
    let first = name.len() - 101;
    let slash = (first..name.len() - 1).find(|&index| name[index] == b'/')?;
    (slash <= 155 && slash > 0).then(|| (&name[..slash], &name[slash + 1..]))
}

/// The fields of a ustar header that differ between entries.
struct Fields<'a> {
    prefix: &'a [u8],
    name: &'a [u8],
    target: &'a [u8],
    flag: u8,
    mode: u32,
    uid: u64,
    gid: u64,
    size: u64,
}

impl Fields<'_> {
    fn block(&self) -> [u8; BLOCK] {
        let mut block = [0u8; BLOCK];
        block[..self.name.len()].copy_from_slice(self.name);
        octal(&mut block[100..108], u64::from(self.mode));
        octal(&mut block[108..116], self.uid);
        octal(&mut block[116..124], self.gid);
        octal(&mut block[124..136], self.size);
        octal(&mut block[136..148], MTIME);
        block[148..156].fill(b' ');
        block[156] = self.flag;
        let link = &self.target[..self.target.len().min(100)];
        block[157..157 + link.len()].copy_from_slice(link);
        block[257..265].copy_from_slice(b"ustar\x0000");
        block[345..345 + self.prefix.len()].copy_from_slice(self.prefix);
        let sum: u64 = block.iter().map(|&byte| u64::from(byte)).sum();
        octal(&mut block[148..155], sum);
        block
    }
}

/// Writes `value` as zero-padded octal, with a NUL at the field's end.
fn octal(field: &mut [u8], mut value: u64) {
    let digits = field.len() - 1;
    for digit in field[..digits].iter_mut().rev() {
        *digit = b'0' + u8::try_from(value & 7).expect("three bits");
        value >>= 3;
    }
    field[digits] = 0;
}

/// Pax records of one entry, in the order added.
#[derive(Default)]
struct Records(Vec<u8>);

impl Records {
    fn add(&mut self, key: &str, value: &[u8]) {
        // A record begins with its own length in decimal, which counts itself.
        let rest = key.len() + value.len() + 3;
        let mut length = rest + 1;
        while length != rest + length.to_string().len() {
            length = rest + length.to_string().len();
        }
        self.0.extend_from_slice(format!("{length} {key}=").as_bytes());
        self.0.extend_from_slice(value);
        self.0.push(b'\n');
    }

    /// A path or link target, which may hold any bytes but NUL.
    fn add_bytes(&mut self, key: &str, value: &[u8]) {
        if std::str::from_utf8(value).is_err() {
            self.add("hdrcharset", b"BINARY");
        }
        self.add(key, value);
    }

    /// What goes into the ustar field: `value`, or 0 where a record has to hold it.
    fn fit(&mut self, key: &str, value: u64, limit: u64) -> u64 {
        if value < limit {
            return value;
        }
        self.add(key, value.to_string().as_bytes());
        0
    }

    fn write(self, out: &mut Vec<u8>) {
        if self.0.is_empty() {
            return;
        }
        let size = self.0.len() as u64;
        let name = b"././@PaxHeader";
        let fields = Fields { prefix: b"", name, target: b"", flag: b'x', mode: 0o644, uid: 0, gid: 0, size };
        out.extend_from_slice(&fields.block());
        out.extend_from_slice(&self.0);
        out.extend_from_slice(padding(size));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;

    use super::*;

    fn one(path: &[u8], kind: Kind<'_>, metadata: Metadata) -> Vec<u8> {
        let mut out = Vec::new();
        write_header(&mut out, path, kind, metadata);
        out
    }

    #[test]
    fn a_plain_header_is_the_documented_block() {
        let out = one(b"nix/store", Kind::Directory, Metadata::root(0o755));
        assert_eq!(out.len(), BLOCK);
        assert_eq!(&out[..12], b"nix/store/\0\0");
        assert_eq!(&out[100..108], b"0000755\0");
        assert_eq!(&out[136..148], b"00000000001\0");
        assert_eq!(&out[257..265], b"ustar\x0000");
        let sum: u32 =
            out.iter().enumerate().map(|(i, &b)| u32::from(if (148..156).contains(&i) { b' ' } else { b })).sum();
        assert_eq!(&out[148..156], format!("{sum:06o}\0 ").as_bytes());
    }

    #[test]
    fn padding_fills_a_block() {
        assert_eq!(padding(0).len(), 0);
        assert_eq!(padding(1).len(), 511);
        assert_eq!(padding(512).len(), 0);
        assert_eq!(padding(513).len(), 511);
    }

    #[test]
    fn a_record_counts_its_own_length() {
        let mut records = Records::default();
        records.add("path", &[b'a'; 88]);
        assert!(records.0.starts_with(b"97 path="));
        let mut records = Records::default();
        records.add("path", &[b'a'; 91]);
        assert!(records.0.starts_with(b"101 path="), "{:?}", String::from_utf8_lossy(&records.0[..10]));
        assert_eq!(records.0.len(), 101);
    }

    #[test]
    fn sizes_and_ids_beyond_octal_go_into_records() {
        let out = one(b"big", Kind::File(9 << 30), Metadata { mode: 0o644, uid: 3_000_000, gid: 0o10_000_000 });
        let text = String::from_utf8_lossy(&out);
        assert!(text.contains("size=9663676416\n") && text.contains("uid=3000000\n") && text.contains("gid=2097152\n"));
    }

    proptest! {
        #[test]
        fn another_reader_sees_what_was_written(
            components in proptest::collection::vec(proptest::collection::vec(1u8..=255, 1..120), 1..6),
            target in proptest::collection::vec(1u8..=255, 1..300),
            content in proptest::collection::vec(any::<u8>(), 0..2000),
            mode in 0u32..0o10000, uid in 0u32..5_000_000,
        ) {
            let mut path = components.join(&b'/');
            // The tar crate ends a pax value at its first newline; `super::reader` is tested with them.
            for byte in &mut path {
                if matches!(*byte, b'/' | b'\n') {
                    *byte = b'x';
                }
            }
            let target = target.iter().map(|&byte| if byte == b'\n' { b'x' } else { byte }).collect::<Vec<_>>();
            // One slash in the middle, so that long names split.
            if path.len() > 3 { let middle = path.len() / 2; path[middle] = b'/'; }
            let metadata = Metadata { mode, uid, gid: uid };
            let mut archive = one(&path, Kind::File(content.len() as u64), metadata);
            archive.extend_from_slice(&content);
            archive.extend_from_slice(padding(content.len() as u64));
            write_header(&mut archive, &path, Kind::Symlink(&target), metadata);
            write_header(&mut archive, &path, Kind::Directory, metadata);
            archive.extend_from_slice(&TAIL);

            let mut reader = tar::Archive::new(&archive[..]);
            let mut entries = reader.entries().unwrap();
            let mut file = entries.next().unwrap().unwrap();
            prop_assert_eq!(&*file.path_bytes(), &path[..]);
            prop_assert_eq!(file.header().mode().unwrap(), mode);
            let mut read = Vec::new();
            file.read_to_end(&mut read).unwrap();
            prop_assert_eq!(read, content);
            let link = entries.next().unwrap().unwrap();
            prop_assert_eq!(&*link.link_name_bytes().unwrap(), &target[..]);
            let folder = entries.next().unwrap().unwrap();
            prop_assert_eq!(&folder.path_bytes()[..path.len()], &path[..]);
            prop_assert!(entries.next().is_none());
        }
    }
}
