//! A bundle of certificates, made of single ones.
//!
//! Debian's `ca-certificates` brings a file for each authority, and writes the bundle when it is installed: here, when
//! an image is made.

use std::io;

use crate::image::ImagePath;
use crate::image::listing::ListingKind;
use crate::nix::StorePath;

use super::view::{ReadContent, View};

/// Where packages have single certificates.
const FOLDER: &str = "share/ca-certificates";
/// More than any certificate.
pub(super) const MAX_CERTIFICATE: u64 = 1 << 20;
/// More than any bundle; Mozilla's has 200 kB.
const MAX_BUNDLE: usize = 16 << 20;

/// Adds a certificate's file to a bundle, with the newline that it may lack.
pub(super) fn append(bundle: &mut Vec<u8>, certificate: &[u8], path: &ImagePath) -> io::Result<()> {
    bundle.extend(certificate);
    if bundle.last().is_some_and(|last| *last != b'\n') {
        bundle.push(b'\n');
    }
    if bundle.len() > MAX_BUNDLE {
        let message = format!("the certificates of {path} and its neighbours have more than {MAX_BUNDLE} bytes");
        return Err(io::Error::other(message));
    }
    Ok(())
}

/// All certificates of the first of `packages` that has any, in byte order of their paths; `None` where no package has
/// any, or their contents are not at hand.
pub fn bundle(view: View<'_>, packages: &[&StorePath], read: &ReadContent<'_>) -> io::Result<Option<Vec<u8>>> {
    let Some(files) = packages.iter().map(|package| certificates(view, package)).find(|files| !files.is_empty()) else {
        return Ok(None);
    };
    let mut bundle = Vec::new();
    for (path, size) in files {
        let Some(certificate) = read(&path, 0, size)? else { return Ok(None) };
        if !certificate.starts_with(b"-----BEGIN ") {
            continue;
        }
        append(&mut bundle, &certificate, &path)?;
    }
    Ok((!bundle.is_empty()).then_some(bundle))
}

/// Files `*.crt` below the package's folder of certificates, with their sizes.
fn certificates(view: View<'_>, package: &StorePath) -> Vec<(ImagePath, usize)> {
    let Ok(folder) = ImagePath::new(FOLDER.as_bytes()) else { return Vec::new() };
    let root = ImagePath::from(package);
    let below = view.packages.below(package, &folder).into_iter();
    let certificates = below.filter(|(path, _)| path.name().ends_with(b".crt")).filter_map(|(path, kind)| match kind {
        ListingKind::File { size: size @ 1..=MAX_CERTIFICATE, .. } => {
            Some((root.append(&path), usize::try_from(size).ok()?))
        }
        _ => None,
    });
    certificates.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::root::sample;
    use crate::root::view::NO_PACKAGES;

    #[test]
    fn single_certificates_make_a_bundle() {
        let (empty, nothing) = sample::package("hello", &[("bin/hello", "x")]);
        let files = [
            ("share/ca-certificates/mozilla/b.crt", "-----BEGIN CERTIFICATE-----b\n"),
            ("share/ca-certificates/mozilla/a.crt", "-----BEGIN CERTIFICATE-----a"),
            ("share/ca-certificates/mozilla/c.crt", "no certificate"),
            ("share/ca-certificates/mozilla/d.txt", "-----BEGIN CERTIFICATE-----d\n"),
        ];
        let (package, listing) = sample::package("ca-certificates", &files);
        let root = ImagePath::from(&package);
        let contents: BTreeMap<ImagePath, &str> =
            files.iter().map(|(path, text)| (root.append(&ImagePath::new(path.as_bytes()).unwrap()), *text)).collect();
        let read = |path: &ImagePath, offset: u64, length: usize| {
            assert_eq!((offset, length), (0, contents[path].len()));
            Ok(Some(contents[path].as_bytes().to_vec()))
        };
        let packages = BTreeMap::from([(empty.clone(), nothing), (package.clone(), listing)]);
        let view = View { trees: &[], packages: &packages, merged: &NO_PACKAGES };
        let made = bundle(view, &[&empty, &package], &read).unwrap().unwrap();
        assert_eq!(made, b"-----BEGIN CERTIFICATE-----a\n-----BEGIN CERTIFICATE-----b\n");
        assert_eq!(bundle(view, &[&empty], &read).unwrap(), None);
        assert_eq!(bundle(view, &[&package], &|_, _, _| Ok(None)).unwrap(), None);
    }
}
