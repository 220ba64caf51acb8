use std::fs;
use std::path::Path;

use super::*;
use crate::nix::SecretKey;
use crate::nix::test_data::shared;

const NIXOS: &str = "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=";

const HELLO: &str = "StorePath: /nix/store/gdh8165b7rg4y53v64chjys7mbbw89f9-hello-2.10
URL: nar/0i6ardx43rdg24ab1nc3mq7f5ykyiamymh1v37gxdv5xh5cm0cmb.nar.xz
Compression: xz
FileHash: sha256:0i6ardx43rdg24ab1nc3mq7f5ykyiamymh1v37gxdv5xh5cm0cmb
FileSize: 40360
NarHash: sha256:1ddv0iqq47j0awyw7a8dmm8bz71c6ifrliq53kmmsfzjxf3rwvb8
NarSize: 197528
References: 7gx4kiv5m0i7d7qkixq2cwzbr10lvxwc-glibc-2.27 gdh8165b7rg4y53v64chjys7mbbw89f9-hello-2.10
Deriver: 5sj6fdfym58sdaf3r5p87v4l8sj2zlvn-hello-2.10.drv
Sig: cache.nixos.org-1:K0thQEG60rzAK8ZS9f1whb7eRlIshlMDJAm7xvX1oF284H+PTqlicv/wGW6BIj+wWWONHvUZ2MYc+KDArekjDA==
";

fn hello() -> NarInfo {
    NarInfo::parse(HELLO.as_bytes()).unwrap()
}

fn nixos() -> [PublicKey; 1] {
    [NIXOS.parse().unwrap()]
}

fn verify(info: NarInfo, keys: &[PublicKey]) -> Result<VerifiedNarInfo, TrustError> {
    let path = info.info.path.clone();
    info.verify(keys, &path, Unsigned::Refuse)
}

/// What a narinfo with one line changed is refused for.
fn refusal(line: &str, replacement: &str) -> String {
    assert!(HELLO.contains(line), "{line}");
    NarInfo::parse(HELLO.replacen(line, replacement, 1).as_bytes()).unwrap_err().to_string()
}

fn narinfos(directory: &Path) -> impl Iterator<Item = (String, Vec<u8>)> {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "narinfo"))
        .map(|path| (path.display().to_string(), fs::read(path).unwrap()))
}

#[test]
fn reads_every_field_and_writes_it_as_it_was() {
    let info = hello();
    assert_eq!(info.info.path.to_string(), "/nix/store/gdh8165b7rg4y53v64chjys7mbbw89f9-hello-2.10");
    assert_eq!(info.info.nar_size, 197_528);
    assert_eq!(info.info.references.len(), 2);
    assert_eq!(info.compression, Compression::Xz);
    assert_eq!(info.file_size, Some(40_360));
    assert_eq!(info.deriver.as_ref().unwrap().name(), "hello-2.10.drv");
    assert_eq!(info.info.signatures[0].key_name(), "cache.nixos.org-1");
    assert_eq!(info.print(), HELLO);
}

#[test]
fn fields_may_be_absent_where_nix_lets_them() {
    let text = "StorePath: /nix/store/64s9zav4fk5qiba1jq0ipvyhnn57r7dq-cfg-if-1.0.0\nURL: nar/x.nar?hash=y\n\
        NarHash: sha256:60adfd293a4d81ad7cd7e47263cbb3fc846309ef91b154a08ba672b558f94ff3\nNarSize: 1\nFileSize: 0\n\
        Deriver: unknown-deriver\nFuture: what: ever\nReferences:\n";
    let info = NarInfo::parse(text.as_bytes()).unwrap();
    assert_eq!(info.compression, Compression::Bzip2);
    assert_eq!((info.file_hash, info.file_size, info.deriver.clone()), (None, None, None));
    assert!(info.info.references.is_empty());
    assert_eq!(NarInfo::parse(info.print().as_bytes()).unwrap(), info);
}

#[test]
fn names_the_line_that_is_wrong() {
    assert!(refusal("NarSize: 197528", "NarSize: 0").starts_with("line 7 of the narinfo: `NarSize`: it is zero"));
    assert!(refusal("197528", "+197528").contains("line 7"));
    assert!(refusal("197528", "99999999999999999999").contains("line 7"));
    assert!(refusal("Compression: xz", "Compression: rar").contains("line 3 of the narinfo: `Compression`: `rar`"));
    assert!(refusal("FileSize: 40360", "URL: again").contains("line 5 of the narinfo: `URL` stands a second time"));
    assert!(refusal("NarSize", "narSize").contains("has no `NarSize`"));
    assert!(refusal("URL: nar/", "URL: nar /").contains("line 2 of the narinfo: `URL`: it holds a space"));
    assert!(refusal("7gx4kiv5", "7gx4kive").contains("line 8 of the narinfo: `References`"));
    assert!(refusal("Deriver: 5sj6", "Deriver: /nix/store/5sj6").contains("line 9 of the narinfo: `Deriver`"));
    assert!(refusal("ekjDA==", "ekjDA").contains("line 10 of the narinfo: `Sig`"));
    assert!(refusal("FileSize: 40360", "\r").contains("line 5 of the narinfo is not text"));
    assert!(refusal("FileSize: 40360", "").contains("line 5 of the narinfo is not of the form"));
    assert_eq!(NarInfo::parse(&HELLO.as_bytes()[..HELLO.len() - 1]), Err(NarInfoError::Truncated { line: 10 }));
    assert_eq!(NarInfo::parse(b"StorePath: \xff\n"), Err(NarInfoError::NotText { line: 1 }));
    let size = NarInfo::MAX_SIZE + 1;
    assert_eq!(NarInfo::parse(&vec![b'a'; size]), Err(NarInfoError::TooLarge { size }));
}

#[test]
fn a_narinfo_counts_for_the_path_that_was_asked_for() {
    let verified = verify(hello(), &nixos()).unwrap();
    assert_eq!(verified.trust(), &Trust::Signed("cache.nixos.org-1".to_owned()));
    let hash = "gdh8165b7rg4y53v64chjys7mbbw89f9";
    assert!(hello().verify(&nixos(), Expected::HashPart(hash), Unsigned::Refuse).is_ok());
    let other: StorePath = format!("/nix/store/{hash}-hello-2.11").parse().unwrap();
    let refused = hello().verify(&nixos(), &other, Unsigned::Refuse).unwrap_err();
    assert!(matches!(refused, TrustError::OtherPath { .. }), "{refused}");
    let hash = Expected::HashPart("w9yy7v61ipb5rx6i35zq1mvc2iqfmps1");
    assert!(hello().verify(&nixos(), hash, Unsigned::Refuse).is_err());
}

#[test]
fn whatever_is_signed_can_not_be_changed() {
    let changes: [fn(&mut PathInfo); 5] = [
        |info| info.nar_size += 1,
        |info| info.nar_hash = Sha256::of(b""),
        |info| info.references.truncate(1),
        |info| info.path = "/nix/store/gdh8165b7rg4y53v64chjys7mbbw89f9-hello-2.11".parse().unwrap(),
        |info| info.signatures = vec![info.signatures[0].to_string().replace("K0th", "L0th").parse().unwrap()],
    ];
    for change in changes {
        let mut info = hello();
        change(&mut info.info);
        assert!(matches!(verify(info, &nixos()), Err(TrustError::BadSignature { .. })));
    }
}

#[test]
fn a_key_that_is_gone_is_trusted_no_more() {
    let names = vec!["cache.nixos.org-1".to_owned()];
    let unknown = TrustError::UnknownKeys { path: hello().info.path, names };
    assert_eq!(verify(hello(), &[]), Err(unknown.clone()));
    // Another key under the same name does not help.
    let impostor = SecretKey::generate("cache.nixos.org-1", [7; 32]).unwrap().public_key();
    assert!(matches!(verify(hello(), std::slice::from_ref(&impostor)), Err(TrustError::BadSignature { .. })));
    assert!(verify(hello(), &[impostor, nixos()[0].clone()]).is_ok());
    let mut unsigned = hello();
    unsigned.info.signatures.clear();
    assert!(matches!(verify(unsigned, &nixos()), Err(TrustError::Unsigned { .. })));
    // The lock holds the same claim without a narinfo.
    assert_eq!(hello().info.trust(&[], Expected::Path(&hello().info.path), Unsigned::Refuse), Err(unknown));
}

/// A throw-away key of `nix-store --generate-binary-cache-key`, and what `nix copy` wrote after `nix store sign` with it.
const NIX_KEY: &str =
    "vector-1:tA23FwqWKIZOA8D7VWlnwGlIE5+DOV43nkSA8CePCf/vxDf6EqFywLxxZncJ33DwlGcTZUvyMA5rsCit6d+KyQ==";
const NIX_SIGNED: &str = "StorePath: /nix/store/w5yy36pxgda8c8rz2l92zfjf690jvl38-odd-self-1
URL: nar/029l3n5g4lb8bmg8cp2f7jibdmlkiznmh4hmj9fcsv49h9kdy82w.nar.xz
Compression: xz
FileHash: sha256:029l3n5g4lb8bmg8cp2f7jibdmlkiznmh4hmj9fcsv49h9kdy82w
FileSize: 272
NarHash: sha256:0cgz9jab1a7mpjipaisjgnga2ljn8vk2h2xy5rn2bpr9vrkrpin9
NarSize: 584
References: 0h5x02hyamrxx9i5538nlmsgpfyfy64l-odd-tree-1.0 w5yy36pxgda8c8rz2l92zfjf690jvl38-odd-self-1
Sig: vector-1:4gBXus6R12imPdgaDrJkqzm82772CaTvlyiiKTtr8K35WRGiqUWpEee94U3PCN2HJn6JhM1pyBgqmzUuK0WXDg==
CA: fixed:r:sha256:0n4rywyak1k4464vrifw9d28k2c3m83wm7wq6ydg3rd856nb8fdr
";

#[test]
fn signs_as_nix_does() {
    let key: SecretKey = NIX_KEY.parse().unwrap();
    let mut info = NarInfo::parse(NIX_SIGNED.as_bytes()).unwrap();
    info.info.signatures.clear();
    // A content address with a reference to itself is no ground for trust.
    let path = info.info.path.clone();
    let refused = info.clone().verify(&[], &path, Unsigned::AcceptContentAddressed).unwrap_err();
    assert!(matches!(refused, TrustError::ContentAddress { .. }), "{refused}");
    info.info.sign(&key);
    assert_eq!(info.print(), NIX_SIGNED);
    assert!(verify(info, &[key.public_key()]).is_ok());
}

#[test]
fn real_narinfos_verify() {
    let Some(corpus) = shared("vectors/narinfo/corpus-978.txt") else { return };
    let text = fs::read_to_string(&corpus).unwrap();
    let records: Vec<_> = text.split("\n\n").map(|record| format!("{}\n", record.trim_end_matches('\n'))).collect();
    assert_eq!(records.len(), 978);
    for record in &records {
        let info = NarInfo::parse(record.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{record}"));
        assert_eq!(info.print(), *record);
        if let Err(error) = verify(info, &nixos()) {
            panic!("{error}\n{record}");
        }
    }
    for (name, text) in narinfos(corpus.parent().unwrap()) {
        let info = NarInfo::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(verify(info, &nixos()).is_ok(), "{name}");
    }
}

#[test]
fn false_narinfos_do_not_verify() {
    let Some(directory) = shared("vectors/narinfo/invalid") else { return };
    let mangled = fs::read(directory.join("../ripgrep-2026-INVALID-mangled.txt")).unwrap();
    assert!(matches!(NarInfo::parse(&mangled), Err(NarInfoError::Malformed { line: 8, field: "References", .. })));
    let mut seen = 0;
    for (name, text) in narinfos(&directory) {
        seen += 1;
        if let Ok(info) = NarInfo::parse(&text) {
            assert!(matches!(verify(info, &nixos()), Err(TrustError::BadSignature { .. })), "{name}");
        }
    }
    assert_eq!(seen, 15);
}

#[test]
fn the_test_caches_are_signed_by_their_keys() {
    for (directory, key, count) in [("base", "base", 123), ("odd/none", "odd", 9), ("odd/br", "odd", 9)] {
        let Some(directory) = shared(&format!("nixcache/{directory}")) else { return };
        let keys = fs::read_to_string(shared(&format!("nixcache/{key}.key.pub")).unwrap()).unwrap();
        let mut verified = 0;
        for (name, text) in narinfos(&directory) {
            let info = NarInfo::parse(&text).unwrap();
            assert_eq!(info.print().as_bytes(), text, "{name}");
            verified += usize::from(verify(info.clone(), &[keys.trim().parse().unwrap()]).is_ok());
            assert!(matches!(verify(info, &nixos()), Err(TrustError::UnknownKeys { .. })), "{name}");
        }
        assert_eq!(verified, count, "{}", directory.display());
    }
}
