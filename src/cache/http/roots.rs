//! Certificates that servers are checked against.

use std::path::{Path, PathBuf};

use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

/// Where distributions keep their bundle.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/certs/ca-bundle.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// The bundle that `NIX_SSL_CERT_FILE` or `SSL_CERT_FILE` names, alone; else Mozilla's roots and the system's.
///
/// A named bundle that can't be read gives no roots at all: every connection then fails, which is what who restricts
/// the roots wants.
pub(crate) fn root_certificates() -> RootCerts {
    let named =
        ["NIX_SSL_CERT_FILE", "SSL_CERT_FILE"].iter().find_map(std::env::var_os).filter(|path| !path.is_empty());
    if let Some(path) = named.map(PathBuf::from) {
        let certificates = read_bundle(&path).unwrap_or_else(|fault| {
            tracing::warn!("cannot read the certificates in {}: {fault}", path.display());
            Vec::new()
        });
        return RootCerts::new_with_certs(&certificates);
    }
    // A machine's image has a bundle, or none is wanted in it.
    #[cfg(feature = "build")]
    let mozilla = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|root| Certificate::from_der(root));
    #[cfg(not(feature = "build"))]
    let mozilla = std::iter::empty();
    let system = SYSTEM_BUNDLES.iter().find_map(|path| read_bundle(Path::new(path)).ok()).unwrap_or_default();
    let all: Vec<Certificate<'static>> = mozilla.chain(system).collect();
    RootCerts::new_with_certs(&all)
}

pub(crate) fn read_bundle(path: &Path) -> std::io::Result<Vec<Certificate<'static>>> {
    let pem = std::fs::read(path)?;
    let certificates = parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    Ok(certificates.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_read_whatever_stands_between() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bundle.pem");
        let body = data_encoding::BASE64.encode(&webpki_root_certs::TLS_SERVER_ROOT_CERTS[0]);
        std::fs::write(&path, format!("a remark\n-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"))
            .expect("written");
        assert_eq!(read_bundle(&path).expect("readable").len(), 1);
        assert!(read_bundle(&folder.path().join("missing")).is_err());
    }
}
