use super::*;

/// Shapes that occur: paths or none, lists, quoted attributes, licences of every form.
const PACKAGES: &str = r#"{"version":"2","packages":{
"jq":{"name":"jq-1.8.2","pname":"jq","version":"1.8.2","system":"x86_64-linux","outputName":"bin","outputs":{"bin":null,"out":null},
  "meta":{"outputsToInstall":["bin","man"],"description":"Command-line JSON processor","mainProgram":"jq","license":{"spdxId":"MIT","free":true}}},
"python3":{"name":"python3-3.13.11","pname":"python3","version":"3.13.11","outputs":{"out":{"x86_64-linux":"/nix/store/slhpx9glq7vl99bwi93bgrhn3syv98s1-python3-3.13.11"}}},
"python312":{"name":"python3-3.12.9","pname":"python3","version":"3.12.9","outputs":["out","debug"]},
"python313":{"name":"python3-3.13.11","pname":"python3","version":"3.13.11"},
"ripgrep":{"name":"ripgrep-14.1.1","pname":"ripgrep","version":"14.1.1","meta":{"mainProgram":"rg","homepage":["https://example.org/rg","x"],"license":[{"spdxId":"Unlicense"},"MIT"]}},
"steam":{"name":"steam-1.0","pname":"steam","version":"1.0","meta":{"license":{"fullName":"Unfree","free":false},"platforms":["x86_64-linux"]}},
"aspellDicts.\"or\"":{"name":"aspell-dict-or-0.03-1","pname":"aspell-dict-or","version":"0.03-1","meta":{"license":[],"broken":true}}
}, "later": [1, {"a": null}]}"#;

fn catalog(state: &Path) -> Catalog {
    Catalog::make(state, "nixos-26.05.1.abcdef1", PACKAGES.as_bytes()).unwrap()
}

fn find(catalog: &Catalog, attribute: &str) -> Package {
    catalog.find(&Attribute::parse(attribute)).unwrap().unwrap()
}

#[test]
fn a_package_is_what_its_list_says() {
    let state = tempfile::tempdir().unwrap();
    let catalog = catalog(state.path());
    let jq = find(&catalog, "jq");
    assert_eq!((jq.version.as_str(), jq.to_install.join(" ")), ("1.8.2", "bin man".to_owned()));
    assert_eq!(jq.outputs.keys().collect::<Vec<_>>(), ["bin", "out"]);
    assert_eq!((jq.licence.as_deref(), jq.hindrance), (Some("MIT"), None));
    assert!(find(&catalog, "python3").outputs["out"]["x86_64-linux"].ends_with("-python3-3.13.11"));
    assert_eq!(find(&catalog, "python312").outputs.len(), 2);
    let ripgrep = find(&catalog, "ripgrep");
    assert_eq!(ripgrep.licence.as_deref(), Some("Unlicense, MIT"));
    assert_eq!(ripgrep.homepage.as_deref(), Some("https://example.org/rg"));
    let steam = find(&catalog, "steam");
    assert_eq!((steam.hindrance, steam.systems), (Some(Hindrance::Unfree), vec![System::X86_64Linux]));
    assert_eq!(find(&catalog, "aspellDicts.\"or\"").hindrance, Some(Hindrance::Broken));
    assert_eq!(find(&catalog, "aspellDicts.or").name, "aspell-dict-or-0.03-1");
    assert!(catalog.find(&Attribute::parse("nothing")).unwrap().is_none());
}

#[test]
fn a_version_leads_to_the_family() {
    let state = tempfile::tempdir().unwrap();
    let catalog = catalog(state.path());
    let found =
        |version| catalog.of_version(&Attribute::parse("python3"), version).unwrap().map(|found| found.attribute);
    assert_eq!(found("3.12").as_deref(), Some("python312"));
    assert_eq!(found("3.13").as_deref(), Some("python3"));
    assert_eq!(found("3.9"), None);
}

#[test]
fn names_are_found_by_command_and_likeness() {
    let state = tempfile::tempdir().unwrap();
    let catalog = catalog(state.path());
    assert_eq!(catalog.nearest("rg").unwrap(), ["ripgrep"]);
    assert_eq!(catalog.nearest("ripgerp").unwrap(), ["ripgrep"]);
    let found = |words: &[&str]| {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        catalog.search(&words, 10).unwrap().into_iter().map(|entry| entry.attribute).collect::<Vec<_>>()
    };
    assert_eq!(found(&["JSON"]), ["jq"]);
    assert_eq!(found(&["python3"]), ["python3", "python312", "python313"]);
    assert!(found(&["json", "grep"]).is_empty());
}

#[test]
fn what_is_no_list_leaves_no_catalog() {
    let state = tempfile::tempdir().unwrap();
    for text in ["", "<html>", "[]", r#"{"version":"3","packages":{}}"#, r#"{"version":"2"}"#, &PACKAGES[..900]] {
        assert!(Catalog::make(state.path(), "r", text.as_bytes()).is_err(), "{text}");
        assert!(Catalog::open(state.path(), "r").is_none());
    }
    std::fs::write(Catalog::path(state.path(), "r"), "not a database").unwrap();
    assert!(Catalog::open(state.path(), "r").is_none());
}
