use super::*;

const BOTH: Unsigned = Unsigned::AcceptContentAddressed;

fn other(name: &str) -> StorePath {
    StorePath::from_parts([4; 20], name).unwrap()
}

/// A claim whose path follows from `address`.
fn addressed(address: ContentAddress, references: Vec<StorePath>) -> PathInfo {
    PathInfo {
        path: address.store_path("thing-1.0", &references).unwrap(),
        nar_hash: Sha256::of(b"nar"),
        nar_size: 8,
        references,
        signatures: Vec::new(),
        content_address: Some(address.to_string()),
    }
}

fn trust(info: &PathInfo, unsigned: Unsigned) -> Result<Trust, TrustError> {
    info.trust(&[], Expected::Path(&info.path), unsigned)
}

fn refused_for(info: &PathInfo) -> String {
    match trust(info, BOTH) {
        Err(TrustError::ContentAddress { reason, .. }) => reason,
        trust => panic!("{trust:?}"),
    }
}

#[test]
fn a_path_that_follows_from_its_content_is_trusted_where_that_is_allowed() {
    let references = vec![other("b"), other("a")];
    for (address, references) in [
        (ContentAddress::Nar(Sha256::of(b"nar")), references.clone()),
        (ContentAddress::Text(Sha256::of(b"text")), references),
        (ContentAddress::Flat(Sha256::of(b"text")), Vec::new()),
    ] {
        let info = addressed(address, references);
        assert_eq!(trust(&info, BOTH), Ok(Trust::ContentAddressed(address)));
        assert_eq!(trust(&info, Unsigned::Refuse), Err(TrustError::Unsigned { path: info.path.clone() }));
        let hash = Expected::HashPart(info.path.hash_part());
        assert_eq!(info.trust(&[], hash, BOTH), Ok(Trust::ContentAddressed(address)));
        let verified = info.clone().verify(&[], &info.path, BOTH).unwrap();
        assert_eq!((verified.info(), verified.trust()), (&info, &Trust::ContentAddressed(address)));
    }
}

#[test]
fn a_false_content_address_is_refused() {
    let nar = ContentAddress::Nar(Sha256::of(b"nar"));
    let mut more_references = addressed(nar, Vec::new());
    more_references.references.push(other("a"));
    assert!(refused_for(&more_references).starts_with("that is the address of /nix/store/"));
    let mut other_hash = addressed(nar, Vec::new());
    other_hash.nar_hash = Sha256::of(b"other");
    assert!(refused_for(&other_hash).starts_with("the NAR's hash is claimed to be sha256:"));
    let mut other_path = addressed(nar, Vec::new());
    other_path.path = other("thing-1.0");
    assert!(refused_for(&other_path).starts_with("that is the address of"));
    let mut to_itself = addressed(nar, Vec::new());
    to_itself.references.push(to_itself.path.clone());
    assert!(refused_for(&to_itself).starts_with("the path refers to itself"));
    let mut flat = addressed(ContentAddress::Flat(Sha256::of(b"")), Vec::new());
    flat.references.push(other("a"));
    assert!(refused_for(&flat).starts_with("a flat file has no references"));
    let mut unknown = addressed(nar, Vec::new());
    unknown.content_address = Some("fixed:r:sha1:abc".to_owned());
    assert_eq!(refused_for(&unknown), "that kind is not trusted");
}

#[test]
fn a_signature_goes_before_a_content_address() {
    let key = SecretKey::generate("ours-1", [1; 32]).unwrap();
    let mut info = addressed(ContentAddress::Nar(Sha256::of(b"nar")), vec![other("b"), other("a")]);
    info.sign(&key);
    info.sign(&key);
    assert_eq!(info.signatures.len(), 1);
    let keys = [key.public_key()];
    assert_eq!(info.trust(&keys, Expected::Path(&info.path), BOTH), Ok(Trust::Signed("ours-1".to_owned())));
    // A content address of a kind unknown here does not spoil a signature.
    info.content_address = Some("fixed:git:sha1:abc".to_owned());
    assert!(info.trust(&keys, Expected::Path(&info.path), Unsigned::Refuse).is_ok());
}

#[test]
fn the_fingerprint_is_nix_s() {
    let mut info = addressed(ContentAddress::Nar(Sha256::of(b"nar")), Vec::new());
    let begin = format!("1;{};{};8;", info.path, Sha256::of(b"nar"));
    assert_eq!(info.fingerprint(), begin);
    info.references = vec![other("b"), other("a"), other("b")];
    assert_eq!(info.fingerprint(), format!("{begin}{},{}", other("a"), other("b")));
}

#[test]
fn references_signed_in_the_order_of_the_file_count() {
    let key = SecretKey::generate("old-1", [1; 32]).unwrap();
    let mut info = addressed(ContentAddress::Nar(Sha256::of(b"nar")), vec![other("b"), other("a")]);
    info.signatures = vec![key.sign(&info.fingerprint_over(&info.references))];
    let keys = [key.public_key()];
    assert!(info.trust(&keys, Expected::Path(&info.path), Unsigned::Refuse).is_ok());
    info.references.reverse();
    assert!(info.trust(&keys, Expected::Path(&info.path), Unsigned::Refuse).is_err());
}
