//! SPDX 2.3 as JSON, after <https://spdx.github.io/spdx-spec/v2.3/>.

use std::collections::BTreeMap;

use serde::Serialize;

use super::identity::{distinct, uuid};
use super::licence::{Licence, declared};
use super::purl::purl;
use super::{Distribution, Origin, Package, Sbom, TOOL};

const NOTHING: &str = "NOASSERTION";
const DOCUMENT: &str = "SPDXRef-DOCUMENT";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    spdx_version: &'static str,
    data_license: &'static str,
    #[serde(rename = "SPDXID")]
    id: &'static str,
    name: String,
    #[serde(rename = "documentNamespace")]
    namespace: String,
    creation_info: CreationInfo,
    packages: Vec<Entry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    has_extracted_licensing_infos: Vec<Extracted>,
    relationships: Vec<Relationship>,
}

#[derive(Serialize)]
struct CreationInfo {
    created: String,
    creators: [String; 1],
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "SPDXID")]
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_info: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    package_file_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_package_purpose: Option<&'static str>,
    download_location: &'static str,
    files_analyzed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Checksum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    homepage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_info: Option<String>,
    license_concluded: &'static str,
    license_declared: String,
    copyright_text: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<ExternalRef>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checksum {
    algorithm: &'static str,
    checksum_value: String,
}

#[derive(Serialize)]
struct ExternalRef {
    #[serde(rename = "referenceCategory")]
    category: &'static str,
    #[serde(rename = "referenceType")]
    kind: &'static str,
    #[serde(rename = "referenceLocator")]
    locator: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extracted {
    license_id: String,
    name: String,
    #[serde(rename = "extractedText")]
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    spdx_element_id: String,
    #[serde(rename = "relationshipType")]
    kind: &'static str,
    related_spdx_element: String,
}

/// The document of `sbom`, on one line.
pub(super) fn document(sbom: &Sbom) -> serde_json::Result<Vec<u8>> {
    let mut licences = BTreeMap::new();
    let mut packages = vec![image(sbom)];
    packages.extend(sbom.distribution.as_ref().map(operating_system));
    packages.extend(sbom.packages.iter().map(|(id, package)| entry(sbom, id, package, &mut licences)));
    let mut document = Document {
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        id: DOCUMENT,
        name: format!("{}:{} for {}", sbom.name, sbom.tag, sbom.system),
        namespace: String::new(),
        creation_info: CreationInfo { created: sbom.created.clone(), creators: [format!("Tool: {TOOL}")] },
        packages,
        has_extracted_licensing_infos: licences.into_iter().map(extracted).collect(),
        relationships: relationships(sbom),
    };
    let content = serde_json::to_vec(&document)?;
    // A name for the document, no address: nothing need lie there.
    document.namespace = format!("https://spdx.org/spdxdocs/{TOOL}-{}-{}", distinct(&sbom.name), uuid(&content));
    serde_json::to_vec(&document)
}

fn image_id(sbom: &Sbom) -> String {
    format!("SPDXRef-ContainerImage-{}", distinct(&sbom.name))
}

fn system_id(distribution: &Distribution) -> String {
    format!("SPDXRef-OperatingSystem-{}", distinct(&distribution.id))
}

fn package_id(id: &str) -> String {
    format!("SPDXRef-{}", distinct(id))
}

/// A package of which nothing is known but its name.
fn nameless() -> Entry {
    Entry {
        download_location: NOTHING,
        license_concluded: NOTHING,
        license_declared: NOTHING.to_owned(),
        copyright_text: NOTHING,
        ..Entry::default()
    }
}

fn image(sbom: &Sbom) -> Entry {
    Entry {
        id: image_id(sbom),
        name: sbom.name.clone(),
        version_info: Some(sbom.tag.clone()),
        primary_package_purpose: Some("CONTAINER"),
        ..nameless()
    }
}

fn operating_system(distribution: &Distribution) -> Entry {
    Entry {
        id: system_id(distribution),
        name: distribution.id.clone(),
        version_info: distribution.version.clone(),
        primary_package_purpose: Some("OPERATING-SYSTEM"),
        ..nameless()
    }
}

fn entry(sbom: &Sbom, id: &str, package: &Package, licences: &mut BTreeMap<String, (String, String)>) -> Entry {
    let (file_name, source_info) = match &package.origin {
        Origin::StorePath { path, .. } => {
            (Some(path.to_string()), format!("checksum is that of the NAR: {} bytes", package.size))
        }
        Origin::Deb { source, .. } => {
            (None, format!("built from source package {source}; checksum is that of the .deb: {} bytes", package.size))
        }
    };
    Entry {
        id: package_id(id),
        name: package.name.clone(),
        version_info: package.version.clone(),
        package_file_name: file_name,
        checksums: vec![Checksum { algorithm: "SHA256", checksum_value: package.sha256.hex() }],
        homepage: package.homepage.clone(),
        source_info: Some(source_info),
        license_declared: licence(package, licences),
        summary: package.description.clone(),
        external_refs: vec![ExternalRef { category: "PACKAGE-MANAGER", kind: "purl", locator: purl(sbom, package) }],
        ..nameless()
    }
}

/// All licences of a package as one expression. Names that SPDX doesn't have are referred to, and collected.
fn licence(package: &Package, licences: &mut BTreeMap<String, (String, String)>) -> String {
    let terms = package.licences.iter().map(|name| match declared(name) {
        Licence::Id(id) => id.to_owned(),
        Licence::Expression(expression) => format!("({expression})"),
        Licence::Named => {
            let id = format!("LicenseRef-{}", distinct(name));
            licences.entry(id.clone()).or_insert_with(|| (name.clone(), package.name.clone()));
            id
        }
    });
    let mut terms = terms.collect::<Vec<_>>();
    terms.sort();
    terms.dedup();
    match terms.as_slice() {
        [] => NOTHING.to_owned(),
        [one] => one.trim_start_matches('(').trim_end_matches(')').to_owned(),
        many => many.join(" AND "),
    }
}

fn extracted((license_id, (name, package)): (String, (String, String))) -> Extracted {
    let text = format!("See /usr/share/doc/{package}/copyright in the image.");
    Extracted { license_id, name, text }
}

/// The document describes the image, the image contains its packages, and they depend on what they refer to.
fn relationships(sbom: &Sbom) -> Vec<Relationship> {
    let relation = |from: &str, kind, to: String| Relationship {
        spdx_element_id: from.to_owned(),
        kind,
        related_spdx_element: to,
    };
    let image = image_id(sbom);
    let mut relationships = vec![relation(DOCUMENT, "DESCRIBES", image.clone())];
    relationships.extend(sbom.distribution.iter().map(|system| relation(&image, "CONTAINS", system_id(system))));
    relationships.extend(sbom.packages.keys().map(|id| relation(&image, "CONTAINS", package_id(id))));
    for (id, package) in &sbom.packages {
        let id = package_id(id);
        relationships.extend(package.references.iter().map(|other| relation(&id, "DEPENDS_ON", package_id(other))));
    }
    relationships
}
