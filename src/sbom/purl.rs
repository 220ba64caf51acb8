//! Package URLs: `pkg:deb/debian/git@1:2.39.5?arch=amd64&distro=debian-12`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Origin, Package, Sbom};

/// The URL of a package of an image. Of `nix`, the type that is proposed and syft writes: its qualifiers, too.
pub(super) fn purl(sbom: &Sbom, package: &Package) -> String {
    let (kind, qualifiers) = match &package.origin {
        Origin::StorePath { path, output, deriver } => {
            let qualifiers = vec![
                ("drvpath", deriver.clone()),
                ("output", output.clone()),
                ("outputhash", Some(path.hash_part().to_owned())),
            ];
            ("nix".to_owned(), qualifiers)
        }
        Origin::Deb { architecture, source } => {
            let vendor = sbom.distribution.as_ref().map_or("debian", |distribution| distribution.id.as_str());
            // Vulnerabilities are those of the source package.
            let upstream = (*source != package.name).then(|| source.clone());
            let qualifiers =
                vec![("arch", Some(architecture.clone())), ("distro", distro(sbom)), ("upstream", upstream)];
            (format!("deb/{}", encode(vendor)), qualifiers)
        }
    };
    let version = package.version.as_deref().map(|version| format!("@{}", encode(version))).unwrap_or_default();
    let qualifiers = qualifiers.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", encode(&value?))));
    let qualifiers = qualifiers.collect::<Vec<_>>().join("&");
    format!("pkg:{kind}/{}{version}?{qualifiers}", encode(&package.name))
}

/// `debian-12.12`; `debian-forky` where there is no number.
fn distro(sbom: &Sbom) -> Option<String> {
    let distribution = sbom.distribution.as_ref()?;
    let version = distribution.version.as_ref().unwrap_or(&distribution.codename);
    Some(format!("{}-{version}", distribution.id))
}

/// What package URLs encode: all but unreserved characters and colons.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}
