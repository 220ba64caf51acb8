use super::double::{Act, Gate};
use super::*;
use crate::registry::Identifier;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn tag() -> Identifier {
    Identifier::Tag("v1".to_owned())
}

#[test]
fn a_manifest_comes_back_as_it_was_put() {
    let setting = Setting::new();
    let repository = setting.repository();
    assert_eq!(repository.manifest(&tag()).unwrap(), None);
    assert_eq!(repository.head_manifest(&tag()).unwrap(), None);
    let bytes = format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}"}}"#).into_bytes();
    let digest = repository.put_manifest(&tag(), MANIFEST, &bytes).unwrap();
    assert_eq!(digest, Sha256::of(&bytes));
    for id in [tag(), Identifier::Digest(digest)] {
        let manifest = repository.manifest(&id).unwrap().unwrap();
        assert_eq!((&manifest.bytes, manifest.media_type.as_str(), manifest.digest), (&bytes, MANIFEST, digest));
        let head = repository.head_manifest(&id).unwrap().unwrap();
        assert_eq!((head.digest, head.media_type.as_str(), head.size), (digest, MANIFEST, Some(bytes.len() as u64)));
    }
    assert!(setting.double.seen("GET", "manifests")[0].header("accept").unwrap().contains("manifest.list.v2+json"));
    assert_eq!(setting.double.connections(), 1);
}

#[test]
fn a_manifest_that_is_another_is_refused() {
    let setting = Setting::new();
    let repository = setting.repository();
    let digest = repository.put_manifest(&tag(), MANIFEST, br#"{"mediaType":"other/type"}"#).unwrap();
    let error = repository.manifest(&tag()).unwrap_err();
    assert!(error.to_string().contains("calls itself `other/type`"), "{error}");
    setting.double.fault("GET", "manifests", 1, Act::Flip);
    assert!(matches!(repository.manifest(&Identifier::Digest(digest)), Err(Error::Digest { .. })));
    let wrong = Identifier::Digest(Sha256::of(b"x"));
    assert!(matches!(repository.put_manifest(&wrong, MANIFEST, b"{}"), Err(Error::Digest { .. })));
    setting.double.fault("HEAD", "manifests", 1, Act::Header("docker-content-digest", "sha512:00".into()));
    assert!(matches!(repository.head_manifest(&tag()), Err(Error::Malformed { .. })));
    let large = vec![b' '; (4 << 20) + 1];
    assert!(matches!(repository.put_manifest(&tag(), MANIFEST, &large), Err(Error::TooLarge { .. })));
    setting.double.state().manifests.insert(("team/app".into(), "v1".into()), (MANIFEST.into(), large));
    assert!(matches!(repository.manifest(&tag()), Err(Error::TooLarge { .. })));
}

#[test]
fn small_blobs() {
    let setting = Setting::new();
    let digest = setting.double.put_blob("team/app", b"config");
    let repository = setting.repository();
    assert!(repository.has_blob(&digest).unwrap());
    assert_eq!(repository.blob(&digest, 6).unwrap(), b"config");
    assert!(matches!(repository.blob(&digest, 5), Err(Error::TooLarge { .. })));
    assert!(matches!(repository.blob(&Sha256::of(b""), 5), Err(Error::Missing { .. })));
    setting.double.fault("GET", "blobs", 1, Act::Flip);
    assert!(matches!(repository.blob(&digest, 6), Err(Error::Digest { .. })));
    setting.double.fault("GET", "blobs", 1, Act::CutAnswer(60));
    assert_eq!(repository.blob(&digest, 6).unwrap(), b"config");
}

fn read(setting: &Setting, digest: &Sha256, size: u64) -> io::Result<Vec<u8>> {
    let repository = setting.repository();
    let mut bytes = Vec::new();
    repository.open_blob(digest, size).map_err(io::Error::other)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[test]
fn a_large_blob_goes_on_where_it_broke_off() {
    let setting = Setting::new();
    let blob = Blob::of_size(100_000);
    setting.double.put_blob("team/app", &blob.bytes);
    for cut in [0, 500, 40_000, 50_000, 99_999] {
        setting.double.fault("GET", "blobs", 1, Act::CutAnswer(cut));
    }
    assert_eq!(read(&setting, &blob.digest, 100_000).unwrap(), blob.bytes);
    let ranges: Vec<_> =
        setting.double.seen("GET", "blobs").iter().map(|seen| seen.header("range").is_some()).collect();
    assert_eq!(ranges, [false, false, true, true, true]);
}

#[test]
fn a_large_blob_is_checked() {
    let setting = Setting::new();
    let blob = Blob::of_size(100_000);
    setting.double.put_blob("team/app", &blob.bytes);
    setting.double.fault("GET", "blobs", 1, Act::Flip);
    let error = read(&setting, &blob.digest, 100_000).unwrap_err().downcast::<Error>().unwrap();
    assert!(matches!(error, Error::Digest { .. }), "{error}");
    assert!(read(&setting, &blob.digest, 99_999).is_err(), "its size is another");
    assert!(read(&setting, &Sha256::of(b"none"), 4).is_err());
}

#[test]
fn credentials_stay_at_home() {
    let setting = Setting::with(password());
    setting.double.state().gate = Gate::Tokens(None);
    let storage = Double::start();
    let blob = Blob::of_size(50_000);
    setting.double.put_blob("team/app", &blob.bytes);
    storage.put_blob("any", &blob.bytes);
    setting.double.state().objects = Some(format!("http://{}", storage.host()));
    storage.fault("GET", "object", 1, Act::CutAnswer(20_000));
    assert_eq!(read(&setting, &blob.digest, 50_000).unwrap(), blob.bytes);
    let there = storage.seen("GET", "object");
    assert_eq!(there.len(), 2);
    assert!(there.iter().all(|seen| seen.header("authorization").is_none()));
    assert!(there[1].header("range").is_some());
}

#[test]
fn redirects_end() {
    let setting = Setting::new();
    let place = format!("http://{}/v2/team/app/manifests/v1", setting.double.host());
    setting.double.fault("GET", "manifests", 99, Act::Answer(307, vec![("location", place)], String::new()));
    assert!(matches!(setting.repository().manifest(&tag()), Err(Error::Redirect { .. })));
    assert_eq!(setting.double.seen("GET", "manifests").len(), 11);
}
