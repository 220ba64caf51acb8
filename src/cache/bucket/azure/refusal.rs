//! What Azure says when it refuses.

use super::super::refusal::{Meaning, Said, named, refused};

/// What a refusal means to somebody, or to nobody.
pub(super) fn meaning(status: u16, said: &Said, is_nobody: bool) -> Meaning {
    let refused = |reason, help| refused(said, reason, help);
    match (said.code.as_str(), status) {
        ("ContainerNotFound" | "ContainerBeingDeleted", _) => {
            refused("there is no such container", "check its name, `account` and `endpoint`")
        }
        // A container that is not for everybody is said not to be there.
        ("ResourceNotFound" | "PublicAccessNotPermitted" | "NoAuthenticationInformation", _) | (_, 401 | 403)
            if is_nobody =>
        {
            refused(
                "it is not for everybody, and no credentials were found",
                "set AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, or run `az login`",
            )
        }
        ("InvalidAuthenticationInfo", 401) => Meaning::Expired(
            format!("the token has run out, or is for another tenant{}", named(&said.code)),
            "log in again with `az login`, or check AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET",
        ),
        ("AuthenticationFailed", _) => Meaning::Expired(
            format!("the key or token is not the account's, or has run out{}", named(&said.code)),
            "check AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, and this machine's clock",
        ),
        ("AuthorizationFailure", _) => refused(
            "access denied",
            "check AZURE_STORAGE_KEY, what these credentials may do, and the account's firewall",
        ),
        (_, 401 | 403) => refused(
            "access denied",
            "let these credentials read and write blobs of the container (the role `Storage Blob Data Contributor`, or a \
             SAS with `sp=rcw`)",
        ),
        _ => Meaning::Usual,
    }
}
