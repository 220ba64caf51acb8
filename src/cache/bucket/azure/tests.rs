//! What is signed, and what refusals mean.

use super::super::signer::Signer;
use super::*;
use crate::cache::http::Authorize as _;

fn cloud(variables: &[(&str, &str)]) -> Cloud {
    let place = Place::parse("cache/a", &[("account", "ourteam")], &|_| None).unwrap();
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let envs = variables.chain([("AZURE_STORAGE_ACCOUNT_NAME".to_owned(), "ourteam".to_owned())]).collect();
    let context = Context::new().with_env(reqsign_core::StaticEnv { home_dir: None, envs });
    Cloud { place, is_trusted: true, is_anothers: false, context }
}

#[test]
fn what_is_signed_is_what_goes_out() {
    let url = "https://ourteam.blob.core.windows.net/cache/a/x".parse().unwrap();
    let headers = [("content-type", "text/plain"), ("if-none-match", "*")];
    let head = Head { method: "PUT", url: &url, headers: &headers, digest: Some("00"), length: Some(5) };
    let signed = Signer::new(cloud(&[("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")])).sign(&head).unwrap();
    let names: Vec<_> = signed.headers.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["authorization", "x-ms-date", "x-ms-version", "content-type", "if-none-match"] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert!(!names.contains(&"content-length"), "the client writes it");
    let shown = Signer::new(cloud(&[("AZURE_STORAGE_SAS_TOKEN", "sv=1&sig=s3cret")]));
    assert_eq!(shown.sign(&head).unwrap().target, format!("{url}?sv=1&sig=s3cret"));
    assert!(!format!("{shown:?}").contains("s3cret"));
}

#[test]
fn containers_are_kept_apart() {
    let cloud = cloud(&[]);
    let covers = |url: &str| signer::Cloud::covers(&cloud, &url.parse().unwrap());
    assert!(covers("https://ourteam.blob.core.windows.net/cache/b"));
    assert!(!covers("https://ourteam.blob.core.windows.net/others/b"));
    assert!(!covers("https://theirteam.blob.core.windows.net/cache/b"));
}

#[test]
fn refusals_are_told_apart() {
    let code = |status, code: &str, is_nobody| {
        let said = Said { code: code.to_owned(), ..Said::default() };
        refusal::meaning(status, &said, is_nobody)
    };
    assert!(matches!(code(401, "InvalidAuthenticationInfo", false), Meaning::Expired(..)));
    assert!(matches!(code(403, "AuthenticationFailed", false), Meaning::Expired(..)));
    assert!(
        matches!(code(404, "ResourceNotFound", true), Meaning::Refused(reason, _) if reason.contains("no credentials"))
    );
    assert!(matches!(code(404, "ContainerNotFound", false), Meaning::Refused(reason, _) if reason.contains("no such")));
    assert!(
        matches!(code(403, "AuthorizationPermissionMismatch", false), Meaning::Refused(reason, _) if reason.contains("denied"))
    );
    assert_eq!(code(404, "BlobNotFound", true), Meaning::Usual);
    assert_eq!(code(412, "ConditionNotMet", false), Meaning::Usual);
    assert_eq!(code(409, "BlobAlreadyExists", false), Meaning::Usual);
}
