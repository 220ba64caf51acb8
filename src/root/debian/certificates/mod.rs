//! `/etc/ssl/certs`: what `update-ca-certificates` makes of the authorities that packages and the user bring.
//!
//! The same links and the same bundle, byte for byte, but for files without a certificate: they are left out and reported,
//! as some programs read a bundle no further than to what they don't understand.

mod java;
mod pem;
mod sources;
mod subject;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;

use sha1::{Digest as _, Sha1};

use crate::failure::{Class, Classified};
use crate::image::ImagePath;
use crate::image::tree::{Metadata, Node, Tree};
use crate::root::certificates::append;
use crate::root::view::{Kind, ReadContent, View};
use sources::Source;

/// The package that all of this is for has it.
const TOOL: &[u8] = b"usr/sbin/update-ca-certificates";
const FOLDER: &[u8] = b"etc/ssl/certs";
const BUNDLE: &[u8] = b"ca-certificates.crt";
/// The folder of the package that keeps Java's store.
const JAVA: &[u8] = b"usr/share/ca-certificates-java";
const JAVA_STORE: &[u8] = b"etc/ssl/certs/java/cacerts";
/// What OpenSSL takes for a file of a certificate.
const EXTENSIONS: [&[u8]; 4] = [b"pem", b"crt", b"cer", b"crl"];

/// Files and links, and what was wrong with their sources.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Certificates {
    /// `/etc/ssl/certs` with the bundle, a link for each authority and one for its subject, Java's store where something
    /// reads it; `/etc/ca-certificates.conf` where there is none. Without the folders that packages have.
    pub tree: Tree,
    /// For the user: nothing that keeps an image from being made.
    pub findings: Vec<Finding>,
}

/// Something about one certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct Finding {
    /// The certificate's file.
    pub path: String,
    /// What is wrong, and what follows from it.
    pub problem: &'static str,
}

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    /// A file's content can't be had.
    #[error("the certificate `{path}` can't be read")]
    Read {
        /// Which file.
        path: ImagePath,
        /// Why.
        source: io::Error,
    },
    /// There are too many files.
    #[error("`{folder}` holds more than {limit} certificates and folders")]
    TooMany {
        /// Where.
        folder: String,
        /// How many are read.
        limit: usize,
    },
}

impl Classified for CertificatesError {
    fn class(&self) -> Class {
        Class::Other
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Read { .. } => "build again; if it stays, look at the size of your certificates".to_owned(),
            Self::TooMany { folder, .. } => format!("take files out of `{folder}`"),
        })
    }
}

/// What `update-ca-certificates` would make in the image that `view` shows; `None` where there is no such tool.
pub fn certificates(view: View<'_>, read: &ReadContent<'_>) -> Result<Option<Certificates>, CertificatesError> {
    if !matches!(view.follow(TOOL), Some((_, Kind::File { .. }))) {
        return Ok(None);
    }
    let mut certificates = Certificates::default();
    let configuration = sources::configuration(view, read)?;
    if let Some(made) = configuration.made {
        certificates.put(sources::CONFIGURATION, 0o644, Node::File(made));
    }
    if view.follow(sources::LOCAL).is_none() {
        certificates.put(sources::LOCAL, 0o755, Node::Directory);
    }
    for path in configuration.missing {
        certificates.find(&path, "is listed in /etc/ca-certificates.conf, and is not in the image: left out");
    }
    let mut trusted = configuration.sources;
    trusted.extend(sources::local(view, read)?);
    certificates.authorities(view, read, trusted)?;
    Ok(Some(certificates))
}

impl Certificates {
    /// Everything below `/etc/ssl/certs`.
    fn authorities(
        &mut self,
        view: View<'_>,
        read: &ReadContent<'_>,
        trusted: Vec<Source>,
    ) -> Result<(), CertificatesError> {
        let mut bundle = Vec::new();
        let mut java = BTreeMap::new();
        // Contents by the names that they have in the folder, for the links by subject.
        let mut named = sources::in_folder(view, FOLDER, read)?;
        for source in trusted {
            let first = pem::certificates(&source.content).into_iter().next().flatten();
            let Some(first) = first.filter(|certificate| subject::hash(certificate).is_some()) else {
                self.find(&source.path, "holds no certificate: left out");
                continue;
            };
            append(&mut bundle, &source.content, &source.place)
                .map_err(|error| CertificatesError::Read { path: source.place.clone(), source: error })?;
            let Some(name) = self.link(view, &source) else { continue };
            // Java refuses the whole store for one entry that it can't read.
            if subject::ends(&first) {
                java.insert(format!("debian:{}", String::from_utf8_lossy(&name).to_lowercase()), first);
            }
            named.insert(name, source.content);
        }
        self.put(&[FOLDER, b"/", BUNDLE].concat(), 0o644, Node::File(bundle));
        self.subjects(view, &named);
        if matches!(view.follow(JAVA), Some((_, Kind::Directory))) {
            self.put(JAVA_STORE, 0o644, Node::File(java::store(&java)));
        }
        Ok(())
    }

    /// The link to a certificate: its name, where that is free.
    fn link(&mut self, view: View<'_>, source: &Source) -> Option<Vec<u8>> {
        let name = link_name(&source.path);
        let path = ImagePath::new(&[FOLDER, b"/", &name].concat()).ok();
        let is_free = |path: &ImagePath| !matches!(view.get(path), Some(Kind::Directory | Kind::File { .. }));
        let Some(path) = path.filter(is_free) else {
            self.find(&source.path, "is trusted, but its name is taken in /etc/ssl/certs: has no link there");
            return None;
        };
        self.tree.insert(path, (Metadata::root(0o777), Node::Symlink(source.path.clone())));
        Some(name)
    }

    /// Links by subject, as `openssl rehash` makes them: for each file of exactly one certificate, in byte order of names,
    /// numbered where several have one subject; a certificate that was there before gets none.
    fn subjects(&mut self, view: View<'_>, named: &BTreeMap<Vec<u8>, Vec<u8>>) {
        let mut seen: BTreeMap<String, Vec<[u8; 20]>> = BTreeMap::new();
        for (name, content) in named {
            let certificates = pem::certificates(content);
            let [Some(certificate)] = certificates.as_slice() else {
                self.find(name, "does not hold exactly one certificate: has no link by its subject");
                continue;
            };
            let Some(hash) = subject::hash(certificate) else {
                self.find(name, "holds a certificate that can't be understood: has no link by its subject");
                continue;
            };
            let digests = seen.entry(hash.clone()).or_default();
            let digest = Sha1::digest(certificate).into();
            if digests.contains(&digest) {
                continue;
            }
            let path = [FOLDER, b"/", format!("{hash}.{}", digests.len()).as_bytes()].concat();
            digests.push(digest);
            if ImagePath::new(&path).is_ok_and(|path| view.get(&path).is_none()) {
                self.put(&path, 0o777, Node::Symlink(name.clone()));
            }
        }
    }

    fn put(&mut self, path: &[u8], mode: u32, node: Node) {
        if let Ok(path) = ImagePath::new(path) {
            self.tree.insert(path, (Metadata::root(mode), node));
        }
    }

    fn find(&mut self, path: &[u8], problem: &'static str) {
        self.findings.push(Finding { path: String::from_utf8_lossy(path).into_owned(), problem });
    }
}

/// The name in `/etc/ssl/certs` of the certificate at `path`.
fn link_name(path: &[u8]) -> Vec<u8> {
    let base = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let base = base.strip_suffix(b".crt").unwrap_or(base);
    let spelled = base.iter().map(|byte| match byte {
        b' ' | b',' => b'_',
        b'(' | b')' => b'=',
        other => *other,
    });
    spelled.chain(*b".pem").collect()
}
