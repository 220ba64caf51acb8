use super::*;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn referrer(subject: &Sha256, kind: &str) -> Vec<u8> {
    let subject = serde_json::json!({"digest": subject.oci(), "size": 1, "mediaType": MANIFEST});
    serde_json::json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": kind, "subject": subject, "annotations": {"a": "b"},
    })
    .to_string()
    .into_bytes()
}

#[test]
fn by_the_api_and_by_tag() {
    for api in [true, false] {
        let setting = Setting::new();
        setting.double.state().referrers = api;
        let repository = setting.repository();
        let subject = Sha256::of(b"subject");
        assert_eq!(repository.referrers(&subject, None).unwrap(), []);
        for kind in ["text/spdx", "text/spdx", "text/other"] {
            repository.put_referrer(&subject, MANIFEST, &referrer(&subject, kind)).unwrap();
        }
        let all = repository.referrers(&subject, None).unwrap();
        assert_eq!(all.len(), 2, "the same one is listed once");
        let one = repository.referrers(&subject, Some("text/other")).unwrap();
        let bytes = referrer(&subject, "text/other");
        assert_eq!(one.len(), 1);
        assert_eq!(
            (one[0].digest, one[0].size, one[0].media_type.as_str()),
            (Sha256::of(&bytes), bytes.len() as u64, MANIFEST)
        );
        let tagged =
            setting.double.state().manifests.contains_key(&("team/app".into(), format!("sha256-{}", subject.hex())));
        assert_eq!(tagged, !api);
    }
}
