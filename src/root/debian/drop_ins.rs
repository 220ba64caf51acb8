//! Folders that packages drop small files of settings into: `sysusers.d`, `tmpfiles.d`.

use std::io;

use crate::image::ImagePath;
use crate::image::listing::ListingKind;
use crate::root::view::ReadContent;

use super::Merged;

/// A larger file is none that people write.
const LARGEST: u64 = 1 << 20;

/// The texts of all `*.conf` in `folder`, in the order of their paths, each with the index of its package. Larger files than 1 MiB
/// are passed over; what is no UTF-8 is replaced.
pub fn drop_ins(merged: &Merged, folder: &str, read: &ReadContent<'_>) -> io::Result<Vec<(usize, String)>> {
    let folder = ImagePath::new(folder.as_bytes()).unwrap_or_default();
    let below = merged.range(folder.clone()..).take_while(|(path, _)| path.starts_with(&folder));
    let mut texts = Vec::new();
    for (path, placed) in below.filter(|(path, _)| path.name().ends_with(b".conf")) {
        let ListingKind::File { size: size @ 0..=LARGEST, .. } = placed.kind else { continue };
        if let Some(bytes) = read(path, 0, usize::try_from(size).unwrap_or_default())? {
            texts.push((placed.package, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    Ok(texts)
}
