use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn store_package(base_name: &str, references: &[&str]) -> (String, Package) {
    let path = StorePath::from_base_name(base_name).unwrap();
    let (name, version, output) = name_and_output(&path, None);
    let package = Package {
        name: name.to_owned(),
        version: version.map(str::to_owned),
        sha256: Sha256::of(base_name.as_bytes()),
        size: 120,
        references: references.iter().map(|&id| id.to_owned()).collect(),
        licences: Vec::new(),
        homepage: None,
        description: None,
        origin: Origin::StorePath { path: path.clone(), output: output.map(str::to_owned), deriver: None },
    };
    (base_name.to_owned(), package)
}

fn deb() -> (String, Package) {
    let package = Package {
        name: "libstdc++6".to_owned(),
        version: Some("1:12.2.0-14+deb12u1".to_owned()),
        sha256: Sha256::of(b"deb"),
        size: 613_348,
        references: Vec::new(),
        licences: ["GPL-2+ or MIT", "GPL-3+", "public-domain"].map(str::to_owned).to_vec(),
        homepage: Some("http://gcc.gnu.org/".to_owned()),
        description: Some("GNU Standard C++ Library v3".to_owned()),
        origin: Origin::Deb { architecture: "amd64".to_owned(), source: "gcc-12".to_owned() },
    };
    ("libstdc++6_1:12.2.0-14+deb12u1".to_owned(), package)
}

const GLIBC: &str = "kfqwh3pmhmaaivasij5iyz742wga4ghx-glibc-2.40-66";
const JQ: &str = "b0w421q3zff7bm8z9hg4cyddfl33913x-jq-1.7.1-bin";

fn sbom() -> Sbom {
    Sbom {
        name: "team/lazycoder".to_owned(),
        tag: "latest".to_owned(),
        system: System::X86_64Linux,
        created: "1970-01-01T00:00:01Z".to_owned(),
        distribution: Some(Distribution {
            id: "debian".to_owned(),
            version: Some("12".to_owned()),
            codename: "bookworm".to_owned(),
        }),
        packages: [store_package(GLIBC, &[]), store_package(JQ, &[GLIBC]), deb()].into(),
    }
}

fn read(format: Format) -> Value {
    serde_json::from_slice(&sbom().document(format).unwrap()).unwrap()
}

/// The document with each element of a list on a line.
fn lines(format: Format) -> String {
    String::from_utf8(sbom().document(format).unwrap()).unwrap().replace("},{", "},\n{")
}

#[test]
fn spdx_as_it_is() {
    insta::assert_snapshot!(lines(Format::Spdx), @r#"
{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"team/lazycoder:latest for x86_64-linux","documentNamespace":"https://spdx.org/spdxdocs/dumbc-team-lazycoder-38520c12-95a39c84-85a9-8cf1-b1bd-ca05a3a4f8be","creationInfo":{"created":"1970-01-01T00:00:01Z","creators":["Tool: dumbc"]},"packages":[{"SPDXID":"SPDXRef-ContainerImage-team-lazycoder-38520c12","name":"team/lazycoder","versionInfo":"latest","primaryPackagePurpose":"CONTAINER","downloadLocation":"NOASSERTION","filesAnalyzed":false,"licenseConcluded":"NOASSERTION","licenseDeclared":"NOASSERTION","copyrightText":"NOASSERTION"},
{"SPDXID":"SPDXRef-OperatingSystem-debian","name":"debian","versionInfo":"12","primaryPackagePurpose":"OPERATING-SYSTEM","downloadLocation":"NOASSERTION","filesAnalyzed":false,"licenseConcluded":"NOASSERTION","licenseDeclared":"NOASSERTION","copyrightText":"NOASSERTION"},
{"SPDXID":"SPDXRef-b0w421q3zff7bm8z9hg4cyddfl33913x-jq-1.7.1-bin","name":"jq","versionInfo":"1.7.1","packageFileName":"/nix/store/b0w421q3zff7bm8z9hg4cyddfl33913x-jq-1.7.1-bin","downloadLocation":"NOASSERTION","filesAnalyzed":false,"checksums":[{"algorithm":"SHA256","checksumValue":"52bc962e360b62149ec02d252a1b6d8bdd8db5adf630ebf8e2789e6cab6edb1f"}],"sourceInfo":"checksum is that of the NAR: 120 bytes","licenseConcluded":"NOASSERTION","licenseDeclared":"NOASSERTION","copyrightText":"NOASSERTION","externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:nix/jq@1.7.1?output=bin&outputhash=b0w421q3zff7bm8z9hg4cyddfl33913x"}]},
{"SPDXID":"SPDXRef-kfqwh3pmhmaaivasij5iyz742wga4ghx-glibc-2.40-66","name":"glibc","versionInfo":"2.40-66","packageFileName":"/nix/store/kfqwh3pmhmaaivasij5iyz742wga4ghx-glibc-2.40-66","downloadLocation":"NOASSERTION","filesAnalyzed":false,"checksums":[{"algorithm":"SHA256","checksumValue":"ab038edf00d73117fc3c87c78a946082e40cbb56402c801fe186b3c6ba15b4bc"}],"sourceInfo":"checksum is that of the NAR: 120 bytes","licenseConcluded":"NOASSERTION","licenseDeclared":"NOASSERTION","copyrightText":"NOASSERTION","externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:nix/glibc@2.40-66?outputhash=kfqwh3pmhmaaivasij5iyz742wga4ghx"}]},
{"SPDXID":"SPDXRef-libstdc--6-1-12.2.0-14-deb12u1-52b8053c","name":"libstdc++6","versionInfo":"1:12.2.0-14+deb12u1","downloadLocation":"NOASSERTION","filesAnalyzed":false,"checksums":[{"algorithm":"SHA256","checksumValue":"9cfa1468c93fc18652e34a000f0c6614b0fa18f6f4887477ad9b0d36ca6a7eaa"}],"homepage":"http://gcc.gnu.org/","sourceInfo":"built from source package gcc-12; checksum is that of the .deb: 613348 bytes","licenseConcluded":"NOASSERTION","licenseDeclared":"(GPL-2.0-or-later OR MIT) AND GPL-3.0-or-later AND LicenseRef-public-domain","copyrightText":"NOASSERTION","summary":"GNU Standard C++ Library v3","externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12&upstream=gcc-12"}]}],"hasExtractedLicensingInfos":[{"licenseId":"LicenseRef-public-domain","name":"public-domain","extractedText":"See /usr/share/doc/libstdc++6/copyright in the image."}],"relationships":[{"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DESCRIBES","relatedSpdxElement":"SPDXRef-ContainerImage-team-lazycoder-38520c12"},
{"spdxElementId":"SPDXRef-ContainerImage-team-lazycoder-38520c12","relationshipType":"CONTAINS","relatedSpdxElement":"SPDXRef-OperatingSystem-debian"},
{"spdxElementId":"SPDXRef-ContainerImage-team-lazycoder-38520c12","relationshipType":"CONTAINS","relatedSpdxElement":"SPDXRef-b0w421q3zff7bm8z9hg4cyddfl33913x-jq-1.7.1-bin"},
{"spdxElementId":"SPDXRef-ContainerImage-team-lazycoder-38520c12","relationshipType":"CONTAINS","relatedSpdxElement":"SPDXRef-kfqwh3pmhmaaivasij5iyz742wga4ghx-glibc-2.40-66"},
{"spdxElementId":"SPDXRef-ContainerImage-team-lazycoder-38520c12","relationshipType":"CONTAINS","relatedSpdxElement":"SPDXRef-libstdc--6-1-12.2.0-14-deb12u1-52b8053c"},
{"spdxElementId":"SPDXRef-b0w421q3zff7bm8z9hg4cyddfl33913x-jq-1.7.1-bin","relationshipType":"DEPENDS_ON","relatedSpdxElement":"SPDXRef-kfqwh3pmhmaaivasij5iyz742wga4ghx-glibc-2.40-66"}]}
"#);
}

#[test]
fn cyclonedx_as_it_is() {
    insta::assert_snapshot!(lines(Format::CycloneDx), @r#"
{"$schema":"http://cyclonedx.org/schema/bom-1.6.schema.json","bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":"urn:uuid:631ed8ac-3574-82e9-a74b-3213ea8ef92f","version":1,"metadata":{"timestamp":"1970-01-01T00:00:01Z","tools":{"components":[{"type":"application","name":"dumbc"}]},"component":{"type":"container","bom-ref":"image","name":"team/lazycoder","version":"latest","properties":[{"name":"dumbc:system","value":"x86_64-linux"}]}},"components":[{"type":"operating-system","bom-ref":"operating-system","name":"debian","version":"12"},
{"type":"library","bom-ref":"b0w421q3zff7bm8z9hg4cyddfl33913x-jq-1.7.1-bin","name":"jq","version":"1.7.1","hashes":[{"alg":"SHA-256","content":"52bc962e360b62149ec02d252a1b6d8bdd8db5adf630ebf8e2789e6cab6edb1f"}],"purl":"pkg:nix/jq@1.7.1?output=bin&outputhash=b0w421q3zff7bm8z9hg4cyddfl33913x","properties":[{"name":"nix:output_path","value":"/nix/store/b0w421q3zff7bm8z9hg4cyddfl33913x-jq-1.7.1-bin"},
{"name":"nix:nar_size","value":"120"}]},
{"type":"library","bom-ref":"kfqwh3pmhmaaivasij5iyz742wga4ghx-glibc-2.40-66","name":"glibc","version":"2.40-66","hashes":[{"alg":"SHA-256","content":"ab038edf00d73117fc3c87c78a946082e40cbb56402c801fe186b3c6ba15b4bc"}],"purl":"pkg:nix/glibc@2.40-66?outputhash=kfqwh3pmhmaaivasij5iyz742wga4ghx","properties":[{"name":"nix:output_path","value":"/nix/store/kfqwh3pmhmaaivasij5iyz742wga4ghx-glibc-2.40-66"},
{"name":"nix:nar_size","value":"120"}]},
{"type":"library","bom-ref":"libstdc++6_1:12.2.0-14+deb12u1","name":"libstdc++6","version":"1:12.2.0-14+deb12u1","description":"GNU Standard C++ Library v3","hashes":[{"alg":"SHA-256","content":"9cfa1468c93fc18652e34a000f0c6614b0fa18f6f4887477ad9b0d36ca6a7eaa"}],"licenses":[{"license":{"name":"GPL-2+ or MIT"}},
{"license":{"id":"GPL-3.0-or-later"}},
{"license":{"name":"public-domain"}}],"purl":"pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12&upstream=gcc-12","externalReferences":[{"type":"website","url":"http://gcc.gnu.org/"}],"properties":[{"name":"deb:source","value":"gcc-12"},
{"name":"deb:size","value":"613348"}]}],"dependencies":[{"ref":"image","dependsOn":["operating-system","b0w421q3zff7bm8z9hg4cyddfl33913x-jq-1.7.1-bin","kfqwh3pmhmaaivasij5iyz742wga4ghx-glibc-2.40-66","libstdc++6_1:12.2.0-14+deb12u1"]},
{"ref":"b0w421q3zff7bm8z9hg4cyddfl33913x-jq-1.7.1-bin","dependsOn":["kfqwh3pmhmaaivasij5iyz742wga4ghx-glibc-2.40-66"]},
{"ref":"kfqwh3pmhmaaivasij5iyz742wga4ghx-glibc-2.40-66"},
{"ref":"libstdc++6_1:12.2.0-14+deb12u1"}]}
"#);
}

#[test]
fn what_is_made_is_told_apart() {
    let parts = |base_name: &str, deriver: Option<&str>| {
        let path = StorePath::from_base_name(&format!("{}{base_name}", &GLIBC[..33])).unwrap();
        let (name, version, output) = name_and_output(&path, deriver);
        (name.to_owned(), version.map(str::to_owned), output.map(str::to_owned))
    };
    let expected = |name: &str, version: Option<&str>, output: Option<&str>| {
        (name.to_owned(), version.map(str::to_owned), output.map(str::to_owned))
    };
    assert_eq!(parts("git-2.39.5", None), expected("git", Some("2.39.5"), None));
    assert_eq!(parts("jq-1.7.1-bin", None), expected("jq", Some("1.7.1"), Some("bin")));
    assert_eq!(parts("source", None), expected("source", None, None));
    assert_eq!(parts("foo-1.0-unstable-2024-01-01", None), expected("foo", Some("1.0-unstable-2024-01-01"), None));
    // The derivation knows better.
    let deriver = format!("{}pkg-1.0-rc.drv", &GLIBC[..33]);
    assert_eq!(parts("pkg-1.0-rc", Some(&deriver)), expected("pkg", Some("1.0-rc"), None));
    assert_eq!(parts("pkg-1.0-rc-dev", Some(&deriver)), expected("pkg", Some("1.0-rc"), Some("dev")));
    for hostile in ["x.drv", ".drv", "-.drv", "", "-", "ü-ü.drv"] {
        parts("git-2.39.5", Some(hostile));
    }
}

#[test]
fn a_path_ends_as_scanners_look_for_it() {
    assert_eq!(sbom().path(Format::Spdx), "usr/share/sbom/lazycoder.spdx.json");
    assert_eq!(sbom().path(Format::CycloneDx), "usr/share/sbom/lazycoder.cdx.json");
}

fn any_package() -> impl Strategy<Value = (String, String, Vec<String>)> {
    ("[a-z][a-zA-Z0-9+._?=-]{0,20}", "\\PC{0,12}", prop::collection::vec("\\PC{0,20}", 0..4))
}

proptest! {
    /// Ids of SPDX are distinct and of its form, and everything that is referred to is there.
    #[test]
    fn every_reference_leads_somewhere(packages in prop::collection::vec(any_package(), 1..12)) {
        let mut sbom = sbom();
        let mut former = Vec::new();
        for (name, version, licences) in packages {
            let (_, mut package) = deb();
            let id = format!("{name}_{version}");
            package.references.clone_from(&former);
            (package.name, package.version, package.licences) = (name, Some(version), licences);
            if sbom.packages.insert(id.clone(), package).is_none() {
                former.push(id);
            }
        }
        let document: Value = serde_json::from_slice(&sbom.document(Format::Spdx).unwrap()).unwrap();
        let ids: Vec<_> = document["packages"].as_array().unwrap().iter().map(|p| p["SPDXID"].as_str().unwrap()).collect();
        let distinct: std::collections::BTreeSet<_> = ids.iter().copied().chain(["SPDXRef-DOCUMENT"]).collect();
        prop_assert_eq!(distinct.len(), sbom.packages.len() + 3);
        for id in &distinct {
            let rest = id.strip_prefix("SPDXRef-").unwrap();
            prop_assert!(rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-'), "{}", id);
        }
        for relationship in document["relationships"].as_array().unwrap() {
            for end in ["spdxElementId", "relatedSpdxElement"] {
                prop_assert!(distinct.contains(relationship[end].as_str().unwrap()));
            }
        }
        let cyclonedx: Value = serde_json::from_slice(&sbom.document(Format::CycloneDx).unwrap()).unwrap();
        let refs: Vec<_> = cyclonedx["components"].as_array().unwrap().iter().map(|c| c["bom-ref"].as_str().unwrap()).collect();
        for dependency in cyclonedx["dependencies"].as_array().unwrap() {
            for other in dependency["dependsOn"].as_array().into_iter().flatten() {
                prop_assert!(refs.contains(&other.as_str().unwrap()));
            }
        }
    }
}

#[test]
fn content_alone_names_a_document() {
    let (one, mut other) = (sbom(), sbom());
    other.packages.remove(JQ);
    for format in Format::ALL {
        assert_eq!(one.document(format).unwrap(), sbom().document(format).unwrap());
        assert_ne!(one.document(format).unwrap(), other.document(format).unwrap());
    }
    assert_ne!(read(Format::Spdx)["documentNamespace"], Value::Null);
    assert!(read(Format::CycloneDx)["serialNumber"].as_str().unwrap().starts_with("urn:uuid:"));
}
