//! What Google says when it refuses.

use super::super::refusal::{Meaning, Said, named, refused};

/// What a refusal means to somebody, or to nobody.
pub(super) fn meaning(status: u16, said: &Said, is_nobody: bool) -> Meaning {
    let refused = |reason, help| refused(said, reason, help);
    match (said.code.as_str(), status) {
        ("NoSuchBucket", _) => refused("there is no such bucket", "check its name, and `endpoint`"),
        (_, 401 | 403) if is_nobody => refused(
            "it is not for everybody, and no credentials were found",
            "set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account, or run `gcloud auth application-default login`",
        ),
        ("ExpiredToken", _) | (_, 401) => Meaning::Expired(
            format!("the token has run out{}", named(&said.code)),
            "run `gcloud auth application-default login`, or renew the file that GOOGLE_APPLICATION_CREDENTIALS names",
        ),
        ("UserProjectMissing", _) => {
            refused("who reads it pays, and no project was named", "copy it to a bucket of one's own")
        }
        (_, 403) => refused(
            "access denied",
            "let these credentials read and list the bucket (storage.objects.get, storage.objects.list), and write it \
             (storage.objects.create, storage.objects.delete)",
        ),
        _ => Meaning::Usual,
    }
}
