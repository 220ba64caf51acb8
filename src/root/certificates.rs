//! A bundle of certificates, made of single ones.
//!
//! Debian's `ca-certificates` brings a file for each authority, and writes the bundle when it is installed: here, when
//! an image is made.

use std::io;

use crate::image::ImagePath;
use crate::nix::StorePath;

use super::view::{Kind, ReadContent, View};

/// Where packages have single certificates.
const FOLDER: &str = "share/ca-certificates";
/// More than any certificate.
const MAX_CERTIFICATE: u64 = 1 << 20;
/// More than any bundle; Mozilla's has 200 kB.
const MAX_BUNDLE: usize = 16 << 20;

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
        bundle.extend(certificate);
        if bundle.last() != Some(&b'\n') {
            bundle.push(b'\n');
        }
        if bundle.len() > MAX_BUNDLE {
            let message = format!("the certificates of {path} and its neighbours have more than {MAX_BUNDLE} bytes");
            return Err(io::Error::other(message));
        }
    }
    Ok((!bundle.is_empty()).then_some(bundle))
}

/// Files `*.crt` below the package's folder of certificates, with their sizes.
fn certificates(view: View<'_>, package: &StorePath) -> Vec<(ImagePath, usize)> {
    let (Some(listing), Ok(folder)) = (view.packages.get(package), ImagePath::new(FOLDER.as_bytes())) else {
        return Vec::new();
    };
    let is_certificate = |path: &ImagePath| path.starts_with(&folder) && path.name().ends_with(b".crt");
    let root = ImagePath::from(package);
    let certificates = listing.entries().iter().filter(|entry| is_certificate(&entry.path)).filter_map(|entry| {
        match Kind::from(&entry.kind) {
            Kind::File { size: size @ 1..=MAX_CERTIFICATE, .. } => {
                Some((root.append(&entry.path), usize::try_from(size).ok()?))
            }
            _ => None,
        }
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
