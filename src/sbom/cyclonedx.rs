//! CycloneDX 1.6 as JSON, after <https://cyclonedx.org/docs/1.6/json/>.

use serde::Serialize;

use super::identity::uuid;
use super::licence::{Licence as Declared, declared};
use super::purl::purl;
use super::{Distribution, Origin, Package, Sbom, TOOL};

/// The image's and the distribution's own references; packages' ids have a version or hash in them.
const IMAGE: &str = "image";
const SYSTEM: &str = "operating-system";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u32,
    metadata: Metadata,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
}

#[derive(Serialize)]
struct Metadata {
    timestamp: String,
    tools: Tools,
    component: Component,
}

#[derive(Serialize)]
struct Tools {
    components: [Component; 1],
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<Choice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_references: Vec<ExternalReference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(Serialize)]
struct Choice {
    license: Licence,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Licence {
    Id(String),
    Name(String),
}

#[derive(Serialize)]
struct ExternalReference {
    #[serde(rename = "type")]
    kind: &'static str,
    url: String,
}

#[derive(Serialize)]
struct Property {
    name: &'static str,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    #[serde(rename = "ref")]
    reference: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<String>,
}

/// The document of `sbom`, on one line.
pub(super) fn document(sbom: &Sbom) -> serde_json::Result<Vec<u8>> {
    let mut components = sbom.distribution.iter().map(operating_system).collect::<Vec<_>>();
    components.extend(sbom.packages.iter().map(|(id, package)| component(sbom, id, package)));
    let tool = Component { kind: "application", name: TOOL.to_owned(), ..Component::default() };
    let mut document = Document {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: String::new(),
        version: 1,
        metadata: Metadata {
            timestamp: sbom.created.clone(),
            tools: Tools { components: [tool] },
            component: image(sbom),
        },
        components,
        dependencies: dependencies(sbom),
    };
    let content = serde_json::to_vec(&document)?;
    document.serial_number = format!("urn:uuid:{}", uuid(&content));
    serde_json::to_vec(&document)
}

fn image(sbom: &Sbom) -> Component {
    Component {
        kind: "container",
        reference: Some(IMAGE.to_owned()),
        name: sbom.name.clone(),
        version: Some(sbom.tag.clone()),
        properties: vec![Property { name: "dumbc:system", value: sbom.system.to_string() }],
        ..Component::default()
    }
}

fn operating_system(distribution: &Distribution) -> Component {
    Component {
        kind: "operating-system",
        reference: Some(SYSTEM.to_owned()),
        name: distribution.id.clone(),
        version: distribution.version.clone(),
        ..Component::default()
    }
}

fn component(sbom: &Sbom, id: &str, package: &Package) -> Component {
    let size = package.size.to_string();
    let properties = match &package.origin {
        Origin::StorePath { path, .. } => vec![
            Property { name: "nix:output_path", value: path.to_string() },
            Property { name: "nix:nar_size", value: size },
        ],
        Origin::Deb { source, .. } => {
            vec![Property { name: "deb:source", value: source.clone() }, Property { name: "deb:size", value: size }]
        }
    };
    let website = |url: &String| ExternalReference { kind: "website", url: url.clone() };
    Component {
        kind: "library",
        reference: Some(id.to_owned()),
        name: package.name.clone(),
        version: package.version.clone(),
        description: package.description.clone(),
        hashes: vec![Hash { alg: "SHA-256", content: package.sha256.hex() }],
        licenses: package.licences.iter().map(|name| licence(name)).collect(),
        purl: Some(purl(sbom, package)),
        external_references: package.homepage.iter().map(website).collect(),
        properties,
    }
}

/// An expression would have to stand alone, so what is no single id goes by its name.
fn licence(name: &str) -> Choice {
    Choice {
        license: match declared(name) {
            Declared::Id(id) => Licence::Id(id.to_owned()),
            Declared::Expression(_) | Declared::Named => Licence::Name(name.to_owned()),
        },
    }
}

fn dependencies(sbom: &Sbom) -> Vec<Dependency> {
    let system = sbom.distribution.iter().map(|_| SYSTEM.to_owned());
    let image =
        Dependency { reference: IMAGE.to_owned(), depends_on: system.chain(sbom.packages.keys().cloned()).collect() };
    let packages = sbom.packages.iter();
    let packages =
        packages.map(|(id, package)| Dependency { reference: id.clone(), depends_on: package.references.clone() });
    std::iter::once(image).chain(packages).collect()
}
